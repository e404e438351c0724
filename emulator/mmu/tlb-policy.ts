/**
 * Replacement policies of a TLB structure: three events and one question.
 *
 * The structure tells the policy what happens to its slots and asks for a victim only when a set has no invalid slot. Order of
 * events for one slot: `filled` (a new entry came in, whatever was there is gone), any number of `accessed` (a hit), then
 * `invalidated` (TLB maintenance took it) or the next `filled`. A slot is a position in the whole structure,
 * set * ways + way. No Arm manual read states the policy of a TLB, so it is a parameter of every preset.
 */
import { ModelBug, assertNever } from "../arch/errors.js";
import { ENTRY_SHIFT, OLDER, PINS, ORDER_FIFO, ORDER_OTHER, ORDER_RING, ORDER_STAMPS, PINNED_STAMP } from "./tlb-layout.js";
import { newRing, oldestOfRing, turnRing } from "./tlb-place.js";

export const POLICY_NAMES = ["lru", "tree-plru", "fifo", "random", "nru"] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];

export interface ReplacementPolicy {
  filled(set: number, slot: number): void;
  accessed(set: number, slot: number): void;
  invalidated(set: number, slot: number): void;
  /** The slot of `set` to replace. Pre: every slot of the set is valid. */
  victim(set: number): number;
}

/** Ways up to which lru keeps time stamps. */
const FEW_WAYS = 16;

/** ORDER_*: how a structure of `sets` x `ways` keeps the order of this policy in its cells. One large set would be searched at every miss. */
export function orderKeeping(name: PolicyName, sets: number, ways: number): number {
  if (name === "fifo") return ORDER_FIFO;
  if (name !== "lru") return ORDER_OTHER;
  return sets > 1 && ways <= FEW_WAYS ? ORDER_STAMPS : ORDER_RING;
}

/**
 * Largest number of pages that a trace filter (docs/engine.md) may hold before this structure. Entries that cover several pages change nothing: the
 * most recent pages lie in no more entries than that. Where it is 1, only a repeated access to the last page is kept back, which under every policy
 * certainly hits and changes nothing; where it is more, the structure pins the entries of held pages.
 */
export function exactFilterPages({ entries, ways, policy, coalescedPages }: {
  readonly entries: number;
  readonly ways: number | "full";
  readonly policy: PolicyName;
  readonly coalescedPages: number;
}): number {
  // A page may move from one coalesced entry to another while it is held.
  if (policy !== "lru" || coalescedPages > 1) return 1;
  return ways === "full" ? entries : ways;
}

/** The policy of this name for a structure of `sets` x `ways`. `place` is where lru and fifo keep their order; `seed` matters to random only. */
export function makePolicy(name: PolicyName, sets: number, ways: number, place: OrderCells, seed: number): ReplacementPolicy {
  switch (name) {
    case "lru":
      return orderKeeping(name, sets, ways) === ORDER_STAMPS ? new StampPolicy(place, sets, ways) : new RecencyPolicy(place, sets, ways, true);
    case "fifo":
      return new RecencyPolicy(place, sets, ways, false);
    case "tree-plru":
      return new TreePlruPolicy(sets, ways);
    case "random":
      return new RandomPolicy(ways, seed);
    case "nru":
      return new NruPolicy(sets, ways);
    default:
      return assertNever(name, "makePolicy");
  }
}

/**
 * Where the order of replacement lies. As a ring: two cells in every slot's record name the older and the newer neighbour by the index of
 * their records, and one cell per set names the set's newest. The ring goes from the newest to the oldest and back to the newest. As
 * time stamps: one cell for each slot, and one for the clock.
 */
export interface OrderCells {
  readonly cells: Int32Array;
  /** Index of the first slot's record; records are 1 << ENTRY_SHIFT cells, and their indexes multiples of that. */
  readonly firstRecord: number;
  /** Index of the first set's newest cell; of the first slot's stamp. */
  readonly order: number;
  /** Index of the clock's cell. */
  readonly clock: number;
}

/**
 * True least-recently-used, or first-in first-out: they differ in whether a hit makes a slot new again. The ring lies in cells of the
 * structure, so that the MMU's fast path can turn it without a call.
 */
export class RecencyPolicy implements ReplacementPolicy {
  constructor(
    private readonly ring: OrderCells,
    sets: number,
    ways: number,
    private readonly refreshOnHit: boolean,
  ) {
    const { cells, firstRecord, order } = ring;
    for (let set = 0; set < sets; set++) newRing(cells, order + set, firstRecord + ((set * ways) << ENTRY_SHIFT), ways);
  }

  accessed(set: number, slot: number): void {
    const { cells, firstRecord } = this.ring;
    if (this.refreshOnHit && cells[(firstRecord + (slot << ENTRY_SHIFT)) | PINS] === 0) this.filled(set, slot);
  }

  filled(set: number, slot: number): void {
    const { cells, firstRecord, order } = this.ring;
    turnRing(cells, order + set, firstRecord + (slot << ENTRY_SHIFT));
  }

  invalidated(set: number, slot: number): void {
    const { cells, firstRecord, order } = this.ring;
    const record = firstRecord + (slot << ENTRY_SHIFT);
    turnRing(cells, order + set, record);
    // With the next older one the newest, the slot is the oldest.
    cells[order + set] = cells[record | OLDER]!;
  }

  victim(set: number): number {
    const { cells, firstRecord, order } = this.ring;
    return (oldestOfRing(cells, order + set) - firstRecord) >> ENTRY_SHIFT;
  }
}

/** True least-recently-used by time stamps: a hit costs one store, a victim a look at every way. */
export class StampPolicy implements ReplacementPolicy {
  constructor(
    private readonly place: OrderCells,
    private readonly sets: number,
    private readonly ways: number,
  ) {}

  accessed(set: number, slot: number): void {
    const { cells, order } = this.place;
    if (cells[order + slot] !== PINNED_STAMP) this.filled(set, slot);
  }

  filled(_set: number, slot: number): void {
    const { cells, order, clock } = this.place;
    const now = (cells[clock]! + 1) | 0;
    cells[clock] = now;
    cells[order + slot] = now;
  }

  invalidated(_set: number, slot: number): void {
    this.place.cells[this.place.order + slot] = 0;
  }

  victim(set: number): number {
    const { cells, order } = this.place;
    let oldest = set * this.ways;
    for (let slot = oldest + 1; slot < (set + 1) * this.ways; slot++) if (cells[order + slot]! < cells[order + oldest]!) oldest = slot;
    return oldest;
  }

  /** Make the stamps small, keeping their order; the clock is set back then. */
  rewind(): void {
    const { cells, order } = this.place;
    for (let set = 0; set < this.sets; set++) {
      const stamps = Array.from({ length: this.ways }, (_, way) => order + set * this.ways + way);
      stamps.sort((a, b) => cells[a]! - cells[b]!);
      // A slot without a use keeps the stamp 0, a pinned one its own.
      stamps.forEach((stamp, i) => {
        if (cells[stamp] !== 0 && cells[stamp] !== PINNED_STAMP) cells[stamp] = i + 1;
      });
    }
  }
}

/**
 * Tree pseudo-LRU: one bit per inner node of a binary tree over the ways, pointing away from the side used last. Ways that are no
 * power of two leave leaves without a slot; the search never turns into a subtree that has none.
 */
export class TreePlruPolicy implements ReplacementPolicy {
  /** Leaves of the tree, the power of two at or above the ways. */
  private readonly leaves: number;
  /** Per set, node n at n; node 1 is the root, children 2n and 2n + 1. 1 = the victim is on the right. */
  private readonly bits: Uint8Array;

  constructor(sets: number, private readonly ways: number) {
    this.leaves = 1 << (32 - Math.clz32(ways - 1));
    this.bits = new Uint8Array(sets * this.leaves);
  }

  accessed(set: number, slot: number): void {
    const base = set * this.leaves;
    let node = this.leaves + (slot - set * this.ways);
    while (node > 1) {
      const right = node & 1;
      node >>= 1;
      this.bits[base + node] = 1 - right;
    }
  }

  filled(set: number, slot: number): void {
    this.accessed(set, slot);
  }

  invalidated(): void {
    // The structure fills invalid slots first; the bits then follow from the fill.
  }

  victim(set: number): number {
    const base = set * this.leaves;
    let node = 1;
    let span = this.leaves;
    let first = 0;
    while (span > 1) {
      span >>= 1;
      const right = this.bits[base + node] === 1 && first + span < this.ways;
      node = node * 2 + (right ? 1 : 0);
      if (right) first += span;
    }
    return set * this.ways + first;
  }
}

/** Uniform choice by a xorshift generator: the same seed gives the same run. */
export class RandomPolicy implements ReplacementPolicy {
  private state: number;

  constructor(private readonly ways: number, seed: number) {
    // Xorshift has no way out of 0.
    this.state = (seed ^ 0x9e3779b9) | 0 || 1;
  }

  accessed(): void {
    // No memory of hits.
  }

  filled(): void {
    // No memory of fills.
  }

  invalidated(): void {
    // The structure fills invalid slots first.
  }

  victim(set: number): number {
    let state = this.state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state;
    return set * this.ways + ((state >>> 0) % this.ways);
  }
}

/**
 * Not recently used: one bit per slot, set by use. The victim is the lowest way without the bit; when the last bit of a set would
 * be set, all others are cleared.
 */
export class NruPolicy implements ReplacementPolicy {
  private readonly used: Uint8Array;
  private readonly nrUsed: Int32Array;

  constructor(sets: number, private readonly ways: number) {
    this.used = new Uint8Array(sets * ways);
    this.nrUsed = new Int32Array(sets);
  }

  accessed(set: number, slot: number): void {
    if (this.used[slot] === 1) return;
    if (this.nrUsed[set] === this.ways - 1) {
      this.used.fill(0, set * this.ways, (set + 1) * this.ways);
      this.nrUsed[set] = 0;
      if (this.ways === 1) return;
    }
    this.used[slot] = 1;
    this.nrUsed[set] = this.nrUsed[set]! + 1;
  }

  filled(set: number, slot: number): void {
    this.accessed(set, slot);
  }

  invalidated(set: number, slot: number): void {
    if (this.used[slot] === 0) return;
    this.used[slot] = 0;
    this.nrUsed[set] = this.nrUsed[set]! - 1;
  }

  victim(set: number): number {
    const first = set * this.ways;
    for (let slot = first; slot < first + this.ways; slot++) if (this.used[slot] === 0) return slot;
    throw new ModelBug(`NruPolicy.victim: all ${this.ways} ways of set ${set} are marked used`);
  }
}
