/**
 * A second trace filter, behind the engine's: holds more pages, for TLBs that allow more held pages than others on the same run, and leaves out
 * the records of those that it holds already.
 *
 * Its rule, and what it tells whoever follows, are those of the engine's filter (engine.ts; docs/engine.md, "Filter"): the pages used last, and when one ceases to be
 * among them. It knows the order of last uses as its followers do: pages that the filter before holds are pinned, the others
 * stand in the order of their leaving.
 */
import { ModelBug } from "../arch/errors.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, FIRST_CODE_HELD } from "../engine/engine.js";
import { BLOCK_SHIFT, BLOCK_UNITS } from "./tlb-layout.js";
import { RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_READ_WRITE, RESOLVED_UNIT_SHIFT } from "./unit-index.js";
import type { UnitClient, UnitIndex } from "./unit-index.js";

const [HELD, HELD_SHIFT, UNIT_SHIFT, READ_WRITE] = [RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT, RESOLVED_READ_WRITE];
const [FETCH, READ, WRITE, FIRST_CODE] = [ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, FIRST_CODE_HELD];
/** Most pages of one kind that a filter can hold. */
export const MOST_PAGES = FIRST_CODE_HELD - 1;

/** Pages of each kind that a filter holds, as an engine's `filterPages` and `fetchPages`. */
export interface FilterDepths {
  readonly data: number;
  readonly code: number;
}

/** The pages held of one kind, data or code, by slot. */
interface Held {
  /** 1 for code. */
  readonly kind: 0 | 1;
  /** What its slots' numbers begin with. */
  readonly first: number;
  /** Number of the page; 0 for none. Slots without a page are the least recent. */
  readonly pages: Int32Array;
  /** Whether a write of the page has been passed on since it came in. */
  readonly written: Uint8Array;
  /** Whether the filter before holds the page too. */
  readonly pinned: Uint8Array;
  /** The slots by last use, in a ring; those that are pinned stand before all others. */
  readonly older: Int32Array;
  readonly newer: Int32Array;
  front: number;
  /** The last of those that are pinned; -1 for none. */
  lastPinned: number;
}

function newHeld(kind: 0 | 1, depth: number): Held {
  return {
    kind,
    first: kind === 0 ? 1 : FIRST_CODE,
    pages: new Int32Array(depth),
    written: new Uint8Array(depth),
    pinned: new Uint8Array(depth),
    older: Int32Array.from({ length: depth }, (_, slot) => (slot + depth - 1) % depth),
    newer: Int32Array.from({ length: depth }, (_, slot) => (slot + 1) % depth),
    front: 0,
    lastPinned: -1,
  };
}

export class RecordFilter implements UnitClient {
  private readonly data: Held;
  private readonly code: Held;
  /** By page << 1 | 1 for code: its slot + 1; 0 if it is not held. */
  private slots = new Uint8Array(0);
  /** By number of a page that the filter before holds: its slot here; -1. */
  private readonly slotOf = new Int32Array(HELD + 1).fill(-1);
  private passedOn = new Int32Array(0);

  /** For records that `index` has resolved. Each depth is greater than that of the filter before. */
  constructor(private readonly index: UnitIndex, { data, code }: FilterDepths) {
    if (Math.min(data, code) < 1 || Math.max(data, code) > MOST_PAGES) throw new ModelBug(`RecordFilter: ${data} pages of data, ${code} of code are not 1 to ${MOST_PAGES}`);
    this.data = newHeld(0, data);
    this.code = newHeld(1, code);
    index.register(this);
  }

  grow(bits: number): void {
    const before = this.slots;
    this.slots = new Uint8Array(2 << bits);
    this.slots.set(before);
  }

  renumber(tagLo: Int32Array, tagHi: Int32Array): void {
    this.slots.fill(0);
    for (const held of [this.data, this.code]) {
      for (const [slot, page] of held.pages.entries()) {
        if (page === 0) continue;
        const renewed = this.index.number(tagLo[page >> BLOCK_SHIFT]! | (page & (BLOCK_UNITS - 1)), tagHi[page >> BLOCK_SHIFT]!);
        held.pages[slot] = renewed;
        this.slots[(renewed << 1) | held.kind] = slot + 1;
      }
    }
  }

  /** The records that are left, in an array that is valid until the next call. */
  filter(records: Int32Array): Int32Array {
    if (this.passedOn.length < records.length) this.passedOn = new Int32Array(records.length);
    const { data, code, slots, slotOf, passedOn } = this;
    let count = 0;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const page = record >>> UNIT_SHIFT;
      const number = (record >>> HELD_SHIFT) & HELD;
      if (number !== 0) {
        const left = slotOf[number]!;
        if (left >= 0) {
          slotOf[number] = -1;
          const held = number < FIRST_CODE ? data : code;
          unpin(held, left);
        }
        if (page === 0) continue;
      }
      const access = record & 3;
      const held = access === FETCH ? code : data;
      const key = (page << 1) | (access === FETCH ? 1 : 0);
      let slot = slots[key]! - 1;
      if (slot < 0) {
        slot = held.newer[held.front]!;
        slots[(held.pages[slot]! << 1) | held.kind] = 0;
        slots[key] = slot + 1;
        held.front = slot;
        held.pages[slot] = page;
        held.written[slot] = access >= WRITE ? 1 : 0;
        passedOn[count++] = (page << UNIT_SHIFT) | ((held.first + slot) << HELD_SHIFT) | access;
      } else if (access >= WRITE && held.written[slot] === 0) {
        held.written[slot] = 1;
        const last = count > 0 ? passedOn[count - 1]! : 0;
        // What is next to its read becomes one record with it, as in UnitIndex.resolve.
        if (last >>> UNIT_SHIFT === page && (last & 3) === READ) passedOn[count - 1] = last | READ_WRITE;
        else passedOn[count++] = (page << UNIT_SHIFT) | WRITE;
      }
      if (held.pinned[slot] === 0) moveToFront(held, slot);
      if (number !== 0) {
        held.pinned[slot] = 1;
        if (held.lastPinned < 0) held.lastPinned = slot;
        slotOf[number] = slot;
      }
    }
    return passedOn.subarray(0, count);
  }

  /** Hold nothing: TLB maintenance or another regime is due. Returns what those that follow are to be told first. Pre: the filter before holds nothing. */
  clear(): Int32Array {
    const { data, code, slots } = this;
    if (this.passedOn.length < data.pages.length + code.pages.length) this.passedOn = new Int32Array(data.pages.length + code.pages.length);
    let count = 0;
    for (const held of [data, code]) {
      let slot = held.front;
      for (let left = held.pages.length; left > 0; left--) {
        slot = held.newer[slot]!;
        const page = held.pages[slot]!;
        if (page === 0) continue;
        if (held.pinned[slot] !== 0) throw new ModelBug("RecordFilter.clear: the filter before still holds a page");
        slots[(page << 1) | held.kind] = 0;
        held.pages[slot] = 0;
        this.passedOn[count++] = (held.first + slot) << HELD_SHIFT;
      }
    }
    return this.passedOn.subarray(0, count);
  }
}

/** The filter before holds the page no longer: it is the most recent of those. */
function unpin(held: Held, slot: number): void {
  const { older, newer, lastPinned } = held;
  held.pinned[slot] = 0;
  const above = newer[slot]!;
  if (slot === lastPinned) {
    held.lastPinned = slot === held.front ? -1 : above;
    return;
  }
  const below = older[slot]!;
  newer[below] = above;
  older[above] = below;
  if (slot === held.front) held.front = below;
  const behind = older[lastPinned]!;
  newer[slot] = lastPinned;
  older[slot] = behind;
  older[lastPinned] = slot;
  newer[behind] = slot;
}

function moveToFront(held: Held, slot: number): void {
  const { front, older, newer } = held;
  const oldest = newer[front]!;
  if (slot !== front && slot !== oldest) {
    const below = older[slot]!;
    const above = newer[slot]!;
    newer[below] = above;
    older[above] = below;
    newer[front] = slot;
    older[slot] = front;
    newer[slot] = oldest;
    older[oldest] = slot;
  }
  held.front = slot;
}
