/**
 * Loads and stores of one function.
 *
 * An access asks the table of the pages that the filter holds in line (held-pages.ts), and calls the runtime for a page that it does not lead to. Either
 * way it has a time: that of its block, less two for each access of the block before it.
 */
import type { Code, Local } from "./binary/code.js";
import { I16X8, I32, I32X4, I64, I64X2, I8X16, TYPE_EMPTY, TYPE_I32, TYPE_I64, TYPE_V128, V128, type ValueType } from "./binary/opcodes.js";
import { pushTime } from "./account.js";
import { ACCESS_PC, RUN } from "./layout.js";
import type { LoopAccess, LoopPages } from "./loop-pages.js";
import type { RuntimeFunction } from "./runtime.js";
import { NOWHERE, pushElsewhere, pushPlace, TOUCHES } from "./runtime-filter.js";

const LOADS = { 1: I64.load8U, 2: I64.load16U, 4: I64.load32U, 8: I64.load } as const;
const STORES = { 1: I64.store8, 2: I64.store16, 4: I64.store32, 8: I64.store } as const;
const VECTOR_BYTES = 16;
export type AccessBytes = 1 | 2 | 4 | 8;

/** Bytes that the address of an access has to be a multiple of. */
function alignmentOf(bytes: AccessBytes, aligned: boolean | 16): number {
  return aligned === false ? 1 : aligned === true ? bytes : aligned;
}

/** What the accesses need of the function that they belong to. */
export interface AccessHost {
  readonly code: Code;
  readonly pc: number;
  /** Number of the instruction in its block. */
  readonly index: number;
  /** Where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  /** Note the PC of each access. */
  readonly tracePcs: boolean;
  /** Local of the account. */
  readonly account: Local;
  callRuntime(name: RuntimeFunction): void;
  temp(type: ValueType): Local;
  /** Leaves the function because an access was refused; `run`: it was one of a run of them. */
  refuse(run: "load" | "store" | undefined): void;
}

/** What `elsewhere` leaves of a page: its entry in the table, and where on it the access lies. */
interface HeldEntry {
  readonly entry: Local;
  readonly offset: Local;
}

export class MemoryAccess {
  private readonly host: AccessHost;
  /** The time of the block. */
  readonly time: Local;
  /** The code is that of a loop with its pages in locals. */
  loop: LoopPages | undefined;
  /** Accesses of the block so far, runs as one. */
  accesses: LoopAccess[] = [];
  /** The same, each by itself. */
  private made = 0;

  constructor(host: AccessHost) {
    this.host = host;
    this.time = host.code.local(TYPE_I32);
  }

  /** A block begins, and has paid. */
  startBlock(loop?: LoopPages): void {
    this.startLoop(loop);
    pushTime(this.host.code.get(this.host.account)).set(this.time);
  }

  /** One of the two codes of a loop begins (loop-pages.ts). */
  startLoop(loop?: LoopPages): void {
    this.loop = loop;
    loop?.start();
    this.made = 0;
    this.accesses = [];
  }

  private count(write: boolean, bytes: number, accesses = 1): void {
    this.accesses.push({ index: this.host.index, write, bytes, before: this.made });
    this.made += accesses;
  }

  /** Pushes the place of the access if it is one of a loop that runs without looking up. */
  private quick(at: Local, alignment = 1): boolean {
    const { loop } = this;
    if (loop?.slow === undefined) {
      loop?.note(at);
      return false;
    }
    loop.pushPlace(at, alignment);
    return true;
  }

  /** Pushes the time of the next access. */
  private pushTime(): void {
    this.host.code.get(this.time).i32(TOUCHES * (this.made + 1)).op(I32.sub);
  }

  private notePc(): void {
    const { host } = this;
    if (host.tracePcs) host.code.i32(host.base + ACCESS_PC).i64(host.pc).memory(I64.store, 0);
  }

  /** Calls the runtime; the arguments before the time stand on the stack. */
  private callSlow(name: RuntimeFunction, alignment?: number): void {
    this.pushTime();
    if (alignment !== undefined) this.host.code.i32(alignment);
    this.host.callRuntime(name);
  }

  /** The address of an access in a local. */
  private address(address: Local, offset: number): Local {
    if (offset === 0) return address;
    const { host } = this;
    const sum = host.temp(TYPE_I64);
    host.code.get(address).i64(offset).op(I64.add).set(sum);
    return sum;
  }

  /** Pushes whether `bytes` at the address have to be found by the runtime, or are not at a multiple of `alignment`. */
  private elsewhere(at: Local, bytes: number, write: boolean, alignment = 1): HeldEntry {
    const { host } = this;
    const { code } = host;
    const held = { entry: host.temp(TYPE_I32), offset: host.temp(TYPE_I64) };
    pushElsewhere(code, host.base, host.pageSize, bytes, write, at, held.entry, held.offset);
    if (alignment > 1) code.get(at).i64(alignment - 1).op(I64.and).i64(0).op(I64.ne).op(I32.or);
    return held;
  }

  private pushPlace({ entry, offset }: HeldEntry): void {
    pushPlace(this.host.code, this.host.base, entry, offset, () => {
      this.pushTime();
    });
  }

  /** Leaves the place of a load in the local; `find` pushes it by calling the runtime. */
  private slowPlace(place: Local, run: "load" | "store" | undefined, find: () => void): void {
    const { host } = this;
    const { code } = host;
    this.notePc();
    find();
    code.tee(place).i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
    host.refuse(run);
    code.end();
  }

  load(bytes: AccessBytes, address: Local, offset: number, aligned: boolean | 16): void {
    const { host } = this;
    const { code } = host;
    const at = this.address(address, offset);
    const alignment = alignmentOf(bytes, aligned);
    if (this.quick(at, alignment)) {
      this.count(false, bytes);
      code.memory(LOADS[bytes], 0);
      return;
    }
    const place = host.temp(TYPE_I32);
    const find = (): void => {
      code.get(at).i32(bytes);
      if (aligned === false) this.callSlow("load");
      else this.callSlow("loadAligned", alignment);
    };
    const held = this.elsewhere(at, bytes, false, alignment);
    code.if(TYPE_EMPTY);
    this.slowPlace(place, undefined, find);
    code.else();
    this.pushPlace(held);
    code.set(place).end();
    this.count(false, bytes);
    code.get(place).memory(LOADS[bytes], 0);
  }

  store(bytes: AccessBytes, address: Local, offset: number, value: Local, aligned: boolean | 16): void {
    const { host } = this;
    const { code } = host;
    const at = this.address(address, offset);
    const alignment = alignmentOf(bytes, aligned);
    if (this.quick(at, alignment)) {
      this.count(true, bytes);
      code.get(value).memory(STORES[bytes], 0);
      return;
    }
    const held = this.elsewhere(at, bytes, true, alignment);
    code.if(TYPE_EMPTY);
    this.notePc();
    code.get(at).i32(bytes).get(value);
    if (aligned === false) this.callSlow("store");
    else this.callSlow("storeAligned", alignment);
    code.if(TYPE_EMPTY);
    host.refuse(undefined);
    code.end().else();
    this.pushPlace(held);
    code.get(value).memory(STORES[bytes], 0).end();
    this.count(true, bytes);
  }

  /** Leaves the address of the bytes of a run in the local. */
  private runPlace(bytes: AccessBytes, total: number, at: Local, place: Local): void {
    const { host } = this;
    const { code } = host;
    if (this.quick(at)) {
      this.count(false, total, total / bytes);
      code.set(place);
      return;
    }
    const find = (): void => {
      code.get(at).i32(bytes).i32(total);
      this.callSlow("loadRun");
    };
    const held = this.elsewhere(at, total, false);
    code.if(TYPE_EMPTY);
    this.slowPlace(place, "load", find);
    code.else();
    this.pushPlace(held);
    code.set(place).end();
    this.count(false, total, total / bytes);
  }

  loadPair(bytes: 4 | 8, address: Local, offset: number): readonly [Local, Local] {
    const { host } = this;
    const { code } = host;
    const place = host.temp(TYPE_I32);
    this.runPlace(bytes, 2 * bytes, this.address(address, offset), place);
    const pair = [host.temp(TYPE_I64), host.temp(TYPE_I64)] as const;
    code.get(place).memory(LOADS[bytes], 0).set(pair[0]).get(place).memory(LOADS[bytes], bytes).set(pair[1]);
    return pair;
  }

  loadRun(bytes: AccessBytes, count: number, address: Local, offset: number): Local[] {
    const { host } = this;
    const { code } = host;
    const total = bytes * count;
    const place = host.temp(TYPE_I32);
    this.runPlace(bytes, total, this.address(address, offset), place);
    const vectors: Local[] = [];
    for (let at = 0; at < total; at += VECTOR_BYTES) {
      const vector = host.temp(TYPE_V128);
      code.get(place).memory(V128.load, at);
      const present = Math.min(VECTOR_BYTES, total - at);
      if (present < VECTOR_BYTES) {
        const mask = (1n << BigInt(8 * present)) - 1n;
        code.v128(mask, mask >> 64n).op(V128.and);
      }
      code.set(vector);
      vectors.push(vector);
    }
    return vectors;
  }

  /** Writes the bytes of the vectors to the place that `place` pushes. */
  private putVectors(total: number, values: readonly Local[], place: () => void): void {
    const { code } = this.host;
    for (let at = 0; at < total;) {
      const vector = values[Math.floor(at / VECTOR_BYTES)]!;
      const within = at % VECTOR_BYTES;
      const size = ([16, 8, 4, 2, 1] as const).find((bytes) => bytes <= total - at && within % bytes === 0)!;
      place();
      code.get(vector);
      if (size === 16) code.memory(V128.store, at);
      else if (size === 8) code.lane(I64X2.extractLane, within / 8).memory(I64.store, at);
      else if (size === 4) code.lane(I32X4.extractLane, within / 4).memory(I32.store, at);
      else if (size === 2) code.lane(I16X8.extractLaneU, within / 2).memory(I32.store16, at);
      else code.lane(I8X16.extractLaneU, within).memory(I32.store8, at);
      at += size;
    }
  }

  storePair(bytes: 4 | 8, address: Local, offset: number, first: Local, second: Local): void {
    this.runStore(bytes, 2 * bytes, this.address(address, offset), (place) => {
      const { code } = this.host;
      place();
      code.get(first).memory(STORES[bytes], 0);
      place();
      code.get(second).memory(STORES[bytes], bytes);
    });
  }

  storeRun(bytes: AccessBytes, count: number, address: Local, offset: number, values: readonly Local[]): void {
    const total = bytes * count;
    this.runStore(bytes, total, this.address(address, offset), (place) => {
      this.putVectors(total, values, place);
    });
  }

  /** Stores of `bytes` each that make `total`; `put` writes them all to the place that its argument pushes. */
  private runStore(bytes: AccessBytes, total: number, at: Local, put: (place: () => void) => void): void {
    const { host } = this;
    const { code } = host;
    const place = host.temp(TYPE_I32);
    if (this.quick(at)) {
      this.count(true, total, total / bytes);
      code.set(place);
      put(() => code.get(place));
      return;
    }
    const held = this.elsewhere(at, total, true);
    code.if(TYPE_EMPTY);
    this.notePc();
    put(() => code.i32(host.base + RUN));
    code.get(at).i32(bytes).i32(total);
    this.callSlow("storeRun");
    code.i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
    host.refuse("store");
    code.end().else();
    this.pushPlace(held);
    code.set(place);
    put(() => code.get(place));
    code.end();
    this.count(true, total, total / bytes);
  }
}
