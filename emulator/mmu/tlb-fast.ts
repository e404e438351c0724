/**
 * The fast path of an MMU: trace records that only change the order of replacement, or make an entry of a full L1 from one of an L2.
 *
 * It is what `Tlb.lookup` and `Tlb.fillFrom` do, written out over the cells, because nearly every record of a run is of this kind. The
 * commonest of all, a plain L2 of few ways that answers for a fully associative L1, stands in the loop itself: a call would cost as much
 * as the work.
 */
import type { Arena } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";

const { H_COLUMN, H_SET_MASK, H_NEWEST, H_PROBES, H_END_PROBE, H_ORDER, H_DIFFERS, H_FIRST_ENTRY, H_WAYS, H_COUNTS, H_MAKES, ORDER_FIFO,
  ORDER_RING, ORDER_STAMPS, ENTRY_SHIFT, STATE, FRAME, AT, STAMP, OLDER, NEWER, STATE_VALID, STATE_DIRTY, STATE_LEAF_SHIFT,
  STATE_PAGES_SHIFT, STATE_PAGES, STATE_CLASS_SHIFT, STATE_CLASS, CLASS_ORDER, CLASS_GLOBAL, MADE_BY_LEAF, BLOCK_SHIFT, BLOCK_UNITS,
  PROBE_SHIFT, PROBE_CLASS, PROBE_COLUMN, PROBE_PAGES } = layout;

/** One side, instruction or data: headers and facts that never change. */
export interface FastSide {
  readonly l1: number;
  /** `entryOrder` of the L1. */
  readonly l1Orders: Int8Array;
  /** L2 structures that serve the side, in the order of lookup. */
  readonly l2: readonly number[];
}

/** What `consumeFast` needs to know of an MMU, gathered once. Every structure keeps its order of replacement in the cells. */
export interface FastPath {
  readonly arena: Arena;
  readonly instruction: FastSide;
  readonly data: FastSide;
  /** Misses that were served, by side: [0] instruction, [1] data. Added to. */
  readonly misses: Float64Array;
  /** Set at return: 1 if the record returned misses L1 and L2, so that a walk is due. */
  walkDue: number;
}

/** The number of a unit is not known yet. */
const UNKNOWN = -2;

/** Among the entries of structure `h` that are not plain pages, the one that translates `page`; -1 for none, or UNKNOWN. */
function findLarger(arena: Arena, cells: Int32Array, h: number, page: number): number {
  const { at, columnShift } = arena;
  const { unitOf, capacityBits } = arena.index;
  const end = cells[h | H_END_PROBE]!;
  for (let probe = cells[h | H_PROBES]!; probe < end; probe = (probe + (1 << PROBE_SHIFT)) | 0) {
    const first = unitOf[(cells[probe | PROBE_COLUMN]! << capacityBits) | (page >> BLOCK_SHIFT)]!;
    if (first === 0) return UNKNOWN;
    // The low five bits of a class are its order, and a shift takes no more.
    const unit = (first + ((page & (BLOCK_UNITS - 1)) >>> cells[probe | PROBE_CLASS]!)) | 0;
    const slot = at[(unit << columnShift) | cells[h | H_COLUMN]!]!;
    if (slot < 0) continue;
    const entry = (cells[h | H_FIRST_ENTRY]! + (slot << ENTRY_SHIFT)) | 0;
    const pages = cells[probe | PROBE_PAGES]!;
    if (pages === 0 || ((cells[entry | STATE]! >>> (STATE_PAGES_SHIFT + (page & pages))) & 1) !== 0) return entry;
  }
  return -1;
}

/** The entry of structure `h` that translates `page`; -1 for none, or UNKNOWN. */
function findEntry(arena: Arena, cells: Int32Array, h: number, page: number): number {
  const plain = arena.at[(page << arena.columnShift) | cells[h | H_COLUMN]!]!;
  return plain >= 0 ? (cells[h | H_FIRST_ENTRY]! + (plain << ENTRY_SHIFT)) | 0 : findLarger(arena, cells, h, page);
}

/** Make `entry` the newest of the ring whose newest cell is at `at`. */
function turnRing(cells: Int32Array, at: number, entry: number): void {
  const newest = cells[at]!;
  if (newest === entry) return;
  const oldest = cells[newest | NEWER]!;
  if (oldest !== entry) {
    const older = cells[entry | OLDER]!;
    const newer = cells[entry | NEWER]!;
    cells[newer | OLDER] = older;
    cells[older | NEWER] = newer;
    cells[entry | OLDER] = newest;
    cells[entry | NEWER] = oldest;
    cells[newest | NEWER] = entry;
    cells[oldest | OLDER] = entry;
  }
  cells[at] = entry;
}

function setOf(arena: Arena, cells: Int32Array, h: number, unit: number): number {
  return (arena.index.tagLo[unit >> BLOCK_SHIFT]! | (unit & (BLOCK_UNITS - 1))) & cells[h | H_SET_MASK]!;
}

function stamp(arena: Arena, cells: Int32Array, entry: number): void {
  const now = (cells[arena.clock]! + 1) | 0;
  cells[arena.clock] = now;
  cells[entry | STAMP] = now;
}

/** A hit: make the entry the newest of its set. */
function refresh(arena: Arena, cells: Int32Array, h: number, entry: number): void {
  const order = cells[h | H_ORDER]!;
  if (order === ORDER_STAMPS) stamp(arena, cells, entry);
  else if (order !== ORDER_FIFO) turnRing(cells, (cells[h | H_NEWEST]! + setOf(arena, cells, h, cells[entry | AT]! >> arena.columnShift)) | 0, entry);
}

/** The entry of a set that is replaced next; an invalid one while the set has one. */
function oldestOf(cells: Int32Array, h: number, set: number): number {
  if (cells[h | H_ORDER] !== ORDER_STAMPS) return cells[cells[(cells[h | H_NEWEST]! + set) | 0]! | NEWER]!;
  const ways = cells[h | H_WAYS]!;
  let entry = (cells[h | H_FIRST_ENTRY]! + (Math.imul(set, ways) << ENTRY_SHIFT)) | 0;
  let oldest = entry;
  let least = cells[oldest | STAMP]!;
  for (let way = 1; way < ways; way++) {
    entry = (entry + (1 << ENTRY_SHIFT)) | 0;
    if (cells[entry | STAMP]! >= least) continue;
    least = cells[entry | STAMP]!;
    oldest = entry;
  }
  return oldest;
}

/**
 * Make in an L1 what it can hold of the L2's entry `found`. False, and nothing changed, if that is not this path's work: the entry is to
 * come into an invalid way, is the first or replaces the last of its class, or is coalesced.
 */
function copyUp(arena: Arena, cells: Int32Array, { l1: h, l1Orders }: FastSide, found: number, page: number): boolean {
  const { at, columnShift, index } = arena;
  let state = cells[found | STATE]!;
  const kind = state >>> STATE_CLASS_SHIFT;
  let made = cells[(cells[h | H_MAKES]! + kind) | 0]!;
  if (made === MADE_BY_LEAF) {
    const order = l1Orders[Math.min(kind & CLASS_ORDER, (state >>> STATE_LEAF_SHIFT) & CLASS_ORDER)]!;
    made = order < 0 ? -1 : (kind & CLASS_GLOBAL) | order;
  }
  if (made < 0) return false;
  let unit = page;
  let frame = cells[found | FRAME]!;
  if (made === kind) {
    unit = cells[found | AT]! >> columnShift;
  } else {
    if (made !== 0) {
      const column = index.columnOf[made]!;
      const first = column < 0 ? 0 : index.unitOf[(column << index.capacityBits) | (page >> BLOCK_SHIFT)]!;
      if (first === 0) return false;
      unit = (first + ((page & (BLOCK_UNITS - 1)) >>> made)) | 0;
    }
    const pageLo = index.tagLo[page >> BLOCK_SHIFT]! | (page & (BLOCK_UNITS - 1));
    frame = (frame + (pageLo & ((1 << kind) - 1)) - (pageLo & ((1 << made) - 1))) | 0;
    state = (state & ~STATE_CLASS) | STATE_PAGES | (made << STATE_CLASS_SHIFT);
  }
  const set = setOf(arena, cells, h, unit);
  const place = oldestOf(cells, h, set);
  if ((cells[place | STATE]! & STATE_VALID) === 0) return false;
  const gone = cells[place | STATE]! >>> STATE_CLASS_SHIFT;
  if (gone !== made) {
    const counts = cells[h | H_COUNTS]!;
    const nrGone = cells[(counts + gone) | 0]!;
    const nrMade = cells[(counts + made) | 0]!;
    if (nrGone === 1 || nrMade === 0) return false;
    cells[(counts + gone) | 0] = (nrGone - 1) | 0;
    cells[(counts + made) | 0] = (nrMade + 1) | 0;
  }
  const own = (unit << columnShift) | cells[h | H_COLUMN]!;
  at[cells[place | AT]!] = -1;
  at[own] = (place - cells[h | H_FIRST_ENTRY]!) >> ENTRY_SHIFT;
  cells[place | STATE] = state;
  cells[place | FRAME] = frame;
  cells[place | AT] = own;
  if (cells[h | H_ORDER] === ORDER_STAMPS) stamp(arena, cells, place);
  // The oldest becomes the newest: the ring turns by one.
  else cells[(cells[h | H_NEWEST]! + set) | 0] = place;
  return true;
}

/**
 * One record that the loop of `consumeFast` does not take. `missesForSure`: the L1 does not have the page.
 * Returns 0: nothing changed, not this path's work; 1: the same, a walk is due; 2: a hit; 3: a miss served.
 */
function consumeOther(arena: Arena, cells: Int32Array, side: FastSide, page: number, write: boolean, missesForSure: boolean): number {
  if (!missesForSure) {
    const hit = findEntry(arena, cells, side.l1, page);
    if (hit === UNKNOWN) return 0;
    if (hit >= 0) {
      if (write && (cells[hit | STATE]! & STATE_DIRTY) === 0) return 0;
      refresh(arena, cells, side.l1, hit);
      return 2;
    }
  }
  const { l2 } = side;
  for (let i = 0; i < l2.length; i++) {
    const found = findEntry(arena, cells, l2[i]!, page);
    if (found === -1) continue;
    if (found === UNKNOWN || (write && (cells[found | STATE]! & STATE_DIRTY) === 0) || !copyUp(arena, cells, side, found, page)) return 0;
    refresh(arena, cells, l2[i]!, found);
    return 3;
  }
  return 1;
}

/** Index of the cell that names the newest of a fully associative lru; -1 for any other structure. */
function onlyRing(cells: Int32Array, h: number): number {
  return cells[h | H_ORDER] === ORDER_RING && cells[h | H_SET_MASK] === 0 ? cells[h | H_NEWEST]! : -1;
}

/**
 * Consume resolved trace records (UnitIndex.resolve) from index `from` to `end` as long as each one hits its L1, or misses it and finds in an L2
 * an entry of which the L1 makes one in place of its oldest; and needs no descriptor update. Returns the index of the first record that
 * is none of this, untouched, or `end`.
 */
export function consumeFast(path: FastPath, records: Int32Array, from: number, end: number): number {
  const { arena, misses, data } = path;
  const { cells, at, columnShift, clock } = arena;
  const columnMask = -1 << columnShift;
  const { l1 } = data;
  const l1Column = cells[l1 | H_COLUMN]!;
  const l1Entries = cells[l1 | H_FIRST_ENTRY]!;
  const l1Ring = onlyRing(cells, l1);
  const l1Differs = cells[l1 | H_DIFFERS]!;
  // What the first L2 does not have, another may; that is not for the loop.
  const l2 = data.l2.length > 0 && cells[data.l2[0]! | H_ORDER] === ORDER_STAMPS ? data.l2[0]! : -1;
  const l2Column = l2 < 0 ? 0 : cells[l2 | H_COLUMN]!;
  const l2Entries = l2 < 0 ? 0 : cells[l2 | H_FIRST_ENTRY]!;
  const simple = l1Ring >= 0 && l2 >= 0;
  const l1Larger = cells[l1 | H_PROBES] !== cells[l1 | H_END_PROBE];
  const l2Larger = l2 >= 0 && cells[l2 | H_PROBES] !== cells[l2 | H_END_PROBE];
  const onlyL2 = data.l2.length === 1;
  let instructionMisses = 0;
  let dataMisses = 0;
  let i = from;
  path.walkDue = 0;
  for (; i < end; i++) {
    const record = records[i]!;
    const page = record >>> 2;
    const access = record & 3;
    if (simple && access !== 0) {
      const row = page << columnShift;
      const slot = at[row | l1Column]!;
      const hit = slot >= 0 ? (l1Entries + (slot << ENTRY_SHIFT)) | 0 : l1Larger ? findLarger(arena, cells, l1, page) : -1;
      if (hit >= 0) {
        if (access >= 2 && (cells[hit | STATE]! & STATE_DIRTY) === 0) break;
        turnRing(cells, l1Ring, hit);
        continue;
      }
      if (hit === UNKNOWN) break;
      const below = at[row | l2Column]!;
      const found = below >= 0 ? (l2Entries + (below << ENTRY_SHIFT)) | 0 : l2Larger ? findLarger(arena, cells, l2, page) : -1;
      if (found === UNKNOWN) break;
      if (found >= 0) {
        const state = cells[found | STATE]!;
        if (access >= 2 && (state & STATE_DIRTY) === 0) break;
        const place = cells[cells[l1Ring]! | NEWER]!;
        if ((((cells[place | STATE]! ^ state) & (STATE_CLASS | STATE_VALID)) | (state & l1Differs)) === 0) {
          const own = (cells[found | AT]! & columnMask) | l1Column;
          at[cells[place | AT]!] = -1;
          at[own] = (place - l1Entries) >> ENTRY_SHIFT;
          cells[place | STATE] = state;
          cells[place | FRAME] = cells[found | FRAME]!;
          cells[place | AT] = own;
          cells[l1Ring] = place;
        } else if (!copyUp(arena, cells, data, found, page)) {
          break;
        }
        const now = (cells[clock]! + 1) | 0;
        cells[clock] = now;
        cells[found | STAMP] = now;
        dataMisses++;
        continue;
      }
      if (onlyL2) {
        path.walkDue = 1;
        break;
      }
    }
    const done = consumeOther(arena, cells, access === 0 ? path.instruction : data, page, access >= 2, simple && access !== 0);
    if (done < 2) {
      path.walkDue = done;
      break;
    }
    if (done === 3) {
      if (access === 0) instructionMisses++;
      else dataMisses++;
    }
  }
  misses[0] = misses[0]! + instructionMisses;
  misses[1] = misses[1]! + dataMisses;
  return i;
}
