/** The coverage map: which addresses of a program are mapped by single pages, contiguous runs and blocks. */
import { mapsPermissions } from "../../profile/profiler.js";
import { vmaName } from "../../../kernel-model/fs/procfs/maps.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MAPPING_KINDS, mappingRanges, type MappedBytes, type MappingKind, type MappingRange } from "../../observers/mapping-scan.js";

/** What maps one area. */
export interface AreaCoverage {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly name: string;
  readonly mapped: MappedBytes;
  /** In address order, clipped to the area. */
  readonly ranges: readonly MappingRange[];
}

/** A stretch of columns of a strip that look the same. */
export interface Cell {
  readonly kind: MappingKind | "unmapped";
  readonly columns: number;
  readonly start: number;
  readonly end: number;
}

/** The areas of an address space, as they are now. */
export function coverageOf(mm: MmStruct): AreaCoverage[] {
  const ranges = mappingRanges(mm);
  const areas: AreaCoverage[] = [];
  let first = 0;
  for (const vma of mm.vmas) {
    const { start, end } = vma;
    while (first < ranges.length && ranges[first]!.end <= start) first++;
    const own: MappingRange[] = [];
    for (let i = first; i < ranges.length && ranges[i]!.start < end; i++) {
      const range = ranges[i]!;
      own.push({ start: Math.max(range.start, start), end: Math.min(range.end, end), kind: range.kind });
    }
    const mapped = { page: 0, contiguous: 0, block: 0 };
    for (const range of own) mapped[range.kind] += range.end - range.start;
    areas.push({ start, end, permissions: mapsPermissions(vma), name: vmaName(vma), mapped, ranges: own });
  }
  return areas;
}

/**
 * An area as at most `columns` columns of equal size, joined where they look the same. A column shows what maps most of it; one of
 * which anything is mapped never looks unmapped.
 */
export function cellsOf({ start, end, ranges }: Pick<AreaCoverage, "start" | "end" | "ranges">, columns: number): Cell[] {
  const size = (end - start) / columns;
  const cells: Cell[] = [];
  let next = 0;
  for (let column = 0; column < columns; column++) {
    const [from, to] = [start + column * size, start + (column + 1) * size];
    const bytes: Record<MappingKind, number> = { page: 0, contiguous: 0, block: 0 };
    while (next < ranges.length && ranges[next]!.end <= from) next++;
    for (let i = next; i < ranges.length && ranges[i]!.start < to; i++) {
      const range = ranges[i]!;
      bytes[range.kind] += Math.min(range.end, to) - Math.max(range.start, from);
    }
    const most = MAPPING_KINDS.reduce((best, kind) => (bytes[kind] > bytes[best] ? kind : best));
    const kind = bytes[most] > 0 ? most : "unmapped";
    const last = cells.at(-1);
    if (last?.kind === kind) cells[cells.length - 1] = { ...last, columns: last.columns + 1, end: to };
    else cells.push({ kind, columns: 1, start: from, end: to });
  }
  return cells;
}
