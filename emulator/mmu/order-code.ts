/**
 * The order of use over the cells as WebAssembly: what tlb-place.ts does, written into the code of a fast path (consume-code.ts), for structures whose facts stand in the code as constants.
 *
 * An entry is named by the distance of its first cell in bytes here, four times its handle.
 */
import { Code, type Local } from "../engine/wasm/binary/code.js";
import type { ModuleBuilder } from "../engine/wasm/binary/module.js";
import { CONTROL, I32, TYPE_EMPTY, TYPE_I32 } from "../engine/wasm/binary/opcodes.js";
import { TAG_LO_AT } from "./resolve-code.js";
import type { Arena } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";

const { H_COLUMN, H_SET_MASK, H_USES, H_PROBES, H_END_PROBE, H_ORDER, H_FIRST_ENTRY, H_WAYS, H_COUNTS, H_MAKES, ORDER_FIFO, ORDER_STAMPS, PINNED_STAMP, ENTRY_SHIFT, AT, OLDER,
  NEWER, PINS, BLOCK_SHIFT, BLOCK_UNITS } = layout;

export const WORD = 4;
/** log2 of the bytes of an entry. */
export const ENTRY_BYTES_SHIFT = ENTRY_SHIFT + 2;

/** Facts of a structure that never change. */
export interface Structure {
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

export function structureOf({ cells }: Arena, h: number): Structure {
  const cell = (of: number): number => cells[h | of]!;
  return {
    column: cell(H_COLUMN), setMask: cell(H_SET_MASK), order: cell(H_ORDER), ways: cell(H_WAYS), uses: cell(H_USES), firstEntry: cell(H_FIRST_ENTRY),
    counts: cell(H_COUNTS), makes: cell(H_MAKES), probes: cell(H_PROBES), endProbe: h | H_END_PROBE,
  };
}

export class OrderCode {
  private readonly module: ModuleBuilder;
  private readonly arena: Arena;
  /** Where the cells begin, in bytes. */
  readonly cells: number;
  private readonly turn: number;
  private readonly pinInRing: number;
  private readonly unpinInRing: number;

  /** Adds the functions that it calls to the module. */
  constructor(module: ModuleBuilder, arena: Arena) {
    this.module = module;
    this.arena = arena;
    this.cells = arena.cells.byteOffset;
    this.turn = this.turnFunction();
    this.pinInRing = this.pinFunction();
    this.unpinInRing = this.unpinFunction();
  }

  // --- cells -----------------------------------------------------------------------------------------------------------

  /** Pushes a cell of the entry in the local. */
  get(code: Code, entry: Local, cell: number): Code {
    return code.get(entry).memory(I32.load, this.cells + WORD * cell);
  }
  set(code: Code, entry: Local, cell: number, value: () => unknown): void {
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
  getAt(code: Code, index: number): Code {
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
  setOf(code: Code, { setMask }: Structure, unit: Local): Code {
    if (setMask === 0) return code.i32(0);
    code.get(unit).i32(BLOCK_SHIFT).op(I32.shrS).i32(2).op(I32.shl);
    code.i32(this.arena.index.places.byteOffset + WORD * TAG_LO_AT).memory(I32.load, 0).op(I32.add).memory(I32.load, 0);
    return code.get(unit).i32(BLOCK_UNITS - 1).op(I32.and).op(I32.or).i32(setMask).op(I32.and);
  }

  /** Pushes where the newest of the set in the local is named, or of the only set. */
  ringOf(code: Code, { uses, setMask }: Structure, set: Local): Code {
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

  stamp(code: Code, structure: Structure, entry: Local): void {
    const { clock } = this.arena;
    const now = code.local(TYPE_I32);
    this.getAt(code, clock).i32(1).op(I32.add).set(now);
    code.i32(this.cells + WORD * clock).get(now).memory(I32.store, 0);
    this.stampOf(code, structure, entry).get(now).memory(I32.store, 0);
  }

  /** A hit: `refresh` of tlb-place.ts. `pins`: the entry may be pinned. */
  refresh(code: Code, structure: Structure, entry: Local, pins: boolean): void {
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
  pin(code: Code, structure: Structure, entry: Local): void {
    if (structure.order !== ORDER_STAMPS) {
      this.changePins(code, structure, entry, this.pinInRing);
      return;
    }
    this.set(code, entry, PINS, () => this.get(code, entry, PINS).i32(1).op(I32.add));
    this.stampOf(code, structure, entry).i32(PINNED_STAMP).memory(I32.store, 0);
  }

  /** The same for the entry made last, which nothing pins yet. */
  pinNewest(code: Code, structure: Structure, entry: Local): void {
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
  unpin(code: Code, structure: Structure, entry: Local): void {
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
  oldest(code: Code, structure: Structure, set: Local, entry: Local): void {
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
}
