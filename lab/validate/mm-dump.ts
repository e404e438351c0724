/** The page table of an address space of the model as a dump: tables, registers, folios. */
import type { Asid, Pfn } from "../../emulator/arch/addr.js";
import { outputAddress } from "../../emulator/arch/descriptor.js";
import { encodeTcr, encodeTtbr0, MAIR_LINUX } from "../../emulator/arch/sysreg.js";
import { kindOf } from "../../emulator/validate/descriptor-fields.js";
import { type DumpFolio, formatRawDump } from "../../emulator/validate/dump-format.js";
import { RamTables, type TableRegime, tableRegime } from "../../emulator/validate/table-memory.js";
import { visitTables } from "../../emulator/validate/visit-tables.js";
import { pteSpecial } from "../../kernel-model/arch/arm64/pte.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { PG_ANON, PG_ANON_EXCLUSIVE } from "../../kernel-model/mm/page.js";

/** Output addresses of the model's CPUs. */
const OA_BITS = 48;

/** The registers under which an address space runs, and what they mean. */
export function mmRegime(mm: MmStruct): TableRegime {
  const { granule, cpu } = mm.sys;
  return tableRegime({
    ttbr0: encodeTtbr0(mm.pgd, (mm.contextId % 65536) as Asid),
    tcr: encodeTcr({ granule: granule.name, vaBits: granule.vaBits, oaBits: OA_BITS, ha: cpu.hardwareAf, hd: cpu.hardwareDirty, asid16: cpu.asidBits === 16 }),
    mair: MAIR_LINUX,
  });
}

/** The folios that the address space maps, by frame. */
export function mmFolios(mm: MmStruct): DumpFolio[] {
  const { pages, granule, memory } = mm.sys;
  const heads = new Set<number>();
  visitTables(new RamTables(memory), mmRegime(mm), {
    table({ words, level, context }) {
      for (const value of words) {
        if (value === 0n) continue;
        const kind = kindOf(value, context);
        if ((kind !== "page" && kind !== "block") || pteSpecial(value)) continue;
        const frame = outputAddress(value, granule, level) / granule.pageSize;
        if (frame < pages.nr) heads.add(pages.head(frame as Pfn));
      }
    },
    problem: () => undefined,
  });
  return [...heads]
    .sort((a, b) => a - b)
    .map((head) => {
      const order = pages.folioOrder(head as Pfn);
      const frames = Array.from({ length: 2 ** order }, (_, i) => head + i);
      return { head, order, anon: pages.test(head as Pfn, PG_ANON), exclusive: frames.filter((frame) => pages.test(frame as Pfn, PG_ANON_EXCLUSIVE)) };
    });
}

/** What `foliolab ptdump --raw` prints: header, folios, one line per descriptor. Changes nothing and counts nothing. */
export function formatRawDumpOfMm(mm: MmStruct): string {
  return formatRawDump(new RamTables(mm.sys.memory), mmRegime(mm), mmFolios(mm));
}
