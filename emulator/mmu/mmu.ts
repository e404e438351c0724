/**
 * One studied TLB hierarchy: L1 instruction and data TLB, L2, walk cache, walker and their counters.
 *
 * It is fed with the page touches of the engine's trace and with the kernel's TLB maintenance, in program order. Several
 * may listen to one run; the primary one alone makes the hardware's descriptor updates. What the numbers mean is in README.md.
 *
 * Arm: DDI 0487 D8 (VMSAv8-64); for the order L1, L2, walk cache, walk see any core's TRM, chapter "Memory Management Unit".
 */
import { hex } from "../arch/addr.js";
import { frameOfWords } from "../arch/descriptor.js";
import { ModelBug, NotModelled } from "../arch/errors.js";
import type { Granule } from "../arch/granule.js";
import { ACCESS_FETCH, ACCESS_WRITE } from "../engine/engine.js";
import type { Access } from "../engine/engine.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";
import type { CorePreset } from "./cores.js";
import { STATE_DIRTY, STATE_LEAF_SHIFT, STATE_LEVEL_SHIFT, STATE_PERMS_SHIFT, Tlb } from "./tlb.js";
import type { Tlbi } from "./tlbi.js";
import { WalkCache } from "./walk-cache.js";
import { newWalkResult, startAtRoot, walkPage } from "./walk.js";
import type { TranslationRegime, WalkResult } from "./walk.js";

export interface MmuOptions {
  readonly core: CorePreset;
  readonly memory: PhysicalMemory;
  readonly granule: Granule;
  /** Primary: set AF and clear AP[2] in memory where the hardware would. Exactly one MMU of a run does. */
  readonly updatesDescriptors: boolean;
  /** For the random replacement policy. */
  readonly seed: number;
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
  /** Estimate: fetches and L2 hits weighted with the preset's indicative latencies. */
  readonly walkCycles: number;
  readonly l2HitCycles: number;
  /** Walks of `walks` that were made only to mark a cached clean page dirty. */
  readonly updateWalks: number;
  readonly walkCacheHits: number;
  /** Descriptor updates by hardware, counted on every hierarchy, made in memory by the primary only. */
  readonly accessFlagUpdates: number;
  readonly dirtyUpdates: number;
}

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

  private readonly memory: PhysicalMemory;
  private readonly granule: Granule;
  private readonly updatesDescriptors: boolean;
  private readonly walkCache: WalkCache | undefined;
  private readonly result: WalkResult = newWalkResult();
  private regime: TranslationRegime | undefined;

  private l1iMisses = 0;
  private l1dMisses = 0;
  private l2Misses = 0;
  private walks = 0;
  private updateWalks = 0;
  private walkCacheHits = 0;
  private accessFlagUpdates = 0;
  private dirtyUpdates = 0;
  private readonly fetches = new Float64Array(4);

  constructor(options: MmuOptions) {
    const { core, granule, seed } = options;
    if (!core.granules.includes(granule.name)) throw new NotModelled(`${core.name} has no ${granule.name} granule (${core.granules.join(", ")})`);
    this.core = core;
    this.memory = options.memory;
    this.granule = granule;
    this.updatesDescriptors = options.updatesDescriptors;
    this.l1i = new Tlb(core.l1i, granule, seed);
    this.l1d = new Tlb(core.l1d, granule, seed + 1);
    const l2 = core.l2.map((spec, i) => ({ serves: spec.serves, tlb: new Tlb(spec, granule, seed + 2 + i) }));
    this.l2i = l2.filter(({ serves }) => serves !== "data").map(({ tlb }) => tlb);
    this.l2d = l2.filter(({ serves }) => serves !== "instruction").map(({ tlb }) => tlb);
    const structures = [this.l1i, this.l1d, ...l2.map(({ tlb }) => tlb)];
    const cache = core.walkCache;
    if (cache !== undefined) {
      let store: Tlb;
      if (cache.store === "l2") {
        const shared = l2[0];
        if (shared === undefined) throw new NotModelled(`${core.name}: the walk cache lies in an L2 TLB that the core does not have`);
        store = shared.tlb;
      } else {
        store = new Tlb({ ...cache, pageSizes: [granule.pageSize], contiguous: "ignored", splinter: "page", coalescedPages: 1 }, granule, seed + 100);
        structures.push(store);
      }
      this.walkCache = new WalkCache(store, granule, cache.reach);
    }
    this.structures = structures;
    for (const [name, tlbs] of [["l1i", [this.l1i]], ["l1d", [this.l1d]], ["l2", this.l2i], ["l2", this.l2d]] as const) {
      if (tlbs.length > 0 && tlbs.every((tlb) => tlb.orderFor(0, 0) < 0)) throw new NotModelled(`${core.name}: no ${name} entry holds a page of the ${granule.name} granule`);
    }
  }

  /** Tables, ASID and TCR controls of the accesses that follow. Entries of other ASIDs stay, unless the core cannot tell them apart. */
  setRegime(regime: TranslationRegime): void {
    if (regime.granule.name !== this.granule.name || regime.granule.vaBits !== this.granule.vaBits) {
      throw new ModelBug(`Mmu.setRegime: granule ${regime.granule.name}/${regime.granule.vaBits} on an MMU made for ${this.granule.name}/${this.granule.vaBits}`);
    }
    if (regime.ttbr0 >= this.memory.bytes) throw new ModelBug(`Mmu.setRegime: table at ${hex(regime.ttbr0)} lies outside RAM`);
    const before = this.regime?.asid;
    this.regime = regime;
    if (before === regime.asid) return;
    for (const tlb of this.structures) {
      if (this.core.flushOnAsidChange) tlb.invalidateAll();
      tlb.setAsid(regime.asid);
    }
  }

  /** The engine's TraceSink: `count` pairs (page number 31:0; page number 35:32 << 2 | Access). */
  consume(words: Uint32Array, count: number): void {
    const { l1i, l1d } = this;
    for (let i = 0; i < count * 2; i += 2) {
      const lo = words[i]! | 0;
      const hi = words[i + 1]!;
      const access = hi & 3;
      if (access === ACCESS_FETCH) {
        if (l1i.lookup(lo, hi >>> 2) < 0) this.missInstruction(lo, hi >>> 2);
        continue;
      }
      const slot = l1d.lookup(lo, hi >>> 2);
      if (slot < 0) this.missData(lo, hi >>> 2, access as Access);
      else if (access === ACCESS_WRITE && (l1d.state[slot]! & STATE_DIRTY) === 0) this.writeToClean(slot, lo, hi >>> 2);
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
    const [l0, l1, l2, l3] = this.fetches as unknown as [number, number, number, number];
    const l1Misses = this.l1iMisses + this.l1dMisses;
    const l2Accesses = this.l2d.length === 0 ? 0 : l1Misses;
    const l2Misses = this.l2d.length === 0 ? 0 : this.l2Misses;
    return {
      l1i: { accesses: counts.instructions, misses: this.l1iMisses },
      l1d: { accesses: counts.loads + counts.stores, misses: this.l1dMisses },
      l2: { accesses: l2Accesses, misses: l2Misses },
      walks: this.walks,
      descriptorFetches: { l0, l1, l2, l3 },
      walkCycles: (l0 + l1 + l2 + l3) * this.core.latencies.descriptorFetch,
      l2HitCycles: (l2Accesses - l2Misses) * this.core.latencies.l2Hit,
      updateWalks: this.updateWalks,
      walkCacheHits: this.walkCacheHits,
      accessFlagUpdates: this.accessFlagUpdates,
      dirtyUpdates: this.dirtyUpdates,
    };
  }

  private missInstruction(lo: number, hi: number): void {
    this.l1iMisses++;
    this.miss(this.l1i, this.l2i, lo, hi, ACCESS_FETCH);
  }

  private missData(lo: number, hi: number, access: Access): void {
    this.l1dMisses++;
    this.miss(this.l1d, this.l2d, lo, hi, access);
  }

  private miss(l1: Tlb, l2s: readonly Tlb[], lo: number, hi: number, access: Access): void {
    for (let i = 0; i < l2s.length; i++) {
      const l2 = l2s[i]!;
      const slot = l2.lookup(lo, hi);
      if (slot < 0) continue;
      if (access === ACCESS_WRITE && (l2.state[slot]! & STATE_DIRTY) === 0) {
        this.updateWalk(lo, hi);
        fillUnit(l1, lo, hi, l2.orderOf(slot), l2, slot, STATE_DIRTY, 0);
        markDirty(l2, slot, lo, hi);
      } else {
        const pages = l1.coalescedOrder !== 0 && l1.coalescedOrder === l2.coalescedOrder ? l2.coalescedPagesOf(slot) : 0;
        fillUnit(l1, lo, hi, l2.orderOf(slot), l2, slot, 0, pages);
      }
      return;
    }
    this.l2Misses++;
    this.walk(lo, hi, access);
    const { result } = this;
    const state =
      (result.dirty ? STATE_DIRTY : 0) | (result.level << STATE_LEVEL_SHIFT) | (result.leafOrder << STATE_LEAF_SHIFT) | (result.perms << STATE_PERMS_SHIFT);
    const l2 = roomiest(l2s, result.unitOrder, result.leafOrder);
    if (l2 !== undefined) l2.fill(lo, hi, result.global, result.unitOrder, state, result.frame, this.neighbours(l2, lo));
    l1.fill(lo, hi, result.global, result.unitOrder, state, result.frame, this.neighbours(l1, lo));
  }

  /** A write hits an L1 entry that was cached clean: another structure may know it dirty, else the walker marks the descriptor. */
  private writeToClean(slot: number, lo: number, hi: number): void {
    let walked = false;
    let known: Tlb | undefined;
    let knownSlot = -1;
    for (const l2 of this.l2d) {
      knownSlot = l2.lookup(lo, hi);
      if (knownSlot < 0) continue;
      known = l2;
      break;
    }
    if (known === undefined || (known.state[knownSlot]! & STATE_DIRTY) === 0) {
      this.updateWalk(lo, hi);
      walked = true;
    }
    markDirty(this.l1d, slot, lo, hi);
    if (walked && known !== undefined) markDirty(known, knownSlot, lo, hi);
  }

  private updateWalk(lo: number, hi: number): void {
    this.updateWalks++;
    this.walk(lo, hi, ACCESS_WRITE);
  }

  /** One table walk of the studied MMU, beginning where the walk cache allows. */
  private walk(lo: number, hi: number, access: Access): void {
    const { regime, result, walkCache, fetches } = this;
    if (regime === undefined) throw new ModelBug("Mmu.walk: an access before the first setRegime");
    if (walkCache !== undefined && walkCache.find(lo, hi, result)) this.walkCacheHits++;
    else startAtRoot(regime, result);
    walkPage(this.memory, regime, lo, hi, access, this.updatesDescriptors, result);
    this.walks++;
    for (let level = result.firstLevel; level <= result.level; level++) fetches[level] = fetches[level]! + 1;
    if (result.fault !== "none") {
      const page = (lo >>> 0) + hi * 2 ** 32;
      throw new ModelBug(
        `Mmu.walk: ${result.fault} fault at level ${result.level} on a traced access (${access}) to page ${hex(page)} of ASID ${regime.asid} in ${this.core.name}: tables changed before the trace was drained, or a table was freed without TLBI`,
      );
    }
    if (result.setAf) this.accessFlagUpdates++;
    if (result.setDirty) this.dirtyUpdates++;
    if (walkCache !== undefined) walkCache.fill(lo, hi, result);
  }

  /**
   * Valid bits of a coalesced entry for the page just walked: neighbours in its aligned group, in the same cache line of
   * the table, that continue its output addresses with equal attributes and are accessed. 0 if it stands alone or `tlb` does not coalesce.
   */
  private neighbours(tlb: Tlb, lo: number): number {
    const order = tlb.coalescedOrder;
    const { result } = this;
    if (order === 0 || result.level !== 3 || result.contiguous) return 0;
    const { u32 } = this.memory;
    const nr = 1 << order;
    const own = lo & (nr - 1);
    const firstFrame = result.frame - own;
    if (firstFrame % nr !== 0) return 0;
    const first = result.descriptorIndex - own;
    let pages = 0;
    for (let page = 0; page < nr; page++) {
      const neighbourLo = u32[(first + page) * 2]!;
      const neighbourHi = u32[(first + page) * 2 + 1]!;
      const same = ((neighbourLo ^ result.lo) & COALESCE_LO) === 0 && ((neighbourHi ^ result.hi) & COALESCE_HI) === 0;
      if (page === own || (same && frameOfWords(neighbourLo, neighbourHi, this.granule.pageShift) === firstFrame + page)) pages |= 1 << page;
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

/** Fill `l1` with what `slot` of `l2` knows of the page; `extra` is added to the state. */
function fillUnit(l1: Tlb, lo: number, hi: number, order: number, l2: Tlb, slot: number, extra: number, pages: number): void {
  l1.fill(lo, hi, l2.isGlobal(slot), order, l2.state[slot]! | extra, l2.frameFor(slot, lo), pages);
}

/** A write has been recorded in the descriptor of this page. A coalesced entry has one dirty state for its group, so the page leaves it. */
function markDirty(tlb: Tlb, slot: number, lo: number, hi: number): void {
  if (tlb.coalescedPagesOf(slot) === 0) {
    tlb.state[slot] = tlb.state[slot]! | STATE_DIRTY;
    return;
  }
  const state = tlb.state[slot]! | STATE_DIRTY;
  const frame = tlb.frameFor(slot, lo);
  const global = tlb.isGlobal(slot);
  tlb.dropCoalescedPage(slot, lo);
  tlb.fill(lo, hi, global, 0, state, frame, 0);
}
