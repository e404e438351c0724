/**
 * Address and count types, and the only place where wide numbers are shifted.
 *
 * Addresses are JavaScript numbers: 48- and 52-bit values are exact below 2^53. Bit operators cut to 32 bits, so
 * they are never applied to an address; the helpers here divide and multiply by powers of two, which is exact.
 * A sum of branded numbers is a plain number again, so a page count cannot land in a byte address unnoticed.
 */

declare const brand: unique symbol;
type Brand<Name extends string> = number & { readonly [brand]: Name };

/** A virtual address in bytes, untagged, in the TTBR0 half (below 2^48). */
export type Va = Brand<"Va">;
/** A physical address in bytes. Guest RAM starts at 0, so it is also the offset into the RAM buffer. */
export type Pa = Brand<"Pa">;
/** A virtual page number: va / page size of the translation granule. */
export type Vpn = Brand<"Vpn">;
/** A physical frame number: pa / page size of the translation granule. */
export type Pfn = Brand<"Pfn">;
/** log2 of a number of pages. */
export type Order = Brand<"Order">;
/** An address space identifier, 8 or 16 bits. */
export type Asid = Brand<"Asid">;

const WIDE = 2 ** 53;

function checked(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= WIDE) throw new RangeError(`${name}: ${value} is not an unsigned integer below 2^53`);
  return value;
}

/** Checking constructors. Hot paths cast (`as Va`) what they computed from checked values. */
export const va = (value: number): Va => checked(value, "va") as Va;
export const pa = (value: number): Pa => checked(value, "pa") as Pa;
export const vpn = (value: number): Vpn => checked(value, "vpn") as Vpn;
export const pfn = (value: number): Pfn => checked(value, "pfn") as Pfn;
export const order = (value: number): Order => checked(value, "order") as Order;
export const asid = (value: number): Asid => checked(value, "asid") as Asid;

/** Largest multiple of `size` (a power of two or any positive number) not above `value`. */
export function alignDown<T extends number>(value: T, size: number): T {
  // Of numbers that no one calls addresses some are negative; for all others the remainder of doubles is the slow way.
  return (value >= 0 ? Math.floor(value / size) * size : value - (value % size)) as T;
}

/** Smallest multiple of `size` not below `value`. */
export function alignUp<T extends number>(value: T, size: number): T {
  const rest = value % size;
  return (rest === 0 ? value : value - rest + size) as T;
}

/** True if `value` is a multiple of `size`. */
export function isAligned(value: number, size: number): boolean {
  return value % size === 0;
}

/** `value` shifted right by `bits`, for values beyond 32 bits. */
export function shiftRight(value: number, bits: number): number {
  return Math.floor(value / 2 ** bits);
}

/** Hexadecimal with 0x, for messages. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** log2 of a power of two. Throws for anything else: a size that is not a power of two is a bug here. */
export function log2(value: number): number {
  const bits = Math.log2(value);
  if (!Number.isInteger(bits)) throw new RangeError(`log2: ${value} is not a power of two`);
  return bits;
}
