/**
 * A second trace filter, behind the engine's: holds back resolved records that cannot change what a TLB does that allows more held
 * pages than others on the same run.
 *
 * The rule is that of the engine's filter (docs/engine.md, "Filter"): a use of one of the most recently used pages certainly hits the first
 * level and changes only the order of recency, which is restored before the next record that may change more. Nothing is held from one
 * batch to the next, so maintenance, changes of ASID and new numbers of pages between batches need no care.
 */
import { ModelBug } from "../arch/errors.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE } from "../engine/engine.js";
import type { Access } from "../engine/engine.js";
import { BLOCK_SHIFT } from "./tlb-layout.js";
import { RESOLVED_READ_WRITE } from "./unit-index.js";
import type { UnitIndex } from "./unit-index.js";

const READ_WRITE = RESOLVED_READ_WRITE;
/** Most pages of one kind that a filter can hold. */
export const MOST_PAGES = 255;

/** Pages of each kind that a filter holds back, as an engine's `filterPages` and `fetchPages`. */
export interface FilterDepths {
  readonly data: number;
  readonly code: number;
}

/** The pages held of one kind, data or code. */
interface Held {
  /** Number of the page in each slot; at first there is none in the slots that are the least recent. */
  readonly pages: Int32Array;
  /** Whether a write of the page has been passed on since it came in. */
  readonly written: Uint8Array;
  /** Index of the record of the last use. */
  readonly used: Int32Array;
  /** The slots by last record passed on, in a ring. */
  readonly older: Int32Array;
  readonly newer: Int32Array;
  front: number;
  nrPages: number;
  /** Slots used since a record of this kind was passed on, in the order of first use, and how many. */
  readonly due: Int32Array;
  nrDue: number;
  /** Uses after this record have not been passed on. */
  passed: number;
}

function newHeld(depth: number): Held {
  return {
    pages: new Int32Array(depth),
    written: new Uint8Array(depth),
    used: new Int32Array(depth),
    older: Int32Array.from({ length: depth }, (_, slot) => (slot + depth - 1) % depth),
    newer: Int32Array.from({ length: depth }, (_, slot) => (slot + 1) % depth),
    front: 0,
    nrPages: 0,
    due: new Int32Array(depth),
    nrDue: 0,
    passed: -1,
  };
}

export class RecordFilter {
  private readonly data: Held;
  private readonly code: Held;
  /** By page << 1 | 1 for code: its slot + 1; 0 if it is not held. */
  private slots = new Uint8Array(0);
  private passedOn = new Int32Array(0);

  /** For records that `index` has resolved. */
  constructor(private readonly index: UnitIndex, { data, code }: FilterDepths) {
    if (Math.min(data, code) < 1 || Math.max(data, code) > MOST_PAGES) throw new ModelBug(`RecordFilter: ${data} pages of data, ${code} of code are not 1 to ${MOST_PAGES}`);
    this.data = newHeld(data);
    this.code = newHeld(code);
  }

  /** The records that are left of one batch, in an array that is valid until the next call. */
  filter(records: Int32Array): Int32Array {
    const units = 2 << (this.index.capacityBits + BLOCK_SHIFT);
    if (this.slots.length < units) this.slots = new Uint8Array(units);
    if (this.passedOn.length < records.length) this.passedOn = new Int32Array(records.length);
    const { data, code, slots, passedOn } = this;
    let count = 0;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const access = record & 3;
      const held = access === ACCESS_FETCH ? code : data;
      const key = ((record >>> 2) << 1) | (access === ACCESS_FETCH ? 1 : 0);
      const slot = slots[key]! - 1;
      if (slot < 0) {
        if (held.nrDue > 0) count = passDue(held, access === ACCESS_FETCH ? ACCESS_FETCH : ACCESS_READ, passedOn, count, -1);
        enter(held, slots, key, access, i);
        passedOn[count++] = record;
        continue;
      }
      if (held.used[slot]! <= held.passed) held.due[held.nrDue++] = slot;
      held.used[slot] = i;
      if (access < ACCESS_WRITE || held.written[slot] !== 0) continue;
      count = passDue(held, ACCESS_READ, passedOn, count, slot);
      held.written[slot] = 1;
      held.passed = i;
      // What is next to its read becomes one record with it, as in UnitIndex.resolve.
      const read = (record & ~3) | ACCESS_READ;
      if (count > 0 && passedOn[count - 1] === read) passedOn[count - 1] = read | READ_WRITE;
      else passedOn[count++] = record;
    }
    count = passDue(data, ACCESS_READ, passedOn, count, -1);
    count = passDue(code, ACCESS_FETCH, passedOn, count, -1);
    release(data, slots, 0);
    release(code, slots, 1);
    return passedOn.subarray(0, count);
  }
}

/** Hold nothing; `kind` is 1 for code. */
function release(held: Held, slots: Uint8Array, kind: 0 | 1): void {
  let slot = held.front;
  for (; held.nrPages > 0; held.nrPages--) {
    slots[(held.pages[slot]! << 1) | kind] = 0;
    slot = held.older[slot]!;
  }
  held.passed = -1;
}

/** The page of a new record comes in, in place of the least recent one. */
function enter(held: Held, slots: Uint8Array, key: number, access: number, now: number): void {
  const slot = held.newer[held.front]!;
  held.front = slot;
  if (held.nrPages === held.pages.length) slots[(held.pages[slot]! << 1) | (key & 1)] = 0;
  else held.nrPages++;
  slots[key] = slot + 1;
  held.pages[slot] = key >>> 1;
  held.written[slot] = access >= ACCESS_WRITE ? 1 : 0;
  held.used[slot] = now;
  held.passed = now;
}

/** Pass on the uses that are due, the oldest first, but not that of slot `but`, whose own record follows. Returns the new count of records. */
function passDue(held: Held, access: Access, passedOn: Int32Array, before: number, but: number): number {
  const { due, used, pages, nrDue } = held;
  for (let sorted = 1; sorted < nrDue; sorted++) {
    const slot = due[sorted]!;
    const time = used[slot]!;
    let at = sorted;
    for (; at > 0 && used[due[at - 1]!]! > time; at--) due[at] = due[at - 1]!;
    due[at] = slot;
  }
  let count = before;
  // The page that was the newest when a record was last passed on is still where it was if it is the oldest now.
  let newest = held.front;
  for (let n = 0; n < nrDue; n++) {
    const slot = due[n]!;
    moveToFront(held, slot);
    if (slot !== but && slot !== newest) passedOn[count++] = (pages[slot]! << 2) | access;
    newest = -1;
  }
  held.nrDue = 0;
  return count;
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
