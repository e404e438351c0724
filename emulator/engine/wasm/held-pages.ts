/**
 * The pages that the trace filter holds back, as WebAssembly: those of data, or those of code.
 *
 * It is the filter of the reference engine (native/src/filter.rs), record for record: a use notes the time, and the ring of slots by last use is put
 * in order when a record is due. All words are read as wide as they are written.
 */
import { ACCESS_WRITE, type ACCESS_FETCH, type ACCESS_READ } from "../engine.js";
import { Code, type Local } from "./binary/code.js";
import type { ModuleBuilder } from "./binary/module.js";
import { CONTROL, I32, I64, I64X2, TYPE_EMPTY, TYPE_I32, TYPE_I64, TYPE_V128, V128 } from "./binary/opcodes.js";
import { NO_PAGE } from "./layout.js";

/** Slots of a set. */
const SLOTS = 32;
const BUCKETS = 1024;
/** No slot. */
const NONE = -1;

// Offsets in a set.
/** By slot, i64 each: address of the page or NO_PAGE; its place, with WRITTEN_BIT. */
const PAGE = 0;
const REST = 8;
const SLOT_SHIFT = 4;
/** By slot: i64 time of last use; i32 slots next to it in the ring. */
const USED = 512;
const NEWER = 768;
const OLDER = 896;
/** i64: time; uses after EMITTED have made no record. */
const NOW = 1024;
const EMITTED = 1032;
/** i32: the slot used last; the first of the ring. */
const LAST = 1040;
const FRONT = 1044;
/** By the low bits of the page number, one byte each: held pages with these, and a slot where one of them may be. */
const HELD = 2048;
const GUESS = 3072;
export const HELD_BYTES = 4096;

/** The page's write has been recorded. */
export const WRITTEN_BIT = 1n << 32n;

/** Makes an empty set of the cells at `at` bytes. */
export function emptySet(cells: Uint32Array, at: number, depth: number): void {
  cells.fill(0, at / 4, (at + HELD_BYTES) / 4);
  for (let slot = 0; slot < SLOTS; slot++) {
    cells[(at + PAGE) / 4 + 4 * slot + 1] = Number(NO_PAGE >> 32n);
    cells[(at + NEWER) / 4 + slot] = (slot + 1) % depth;
    cells[(at + OLDER) / 4 + slot] = (slot + depth - 1) % depth;
  }
  cells[(at + LAST) / 4] = NONE;
}

/** The frame at the place may no longer be written without asking. */
export function revokeWrite(cells: Uint32Array, at: number, place: number): void {
  for (let slot = 0; slot < SLOTS; slot++) {
    const rest = (at + REST) / 4 + 4 * slot;
    if (cells[rest] === place) cells[rest + 1] = 0;
  }
}

export interface HeldPagesOptions {
  readonly module: ModuleBuilder;
  /** Where the set begins, in bytes of the memory. */
  readonly at: number;
  readonly depth: number;
  readonly pageShift: number;
  readonly access: typeof ACCESS_READ | typeof ACCESS_FETCH;
  /** Writes a record: both push an i64, the access shifted left by 32 and the number of the page. */
  readonly record: (code: Code, access: () => unknown, page: () => unknown) => void;
  /** Writes what is to be done when the page at the address in the local is held no more. */
  readonly leaves: (code: Code, page: Local) => void;
}

export class HeldPages {
  /** (slot): records the pages used since the last record, oldest first, but not that slot's. */
  readonly emit: number;
  /** (address, rest) -> slot of a page from outside, in place of the least recent one. */
  readonly enter: number;
  private readonly search: number;
  private readonly options: HeldPagesOptions;

  constructor(options: HeldPagesOptions) {
    this.options = options;
    this.search = this.searchFunction();
    this.emit = this.emitFunction();
    this.enter = this.enterFunction();
  }

  // --- cells -----------------------------------------------------------------------------------------------------------

  private read(code: Code, opcode: number, cell: number): Code {
    return code.i32((this.options.at + cell) | 0).memory(opcode, 0);
  }

  private write(code: Code, opcode: number, cell: number, value: () => unknown): void {
    code.i32((this.options.at + cell) | 0);
    value();
    code.memory(opcode, 0);
  }

  /** Pushes the address of the slot's entry in a list of entries of 2^shift bytes. */
  private entry(code: Code, cell: number, slot: Local, shift: number): Code {
    return code.get(slot).i32(shift).op(I32.shl).i32((this.options.at + cell) | 0).op(I32.add);
  }

  /** Pushes the bucket of the page at the address that `at` pushes. */
  private bucket(code: Code, at: () => unknown): Code {
    at();
    return code.i64(this.options.pageShift).op(I64.shrU).op(I32.wrapI64).i32(BUCKETS - 1).op(I32.and);
  }

  private byte(code: Code, bucket: Local, cell: number): Code {
    return code.get(bucket).i32((this.options.at + cell) | 0).op(I32.add).memory(I32.load8U, 0);
  }

  private setByte(code: Code, bucket: Local, cell: number, value: () => unknown): void {
    code.get(bucket).i32((this.options.at + cell) | 0).op(I32.add);
    value();
    code.memory(I32.store8, 0);
  }

  // --- what accesses write in line ---------------------------------------------------------------------------------------

  /** Leaves the slot of the page at the address in local `at` in local `slot`; NONE. */
  find(code: Code, at: Local, slot: Local): void {
    const bucket = code.local(TYPE_I32);
    this.bucket(code, () => code.get(at)).set(bucket);
    this.byte(code, bucket, GUESS).set(slot);
    this.entry(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).get(at).op(I64.ne).if(TYPE_EMPTY);
    this.byte(code, bucket, HELD).if(TYPE_I32);
    code.get(at).call(this.search);
    code.else().i32(NONE).end().set(slot).end();
  }

  /** Pushes whether there is one. */
  isHeld(code: Code, slot: Local): Code {
    return code.get(slot).i32(0).op(I32.geS);
  }

  pushRest(code: Code, slot: Local): Code {
    return this.entry(code, REST, slot, SLOT_SHIFT).memory(I64.load, 0);
  }

  /** The page in the slot becomes the most recent one. */
  use(code: Code, slot: Local): void {
    const now = code.local(TYPE_I64);
    code.get(slot);
    this.read(code, I32.load, LAST).op(I32.ne).if(TYPE_EMPTY);
    this.write(code, I64.store, NOW, () => this.read(code, I64.load, NOW).i64(1).op(I64.add).tee(now));
    this.entry(code, USED, slot, 3).get(now).memory(I64.store, 0);
    this.write(code, I32.store, LAST, () => code.get(slot));
    code.end();
  }

  /** First write to the held page, which is granted. */
  writeFirst(code: Code, slot: Local): void {
    const { pageShift, record } = this.options;
    this.use(code, slot);
    code.get(slot).call(this.emit);
    this.entry(code, REST, slot, SLOT_SHIFT);
    this.pushRest(code, slot).i64(WRITTEN_BIT).op(I64.or).memory(I64.store, 0);
    record(code, () => code.i64(BigInt(ACCESS_WRITE) << 32n), () => this.entry(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).i64(pageShift).op(I64.shrU));
  }

  /** Records what is due and holds nothing. */
  clear(code: Code): void {
    const slot = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    const bucket = code.local(TYPE_I32);
    code.i32(NONE).call(this.emit).i32(this.options.depth).set(slot);
    const loop = code.loop();
    code.get(slot).i32(1).op(I32.sub).set(slot);
    this.entry(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).tee(page).i64(NO_PAGE).op(I64.ne).if(TYPE_EMPTY);
    this.bucket(code, () => code.get(page)).set(bucket);
    this.setByte(code, bucket, HELD, () => code.i32(0));
    this.entry(code, PAGE, slot, SLOT_SHIFT).i64(NO_PAGE).memory(I64.store, 0).end();
    code.get(slot).brIf(loop).end();
    this.write(code, I32.store, LAST, () => code.i32(NONE));
  }

  // --- functions ---------------------------------------------------------------------------------------------------------

  /** (address) -> slot of the page; NONE. */
  private searchFunction(): number {
    const code = new Code(1);
    const slot = code.local(TYPE_I32);
    const bucket = code.local(TYPE_I32);
    code.i32(this.options.depth).set(slot);
    const loop = code.loop();
    code.get(slot).i32(1).op(I32.sub).set(slot);
    this.entry(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).get(0).op(I64.eq).if(TYPE_EMPTY);
    this.bucket(code, () => code.get(0)).set(bucket);
    this.setByte(code, bucket, GUESS, () => code.get(slot));
    code.get(slot).return().end();
    code.get(slot).brIf(loop).end().i32(NONE);
    return this.options.module.func({ parameters: [TYPE_I64], results: [TYPE_I32] }, code);
  }

  /** Pushes the slots used after EMITTED, a bit each. */
  private pushDue(code: Code): void {
    const emitted = code.local(TYPE_V128);
    this.read(code, I64.load, EMITTED).op(I64X2.splat).set(emitted).i32(0);
    for (let slot = 0; slot < this.options.depth; slot += 2) {
      this.read(code, V128.load, USED + 8 * slot).get(emitted).op(I64X2.gtS).op(I64X2.bitmask).i32(slot).op(I32.shl).op(I32.or);
    }
  }

  private emitFunction(): number {
    const { module, pageShift, record, access } = this.options;
    const code = new Code(1);
    const due = code.local(TYPE_I32);
    const rest = code.local(TYPE_I32);
    const slot = code.local(TYPE_I32);
    const oldest = code.local(TYPE_I32);
    const newest = code.local(TYPE_I32);
    const used = code.local(TYPE_I64);
    const least = code.local(TYPE_I64);
    this.read(code, I64.load, NOW);
    this.read(code, I64.load, EMITTED).op(I64.eq).if(TYPE_EMPTY);
    code.return().end();
    this.pushDue(code);
    code.set(due);
    this.read(code, I32.load, FRONT).set(newest);
    const done = code.block();
    const each = code.loop();
    code.get(due).op(I32.eqz).brIf(done);
    code.get(due).set(rest).i64(2n ** 63n - 1n).set(least);
    const find = code.loop();
    code.get(rest).op(I32.ctz).set(slot);
    this.entry(code, USED, slot, 3).memory(I64.load, 0).tee(used).get(least).op(I64.ltS).if(TYPE_EMPTY);
    code.get(used).set(least).get(slot).set(oldest).end();
    code.get(rest).get(rest).i32(1).op(I32.sub).op(I32.and).tee(rest).brIf(find).end();
    code.get(due).i32(1).get(oldest).op(I32.shl).op(I32.xor).set(due);
    this.moveToFront(code, oldest);
    // The page that was the newest at the last record is still where it was if it is the oldest now.
    code.get(oldest).get(0).op(I32.ne).get(oldest).get(newest).op(I32.ne).op(I32.and).if(TYPE_EMPTY);
    record(code, () => code.i64(BigInt(access) << 32n), () => this.entry(code, PAGE, oldest, SLOT_SHIFT).memory(I64.load, 0).i64(pageShift).op(I64.shrU));
    code.end().i32(NONE).set(newest).br(each).end().end();
    this.write(code, I64.store, EMITTED, () => this.read(code, I64.load, NOW));
    return module.func({ parameters: [TYPE_I32], results: [] }, code);
  }

  /** The slot becomes the first of the ring. */
  private moveToFront(code: Code, slot: Local): void {
    const front = code.local(TYPE_I32);
    const oldest = code.local(TYPE_I32);
    const older = code.local(TYPE_I32);
    const newer = code.local(TYPE_I32);
    const link = (cell: number, of: Local, to: Local): void => {
      this.entry(code, cell, of, 2).get(to).memory(I32.store, 0);
    };
    this.read(code, I32.load, FRONT).set(front);
    this.entry(code, NEWER, front, 2).memory(I32.load, 0).set(oldest);
    code.get(slot).get(front).op(I32.ne).get(slot).get(oldest).op(I32.ne).op(I32.and).if(TYPE_EMPTY);
    this.entry(code, OLDER, slot, 2).memory(I32.load, 0).set(older);
    this.entry(code, NEWER, slot, 2).memory(I32.load, 0).set(newer);
    link(NEWER, older, newer);
    link(OLDER, newer, older);
    link(NEWER, front, slot);
    link(OLDER, slot, front);
    link(NEWER, slot, oldest);
    link(OLDER, oldest, slot);
    code.end();
    this.write(code, I32.store, FRONT, () => code.get(slot));
  }

  private enterFunction(): number {
    const { module, pageShift, record, access } = this.options;
    const code = new Code(2);
    const slot = code.local(TYPE_I32);
    const gone = code.local(TYPE_I64);
    const bucket = code.local(TYPE_I32);
    const count = (by: number): void => {
      this.setByte(code, bucket, HELD, () => this.byte(code, bucket, HELD).i32(by).op(I32.add));
    };
    code.i32(NONE).call(this.emit);
    this.read(code, I32.load, FRONT).set(slot);
    this.entry(code, NEWER, slot, 2).memory(I32.load, 0).set(slot);
    this.write(code, I32.store, FRONT, () => code.get(slot));
    this.write(code, I32.store, LAST, () => code.get(slot));
    this.entry(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).tee(gone).i64(NO_PAGE).op(I64.ne).if(TYPE_EMPTY);
    this.bucket(code, () => code.get(gone)).set(bucket);
    count(-1);
    this.options.leaves(code, gone);
    code.end();
    this.bucket(code, () => code.get(0)).set(bucket);
    count(1);
    this.setByte(code, bucket, GUESS, () => code.get(slot));
    this.entry(code, PAGE, slot, SLOT_SHIFT).get(0).memory(I64.store, 0);
    this.entry(code, REST, slot, SLOT_SHIFT).get(1).memory(I64.store, 0);
    // A page that comes in by a write has WRITTEN_BIT, which makes a read's number a write's.
    record(code, () => code.i64(BigInt(access) << 32n).get(1).i64(WRITTEN_BIT).op(I64.and).op(I64.add), () => code.get(0).i64(pageShift).op(I64.shrU));
    code.get(slot);
    return module.func({ parameters: [TYPE_I64, TYPE_I64], results: [TYPE_I32] }, code);
  }

  /** (page number): code runs on the page. */
  fetchFunction(): number {
    const code = new Code(1);
    const at = code.local(TYPE_I64);
    const slot = code.local(TYPE_I32);
    code.get(0).i64(this.options.pageShift).op(I64.shl).set(at);
    this.find(code, at, slot);
    this.isHeld(code, slot).if(TYPE_EMPTY);
    this.use(code, slot);
    code.else().get(at).i64(0).call(this.enter).op(CONTROL.drop).end();
    return this.options.module.func({ parameters: [TYPE_I64], results: [] }, code);
  }
}
