/**
 * Why a TLB structure misses: cold, invalidated, conflict or capacity. README.md has the definitions.
 *
 * Beside the structure runs its shadow: a fully associative LRU with as many entries, which sees the same lookups and the same
 * maintenance. What the shadow still has, the structure lost to its sets or its policy; what neither has although it was cached, and
 * maintenance did not take, went for want of room.
 *
 * Hill and Smith, "Evaluating Associativity in CPU Caches" (1989): compulsory, capacity and conflict misses. A fourth is what
 * multiprocessors call coherence misses; in a TLB they come from maintenance.
 */
import type { Asid } from "../arch/addr.js";
import type { Granule } from "../arch/granule.js";
import { RECORD_HELD } from "../engine/engine.js";
import { Arena } from "./tlb-cells.js";
import { pin, unpin } from "./tlb-place.js";
import { exactFilterPages } from "./tlb-policy.js";
import { Tlb } from "./tlb.js";
import type { TlbSpec } from "./tlb.js";
import type { Tlbi } from "./tlbi.js";
import { isByAddress } from "./tlbi.js";

export const MISS_CAUSES = ["cold", "capacity", "conflict", "invalidated"] as const;
export type MissCause = (typeof MISS_CAUSES)[number];

/** What takes entries away: one operation, or everything at once, as on cores whose maintenance or change of ASID empties a structure. */
export type Maintenance = Tlbi | "everything";

/** Pages of an operation that are looked up one by one; for more the entries are listed. */
const FEW_PAGES = 64;
/** Page numbers lie below (48-bit addresses, 4K pages). */
const PAGES = 2 ** 36;

/** The last time that something happened to units, aligned groups of 2^order pages of an address space. */
class UnitTimes {
  private readonly byOrder: (Map<number, number> | undefined)[] = [];

  set(space: number, page: number, order: number, time: number): void {
    const times = (this.byOrder[order] ??= new Map<number, number>());
    times.set(space * PAGES + Math.floor(page / 2 ** order), time);
  }

  /** To any unit that covers the page; 0: never. */
  last(space: number, page: number): number {
    let last = 0;
    this.byOrder.forEach((times, order) => {
      last = Math.max(last, times?.get(space * PAGES + Math.floor(page / 2 ** order)) ?? 0);
    });
    return last;
  }
}

/** A translation that a structure or its shadow had before maintenance. */
interface Present {
  readonly tlb: Tlb;
  readonly space: number;
  readonly page: number;
  readonly order: number;
  /** Identifies the entry where entries are listed; 0 where pages are looked up. */
  readonly key: number;
}

export class MissCauses {
  private readonly shadow: Tlb;
  private readonly arena: Arena;
  /** By number of a page that the trace filter holds: the entry of the shadow that it pins; -1. */
  private readonly pinned = new Int32Array(RECORD_HELD + 1).fill(-1);
  /** Counts misses and maintenance, from 1. */
  private time = 0;
  private readonly filled = new UnitTimes();
  private readonly removed = new UnitTimes();
  /** Address spaces by ASID. Their numbers are never reused, while an ASID may come back with other tables. */
  private readonly spaces = new Map<Asid, { readonly space: number; readonly ttbr0: number }>();
  private nrSpaces = 0;
  private space = 0;
  private asid = 0 as Asid;
  private present: Present[] = [];
  /** Whether the trace filter may hold more than one page before the structure. */
  private readonly pins: boolean;

  /** `spec`: what `structure` was made from. */
  constructor(
    private readonly structure: Tlb,
    spec: TlbSpec,
    private readonly granule: Granule,
  ) {
    this.arena = new Arena(Tlb.cellsOf(spec), 1, structure.index);
    this.shadow = new Tlb({ ...spec, ways: "full", policy: "lru" }, granule, 0, this.arena);
    this.pins = exactFilterPages(spec) > 1;
  }

  /** The ASID of later touches and its tables; the structure knows it already. */
  setAddressSpace(asid: Asid, ttbr0: number): void {
    let known = this.spaces.get(asid);
    if (known?.ttbr0 !== ttbr0) {
      known = { space: this.nrSpaces++, ttbr0 };
      this.spaces.set(asid, known);
    }
    this.space = known.space;
    this.asid = asid;
    this.shadow.setAsid(asid);
  }

  /** From now on the trace filter holds the page under this number. Pre: it has just been touched. */
  hold(held: number, pageUnit: number): void {
    if (!this.pins) return;
    const entry = this.shadow.peek(pageUnit);
    this.pinned[held] = entry;
    pin(this.arena, this.arena.cells, this.shadow.header, entry);
  }

  /** The page that it held under this number has left. */
  leave(held: number): void {
    const entry = this.pinned[held]!;
    if (entry < 0) return;
    this.pinned[held] = -1;
    unpin(this.arena, this.arena.cells, this.shadow.header, entry);
  }

  /** The structure was looked up for a page and, on a miss, filled. Returns why it missed, undefined for a hit. */
  touched(pageUnit: number, missed: boolean): MissCause | undefined {
    const { shadow, structure } = this;
    const inShadow = shadow.lookup(pageUnit) >= 0;
    if (inShadow && !missed) return undefined;
    const entry = structure.peek(pageUnit);
    if (!inShadow && entry >= 0) shadow.fillFrom(structure, entry, pageUnit);
    if (!missed) return undefined;
    const page = structure.index.pageNumber(pageUnit);
    const cause = this.causeOf(page, inShadow);
    this.time++;
    if (entry >= 0) this.noteFill(entry, page);
    return cause;
  }

  private causeOf(page: number, inShadow: boolean): MissCause {
    const filled = this.filled.last(this.space, page);
    if (filled === 0) return "cold";
    if (this.removed.last(this.space, page) > filled) return "invalidated";
    return inShadow ? "conflict" : "capacity";
  }

  private noteFill(entry: number, page: number): void {
    const pages = this.structure.coalescedPagesOf(entry);
    if (pages === 0) {
      this.filled.set(this.space, page, this.structure.orderOf(entry), this.time);
      return;
    }
    const first = page - (page % 2 ** this.structure.coalescedOrder);
    for (let i = 0; pages >>> i !== 0; i++) if (((pages >>> i) & 1) !== 0) this.filled.set(this.space, first + i, 0, this.time);
  }

  /** Maintenance is about to be carried out in the structure. `afterMaintenance` must follow. */
  beforeMaintenance(what: Maintenance): void {
    const { structure, shadow } = this;
    this.present = this.looksUpPages(what) ? [...this.pagesOf(structure, what), ...this.pagesOf(shadow, what)] : [...this.entriesOf(structure), ...this.entriesOf(shadow)];
  }

  /** The structure has been maintained: the shadow is too, and what went is remembered. */
  afterMaintenance(what: Maintenance): void {
    const { structure, shadow, present } = this;
    if (what === "everything") shadow.invalidateAll();
    else shadow.tlbi(what);
    this.time++;
    this.present = [];
    if (this.looksUpPages(what)) {
      for (const { tlb, space, page, order } of present) if (peekPage(tlb, page) < 0) this.removed.set(space, page, order, this.time);
      return;
    }
    const left = new Map([structure, shadow].map((tlb) => [tlb, new Set([...this.entriesOf(tlb)].map(({ key }) => key))]));
    for (const { tlb, space, page, order, key } of present) if (left.get(tlb)?.has(key) !== true) this.removed.set(space, page, order, this.time);
  }

  private looksUpPages(what: Maintenance): what is Tlbi {
    return what !== "everything" && isByAddress(what.op) && what.asid === this.asid && what.end - what.start <= FEW_PAGES * this.granule.pageSize;
  }

  /** The translations of the pages that an operation names. */
  private *pagesOf(tlb: Tlb, { start, end }: Tlbi): Generator<Present> {
    const { space, granule } = this;
    for (let page = Math.floor(start / granule.pageSize); page * granule.pageSize < end; page++) {
      const entry = peekPage(tlb, page);
      if (entry >= 0) yield { tlb, space, page, order: tlb.orderOf(entry), key: 0 };
    }
  }

  /** All translations, as far as their address spaces have run. */
  private *entriesOf(tlb: Tlb): Generator<Present> {
    const { pageSize } = this.granule;
    for (const { asid, start, end, table } of tlb) {
      const known = this.spaces.get(asid);
      if (!table && known !== undefined) yield { tlb, space: known.space, page: start / pageSize, order: Math.log2((end - start) / pageSize), key: asid * 2 ** 36 + start / pageSize };
    }
  }
}

function peekPage(tlb: Tlb, page: number): number {
  const hi = Math.floor(page / 2 ** 32);
  return tlb.peek(tlb.page((page - hi * 2 ** 32) | 0, hi));
}
