/**
 * Miss curves: the misses of fully associative LRU TLBs of every size at once, from one pass over the trace.
 *
 * An LRU TLB of n entries holds the first n places of one common stack, so an access hits exactly in those with more entries than the
 * place at which it finds its translation. TLB maintenance leaves a hole at the place of what it removes: the next entry that
 * comes in from below the hole, or from the tables, pushes down only what lies above the hole. An entry is what the tables
 * say when it is first needed: a page, a contiguous run or a block, cut to the sizes that the entries can hold.
 *
 * Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970; the places are counted
 * with a binary indexed tree over the time of last use, as Bennett and Kruskal proposed (IBM Journal of R&D 19(4), 1975).
 */
import type { Asid, Va } from "../arch/addr.js";
import { ModelBug } from "../arch/errors.js";
import type { Granule, Level } from "../arch/granule.js";
import { ACCESS_FETCH, ACCESS_LEAVE, RECORD_PAGE_HIGH } from "../engine/engine.js";
import type { Access } from "../engine/engine.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";
import { entryOrders } from "./tlb-cells.js";
import type { TlbSpec } from "./tlb.js";
import { matchTlbi } from "./tlbi.js";
import type { CachedTranslation, Tlbi } from "./tlbi.js";
import { newWalkResult, startAtRoot, walkPage } from "./walk.js";
import type { TranslationRegime } from "./walk.js";

export interface StackDistanceOptions {
  readonly memory: PhysicalMemory;
  readonly granule: Granule;
  /** What one entry can hold. */
  readonly entry: Pick<TlbSpec, "pageSizes" | "contiguous" | "splinter">;
  /** Which touches count: fetches, loads and stores, or all. */
  readonly side: "instruction" | "data" | "both";
}

interface Entry extends CachedTranslation {
  readonly order: number;
  readonly unit: number;
  /** Time of the last use. */
  time: number;
}

/** Global entries are kept under an ASID that no address space has. */
const GLOBAL_ASID = 65536;
const ORDERS = 32;

export class StackDistances {
  private regime: TranslationRegime | undefined;
  private readonly result = newWalkResult();
  private readonly entryOrder: Int8Array;
  /** Live entries by ASID * ORDERS + order, then by unit (page number >> order). */
  private readonly live = new Map<number, Map<number, Entry>>();
  /** Orders in use, ascending: the order of lookup. */
  private orders: number[] = [];
  /** Times of holes, a heap with the latest on top. */
  private readonly holes: number[] = [];
  private places: PlaceTree;
  private clock = 0;
  /** Hits by place in the stack. */
  private readonly hitsAt: number[] = [];
  private nrTouches = 0;

  constructor(private readonly options: StackDistanceOptions, capacity = 1 << 16) {
    const { entry, granule } = options;
    this.entryOrder = entryOrders(entry.pageSizes, entry.splinter === "page", granule.pageSize);
    this.places = new PlaceTree(capacity);
  }

  setRegime(regime: TranslationRegime): void {
    this.regime = regime;
  }

  /** Page touches seen on the side that counts. */
  get touches(): number {
    return this.nrTouches;
  }

  /**
   * Misses of a fully associative LRU TLB with this many entries. Exact if the engine's trace filter holds one page of each kind: uses of
   * more would be missing from the order. Of instructions and data together it is near: uses of the held page of one kind between
   * touches of the other are missing, so a distance may be one too small.
   */
  misses(entries: number): number {
    let hits = 0;
    for (let place = 0; place < Math.min(entries, this.hitsAt.length); place++) hits += this.hitsAt[place] ?? 0;
    return this.nrTouches - hits;
  }

  /** The engine's TraceSink. */
  consume(words: Uint32Array, count: number): void {
    const { side } = this.options;
    for (let i = 0; i < count * 2; i += 2) {
      const second = words[i + 1]!;
      if ((second & 3) === ACCESS_LEAVE) continue;
      const access = (second & 3) as Access;
      if (side !== "both" && (side === "instruction") !== (access === ACCESS_FETCH)) continue;
      this.touch(words[i]!, (second >>> 2) & RECORD_PAGE_HIGH, access);
    }
  }

  /** What maintenance removes leaves a hole. */
  tlbi(operation: Tlbi): void {
    for (const [key, entries] of this.live) {
      for (const [unit, entry] of entries) {
        if (!matchTlbi(operation, entry)) continue;
        entries.delete(unit);
        pushLatest(this.holes, entry.time);
      }
      if (entries.size === 0) this.live.delete(key);
    }
    this.listOrders();
  }

  private touch(pageLo: number, pageHi: number, access: Access): void {
    this.nrTouches++;
    const page = pageLo + pageHi * 2 ** 32;
    let entry = this.find(page);
    if (entry === undefined) {
      entry = this.load(page, pageLo | 0, pageHi, access);
    } else {
      const place = this.places.countFrom(entry.time + 1);
      this.hitsAt[place] = (this.hitsAt[place] ?? 0) + 1;
      if (place === 0) return;
    }
    this.toTop(entry);
  }

  /** Move the entry to the top of the stack: down to the topmost hole above it, or to its old place, everything sinks by one. */
  private toTop(entry: Entry): void {
    const hole = this.holes[0];
    if (hole !== undefined && hole > entry.time) {
      popLatest(this.holes);
      this.places.add(hole, -1);
      // The place that the entry leaves stays, empty, for the TLBs that reach down to it.
      if (entry.time >= 0) pushLatest(this.holes, entry.time);
    } else if (entry.time >= 0) {
      this.places.add(entry.time, -1);
    }
    if (this.clock === this.places.capacity) this.renumber(entry);
    entry.time = this.clock++;
    this.places.add(entry.time, 1);
  }

  private find(page: number): Entry | undefined {
    const asid = this.regime?.asid;
    if (asid === undefined) throw new ModelBug("StackDistances: an access before the first setRegime");
    for (const order of this.orders) {
      const unit = Math.floor(page / 2 ** order);
      const entry = this.live.get(asid * ORDERS + order)?.get(unit) ?? this.live.get(GLOBAL_ASID * ORDERS + order)?.get(unit);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** A new entry, not yet in the stack, from the tables as they are. */
  private load(page: number, pageLo: number, pageHi: number, access: Access): Entry {
    const { result, regime, options } = this;
    if (regime === undefined) throw new ModelBug("StackDistances: an access before the first setRegime");
    startAtRoot(regime, result);
    walkPage(options.memory, regime, pageLo, pageHi, access, false, result);
    if (result.fault !== "none") throw new ModelBug(`StackDistances: ${result.fault} fault at level ${result.level} on a traced access to page 0x${page.toString(16)}`);
    const order = this.entryOrder[options.entry.contiguous === "whole" ? result.unitOrder : result.leafOrder]!;
    if (order < 0) throw new ModelBug(`StackDistances: no entry size holds a translation of order ${result.unitOrder}`);
    const unit = Math.floor(page / 2 ** order);
    const bytes = options.granule.pageSize * 2 ** order;
    const entry: Entry = { asid: regime.asid, global: result.global, start: (unit * bytes) as Va, end: ((unit + 1) * bytes) as Va, level: result.level as Level, table: false, order, unit, time: -1 };
    const key = (result.global ? GLOBAL_ASID : (regime.asid as Asid)) * ORDERS + order;
    let entries = this.live.get(key);
    if (entries === undefined) {
      this.live.set(key, (entries = new Map()));
      this.listOrders();
    }
    entries.set(unit, entry);
    return entry;
  }

  private listOrders(): void {
    this.orders = [...new Set([...this.live.keys()].map((key) => key % ORDERS))].sort((a, b) => a - b);
  }

  /** Give the entries and holes the times 0, 1, 2, ... in their order, in a tree at least twice as large. `moving` has no time of its own. */
  private renumber(moving: Entry): void {
    const entries = [...this.live.values()].flatMap((units) => [...units.values()]).filter((entry) => entry !== moving);
    const stack: { time: number; readonly entry: Entry | undefined }[] = [...entries.map((entry) => ({ time: entry.time, entry })), ...this.holes.map((time) => ({ time, entry: undefined }))];
    stack.sort((a, b) => a.time - b.time);
    let capacity = this.places.capacity;
    while (capacity < stack.length * 2) capacity *= 2;
    this.places = new PlaceTree(capacity);
    this.holes.length = 0;
    stack.forEach(({ entry }, time) => {
      this.places.add(time, 1);
      if (entry === undefined) pushLatest(this.holes, time);
      else entry.time = time;
    });
    this.clock = stack.length;
  }
}

/** Binary indexed tree over times: how many places of the stack have a time at or after a given one, in O(log capacity). */
export class PlaceTree {
  private readonly tree: Int32Array;
  private total = 0;

  constructor(readonly capacity: number) {
    this.tree = new Int32Array(capacity + 1);
  }

  add(time: number, change: number): void {
    this.total += change;
    for (let i = time + 1; i <= this.capacity; i += i & -i) this.tree[i] = this.tree[i]! + change;
  }

  countFrom(time: number): number {
    let before = 0;
    for (let i = time; i > 0; i -= i & -i) before += this.tree[i]!;
    return this.total - before;
  }
}

/** Binary heap with the largest number first. */
export function pushLatest(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]! >= value) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
}

/** Remove and return the largest. Pre: not empty. */
export function popLatest(heap: number[]): number {
  const largest = heap[0]!;
  const value = heap.pop()!;
  if (heap.length === 0) return largest;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! > heap[child]!) child++;
    if (heap[child]! <= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
  return largest;
}
