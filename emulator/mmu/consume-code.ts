/**
 * The fast path of an MMU as WebAssembly (tlb-fast.ts says what it does), written for one MMU: what its structures are stands in the code as constants.
 *
 * An entry is named by the distance of its first cell in bytes here, four times its handle.
 */
import { ACCESS_FETCH, ACCESS_WRITE, FIRST_CODE_HELD } from "../engine/engine.js";
import { Code, type Local } from "../engine/wasm/binary/code.js";
import { ModuleBuilder } from "../engine/wasm/binary/module.js";
import { F64, I32, CONTROL, TYPE_EMPTY, TYPE_I32 } from "../engine/wasm/binary/opcodes.js";
import { CAPACITY_BITS, TAG_LO_AT, UNIT_OF_AT } from "./resolve-code.js";
import type { Arena } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";

const { H_COLUMN, H_SET_MASK, H_USES, H_PROBES, H_END_PROBE, H_ORDER, H_FIRST_ENTRY, H_WAYS, H_COUNTS, H_MAKES, ORDER_FIFO, ORDER_STAMPS, PINNED_STAMP,
  ENTRY_SHIFT, STATE, FRAME, AT, OLDER, NEWER, PINS, STATE_VALID, STATE_DIRTY, STATE_PAGES_SHIFT, STATE_CLASS_SHIFT, BLOCK_SHIFT, BLOCK_UNITS, PROBE_SHIFT, PROBE_CLASS,
  PROBE_COLUMN, PROBE_PAGES, RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT } = layout;

const WORD = 4;
/** log2 of the bytes of an entry. */
const ENTRY_BYTES_SHIFT = ENTRY_SHIFT + 2;
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

/** Facts of a structure that never change. */
interface Structure {
  readonly column: number;
  readonly setMask: number;
  readonly order: number;
  readonly ways: number;
  /** Index of cells. */
  readonly uses: number;
  readonly firstEntry: number;
  readonly counts: number;
  readonly makes: number;
  readonly probes: number;
  readonly endProbe: number;
}

class Writer {
  private readonly module = new ModuleBuilder();
  private readonly arena: Arena;
  private readonly cells: number;
  private readonly options: ConsumeOptions;
  private readonly copyUp: number;
  private readonly walk: number;
  private readonly turn: number;
  private readonly pinInRing: number;
  private readonly unpinInRing: number;
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
    this.turn = this.turnFunction();
    this.pinInRing = this.pinFunction();
    this.unpinInRing = this.unpinFunction();
  }

  private structure(h: number): Structure {
    const { cells } = this.arena;
    const cell = (of: number): number => cells[h | of]!;
    return {
      column: cell(H_COLUMN), setMask: cell(H_SET_MASK), order: cell(H_ORDER), ways: cell(H_WAYS), uses: cell(H_USES), firstEntry: cell(H_FIRST_ENTRY),
      counts: cell(H_COUNTS), makes: cell(H_MAKES), probes: cell(H_PROBES), endProbe: h | H_END_PROBE,
    };
  }

  // --- cells -----------------------------------------------------------------------------------------------------------

  /** Pushes a cell of the entry in the local. */
  private get(code: Code, entry: Local, cell: number): Code {
    return code.get(entry).memory(I32.load, this.cells + WORD * cell);
  }
  private set(code: Code, entry: Local, cell: number, value: () => unknown): void {
    code.get(entry);
    value();
    code.memory(I32.store, this.cells + WORD * cell);
  }
  /** Pushes the entry whose handle a cell of another one holds. */
  private follow(code: Code, entry: Local, cell: number): Code {
    return this.get(code, entry, cell).i32(2).op(I32.shl);
  }
  /** Leaves a handle there. */
  private point(code: Code, entry: Local, cell: number, to: Local): void {
    this.set(code, entry, cell, () => code.get(to).i32(2).op(I32.shrU));
  }
  private getAt(code: Code, index: number): Code {
    return code.i32(this.cells + WORD * index).memory(I32.load, 0);
  }

  // --- the order of use ------------------------------------------------------------------------------------------------

  /** (entry, where the newest of its ring is named): `turnRing` of tlb-place.ts. */
  private turnFunction(): number {
    const code = new Code(2);
    const [newest, oldest, older, newer] = [code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32)];
    code.get(1).memory(I32.load, 0).i32(2).op(I32.shl).tee(newest).get(0).op(I32.eq).if(TYPE_EMPTY);
    code.return().end();
    this.follow(code, newest, NEWER).tee(oldest).get(0).op(I32.ne).if(TYPE_EMPTY);
    this.follow(code, 0, OLDER).set(older);
    this.follow(code, 0, NEWER).set(newer);
    this.point(code, newer, OLDER, older);
    this.point(code, older, NEWER, newer);
    this.point(code, 0, OLDER, newest);
    this.point(code, 0, NEWER, oldest);
    this.point(code, newest, NEWER, 0);
    this.point(code, oldest, OLDER, 0);
    code.end().get(1).get(0).i32(2).op(I32.shrU).memory(I32.store, 0);
    return this.module.func({ parameters: [TYPE_I32, TYPE_I32], results: [] }, code);
  }

  /** (entry, where the newest of its ring is named, where the last pinned one is): `pinInRing` of tlb-place.ts. */
  private pinFunction(): number {
    const code = new Code(3);
    const pins = code.local(TYPE_I32);
    this.set(code, 0, PINS, () => this.get(code, 0, PINS).tee(pins).i32(1).op(I32.add));
    code.get(pins).if(TYPE_EMPTY);
    code.return().end();
    code.get(0).get(1).call(this.turn);
    code.get(2).memory(I32.load, 0).op(I32.eqz).if(TYPE_EMPTY);
    code.get(2).get(0).i32(2).op(I32.shrU).memory(I32.store, 0).end();
    return this.module.func({ parameters: [TYPE_I32, TYPE_I32, TYPE_I32], results: [] }, code);
  }

  /** The same of `unpinInRing`. */
  private unpinFunction(): number {
    const code = new Code(3);
    const local = (): Local => code.local(TYPE_I32);
    const [pins, boundary, newer, newest, older, behind] = [local(), local(), local(), local(), local(), local()];
    this.set(code, 0, PINS, () => this.get(code, 0, PINS).i32(1).op(I32.sub).tee(pins));
    code.get(pins).if(TYPE_EMPTY);
    code.return().end();
    this.follow(code, 0, NEWER).set(newer);
    code.get(1).memory(I32.load, 0).i32(2).op(I32.shl).set(newest);
    code.get(2).memory(I32.load, 0).i32(2).op(I32.shl).tee(boundary).get(0).op(I32.eq).if(TYPE_EMPTY);
    code.get(2).i32(0).get(newer).i32(2).op(I32.shrU).get(newest).get(0).op(I32.eq).op(CONTROL.select).memory(I32.store, 0).return().end();
    this.follow(code, 0, OLDER).set(older);
    this.point(code, newer, OLDER, older);
    this.point(code, older, NEWER, newer);
    code.get(newest).get(0).op(I32.eq).if(TYPE_EMPTY);
    code.get(1).get(older).i32(2).op(I32.shrU).memory(I32.store, 0).end();
    this.follow(code, boundary, OLDER).set(behind);
    this.point(code, 0, NEWER, boundary);
    this.point(code, 0, OLDER, behind);
    this.point(code, boundary, OLDER, 0);
    this.point(code, behind, NEWER, 0);
    return this.module.func({ parameters: [TYPE_I32, TYPE_I32, TYPE_I32], results: [] }, code);
  }

  /** Pushes the set of the unit in the local. */
  private setOf(code: Code, { setMask }: Structure, unit: Local): Code {
    if (setMask === 0) return code.i32(0);
    code.get(unit).i32(BLOCK_SHIFT).op(I32.shrS).i32(2).op(I32.shl);
    code.i32(this.arena.index.places.byteOffset + WORD * TAG_LO_AT).memory(I32.load, 0).op(I32.add).memory(I32.load, 0);
    return code.get(unit).i32(BLOCK_UNITS - 1).op(I32.and).op(I32.or).i32(setMask).op(I32.and);
  }

  /** Pushes where the newest of the set in the local is named, or of the only set. */
  private ringOf(code: Code, { uses, setMask }: Structure, set: Local): Code {
    code.i32(this.cells + WORD * uses);
    return setMask === 0 ? code : code.get(set).i32(2).op(I32.shl).op(I32.add);
  }

  /** Pushes where the newest of the set of the entry in the local is named. */
  private ringOfEntry(code: Code, structure: Structure, entry: Local): Code {
    const [unit, set] = [code.local(TYPE_I32), code.local(TYPE_I32)];
    if (structure.setMask !== 0) {
      this.get(code, entry, AT).i32(this.arena.columnShift).op(I32.shrS).set(unit);
      this.setOf(code, structure, unit).set(set);
    }
    return this.ringOf(code, structure, set);
  }

  /** Pushes where the stamp of the entry in the local stands. */
  private stampOf(code: Code, { uses, firstEntry }: Structure, entry: Local): Code {
    return code.get(entry).i32(WORD * firstEntry).op(I32.sub).i32(ENTRY_BYTES_SHIFT - 2).op(I32.shrU).i32(this.cells + WORD * uses).op(I32.add);
  }

  private stamp(code: Code, structure: Structure, entry: Local): void {
    const { clock } = this.arena;
    const now = code.local(TYPE_I32);
    this.getAt(code, clock).i32(1).op(I32.add).set(now);
    code.i32(this.cells + WORD * clock).get(now).memory(I32.store, 0);
    this.stampOf(code, structure, entry).get(now).memory(I32.store, 0);
  }

  /** A hit: `refresh` of tlb-place.ts. `pins`: the entry may be pinned. */
  private refresh(code: Code, structure: Structure, entry: Local, pins: boolean): void {
    if (structure.order === ORDER_FIFO) return;
    if (pins) this.get(code, entry, PINS).op(I32.eqz).if(TYPE_EMPTY);
    if (structure.order === ORDER_STAMPS) this.stamp(code, structure, entry);
    else {
      code.get(entry);
      this.ringOfEntry(code, structure, entry).call(this.turn);
    }
    if (pins) code.end();
  }

  /** `pin` of tlb-place.ts. */
  private pin(code: Code, structure: Structure, entry: Local): void {
    if (structure.order !== ORDER_STAMPS) {
      this.changePins(code, structure, entry, this.pinInRing);
      return;
    }
    this.set(code, entry, PINS, () => this.get(code, entry, PINS).i32(1).op(I32.add));
    this.stampOf(code, structure, entry).i32(PINNED_STAMP).memory(I32.store, 0);
  }

  /** The same for the entry made last, which nothing pins yet. */
  private pinNewest(code: Code, structure: Structure, entry: Local): void {
    const { order, uses, setMask } = structure;
    if (order === ORDER_STAMPS || setMask !== 0) {
      this.pin(code, structure, entry);
      return;
    }
    this.set(code, entry, PINS, () => code.i32(1));
    this.getAt(code, uses + 1).op(I32.eqz).if(TYPE_EMPTY);
    code.i32(this.cells + WORD * (uses + 1)).get(entry).i32(2).op(I32.shrU).memory(I32.store, 0).end();
  }

  /** `unpin` of tlb-place.ts. */
  private unpin(code: Code, structure: Structure, entry: Local): void {
    if (structure.order !== ORDER_STAMPS) {
      this.changePins(code, structure, entry, this.unpinInRing);
      return;
    }
    const pins = code.local(TYPE_I32);
    this.set(code, entry, PINS, () => this.get(code, entry, PINS).i32(1).op(I32.sub).tee(pins));
    code.get(pins).op(I32.eqz).if(TYPE_EMPTY);
    this.stamp(code, structure, entry);
    code.end();
  }

  private changePins(code: Code, structure: Structure, entry: Local, how: number): void {
    const ring = code.local(TYPE_I32);
    this.ringOfEntry(code, structure, entry).set(ring);
    code.get(entry).get(ring).get(ring).i32(WORD * (structure.setMask + 1)).op(I32.add).call(how);
  }

  /** Leaves the entry of the set that is replaced next in the local: `oldestOf` of tlb-place.ts. */
  private oldest(code: Code, structure: Structure, set: Local, entry: Local): void {
    if (structure.order !== ORDER_STAMPS) {
      this.ringOf(code, structure, set).memory(I32.load, 0).i32(2).op(I32.shl).set(entry);
      this.follow(code, entry, NEWER).set(entry);
      return;
    }
    const { ways, uses, firstEntry } = structure;
    const [first, least, stamp, older] = [code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32), code.local(TYPE_I32)];
    code.get(set).i32(ways).op(I32.mul).set(first);
    const stampAt = (way: number): Code => code.get(older).memory(I32.load, this.cells + WORD * (uses + way));
    code.get(first).i32(2).op(I32.shl).set(older);
    stampAt(0).set(least).i32(0).set(entry);
    for (let way = 1; way < ways; way++) {
      // Without a branch, which would be foretold wrongly every other time.
      stampAt(way).set(stamp).i32(way).get(entry).get(stamp).get(least).op(I32.ltS).op(CONTROL.select).set(entry);
      if (way < ways - 1) code.get(stamp).get(least).get(stamp).get(least).op(I32.ltS).op(CONTROL.select).set(least);
    }
    code.get(first).get(entry).op(I32.add).i32(ENTRY_BYTES_SHIFT).op(I32.shl).i32(WORD * firstEntry).op(I32.add).set(entry);
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
    this.getAt(code, endProbe).i32(probes).op(I32.eq).if(TYPE_I32);
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
    this.getAt(code, endProbe).i32(2).op(I32.shl).set(end);
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
    this.get(code, entry, STATE).get(0).get(pages).op(I32.and).i32(STATE_PAGES_SHIFT).op(I32.add).op(I32.shrU).i32(1).op(I32.and).op(I32.eqz).brIf(next).end();
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
    const { column, makes, counts, firstEntry, order } = structure;
    const { cells } = this;
    const local = (): Local => code.local(TYPE_I32);
    const [state, kind, gone, set, own, unit] = [local(), local(), local(), local(), local(), local()];
    const count = (of: Local): Code => code.get(of).i32(2).op(I32.shl).memory(I32.load, cells + WORD * counts);
    const add = (of: Local, by: number): void => {
      code.get(of).i32(2).op(I32.shl);
      count(of).i32(by).op(I32.add).memory(I32.store, cells + WORD * counts);
    };
    const made = code.block();
    this.get(code, found, STATE).tee(state).i32(STATE_CLASS_SHIFT).op(I32.shrU).tee(kind).i32(2).op(I32.shl).memory(I32.load, cells + WORD * makes);
    code.get(kind).op(I32.ne).if(TYPE_EMPTY);
    code.i32(side).get(found).i32(2).op(I32.shrU).get(page).call(this.copyUp).tee(entry).i32(0).op(I32.ltS).brIf(made);
    code.get(entry).i32(2).op(I32.shl).set(entry).br(made).end();
    if (structure.setMask !== 0) {
      this.get(code, found, AT).i32(this.arena.columnShift).op(I32.shrS).set(unit);
      this.setOf(code, structure, unit).set(set);
    }
    this.oldest(code, structure, set, entry);
    // `canReplace`: no class comes into the structure or goes, no invalid way is filled.
    this.get(code, entry, STATE).tee(gone).i32(STATE_VALID).op(I32.and).op(I32.eqz).if(TYPE_EMPTY);
    code.i32(NONE).set(entry).br(made).end();
    code.get(gone).i32(STATE_CLASS_SHIFT).op(I32.shrU).tee(gone).get(kind).op(I32.ne).if(TYPE_EMPTY);
    count(gone).i32(1).op(I32.leS);
    count(kind).i32(0).op(I32.leS).op(I32.or).if(TYPE_EMPTY);
    code.i32(NONE).set(entry).br(made).end();
    add(gone, -1);
    add(kind, 1);
    code.end();
    this.inAt(this.get(code, entry, AT), at).i32(-1).memory(I32.store16, 0);
    this.get(code, found, AT).i32(-1 << this.arena.columnShift).op(I32.and).i32(column).op(I32.or).set(own);
    this.inAt(code.get(own), at).get(entry).i32(WORD * firstEntry).op(I32.sub).i32(ENTRY_BYTES_SHIFT).op(I32.shrU).memory(I32.store16, 0);
    this.set(code, entry, STATE, () => code.get(state));
    this.set(code, entry, FRAME, () => this.get(code, found, FRAME));
    this.set(code, entry, AT, () => code.get(own));
    if (order === ORDER_STAMPS) this.stamp(code, structure, entry);
    // The oldest becomes the newest: the ring turns by one.
    else this.ringOf(code, structure, set).get(entry).i32(2).op(I32.shrU).memory(I32.store, 0);
    code.end();
  }

  /** The touch of a page by one side. Leaves the L1's entry in the local; branches to `stop` if the record is not this path's work. */
  private touch(code: Code, side: 0 | 1, at: Local, page: Local, access: Local, held: Local, entry: Local, missed: Local, stop: number): void {
    const { l1: header, l2, pins } = side === 0 ? this.options.instruction : this.options.data;
    const l1 = this.structure(header);
    const found = code.local(TYPE_I32);
    const stopIfClean = (of: Local): void => {
      if (side === 0) return;
      code.get(access).i32(ACCESS_WRITE).op(I32.geU);
      this.get(code, of, STATE).i32(STATE_DIRTY).op(I32.and).op(I32.eqz).op(I32.and).brIf(stop);
    };
    this.find(code, l1, at, page, entry);
    const done = code.block();
    code.get(entry).i32(0).op(I32.geS).if(TYPE_EMPTY);
    stopIfClean(entry);
    if (pins) {
      code.get(held).if(TYPE_EMPTY);
      this.pin(code, l1, entry);
      code.else();
      this.refresh(code, l1, entry, true);
      code.end();
    } else this.refresh(code, l1, entry, false);
    code.br(done).end();
    code.get(entry).i32(UNKNOWN).op(I32.eq).brIf(stop);
    const filled = code.block();
    for (const next of l2) {
      const structure = this.structure(next);
      this.find(code, structure, at, page, found);
      code.get(found).i32(UNKNOWN).op(I32.eq).brIf(stop);
      code.get(found).i32(0).op(I32.geS).if(TYPE_EMPTY);
      stopIfClean(found);
      this.takeOver(code, side, l1, at, page, found, entry);
      code.get(entry).i32(0).op(I32.ltS).brIf(stop);
      this.refresh(code, structure, found, false);
      code.br(filled).end();
    }
    code.i32(side).get(page).get(access).call(this.walk).tee(entry).i32(0).op(I32.ltS).if(TYPE_EMPTY);
    code.i32(this.options.words.byteOffset + WORD * WALK_DUE).i32(1).memory(I32.store, 0).br(stop).end();
    code.get(entry).i32(2).op(I32.shl).set(entry).end();
    this.get(code, entry, PINS).if(TYPE_EMPTY);
    code.i32(this.options.words.byteOffset + WORD * STILL_HELD).i32(1).memory(I32.store, 0).br(stop).end();
    code.get(missed).i32(1).op(I32.add).set(missed);
    if (pins) {
      code.get(held).if(TYPE_EMPTY);
      this.pinNewest(code, l1, entry);
      code.end();
    }
    code.end();
    if (!pins) return;
    code.get(held).if(TYPE_EMPTY);
    code.get(held).i32(2).op(I32.shl).get(entry).i32(2).op(I32.shrU).memory(I32.store, this.options.pinned.byteOffset).end();
  }

  /** (first record, end), in bytes -> the record that is not this path's work, or the end. */
  private consume(): number {
    const { instruction, data, pinned, misses, words } = this.options;
    const code = new Code(2);
    const local = (): Local => code.local(TYPE_I32);
    const [at, record, page, held, access, entry, dataMisses, codeMisses] = [local(), local(), local(), local(), local(), local(), local(), local()];
    this.at(code).set(at);
    code.i32(words.byteOffset + WORD * WALK_DUE).i32(0).memory(I32.store, 0);
    const stop = code.block();
    const loop = code.loop();
    code.get(0).get(1).op(I32.geU).brIf(stop);
    const next = code.block();
    code.get(0).memory(I32.load, 0).tee(record).i32(RESOLVED_UNIT_SHIFT).op(I32.shrU).set(page);
    code.get(record).i32(3).op(I32.and).set(access);
    code.get(record).i32(RESOLVED_HELD_SHIFT).op(I32.shrU).i32(RESOLVED_HELD).op(I32.and).tee(held).if(TYPE_EMPTY);
    code.get(held).i32(2).op(I32.shl).memory(I32.load, pinned.byteOffset).tee(entry).i32(0).op(I32.geS).if(TYPE_EMPTY);
    code.get(held).i32(2).op(I32.shl).i32(-1).memory(I32.store, pinned.byteOffset);
    code.get(entry).i32(2).op(I32.shl).set(entry);
    code.get(held).i32(FIRST_CODE_HELD).op(I32.ltU).if(TYPE_EMPTY);
    this.unpin(code, this.structure(data.l1), entry);
    code.else();
    this.unpin(code, this.structure(instruction.l1), entry);
    code.end().end();
    code.get(page).op(I32.eqz).brIf(next).end();
    code.get(access).i32(ACCESS_FETCH).op(I32.eq).if(TYPE_EMPTY);
    this.touch(code, 0, at, page, access, held, entry, codeMisses, stop);
    code.else();
    this.touch(code, 1, at, page, access, held, entry, dataMisses, stop);
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
