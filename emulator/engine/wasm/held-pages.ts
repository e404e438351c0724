/**
 * The pages that the trace filter holds, as WebAssembly: those of data, or those of code.
 *
 * It is the filter of the reference engine (native/src/filter.rs), record for record. A use only leaves its time in the slot of the page; a page that comes in takes the
 * slot whose page was not used for longest. Times count down, so that the account of a slice can be one (account.ts). A table by page number says which page is held
 * where; translated code asks it in line.
 *
 * The slots are sorted by time when a page comes in and the order of the last time has been used up: until then the next slot in this order whose page was not used
 * since is the one. To compare all times for each page would wait for the store of the last one: a vector is not read before its words have left the store buffer.
 */
import { ACCESS_FETCH, ACCESS_LEAVE, ACCESS_WRITE, FIRST_CODE_HELD, RECORD_HELD_SHIFT, type ACCESS_READ, type HeldLimit } from "../engine.js";
import { Code, type Local } from "./binary/code.js";
import type { ModuleBuilder } from "./binary/module.js";
import { CONTROL, I16X8, I32, I32X4, I64, TYPE_EMPTY, TYPE_I32, TYPE_I64, TYPE_V128, V128 } from "./binary/opcodes.js";
import { HeldSets } from "./held-sets.js";
import { BY_WRITE_BIT, HEARD_BIT, NO_PAGE, WRITTEN_BIT } from "./layout.js";

/** Slots of a set. */
const SLOTS = 64;
/** Slots of a vector of times. */
const QUAD = 4;
const BUCKETS = 1024;
/** No slot. */
const NONE = -1;

// Offsets in a set.
/** By slot, i64 each: address of the page or NO_PAGE; its place, with HEARD_BIT and WRITTEN_BIT. */
const PAGE = 0;
const REST = 8;
const SLOT_SHIFT = 4;
/** By slot, i32 each: time of last use. NO_TIME: there is no page in the slot. */
const USED = SLOTS << SLOT_SHIFT;
/** The slots as they were sorted, a byte each, the least recent one first. */
const ORDER = USED + 4 * SLOTS;
/** i32: what of this order has been taken; the least time when it was made. */
const TAKEN = ORDER + SLOTS;
const NEWEST = TAKEN + 4;
/** i64: slots with a page, a bit each. */
const PAGES = NEWEST + 4;
/** i32: slots in the order. Under a limit only; else there is one for all slots. */
const SORTED = PAGES + 8;
/** Under a limit: the sets of the held pages (held-sets.ts). */
const SETS = SORTED + 4;
/** By bucket, the low bits of the page number: one of the held pages with these. */
const TABLE = 4096;
const TABLE_SHIFT = 5;
export const HELD_BYTES = TABLE + (BUCKETS << TABLE_SHIFT);

/** In an entry of the table: i64 address that reads (writes) hit on the page of, or NO_PAGE; i32 place of the page, place of its time of last use, held pages of the bucket. */
export const ENTRY_READ = 0;
export const ENTRY_WRITE = 8;
export const ENTRY_PLACE = 16;
export const ENTRY_USED = 20;
const ENTRY_COUNT = 24;

/** Pages that were used last in slices that have ended have the times below this one; all later uses have smaller times. */
const AGED = 0x7000_0000;
/** Less than all times. */
const NO_TIME = -0x8000_0000;

/** Makes an empty set of the cells at `at` bytes. */
export function emptySet(cells: Uint32Array, at: number): void {
  cells.fill(0, at / 4, (at + HELD_BYTES) / 4);
  const noPage = Number(NO_PAGE >> 32n);
  for (let slot = 0; slot < SLOTS; slot++) {
    cells[(at + PAGE) / 4 + 4 * slot + 1] = noPage;
    cells[(at + USED) / 4 + slot] = NO_TIME;
  }
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
    if (cells[rest] === place) cells[rest + 1]! &= ~Number(WRITTEN_BIT >> 32n);
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
  /** Of the held pages no more than its ways in entries of one of its sets. */
  readonly limit?: HeldLimit | undefined;
  readonly access: typeof ACCESS_READ | typeof ACCESS_FETCH;
  /** Writes a record: both push an i64, access and number of the held page in the upper word, and the number of the page. */
  readonly record: (code: Code, what: () => unknown, page: () => unknown) => void;
}

export class HeldPages {
  /** (address, rest, time) -> slot of a page from outside, in place of the least recent one. Under a limit one more, i32: the order of the entry for it. */
  readonly enter: number;
  /** (): a slice has ended: the pages keep the order of their last uses, which are older than all that follow. */
  readonly age: number;
  private readonly search: number;
  /** (): makes ORDER anew. There is a page. */
  private readonly sort: number;
  private readonly makeRoom: number;
  private readonly sets: HeldSets | undefined;
  private readonly options: HeldPagesOptions;

  constructor(options: HeldPagesOptions) {
    const { at, pageShift, limit } = options;
    this.options = options;
    this.sets = limit === undefined ? undefined : new HeldSets(at + SETS, pageShift, limit);
    this.search = this.searchFunction();
    this.sort = this.sortFunction();
    this.makeRoom = this.sets === undefined ? 0 : this.makeRoomFunction(this.sets);
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
  }

  // --- what accesses write in line ---------------------------------------------------------------------------------------

  /** Leaves the slot of the page at the address in local `at` in local `slot`; NONE. The table leads to it afterwards. */
  find(code: Code, at: Local, slot: Local): void {
    const entry = code.local(TYPE_I32);
    pushEntry(code, at, this.options.pageShift).set(entry);
    this.loadEntry(code, I64.load, entry, ENTRY_READ).get(at).op(I64.eq).if(TYPE_I32);
    this.loadEntry(code, I32.load, entry, ENTRY_USED).i32(this.options.at + USED).op(I32.sub).i32(2).op(I32.shrU).else();
    this.loadEntry(code, I32.load, entry, ENTRY_COUNT).if(TYPE_I32);
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

  /** A write to the held page at the address in the local, which had to be asked for and is granted, and which the table leads to. */
  writeFirst(code: Code, at: Local, slot: Local, time: Local): void {
    const { pageShift, record } = this.options;
    const [entry, rest] = [code.local(TYPE_I32), code.local(TYPE_I64)];
    this.use(code, slot, time);
    this.slotCell(code, REST, slot, SLOT_SHIFT);
    this.pushRest(code, slot).tee(rest).i64(HEARD_BIT | WRITTEN_BIT).op(I64.or).memory(I64.store, 0);
    pushEntry(code, at, pageShift).set(entry);
    this.storeEntry(code, I64.store, entry, ENTRY_WRITE, () => code.get(at));
    code.get(rest).i64(HEARD_BIT).op(I64.and).op(I64.eqz).if(TYPE_EMPTY);
    record(code, () => code.i64(BigInt(ACCESS_WRITE) << 32n), () => code.get(at).i64(pageShift).op(I64.shrU));
    code.end();
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

  /** All held pages leave, the least recent first. */
  clear(code: Code): void {
    const { pageShift, record } = this.options;
    const slot = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    this.forEachByTime(code, slot, () => {
      this.slotCell(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).set(page);
      this.slotCell(code, PAGE, slot, SLOT_SHIFT).i64(NO_PAGE).memory(I64.store, 0);
      pushEntry(code, page, pageShift).set(entry);
      this.voidEntry(code, entry);
      this.storeEntry(code, I32.store, entry, ENTRY_COUNT, () => code.i32(0));
      this.sets?.leave(code, slot);
      this.slotCell(code, USED, slot, 2).i32(NO_TIME).memory(I32.store, 0);
      record(code, () => this.pushWhat(code, ACCESS_LEAVE, slot), () => code.i64(0));
    });
    this.write(code, I64.store, PAGES, () => code.i64(0));
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

  /** Pushes the upper word of a record about the page in the slot, with its number. */
  private pushWhat(code: Code, access: number, slot: Local): Code {
    const first = this.options.access === ACCESS_FETCH ? FIRST_CODE_HELD : 1;
    const shift = 32 + RECORD_HELD_SHIFT;
    return code.get(slot).op(I64.extendI32U).i64(shift).op(I64.shl).i64((BigInt(first) << BigInt(shift)) + (BigInt(access) << 32n)).op(I64.add);
  }

  private sortFunction(): number {
    const { module, depth, at } = this.options;
    const code = new Code(0);
    const slot = code.local(TYPE_I32);
    const time = code.local(TYPE_V128);
    const older = code.local(TYPE_V128);
    const quads: Local[] = [];
    for (let first = 0; first < depth; first += QUAD) {
      const quad = code.local(TYPE_V128);
      this.read(code, V128.load, USED + 4 * first).set(quad);
      quads.push(quad);
    }
    const left = code.local(TYPE_I64);
    this.read(code, I64.load, PAGES).set(left);
    const loop = code.loop();
    code.get(left).op(I64.ctz).op(I32.wrapI64).set(slot);
    this.slotCell(code, USED, slot, 2).memory(V128.load32Splat, 0).set(time);
    // A comparison that holds is -1: the sum of the four lanes, of which two sums of two are read, is the number of older pages, below 0.
    for (const [n, quad] of quads.entries()) {
      code.get(quad).get(time).op(I32X4.gtS);
      if (n > 0) code.op(I32X4.add);
    }
    code.tee(older).get(older).op(I16X8.narrowI32x4S).op(I32X4.extaddPairwiseI16x8S).set(older).i32(at + ORDER);
    for (let lane = 0; lane < 2; lane++) code.get(older).lane(I32X4.extractLane, lane).op(I32.sub);
    code.get(slot).memory(I32.store8, 0);
    code.get(left).get(left).i64(1).op(I64.sub).op(I64.and).tee(left).i64(0).op(I64.ne).brIf(loop).end();
    return module.func({ parameters: [], results: [] }, code);
  }

  /** Runs the code of `then` for each slot with a page, the least recent one first. */
  private forEachByTime(code: Code, slot: Local, then: () => void): void {
    const index = code.local(TYPE_I32);
    this.read(code, I64.load, PAGES).i64(0).op(I64.ne).if(TYPE_EMPTY);
    code.call(this.sort).i32(0).set(index);
    const loop = code.loop();
    code.get(index).memory(I32.load8U, this.options.at + ORDER).set(slot);
    then();
    code.get(index).i32(1).op(I32.add).tee(index);
    this.read(code, I64.load, PAGES).op(I64.popcnt).op(I32.wrapI64).op(I32.ltU).brIf(loop).end().end();
  }

  private ageFunction(): number {
    const { module } = this.options;
    const code = new Code(0);
    const slot = code.local(TYPE_I32);
    const time = code.local(TYPE_I32);
    code.i32(AGED).set(time);
    this.forEachByTime(code, slot, () => {
      code.get(time).i32(1).op(I32.sub).set(time);
      this.use(code, slot, time);
    });
    this.forgetOrder(code);
    return module.func({ parameters: [], results: [] }, code);
  }

  /** The next page sorts. */
  private forgetOrder(code: Code): void {
    const { depth } = this.options;
    this.write(code, I32.store, TAKEN, () => code.i32(depth));
    if (this.sets !== undefined) this.write(code, I32.store, SORTED, () => code.i32(depth));
  }

  /** Leaves the slot for the next page from outside in the local: the first without a page, else that of the least recent one. */
  private takeSlot(code: Code, slot: Local): void {
    const { depth } = this.options;
    this.read(code, I64.load, PAGES).i64(-1).op(I64.xor).op(I64.ctz).op(I32.wrapI64).tee(slot).i32(depth).op(I32.ltU).if(TYPE_EMPTY);
    this.write(code, I64.store, PAGES, () => this.read(code, I64.load, PAGES).i64(1).get(slot).op(I64.extendI32U).op(I64.shl).op(I64.or));
    this.forgetOrder(code);
    code.else();
    this.takeLeastRecent(code, slot);
    code.end();
  }

  /** Leaves the slot of the least recent page in the local. There is one. */
  private takeLeastRecent(code: Code, slot: Local): void {
    const { depth, at } = this.options;
    // Of one slot there is no order.
    if (depth === 1) {
      code.i32(0).set(slot);
      return;
    }
    const taken = code.local(TYPE_I32);
    const next = code.loop();
    this.read(code, I32.load, TAKEN).tee(taken);
    if (this.sets === undefined) code.i32(depth);
    else this.read(code, I32.load, SORTED);
    code.op(I32.eq).if(TYPE_EMPTY);
    code.call(this.sort).i32(0).set(taken);
    if (this.sets === undefined) this.read(code, I32.load8U, ORDER + depth - 1).set(slot);
    else {
      this.write(code, I32.store, SORTED, () => this.read(code, I64.load, PAGES).op(I64.popcnt).op(I32.wrapI64));
      this.read(code, I32.load, SORTED).memory(I32.load8U, at + ORDER - 1).set(slot);
    }
    this.write(code, I32.store, NEWEST, () => this.slotCell(code, USED, slot, 2).memory(I32.load, 0));
    code.end();
    this.write(code, I32.store, TAKEN, () => code.get(taken).i32(1).op(I32.add));
    code.get(taken).memory(I32.load8U, at + ORDER).set(slot);
    // Used since.
    this.slotCell(code, USED, slot, 2).memory(I32.load, 0);
    this.read(code, I32.load, NEWEST).op(I32.ltS).brIf(next).end();
  }

  /** Adds to the number of held pages in the bucket of the entry. */
  private countHeld(code: Code, entry: Local, by: number): void {
    this.storeEntry(code, I32.store, entry, ENTRY_COUNT, () => this.loadEntry(code, I32.load, entry, ENTRY_COUNT).i32(by).op(I32.add));
  }

  /** The page in the slot, which is also left in local `gone`, leaves; the slot is given anew. */
  private leaveSlot(code: Code, slot: Local, gone: Local): void {
    const entry = code.local(TYPE_I32);
    pushEntry(code, gone, this.options.pageShift).set(entry);
    this.countHeld(code, entry, -1);
    this.sets?.leave(code, slot);
    this.loadEntry(code, I64.load, entry, ENTRY_READ).get(gone).op(I64.eq).if(TYPE_EMPTY);
    this.voidEntry(code, entry);
    code.end();
  }

  /**
   * (address, order, set) -> slot: a page is to come in whose set may have too many: pages leave, the least recent first, until it has room. The slot of the last one
   * that left; NONE if none had to. Each page of the set counts as an entry, but not those of the entry that translates the new one.
   */
  private makeRoomFunction(sets: HeldSets): number {
    const { options: { module, record } } = this;
    const { ways } = sets.limit;
    const code = new Code(3);
    const [slot, left, others, page] = [code.local(TYPE_I32), code.local(TYPE_I64), code.local(TYPE_I32), code.local(TYPE_I64)];
    const pushPage = (): Code => this.slotCell(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0);
    this.read(code, I64.load, PAGES).set(left);
    const count = code.loop();
    code.get(left).op(I64.ctz).op(I32.wrapI64).set(slot).get(others);
    sets.pushIsBeside(code, slot, pushPage, 2, 0, 1).op(I32.add).set(others);
    code.get(left).get(left).i64(1).op(I64.sub).op(I64.and).tee(left).i64(0).op(I64.ne).brIf(count).end();
    code.get(others).i32(ways).op(I32.ltU).if(TYPE_EMPTY);
    code.i32(NONE).return().end();
    const leave = code.loop();
    this.takeLeastRecent(code, slot);
    code.get(others);
    sets.pushIsBeside(code, slot, pushPage, 2, 0, 1).op(I32.sub).set(others);
    pushPage().set(page);
    this.leaveSlot(code, slot, page);
    this.slotCell(code, PAGE, slot, SLOT_SHIFT).i64(NO_PAGE).memory(I64.store, 0);
    this.slotCell(code, USED, slot, 2).i32(NO_TIME).memory(I32.store, 0);
    // The page that comes in takes the last slot.
    code.get(others).i32(ways).op(I32.ltU).if(TYPE_EMPTY);
    code.get(slot).return().end();
    this.write(code, I64.store, PAGES, () => this.read(code, I64.load, PAGES).i64(1).get(slot).op(I64.extendI32U).op(I64.shl).op(I64.xor));
    record(code, () => this.pushWhat(code, ACCESS_LEAVE, slot), () => code.i64(0));
    code.br(leave).end().op(CONTROL.unreachable);
    return module.func({ parameters: [TYPE_I64, TYPE_I32, TYPE_I32], results: [TYPE_I32] }, code);
  }

  /** `takeSlot` for the page at the address in local 0, whose entry has the order in local 3. Leaves its set in local `set`. */
  private takeSlotInSet(code: Code, slot: Local, set: Local, sets: HeldSets): void {
    sets.pushSet(code, 0, 3).set(set);
    sets.pushIsFull(code, set).if(TYPE_I32);
    code.get(0).get(3).get(set).call(this.makeRoom).else().i32(NONE).end().tee(slot).i32(NONE).op(I32.eq).if(TYPE_EMPTY);
    this.takeSlot(code, slot);
    code.end();
  }

  private enterFunction(): number {
    const { sets, options: { module, pageShift, record, access } } = this;
    const code = new Code(sets === undefined ? 3 : 4);
    const [slot, set, entry, gone] = [code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I64)];
    if (sets === undefined) this.takeSlot(code, slot);
    else this.takeSlotInSet(code, slot, set, sets);
    this.slotCell(code, PAGE, slot, SLOT_SHIFT).memory(I64.load, 0).tee(gone).i64(NO_PAGE).op(I64.ne).if(TYPE_EMPTY);
    this.leaveSlot(code, slot, gone);
    code.end();
    sets?.join(code, slot, set);
    this.slotCell(code, PAGE, slot, SLOT_SHIFT).get(0).memory(I64.store, 0);
    this.slotCell(code, REST, slot, SLOT_SHIFT).get(1).memory(I64.store, 0);
    this.use(code, slot, 2);
    pushEntry(code, 0, pageShift).set(entry);
    this.countHeld(code, entry, 1);
    this.fillEntry(code, entry, 0, slot);
    // BY_WRITE_BIT makes a read's number a write's.
    record(code, () => this.pushWhat(code, access, slot).get(1).i64(BY_WRITE_BIT).op(I64.and).op(I64.add), () => code.get(0).i64(pageShift).op(I64.shrU));
    code.get(slot);
    return module.func({ parameters: [TYPE_I64, TYPE_I64, TYPE_I32, ...(sets === undefined ? [] : [TYPE_I32] as const)], results: [TYPE_I32] }, code);
  }

  /** (page number, time): code runs on the page. `order`: pushes the order of its entry, for a limit; the page number is in local 0. */
  fetchFunction(order: (code: Code) => void): number {
    const code = new Code(2);
    const slot = code.local(TYPE_I32);
    const at = code.local(TYPE_I64);
    code.get(0).i64(this.options.pageShift).op(I64.shl).set(at);
    this.find(code, at, slot);
    this.isHeld(code, slot).if(TYPE_EMPTY);
    this.use(code, slot, 1);
    code.else().get(at).i64(0).get(1);
    if (this.sets !== undefined) order(code);
    code.call(this.enter).op(CONTROL.drop).end();
    return this.options.module.func({ parameters: [TYPE_I64, TYPE_I32], results: [] }, code);
  }
}
