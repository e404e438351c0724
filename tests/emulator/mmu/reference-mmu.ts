/**
 * An MMU over reference structures and a list of mappings instead of page tables: no descriptor is decoded here, so neither the
 * walker nor the fast path of the real one can hide a mistake.
 */
import type { CorePreset } from "../../../emulator/mmu/cores.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";
import { ReferenceTlb } from "./reference-tlb.js";
import type { RefEntry } from "./reference-tlb.js";

/** One leaf descriptor of one address space, in the terms of the test. */
export interface Mapping {
  firstPage: number;
  leafOrder: number;
  /** Order of the contiguous run, or leafOrder. */
  unitOrder: number;
  level: number;
  frame: number;
  global: boolean;
  af: boolean;
  /** AP[2]. */
  readOnly: boolean;
  dbm: boolean;
}

export interface AddressSpace {
  readonly asid: number;
  /** By page: every page of a block maps to its block. */
  readonly pages: Map<number, Mapping>;
}

const R = 1;
const W = 2;
/** UXN is clear in the descriptors of the test. */
const X = 4;

export class ReferenceMmu {
  readonly l1i: ReferenceTlb;
  readonly l1d: ReferenceTlb;
  readonly l2: ReferenceTlb[];
  readonly walkStore: ReferenceTlb | undefined;
  readonly counts = { l1i: 0, l1d: 0, l2: 0, walks: 0, updateWalks: 0, walkCacheHits: 0, fetches: [0, 0, 0, 0], af: 0, dirty: 0 };
  private space: AddressSpace | undefined;

  constructor(
    private readonly core: CorePreset,
    pageSize: number,
    /** By level: order of what one descriptor covers; undefined above the start level. */
    private readonly tableOrders: readonly (number | undefined)[],
    seed: number,
  ) {
    let next = seed;
    this.l1i = new ReferenceTlb(core.l1i, pageSize, next++);
    this.l1d = new ReferenceTlb(core.l1d, pageSize, next++);
    this.l2 = core.l2.map((spec) => new ReferenceTlb(spec, pageSize, next++));
    const cache = core.walkCache;
    if (cache?.store === "l2") this.walkStore = this.l2[0];
    if (cache?.store === "own") this.walkStore = new ReferenceTlb({ ...cache, pageSizes: [pageSize], contiguous: "ignored", splinter: "page", coalescedPages: 1 }, pageSize, next++);
  }

  structures(): ReferenceTlb[] {
    const own = this.core.walkCache?.store === "own" ? [this.walkStore!] : [];
    return [this.l1i, this.l1d, ...this.l2, ...own];
  }

  setSpace(space: AddressSpace): void {
    if (this.core.flushOnAsidChange && this.space !== undefined && this.space.asid !== space.asid) for (const tlb of this.structures()) tlb.remove(() => true);
    this.space = space;
    for (const tlb of this.structures()) tlb.asid = space.asid;
  }

  tlbi(operation: Tlbi): void {
    for (const tlb of this.structures()) tlb.tlbi(operation);
    if (this.core.maintenanceFlushesL1) for (const tlb of [this.l1i, this.l1d]) tlb.remove(() => true);
  }

  access(page: number, kind: 0 | 1 | 2): void {
    const l1 = kind === 0 ? this.l1i : this.l1d;
    const l2s = this.l2.filter((_, i) => this.core.l2[i]!.serves === "both" || this.core.l2[i]!.serves === (kind === 0 ? "instruction" : "data"));
    const write = kind === 2;
    const hit = l1.lookup(page);
    if (hit !== undefined) {
      if (!write || hit.dirty) return;
      const known = first(l2s, (l2) => l2.lookup(page));
      if (known === undefined || !known.entry.dirty) {
        this.updateWalk(page);
        if (known !== undefined) markDirty(known.tlb, known.entry, page);
      }
      markDirty(l1, hit, page);
      return;
    }
    if (kind === 0) this.counts.l1i++;
    else this.counts.l1d++;
    const known = first(l2s, (l2) => l2.lookup(page));
    if (known !== undefined) {
      const { tlb, entry } = known;
      const stale = write && !entry.dirty;
      if (stale) this.updateWalk(page);
      const offset = page - entry.unit * 2 ** entry.order;
      const asOne = entry.kind === "coalesced";
      this.fill(l1, page, {
        ...entry,
        dirty: entry.dirty || stale,
        frame: entry.frame + offset,
        pages: asOne && l1.spec.coalescedPages === tlb.spec.coalescedPages && !stale ? new Set(entry.pages) : new Set(),
        order: asOne ? 0 : entry.order,
      });
      if (stale) markDirty(tlb, entry, page);
      return;
    }
    this.counts.l2++;
    const mapping = this.walk(page, write);
    const walked: RefEntry = {
      kind: "page",
      asid: this.space!.asid,
      global: mapping.global,
      order: mapping.unitOrder,
      unit: 0,
      level: mapping.level,
      leafOrder: mapping.leafOrder,
      frame: mapping.frame + (page - mapping.firstPage),
      dirty: !mapping.readOnly,
      perms: mapping.readOnly && !mapping.dbm ? R | X : R | W | X,
      pages: new Set(),
    };
    const orders = l2s.map((l2) => l2.orderFor(mapping.unitOrder, mapping.leafOrder));
    const roomiest = l2s[orders.indexOf(Math.max(...orders))];
    if (roomiest !== undefined) this.fill(roomiest, page, { ...walked, pages: this.group(roomiest, page, mapping) });
    this.fill(l1, page, { ...walked, pages: this.group(l1, page, mapping) });
  }

  /** Neighbours that a coalesced entry takes in besides the page; empty if there are none. */
  private group(tlb: ReferenceTlb, page: number, mapping: Mapping): Set<number> {
    const nr = tlb.spec.coalescedPages;
    const start = Math.floor(page / nr) * nr;
    const pages = new Set<number>();
    if (nr === 1 || mapping.level !== 3 || mapping.unitOrder !== 0 || (mapping.frame - (page - start)) % nr !== 0) return pages;
    for (let other = start; other < start + nr; other++) {
      const near = this.space!.pages.get(other);
      if (near === undefined || near.level !== 3 || near.unitOrder !== 0) continue;
      const same = near.af === mapping.af && near.readOnly === mapping.readOnly && near.dbm === mapping.dbm && near.global === mapping.global;
      if (same && near.frame - mapping.frame === other - page) pages.add(other);
    }
    return pages.size > 1 ? pages : new Set();
  }

  /** `entry`: the translation of the page, `order` its largest unit, `frame` this page's. */
  private fill(tlb: ReferenceTlb, page: number, entry: RefEntry): void {
    if (entry.pages.size > 0) {
      const order = Math.log2(tlb.spec.coalescedPages);
      const unit = Math.floor(page / 2 ** order);
      tlb.remove((other) => other.kind === "page" && other.order === 0 && other.global === entry.global && (entry.global || other.asid === this.space!.asid) && entry.pages.has(other.unit));
      tlb.insert({ ...entry, kind: "coalesced", asid: this.space!.asid, order, unit, frame: entry.frame - (page - unit * 2 ** order) });
      return;
    }
    const order = tlb.orderFor(entry.order, entry.leafOrder);
    const unit = Math.floor(page / 2 ** order);
    tlb.insert({ ...entry, kind: "page", asid: this.space!.asid, order, unit, frame: entry.frame - (page - unit * 2 ** order), pages: new Set() });
  }

  private updateWalk(page: number): void {
    this.counts.updateWalks++;
    this.walk(page, true);
  }

  private walk(page: number, write: boolean): Mapping {
    const mapping = this.space!.pages.get(page)!;
    this.counts.walks++;
    let start = this.tableOrders.findIndex((order) => order !== undefined);
    const reach = this.core.walkCache?.reach === "all-tables" ? 0 : 2;
    const cached = [2, 1, 0].filter((level) => level >= reach && this.tableOrders[level] !== undefined && this.tableOrders[level]! < 32);
    if (this.walkStore !== undefined) {
      for (const level of cached) {
        if (this.walkStore.findTable(page, this.tableOrders[level]!) === undefined) continue;
        start = level + 1;
        this.counts.walkCacheHits++;
        break;
      }
    }
    for (let level = start; level <= mapping.level; level++) this.counts.fetches[level]!++;
    if (!mapping.af) {
      mapping.af = true;
      this.counts.af++;
    }
    if (write && mapping.readOnly) {
      mapping.readOnly = false;
      this.counts.dirty++;
    }
    if (this.walkStore !== undefined) {
      for (const level of cached) {
        if (level < start || level >= mapping.level) continue;
        const order = this.tableOrders[level]!;
        this.walkStore.insert({ kind: "table", asid: this.space!.asid, global: false, order, unit: Math.floor(page / 2 ** order), level, leafOrder: 0, frame: 0, dirty: false, perms: 0, pages: new Set() });
      }
    }
    return mapping;
  }
}

function first(tlbs: readonly ReferenceTlb[], find: (tlb: ReferenceTlb) => RefEntry | undefined): { tlb: ReferenceTlb; entry: RefEntry } | undefined {
  for (const tlb of tlbs) {
    const entry = find(tlb);
    if (entry !== undefined) return { tlb, entry };
  }
  return undefined;
}

/** Nothing is left to mark where the walk, keeping its table descriptor in the same structure, has pushed the entry out. */
function markDirty(tlb: ReferenceTlb, entry: RefEntry, page: number): void {
  if (!tlb.sets.flat().includes(entry)) return;
  if (entry.kind !== "coalesced") {
    entry.dirty = true;
    return;
  }
  const offset = page - entry.unit * 2 ** entry.order;
  tlb.dropPage(entry, page);
  const order = tlb.orderFor(0, 0);
  tlb.insert({ ...entry, kind: "page", dirty: true, order, unit: page, frame: entry.frame + offset, pages: new Set() });
}
