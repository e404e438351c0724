/**
 * What a process had mapped when it ended, before its memory is released: coverage by contiguous runs, folios, tables.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import { frameOfWords, HI_CONTIGUOUS, LO_TABLE, LO_VALID } from "../../emulator/arch/descriptor.js";
import type { Level } from "../../emulator/arch/granule.js";
import { PTE_SPECIAL } from "../../kernel-model/arch/arm64/pgtable-prot.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";

/** In the high word of a descriptor. */
const HI_SPECIAL = Number(PTE_SPECIAL >> 32n);
/** More than the orders of folios. */
const MAX_ORDERS = 32;

export interface MmSnapshot {
  readonly mappedBytes: number;
  /** Of these under level-3 contiguous runs. */
  readonly mappedBytesCont: number;
  readonly pageTableBytes: number;
  /** Folios with at least one page mapped, by order; the zero page is none. */
  readonly folios: Readonly<Record<string, number>>;
}

/** Reads an address space without touching any counter. */
export function snapshotMm(mm: MmStruct): MmSnapshot {
  const { pages, granule, memory } = mm.sys;
  const { u32 } = memory;
  let mappedBytes = 0;
  let mappedBytesCont = 0;
  /** A bit for each head that was met, and how many were by order. */
  const met = new Uint32Array(Math.ceil(pages.nr / 32));
  const byOrder = new Uint32Array(MAX_ORDERS);
  const countFolios = (first: number, nr: number): void => {
    for (let page = first; page < first + nr; page++) {
      const head: number = pages.head(page as Pfn);
      const bit = 1 << (head & 31);
      if ((met[head >>> 5]! & bit) !== 0) continue;
      met[head >>> 5]! |= bit;
      byOrder[pages.order[head]!]!++;
    }
  };
  const visitTable = (table: number, level: Level): void => {
    const { entries, size } = granule.levels[level]!;
    const nr = 2 ** (granule.levels[level]!.shift - granule.pageShift);
    const end = table + entries * 2;
    for (let at = table; at < end; at += 2) {
      const lo = u32[at]!;
      if ((lo & LO_VALID) === 0) continue;
      const hi = u32[at + 1]!;
      const frame = frameOfWords(lo, hi, granule.pageShift);
      if (level < 3 && (lo & LO_TABLE) !== 0) {
        visitTable((frame * granule.pageSize) / 4, (level + 1) as Level);
        continue;
      }
      mappedBytes += size;
      if (level === 3 && (hi & HI_CONTIGUOUS) !== 0) mappedBytesCont += size;
      if ((hi & HI_SPECIAL) === 0) countFolios(frame, nr);
    }
  };
  visitTable(mm.pgd / 4, granule.startLevel);
  const folios: Record<string, number> = {};
  byOrder.forEach((nr, order) => {
    if (nr > 0) folios[order] = nr;
  });
  return { mappedBytes, mappedBytesCont, pageTableBytes: mm.pgtablesBytes, folios };
}
