/**
 * What a limit on held pages counts, as WebAssembly: the sets of a TLB in which the entries of held pages lie (HeldLimit of ../engine.ts).
 *
 * A byte for each slot names the set of its page, and a byte for each set counts its pages. All are read and written as bytes, so that none waits for another.
 */
import type { HeldLimit } from "../engine.js";
import type { Code, Local } from "./binary/code.js";
import { I32, I64, TYPE_I32 } from "./binary/opcodes.js";

/** Offset of the counts behind the names, which are as many as slots. */
const IN_SET = 64;
/** Sets that a limit tells apart; where a TLB has more, some count as one. */
const MAX_SETS = 128;
export const SETS_BYTES = IN_SET + MAX_SETS;

export class HeldSets {
  /** The cells lie at `at` bytes of the memory, and are 0 at first. */
  constructor(
    private readonly at: number,
    private readonly pageShift: number,
    readonly limit: HeldLimit,
  ) {}

  /** Pushes the set of the page at the address in local `page`, whose entry has the order in the other local. */
  pushSet(code: Code, page: Local, order: Local): Code {
    code.get(page).i64(this.pageShift).op(I64.shrU).get(order).op(I64.extendI32U).op(I64.shrU).op(I32.wrapI64);
    return code.i32(Math.min(this.limit.sets, MAX_SETS) - 1).op(I32.and);
  }

  /** Pushes whether the set has as many pages as ways. */
  pushIsFull(code: Code, set: Local): Code {
    return code.get(set).memory(I32.load8U, this.at + IN_SET).i32(this.limit.ways).op(I32.geU);
  }

  /** Pushes whether the slot's page, whose address `page` pushes, is in the set, but not in the entry of this order that the page at the address in local `other` is in. */
  pushIsBeside(code: Code, slot: Local, page: () => unknown, set: Local, other: Local, order: Local): Code {
    code.get(slot).memory(I32.load8U, this.at).get(set).op(I32.eq);
    page();
    code.get(other).op(I64.xor);
    return code.get(order).i32(this.pageShift).op(I32.add).op(I64.extendI32U).op(I64.shrU).i64(0).op(I64.ne).op(I32.and);
  }

  /** A page of the set comes into the slot. */
  join(code: Code, slot: Local, set: Local): void {
    this.count(code, set, 1);
    code.get(slot).get(set).memory(I32.store8, this.at);
  }

  /** The page in the slot leaves. */
  leave(code: Code, slot: Local): void {
    const set = code.local(TYPE_I32);
    code.get(slot).memory(I32.load8U, this.at).set(set);
    this.count(code, set, -1);
  }

  private count(code: Code, set: Local, by: number): void {
    const cell = this.at + IN_SET;
    code.get(set).get(set).memory(I32.load8U, cell).i32(by).op(I32.add).memory(I32.store8, cell);
  }
}
