/**
 * What a process had mapped when it ended, before its memory is released: coverage by contiguous runs, folios, tables.
 */
import { pteCont, pteSpecial, pteValid } from "../../kernel-model/arch/arm64/pte.js";
import { flattenPageTable } from "../../kernel-model/mm/check.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";

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
  const { pages, granule } = mm.sys;
  let mappedBytes = 0;
  let mappedBytesCont = 0;
  const heads = new Set<number>();
  for (const { start, end, level, attributes, target } of flattenPageTable(mm)) {
    if (!pteValid(attributes)) continue;
    mappedBytes += end - start;
    if (level === 3 && pteCont(attributes)) mappedBytesCont += end - start;
    if (pteSpecial(attributes)) continue;
    const first = target / granule.pageSize;
    for (let page = first; page < first + (end - start) / granule.pageSize; page++) heads.add(pages.compoundHead[page]!);
  }
  const folios: Record<string, number> = {};
  for (const head of [...heads].sort((a, b) => pages.order[a]! - pages.order[b]!)) {
    const order = String(pages.order[head]!);
    folios[order] = (folios[order] ?? 0) + 1;
  }
  return { mappedBytes, mappedBytesCont, pageTableBytes: mm.pgtablesBytes, folios };
}
