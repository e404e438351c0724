/**
 * Loads and stores of one function.
 *
 * Two forms. The short one, for code that has just been found, calls the runtime for every access. The fast one compares with a current
 * page first, which it keeps in local variables. There are several current pages, and the base register of an access says which one is its: what goes
 * through the stack pointer seldom lies where other pointers lead. An access to a current page leaves a mark, the account less its number in the block,
 * so that the filter learns the order of last uses when it has to know.
 */
import { ModelBug } from "../../arch/errors.js";
import type { Code, Local } from "./binary/code.js";
import { I16X8, I32, I32X4, I64, I64X2, I8X16, TYPE_EMPTY, TYPE_I32, TYPE_I64, TYPE_V128, V128, type ValueType } from "./binary/opcodes.js";
import { ACCESS_PC, CURRENT_PAGES, HOST, MARK, READ_BASE, RUN, STOP_BITS, UNMARKED, WRITE_BASE } from "./layout.js";
import type { RuntimeFunction } from "./runtime.js";

const NOWHERE = -1;
const LOADS = { 1: I64.load8U, 2: I64.load16U, 4: I64.load32U, 8: I64.load } as const;
const STORES = { 1: I64.store8, 2: I64.store16, 4: I64.store32, 8: I64.store } as const;
const VECTOR_BYTES = 16;
export type AccessBytes = 1 | 2 | 4 | 8;

/** Bytes that the address of an access has to be a multiple of. */
function alignmentOf(bytes: AccessBytes, aligned: boolean | 16): number {
  return aligned === false ? 1 : aligned === true ? bytes : aligned;
}

/** Base register of a load or store, or of DC ZVA; undefined for other instructions. Arm: DDI 0487 C4.1.94, C5.3.15. */
function baseRegister(word: number): number | undefined {
  if ((word & 0xffff_ffe0) >>> 0 === 0xd50b_7420) return word & 31;
  return (word & 0x0a00_0000) === 0x0800_0000 ? (word >>> 5) & 31 : undefined;
}

const FRAME_POINTER = 29;
const STACK_POINTER = 31;

/** The current page of each base register: one for the stack, the others in turns. */
function currentPages(words: Iterable<number>): ReadonlyMap<number, number> {
  const pages = new Map<number, number>();
  let next = 0;
  for (const word of words) {
    const base = baseRegister(word);
    if (base === undefined || pages.has(base)) continue;
    pages.set(base, base === FRAME_POINTER || base === STACK_POINTER ? 0 : 1 + (next++ % (CURRENT_PAGES - 1)));
  }
  return pages;
}

/** What the accesses need of the function that they belong to. */
export interface AccessHost {
  readonly code: Code;
  readonly pc: number;
  readonly word: number;
  /** Where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  /** The fast form. */
  readonly fast: boolean;
  /** Note the PC of each access. */
  readonly tracePcs: boolean;
  /** Local of the account. */
  readonly account: Local;
  callRuntime(name: RuntimeFunction): void;
  temp(type: ValueType): Local;
  /** Leaves the function because an access was refused; `run`: it was one of a run of them. */
  refuse(run: "load" | "store" | undefined): void;
}

/** A current page in locals. */
interface CurrentPage {
  readonly number: number;
  readonly read: Local;
  readonly write: Local;
  readonly place: Local;
  readonly mark: Local;
}

export class MemoryAccess {
  private readonly host: AccessHost;
  private readonly numbers: ReadonlyMap<number, number>;
  private readonly pages: readonly CurrentPage[];
  /** Accesses of the block so far. */
  private made = 0;

  /** `words`: all instructions of the function. */
  constructor(host: AccessHost, words: Iterable<number>) {
    this.host = host;
    this.numbers = currentPages(words);
    const { code } = host;
    const used = host.fast ? [...new Set(this.numbers.values())] : [];
    this.pages = used.map((number) => ({ number, read: code.local(TYPE_I64), write: code.local(TYPE_I64), place: code.local(TYPE_I32), mark: code.local(TYPE_I64) }));
  }

  /** Number of the current page of the instruction's accesses. */
  private get number(): number {
    const number = this.numbers.get(baseRegister(this.host.word) ?? -1);
    if (number === undefined) throw new ModelBug(`wasm engine: no base register of ${this.host.word.toString(16)}`);
    return number;
  }

  private get current(): CurrentPage {
    const { number } = this;
    return this.pages.find((page) => page.number === number)!;
  }

  private readPages(code: Code): void {
    const base = this.host.base | 0;
    for (const { number, read, write, place } of this.pages) {
      code.i32(base + READ_BASE + 8 * number).memory(I64.load, 0).set(read);
      code.i32(base + WRITE_BASE + 8 * number).memory(I64.load, 0).set(write);
      code.i32(base + HOST + 4 * number).memory(I32.load, 0).set(place);
    }
  }

  /** Writes the code for the start of the function. */
  enter(code: Code): void {
    this.readPages(code);
    for (const { number, mark } of this.pages) code.i32((this.host.base | 0) + MARK + 8 * number).memory(I64.load, 0).set(mark);
  }

  /** Writes the marks where the function is left, or the runtime asked. */
  leave(): void {
    for (const { number, mark } of this.pages) this.host.code.i32((this.host.base | 0) + MARK + 8 * number).get(mark).memory(I64.store, 0);
  }

  /** A block begins. */
  startBlock(): void {
    this.made = 0;
  }

  /** The current page has been used. */
  private mark(accesses: number): void {
    const { code, account, fast } = this.host;
    this.made += accesses;
    if (fast) code.get(account).i64(this.made).op(I64.sub).set(this.current.mark);
  }

  private notePc(): void {
    const { host } = this;
    if (host.tracePcs) host.code.i32((host.base | 0) + ACCESS_PC).i64(host.pc).memory(I64.store, 0);
  }

  /** Before a call of the runtime, with the arguments before the current page's number on the stack. */
  private callSlow(name: RuntimeFunction, alignment?: number): void {
    const { code } = this.host;
    this.leave();
    code.i32(this.number);
    if (alignment !== undefined) code.i32(alignment);
    this.host.callRuntime(name);
    for (const { mark } of this.pages) code.i64(UNMARKED).set(mark);
  }

  /** After a call of the runtime: other pages may be the current ones, and the run may have to stop. */
  private settle(): void {
    const { code, account, base, fast } = this.host;
    if (!fast) return;
    this.readPages(code);
    code.get(account).i32((base | 0) + STOP_BITS).memory(I64.load, 0).op(I64.or).set(account);
  }

  /** The address of an access in a local. */
  private address(address: Local, offset: number): Local {
    if (offset === 0) return address;
    const { host } = this;
    const sum = host.temp(TYPE_I64);
    host.code.get(address).i64(offset).op(I64.add).set(sum);
    return sum;
  }

  /**
   * Pushes whether `bytes` at the address are not all on the current page, or not at a multiple of `alignment`; the distance from the page's start
   * stays in the local that is returned.
   */
  private elsewhere(at: Local, bytes: number, write: boolean, alignment = 1): Local {
    const { host } = this;
    const { code } = host;
    const distance = host.temp(TYPE_I64);
    code.get(at).get(write ? this.current.write : this.current.read).op(I64.sub).tee(distance).i64(host.pageSize - bytes).op(I64.gtU);
    if (alignment > 1) code.get(at).i64(alignment - 1).op(I64.and).i64(0).op(I64.ne).op(I32.or);
    return distance;
  }

  private pushPlace(distance: Local): void {
    this.host.code.get(this.current.place).get(distance).op(I32.wrapI64).op(I32.add);
  }

  /** Leaves the place of a load in the local; `find` pushes it by calling the runtime. */
  private settledPlace(place: Local, run: "load" | "store" | undefined, find: () => void): void {
    const { host } = this;
    const { code } = host;
    this.notePc();
    find();
    code.tee(place).i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
    host.refuse(run);
    code.end();
    this.settle();
  }

  load(bytes: AccessBytes, address: Local, offset: number, aligned: boolean | 16): void {
    const { host } = this;
    const { code } = host;
    const at = this.address(address, offset);
    const place = host.temp(TYPE_I32);
    const alignment = alignmentOf(bytes, aligned);
    const find = (): void => {
      code.get(at).i32(bytes);
      if (aligned === false) this.callSlow("load");
      else this.callSlow("loadAligned", alignment);
    };
    if (host.fast) {
      const distance = this.elsewhere(at, bytes, false, alignment);
      code.if(TYPE_EMPTY);
      this.settledPlace(place, undefined, find);
      code.else();
      this.pushPlace(distance);
      code.set(place).end();
    } else this.settledPlace(place, undefined, find);
    this.mark(1);
    code.get(place).memory(LOADS[bytes], 0);
  }

  store(bytes: AccessBytes, address: Local, offset: number, value: Local, aligned: boolean | 16): void {
    const { host } = this;
    const { code } = host;
    const at = this.address(address, offset);
    const alignment = alignmentOf(bytes, aligned);
    const slow = (): void => {
      this.notePc();
      code.get(at).i32(bytes).get(value);
      if (aligned === false) this.callSlow("store");
      else this.callSlow("storeAligned", alignment);
      code.if(TYPE_EMPTY);
      host.refuse(undefined);
      code.end();
      this.settle();
    };
    if (host.fast) {
      const distance = this.elsewhere(at, bytes, true, alignment);
      code.if(TYPE_EMPTY);
      slow();
      code.else();
      this.pushPlace(distance);
      code.get(value).memory(STORES[bytes], 0).end();
    } else slow();
    this.mark(1);
  }

  /** Leaves the address of the bytes of a run in the local. */
  private runPlace(bytes: AccessBytes, total: number, at: Local, place: Local): void {
    const { host } = this;
    const { code } = host;
    const find = (): void => {
      code.get(at).i32(bytes).i32(total);
      this.callSlow("loadRun");
    };
    if (!host.fast) {
      this.settledPlace(place, "load", find);
      return;
    }
    const distance = this.elsewhere(at, total, false);
    code.if(TYPE_EMPTY);
    this.settledPlace(place, "load", find);
    code.else();
    this.pushPlace(distance);
    code.set(place).end();
    this.mark(total / bytes);
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
    const slow = (): void => {
      this.notePc();
      put(() => code.i32((host.base | 0) + RUN));
      code.get(at).i32(bytes).i32(total);
      this.callSlow("storeRun");
      code.i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
      host.refuse("store");
      code.end();
      this.settle();
    };
    if (!host.fast) {
      slow();
      return;
    }
    const distance = this.elsewhere(at, total, true);
    const place = host.temp(TYPE_I32);
    code.if(TYPE_EMPTY);
    slow();
    code.else();
    this.pushPlace(distance);
    code.set(place);
    put(() => code.get(place));
    code.end();
    this.mark(total / bytes);
  }
}
