/**
 * The fast path of a miss in all structures: a page, alone or in a contiguous run, whose level-3 table the walk cache knows and whose descriptor needs no update.
 *
 * It is what `Mmu.missAll` does, written out over the cells, because where a program misses the L2 nearly all walks are of this kind.
 */
import * as descriptor from "../arch/descriptor.js";
import type { Granule } from "../arch/granule.js";
import { ACCESS_FETCH, ACCESS_WRITE, PERM_EXEC, PERM_READ, PERM_WRITE } from "../engine/engine.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";
import type { DescriptorCache } from "./descriptor-cache.js";
import type { Arena } from "./tlb-cells.js";
import type { FastSide } from "./tlb-fast.js";
import * as layout from "./tlb-layout.js";
import type { UnitIndex } from "./unit-index.js";
import type { WalkCache } from "./walk-cache.js";
import { canReplace, oldestOf, refresh, replace, setOf } from "./tlb-place.js";
import type { Tlb } from "./tlb.js";

const { HI_CONTIGUOUS, HI_DBM, HI_UXN, LO_AF, LO_AP1, LO_AP2, LO_NG, LO_TABLE, LO_VALID } = descriptor;
const { H_COLUMN, H_FIRST_ENTRY, H_MAKES, MADE_BY_LEAF, STATE_CLASS_SHIFT, ENTRY_SHIFT, STATE, FRAME, STATE_VALID, STATE_DIRTY, STATE_LEVEL_SHIFT, STATE_PERMS_SHIFT, STATE_PAGES,
  BLOCK_SHIFT, BLOCK_UNITS, CLASS_TABLE } = layout;

/** A page of one address space that EL0 may read, accessed. */
const PLAIN_LO = LO_VALID | LO_TABLE | LO_AP1 | LO_AF | LO_NG;
/** Output address from 4 GiB. */
const HIGH_ADDRESS_HI = 0xffff;
const PERMS_MASK = 7 << STATE_PERMS_SHIFT;

/** What the fast path needs to know of an MMU's walker. */
export interface FastWalker {
  readonly u32: Uint32Array;
  readonly pageShift: number;
  /** Descriptors in a table. */
  readonly tableEntries: number;
  /** Header of the structure that keeps table descriptors, and the class of those that point to a level-3 table. */
  readonly tables: number;
  readonly tableClass: number;
  readonly descriptorCache: DescriptorCache;
  /** log2 of the pages of a contiguous run. */
  readonly runOrder: number;
  /** Pages of the smallest group that a structure coalesces - 1; 0 if none does. */
  readonly groupMask: number;
  /** TCR_EL1.HD of the regime. */
  hd: boolean;
  /** Walks made. Added to. */
  walks: number;
}

/** For an MMU whose walk cache keeps the last tables. */
export function newFastWalker(memory: PhysicalMemory, granule: Granule, { store }: WalkCache, descriptorCache: DescriptorCache, structures: readonly Tlb[]): FastWalker {
  const { pageShift } = granule;
  const { entries, contEntries } = granule.levels[3]!;
  const groups = structures.map(({ coalescedOrder }) => coalescedOrder).filter((order) => order > 0);
  const groupMask = groups.length === 0 ? 0 : (1 << Math.min(...groups)) - 1;
  return { u32: memory.u32, pageShift, tableEntries: entries, tables: store.header, tableClass: CLASS_TABLE | Math.log2(entries), descriptorCache, runOrder: Math.log2(contEntries), groupMask, hd: false, walks: 0 };
}

/**
 * Walk for a page that no structure has, alone or in a run, and fill L2 and L1 of the side. Returns the L1's entry; -1, and nothing changed but the time of a
 * last use, if that is not this path's work.
 */
export function walkPlainPage(arena: Arena, walker: FastWalker, { l1, pageL2, runL2 }: FastSide, page: number, access: number): number {
  const { cells, at, columnShift, index } = arena;
  const { tables, u32 } = walker;
  const column = index.columnOf[walker.tableClass]!;
  const unit = column < 0 ? 0 : index.unitOf[(column << index.capacityBits) | (page >> BLOCK_SHIFT)]!;
  const slot = unit === 0 ? -1 : at[(unit << columnShift) | cells[tables | H_COLUMN]!]!;
  if (slot < 0) return -1;
  const table = (cells[tables | H_FIRST_ENTRY]! + (slot << ENTRY_SHIFT)) | 0;
  const pageLo = index.tagLo[page >> BLOCK_SHIFT]! | (page & (BLOCK_UNITS - 1));
  const position = (cells[table | FRAME]! + (pageLo & (walker.tableEntries - 1))) | 0;
  const lo = u32[position * 2]! | 0;
  const hi = u32[position * 2 + 1]! | 0;
  // Bits from 12 to the page are part of a high address, or reserved.
  const fixed = PLAIN_LO | ((1 << walker.pageShift) - 0x1000);
  if ((lo & fixed) !== PLAIN_LO || (hi & HIGH_ADDRESS_HI) !== 0 || (cells[table | STATE]! & PERMS_MASK) !== 0) return -1;
  const dirty = (lo & LO_AP2) === 0;
  const execute = (hi & HI_UXN) === 0;
  if (access === ACCESS_FETCH ? !execute : access >= ACCESS_WRITE && !dirty) return -1;
  const frame = lo >>> walker.pageShift;
  // A page whose place in an aligned group is another in memory has no neighbours to make one entry with.
  const kind = (hi & HI_CONTIGUOUS) === 0 ? 0 : walker.runOrder;
  if (kind === 0 && walker.groupMask !== 0 && ((frame ^ pageLo) & walker.groupMask) === 0) return -1;
  refresh(arena, cells, tables, table);
  const fillL2 = kind === 0 ? pageL2 : runL2;
  const l2Made = fillL2 < 0 ? 0 : classMade(cells, fillL2, kind);
  const l2Unit = l2Made < 0 ? 0 : unitFor(index, page, l2Made);
  const made = classMade(cells, l1, kind);
  const l1Unit = made < 0 ? 0 : unitFor(index, page, made);
  if (l2Unit === 0 || l1Unit === 0) return -1;
  const l2Set = fillL2 < 0 ? 0 : setOf(arena, cells, fillL2, l2Unit);
  const l2Place = fillL2 < 0 ? 0 : oldestOf(cells, fillL2, l2Set);
  if (fillL2 >= 0 && !canReplace(cells, fillL2, l2Place, l2Made)) return -1;
  const set = setOf(arena, cells, l1, l1Unit);
  const place = oldestOf(cells, l1, set);
  if (!canReplace(cells, l1, place, made)) return -1;
  const perms = PERM_READ | (dirty || (walker.hd && (hi & HI_DBM) !== 0) ? PERM_WRITE : 0) | (execute ? PERM_EXEC : 0);
  const state = STATE_VALID | (dirty ? STATE_DIRTY : 0) | (3 << STATE_LEVEL_SHIFT) | (perms << STATE_PERMS_SHIFT) | STATE_PAGES;
  if (fillL2 >= 0) replace(arena, cells, fillL2, l2Set, l2Place, l2Unit, state | (l2Made << STATE_CLASS_SHIFT), frame - (pageLo & ((1 << l2Made) - 1)));
  replace(arena, cells, l1, set, place, l1Unit, state | (made << STATE_CLASS_SHIFT), frame - (pageLo & ((1 << made) - 1)));
  walker.descriptorCache.fetch(position);
  walker.walks++;
  return place;
}

/** Class of the entry that structure `h` makes of a page (`kind` 0) or of a run of pages (its order); negative for none. */
function classMade(cells: Int32Array, h: number, kind: number): number {
  if (kind === 0) return 0;
  const made = cells[(cells[h | H_MAKES]! + kind) | 0]!;
  return made === MADE_BY_LEAF ? 0 : made;
}

/** Number of the unit of this class that holds a page; 0 if it has none yet. */
function unitFor(index: UnitIndex, page: number, kind: number): number {
  if (kind === 0) return page;
  const column = index.columnOf[kind]!;
  const first = column < 0 ? 0 : index.unitOf[(column << index.capacityBits) | (page >> BLOCK_SHIFT)]!;
  return first === 0 ? 0 : (first + ((page & (BLOCK_UNITS - 1)) >>> kind)) | 0;
}
