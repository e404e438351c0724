/**
 * The page filter and the trace as WebAssembly: what every access runs through that is not on the current page.
 *
 * The filter is that of the reference engine (native/src/filter.rs), record for record. Its state lies in cells behind RAM (layout.ts).
 */
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE } from "../engine.js";
import { Code } from "./binary/code.js";
import type { ModuleBuilder } from "./binary/module.js";
import { CONTROL, F64, I32, I64, TYPE_EMPTY, TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import {
  ACCESS_PC, ENTRY_SHIFT, FILTER, FILTER_ENTRY, FRONT, FRONT_ENTRIES, FRONT_EPOCH, HOST, NO_PAGE, PENDING, READ_BASE, RING, RING_COUNT, RING_PCS, RING_RECORDS, WRITE_BASE,
} from "./layout.js";

/** Value of places that are not there. */
export const NOWHERE = -1;
const PLACE = 8;
/** The page's write has been recorded, in the word at PLACE. */
const WRITTEN_BIT = 1n << 32n;

/** Functions that accesses call when they are not simple. */
export interface Cold {
  readonly emitPending: number;
  readonly translateWrite: number;
}

/** Locals of a held page. */
interface Entry {
  readonly address: number;
  readonly rest: number;
}

/** What the filter is made for. */
export interface FilterOptions {
  /** Bytes of RAM: where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  readonly filterPages: number;
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
  }

  /** Records a touch of the page whose number `page` pushes. */
  push(code: Code, access: number, page: () => unknown): void {
    const { options } = this;
    if (!options.trace) return;
    const count = code.local(TYPE_I32);
    readCell(code, this.base, I32.load, RING_COUNT).tee(count);
    code.i32(3).op(I32.shl).i32(this.base + RING).op(I32.add);
    page();
    code.i64(0xffff_ffff).op(I64.and);
    page();
    code.i64(32).op(I64.shrU).i64(34).op(I64.shl).op(I64.or).i64(BigInt(access) << 32n).op(I64.or);
    code.memory(I64.store, 0);
    if (options.tracePcs) {
      code.get(count).i32(3).op(I32.shl).i32(this.base + RING_PCS).op(I32.add);
      readCell(code, this.base, I64.load, ACCESS_PC).op(F64.convertI64U).memory(F64.store, 0);
    }
    writeCell(code, this.base, I32.store, RING_COUNT, () => code.get(count).i32(1).op(I32.add));
    code.get(count).i32(RING_RECORDS - 1).op(I32.eq).if(TYPE_EMPTY);
    code.call(this.drain).end();
  }

  /** (page): records a fetch. */
  pushFetch(): number {
    const code = new Code(1);
    this.push(code, ACCESS_FETCH, () => code.get(0));
    return this.module.func({ parameters: [TYPE_I64], results: [] }, code);
  }

  /** (newest): records the held pages used since the last record, oldest first, but not the `newest` most recent ones. */
  emitPending(): number {
    const { module } = this;
    const code = new Code(1);
    const place = code.local(TYPE_I32);
    const page = code.local(TYPE_I64);
    readCell(code, this.base, I32.load, PENDING).set(place);
    const done = code.block();
    const loop = code.loop();
    code.get(place).get(0).op(I32.leS).brIf(done);
    code.get(place).i32(1).op(I32.sub).tee(place).i32(4).op(I32.shl).i32(this.base + FILTER).op(I32.add).memory(I64.load, 0);
    code.i64(this.pageShift).op(I64.shrU).set(page);
    this.push(code, ACCESS_READ, () => code.get(page));
    code.br(loop).end().end();
    writeCell(code, this.base, I32.store, PENDING, () => code.i32(0));
    return module.func({ parameters: [TYPE_I32], results: [] }, code);
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

  /** Moves the held page at `place` to the front. */
  private use(code: Code, place: number, entry: Entry): void {
    const { base } = this;
    writeCell(code, this.base, I32.store, PENDING, () => {
      readCell(code, this.base, I32.load, PENDING);
      readCell(code, this.base, I32.load, PENDING).i32(place).op(I32.leS).op(I32.add);
    });
    if (place === 0) return;
    const at = base + FILTER + FILTER_ENTRY * place;
    code.i32(at).memory(I64.load, 0).set(entry.address).i32(at).memory(I64.load, PLACE).set(entry.rest);
    this.shift(code, place);
    this.writeFirst(code, () => code.get(entry.address), () => code.get(entry.rest));
  }

  /** Moves the held pages before `place` one place on. */
  private shift(code: Code, place: number): void {
    for (let to = place; to > 0; to--) {
      const at = this.base + FILTER + FILTER_ENTRY * to;
      for (const half of [0, PLACE]) code.i32(at).i32(at - FILTER_ENTRY).memory(I64.load, half).memory(I64.store, half);
    }
  }

  /**
   * Writes the first held page. Always as two words of 64 bits, as they are read: a host that has to wait for a narrower store before it can read
   * a word waits for all stores before that one, cache misses of the guest included.
   */
  private writeFirst(code: Code, address: () => unknown, rest: () => unknown): void {
    const first = this.base + FILTER;
    code.i32(first);
    address();
    code.memory(I64.store, 0).i32(first);
    rest();
    code.memory(I64.store, PLACE);
  }

  /**
   * Makes the page at the address in local `at` the current one, and leaves its place in local `place`. If the access is not granted the code of
   * `refused` runs, which has to leave the function.
   */
  touch(code: Code, write: boolean, at: number, place: number, cold: Cold, refused: () => void): void {
    const first = this.base + FILTER;
    const entry = { address: code.local(TYPE_I64), rest: code.local(TYPE_I64) };
    const record = (): void => {
      this.push(code, write ? ACCESS_WRITE : ACCESS_READ, () => code.get(at).i64(this.pageShift).op(I64.shrU));
    };
    const refuseNowhere = (): void => {
      code.i32(NOWHERE).op(I32.eq).if(TYPE_EMPTY);
      refused();
      code.end();
    };
    const found = code.block();
    for (let held = 0; held < this.options.filterPages; held++) {
      const page = first + FILTER_ENTRY * held;
      code.i32(page).memory(I64.load, 0).get(at).op(I64.eq).if(TYPE_EMPTY);
      if (write) {
        // The first write is granted before the page counts as used.
        code.i32(page).memory(I64.load, PLACE).i64(WRITTEN_BIT).op(I64.and).op(I64.eqz).if(TYPE_EMPTY);
        code.get(at).call(cold.translateWrite);
        refuseNowhere();
        code.end();
      }
      this.use(code, held, entry);
      code.br(found).end();
    }
    this.translate(code, write, at, place);
    code.get(place);
    refuseNowhere();
    readCell(code, this.base, I32.load, PENDING).if(TYPE_EMPTY);
    code.i32(0).call(cold.emitPending).end();
    this.shift(code, this.options.filterPages - 1);
    this.writeFirst(code, () => code.get(at), () => code.get(place).op(I64.extendI32U).i64(write ? WRITTEN_BIT : 0n).op(I64.or));
    record();
    code.end();
    code.i32(first).memory(I64.load, PLACE).tee(entry.rest).op(I32.wrapI64).set(place);
    if (write) {
      code.get(entry.rest).i64(WRITTEN_BIT).op(I64.and).op(I64.eqz).if(TYPE_EMPTY);
      code.i32(1).call(cold.emitPending);
      code.i32(first).get(entry.rest).i64(WRITTEN_BIT).op(I64.or).memory(I64.store, PLACE);
      record();
      code.end();
    }
    writeCell(code, this.base, I64.store, READ_BASE, () => code.get(at));
    writeCell(code, this.base, I64.store, WRITE_BASE, () => {
      if (write) code.get(at);
      else code.get(at).i64(NO_PAGE).get(entry.rest).i64(WRITTEN_BIT).op(I64.and).i64(0).op(I64.ne).op(CONTROL.select);
    });
    writeCell(code, this.base, I32.store, HOST, () => code.get(place));
  }

  /** (base) -> place of the page, which becomes the current one; its access is granted. */
  touchFunction(write: boolean, cold: Cold): number {
    const code = new Code(1);
    const place = code.local(TYPE_I32);
    this.touch(code, write, 0, place, cold, () => code.op(CONTROL.unreachable));
    code.get(place);
    return this.module.func({ parameters: [TYPE_I64], results: [TYPE_I32] }, code);
  }
}
