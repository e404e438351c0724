/**
 * Rules that need to know the folios behind the pages: one folio per block, copy-on-write, frames in use.
 *
 * Linux: arch/arm64/mm/contpte.c __contpte_try_fold(), mm/memory.c do_wp_page(), include/linux/page-flags.h PG_anon_exclusive.
 */
import { hex } from "../../emulator/arch/addr.js";
import { outputAddress } from "../../emulator/arch/descriptor.js";
import type { Granule, Level } from "../../emulator/arch/granule.js";
import type { DumpFolio } from "../../emulator/validate/dump-format.js";
import type { Finding, RunFinding } from "../../emulator/validate/rules-arm.js";
import { pteSpecial, pteValid, pteValidCont, pteWrite } from "../../kernel-model/arch/arm64/pte.js";
import { linuxFinding } from "./rules-linux.js";

/** The folios of a dump, by frame. */
export class FolioIndex {
  private readonly folios: readonly DumpFolio[];
  private readonly granule: Granule;
  private readonly exclusive = new Set<number>();
  /** Exclusive frames that an entry has been seen to map. */
  private readonly mapped = new Set<number>();

  constructor(folios: readonly DumpFolio[], granule: Granule) {
    this.folios = [...folios].sort((a, b) => a.head - b.head);
    this.granule = granule;
    for (const folio of folios) for (const frame of folio.exclusive) this.exclusive.add(frame);
  }

  /** The folio that contains the frame. */
  find(frame: number): DumpFolio | undefined {
    let low = 0;
    let high = this.folios.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.folios[middle]!.head <= frame) low = middle + 1;
      else high = middle;
    }
    const folio = this.folios[low - 1];
    return folio !== undefined && frame < folio.head + 2 ** folio.order ? folio : undefined;
  }

  private frameOf(value: bigint, level: Level): number {
    return outputAddress(value, this.granule, level) / this.granule.pageSize;
  }

  /** One valid leaf. To be called once per leaf of an address space, since a second mapping of an exclusive page is a finding. */
  checkLeaf(value: bigint, level: Level): Finding[] {
    if (!pteValid(value) || pteSpecial(value)) return [];
    const frame = this.frameOf(value, level);
    const folio = this.find(frame);
    if (folio === undefined) return [linuxFinding("L-FRAME", `${hex(value)} maps frame ${hex(frame)}, which no folio of the dump contains`)];
    const found: Finding[] = [];
    if (level < 3 && (frame !== folio.head || 2 ** folio.order * this.granule.pageSize < this.granule.levels[level]!.size)) {
      found.push(linuxFinding("L-PMD-FOLIO", `${hex(value)} maps frame ${hex(frame)} of folio ${hex(folio.head)}, order ${folio.order}`));
    }
    if (!folio.anon) return found;
    // For a folio mapped by a block the bit of its first page stands for all.
    if (!this.exclusive.has(frame)) {
      if (pteWrite(value)) found.push(linuxFinding("L-COW", `${hex(value)} is writable, page ${hex(frame)} of folio ${hex(folio.head)} is not exclusive`));
      return found;
    }
    if (this.mapped.has(frame)) found.push(linuxFinding("L-EXCLUSIVE-TWICE", `page ${hex(frame)} is exclusive and mapped a second time`));
    this.mapped.add(frame);
    return found;
  }

  /** An aligned group of level-3 entries at least one of which is valid and contiguous. */
  checkRun(values: readonly bigint[]): RunFinding[] {
    const first = values.findIndex(pteValidCont);
    if (first < 0) return [];
    const folio = this.find(this.frameOf(values[first]!, 3));
    const odd = values.findIndex((value) => pteValid(value) && this.find(this.frameOf(value, 3)) !== folio);
    if (odd < 0) return [];
    const other = this.find(this.frameOf(values[odd]!, 3));
    const name = (found: DumpFolio | undefined): string => (found === undefined ? "no folio" : `folio ${hex(found.head)} of order ${found.order}`);
    return [{ ...linuxFinding("L-CONT-FOLIO", `entry ${first} maps ${name(folio)}, entry ${odd} ${name(other)}`), index: odd }];
  }
}
