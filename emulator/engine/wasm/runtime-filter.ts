/**
 * The page filter and the trace as WebAssembly: what every access runs through that is not on the current page.
 *
 * Records are those of the reference engine, one for one. The state lies in cells behind RAM (layout.ts, held-pages.ts).
 */
import { ACCESS_FETCH, ACCESS_READ } from "../engine.js";
import { Code } from "./binary/code.js";
import type { ModuleBuilder } from "./binary/module.js";
import { CONTROL, F64, I32, I64, I64X2, TYPE_EMPTY, TYPE_I32, TYPE_I64, V128 } from "./binary/opcodes.js";
import { HeldPages, WRITTEN_BIT } from "./held-pages.js";
import {
  ACCESS_PC, CURRENT_PAGES, CURRENT_SLOT, ENTRY_SHIFT, FETCH_PAGE, FRONT, FRONT_ENTRIES, FRONT_EPOCH, HELD_CODE, HELD_DATA, HOST, MARK, NO_FETCH_PAGE, NO_PAGE, READ_BASE, RING, RING_COUNT, RING_PCS, RING_RECORDS, UNMARKED, WRITE_BASE,
} from "./layout.js";

/** Value of places that are not there. */
export const NOWHERE = -1;

/** What the filter is made for. */
export interface FilterOptions {
  /** Bytes of RAM: where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  readonly filterPages: number;
  readonly fetchPages: number;
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

export class PageFilter {
  private readonly module: ModuleBuilder;
  private readonly options: FilterOptions;
  private readonly base: number;
  private readonly pageShift: number;
  private readonly data: HeldPages;
  private readonly code: HeldPages;
  /** Tells the filter which current pages have been used, in the order of their last uses. */
  readonly noteMarks: number;
  /** Numbers of the imported functions. */
  private readonly grant: number;
  private readonly drain: number;

  constructor(module: ModuleBuilder, options: FilterOptions, grant: number, drain: number) {
    this.module = module;
    this.options = options;
    this.base = options.base | 0;
    this.pageShift = Math.log2(options.pageSize);
    this.grant = grant;
    this.drain = drain;
    const shared = { module, pageShift: this.pageShift, record: this.record.bind(this) };
    this.data = new HeldPages({ ...shared, at: options.base + HELD_DATA, depth: options.filterPages, access: ACCESS_READ, leaves: this.leave.bind(this) });
    this.code = new HeldPages({ ...shared, at: options.base + HELD_CODE, depth: options.fetchPages, access: ACCESS_FETCH, leaves: () => undefined });
    this.noteMarks = this.noteMarksFunction();
  }

  /** Records a touch; both push an i64: the access shifted left by 32, and the number of the page. */
  private record(code: Code, access: () => unknown, page: () => unknown): void {
    const { options } = this;
    if (!options.trace) return;
    const count = code.local(TYPE_I32);
    readCell(code, this.base, I32.load, RING_COUNT).tee(count);
    code.i32(3).op(I32.shl).i32(this.base + RING).op(I32.add);
    page();
    code.i64(0xffff_ffff).op(I64.and);
    page();
    code.i64(32).op(I64.shrU).i64(34).op(I64.shl).op(I64.or);
    access();
    code.op(I64.or).memory(I64.store, 0);
    if (options.tracePcs) {
      code.get(count).i32(3).op(I32.shl).i32(this.base + RING_PCS).op(I32.add);
      readCell(code, this.base, I64.load, ACCESS_PC).op(F64.convertI64U).memory(F64.store, 0);
    }
    writeCell(code, this.base, I32.store, RING_COUNT, () => code.get(count).i32(1).op(I32.add));
    code.get(count).i32(RING_RECORDS - 1).op(I32.eq).if(TYPE_EMPTY);
    code.call(this.drain).end();
  }

  /** (page): code runs on the page. */
  fetch(): number {
    return this.code.fetchFunction();
  }

  private noteMarksFunction(): number {
    const code = new Code(0);
    const current = code.local(TYPE_I32);
    const slot = code.local(TYPE_I32);
    const mark = code.local(TYPE_I64);
    const first = code.local(TYPE_I64);
    const each = code.loop();
    code.i64(UNMARKED).set(first);
    for (let index = 0; index < CURRENT_PAGES; index++) {
      readCell(code, this.base, I64.load, MARK + 8 * index).tee(mark).get(first).op(I64.gtS).if(TYPE_EMPTY);
      code.get(mark).set(first).i32(index).set(current).end();
    }
    code.get(first).i64(UNMARKED).op(I64.ne).if(TYPE_EMPTY);
    this.cellOf(code, CURRENT_SLOT, 2, current).memory(I32.load, 0).set(slot);
    this.data.use(code, slot);
    this.cellOf(code, MARK, 3, current).i64(UNMARKED).memory(I64.store, 0);
    code.br(each).end().end();
    return this.module.func({ parameters: [], results: [] }, code);
  }

  /** The same, if there are some. */
  private noteSome(code: Code): void {
    for (let index = 0; index < CURRENT_PAGES; index += 2) readCell(code, this.base, V128.load, MARK + 8 * index).v128(UNMARKED, UNMARKED).op(I64X2.eq);
    for (let index = 2; index < CURRENT_PAGES; index += 2) code.op(V128.and);
    code.op(I64X2.allTrue).op(I32.eqz).if(TYPE_EMPTY);
    code.call(this.noteMarks).end();
  }

  /** Pushes the address of a cell of the current page whose number is in the local. */
  cellOf(code: Code, cells: number, shift: number, current: number): Code {
    return code.get(current).i32(shift).op(I32.shl).i32(this.base + cells).op(I32.add);
  }

  /** A page that is held no more is no current page either. */
  private leave(code: Code, page: number): void {
    for (let current = 0; current < CURRENT_PAGES; current++) {
      readCell(code, this.base, I64.load, READ_BASE + 8 * current).get(page).op(I64.eq).if(TYPE_EMPTY);
      this.forget(code, current);
      code.end();
    }
  }

  private forget(code: Code, current: number): void {
    for (const cell of [READ_BASE, WRITE_BASE]) writeCell(code, this.base, I64.store, cell + 8 * current, () => code.i64(NO_PAGE));
  }

  /** The current page in the local, which holds what is accessed, is used. */
  useCurrent(code: Code, current: number): void {
    const slot = code.local(TYPE_I32);
    this.noteSome(code);
    this.cellOf(code, CURRENT_SLOT, 2, current).memory(I32.load, 0).set(slot);
    this.data.use(code, slot);
  }

  /** Before the page tables may change: records what is due, and holds nothing. */
  clear(): number {
    const code = new Code(0);
    code.call(this.noteMarks);
    this.data.clear(code);
    this.code.clear(code);
    writeCell(code, this.base, I64.store, FETCH_PAGE, () => code.i64(NO_FETCH_PAGE));
    this.leavePage(code);
    return this.module.func({ parameters: [], results: [] }, code);
  }

  /** There is no current page. */
  leavePage(code: Code): void {
    for (let current = 0; current < CURRENT_PAGES; current++) this.forget(code, current);
  }

  /** Leaves the place of the page at the address in local `at` in local `place`: NOWHERE if it may not be read, or written. */
  private translate(code: Code, write: boolean, at: number, place: number): void {
    const page = code.local(TYPE_I64);
    const entry = code.local(TYPE_I32);
    code.get(at).i64(this.pageShift).op(I64.shrU).tee(page);
    code.op(I32.wrapI64).i32(FRONT_ENTRIES - 1).op(I32.and).i32(ENTRY_SHIFT).op(I32.shl).i32(this.base + FRONT).op(I32.add).tee(entry);
    code.memory(I64.load, 0).get(page);
    readCell(code, this.base, I64.load, FRONT_EPOCH).op(I64.or).op(I64.eq);
    if (write) code.get(entry).memory(I32.load, 8).i32(1).op(I32.and).op(I32.and);
    code.if(TYPE_I32);
    code.get(entry).memory(I32.load, 8).i32(-2).op(I32.and);
    code.else();
    code.get(page).op(F64.convertI64U).i32(Number(write)).call(this.grant);
    code.end().set(place);
  }

  /** (base) -> place of a page, or NOWHERE. */
  translateFunction(write: boolean): number {
    const code = new Code(1);
    const place = code.local(TYPE_I32);
    this.translate(code, write, 0, place);
    code.get(place);
    return this.module.func({ parameters: [TYPE_I64], results: [TYPE_I32] }, code);
  }

  /**
   * Makes the page at the address in local `at` the current one with the number in local `current`, and leaves its place in local `place`. If the access is not granted the code of
   * `refused` runs, which has to leave the function. `translateWrite`: number of the function of that name.
   */
  touch(code: Code, write: boolean, at: number, current: number, place: number, translateWrite: number, refused: () => void): void {
    const { data } = this;
    const slot = code.local(TYPE_I32);
    const rest = code.local(TYPE_I64);
    const written = (): Code => code.get(rest).i64(WRITTEN_BIT).op(I64.and);
    const refuseNowhere = (): void => {
      code.i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
      refused();
      code.end();
    };
    this.noteSome(code);
    data.find(code, at, slot);
    data.isHeld(code, slot).if(TYPE_EMPTY);
    data.pushRest(code, slot).set(rest);
    if (write) {
      written().op(I64.eqz).if(TYPE_EMPTY);
      // The first write is granted before the page counts as used.
      code.get(at).call(translateWrite);
      refuseNowhere();
      data.writeFirst(code, slot);
      code.else();
      data.use(code, slot);
      code.end();
    } else data.use(code, slot);
    code.else();
    this.translate(code, write, at, place);
    code.get(place);
    refuseNowhere();
    code.get(at).get(place).op(I64.extendI32U);
    if (write) code.i64(WRITTEN_BIT).op(I64.or);
    code.tee(rest).call(data.enter).set(slot).end();
    code.get(rest).op(I32.wrapI64).set(place);
    this.cellOf(code, READ_BASE, 3, current).get(at).memory(I64.store, 0);
    this.cellOf(code, WRITE_BASE, 3, current).get(at);
    if (!write) {
      code.i64(NO_PAGE);
      written().i64(0).op(I64.ne).op(CONTROL.select);
    }
    code.memory(I64.store, 0);
    this.cellOf(code, HOST, 2, current).get(place).memory(I32.store, 0);
    this.cellOf(code, CURRENT_SLOT, 2, current).get(slot).memory(I32.store, 0);
  }

  /** (base, current page) -> place of the page, which becomes that one; its access is granted. */
  touchFunction(write: boolean, translateWrite: number): number {
    const code = new Code(2);
    const place = code.local(TYPE_I32);
    this.touch(code, write, 0, 1, place, translateWrite, () => code.op(CONTROL.unreachable));
    code.get(place);
    return this.module.func({ parameters: [TYPE_I64, TYPE_I32], results: [TYPE_I32] }, code);
  }
}
