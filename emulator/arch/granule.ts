/**
 * Translation granules: one formula for levels, index widths, block sizes and contiguous runs.
 *
 * Arm: DDI 0487 D8.2 (translation granules and levels), table D8-104 (contiguous runs).
 * Linux: arch/arm64/include/asm/pgtable-hwdef.h ARM64_HW_PGTABLE_LEVEL_SHIFT.
 */
import type { Va } from "./addr.js";

export const GRANULE_NAMES = ["4k", "16k", "64k"] as const;
export type GranuleName = (typeof GRANULE_NAMES)[number];
export type Level = 0 | 1 | 2 | 3;

export interface LevelGeometry {
  readonly level: Level;
  /** log2 of the bytes that one entry of this level maps. */
  readonly shift: number;
  /** Bytes that one entry of this level maps. */
  readonly size: number;
  /** Entries in a table of this level. The table of the start level may be smaller than a page. */
  readonly entries: number;
  /** A block (or, at level 3, page) descriptor may stand here. */
  readonly leaf: boolean;
  /** Descriptors in a contiguous run of this level, 0 if bit 52 is RES0 here. */
  readonly contEntries: number;
}

export interface Granule {
  readonly name: GranuleName;
  readonly pageShift: number;
  readonly pageSize: number;
  readonly vaBits: number;
  readonly startLevel: Level;
  /** Indexed by level number; levels above startLevel are undefined. */
  readonly levels: readonly (LevelGeometry | undefined)[];
  /** Descriptors in a level-3 contiguous run (Linux CONT_PTES): 16, 128, 32. */
  readonly contPtes: number;
  /** Bytes of a level-3 contiguous run (Linux CONT_PTE_SIZE): 64K, 2M, 2M. */
  readonly contPteSize: number;
  /** Entries of a full table: 512, 2048, 8192. */
  readonly ptrsPerTable: number;
  /** log2 of the pages under one level-2 block (Linux HPAGE_PMD_ORDER): 9, 11, 13. */
  readonly pmdOrder: number;
  /** Bytes of a level-2 block (Linux PMD_SIZE): 2M, 32M, 512M. */
  readonly pmdSize: number;
}

interface Facts {
  readonly pageShift: number;
  /** Lowest level that may hold a block. */
  readonly firstBlockLevel: Level;
  /** log2 of the run length per level 1, 2, 3; -1 where bit 52 is RES0. Arm: table D8-104. */
  readonly contShift: readonly [number, number, number];
}

const FACTS: Readonly<Record<GranuleName, Facts>> = {
  "4k": { pageShift: 12, firstBlockLevel: 1, contShift: [4, 4, 4] },
  "16k": { pageShift: 14, firstBlockLevel: 2, contShift: [-1, 5, 7] },
  "64k": { pageShift: 16, firstBlockLevel: 2, contShift: [-1, 5, 5] },
};

/**
 * The geometry of a granule with the given virtual address width (bits, 25 to 48).
 * Arm: D8.2.1, start level from TCR_ELx.TxSZ.
 */
export function granule(name: GranuleName, vaBits = 48): Granule {
  if (!Number.isInteger(vaBits) || vaBits < 25 || vaBits > 48) throw new RangeError(`granule: ${vaBits} virtual address bits are outside 25 to 48`);
  const { pageShift, firstBlockLevel, contShift } = FACTS[name];
  const bitsPerLevel = pageShift - 3;
  const nrLevels = Math.ceil((vaBits - pageShift) / bitsPerLevel);
  const startLevel = (4 - nrLevels) as Level;
  const levels: (LevelGeometry | undefined)[] = [undefined, undefined, undefined, undefined];
  for (let n = startLevel; n <= 3; n = (n + 1) as Level) {
    const shift = pageShift + bitsPerLevel * (3 - n);
    const cont = n === 0 ? -1 : contShift[n - 1]!;
    levels[n] = {
      level: n,
      shift,
      size: 2 ** shift,
      entries: n === startLevel ? 2 ** (vaBits - shift) : 2 ** bitsPerLevel,
      leaf: n >= firstBlockLevel,
      contEntries: cont < 0 ? 0 : 2 ** cont,
    };
  }
  const contPtes = 2 ** contShift[2];
  return {
    name,
    pageShift,
    pageSize: 2 ** pageShift,
    vaBits,
    startLevel,
    levels,
    contPtes,
    contPteSize: contPtes * 2 ** pageShift,
    ptrsPerTable: 2 ** bitsPerLevel,
    pmdOrder: bitsPerLevel,
    pmdSize: 2 ** (pageShift + bitsPerLevel),
  };
}

/** Index of `address` in a table of `level`. */
export function tableIndex(geometry: LevelGeometry, address: Va): number {
  return Math.floor(address / geometry.size) % geometry.entries;
}
