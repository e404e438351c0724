/**
 * The fast path of an MMU: trace records that only change the order of replacement, or make an entry of a full L1 from one of an L2, or walk for a page.
 *
 * It is what `Tlb.lookup`, `Tlb.fillFrom` and a walk do, written out over the cells, because nearly every record of a run is of this kind: as WebAssembly written for
 * the structures of the MMU (consume-code.ts), and here what that leaves to TypeScript.
 */
import { ModelBug } from "../arch/errors.js";
import { createConsumer, STILL_HELD, WALK_DUE, WORDS } from "./consume-code.js";
import type { Consumer } from "./consume-code.js";
import type { Arena } from "./tlb-cells.js";
import * as layout from "./tlb-layout.js";
import { canReplace, oldestOf, replace, setOf } from "./tlb-place.js";
import { walkPlainPage } from "./walk-fast.js";
import type { FastWalker } from "./walk-fast.js";

const { H_MAKES, STATE, FRAME, AT, STATE_LEAF_SHIFT, STATE_PAGES, STATE_CLASS_SHIFT, STATE_CLASS, CLASS_ORDER, CLASS_GLOBAL, MADE_BY_LEAF, BLOCK_SHIFT, BLOCK_UNITS } = layout;

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

/** What the fast path needs to know of an MMU. Every structure keeps its order of replacement in the cells, which lie in memory (tlb-storage.ts). */
export interface FastOptions {
  readonly arena: Arena;
  readonly instruction: FastSide;
  readonly data: FastSide;
  /** Undefined if walks are not this path's work. */
  readonly walker: FastWalker | undefined;
  /** By number of a held page: the L1's entry that it pins; -1. */
  readonly pinned: Int32Array;
  /** Misses of the L1s, by side: [0] instruction, [1] data. Those that it serves are added. */
  readonly misses: Float64Array;
}

export class FastPath {
  private readonly words: Int32Array;
  private readonly consumer: Consumer;

  constructor({ arena, instruction, data, walker, pinned, misses }: FastOptions) {
    const { storage } = arena.index;
    if (storage.memory === undefined) throw new ModelBug("FastPath: the arena is not in memory");
    this.words = storage.int32(WORDS);
    const { cells } = arena;
    const side = (number: number): FastSide => (number === 0 ? instruction : data);
    this.consumer = createConsumer({ arena, instruction, data, pinned, misses, words: this.words }, storage.memory, {
      copyUp: (number, found, page) => copyUp(arena, cells, side(number), found, page),
      walk: (number, page, access) => (walker === undefined ? -1 : walkPlainPage(arena, walker, side(number), page, access)),
    });
  }

  /** The record where `consume` ended misses L1 and L2, and a walk is due that is not this path's work. */
  get walkIsDue(): boolean {
    return this.words[WALK_DUE] === 1;
  }

  /**
   * Consume resolved trace records (UnitIndex.resolve; they lie in the arena's memory) from index `from` to `end` as long as each one hits its L1, or misses it and finds
   * in an L2 an entry of which the L1 makes one in place of its oldest, or walks for a page or a run of pages; and needs no descriptor update. Returns the index of the
   * first record that is none of this, or `end`. Of that record nothing is done, but what its number of a held page stood for has left.
   */
  consume(records: Int32Array, from: number, end: number): number {
    const first = records.byteOffset;
    const at = (this.consumer.consume(first + 4 * from, first + 4 * end) - first) / 4;
    if (this.words[STILL_HELD] === 1) throw new ModelBug("FastPath: the victim of a miss is an entry of which the trace filter still holds a page");
    return at;
  }
}
