/**
 * The fast path of an MMU: trace records that only change the order of replacement, or make an entry of a full L1 from one of an L2.
 *
 * It is what `Tlb.lookup` and `Tlb.fillFrom` do, written out over the cells, because nearly every record of a run is of this kind. The
 * commonest of all, a plain L2 of few ways that answers for a fully associative L1, stands in the loop itself: a call would cost as much
 * as the work.
 */
import { ModelBug } from "../arch/errors.js";
import type { Arena } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";
import { canReplace, oldestOf, oldestOfRing, pin, pinInRing, refresh, replace, setOf, unpin, unpinInRing } from "./tlb-place.js";
import { walkPlainPage } from "./walk-fast.js";
import type { FastWalker } from "./walk-fast.js";
import { RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT } from "./unit-index.js";
import { FIRST_CODE_HELD } from "../engine/engine.js";

const { H_COLUMN, H_SET_MASK, H_USES, H_PROBES, H_END_PROBE, H_ORDER, H_DIFFERS, H_FIRST_ENTRY, H_MAKES, ORDER_RING, ORDER_STAMPS,
  ENTRY_SHIFT, STATE, FRAME, AT, PINS, STATE_VALID, STATE_DIRTY, STATE_LEAF_SHIFT, STATE_PAGES_SHIFT, STATE_PAGES, STATE_CLASS_SHIFT,
  STATE_CLASS, CLASS_ORDER, CLASS_GLOBAL, MADE_BY_LEAF, BLOCK_SHIFT, BLOCK_UNITS, PROBE_SHIFT, PROBE_CLASS, PROBE_COLUMN, PROBE_PAGES } = layout;

const [HELD_SHIFT, HELD, UNIT_SHIFT, FIRST_CODE] = [RESOLVED_HELD_SHIFT, RESOLVED_HELD, RESOLVED_UNIT_SHIFT, FIRST_CODE_HELD];

/** One side, instruction or data: headers and facts that never change. */
export interface FastSide {
  readonly l1: number;
  /** Whether the L1 pins the entries of held pages. */
  readonly pins: boolean;
  /** `entryOrder` of the L1. */
  readonly l1Orders: Int8Array;
  /** L2 structures that serve the side, in the order of lookup. */
  readonly l2: readonly number[];
  /** Header of the one that a walk fills with a page, and with a contiguous run of pages; -1 for none. */
  readonly pageL2: number;
  readonly runL2: number;
}

/** What `consumeFast` needs to know of an MMU, gathered once. Every structure keeps its order of replacement in the cells. */
export interface FastPath {
  readonly arena: Arena;
  readonly instruction: FastSide;
  readonly data: FastSide;
  /** Undefined if walks are not this path's work. */
  readonly walker: FastWalker | undefined;
  /** By number of a held page: the L1's entry that it pins; -1. */
  readonly pinned: Int32Array;
  /** Misses that were served, by side: [0] instruction, [1] data. Added to. */
  readonly misses: Float64Array;
  /** Set at return: 1 if the record returned misses L1 and L2, so that a walk is due that is not this path's work. */
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

/**
 * Make in an L1 what it can hold of the L2's entry `found`. Returns the new entry; -1, and nothing changed, if that is not this path's work: the
 * entry is to come into an invalid way, is the first or replaces the last of its class, or is coalesced.
 */
function copyUp(arena: Arena, cells: Int32Array, { l1: h, l1Orders }: FastSide, found: number, page: number): number {
  const { columnShift, index } = arena;
  let state = cells[found | STATE]!;
  const kind = state >>> STATE_CLASS_SHIFT;
  let made = cells[(cells[h | H_MAKES]! + kind) | 0]!;
  if (made === MADE_BY_LEAF) {
    const order = l1Orders[Math.min(kind & CLASS_ORDER, (state >>> STATE_LEAF_SHIFT) & CLASS_ORDER)]!;
    made = order < 0 ? -1 : (kind & CLASS_GLOBAL) | order;
  }
  if (made < 0) return -1;
  let unit = page;
  let frame = cells[found | FRAME]!;
  if (made === kind) {
    unit = cells[found | AT]! >> columnShift;
  } else {
    if (made !== 0) {
      const column = index.columnOf[made]!;
      const first = column < 0 ? 0 : index.unitOf[(column << index.capacityBits) | (page >> BLOCK_SHIFT)]!;
      if (first === 0) return -1;
      unit = (first + ((page & (BLOCK_UNITS - 1)) >>> made)) | 0;
    }
    const pageLo = index.tagLo[page >> BLOCK_SHIFT]! | (page & (BLOCK_UNITS - 1));
    frame = (frame + (pageLo & ((1 << kind) - 1)) - (pageLo & ((1 << made) - 1))) | 0;
    state = (state & ~STATE_CLASS) | STATE_PAGES | (made << STATE_CLASS_SHIFT);
  }
  const set = setOf(arena, cells, h, unit);
  const place = oldestOf(cells, h, set);
  if (!canReplace(cells, h, place, made)) return -1;
  replace(arena, cells, h, set, place, unit, state, frame);
  return place;
}

/** Take over the L2's entry `found` as it stands, in place of the oldest of an L1 that is one ring. Returns the new entry; -1, and nothing changed, if the oldest is of another class. */
function takeOver(arena: Arena, cells: Int32Array, h: number, ring: number, found: number): number {
  const { at, columnShift } = arena;
  const state = cells[found | STATE]!;
  const place = oldestOfRing(cells, ring);
  if ((((cells[place | STATE]! ^ state) & (STATE_CLASS | STATE_VALID)) | (state & cells[h | H_DIFFERS]!)) !== 0) return -1;
  const own = (cells[found | AT]! & (-1 << columnShift)) | cells[h | H_COLUMN]!;
  at[cells[place | AT]!] = -1;
  at[own] = (place - cells[h | H_FIRST_ENTRY]!) >> ENTRY_SHIFT;
  cells[place | STATE] = state;
  cells[place | FRAME] = cells[found | FRAME]!;
  cells[place | AT] = own;
  cells[ring] = place;
  return place;
}

const NOT_SERVED = -1;
const WALK = -2;

/** A miss of the L1, of which `ring` is the one ring, or -1. Returns the entry that was made from one of an L2; NOT_SERVED: not this path's work; WALK: a walk is due. */
function serveMiss(arena: Arena, cells: Int32Array, side: FastSide, ring: number, page: number, write: boolean): number {
  const { l2 } = side;
  for (let i = 0; i < l2.length; i++) {
    const found = findEntry(arena, cells, l2[i]!, page);
    if (found === -1) continue;
    if (found === UNKNOWN || (write && (cells[found | STATE]! & STATE_DIRTY) === 0)) return NOT_SERVED;
    let made = ring < 0 ? -1 : takeOver(arena, cells, side.l1, ring, found);
    if (made < 0) made = copyUp(arena, cells, side, found, page);
    if (made < 0) return NOT_SERVED;
    refresh(arena, cells, l2[i]!, found);
    return made;
  }
  return WALK;
}

/** An entry had to give way while the trace filter held a page of it: it holds more than the structure allows. */
function stillHeld(): ModelBug {
  return new ModelBug("consumeFast: the victim of a miss is an entry of which the trace filter still holds a page");
}

/** Index of the cell that names the newest of a fully associative lru; -1 for any other structure. */
function onlyRing(cells: Int32Array, h: number): number {
  return cells[h | H_ORDER] === ORDER_RING && cells[h | H_SET_MASK] === 0 ? cells[h | H_USES]! : -1;
}

/** Index of the first time stamp; -1 for a structure that has none. */
function stampsOf(cells: Int32Array, h: number): number {
  return cells[h | H_ORDER] === ORDER_STAMPS ? cells[h | H_USES]! : -1;
}

/** Whether a structure holds other entries than of plain pages. */
function holdsLarger(cells: Int32Array, h: number): boolean {
  return cells[h | H_PROBES] !== cells[h | H_END_PROBE];
}

/**
 * Consume resolved trace records (UnitIndex.resolve) from index `from` to `end` as long as each one hits its L1, or misses it and finds in an L2
 * an entry of which the L1 makes one in place of its oldest, or walks for a page or a run of pages; and needs no descriptor update. Returns the index of the
 * first record that is none of this, or `end`. Of that record nothing is done, but what its number of a held page stood for has left.
 */
export function consumeFast(path: FastPath, records: Int32Array, from: number, end: number): number {
  const { arena, misses, pinned, instruction, data, walker } = path;
  const { cells, at, columnShift, clock } = arena;
  const columnMask = -1 << columnShift;
  const iL1 = instruction.l1;
  const iColumn = cells[iL1 | H_COLUMN]!;
  const iEntries = cells[iL1 | H_FIRST_ENTRY]!;
  const iRing = onlyRing(cells, iL1);
  const iLarger = holdsLarger(cells, iL1);
  const iPins = instruction.pins;
  const l1 = data.l1;
  const l1Column = cells[l1 | H_COLUMN]!;
  const l1Entries = cells[l1 | H_FIRST_ENTRY]!;
  const l1Ring = onlyRing(cells, l1);
  const l1Larger = holdsLarger(cells, l1);
  const l1Pins = data.pins;
  const l1Differs = cells[l1 | H_DIFFERS]!;
  // What the first L2 does not have, another may; that is not for the loop.
  const l2 = data.l2.length > 0 ? data.l2[0]! : -1;
  const l2Stamps = l1Ring >= 0 && l2 >= 0 ? stampsOf(cells, l2) : -1;
  const l2Column = l2 < 0 ? 0 : cells[l2 | H_COLUMN]!;
  const l2Entries = l2 < 0 ? 0 : cells[l2 | H_FIRST_ENTRY]!;
  const l2Larger = l2 >= 0 && holdsLarger(cells, l2);
  const onlyL2 = l2Stamps >= 0 && data.l2.length === 1;
  let instructionMisses = 0;
  let dataMisses = 0;
  let i = from;
  path.walkDue = 0;
  for (; i < end; i++) {
    const record = records[i]!;
    const page = record >>> UNIT_SHIFT;
    const held = (record >>> HELD_SHIFT) & HELD;
    const access = record & 3;
    if (held !== 0) {
      const left = pinned[held]!;
      if (left >= 0) {
        pinned[held] = -1;
        const ring = held < FIRST_CODE ? l1Ring : iRing;
        if (ring >= 0) unpinInRing(cells, ring, (ring + 1) | 0, left);
        else unpin(arena, cells, held < FIRST_CODE ? l1 : iL1, left);
      }
      if (page === 0) continue;
    }
    const row = page << columnShift;
    if (access === 0) {
      const slot = at[row | iColumn]!;
      let entry = slot >= 0 ? (iEntries + (slot << ENTRY_SHIFT)) | 0 : iLarger ? findLarger(arena, cells, iL1, page) : -1;
      if (entry === UNKNOWN) break;
      if (entry < 0) {
        const done = serveMiss(arena, cells, instruction, iRing, page, false);
        entry = done === WALK && walker !== undefined ? walkPlainPage(arena, walker, instruction, page, access) : done;
        if (entry < 0) {
          path.walkDue = done === WALK ? 1 : 0;
          break;
        }
        if (cells[entry | PINS] !== 0) throw stillHeld();
        instructionMisses++;
      } else if (held === 0 || !iPins) {
        refresh(arena, cells, iL1, entry);
      }
      if (held !== 0 && iPins) {
        if (iRing >= 0) pinInRing(cells, iRing, (iRing + 1) | 0, entry);
        else pin(arena, cells, iL1, entry);
        pinned[held] = entry;
      }
      continue;
    }
    const slot = at[row | l1Column]!;
    let entry = slot >= 0 ? (l1Entries + (slot << ENTRY_SHIFT)) | 0 : l1Larger ? findLarger(arena, cells, l1, page) : -1;
    if (entry === UNKNOWN) break;
    if (entry >= 0) {
      if (access >= 2 && (cells[entry | STATE]! & STATE_DIRTY) === 0) break;
      if (held === 0 || !l1Pins) refresh(arena, cells, l1, entry);
    } else {
      if (l2Stamps >= 0) {
        const below = at[row | l2Column]!;
        const found = below >= 0 ? (l2Entries + (below << ENTRY_SHIFT)) | 0 : l2Larger ? findLarger(arena, cells, l2, page) : -1;
        if (found === UNKNOWN) break;
        if (found >= 0) {
          const state = cells[found | STATE]!;
          if (access >= 2 && (state & STATE_DIRTY) === 0) break;
          entry = oldestOfRing(cells, l1Ring);
          if ((((cells[entry | STATE]! ^ state) & (STATE_CLASS | STATE_VALID)) | (state & l1Differs)) === 0) {
            const own = (cells[found | AT]! & columnMask) | l1Column;
            at[cells[entry | AT]!] = -1;
            at[own] = (entry - l1Entries) >> ENTRY_SHIFT;
            cells[entry | STATE] = state;
            cells[entry | FRAME] = cells[found | FRAME]!;
            cells[entry | AT] = own;
            cells[l1Ring] = entry;
          } else {
            entry = copyUp(arena, cells, data, found, page);
            if (entry < 0) break;
          }
          const now = (cells[clock]! + 1) | 0;
          cells[clock] = now;
          cells[(l2Stamps + ((found - l2Entries) >> ENTRY_SHIFT)) | 0] = now;
        }
      }
      if (entry < 0) {
        const done = onlyL2 ? WALK : serveMiss(arena, cells, data, l1Ring, page, access >= 2);
        entry = done === WALK && walker !== undefined ? walkPlainPage(arena, walker, data, page, access) : done;
        if (entry < 0) {
          path.walkDue = done === WALK ? 1 : 0;
          break;
        }
      }
      if (cells[entry | PINS] !== 0) throw stillHeld();
      dataMisses++;
    }
    if (held !== 0 && l1Pins) {
      if (l1Ring >= 0) pinInRing(cells, l1Ring, (l1Ring + 1) | 0, entry);
      else pin(arena, cells, l1, entry);
      pinned[held] = entry;
    }
  }
  misses[0] = misses[0]! + instructionMisses;
  misses[1] = misses[1]! + dataMisses;
  return i;
}
