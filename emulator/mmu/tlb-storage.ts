/**
 * Where the arrays of TLB models lie: each by itself, or all in one WebAssembly memory, where the fast path's code works on them (consume-code.ts, resolve-code.ts).
 *
 * Nothing is given back: what grows takes a new place of twice the size, so that all it ever had is less than twice what it has.
 */
import { ModelBug } from "../arch/errors.js";

/**
 * Of this address space the host commits what is touched. The index and what analyses keep beside a hierarchy; each hierarchy: enough for as many pages as an index
 * ever tells apart, with all the places that were too small on the way.
 */
const BASE_PAGES = 768;
const HIERARCHY_PAGES = 1280;
const ALIGNMENT = 64;

/** Elements of an array that has to take so many: a power of two, so that what grows step by step does not take a new place at every step. */
export function roomFor(elements: number): number {
  return 2 ** Math.max(10, Math.ceil(Math.log2(elements)));
}

export class TlbStorage {
  /** Address 0 stays free. */
  private used = ALIGNMENT;

  private constructor(readonly memory: WebAssembly.Memory | undefined) {}

  /** One memory for so many hierarchies. */
  static inMemory(hierarchies = 1): TlbStorage {
    const pages = BASE_PAGES + hierarchies * HIERARCHY_PAGES;
    return new TlbStorage(new WebAssembly.Memory({ initial: pages, maximum: pages }));
  }

  /** Arrays of JavaScript: enough for structures that are looked up one by one. */
  static apart(): TlbStorage {
    return new TlbStorage(undefined);
  }

  /** Zeroed words. */
  int32(length: number): Int32Array {
    return this.memory === undefined ? new Int32Array(length) : new Int32Array(this.memory.buffer, this.take(4 * length), length);
  }

  uint32(length: number): Uint32Array {
    return this.memory === undefined ? new Uint32Array(length) : new Uint32Array(this.memory.buffer, this.take(4 * length), length);
  }

  int16(length: number): Int16Array {
    return this.memory === undefined ? new Int16Array(length) : new Int16Array(this.memory.buffer, this.take(2 * length), length);
  }

  float64(length: number): Float64Array {
    return this.memory === undefined ? new Float64Array(length) : new Float64Array(this.memory.buffer, this.take(8 * length), length);
  }

  private take(bytes: number): number {
    const at = this.used;
    this.used += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (this.used > this.memory!.buffer.byteLength) throw new ModelBug(`TlbStorage: ${bytes} bytes at ${at}`);
    return at;
  }
}
