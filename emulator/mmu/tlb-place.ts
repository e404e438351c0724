/**
 * The place of a new entry, and the order of use that decides it, over the cells: what the policies lru and fifo do (tlb-policy.ts), written
 * out for the fast paths.
 */
import type { Arena } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";

const { H_COLUMN, H_SET_MASK, H_USES, H_ORDER, H_FIRST_ENTRY, H_WAYS, H_COUNTS, ORDER_FIFO, ORDER_STAMPS, PINNED_STAMP, ENTRY_SHIFT, STATE, FRAME,
  AT, OLDER, NEWER, PINS, STATE_VALID, STATE_CLASS_SHIFT, BLOCK_SHIFT, BLOCK_UNITS } = layout;

/** Begin a ring, whose newest cell is at `at`, with the `ways` entries from `first` on; the last of them is the oldest. */
export function newRing(cells: Int32Array, at: number, first: number, ways: number): void {
  for (let way = 0; way < ways; way++) {
    const entry = first + (way << ENTRY_SHIFT);
    cells[entry | OLDER] = first + (((way + 1) % ways) << ENTRY_SHIFT);
    cells[entry | NEWER] = first + (((way + ways - 1) % ways) << ENTRY_SHIFT);
  }
  cells[at] = first;
}

/** Make `entry` the newest of the ring whose newest cell is at `at`. Making the oldest the newest only turns the ring by one. */
export function turnRing(cells: Int32Array, at: number, entry: number): void {
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

/** Set of a unit in structure `h`. */
export function setOf(arena: Arena, cells: Int32Array, h: number, unit: number): number {
  return (arena.index.tagLo[unit >> BLOCK_SHIFT]! | (unit & (BLOCK_UNITS - 1))) & cells[h | H_SET_MASK]!;
}

/** Stamp an entry of structure `h` with the time. */
export function stamp(arena: Arena, cells: Int32Array, h: number, entry: number): void {
  const now = (cells[arena.clock]! + 1) | 0;
  cells[arena.clock] = now;
  cells[stampOf(cells, h, entry)] = now;
}

/** A hit: make the entry the newest of its set, unless it is pinned. */
export function refresh(arena: Arena, cells: Int32Array, h: number, entry: number): void {
  const order = cells[h | H_ORDER]!;
  if (cells[entry | PINS] !== 0) return;
  if (order === ORDER_STAMPS) stamp(arena, cells, h, entry);
  else if (order !== ORDER_FIFO) turnRing(cells, ringOf(arena, cells, h, entry), entry);
}

/** The trace filter holds one more page whose translation `entry` of structure `h` is. Pre: the entry has just been used or made; while one is pinned every use pins. */
export function pin(arena: Arena, cells: Int32Array, h: number, entry: number): void {
  if (cells[h | H_ORDER] !== ORDER_STAMPS) {
    const ring = ringOf(arena, cells, h, entry);
    pinInRing(cells, ring, (ring + cells[h | H_SET_MASK]! + 1) | 0, entry);
    return;
  }
  cells[entry | PINS] = (cells[entry | PINS]! + 1) | 0;
  cells[stampOf(cells, h, entry)] = PINNED_STAMP;
}

/** A page that it held has left: when it was the last, that was the entry's use. */
export function unpin(arena: Arena, cells: Int32Array, h: number, entry: number): void {
  if (cells[h | H_ORDER] !== ORDER_STAMPS) {
    const ring = ringOf(arena, cells, h, entry);
    unpinInRing(cells, ring, (ring + cells[h | H_SET_MASK]! + 1) | 0, entry);
    return;
  }
  const pins = (cells[entry | PINS]! - 1) | 0;
  cells[entry | PINS] = pins;
  if (pins === 0) stamp(arena, cells, h, entry);
}

/**
 * `pin` where the order is a ring, whose newest cell is at `at`: pinned entries stand before all others. The cell at `last` names the last of them, 0 for none.
 */
export function pinInRing(cells: Int32Array, at: number, last: number, entry: number): void {
  const pins = cells[entry | PINS]!;
  cells[entry | PINS] = (pins + 1) | 0;
  if (pins !== 0) return;
  turnRing(cells, at, entry);
  if (cells[last] === 0) cells[last] = entry;
}

/** `unpin` where the order is a ring: the entry is the newest of those that are not pinned. */
export function unpinInRing(cells: Int32Array, at: number, last: number, entry: number): void {
  const pins = (cells[entry | PINS]! - 1) | 0;
  cells[entry | PINS] = pins;
  if (pins !== 0) return;
  const boundary = cells[last]!;
  const newer = cells[entry | NEWER]!;
  const newest = cells[at]!;
  if (boundary === entry) {
    cells[last] = newest === entry ? 0 : newer;
    return;
  }
  const older = cells[entry | OLDER]!;
  cells[newer | OLDER] = older;
  cells[older | NEWER] = newer;
  if (newest === entry) cells[at] = older;
  const behind = cells[boundary | OLDER]!;
  cells[entry | NEWER] = boundary;
  cells[entry | OLDER] = behind;
  cells[boundary | OLDER] = entry;
  cells[behind | NEWER] = entry;
}

function ringOf(arena: Arena, cells: Int32Array, h: number, entry: number): number {
  return (cells[h | H_USES]! + setOf(arena, cells, h, cells[entry | AT]! >> arena.columnShift)) | 0;
}

function stampOf(cells: Int32Array, h: number, entry: number): number {
  return (cells[h | H_USES]! + ((entry - cells[h | H_FIRST_ENTRY]!) >> ENTRY_SHIFT)) | 0;
}

/** The oldest entry of the ring whose newest cell is at `at`. */
export function oldestOfRing(cells: Int32Array, at: number): number {
  return cells[cells[at]! | NEWER]!;
}

/** The entry of a set that is replaced next; an invalid one while the set has one. Pre: one is not pinned. */
export function oldestOf(cells: Int32Array, h: number, set: number): number {
  if (cells[h | H_ORDER] !== ORDER_STAMPS) return oldestOfRing(cells, (cells[h | H_USES]! + set) | 0);
  const ways = cells[h | H_WAYS]!;
  const first = Math.imul(set, ways);
  const stamps = (cells[h | H_USES]! + first) | 0;
  let least = cells[stamps]!;
  let oldest = 0;
  for (let way = 1; way < ways; way++) {
    // Without a branch, which would be foretold wrongly every other time: `less` is all ones if this stamp is the least so far.
    const difference = (cells[(stamps + way) | 0]! - least) | 0;
    const less = difference >> 31;
    least = (least + (difference & less)) | 0;
    oldest = (oldest + ((way - oldest) & less)) | 0;
  }
  return (cells[h | H_FIRST_ENTRY]! + ((first + oldest) << ENTRY_SHIFT)) | 0;
}

/** Whether the entry at `place` can give way to one of class `made` without a class coming into the structure, or going, or an invalid way being filled. */
export function canReplace(cells: Int32Array, h: number, place: number, made: number): boolean {
  const state = cells[place | STATE]!;
  if ((state & STATE_VALID) === 0) return false;
  const gone = state >>> STATE_CLASS_SHIFT;
  if (gone === made) return true;
  const counts = cells[h | H_COUNTS]!;
  return cells[(counts + gone) | 0]! > 1 && cells[(counts + made) | 0]! > 0;
}

/** Put an entry for `unit` in place of the oldest of its set, as the newest. Pre: `canReplace`. */
export function replace(arena: Arena, cells: Int32Array, h: number, set: number, place: number, unit: number, state: number, frame: number): void {
  const { at, columnShift } = arena;
  const gone = cells[place | STATE]! >>> STATE_CLASS_SHIFT;
  const made = state >>> STATE_CLASS_SHIFT;
  if (gone !== made) {
    const counts = cells[h | H_COUNTS]!;
    cells[(counts + gone) | 0] = (cells[(counts + gone) | 0]! - 1) | 0;
    cells[(counts + made) | 0] = (cells[(counts + made) | 0]! + 1) | 0;
  }
  const own = (unit << columnShift) | cells[h | H_COLUMN]!;
  at[cells[place | AT]!] = -1;
  at[own] = (place - cells[h | H_FIRST_ENTRY]!) >> ENTRY_SHIFT;
  cells[place | STATE] = state;
  cells[place | FRAME] = frame;
  cells[place | AT] = own;
  if (cells[h | H_ORDER] === ORDER_STAMPS) stamp(arena, cells, h, place);
  // The oldest becomes the newest: the ring turns by one.
  else cells[(cells[h | H_USES]! + set) | 0] = place;
}
