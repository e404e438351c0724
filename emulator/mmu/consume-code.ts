/**
 * The fast path of an MMU as WebAssembly (tlb-fast.ts says what it does), written for one MMU: what its structures are stands in the code as constants.
 *
 * An entry is named by the distance of its first cell in bytes here, four times its handle.
 */
import { ACCESS_FETCH, ACCESS_WRITE, FIRST_CODE_HELD } from "../engine/engine.js";
import { Code, type Local } from "../engine/wasm/binary/code.js";
import { ModuleBuilder } from "../engine/wasm/binary/module.js";
import { F64, I32, TYPE_EMPTY, TYPE_I32 } from "../engine/wasm/binary/opcodes.js";
import { CAPACITY_BITS, UNIT_OF_AT } from "./resolve-code.js";
import type { Arena } from "./tlb-cells.js";
import { ENTRY_BYTES_SHIFT, OrderCode, structureOf, WORD } from "./order-code.js";
import type { Structure } from "./order-code.js";
import * as layout from "./tlb-layout.js";

const { ORDER_RING, ORDER_STAMPS, STATE, FRAME, AT, PINS, STATE_VALID, STATE_DIRTY, STATE_PAGES_SHIFT, STATE_CLASS_SHIFT, BLOCK_SHIFT, BLOCK_UNITS, PROBE_SHIFT, PROBE_CLASS,
  PROBE_COLUMN, PROBE_PAGES, RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT } = layout;

const NONE = -1;
/** The number of a unit is not known yet. */
const UNKNOWN = -2;

/** Words through which the code and its caller talk. */
export const WALK_DUE = 0;
export const STILL_HELD = 1;
export const WORDS = 2;

/** One side, instruction or data, as headers of structures. */
export interface ConsumedSide {
  readonly l1: number;
  readonly pins: boolean;
  readonly l2: readonly number[];
}

export interface ConsumeOptions {
  readonly arena: Arena;
  readonly instruction: ConsumedSide;
  readonly data: ConsumedSide;
  /** In the arena's memory: by number of a held page the handle of the entry that it pins, misses of each side, the words above. */
  readonly pinned: Int32Array;
  readonly misses: Float64Array;
  readonly words: Int32Array;
}

/** What the code asks for. Sides: 0 instruction, 1 data. Handles of entries. */
export interface ConsumeImports {
  /** Makes in the L1 what it can hold of an L2's entry: its entry, or -1, and nothing changed. */
  readonly copyUp: (side: number, found: number, page: number) => number;
  /** Walks for a page that no structure has: the L1's entry, or -1. */
  readonly walk: (side: number, page: number, access: number) => number;
}

/** Locals that a record is in, while it is consumed. */
interface RecordLocals {
  /** Where the arena's `at` begins. */
  readonly at: Local;
  /** Number of the page; access. */
  readonly page: Local;
  readonly access: Local;
  /** Number of the held page, 0 for none, and the entry that was pinned for the one that had it before; NONE. */
  readonly held: Local;
  readonly gone: Local;
  /** Of the L1: what translates the page. */
  readonly entry: Local;
}

class Writer {
  private readonly module = new ModuleBuilder();
  private readonly arena: Arena;
  private readonly cells: number;
  private readonly options: ConsumeOptions;
  private readonly copyUp: number;
  private readonly walk: number;
  private readonly order: OrderCode;
  private readonly larger = new Map<number, number>();

  constructor(options: ConsumeOptions, memory: WebAssembly.Memory) {
    const { module } = this;
    this.options = options;
    this.arena = options.arena;
    this.cells = options.arena.cells.byteOffset;
    const three = { parameters: [TYPE_I32, TYPE_I32, TYPE_I32], results: [TYPE_I32] } as const;
    this.copyUp = module.importFunction("e", "copyUp", three);
    this.walk = module.importFunction("e", "walk", three);
    module.importMemory("e", "memory", memory.buffer.byteLength / 65536);
    this.order = new OrderCode(module, options.arena);
  }

  // --- finding ---------------------------------------------------------------------------------------------------------

  /** Pushes where `at` begins. */
  private at(code: Code): Code {
    return code.i32(this.arena.place.byteOffset).memory(I32.load, 0);
  }

  /** Turns an index of `at` on the stack into where it stands. */
  private inAt(code: Code, at: Local): Code {
    return code.i32(1).op(I32.shl).get(at).op(I32.add);
  }

  /** Leaves the entry that translates the page in the local; NONE, UNKNOWN. `at`: local with where `at` begins. */
  private find(code: Code, structure: Structure, at: Local, page: Local, entry: Local): void {
    const { column, firstEntry, probes, endProbe } = structure;
    const slot = code.local(TYPE_I32);
    code.get(page).i32(this.arena.columnShift + 1).op(I32.shl).get(at).op(I32.add).memory(I32.load16S, 2 * column).tee(slot).i32(0).op(I32.geS).if(TYPE_I32);
    code.get(slot).i32(ENTRY_BYTES_SHIFT).op(I32.shl).i32(WORD * firstEntry).op(I32.add).else();
    this.order.getAt(code, endProbe).i32(probes).op(I32.eq).if(TYPE_I32);
    code.i32(NONE).else().get(page).call(this.findLarger(structure)).end().end().set(entry);
  }

  /** (page) -> the entry that is no plain page's; NONE, UNKNOWN: `findLarger`. */
  private findLarger(structure: Structure): number {
    const known = this.larger.get(structure.endProbe);
    if (known !== undefined) return known;
    const { arena, cells } = this;
    const { column, firstEntry, probes, endProbe } = structure;
    const code = new Code(1);
    const local = (): Local => code.local(TYPE_I32);
    const [probe, end, unit, slot, entry, pages] = [local(), local(), local(), local(), local(), local()];
    const places = arena.index.places.byteOffset;
    code.i32(WORD * probes).set(probe);
    this.order.getAt(code, endProbe).i32(2).op(I32.shl).set(end);
    const loop = code.loop();
    const next = code.block();
    code.get(probe).memory(I32.load, cells + WORD * PROBE_COLUMN).i32(places + WORD * CAPACITY_BITS).memory(I32.load, 0).op(I32.shl);
    code.get(0).i32(BLOCK_SHIFT).op(I32.shrS).op(I32.or).i32(2).op(I32.shl).i32(places + WORD * UNIT_OF_AT).memory(I32.load, 0).op(I32.add).memory(I32.load, 0).tee(unit);
    code.op(I32.eqz).if(TYPE_EMPTY);
    code.i32(UNKNOWN).return().end();
    // The low five bits of a class are its order, and a shift takes no more.
    code.get(unit).get(0).i32(BLOCK_UNITS - 1).op(I32.and).get(probe).memory(I32.load, cells + WORD * PROBE_CLASS).op(I32.shrU).op(I32.add);
    code.i32(arena.columnShift + 1).op(I32.shl);
    this.at(code).op(I32.add).memory(I32.load16S, 2 * column).tee(slot).i32(0).op(I32.ltS).brIf(next);
    code.get(slot).i32(ENTRY_BYTES_SHIFT).op(I32.shl).i32(WORD * firstEntry).op(I32.add).set(entry);
    code.get(probe).memory(I32.load, cells + WORD * PROBE_PAGES).tee(pages).if(TYPE_EMPTY);
    this.order.get(code, entry, STATE).get(0).get(pages).op(I32.and).i32(STATE_PAGES_SHIFT).op(I32.add).op(I32.shrU).i32(1).op(I32.and).op(I32.eqz).brIf(next).end();
    code.get(entry).return().end();
    code.get(probe).i32(WORD << PROBE_SHIFT).op(I32.add).tee(probe).get(end).op(I32.ltS).brIf(loop).end().i32(NONE);
    const number = this.module.func({ parameters: [TYPE_I32], results: [TYPE_I32] }, code);
    this.larger.set(endProbe, number);
    return number;
  }

  // --- making ----------------------------------------------------------------------------------------------------------

  /**
   * Take over the L2's entry `found` as it stands, if the L1 makes such entries, in place of the oldest of its set; else what `copyUp` makes of it. Leaves
   * the L1's entry in the local; NONE, and nothing changed: not this path's work.
   */
  private takeOver(code: Code, side: number, structure: Structure, at: Local, page: Local, found: Local, entry: Local): void {
    const { makes, counts, order } = structure;
    const { cells } = this;
    const local = (): Local => code.local(TYPE_I32);
    const [state, kind, gone, set, unit] = [local(), local(), local(), local(), local()];
    const count = (of: Local): Code => code.get(of).i32(2).op(I32.shl).memory(I32.load, cells + WORD * counts);
    const add = (of: Local, by: number): void => {
      code.get(of).i32(2).op(I32.shl);
      count(of).i32(by).op(I32.add).memory(I32.store, cells + WORD * counts);
    };
    const made = code.block();
    this.order.get(code, found, STATE).tee(state).i32(STATE_CLASS_SHIFT).op(I32.shrU).tee(kind).i32(2).op(I32.shl).memory(I32.load, cells + WORD * makes);
    code.get(kind).op(I32.ne).if(TYPE_EMPTY);
    code.i32(side).get(found).i32(2).op(I32.shrU).get(page).call(this.copyUp).tee(entry).i32(0).op(I32.ltS).brIf(made);
    code.get(entry).i32(2).op(I32.shl).set(entry).br(made).end();
    if (structure.setMask !== 0) {
      this.order.get(code, found, AT).i32(this.arena.columnShift).op(I32.shrS).set(unit);
      this.order.setOf(code, structure, unit).set(set);
    }
    this.order.oldest(code, structure, set, entry);
    // `canReplace`: no class comes into the structure or goes, no invalid way is filled.
    this.order.get(code, entry, STATE).tee(gone).i32(STATE_VALID).op(I32.and).op(I32.eqz).if(TYPE_EMPTY);
    code.i32(NONE).set(entry).br(made).end();
    code.get(gone).i32(STATE_CLASS_SHIFT).op(I32.shrU).tee(gone).get(kind).op(I32.ne).if(TYPE_EMPTY);
    count(gone).i32(1).op(I32.leS);
    count(kind).i32(0).op(I32.leS).op(I32.or).if(TYPE_EMPTY);
    code.i32(NONE).set(entry).br(made).end();
    add(gone, -1);
    add(kind, 1);
    code.end();
    this.put(code, structure, at, state, found, entry);
    if (order === ORDER_STAMPS) this.order.stamp(code, structure, entry);
    // The oldest becomes the newest: the ring turns by one.
    else this.order.ringOf(code, structure, set).get(entry).i32(2).op(I32.shrU).memory(I32.store, 0);
    code.end();
  }

  /** What the entry `found`, whose state is in the local, translates is what `entry` of the structure translates from now on. */
  private put(code: Code, { column, firstEntry }: Structure, at: Local, state: Local, found: Local, entry: Local): void {
    const own = code.local(TYPE_I32);
    this.inAt(this.order.get(code, entry, AT), at).i32(-1).memory(I32.store16, 0);
    this.order.get(code, found, AT).i32(-1 << this.arena.columnShift).op(I32.and).i32(column).op(I32.or).set(own);
    this.inAt(code.get(own), at).get(entry).i32(WORD * firstEntry).op(I32.sub).i32(ENTRY_BYTES_SHIFT).op(I32.shrU).memory(I32.store16, 0);
    this.order.set(code, entry, STATE, () => code.get(state));
    this.order.set(code, entry, FRAME, () => this.order.get(code, found, FRAME));
    this.order.set(code, entry, AT, () => code.get(own));
  }

  /**
   * A page that the L1, one ring, does not have comes into the filter for another one, and an L2 has it. If each entry of the ring is pinned the one that `gone` names is the only one that
   * can give way; pinned as before it stays where it is, since pinned entries have no order among themselves (tlb-place.ts). Branches to `over` then; else nothing has happened.
   */
  private replacePinned(code: Code, side: 0 | 1, l1: Structure, l2: readonly number[], { at, page, access, gone, entry }: RecordLocals, missed: Local, over: number): void {
    const [found, state, kind, oldest] = [code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32)];
    const not = code.block();
    code.get(entry).i32(NONE).op(I32.ne).brIf(not).get(gone).i32(0).op(I32.ltS).brIf(not);
    this.order.get(code, gone, PINS).i32(1).op(I32.ne).brIf(not);
    this.order.oldest(code, l1, 0, oldest);
    this.order.get(code, oldest, PINS).op(I32.eqz).brIf(not);
    for (const next of l2) {
      const structure = structureOf(this.arena, next);
      this.find(code, structure, at, page, found);
      code.get(found).i32(UNKNOWN).op(I32.eq).brIf(not).get(found).i32(0).op(I32.geS).if(TYPE_EMPTY);
      this.order.get(code, found, STATE).tee(state).i32(STATE_CLASS_SHIFT).op(I32.shrU).tee(kind).i32(2).op(I32.shl).memory(I32.load, this.cells + WORD * l1.makes);
      code.get(kind).op(I32.ne).brIf(not);
      this.order.get(code, gone, STATE).i32(STATE_CLASS_SHIFT).op(I32.shrU).get(kind).op(I32.ne).brIf(not);
      this.brIfClean(code, side, access, found, not);
      this.put(code, l1, at, state, found, gone);
      this.order.refresh(code, structure, found, false);
      code.get(missed).i32(1).op(I32.add).set(missed).br(over).end();
    }
    code.end();
  }

  /** Goes to the label if the access is a write of which the entry has to be marked. */
  private brIfClean(code: Code, side: 0 | 1, access: Local, entry: Local, label: number): void {
    if (side === 0) return;
    code.get(access).i32(ACCESS_WRITE).op(I32.geU);
    this.order.get(code, entry, STATE).i32(STATE_DIRTY).op(I32.and).op(I32.eqz).op(I32.and).brIf(label);
  }

  /** The held page that pins `gone`, if that is an entry, leaves. */
  private release(code: Code, l1: Structure, held: Local, gone: Local): void {
    code.get(gone).i32(0).op(I32.geS).if(TYPE_EMPTY);
    code.get(held).i32(2).op(I32.shl).i32(NONE).memory(I32.store, this.options.pinned.byteOffset);
    this.order.unpin(code, l1, gone);
    code.end();
  }

  /** The touch of a page by one side. Leaves the L1's entry in its local; branches to `stop` if the record is not this path's work. */
  private touch(code: Code, side: 0 | 1, record: RecordLocals, missed: Local, stop: number): void {
    const { at, page, access, held, gone, entry } = record;
    const { l1: header, l2, pins } = side === 0 ? this.options.instruction : this.options.data;
    const l1 = structureOf(this.arena, header);
    const found = code.local(TYPE_I32);
    this.find(code, l1, at, page, entry);
    const over = code.block();
    if (pins) {
      if (l1.order === ORDER_RING && l1.setMask === 0) this.replacePinned(code, side, l1, l2, record, missed, over);
      this.release(code, l1, held, gone);
    }
    const done = code.block();
    code.get(entry).i32(0).op(I32.geS).if(TYPE_EMPTY);
    this.brIfClean(code, side, access, entry, stop);
    if (pins) {
      code.get(held).if(TYPE_EMPTY);
      this.order.pin(code, l1, entry);
      code.else();
      this.order.refresh(code, l1, entry, true);
      code.end();
    } else this.order.refresh(code, l1, entry, false);
    code.br(done).end();
    code.get(entry).i32(UNKNOWN).op(I32.eq).brIf(stop);
    const filled = code.block();
    for (const next of l2) {
      const structure = structureOf(this.arena, next);
      this.find(code, structure, at, page, found);
      code.get(found).i32(UNKNOWN).op(I32.eq).brIf(stop);
      code.get(found).i32(0).op(I32.geS).if(TYPE_EMPTY);
      this.brIfClean(code, side, access, found, stop);
      this.takeOver(code, side, l1, at, page, found, entry);
      code.get(entry).i32(0).op(I32.ltS).brIf(stop);
      this.order.refresh(code, structure, found, false);
      code.br(filled).end();
    }
    code.i32(side).get(page).get(access).call(this.walk).tee(entry).i32(0).op(I32.ltS).if(TYPE_EMPTY);
    code.i32(this.options.words.byteOffset + WORD * WALK_DUE).i32(1).memory(I32.store, 0).br(stop).end();
    code.get(entry).i32(2).op(I32.shl).set(entry).end();
    this.order.get(code, entry, PINS).if(TYPE_EMPTY);
    code.i32(this.options.words.byteOffset + WORD * STILL_HELD).i32(1).memory(I32.store, 0).br(stop).end();
    code.get(missed).i32(1).op(I32.add).set(missed);
    if (pins) {
      code.get(held).if(TYPE_EMPTY);
      this.order.pinNewest(code, l1, entry);
      code.end();
    }
    code.end();
    if (pins) {
      code.get(held).if(TYPE_EMPTY);
      code.get(held).i32(2).op(I32.shl).get(entry).i32(2).op(I32.shrU).memory(I32.store, this.options.pinned.byteOffset).end();
    }
    code.end();
  }

  /** (first record, end), in bytes -> the record that is not this path's work, or the end. */
  private consume(): number {
    const { instruction, data, pinned, misses, words } = this.options;
    const code = new Code(2);
    const local = (): Local => code.local(TYPE_I32);
    const locals: RecordLocals = { at: local(), page: local(), access: local(), held: local(), gone: local(), entry: local() };
    const { at, page, access, held, gone } = locals;
    const [record, dataMisses, codeMisses] = [local(), local(), local()];
    this.at(code).set(at);
    code.i32(words.byteOffset + WORD * WALK_DUE).i32(0).memory(I32.store, 0);
    const stop = code.block();
    const loop = code.loop();
    code.get(0).get(1).op(I32.geU).brIf(stop);
    const next = code.block();
    code.get(0).memory(I32.load, 0).tee(record).i32(RESOLVED_UNIT_SHIFT).op(I32.shrU).set(page);
    code.get(record).i32(3).op(I32.and).set(access);
    code.i32(NONE).set(gone).get(record).i32(RESOLVED_HELD_SHIFT).op(I32.shrU).i32(RESOLVED_HELD).op(I32.and).tee(held).if(TYPE_EMPTY);
    code.get(held).i32(2).op(I32.shl).memory(I32.load, pinned.byteOffset).tee(gone).i32(0).op(I32.geS).if(TYPE_EMPTY);
    code.get(gone).i32(2).op(I32.shl).set(gone).end().end();
    code.get(page).op(I32.eqz).if(TYPE_EMPTY);
    code.get(held).i32(FIRST_CODE_HELD).op(I32.ltU).if(TYPE_EMPTY);
    this.release(code, structureOf(this.arena, data.l1), held, gone);
    code.else();
    this.release(code, structureOf(this.arena, instruction.l1), held, gone);
    code.end().br(next).end();
    code.get(access).i32(ACCESS_FETCH).op(I32.eq).if(TYPE_EMPTY);
    this.touch(code, 0, locals, codeMisses, stop);
    code.else();
    this.touch(code, 1, locals, dataMisses, stop);
    code.end().end();
    code.get(0).i32(WORD).op(I32.add).set(0).br(loop).end().end();
    for (const [side, missed] of [codeMisses, dataMisses].entries()) {
      const cell = misses.byteOffset + 8 * side;
      code.i32(cell).i32(cell).memory(F64.load, 0).get(missed).op(F64.convertI32U).op(F64.add).memory(F64.store, 0);
    }
    code.get(0);
    return this.module.func({ parameters: [TYPE_I32, TYPE_I32], results: [TYPE_I32] }, code);
  }

  build(): Uint8Array<ArrayBuffer> {
    this.module.exportFunction("consume", this.consume());
    return this.module.finish();
  }
}

export interface Consumer {
  /** Consumes records, from one place in memory to another. Returns where the first one lies that is not this path's work, or the end. */
  consume(from: number, end: number): number;
}

export function createConsumer(options: ConsumeOptions, memory: WebAssembly.Memory, imports: ConsumeImports): Consumer {
  const module = new WebAssembly.Module(new Writer(options, memory).build());
  return new WebAssembly.Instance(module, { e: { memory, ...imports } }).exports as unknown as Consumer;
}
