/**
 * Guest RAM: one WebAssembly.Memory, seen as typed arrays by every part and executed in by every engine.
 *
 * The host commits a page of it where it is first touched, so a 4 GiB guest costs what it uses. RAM starts at
 * physical address 0; a physical address is the offset into the buffer.
 */
import type { Pa } from "../arch/addr.js";

const WASM_PAGE_BYTES = 65536;
/** A 32-bit WebAssembly.Memory ends at 4 GiB. */
export const MAX_MEMORY_BYTES = 65536 * WASM_PAGE_BYTES;

export class PhysicalMemory {
  readonly memory: WebAssembly.Memory;
  readonly bytes: number;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly u64: BigUint64Array;

  /** `bytes` of RAM, and `behind` bytes that an engine keeps for itself behind it: multiples of 64 KiB, at most 4 GiB together. */
  constructor(bytes: number, behind = 0) {
    if (!Number.isInteger(bytes) || bytes <= 0 || bytes % WASM_PAGE_BYTES !== 0 || behind % WASM_PAGE_BYTES !== 0 || bytes + behind > MAX_MEMORY_BYTES) {
      throw new RangeError(`PhysicalMemory: ${bytes} bytes is not a multiple of 64 KiB up to ${MAX_MEMORY_BYTES - behind}`);
    }
    const pages = (bytes + behind) / WASM_PAGE_BYTES;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.bytes = bytes;
    this.u8 = new Uint8Array(this.memory.buffer, 0, bytes);
    this.u32 = new Uint32Array(this.memory.buffer, 0, bytes / 4);
    this.u64 = new BigUint64Array(this.memory.buffer, 0, bytes / 8);
  }

  /** The 64-bit descriptor at `at` (8-byte aligned). */
  read64(at: Pa): bigint {
    return this.u64[at / 8]!;
  }

  write64(at: Pa, value: bigint): void {
    this.u64[at / 8] = value;
  }

  /** A view of `length` bytes at `at`; not a copy. */
  slice(at: Pa, length: number): Uint8Array {
    return this.u8.subarray(at, at + length);
  }

  copy(to: Pa, from: Pa, length: number): void {
    this.u8.copyWithin(to, from, from + length);
  }

  fill(at: Pa, length: number, value: number): void {
    this.u8.fill(value, at, at + length);
  }
}
