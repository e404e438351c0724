/**
 * VMSAv8-64 stage-1 descriptors: the bits that the hardware reads or writes, and nothing that an OS adds.
 *
 * Two forms of every fact: bigint for code that is called a few times per fault, and words (the low and high u32 of the
 * descriptor, as they lie in RAM) for loops that see millions of descriptors.
 *
 * Arm: DDI 0487 D8.3 (translation table descriptor formats), D8.4 (permissions), D8.5 (hardware AF and dirty state).
 * Linux: arch/arm64/include/asm/pgtable-hwdef.h.
 */
import type { Pa } from "./addr.js";
import type { Granule, Level } from "./granule.js";

/** Bit 0: the descriptor is valid; 0 makes every other bit software's. */
export const DESC_VALID = 1n << 0n;
/** Bit 1: at levels 0 to 2 a table (1) or a block (0); at level 3 a page (1), 0 is reserved and faults. */
export const DESC_TABLE = 1n << 1n;
/** Bits 4:2: index into MAIR_EL1. */
export const DESC_ATTRINDX = 7n << 2n;
export const DESC_ATTRINDX_SHIFT = 2n;
/** Bit 5: non-secure; ignored in the Non-secure state. */
export const DESC_NS = 1n << 5n;
/** Bit 6, AP[1]: EL0 may access. */
export const DESC_AP1 = 1n << 6n;
/** Bit 7, AP[2]: read-only; with DBM set and TCR.HD it means writable and clean. */
export const DESC_AP2 = 1n << 7n;
/** Bits 9:8: shareability; output address bits 51:50 when TCR.DS = 1. */
export const DESC_SH = 3n << 8n;
export const DESC_SH_SHIFT = 8n;
/** Bit 10: access flag. */
export const DESC_AF = 1n << 10n;
/** Bit 11: not global, the entry belongs to one ASID. */
export const DESC_NG = 1n << 11n;
/** Bit 16 of a block: block translation entry is not to be cached (FEAT_BBM level 1). */
export const DESC_NT = 1n << 16n;
/** Bit 50: guarded page (FEAT_BTI). */
export const DESC_GP = 1n << 50n;
/** Bit 51: dirty bit modifier; hardware may clear AP[2] on a write. */
export const DESC_DBM = 1n << 51n;
/** Bit 52: one of a run of neighbours that may be cached as one entry. */
export const DESC_CONTIGUOUS = 1n << 52n;
/** Bit 53: EL1 may not execute. */
export const DESC_PXN = 1n << 53n;
/** Bit 54: EL0 may not execute. */
export const DESC_UXN = 1n << 54n;
/** Bits 58:55: ignored by hardware in a leaf. */
export const DESC_SOFTWARE = 0xfn << 55n;
/** Bits 62:60 of a leaf: permission overlay index (FEAT_S1POE). */
export const DESC_POINDEX = 7n << 60n;

/** Bit 59 of a table descriptor: no EL1 execution below. */
export const DESC_PXNTABLE = 1n << 59n;
/** Bit 60 of a table descriptor: no EL0 execution below. */
export const DESC_UXNTABLE = 1n << 60n;
/** Bit 61, APTable[0]: no EL0 access below. */
export const DESC_APTABLE0 = 1n << 61n;
/** Bit 62, APTable[1]: no writes below. */
export const DESC_APTABLE1 = 1n << 62n;
/** Bit 63 of a table descriptor: non-secure; ignored in the Non-secure state. */
export const DESC_NSTABLE = 1n << 63n;

/** Bits 47:12, the address field before the granule cuts its low end. */
const ADDRESS_47_12 = ((1n << 48n) - 1n) & ~0xfffn;

/** True if hardware looks at the descriptor at all. */
export function isValid(descriptor: bigint): boolean {
  return (descriptor & DESC_VALID) !== 0n;
}

/** True for a descriptor of `level` that points to a table of the next level. */
export function isTable(descriptor: bigint, level: Level): boolean {
  return level < 3 && (descriptor & (DESC_VALID | DESC_TABLE)) === (DESC_VALID | DESC_TABLE);
}

/** True for a block (where this granule allows one) or a page. Arm: D8.3.1; reserved encodings are neither table nor leaf. */
export function isLeaf(descriptor: bigint, granule: Granule, level: Level): boolean {
  if (!isValid(descriptor)) return false;
  const type = (descriptor & DESC_TABLE) !== 0n;
  return level === 3 ? type : !type && granule.levels[level]?.leaf === true;
}

/**
 * The bits of a leaf of `level` that hold the output address: 47 down to the size of what the descriptor maps. The 64K granule
 * has OA[51:48] in bits 15:12, which this mask does not include.
 */
export function outputAddressMask(granule: Granule, level: Level): bigint {
  const geometry = granule.levels[level];
  if (geometry === undefined) throw new RangeError(`outputAddressMask: the ${granule.name} granule with ${granule.vaBits} address bits has no level ${level}`);
  return ADDRESS_47_12 & ~(BigInt(geometry.size) - 1n);
}

/** The bits of a table descriptor that hold the address of the next table. */
export function nextTableMask(granule: Granule): bigint {
  return ADDRESS_47_12 & ~(BigInt(granule.pageSize) - 1n);
}

/** OA[51:48] of a 64K descriptor (FEAT_LPA); the other granules have them only with TCR.DS = 1, which foliolab does not use. */
function highOutputAddress(descriptor: bigint, granule: Granule): number {
  return granule.name === "64k" ? Number((descriptor >> 12n) & 0xfn) * 2 ** 48 : 0;
}

/** Physical address that a leaf of `level` maps its first byte to. */
export function outputAddress(descriptor: bigint, granule: Granule, level: Level): Pa {
  return (Number(descriptor & outputAddressMask(granule, level)) + highOutputAddress(descriptor, granule)) as Pa;
}

/** Physical address of the table that a table descriptor points to. */
export function nextTable(descriptor: bigint, granule: Granule): Pa {
  return (Number(descriptor & nextTableMask(granule)) + highOutputAddress(descriptor, granule)) as Pa;
}

/** True for a leaf at `level` that may be cached together with the rest of its aligned run. Bit 52 is RES0 where there are no runs. */
export function isContiguous(descriptor: bigint, granule: Granule, level: Level): boolean {
  return isLeaf(descriptor, granule, level) && (descriptor & DESC_CONTIGUOUS) !== 0n && granule.levels[level]!.contEntries > 0;
}

/** EL0 permissions of a leaf taken alone, as the hardware applies them without any update of its own. */
export interface LeafPermissions {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

/** Arm: D8.4.1, direct permissions at EL0 with stage-1 base permissions. Execution needs no read permission. */
export function el0Permissions(descriptor: bigint): LeafPermissions {
  const el0 = (descriptor & DESC_AP1) !== 0n;
  return { read: el0, write: el0 && (descriptor & DESC_AP2) === 0n, execute: (descriptor & DESC_UXN) === 0n };
}

// The same bits as words.

/** Low word. */
export const LO_VALID = 1 << 0;
export const LO_TABLE = 1 << 1;
export const LO_AP1 = 1 << 6;
export const LO_AP2 = 1 << 7;
export const LO_AF = 1 << 10;
export const LO_NG = 1 << 11;

/** High word. */
export const HI_DBM = 1 << (51 - 32);
export const HI_CONTIGUOUS = 1 << (52 - 32);
export const HI_UXN = 1 << (54 - 32);
export const HI_UXNTABLE = 1 << (60 - 32);
export const HI_APTABLE0 = 1 << (61 - 32);
export const HI_APTABLE1 = 1 << (62 - 32);

/** Bits of the low word that a page address never touches: attributes 11:2. */
export const LO_ATTRIBUTES = 0xffc;
/** Attribute bits of the high word: 63:48. */
export const HI_ATTRIBUTES = 0xffff0000 | 0;

/**
 * The frame number (output address / page size) in a leaf or table descriptor of the granule with this page shift, block or
 * page alike: bits below the page are not in the address field. Low bits of a block's frame that lie below its size are RES0
 * for the hardware and must be masked by the caller.
 */
export function frameOfWords(lo: number, hi: number, pageShift: number): number {
  const low = lo >>> pageShift;
  // Guest RAM lies below 4 GiB, so the common descriptor has no high address bits and needs no wide arithmetic.
  return (hi & 0xffff) === 0 && (pageShift !== 16 || (lo & 0xf000) === 0) ? low : wideFrame(lo, hi, low, pageShift);
}

function wideFrame(lo: number, hi: number, low: number, pageShift: number): number {
  const frame = low + (hi & 0xffff) * 2 ** (32 - pageShift);
  return pageShift === 16 ? frame + ((lo >>> 12) & 0xf) * 2 ** 32 : frame;
}
