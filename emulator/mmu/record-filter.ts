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
import * as layout from "./tlb-layout.js";
import { roomFor } from "./tlb-storage.js";
import { newRing, oldestOfRing, pinInRing, turnRing, unpinInRing } from "./tlb-place.js";
import { RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_READ_WRITE, RESOLVED_UNIT_SHIFT } from "./tlb-layout.js";
import type { UnitClient, UnitIndex } from "./unit-index.js";

const { BLOCK_SHIFT, BLOCK_UNITS, ENTRY_SHIFT, NEWER, PINS } = layout;
const [HELD, HELD_SHIFT, UNIT_SHIFT, READ_WRITE] = [RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_UNIT_SHIFT, RESOLVED_READ_WRITE];
const [FETCH, READ, WRITE, FIRST_CODE] = [ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, FIRST_CODE_HELD];
/** Most pages of one kind that a filter can hold. */
export const MOST_PAGES = FIRST_CODE_HELD - 1;

/** Pages of each kind that a filter holds, as an engine's `filterPages` and `fetchPages`. */
export interface FilterDepths {
  readonly data: number;
  readonly code: number;
}

/** The newest slot of the ring, and the last of those that are pinned, 0 for none; handles of slots follow, from 1 << ENTRY_SHIFT on. */
const NEWEST = 0;
const LAST_PINNED = 1;

/** The pages held of one kind, data or code. Slots count from 1. */
interface Held {
  /** 1 for code. */
  readonly kind: 0 | 1;
  /** What is added to a slot for its number. */
  readonly before: number;
  readonly depth: number;
  /** By slot, number of the page; 0 for none. Slots without a page are the least recent. */
  readonly pages: Int32Array;
  /** By slot, whether a write of the page has been passed on since it came in. */
  readonly written: Uint8Array;
  /** The slots by last use, as entries of a TLB structure in a ring (tlb-place.ts). Pinned are those whose pages the filter before holds too. */
  readonly cells: Int32Array;
}

function newHeld(kind: 0 | 1, depth: number): Held {
  const cells = new Int32Array((depth + 1) << ENTRY_SHIFT);
  newRing(cells, NEWEST, 1 << ENTRY_SHIFT, depth);
  return { kind, before: kind === 0 ? 0 : FIRST_CODE - 1, depth, pages: new Int32Array(depth + 1), written: new Uint8Array(depth + 1), cells };
}

export class RecordFilter implements UnitClient {
  private readonly data: Held;
  private readonly code: Held;
  /** By page << 1 | 1 for code: its slot; 0 if it is not held. */
  private slots = new Uint8Array(0);
  /** By number of a page that the filter before holds: its slot here; 0. */
  private readonly slotOf = new Uint8Array(HELD + 1);
  private passedOn: Int32Array;

  /** For records that `index` has resolved. Each depth is greater than that of the filter before. */
  constructor(private readonly index: UnitIndex, { data, code }: FilterDepths) {
    if (Math.min(data, code) < 1 || Math.max(data, code) > MOST_PAGES) throw new ModelBug(`RecordFilter: ${data} pages of data, ${code} of code are not 1 to ${MOST_PAGES}`);
    this.data = newHeld(0, data);
    this.code = newHeld(1, code);
    this.passedOn = index.storage.int32(roomFor(data + code));
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
        this.slots[(renewed << 1) | held.kind] = slot;
      }
    }
  }

  /** The records that are left, in an array that is valid until the next call. */
  filter(records: Int32Array): Int32Array {
    if (this.passedOn.length < records.length) this.passedOn = this.index.storage.int32(roomFor(records.length));
    const { data, code, slots, slotOf, passedOn } = this;
    let count = 0;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const page = record >>> UNIT_SHIFT;
      const number = (record >>> HELD_SHIFT) & HELD;
      if (number !== 0) {
        const left = slotOf[number]!;
        if (left !== 0) {
          slotOf[number] = 0;
          unpinInRing((number < FIRST_CODE ? data : code).cells, NEWEST, LAST_PINNED, left << ENTRY_SHIFT);
        }
        if (page === 0) continue;
      }
      const access = record & 3;
      const held = access === FETCH ? code : data;
      const key = (page << 1) | (access === FETCH ? 1 : 0);
      let slot = slots[key]!;
      if (slot === 0) {
        slot = oldestOfRing(held.cells, NEWEST) >> ENTRY_SHIFT;
        slots[(held.pages[slot]! << 1) | held.kind] = 0;
        slots[key] = slot;
        held.pages[slot] = page;
        held.written[slot] = access >= WRITE ? 1 : 0;
        passedOn[count++] = (page << UNIT_SHIFT) | ((held.before + slot) << HELD_SHIFT) | access;
      } else if (access >= WRITE && held.written[slot] === 0) {
        held.written[slot] = 1;
        const last = count > 0 ? passedOn[count - 1]! : 0;
        // What is next to its read becomes one record with it, as in UnitIndex.resolve.
        if (last >>> UNIT_SHIFT === page && (last & 3) === READ) passedOn[count - 1] = last | READ_WRITE;
        else passedOn[count++] = (page << UNIT_SHIFT) | WRITE;
      }
      if (number !== 0) {
        pinInRing(held.cells, NEWEST, LAST_PINNED, slot << ENTRY_SHIFT);
        slotOf[number] = slot;
      } else if (held.cells[(slot << ENTRY_SHIFT) | PINS] === 0) {
        turnRing(held.cells, NEWEST, slot << ENTRY_SHIFT);
      }
    }
    return passedOn.subarray(0, count);
  }

  /** Hold nothing: TLB maintenance or another regime is due. Returns what those that follow are to be told first. Pre: the filter before holds nothing. */
  clear(): Int32Array {
    const { data, code, slots } = this;
    let count = 0;
    for (const held of [data, code]) {
      const { cells, pages } = held;
      let handle = oldestOfRing(cells, NEWEST);
      for (let left = held.depth; left > 0; left--, handle = cells[handle | NEWER]!) {
        const slot = handle >> ENTRY_SHIFT;
        const page = pages[slot]!;
        if (page === 0) continue;
        if (cells[handle | PINS] !== 0) throw new ModelBug("RecordFilter.clear: the filter before still holds a page");
        slots[(page << 1) | held.kind] = 0;
        pages[slot] = 0;
        this.passedOn[count++] = (held.before + slot) << HELD_SHIFT;
      }
    }
    return this.passedOn.subarray(0, count);
  }
}
