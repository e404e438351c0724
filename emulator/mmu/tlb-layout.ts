/**
 * Where everything stands in the cells of a TLB structure, and the bits of each cell.
 *
 * Whoever works on cells in a hot path binds these to constants of its own module: V8 folds those into the code, while it loads and
 * checks an exported or imported one at every use.
 */

// Header of a structure: what the fast path needs to know of it. Its offset is a multiple of 16.
export const HEADER_CELLS = 16;
/** Column of the structure in the arena's `at`. */
export const H_COLUMN = 0;
export const H_SET_MASK = 1;
/** Index of the first cell that keeps the order of use: each entry's time stamp where there are stamps; where there are rings each set's newest entry, then (ORDER_RING) each set's last pinned one, 0 for none. */
export const H_USES = 2;
/** The probes: what a lookup looks for besides a plain page. */
export const H_PROBES = 3;
export const H_END_PROBE = 4;
/** Entries that are not valid. */
export const H_INVALID = 5;
/** ORDER_*: how the order of replacement is kept. */
export const H_ORDER = 6;
/** Whether an entry of the next level is always taken over as it stands if this structure holds one of its class: 0, or STATE_CLASS if that is true of plain pages only. */
export const H_DIFFERS = 7;
export const H_FIRST_ENTRY = 8;
export const H_WAYS = 9;
/** Index of the entries per class. */
export const H_COUNTS = 10;
/** Index of the classes that the structure makes, by the class of the next level's entry: MADE_* where it is none. */
export const H_MAKES = 11;

/** A recency ring that hits do not turn: fifo. */
export const ORDER_FIFO = 0;
/** A recency ring that hits turn: lru of many ways. Pinned entries stand before all others. */
export const ORDER_RING = 1;
/** A time stamp for each entry, those of a set side by side: lru of few ways, where looking for the oldest costs less than keeping a ring. */
export const ORDER_STAMPS = 2;
/** Of a pinned entry: later than every use. */
export const PINNED_STAMP = 0x7fff_ffff;
/** A policy object only. */
export const ORDER_OTHER = 3;

// An entry is named by its handle, the index of its first cell, a multiple of 8; these are the cells of an entry. Indexes are joined
// with `|`, which unlike `+` cannot leave 32 bits and so costs no overflow check.
export const ENTRY_SHIFT = 3;
/** STATE_* bits. */
export const STATE = 0;
/** First output frame; of a table entry, the table's position in 8-byte words. */
export const FRAME = 1;
/** Index in the arena's `at` that names this entry: the row of the unit that it holds, the structure's column. */
export const AT = 2;
/** Handles of the neighbours in the recency ring of the set, which goes from the newest to the oldest and back to the newest. */
export const OLDER = 3;
export const NEWER = 4;
/** Pages that the trace filter holds (engine.ts) and the entry translates: while there are some, the entry is not replaced. */
export const PINS = 5;

// Bits of the state cell.
/** The entry is valid. */
export const STATE_VALID = 1 << 0;
/** A write through this entry needs no descriptor update. */
export const STATE_DIRTY = 1 << 1;
/** Level of the descriptor, two bits. */
export const STATE_LEVEL_SHIFT = 2;
/** leafOrder of the translation, five bits: the size of the one descriptor, when the entry is a run. */
export const STATE_LEAF_SHIFT = 4;
/** PERM_* of the translation, three bits; in a table entry HI_UXNTABLE, HI_APTABLE0, HI_APTABLE1. */
export const STATE_PERMS_SHIFT = 9;
/** Valid bits of the pages of a coalesced entry, eight bits; all ones in others. */
export const STATE_PAGES_SHIFT = 16;
export const STATE_PAGES = 0xff << STATE_PAGES_SHIFT;
/** Class of the entry, eight bits. */
export const STATE_CLASS_SHIFT = 24;
export const STATE_CLASS = 0xff << STATE_CLASS_SHIFT;

// A class is what a tag is relative to: the order of the entry's size and its kind. Class 0 is a plain page.
export const CLASS_ORDER = 0x1f;
export const CLASS_GLOBAL = 1 << 5;
export const CLASS_COALESCED = 1 << 6;
export const CLASS_TABLE = 1 << 7;
export const CLASSES = 256;

// A tag names a unit: what part of page number / size, in which class and ASID. The low word has bits 31:0 of page number / size; the high word
// the rest of it (7:0), the class (15:8) and the ASID (31:16).
export const TAG_CLASS_SHIFT = 8;
export const TAG_ASID_SHIFT = 16;
export const TAG_PAGE_HIGH = 0xff;

/** In the cells at H_MAKES: no entry, or one that takes the general path; one that depends on the size of the descriptor. */
export const MADE_NOT = -1;
export const MADE_BY_LEAF = -2;

// Numbers of units (unit-index.ts): a block, and the place in it, which is the low bits of page number / size.
export const BLOCK_SHIFT = 4;
export const BLOCK_UNITS = 1 << BLOCK_SHIFT;

// Cells of a probe: what a lookup needs of a class that is present.
export const PROBE_SHIFT = 2;
export const PROBE_CLASS = 0;
/** Column of the class in the index's `unitOf`. */
export const PROBE_COLUMN = 1;
/** Mask of the page inside a coalesced entry; 0 for others. */
export const PROBE_PAGES = 2;

// A resolved record (unit-index.ts): access in bits 1:0, number of the held page (engine.ts) in bits 9:2, number of the unit above; unit 0, which is none, where a held page leaves.
export const RESOLVED_HELD_SHIFT = 2;
export const RESOLVED_HELD = 0xff;
export const RESOLVED_UNIT_SHIFT = 10;
/** Access of a record that stands for a read and a write: bits of both. */
export const RESOLVED_READ_WRITE = 3;
