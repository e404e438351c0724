/**
 * The cells that TLB structures lie in: one typed array, the arena, holds all structures of an MMU (tlb-layout.ts says where what is).
 *
 * Every further typed array would cost the loads of its base and length, and in one array the fast path (tlb-fast.ts) is one body of
 * code with a structure's header offset as its variable.
 */
import { ModelBug } from "../arch/errors.js";
import * as layout from "./tlb-layout.js";
import { UnitIndex } from "./unit-index.js";
import type { UnitClient } from "./unit-index.js";

const { H_PROBES, H_END_PROBE, CLASS_ORDER, CLASS_GLOBAL, CLASS_COALESCED, CLASS_TABLE, CLASSES, MADE_BY_LEAF, MADE_NOT, PROBE_SHIFT,
  PROBE_CLASS, PROBE_COLUMN, PROBE_PAGES } = layout;

/** What a structure does when its arena asks. */
export interface ArenaMember {
  /** Write the entries held into `at` anew. Tags by block of their old units: `tagLo`, `tagHi`. */
  reenter(tagLo: Int32Array, tagHi: Int32Array): void;
  /** Make time stamps small, keeping their order. */
  rewind(): void;
}

/** Time after which stamps are made small. What a TLB is given at once is far less than what is left up to 2^31. */
const LATE = 2 ** 30;
/** More than any structure leaves as a stamp when it rewinds. */
const EARLY = 1024;

/** The cells that structures share, and where each of them holds which unit. */
export class Arena implements UnitClient {
  readonly cells: Int32Array;
  /** Index of the clock: time stamps of uses. */
  readonly clock: number;
  /** By number of a unit << columnShift | column of a structure: which of its entries holds the unit, from 0; -1 for none. */
  at: Int16Array;
  /** One word: where `at` lies, for code that works on it (consume-code.ts). */
  readonly place: Int32Array;
  readonly columnShift: number;
  private used = 0;
  private columns = 0;
  private readonly members: ArenaMember[] = [];

  /** `columns`: structures that the arena is for. `index`: may be shared with other arenas. */
  constructor(
    cells: number,
    columns: number,
    readonly index: UnitIndex = new UnitIndex(),
  ) {
    this.cells = index.storage.int32(cells + 16);
    this.place = index.storage.int32(1);
    this.at = index.storage.int16(0);
    this.clock = this.take(1);
    this.columnShift = 32 - Math.clz32(columns - 1);
    index.register(this);
  }

  /** Index of `cells` zeroed cells, a multiple of 16. */
  take(cells: number): number {
    const at = this.used;
    this.used += (cells + 15) & ~15;
    if (this.used > this.cells.length) throw new ModelBug(`Arena.take: ${cells} cells at ${at} of ${this.cells.length}`);
    return at;
  }

  /** A column for a structure. */
  takeColumn(member: ArenaMember): number {
    if (this.columns >> this.columnShift !== 0) throw new ModelBug(`Arena.takeColumn: more than ${this.columns}`);
    this.members.push(member);
    return this.columns++;
  }

  /** The clock must not run over. To be called before many uses. */
  rewindClock(): void {
    if (this.cells[this.clock]! < LATE) return;
    for (const member of this.members) member.rewind();
    this.cells[this.clock] = EARLY;
  }

  grow(bits: number): void {
    const before = this.at;
    this.at = this.index.storage.int16(1 << (bits + this.columnShift)).fill(-1, before.length);
    this.at.set(before);
    this.place[0] = this.at.byteOffset;
  }

  renumber(tagLo: Int32Array, tagHi: Int32Array): void {
    this.at.fill(-1);
    for (const member of this.members) member.reenter(tagLo, tagHi);
  }
}

/**
 * By order of a translation, the order of the entry that a structure makes of it: the largest of its page sizes (bytes) that is not
 * larger; always the granule's page if `pageWise`. -1 where every size held is larger.
 */
export function entryOrders(pageSizes: readonly number[], pageWise: boolean, granulePageSize: number): Int8Array {
  const held = pageSizes.filter((bytes) => bytes >= granulePageSize).map((bytes) => Math.log2(bytes / granulePageSize));
  const usable = pageWise ? held.filter((order) => order === 0) : held;
  return Int8Array.from({ length: 32 }, (_, order) => Math.max(-1, ...usable.filter((heldOrder) => heldOrder <= order)));
}

/** The order of the entry that a structure makes of a translation whose descriptor maps 2^leafOrder pages and whose run 2^unitOrder; -1 if none is small enough. `orders`: entryOrders. */
export function orderMade(orders: Int8Array, wholeRuns: boolean, unitOrder: number, leafOrder: number): number {
  return orders[wholeRuns ? unitOrder : Math.min(unitOrder, leafOrder)]!;
}

/**
 * By class of an entry of the next level, the class of the entry that a structure makes of it; MADE_* where it is none, or depends on the size of the
 * descriptor. `wholeRuns`: a contiguous run may become one entry.
 */
export function classesMade(orders: Int8Array, wholeRuns: boolean, coalescedOrder: number): Int32Array {
  return Int32Array.from({ length: CLASSES }, (_, kind) => {
    const order = kind & CLASS_ORDER;
    const coalesced = (kind & CLASS_COALESCED) !== 0;
    if ((kind & CLASS_TABLE) !== 0 || (coalesced && order === coalescedOrder)) return MADE_NOT;
    if (!coalesced && order > 0 && !wholeRuns) return MADE_BY_LEAF;
    const made = orders[coalesced ? 0 : order]!;
    return made < 0 ? MADE_NOT : (kind & CLASS_GLOBAL) | made;
  });
}

const PROBE_CELLS = 1 << PROBE_SHIFT;

/** Let lookups in structure `h` probe this class too, which has this column in the index; probes stand in ascending order of the class. */
export function addProbe(cells: Int32Array, h: number, kind: number, column: number): void {
  let probe = cells[h | H_END_PROBE]!;
  cells[h | H_END_PROBE] = probe + PROBE_CELLS;
  for (; probe > cells[h | H_PROBES]! && cells[(probe - PROBE_CELLS) | PROBE_CLASS]! > kind; probe -= PROBE_CELLS) cells.copyWithin(probe, probe - PROBE_CELLS, probe);
  cells[probe | PROBE_CLASS] = kind;
  cells[probe | PROBE_COLUMN] = column;
  cells[probe | PROBE_PAGES] = (kind & CLASS_COALESCED) !== 0 ? (1 << (kind & CLASS_ORDER)) - 1 : 0;
}

/** Let lookups in structure `h` no longer probe this class. Pre: they do. */
export function removeProbe(cells: Int32Array, h: number, kind: number): void {
  let probe = cells[h | H_PROBES]!;
  while (cells[probe | PROBE_CLASS] !== kind) probe += PROBE_CELLS;
  const end = cells[h | H_END_PROBE]!;
  cells.copyWithin(probe, probe + PROBE_CELLS, end);
  cells[h | H_END_PROBE] = end - PROBE_CELLS;
}
