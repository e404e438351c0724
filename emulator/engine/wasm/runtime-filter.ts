/**
 * The page filter and the trace as WebAssembly: what every access runs through that is not on a page that the table of held pages leads to.
 *
 * Records are those of the reference engine, one for one. The state lies in cells behind RAM (layout.ts, held-pages.ts). Every access has a time, which counts
 * down: in translated code the account, of TypeScript a clock whose times are greater than any account's.
 */
import { ACCESS_FETCH, ACCESS_READ, type HeldLimit } from "../engine.js";
import { Code } from "./binary/code.js";
import type { ModuleBuilder } from "./binary/module.js";
import { CONTROL, F64, I32, I64, TYPE_EMPTY, TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import { ENTRY_PLACE, ENTRY_READ, ENTRY_USED, ENTRY_WRITE, entryWord, HeldPages, pushEntry } from "./held-pages.js";
import { ACCESS_PC, BY_WRITE_BIT, CLOCK, ENTRY_SHIFT, FETCH_PAGE, FRONT, FRONT_CODE_SHIFT, FRONT_DATA_SHIFT, FRONT_ENTRIES, FRONT_EPOCH, FRONT_ORDER, FRONT_PLACE, FRONT_UNHEARD, FRONT_WRITE, HEARD_BIT, HELD_CODE, HELD_DATA, NO_FETCH_PAGE, RING, RING_COUNT, RING_PCS, RING_RECORDS, WRITTEN_BIT } from "./layout.js";

/** Value of places that are not there. */
export const NOWHERE = -1;

/** Pages that an access touches at most, each at a time of its own. */
export const TOUCHES = 2;

/** What of the last two words of an entry of the front table is the page's place. */
const PLACE = BigInt.asUintN(32, BigInt(FRONT_PLACE));

/** What the filter is made for. */
export interface FilterOptions {
  /** Bytes of RAM: where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  readonly filterPages: number;
  readonly fetchPages: number;
  readonly filterLimit?: HeldLimit | undefined;
  readonly fetchLimit?: HeldLimit | undefined;
  readonly trace: boolean;
  readonly tracePcs: boolean;
}

/** Pushes a cell. */
export function readCell(code: Code, base: number, opcode: number, cell: number): Code {
  return code.i32(base + cell).memory(opcode, 0);
}

/** Writes what `value` pushes to a cell. */
export function writeCell(code: Code, base: number, opcode: number, cell: number, value: () => unknown): void {
  code.i32(base + cell);
  value();
  code.memory(opcode, 0);
}

/** Times of the clock: greater than the account of any slice, which is below 2^28, and less than those of slices that have ended. */
const FIRST_TIME = 2 ** 30;
const LAST_TIME = 2 ** 29;
/** Between two times: more than the touches of an instruction. */
const TIME_STEP = 1024;

/** Pushes whether the access of `bytes` at the address in the local is not on a page that the entry in local `entry` leads to; its offset there is left in local `offset`. */
export function pushElsewhere(code: Code, base: number, pageSize: number, bytes: number, write: boolean, at: number, entry: number, offset: number): Code {
  pushEntry(code, at, Math.log2(pageSize)).set(entry);
  code.get(at).get(entry).memory(I64.load, entryWord(base + HELD_DATA, write ? ENTRY_WRITE : ENTRY_READ)).op(I64.sub).tee(offset);
  return code.i64(pageSize - bytes).op(I64.gtU);
}

/** Uses the page that the entry leads to at the time that `time` pushes, and pushes the place of the access. */
export function pushPlace(code: Code, base: number, entry: number, offset: number, time: () => unknown): Code {
  code.get(entry).memory(I32.load, entryWord(base + HELD_DATA, ENTRY_USED));
  time();
  code.memory(I32.store, 0);
  return code.get(entry).memory(I32.load, entryWord(base + HELD_DATA, ENTRY_PLACE)).get(offset).op(I32.wrapI64).op(I32.add);
}

export class PageFilter {
  private readonly module: ModuleBuilder;
  private readonly options: FilterOptions;
  private readonly base: number;
  private readonly pageShift: number;
  private readonly data: HeldPages;
  private readonly code: HeldPages;
  /** (): a slice has ended; times start anew. */
  readonly age: number;
  /** Numbers of the imported functions. */
  private readonly grant: number;
  private readonly drain: number;
  private readonly codeOrder: number;
  private readonly wrote: number;

  constructor(module: ModuleBuilder, options: FilterOptions, { grant, drain, codeOrder, wrote }: { readonly grant: number; readonly drain: number; readonly codeOrder: number; readonly wrote: number }) {
    this.module = module;
    this.options = options;
    this.base = options.base | 0;
    this.pageShift = Math.log2(options.pageSize);
    this.grant = grant;
    this.drain = drain;
    this.codeOrder = codeOrder;
    this.wrote = wrote;
    const shared = { module, pageShift: this.pageShift, record: this.record.bind(this) };
    this.data = new HeldPages({ ...shared, at: options.base + HELD_DATA, depth: options.filterPages, limit: options.filterLimit, access: ACCESS_READ });
    this.code = new HeldPages({ ...shared, at: options.base + HELD_CODE, depth: options.fetchPages, limit: options.fetchLimit, access: ACCESS_FETCH });
    this.age = module.func({ parameters: [], results: [] }, new Code(0).call(this.data.age).call(this.code.age));
  }

  /** Writes a record; both push an i64: access and number of the held page in the upper word, and the number of the page. */
  private record(code: Code, what: () => unknown, page: () => unknown): void {
    const { options } = this;
    if (!options.trace) return;
    const count = code.local(TYPE_I32);
    readCell(code, this.base, I32.load, RING_COUNT).tee(count);
    code.i32(3).op(I32.shl).i32(this.base + RING).op(I32.add);
    page();
    code.i64(0xffff_ffff).op(I64.and);
    page();
    code.i64(32).op(I64.shrU).i64(34).op(I64.shl).op(I64.or);
    what();
    code.op(I64.or).memory(I64.store, 0);
    if (options.tracePcs) {
      code.get(count).i32(3).op(I32.shl).i32(this.base + RING_PCS).op(I32.add);
      readCell(code, this.base, I64.load, ACCESS_PC).op(F64.convertI64U).memory(F64.store, 0);
    }
    writeCell(code, this.base, I32.store, RING_COUNT, () => code.get(count).i32(1).op(I32.add));
    code.get(count).i32(RING_RECORDS - 1).op(I32.eq).if(TYPE_EMPTY);
    code.call(this.drain).end();
  }

  /** (page, time): code runs on the page. */
  fetch(): number {
    return this.code.fetchFunction((code) => {
      const entry = code.local(TYPE_I32);
      this.frontEntry(code, 0).set(entry);
      this.isInFront(code, 0, entry).if(TYPE_I32);
      code.get(entry).memory(I32.load, 8).i32(FRONT_CODE_SHIFT).op(I32.shrU).i32(FRONT_ORDER).op(I32.and);
      code.else().get(0).op(F64.convertI64U).call(this.codeOrder).end();
    });
  }

  /** () -> the time of an access that TypeScript makes. */
  tick(): number {
    const code = new Code(0);
    const time = code.local(TYPE_I32);
    readCell(code, this.base, I32.load, CLOCK).i32(TIME_STEP).op(I32.sub).tee(time).i32(LAST_TIME).op(I32.ltS).if(TYPE_EMPTY);
    code.call(this.age).i32(FIRST_TIME).set(time).end();
    writeCell(code, this.base, I32.store, CLOCK, () => code.get(time));
    code.get(time);
    return this.module.func({ parameters: [], results: [TYPE_I32] }, code);
  }

  /** Before the page tables may change: all held pages leave. */
  clear(): number {
    const code = new Code(0);
    this.data.clear(code);
    this.code.clear(code);
    writeCell(code, this.base, I64.store, FETCH_PAGE, () => code.i64(NO_FETCH_PAGE));
    return this.module.func({ parameters: [], results: [] }, code);
  }

  /** The next access of each page comes to the runtime. */
  forgetTable(code: Code): void {
    this.data.forgetTable(code);
  }

  /** Pushes the address of the entry for the page in the local. */
  private frontEntry(code: Code, page: number): Code {
    return code.get(page).op(I32.wrapI64).i32(FRONT_ENTRIES - 1).op(I32.and).i32(ENTRY_SHIFT).op(I32.shl).i32(this.base + FRONT).op(I32.add);
  }

  /** Pushes whether the entry is for the page. */
  private isInFront(code: Code, page: number, entry: number): Code {
    code.get(entry).memory(I64.load, 0).get(page);
    return readCell(code, this.base, I64.load, FRONT_EPOCH).op(I64.or).op(I64.eq);
  }

  /** Returns the local with the page's entry in the front table, which has it afterwards. If it may not be read, or written, the code of `refused` runs, which has to leave the function. */
  private translate(code: Code, write: boolean, at: number, refused: () => void): number {
    const page = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    code.get(at).i64(this.pageShift).op(I64.shrU).set(page);
    this.frontEntry(code, page).set(entry);
    this.isInFront(code, page, entry);
    if (write) code.get(entry).memory(I32.load, 8).i32(FRONT_WRITE).op(I32.and).op(I32.and);
    code.op(I32.eqz).if(TYPE_EMPTY);
    // Whoever grants fills the entry.
    code.get(page).op(F64.convertI64U).i32(Number(write)).call(this.grant).i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
    refused();
    code.end().end();
    return entry;
  }

  /** (base) -> place of a page, or NOWHERE. */
  translateFunction(write: boolean): number {
    const code = new Code(1);
    const entry = this.translate(code, write, 0, () => code.i32(NOWHERE).return());
    code.get(entry).memory(I32.load, 8).i32(FRONT_PLACE).op(I32.and);
    return this.module.func({ parameters: [TYPE_I64], results: [TYPE_I32] }, code);
  }

  /**
   * Uses the page at the address in local `at` at the time in local `time`, and leaves its place in local `place`. If the access is not granted the code of
   * `refused` runs, which has to leave the function. `translateWrite`: number of the function of that name.
   */
  touch(code: Code, write: boolean, at: number, time: number, place: number, translateWrite: number, refused: () => void): void {
    const { data } = this;
    const slot = code.local(TYPE_I32);
    const rest = code.local(TYPE_I64);
    data.find(code, at, slot);
    data.isHeld(code, slot).if(TYPE_EMPTY);
    if (write) {
      data.pushRest(code, slot).i64(WRITTEN_BIT).op(I64.and).op(I64.eqz).if(TYPE_EMPTY);
      // The first write is granted before the page counts as used.
      code.get(at).call(translateWrite).i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
      refused();
      code.end();
      data.writeFirst(code, at, slot, time);
      const page = code.local(TYPE_I64);
      const entry = code.local(TYPE_I32);
      code.get(at).i64(this.pageShift).op(I64.shrU).set(page);
      this.frontEntry(code, page).set(entry);
      this.noteWrite(code, at, entry);
      code.else();
      data.use(code, slot, time);
      code.end();
    } else data.use(code, slot, time);
    data.pushRest(code, slot).op(I32.wrapI64).set(place);
    code.else();
    const entry = this.translate(code, write, at, refused);
    code.get(entry).memory(I64.load, 8);
    if (write) code.i64(PLACE).op(I64.and).i64(BY_WRITE_BIT | HEARD_BIT | WRITTEN_BIT).op(I64.or);
    else code.i64(PLACE | HEARD_BIT | WRITTEN_BIT).op(I64.and);
    code.set(rest).get(rest).op(I32.wrapI64).set(place);
    code.get(at).get(rest).get(time);
    if (this.options.filterLimit !== undefined) code.get(entry).memory(I32.load, 8).i32(FRONT_DATA_SHIFT).op(I32.shrU).i32(FRONT_ORDER).op(I32.and);
    code.call(data.enter).op(CONTROL.drop);
    if (write) this.noteWrite(code, at, entry);
    code.end();
  }

  /** A write of the page at the address in local `at` has been recorded, if it had to be. The front table has the page, in the entry. */
  private noteWrite(code: Code, at: number, entry: number): void {
    if (!this.options.trace) return;
    code.get(entry).memory(I32.load, 12).i32(FRONT_UNHEARD).op(I32.and).if(TYPE_EMPTY);
    code.get(at).i64(this.pageShift).op(I64.shrU).op(F64.convertI64U).call(this.wrote).end();
  }

  /** (base, time) -> place of the page; its access is granted. */
  touchFunction(write: boolean, translateWrite: number): number {
    const code = new Code(2);
    const place = code.local(TYPE_I32);
    this.touch(code, write, 0, 1, place, translateWrite, () => code.op(CONTROL.unreachable));
    code.get(place);
    return this.module.func({ parameters: [TYPE_I64, TYPE_I32], results: [TYPE_I32] }, code);
  }
}
