/**
 * Where everything stands in the cells of a TLB structure, and the bits of each cell.
 *
 * Whoever works on cells in a hot path binds these to constants of its own module: V8 folds those into the code, while it loads and
 * checks an exported or imported one at every use.
 */

// Header of a structure: what the fast path needs to know of it. Its offset is a multiple of 8.
export const HEADER_CELLS = 8;
export const H_BUCKETS = 0;
/** Right shift that makes a bucket number of a hash. */
export const H_SHIFT = 1;
export const H_SET_MASK = 2;
/** Index of the first set's newest cell. */
export const H_NEWEST = 3;
export const H_PROBES = 4;
export const H_END_PROBE = 5;
/** Entries that are not valid. */
export const H_INVALID = 6;
/** 1 if a hit makes the entry the newest: lru. 0: fifo, or a policy that keeps no ring. */
export const H_REFRESH = 7;

// An entry is named by its handle, the index of its first cell, a multiple of 8; these are the cells of an entry. Indexes are joined
// with `|`, which unlike `+` cannot leave 32 bits and so costs no overflow check.
export const ENTRY_SHIFT = 3;
/** Page number / entry size, bits 31:0. */
export const TAG_LO = 0;
/** The rest of the page number (7:0), the class (15:8) and the ASID (31:16). */
export const TAG_HI = 1;
/** STATE_* bits. */
export const STATE = 2;
/** First output frame; of a table entry, the table's position in 8-byte words. */
export const FRAME = 3;
/** Handle of the next entry in the same hash bucket; -1 ends. */
export const CHAIN = 4;
/** Index of the cell that is the entry's hash bucket. */
export const BUCKET = 5;
/** Handles of the neighbours in the recency ring of the set, which goes from the newest to the oldest and back to the newest. */
export const OLDER = 6;
export const NEWER = 7;

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

// A class is what a tag is relative to: the order of the entry's size and its kind.
export const CLASS_ORDER = 0x1f;
export const CLASS_GLOBAL = 1 << 5;
export const CLASS_COALESCED = 1 << 6;
export const CLASS_TABLE = 1 << 7;
export const CLASSES = 256;
export const TAG_CLASS_SHIFT = 8;
export const TAG_ASID_SHIFT = 16;
export const TAG_PAGE_HIGH = 0xff;
export const TAG_CLASS = 0xff << TAG_CLASS_SHIFT;

// Cells of a probe: what a lookup needs of a class that is present.
export const PROBE_SHIFT = 2;
export const PROBE_ORDER = 0;
/** Class and ASID bits of the high tag. */
export const PROBE_TAG = 1;
/** What these add to the hash. */
export const PROBE_SALT = 2;
/** Mask of the page inside a coalesced entry; 0 for others. */
export const PROBE_PAGES = 3;

/** 2^32 divided by the golden ratio: neighbouring pages spread over the buckets. */
export const HASH_FACTOR = 0x9e3779b1 | 0;

/** Any odd constant that spreads class and ASID. */
export const SALT_FACTOR = 0x85ebca6b | 0;
