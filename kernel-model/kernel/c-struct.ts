/**
 * C structures of the arm64 ABI as bytes: little endian, AAPCS64 layout; offsets are the caller's.
 */

const WIDE = 2 ** 53;

/**
 * An unsigned 64-bit value as a number. Values that no user address or size can have become one above every user address that
 * keeps the low bits, so that range and alignment checks see what the guest passed.
 */
export function clampedSize(value: bigint): number {
  return value < WIDE ? Number(value) : 2 ** 52 + Number(value & 0xffffffn);
}

/** A C structure on its way to or from user memory, little endian. */
export class CStruct {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(source: number | Uint8Array) {
    this.bytes = typeof source === "number" ? new Uint8Array(source) : source;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  i32(at: number): number {
    return this.view.getInt32(at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  /** A signed 64-bit field as a number, cut to the exact range. */
  i64(at: number): number {
    return Math.max(-(WIDE - 1), Math.min(WIDE - 1, Number(this.view.getBigInt64(at, true))));
  }

  /** An address or size field as a number; see clampedSize. */
  size(at: number): number {
    const value = this.u64(at);
    return clampedSize(value);
  }

  setU8(at: number, value: number): this {
    this.view.setUint8(at, value);
    return this;
  }

  setU16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  setU32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  /** A 64-bit field; numbers may be negative, Infinity is all ones (RLIM_INFINITY). */
  setU64(at: number, value: number | bigint): this {
    this.view.setBigUint64(at, value === Infinity ? 0xffff_ffff_ffff_ffffn : BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }

  setString(at: number, text: string): this {
    for (let i = 0; i < text.length; i++) this.view.setUint8(at + i, text.charCodeAt(i));
    return this;
  }
}
