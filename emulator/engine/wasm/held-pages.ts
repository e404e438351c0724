/**
 * The pages that the trace filter holds back, as WebAssembly: those of data, or those of code.
 *
 * It is the filter of the reference engine (native/src/filter.rs), record for record. A use only leaves its time in the slot of the page, and the ring of
 * slots by last use is put in order when a record is due. Times count down, so that the account of a slice can be one (account.ts). A table by page number says which page
 * is held where; translated code asks it in line. Words that are stored alone are read alone wherever time counts.
 */
import { ACCESS_WRITE, type ACCESS_FETCH, type ACCESS_READ } from "../engine.js";
import { Code, type Local } from "./binary/code.js";
import type { ModuleBuilder } from "./binary/module.js";
import { CONTROL, I32, I32X4, I64, TYPE_EMPTY, TYPE_I32, TYPE_I64, TYPE_V128, V128 } from "./binary/opcodes.js";
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
/** By slot, i32 each: time of last use; slots next to it in the ring. */
const USED = 512;
const NEWER = 640;
const OLDER = 768;
/** i32: uses before this time, which are greater, have made their records, or need none. */
const EMITTED = 896;
/** i32: the first of the ring. */
const FRONT = 900;
/** By bucket, the low bits of the page number: held pages with these, a byte each. */
const HELD = 1024;
/** By bucket: one of these pages. */
const TABLE = 4096;
const TABLE_SHIFT = 5;
export const HELD_BYTES = TABLE + (BUCKETS << TABLE_SHIFT);

/** In an entry of the table: i64 address that reads (writes) hit on the page of, or NO_PAGE; i32 place of the page, place of its time of last use, slot. */
export const ENTRY_READ = 0;
export const ENTRY_WRITE = 8;
export const ENTRY_PLACE = 16;
export const ENTRY_USED = 20;
const ENTRY_SLOT = 24;

/** The page's write has been recorded. */
export const WRITTEN_BIT = 1n << 32n;

/** Uses of the last slices that are due have the times below this one; all later ones have smaller times. */
const AGED = 0x7000_0000;
/** Nothing is due of a slot with this time. */
const NEVER = 0x7fff_ffff;

/** Makes an empty set of the cells at `at` bytes. */
export function emptySet(cells: Uint32Array, at: number, depth: number): void {
  cells.fill(0, at / 4, (at + HELD_BYTES) / 4);
  const noPage = Number(NO_PAGE >> 32n);
  for (let slot = 0; slot < SLOTS; slot++) {
    cells[(at + PAGE) / 4 + 4 * slot + 1] = noPage;
    cells[(at + USED) / 4 + slot] = NEVER;
    cells[(at + NEWER) / 4 + slot] = (slot + 1) % depth;
    cells[(at + OLDER) / 4 + slot] = (slot + depth - 1) % depth;
  }
  cells[(at + EMITTED) / 4] = NEVER;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const entry = (at + TABLE + (bucket << TABLE_SHIFT)) / 4;
    cells[entry + ENTRY_READ / 4 + 1] = noPage;
    cells[entry + ENTRY_WRITE / 4 + 1] = noPage;
  }
}

/** The frame at the place may no longer be written without asking. */
export function revokeWrite(cells: Uint32Array, at: number, place: number): void {
  for (let slot = 0; slot < SLOTS; slot++) {
    const rest = (at + REST) / 4 + 4 * slot;
    if (cells[rest] === place) cells[rest + 1] = 0;
  }
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const entry = (at + TABLE + (bucket << TABLE_SHIFT)) / 4;
    if (cells[entry + ENTRY_PLACE / 4] !== place) continue;
    cells[entry + ENTRY_WRITE / 4] = 0;
    cells[entry + ENTRY_WRITE / 4 + 1] = Number(NO_PAGE >> 32n);
  }
}

/** Pushes the distance of the entry for the address in the local from the first of its table. */
export function pushEntry(code: Code, at: Local, pageShift: number): Code {
  return code.get(at).i64(pageShift - TABLE_SHIFT).op(I64.shrU).op(I32.wrapI64).i32((BUCKETS - 1) << TABLE_SHIFT).op(I32.and);
}

/** Where a word of the first entry of the set at `at` bytes lies. */
export function entryWord(at: number, word: number): number {
  return at + TABLE + word;
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
}

export class HeldPages {
  /** (slot, time): records the pages used since the last record, oldest first, but not that slot's. */
  private readonly emit: number;
  /** (address, rest, time) -> slot of a page from outside, in place of the least recent one. */
  readonly enter: number;
  /** (): a slice has ended: what is due of it keeps its order, and is older than all that follows. */
  readonly age: number;
  private readonly search: number;
  private readonly options: HeldPagesOptions;

  constructor(options: HeldPagesOptions) {
    this.options = options;
    this.search = this.searchFunction();
    this.emit = this.emitFunction();
    this.enter = this.enterFunction();
    this.age = this.ageFunction();
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
  private slotCell(code: Code, cell: number, slot: Local, shift: number): Code {
    return code.get(slot).i32(shift).op(I32.shl).i32((this.options.at + cell) | 0).op(I32.add);
  }

  /** Pushes the bucket of the page at the address in the local. */
  private bucket(code: Code, at: Local): Code {
    return code.get(at).i64(this.options.pageShift).op(I64.shrU).op(I32.wrapI64).i32(BUCKETS - 1).op(I32.and);
  }

  private held(code: Code, bucket: Local): Code {
    return code.get(bucket).memory(I32.load8U, this.options.at + HELD);
  }

  private loadEntry(code: Code, opcode: number, entry: Local, word: number): Code {
    return code.get(entry).memory(opcode, entryWord(this.options.at, word));
  }

  private storeEntry(code: Code, opcode: number, entry: Local, word: number, value: () => unknown): void {
    code.get(entry);
    value();
    code.memory(opcode, entryWord(this.options.at, word));
  }

  /** The entry leads to no page. */
  private voidEntry(code: Code, entry: Local): void {
    for (const word of [ENTRY_READ, ENTRY_WRITE]) this.storeEntry(code, I64.store, entry, word, () => code.i64(NO_PAGE));
  }

  /** The entry leads to the page at the address in the local, which is in the slot. */
  private fillEntry(code: Code, entry: Local, at: Local, slot: Local): void {
    this.storeEntry(code, I64.store, entry, ENTRY_READ, () => code.get(at));
    this.storeEntry(code, I64.store, entry, ENTRY_WRITE, () => {
      code.get(at).i64(NO_PAGE);
      this.pushRest(code, slot).i64(WRITTEN_BIT).op(I64.and).i64(0).op(I64.ne).op(CONTROL.select);
    });
    this.storeEntry(code, I32.store, entry, ENTRY_PLACE, () => this.pushRest(code, slot).op(I32.wrapI64));
    this.storeEntry(code, I32.store, entry, ENTRY_USED, () => this.slotCell(code, USED, slot, 2));
    this.storeEntry(code, I32.store, entry, ENTRY_SLOT, () => code.get(slot));
  }

  // --- what accesses write in line ---------------------------------------------------------------------------------------

  /** Leaves the slot of the page at the address in local `at` in local `slot`; NONE. The table leads to it afterwards. */
  find(code: Code, at: Local, slot: Local): void {
    const entry = code.local(TYPE_I32);
    pushEntry(code, at, this.options.pageShift).set(entry);
    this.loadEntry(code, I64.load, entry, ENTRY_READ).get(at).op(I64.eq).if(TYPE_I32);
    this.loadEntry(code, I32.load, entry, ENTRY_SLOT).else();
    code.get(entry).i32(TABLE_SHIFT).op(I32.shrU).memory(I32.load8U, this.options.at + HELD).if(TYPE_I32);
    code.get(at).call(this.search);
    code.else().i32(NONE).end().end().set(slot);
  }

  /** Pushes whether there is one. */
  isHeld(code: Code, slot: Local): Code {
    return code.get(slot).i32(0).op(I32.geS);
  }

  pushRest(code: Code, slot: Local): Code {
    return this.slotCell(code, REST, slot, SLOT_SHIFT).memory(I64.load, 0);
  }

  /** The page in the slot is used at the time in the local. */
  use(code: Code, slot: Local, time: Local): void {
    this.slotCell(code, USED, slot, 2).get(time).memory(I32.store, 0);
  }

  /** First write to the held page at the address in the local, which is granted, and which the table leads to. */
  writeFirst(code: Code, at: Local, slot: Local, time: Local): void {
    const { pageShift, record } = this.options;
    const entry = code.local(TYPE_I32);
    this.use(code, slot, time);
    code.get(slot).get(time).call(this.emit);
    this.slotCell(code, REST, slot, SLOT_SHIFT);
    this.pushRest(code, slot).i64(WRITTEN_BIT).op(I64.or).memory(I64.store, 0);
    pushEntry(code, at, pageShift).set(entry);
    this.storeEntry(code, I64.store, entry, ENTRY_WRITE, () => code.get(at));
    record(code, () => code.i64(BigInt(ACCESS_WRITE) << 32n), () => code.get(at).i64(pageShift).op(I64.shrU));
  }

  /** Runs the code of `then` for each held page, whose address is in the local. */
  private forEach(code: Code, slot: Local, page: Local, then: () => void): void {
    code.i32(this.options.depth).set(slot);
    const loop = code.loop();
    code.get(slot).i32(1).op(I32.sub).set(slot);
    this.slotCell(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).tee(page).i64(NO_PAGE).op(I64.ne).if(TYPE_EMPTY);
    then();
    code.end().get(slot).brIf(loop).end();
  }

  /** The table leads nowhere, though pages are held. */
  forgetTable(code: Code): void {
    const slot = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    this.forEach(code, slot, page, () => {
      pushEntry(code, page, this.options.pageShift).set(entry);
      this.voidEntry(code, entry);
    });
  }

  /** Records what is due and holds nothing. */
  clear(code: Code): void {
    const slot = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    code.i32(NONE).i32(NEVER).call(this.emit);
    this.forEach(code, slot, page, () => {
      pushEntry(code, page, this.options.pageShift).set(entry);
      this.voidEntry(code, entry);
      code.get(entry).i32(TABLE_SHIFT).op(I32.shrU).i32(0).memory(I32.store8, this.options.at + HELD);
      this.slotCell(code, PAGE, slot, SLOT_SHIFT).i64(NO_PAGE).memory(I64.store, 0);
      this.slotCell(code, USED, slot, 2).i32(NEVER).memory(I32.store, 0);
    });
  }

  // --- functions ---------------------------------------------------------------------------------------------------------

  /** (address) -> slot of the page, which the table leads to from now on; NONE. */
  private searchFunction(): number {
    const code = new Code(1);
    const slot = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    this.forEach(code, slot, page, () => {
      code.get(page).get(0).op(I64.eq).if(TYPE_EMPTY);
      pushEntry(code, 0, this.options.pageShift).set(entry);
      this.fillEntry(code, entry, 0, slot);
      code.get(slot).return().end();
    });
    code.i32(NONE);
    return this.options.module.func({ parameters: [TYPE_I64], results: [TYPE_I32] }, code);
  }

  /** Pushes the slots used after EMITTED, a bit each. */
  private pushDue(code: Code): void {
    const emitted = code.local(TYPE_V128);
    this.read(code, I32.load, EMITTED).op(I32X4.splat).set(emitted).i32(0);
    for (let slot = 0; slot < this.options.depth; slot += 4) {
      this.read(code, V128.load, USED + 4 * slot).get(emitted).op(I32X4.ltS).op(I32X4.bitmask).i32(slot).op(I32.shl).op(I32.or);
    }
  }

  /** Runs the code of `then` for each slot used after EMITTED, the least recent one first. */
  private forEachDue(code: Code, slot: Local, then: () => void): void {
    const due = code.local(TYPE_I32);
    const rest = code.local(TYPE_I32);
    const next = code.local(TYPE_I32);
    const used = code.local(TYPE_I32);
    const oldest = code.local(TYPE_I32);
    this.pushDue(code);
    code.set(due);
    const done = code.block();
    const each = code.loop();
    code.get(due).op(I32.eqz).brIf(done);
    code.get(due).set(rest).i32(-0x8000_0000).set(oldest);
    const find = code.loop();
    code.get(rest).op(I32.ctz).set(next);
    this.slotCell(code, USED, next, 2).memory(I32.load, 0).tee(used).get(oldest).op(I32.gtS).if(TYPE_EMPTY);
    code.get(used).set(oldest).get(next).set(slot).end();
    code.get(rest).get(rest).i32(1).op(I32.sub).op(I32.and).tee(rest).brIf(find).end();
    code.get(due).i32(1).get(slot).op(I32.shl).op(I32.xor).set(due);
    then();
    code.br(each).end().end();
  }

  private emitFunction(): number {
    const { module, pageShift, record, access } = this.options;
    const code = new Code(2);
    const slot = code.local(TYPE_I32);
    const newest = code.local(TYPE_I32);
    this.read(code, I32.load, FRONT).set(newest);
    this.forEachDue(code, slot, () => {
      this.moveToFront(code, slot);
      // The page that was the newest at the last record is still where it was if it is the oldest now.
      code.get(slot).get(0).op(I32.ne).get(slot).get(newest).op(I32.ne).op(I32.and).if(TYPE_EMPTY);
      record(code, () => code.i64(BigInt(access) << 32n), () => this.slotCell(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).i64(pageShift).op(I64.shrU));
      code.end().i32(NONE).set(newest);
    });
    this.write(code, I32.store, EMITTED, () => code.get(1));
    return module.func({ parameters: [TYPE_I32, TYPE_I32], results: [] }, code);
  }

  private ageFunction(): number {
    const code = new Code(0);
    const slot = code.local(TYPE_I32);
    const time = code.local(TYPE_I32);
    const emitted = code.local(TYPE_V128);
    const used = code.local(TYPE_V128);
    // Of what is not due the times are over.
    this.read(code, I32.load, EMITTED).op(I32X4.splat).set(emitted);
    for (let first = 0; first < this.options.depth; first += 4) {
      this.write(code, V128.store, USED + 4 * first, () => {
        this.read(code, V128.load, USED + 4 * first).tee(used).i32(NEVER).op(I32X4.splat).get(used).get(emitted).op(I32X4.ltS).op(V128.bitselect);
      });
    }
    code.i32(AGED).set(time);
    this.forEachDue(code, slot, () => {
      code.get(time).i32(1).op(I32.sub).set(time);
      this.use(code, slot, time);
    });
    this.write(code, I32.store, EMITTED, () => code.i32(AGED));
    return this.options.module.func({ parameters: [], results: [] }, code);
  }

  /** The slot becomes the first of the ring. */
  private moveToFront(code: Code, slot: Local): void {
    const front = code.local(TYPE_I32);
    const oldest = code.local(TYPE_I32);
    const older = code.local(TYPE_I32);
    const newer = code.local(TYPE_I32);
    const link = (cell: number, of: Local, to: Local): void => {
      this.slotCell(code, cell, of, 2).get(to).memory(I32.store, 0);
    };
    this.read(code, I32.load, FRONT).set(front);
    this.slotCell(code, NEWER, front, 2).memory(I32.load, 0).set(oldest);
    code.get(slot).get(front).op(I32.ne).get(slot).get(oldest).op(I32.ne).op(I32.and).if(TYPE_EMPTY);
    this.slotCell(code, OLDER, slot, 2).memory(I32.load, 0).set(older);
    this.slotCell(code, NEWER, slot, 2).memory(I32.load, 0).set(newer);
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
    const { module, pageShift, record, access, at } = this.options;
    const code = new Code(3);
    const slot = code.local(TYPE_I32);
    const gone = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    const bucket = code.local(TYPE_I32);
    const count = (by: number): void => {
      code.get(bucket);
      this.held(code, bucket).i32(by).op(I32.add).memory(I32.store8, at + HELD);
    };
    code.i32(NONE).get(2).call(this.emit);
    this.read(code, I32.load, FRONT).set(slot);
    this.slotCell(code, NEWER, slot, 2).memory(I32.load, 0).set(slot);
    this.write(code, I32.store, FRONT, () => code.get(slot));
    this.slotCell(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).tee(gone).i64(NO_PAGE).op(I64.ne).if(TYPE_EMPTY);
    this.bucket(code, gone).set(bucket);
    count(-1);
    pushEntry(code, gone, pageShift).set(entry);
    this.loadEntry(code, I64.load, entry, ENTRY_READ).get(gone).op(I64.eq).if(TYPE_EMPTY);
    this.voidEntry(code, entry);
    code.end().end();
    this.bucket(code, 0).set(bucket);
    count(1);
    this.slotCell(code, PAGE, slot, SLOT_SHIFT).get(0).memory(I64.store, 0);
    this.slotCell(code, REST, slot, SLOT_SHIFT).get(1).memory(I64.store, 0);
    this.use(code, slot, 2);
    pushEntry(code, 0, pageShift).set(entry);
    this.fillEntry(code, entry, 0, slot);
    // A page that comes in by a write has WRITTEN_BIT, which makes a read's number a write's.
    record(code, () => code.i64(BigInt(access) << 32n).get(1).i64(WRITTEN_BIT).op(I64.and).op(I64.add), () => code.get(0).i64(pageShift).op(I64.shrU));
    code.get(slot);
    return module.func({ parameters: [TYPE_I64, TYPE_I64, TYPE_I32], results: [TYPE_I32] }, code);
  }

  /** (page number, time): code runs on the page. */
  fetchFunction(): number {
    const code = new Code(2);
    const slot = code.local(TYPE_I32);
    const at = code.local(TYPE_I64);
    code.get(0).i64(this.options.pageShift).op(I64.shl).set(at);
    this.find(code, at, slot);
    this.isHeld(code, slot).if(TYPE_EMPTY);
    this.use(code, slot, 1);
    code.else().get(at).i64(0).get(1).call(this.enter).op(CONTROL.drop).end();
    return this.options.module.func({ parameters: [TYPE_I64, TYPE_I32], results: [] }, code);
  }
}
