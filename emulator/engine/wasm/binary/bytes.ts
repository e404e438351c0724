/** A growing array of bytes with the integer encodings of the WebAssembly binary format (LEB128). */

/** Bytes of a 64-bit integer that is written before its value is known. */
export const PADDED_64 = 10;

export class Bytes {
  private array: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 256) {
    this.array = new Uint8Array(capacity);
  }

  /** Room for `more` bytes behind the end. */
  private reserve(more: number): void {
    if (this.length + more <= this.array.length) return;
    const larger = new Uint8Array(Math.max(this.array.length * 2, this.length + more));
    larger.set(this.array.subarray(0, this.length));
    this.array = larger;
  }

  byte(value: number): void {
    if (this.length === this.array.length) this.reserve(1);
    this.array[this.length++] = value;
  }

  /** An unsigned integer below 2^32. */
  unsigned(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.array[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.array[this.length++] = rest;
  }

  /** A signed 32-bit integer. */
  signed(value: number): void {
    this.reserve(5);
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.array[this.length++] = low;
        return;
      }
      this.array[this.length++] = low | 0x80;
    }
  }

  /** A signed 64-bit integer, given by any representative of its residue. A number has to be a safe integer. */
  signed64(value: bigint | number): void {
    if (typeof value === "number") {
      if ((value | 0) === value) this.signed(value);
      else this.signed64(BigInt(value));
      return;
    }
    let rest = BigInt.asIntN(64, value);
    if (rest >= -0x8000_0000n && rest <= 0x7fff_ffffn) {
      this.signed(Number(rest));
      return;
    }
    this.reserve(10);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
        this.array[this.length++] = low;
        return;
      }
      this.array[this.length++] = low | 0x80;
    }
  }

  /** A signed 64-bit integer in `PADDED_64` bytes at `at`, which have been written before. */
  patch64(at: number, value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (let byte = 0; byte < PADDED_64; byte++) {
      const more = byte < PADDED_64 - 1 ? 0x80 : 0;
      this.array[at + byte] = Number(rest & 0x7fn) | more;
      rest >>= 7n;
    }
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.array.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** What has been written; a view, valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.array.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
