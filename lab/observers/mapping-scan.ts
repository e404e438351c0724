/**
 * What maps an address space: single pages, contiguous runs or blocks. Reads the descriptors in guest memory and moves no counter.
 *
 * Arm: DDI 0487 D8.3 (descriptor formats), D8.7.1 (contiguous bit).
 */
import { frameOfWords } from "../../emulator/arch/descriptor.js";
import type { Level } from "../../emulator/arch/granule.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";

/** "contiguous": level-3 descriptors with bit 52. "block": level-2 or level-1 descriptors. */
export const MAPPING_KINDS = ["page", "contiguous", "block"] as const;
export type MappingKind = (typeof MAPPING_KINDS)[number];

/** Neighbouring addresses that are mapped in the same way, wherever they lead. */
export interface MappingRange {
  readonly start: number;
  readonly end: number;
  readonly kind: MappingKind;
}

export type MappedBytes = Readonly<Record<MappingKind, number>>;

const VALID = 1 << 0;
const TABLE = 1 << 1;
/** Bit 52, in the high word. */
const HI_CONTIGUOUS = 1 << 20;

/** Calls `visit` for every valid leaf, in address order. */
function visitLeaves(mm: MmStruct, visit: (address: number, bytes: number, kind: MappingKind) => void): void {
  const { granule, memory } = mm.sys;
  const { u32 } = memory;
  const visitTable = (table: number, level: Level, base: number): void => {
    const geometry = granule.levels[level]!;
    const end = table + geometry.entries * 2;
    for (let at = table, address = base; at < end; at += 2, address += geometry.size) {
      const lo = u32[at]!;
      if ((lo & VALID) === 0) continue;
      const hi = u32[at + 1]!;
      if (level === 3) visit(address, geometry.size, (hi & HI_CONTIGUOUS) === 0 ? "page" : "contiguous");
      else if ((lo & TABLE) === 0) visit(address, geometry.size, "block");
      else visitTable((frameOfWords(lo, hi, granule.pageShift) * granule.pageSize) / 4, (level + 1) as Level, address);
    }
  };
  visitTable(mm.pgd / 4, granule.startLevel, 0);
}

/** Mapped bytes by kind. PROT_NONE and swap entries are not valid and count as unmapped. */
export function mappedBytes(mm: MmStruct): MappedBytes {
  const sums = { page: 0, contiguous: 0, block: 0 };
  visitLeaves(mm, (_address, bytes, kind) => {
    sums[kind] += bytes;
  });
  return sums;
}

/** The address space as ranges, in address order. */
export function mappingRanges(mm: MmStruct): MappingRange[] {
  const ranges: MappingRange[] = [];
  visitLeaves(mm, (address, bytes, kind) => {
    const last = ranges.at(-1);
    if (last?.end === address && last.kind === kind) ranges[ranges.length - 1] = { ...last, end: address + bytes };
    else ranges.push({ start: address, end: address + bytes, kind });
  });
  return ranges;
}
