/**
 * One studied TLB hierarchy: L1 instruction and data TLB, L2, walk cache, walker and their counters.
 *
 * It is fed with the page touches of the engine's trace and with the kernel's TLB maintenance, in program order. Several
 * may listen to one run; the primary one alone makes the hardware's descriptor updates. What the numbers mean is in README.md.
 *
 * Arm: DDI 0487 D8 (VMSAv8-64); for the order L1, L2, walk cache, walk see a core's TRM, chapter "Memory Management Unit".
 */
import { hex } from "../arch/addr.js";
import { frameOfWords } from "../arch/descriptor.js";
import { ModelBug, NotModelled } from "../arch/errors.js";
import type { Granule } from "../arch/granule.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, FIRST_CODE_HELD } from "../engine/engine.js";
import type { Access } from "../engine/engine.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";
import type { CorePreset } from "./cores.js";
import { DescriptorCache } from "./descriptor-cache.js";
import { Arena } from "./tlb-cells.js";
import { STATE_DIRTY, STATE_LEAF_SHIFT, STATE_LEVEL_SHIFT, STATE_PERMS_SHIFT, TAG_PAGE_HIGH } from "./tlb-layout.js";
import { FastPath } from "./tlb-fast.js";
import type { FastOptions, FastSide } from "./tlb-fast.js";
import { pin, unpin } from "./tlb-place.js";
import { exactFilterPages } from "./tlb-policy.js";
import { Tlb } from "./tlb.js";
import type { Tlbi } from "./tlbi.js";
import { RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_READ_WRITE, RESOLVED_UNIT_SHIFT } from "./tlb-layout.js";
import { TlbStorage } from "./tlb-storage.js";
import { UnitIndex } from "./unit-index.js";
import { WalkCache } from "./walk-cache.js";
import { newFastWalker } from "./walk-fast.js";
import type { FastWalker } from "./walk-fast.js";
import { newWalkResult, shiftPage, startAtRoot, walkPage } from "./walk.js";
import type { TranslationRegime, WalkResult } from "./walk.js";
import type { DescriptorCacheName } from "./walker-facts.js";

export interface MmuOptions {
  readonly core: CorePreset;
  readonly memory: PhysicalMemory;
  readonly granule: Granule;
  /** Primary: set AF and clear AP[2] in memory where the hardware would. Exactly one MMU of a run does. */
  readonly updatesDescriptors: boolean;
  /** For the random replacement policy. */
  readonly seed: number;
  /** To be shared by the hierarchies of a run that are given the same records (MmuGroup); one of its own without it. */
  readonly index?: UnitIndex;
  /** Records after which the code of the fast path is made. Results do not depend on it. */
  readonly fastAfter?: number;
}

/** Exact counts of the engine that the trace, being filtered, does not carry. */
export interface AccessCounts {
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
}

export interface TlbCounts {
  readonly accesses: number;
  readonly misses: number;
}

/** Statistics of one hierarchy, in the shape of the run report. Every field is explained in README.md. */
export interface MmuStats {
  readonly l1i: TlbCounts;
  readonly l1d: TlbCounts;
  readonly l2: TlbCounts;
  readonly walks: number;
  readonly descriptorFetches: { readonly l0: number; readonly l1: number; readonly l2: number; readonly l3: number };
  /** Of all fetches, those that a data cache of the walker answered, by cache, and those that none did. */
  readonly descriptorCacheHits: Readonly<Record<DescriptorCacheName, number>>;
  readonly descriptorFetchMisses: number;
  /** Estimate: fetches and L2 hits weighted with the preset's indicative latencies; of walks, one after the other. */
  readonly walkCycles: number;
  /** Estimate: the same, if as many walks as the core can make at once always overlapped. */
  readonly walkCyclesOverlapped: number;
  readonly l2HitCycles: number;
  /** Walks of `walks` that were made only to mark a cached clean page dirty. */
  readonly updateWalks: number;
  readonly walkCacheHits: number;
  /** Descriptor updates by hardware, counted on every hierarchy, made in memory by the primary only. */
  readonly accessFlagUpdates: number;
  readonly dirtyUpdates: number;
}

/** So many records take less time without a fast path than it takes to make its code. */
const WORTH_CODE = 10_000;

/** Attributes that neighbours must share to be one coalesced entry: all but address, software bits 58:55 and bit 63. */
const COALESCE_LO = 0xfff;
const COALESCE_HI = 0x787f0000;

export class Mmu {
  readonly core: CorePreset;
  readonly l1i: Tlb;
  readonly l1d: Tlb;
  /** L2 structures that serve instruction and data misses; the same objects if unified. */
  readonly l2i: readonly Tlb[];
  readonly l2d: readonly Tlb[];
  /** Every structure of the hierarchy, once each. */
  readonly structures: readonly Tlb[];

  /** Numbers of the pages that the hierarchy is asked for. */
  readonly index: UnitIndex;
  /** Undefined where a policy keeps the order of a structure outside the cells. */
  private readonly fastOptions: FastOptions | undefined;
  private fastPath: FastPath | undefined;
  private readonly fastAfter: number;
  /** Records consumed before there was one. */
  private consumed = 0;
  /** The walks of the fast path; undefined if it makes none. */
  private readonly walker: FastWalker | undefined;
  /** Whether the L1 of the side pins the entries of the pages that the trace filter holds. */
  private readonly pinsData: boolean;
  private readonly pinsCode: boolean;
  /** By number of a page that the trace filter holds: the entry of its L1 that it pins; -1. */
  private readonly pinned: Int32Array;
  /** L1 misses, [0] instruction, [1] data. */
  private readonly l1Misses: Float64Array;
  private readonly arena: Arena;
  private readonly memory: PhysicalMemory;
  private readonly granule: Granule;
  private readonly updatesDescriptors: boolean;
  private readonly seed: number;
  /** Who is fed in place of this one (`leaveTo`). */
  private fed: Mmu | undefined;
  private readonly walkCache: WalkCache | undefined;
  private readonly result: WalkResult = newWalkResult();
  private regime: TranslationRegime | undefined;

  private l2Misses = 0;
  private walks = 0;
  private updateWalks = 0;
  private walkCacheHits = 0;
  private accessFlagUpdates = 0;
  private dirtyUpdates = 0;
  private readonly fetches = new Float64Array(4);
  private readonly descriptorCache: DescriptorCache;

  constructor(options: MmuOptions) {
    const { core, granule, seed } = options;
    if (!core.granules.includes(granule.name)) throw new NotModelled(`${core.name} has no ${granule.name} granule (${core.granules.join(", ")})`);
    this.core = core;
    this.pinsData = exactFilterPages(core.l1d) > 1;
    this.pinsCode = exactFilterPages(core.l1i) > 1;
    this.memory = options.memory;
    this.granule = granule;
    this.updatesDescriptors = options.updatesDescriptors;
    this.seed = seed;
    this.fastAfter = options.fastAfter ?? WORTH_CODE;
    const cache = core.walkCache;
    const own = cache?.store === "own" ? { ...cache, pageSizes: [granule.pageSize], contiguous: "ignored", splinter: "page", coalescedPages: 1 } as const : undefined;
    const specs = [core.l1i, core.l1d, ...core.l2, ...(own === undefined ? [] : [own])];
    this.index = options.index ?? new UnitIndex(TlbStorage.inMemory());
    this.arena = new Arena(specs.reduce((sum, spec) => sum + Tlb.cellsOf(spec), 0), specs.length, this.index);
    this.pinned = this.index.storage.int32(RESOLVED_HELD + 1).fill(-1);
    this.l1Misses = this.index.storage.float64(2);
    const structures = specs.map((spec, i) => new Tlb(spec, granule, seed + i, this.arena));
    this.l1i = structures[0]!;
    this.l1d = structures[1]!;
    const l2 = core.l2.map(({ serves }, i) => ({ serves, tlb: structures[2 + i]! }));
    this.l2i = l2.filter(({ serves }) => serves !== "data").map(({ tlb }) => tlb);
    this.l2d = l2.filter(({ serves }) => serves !== "instruction").map(({ tlb }) => tlb);
    if (cache !== undefined) {
      const store = own === undefined ? l2[0]?.tlb : structures.at(-1);
      if (store === undefined) throw new NotModelled(`${core.name}: the walk cache lies in an L2 TLB that the core does not have`);
      this.walkCache = new WalkCache(store, granule, cache.reach);
    }
    this.structures = structures;
    this.descriptorCache = new DescriptorCache(core.descriptorCaches);
    if (structures.every((tlb) => tlb.ordersInCells)) {
      this.walker = this.walkCache === undefined ? undefined : newFastWalker(options.memory, granule, this.walkCache, this.descriptorCache, structures);
      const instruction = this.fastSide(this.l1i, this.pinsCode, this.l2i);
      const data = this.fastSide(this.l1d, this.pinsData, this.l2d);
      this.fastOptions = { arena: this.arena, instruction, data, walker: this.walker, pinned: this.pinned, misses: this.l1Misses };
    }
    for (const [name, tlbs] of [["l1i", [this.l1i]], ["l1d", [this.l1d]], ["l2", this.l2i], ["l2", this.l2d]] as const) {
      if (tlbs.length > 0 && tlbs.every((tlb) => tlb.orderFor(0, 0) < 0)) throw new NotModelled(`${core.name}: no ${name} entry holds a page of the ${granule.name} granule`);
    }
  }

  private fastSide(l1: Tlb, l1Pins: boolean, l2s: readonly Tlb[]): FastSide {
    const headers = l2s.map(({ header }) => header);
    const runOrder = Math.log2(this.granule.levels[3]!.contEntries);
    return { l1: l1.header, pins: l1Pins, l1Orders: l1.entryOrder, l2: headers, pageL2: roomiest(l2s, 0, 0)?.header ?? -1, runL2: roomiest(l2s, runOrder, 0)?.header ?? -1 };
  }

  /** Whether two hierarchies on one run do the same but for the caches of their descriptor fetches and what those cost. */
  isLike(other: Mmu): boolean {
    const facts = ({ core: { l1i, l1d, l2, walkCache, maintenanceFlushesL1, flushOnAsidChange } }: Mmu): string =>
      JSON.stringify([l1i, l1d, l2, walkCache, maintenanceFlushesL1, flushOnAsidChange]);
    return this.updatesDescriptors === other.updatesDescriptors && this.seed === other.seed && facts(this) === facts(other);
  }

  /** Let a hierarchy that is like this one be fed in its place. The statistics of this one remain right, its structures stay empty. Pre: neither has been fed. */
  leaveTo(other: Mmu): void {
    this.fed = other;
    other.descriptorCache.alsoFetchFor(this.descriptorCache);
  }

  /** Tables, ASID and TCR controls of the accesses that follow. Entries of other ASIDs stay, unless the core cannot tell them apart. */
  setRegime(regime: TranslationRegime): void {
    if (regime.granule.name !== this.granule.name || regime.granule.vaBits !== this.granule.vaBits) {
      throw new ModelBug(`Mmu.setRegime: granule ${regime.granule.name}/${regime.granule.vaBits} on an MMU made for ${this.granule.name}/${this.granule.vaBits}`);
    }
    if (regime.ttbr0 >= this.memory.bytes) throw new ModelBug(`Mmu.setRegime: table at ${hex(regime.ttbr0)} lies outside RAM`);
    const before = this.regime?.asid;
    this.regime = regime;
    if (this.walker !== undefined) this.walker.hd = regime.hd;
    if (before === regime.asid) return;
    for (const tlb of this.structures) {
      if (this.core.flushOnAsidChange) tlb.invalidateAll();
      tlb.setAsid(regime.asid);
    }
  }

  /** The engine's TraceSink. */
  consume(words: Uint32Array, count: number): void {
    const records = this.resolve(words, count, true);
    this.consumeResolved(records, 0, records.length);
  }

  /** The records as `consumeResolved` takes them, valid until the next call. `merge`: see UnitIndex.resolve. */
  resolve(words: Uint32Array, count: number, merge: boolean): Int32Array {
    if (this.regime === undefined) throw new ModelBug("Mmu.resolve: an access before the first setRegime");
    return this.index.resolve(words, count, this.regime.asid, merge);
  }

  /** Consume resolved records from index `from` to `end`. They lie in the memory of the index. */
  consumeResolved(records: Int32Array, from: number, end: number): void {
    const fastPath = this.fastPathFor(end - from);
    this.arena.rewindClock();
    for (let i = from; i < end; i++) {
      if (fastPath !== undefined) {
        i = fastPath.consume(records, i, end);
        if (i === end) return;
      }
      const page = records[i]! >>> RESOLVED_UNIT_SHIFT;
      const held = (records[i]! >>> RESOLVED_HELD_SHIFT) & RESOLVED_HELD;
      if (held !== 0) {
        this.leave(held);
        if (page === 0) continue;
      }
      const both = (records[i]! & 3) === RESOLVED_READ_WRITE;
      const access = both ? ACCESS_READ : ((records[i]! & 3) as Access);
      if (fastPath?.walkIsDue !== true) this.access(page, access);
      else if (access === ACCESS_FETCH) this.missAll(0, this.l1i, this.l2i, page, access);
      else this.missAll(1, this.l1d, this.l2d, page, access);
      if (both) this.access(page, ACCESS_WRITE);
      if (held !== 0) this.hold(held, page);
    }
  }

  /** The fast path, if there is one and these records are not the first few. */
  private fastPathFor(records: number): FastPath | undefined {
    if (this.fastPath !== undefined || this.fastOptions === undefined) return this.fastPath;
    this.consumed += records;
    if (this.consumed > this.fastAfter) this.fastPath = new FastPath(this.fastOptions);
    return this.fastPath;
  }

  /** From now on the trace filter holds the page under this number. */
  private hold(held: number, page: number): void {
    const ofData = held < FIRST_CODE_HELD;
    if (!(ofData ? this.pinsData : this.pinsCode)) return;
    const l1 = ofData ? this.l1d : this.l1i;
    const entry = l1.peek(page);
    if (entry < 0) throw new ModelBug(`Mmu.hold: held page ${held} is not in the L1 of ${this.core.name}`);
    pin(this.arena, this.arena.cells, l1.header, entry);
    this.pinned[held] = entry;
  }

  /** The page that it held under this number has left. */
  private leave(held: number): void {
    const entry = this.pinned[held]!;
    if (entry < 0) return;
    this.pinned[held] = -1;
    unpin(this.arena, this.arena.cells, (held < FIRST_CODE_HELD ? this.l1d : this.l1i).header, entry);
  }

  /** One page touch, in full. */
  private access(page: number, access: Access): void {
    if (access === ACCESS_FETCH) {
      if (this.l1i.lookup(page) >= 0) return;
      this.miss(0, this.l1i, this.l2i, page, access);
      return;
    }
    const entry = this.l1d.lookup(page);
    if (entry < 0) {
      this.miss(1, this.l1d, this.l2d, page, access);
    } else if (access === ACCESS_WRITE && (this.l1d.stateOf(entry) & STATE_DIRTY) === 0) {
      this.writeToClean(page);
    }
  }

  /** Carry out TLB maintenance in every structure. */
  tlbi(operation: Tlbi): void {
    for (const tlb of this.structures) tlb.tlbi(operation);
    if (!this.core.maintenanceFlushesL1) return;
    this.l1i.invalidateAll();
    this.l1d.invalidateAll();
  }

  /** Counts so far. `counts`: the engine's exact totals over the same time. */
  stats(counts: AccessCounts): MmuStats {
    const fed = this.fed ?? this;
    const [l0, l1, l2, l3] = fed.fetches as unknown as [number, number, number, number];
    const [l1iMisses, l1dMisses] = fed.l1Misses as unknown as [number, number];
    const l2Accesses = this.l2d.length === 0 ? 0 : l1iMisses + l1dMisses;
    const fastWalks = fed.walker?.walks ?? 0;
    const l2Misses = this.l2d.length === 0 ? 0 : fed.l2Misses + fastWalks;
    const { descriptorCaches, latencies, walker } = this.core;
    const { found } = this.descriptorCache;
    const descriptorFetchMisses = found[descriptorCaches.length]!;
    const descriptorCacheHits = { l1d: 0, l2: 0, l3: 0 };
    let walkCycles = descriptorFetchMisses * latencies.descriptorFetch;
    descriptorCaches.forEach(({ name, latency }, i) => {
      descriptorCacheHits[name] = found[i]!;
      walkCycles += found[i]! * latency;
    });
    return {
      l1i: { accesses: counts.instructions, misses: l1iMisses },
      l1d: { accesses: counts.loads + counts.stores, misses: l1dMisses },
      l2: { accesses: l2Accesses, misses: l2Misses },
      walks: fed.walks + fastWalks,
      descriptorFetches: { l0, l1, l2, l3: l3 + fastWalks },
      descriptorCacheHits,
      descriptorFetchMisses,
      walkCycles,
      walkCyclesOverlapped: walkCycles / walker.parallelWalks,
      l2HitCycles: (l2Accesses - l2Misses) * latencies.l2Hit,
      updateWalks: fed.updateWalks,
      walkCacheHits: fed.walkCacheHits + fastWalks,
      accessFlagUpdates: fed.accessFlagUpdates,
      dirtyUpdates: fed.dirtyUpdates,
    };
  }

  /** An L1 miss; `side`: 0 instruction, 1 data. */
  private miss(side: 0 | 1, l1: Tlb, l2s: readonly Tlb[], page: number, access: Access): void {
    for (let i = 0; i < l2s.length; i++) {
      const l2 = l2s[i]!;
      const entry = l2.lookup(page);
      if (entry < 0) continue;
      if (access === ACCESS_WRITE && (l2.stateOf(entry) & STATE_DIRTY) === 0) this.writeMissToClean(l1, l2, entry, page);
      else l1.fillFrom(l2, entry, page);
      this.l1Misses[side] = this.l1Misses[side]! + 1;
      return;
    }
    this.missAll(side, l1, l2s, page, access);
  }

  /** A write finds its translation in the L2, cached clean: the walker marks the descriptor. */
  private writeMissToClean(l1: Tlb, l2: Tlb, entry: number, page: number): void {
    l1.fill(page, l2.isGlobal(entry), l2.orderOf(entry), l2.stateOf(entry) | STATE_DIRTY, l2.frameFor(entry, this.index.lowOf(page)), 0);
    this.updateWalk(page);
    markDirty(l2, page);
  }

  /** No structure has the translation. */
  private missAll(side: 0 | 1, l1: Tlb, l2s: readonly Tlb[], page: number, access: Access): void {
    this.l1Misses[side] = this.l1Misses[side]! + 1;
    this.l2Misses++;
    this.walk(page, access);
    const { result } = this;
    const state =
      (result.dirty ? STATE_DIRTY : 0) | (result.level << STATE_LEVEL_SHIFT) | (result.leafOrder << STATE_LEAF_SHIFT) | (result.perms << STATE_PERMS_SHIFT);
    const l2 = roomiest(l2s, result.unitOrder, result.leafOrder);
    if (l2 !== undefined) l2.fill(page, result.global, result.unitOrder, state, result.frame, this.neighbours(l2, page));
    l1.fill(page, result.global, result.unitOrder, state, result.frame, this.neighbours(l1, page));
  }

  /** A write hits an L1 entry that was cached clean: the L2 may know it dirty by now, else the walker marks the descriptor. */
  private writeToClean(page: number): void {
    let known: Tlb | undefined;
    for (const l2 of this.l2d) {
      const entry = l2.lookup(page);
      if (entry < 0) continue;
      if ((l2.stateOf(entry) & STATE_DIRTY) !== 0) {
        markDirty(this.l1d, page);
        return;
      }
      known = l2;
      break;
    }
    this.updateWalk(page);
    markDirty(this.l1d, page);
    if (known !== undefined) markDirty(known, page);
  }

  private updateWalk(page: number): void {
    this.updateWalks++;
    this.walk(page, ACCESS_WRITE);
  }

  /** One table walk of the studied MMU, beginning where the walk cache allows. */
  private walk(page: number, access: Access): void {
    const { regime, result, walkCache, fetches, index } = this;
    if (regime === undefined) throw new ModelBug("Mmu.walk: an access before the first setRegime");
    const lo = index.lowOf(page);
    const hi = index.highOf(page) & TAG_PAGE_HIGH;
    if (walkCache !== undefined && walkCache.find(page, result)) this.walkCacheHits++;
    else startAtRoot(regime, result);
    walkPage(this.memory, regime, lo, hi, access, this.updatesDescriptors, result);
    if (result.fault === "access-flag") {
      // AF was cleared without TLBI, and the access used a translation from before. It counts as still cached by the CPU.
      walkPage(this.memory, { ...regime, ha: true }, lo, hi, access, false, result);
      result.setAf = false;
    }
    this.walks++;
    const { levels, pageShift } = this.granule;
    for (let level = result.firstLevel; level < result.level; level++) {
      const { shift, entries } = levels[level]!;
      this.descriptorCache.fetch(result.tableIndex[level]! + (shiftPage(lo, hi, shift - pageShift) & (entries - 1)));
      fetches[level] = fetches[level]! + 1;
    }
    this.descriptorCache.fetch(result.descriptorIndex);
    fetches[result.level] = fetches[result.level]! + 1;
    if (result.fault !== "none") {
      throw new ModelBug(
        `Mmu.walk: ${result.fault} fault at level ${result.level} on a traced access (${access}) to page ${hex((lo >>> 0) + hi * 2 ** 32)} of ASID ${regime.asid} in ${this.core.name}: tables changed before the trace was drained, or a table was freed without TLBI`,
      );
    }
    if (result.setAf) this.accessFlagUpdates++;
    if (result.setDirty) this.dirtyUpdates++;
    if (walkCache !== undefined) walkCache.fill(page, result);
  }

  /**
   * Valid bits of a coalesced entry for the page just walked: neighbours in its aligned group, in the same cache line of
   * the table, that continue its output addresses with equal attributes and are accessed. 0 if it stands alone or `tlb` does not coalesce.
   */
  private neighbours(tlb: Tlb, page: number): number {
    const order = tlb.coalescedOrder;
    const { result } = this;
    if (order === 0 || result.level !== 3 || result.contiguous) return 0;
    const { u32 } = this.memory;
    const nr = 1 << order;
    const own = this.index.lowOf(page) & (nr - 1);
    const firstFrame = result.frame - own;
    if (firstFrame % nr !== 0) return 0;
    const first = result.descriptorIndex - own;
    let pages = 0;
    for (let i = 0; i < nr; i++) {
      const neighbourLo = u32[(first + i) * 2]!;
      const neighbourHi = u32[(first + i) * 2 + 1]!;
      const same = ((neighbourLo ^ result.lo) & COALESCE_LO) === 0 && ((neighbourHi ^ result.hi) & COALESCE_HI) === 0;
      if (i === own || (same && frameOfWords(neighbourLo, neighbourHi, this.granule.pageShift) === firstFrame + i)) pages |= 1 << i;
    }
    return pages === 1 << own ? 0 : pages;
  }
}

/** Of the L2 structures, the one that holds the translation in the largest entry; the first of equals. */
function roomiest(tlbs: readonly Tlb[], unitOrder: number, leafOrder: number): Tlb | undefined {
  let best: Tlb | undefined;
  let bestOrder = -1;
  for (let i = 0; i < tlbs.length; i++) {
    const order = tlbs[i]!.orderFor(unitOrder, leafOrder);
    if (order <= bestOrder) continue;
    bestOrder = order;
    best = tlbs[i];
  }
  return best;
}

/**
 * A write has been recorded in the descriptor of this page. The entry may be gone, where the walk cache shares the structure. A coalesced
 * entry has one dirty state for its group, so the page leaves it.
 */
function markDirty(tlb: Tlb, page: number): void {
  const entry = tlb.peek(page);
  if (entry < 0) return;
  if (tlb.coalescedPagesOf(entry) === 0) {
    tlb.setDirty(entry);
    return;
  }
  const state = tlb.stateOf(entry) | STATE_DIRTY;
  const frame = tlb.frameFor(entry, tlb.index.lowOf(page));
  const global = tlb.isGlobal(entry);
  tlb.dropCoalescedPage(entry, tlb.index.lowOf(page));
  tlb.fill(page, global, 0, state, frame, 0);
}
