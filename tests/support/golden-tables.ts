/**
 * Page tables rebuilt from the recordings of real Linux: each record's run-length coded layout becomes level-3 and level-2 descriptors in
 * memory, and the folios that the record names.
 */
import { readFileSync } from "node:fs";
import { granule, type GranuleName } from "../../emulator/arch/granule.js";
import { encodeTcr } from "../../emulator/arch/sysreg.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { RamTables, type TableRegime } from "../../emulator/validate/table-memory.js";
import type { DumpFolio } from "../../emulator/validate/dump-format.js";
import type { GoldenRecord } from "../../lab/golden/record.js";
import { PageTables } from "../emulator/mmu/page-table-builder.js";

export const RECORDINGS: readonly (readonly [file: string, name: GranuleName, vaBits: number])[] = [
  ["4k-neoverse-n1", "4k", 48],
  ["4k-cortex-a72", "4k", 48],
  ["16k-neoverse-n1", "16k", 47],
  ["64k-neoverse-n1", "64k", 48],
];

/** Table attributes as Linux writes them: PXNTable. */
const PXN_TABLE = 1n << 59n;
const MAIR = 0x0000_0004_0044_ffffn;

export interface GoldenTable {
  readonly key: string;
  readonly record: GoldenRecord;
  readonly memory: PhysicalMemory;
  readonly regime: TableRegime;
  readonly tables: RamTables;
  /** Undefined where the record does not place its folios: single pages at scattered addresses. */
  readonly folios: readonly DumpFolio[] | undefined;
}

export function goldenRecords(file: string): GoldenRecord[] {
  const { records } = JSON.parse(readFileSync(`golden/linux-6.12/${file}.json`, "utf8")) as { records: GoldenRecord[] };
  return records.filter(({ runs }) => runs !== undefined && runs.length > 0);
}

/** One memory for all tables of a recording: cleared between them. */
export class GoldenTables {
  private readonly name: GranuleName;
  private readonly vaBits: number;
  private readonly memory: PhysicalMemory;

  constructor(name: GranuleName, vaBits: number) {
    this.name = name;
    this.vaBits = vaBits;
    this.memory = new PhysicalMemory(8 * 2 ** 20);
  }

  rebuild(record: GoldenRecord): GoldenTable {
    const { name, vaBits, memory } = this;
    memory.u8.fill(0);
    const root = 0x40000;
    const builder = new PageTables(name, vaBits, memory.bytes, memory, root);
    const geometry = granule(name, vaBits);
    const { pageSize, pmdSize } = geometry;
    const start = Number(`0x${record.va}`);
    const folios = new Map<number, DumpFolio>();
    let scattered = false;
    for (const run of record.runs ?? []) {
      const [page, nr, pteHex, pmdHex, order, index, , , , flags, , , mark] = run;
      scattered ||= mark === "s";
      const pte = BigInt(`0x${pteHex}`);
      const pmd = BigInt(`0x${pmdHex}`);
      if (pmd !== 0n || (pteHex !== "0" && (pte & 2n) === 0n)) {
        // A block: the record has it in one of the two columns, with the address of the run's first page or of the block.
        const block = (pmd !== 0n ? pmd : pte) & ~(BigInt(pmdSize - pageSize));
        for (let at = page; at < page + nr; ) {
          const va = start + at * pageSize;
          const first = va - (va % pmdSize);
          builder.map(first, 2, block + BigInt(first - (start + page * pageSize - ((start + page * pageSize) % pmdSize))), PXN_TABLE);
          at = (first + pmdSize - start) / pageSize;
        }
      } else if (pte !== 0n) {
        for (let i = 0; i < nr; i++) builder.map(start + (page + i) * pageSize, 3, pte + BigInt(i * pageSize), PXN_TABLE);
      }
      const value = pmd !== 0n ? pmd : pte;
      if (value === 0n || (flags & 128) !== 0) continue;
      // Folios follow each other in full within a run; the first page may lie inside one.
      const frame = Number(value & 0xffff_ffff_f000n) / pageSize;
      for (let at = frame - index; at < frame + nr; at += 2 ** order) {
        const before = folios.get(at);
        const from = Math.max(at, frame);
        const to = Math.min(at + 2 ** order, frame + nr);
        const exclusive = (flags & 2) === 0 ? [] : Array.from({ length: to - from }, (_, i) => from + i);
        folios.set(at, { head: at, order, anon: (flags & 1) !== 0, exclusive: [...(before?.exclusive ?? []), ...exclusive] });
      }
    }
    const tcr = encodeTcr({ granule: name, vaBits, oaBits: 48, ha: false, hd: false, asid16: true });
    const registers = { ttbr0: (1n << 48n) | BigInt(root), tcr, mair: MAIR };
    return {
      key: `${record.prog} ${record.cfg} ${record.step}`,
      record,
      memory,
      regime: { registers, granule: geometry, root: root as TableRegime["root"], oaBits: 48, ha: false, hd: false, mair: MAIR },
      tables: new RamTables(memory),
      folios: scattered ? undefined : [...folios.values()],
    };
  }
}
