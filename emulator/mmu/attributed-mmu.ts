/**
 * A TLB hierarchy of which every miss is accounted for: who made the access, why it missed, what kind of entry came in, what it cost.
 *
 * Wraps an `Mmu` and hands it the trace record by record, so the hierarchy does exactly what it does alone; the price is time.
 */
import type { Granule } from "../arch/granule.js";
import { ACCESS_FETCH, ACCESS_WRITE, FIRST_CODE_HELD } from "../engine/engine.js";
import type { Access } from "../engine/engine.js";
import { MissCauses } from "./miss-causes.js";
import type { Maintenance, MissCause } from "./miss-causes.js";
import type { Mmu } from "./mmu.js";
import type { TlbListener } from "./tlb-listener.js";
import type { Tlb } from "./tlb.js";
import { STATE_DIRTY, STATE_LEAF_SHIFT, STATE_LEVEL_SHIFT } from "./tlb-layout.js";
import type { Tlbi } from "./tlbi.js";
import { RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT } from "./tlb-layout.js";
import type { TranslationRegime } from "./walk.js";

/** What kind of translation an entry stands for. "splintered": a part of a run or block, because the structure holds nothing larger. */
export const ENTRY_KINDS = ["page", "contiguous", "block", "coalesced", "splintered"] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One miss of a first-level TLB. The record is reused from miss to miss. */
export interface Miss {
  /** Page number (address / page size). */
  page: number;
  access: Access;
  /** Of the instruction that made the access; 0: unknown. */
  pc: number;
  cause: MissCause;
  /** The L2, or all of them, missed too. */
  walked: boolean;
  /** Why the L2 missed, if it did and the core has one. */
  l2Cause: MissCause | undefined;
  /** The entry that came into the first level: kind and log2 of its pages. */
  kind: EntryKind;
  order: number;
  /** Estimate; see the statistics of the hierarchy. */
  walkCycles: number;
}

export interface AttributionOptions {
  readonly mmu: Mmu;
  readonly granule: Granule;
  /** PCs of the records being consumed, in step with them (Engine.tracePcs). */
  readonly pcs: () => Float64Array | undefined;
  readonly missed: (miss: Miss) => void;
  /** A write hit an entry cached clean, and the walker marked the descriptor: no miss, but a walk that cost so many cycles. */
  readonly marked: (page: number, pc: number, walkCycles: number) => void;
}

const NO_COUNTS = { instructions: 0, loads: 0, stores: 0 };

export class AttributedMmu implements TlbListener {
  private readonly mmu: Mmu;
  private readonly pcs: () => Float64Array | undefined;
  private readonly missed: (miss: Miss) => void;
  private readonly marked: (page: number, pc: number, walkCycles: number) => void;
  private readonly l1iCauses: MissCauses;
  private readonly l1dCauses: MissCauses;
  private readonly l2Causes: ReadonlyMap<Tlb, MissCauses>;
  private readonly miss: Miss = { page: 0, access: ACCESS_FETCH, pc: 0, cause: "cold", walked: false, l2Cause: undefined, kind: "page", order: 0, walkCycles: 0 };
  private walkCycles = 0;
  private asid: number | undefined;

  constructor({ mmu, granule, pcs, missed, marked }: AttributionOptions) {
    const { core } = mmu;
    this.mmu = mmu;
    this.pcs = pcs;
    this.missed = missed;
    this.marked = marked;
    this.l1iCauses = new MissCauses(mmu.l1i, core.l1i, granule);
    this.l1dCauses = new MissCauses(mmu.l1d, core.l1d, granule);
    // Structures stand in the order L1I, L1D, L2s.
    this.l2Causes = new Map(core.l2.map((spec, i) => [mmu.structures[2 + i]!, new MissCauses(mmu.structures[2 + i]!, spec, granule)]));
  }

  setRegime(regime: TranslationRegime): void {
    const flushes = this.mmu.core.flushOnAsidChange && this.asid !== undefined && this.asid !== regime.asid;
    this.asid = regime.asid;
    if (flushes) for (const causes of this.everyCauses()) causes.beforeMaintenance("everything");
    this.mmu.setRegime(regime);
    if (flushes) for (const causes of this.everyCauses()) causes.afterMaintenance("everything");
    for (const causes of this.everyCauses()) causes.setAddressSpace(regime.asid, regime.ttbr0);
  }

  tlbi(operation: Tlbi): void {
    const l1: Maintenance = this.mmu.core.maintenanceFlushesL1 ? "everything" : operation;
    const first = [this.l1iCauses, this.l1dCauses];
    for (const causes of first) causes.beforeMaintenance(l1);
    for (const causes of this.l2Causes.values()) causes.beforeMaintenance(operation);
    this.mmu.tlbi(operation);
    for (const causes of first) causes.afterMaintenance(l1);
    for (const causes of this.l2Causes.values()) causes.afterMaintenance(operation);
  }

  consume(words: Uint32Array, count: number): void {
    const pcs = this.pcs();
    const records = this.mmu.resolve(words, count, false);
    for (let i = 0; i < count; i++) this.one(records, i, pcs === undefined ? 0 : pcs[i]!);
  }

  /** One record. Whether a lookup hits can be told beforehand, because looking without use changes nothing. */
  private one(records: Int32Array, i: number, pc: number): void {
    const { mmu } = this;
    const page = records[i]! >>> RESOLVED_UNIT_SHIFT;
    const held = (records[i]! >>> RESOLVED_HELD_SHIFT) & RESOLVED_HELD;
    const causes = held < FIRST_CODE_HELD ? this.l1dCauses : this.l1iCauses;
    if (held !== 0) causes.leave(held);
    if (page === 0) {
      mmu.consumeResolved(records, i, i + 1);
      return;
    }
    this.touch(records, i, page, pc);
    if (held !== 0) causes.hold(held, page);
  }

  private touch(records: Int32Array, i: number, page: number, pc: number): void {
    const { mmu } = this;
    const access = (records[i]! & 3) as Access;
    const fetch = access === ACCESS_FETCH;
    const l1 = fetch ? mmu.l1i : mmu.l1d;
    const causes = fetch ? this.l1iCauses : this.l1dCauses;
    const entry = l1.peek(page);
    if (entry >= 0) {
      // A write through an entry cached clean is a use of the L2 too.
      const asksL2 = access === ACCESS_WRITE && (l1.stateOf(entry) & STATE_DIRTY) === 0;
      mmu.consumeResolved(records, i, i + 1);
      causes.touched(page, false);
      if (!asksL2) return;
      this.touchL2(mmu.l2d, page, false);
      const spent = this.spentSince();
      if (spent > 0) this.marked(mmu.index.pageNumber(page), pc, spent);
      return;
    }
    const l2s = fetch ? mmu.l2i : mmu.l2d;
    const walked = l2s.every((l2) => l2.peek(page) < 0);
    mmu.consumeResolved(records, i, i + 1);
    const { miss } = this;
    miss.page = mmu.index.pageNumber(page);
    miss.access = access;
    miss.pc = pc;
    miss.walked = walked;
    miss.l2Cause = this.touchL2(l2s, page, walked);
    miss.cause = causes.touched(page, true) ?? "cold";
    // A read that the L2 answers walks nothing.
    miss.walkCycles = walked || access === ACCESS_WRITE ? this.spentSince() : 0;
    describeEntry(l1, page, miss);
    this.missed(miss);
  }

  /** The L2 structure that has the page now was looked up. */
  private touchL2(l2s: readonly Tlb[], page: number, missed: boolean): MissCause | undefined {
    const holder = l2s.find((l2) => l2.peek(page) >= 0);
    return holder === undefined ? undefined : this.l2Causes.get(holder)?.touched(page, missed);
  }

  /** Walk cycles since this was last asked. */
  private spentSince(): number {
    const { walkCycles } = this.mmu.stats(NO_COUNTS);
    const spent = walkCycles - this.walkCycles;
    this.walkCycles = walkCycles;
    return spent;
  }

  private *everyCauses(): Generator<MissCauses> {
    yield this.l1iCauses;
    yield this.l1dCauses;
    yield* this.l2Causes.values();
  }
}

/** Kind and size of the entry that translates a page. */
function describeEntry(tlb: Tlb, page: number, into: Miss): void {
  const entry = tlb.peek(page);
  if (entry < 0) return;
  const state = tlb.stateOf(entry);
  const level = (state >>> STATE_LEVEL_SHIFT) & 3;
  const leafOrder = (state >>> STATE_LEAF_SHIFT) & 31;
  const order = tlb.orderOf(entry);
  into.order = order;
  if (tlb.coalescedPagesOf(entry) !== 0) into.kind = "coalesced";
  else if (order < leafOrder) into.kind = "splintered";
  else if (order > leafOrder) into.kind = "contiguous";
  else into.kind = level === 3 ? "page" : "block";
}
