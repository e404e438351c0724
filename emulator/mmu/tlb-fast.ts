/**
 * The fast path of an MMU: trace records that only change the order of replacement, or copy an entry from the L2 to a full L1.
 *
 * It is what `Tlb.lookup` and `Tlb.fillFrom` do, written out as one loop over the cells. The general path is two to three times slower
 * per record, which matters because nearly every record of a run is of this kind.
 */
import * as layout from "./tlb-layout.js";

const { H_BUCKETS, H_SHIFT, H_SET_MASK, H_NEWEST, H_PROBES, H_END_PROBE, H_INVALID, H_REFRESH, TAG_LO, TAG_HI, STATE, FRAME,
  CHAIN, BUCKET, OLDER, NEWER, STATE_DIRTY, STATE_PAGES_SHIFT, TAG_CLASS_SHIFT, TAG_PAGE_HIGH, TAG_CLASS, PROBE_SHIFT,
  PROBE_ORDER, PROBE_TAG, PROBE_SALT, PROBE_PAGES, HASH_FACTOR, SALT_FACTOR } = layout;

/** What `consumeFast` needs to know of an MMU, gathered once. Every structure has a recency ring; the L2 serves both sides. */
export interface FastPath {
  readonly cells: Int32Array;
  /** Headers of L1I, L1D and L2. */
  readonly l1i: number;
  readonly l1d: number;
  readonly l2: number;
  /** `takesOver` of L1I and L1D. */
  readonly l1iTakes: Uint8Array;
  readonly l1dTakes: Uint8Array;
  /** Misses that were served, by side: [0] instruction, [1] data. Added to. */
  readonly misses: Float64Array;
  /** Set at return: 1 if the record returned misses L1 and L2, so that a walk is due. */
  walkDue: number;
}

/**
 * Consume trace records from index `from` to `end` (pairs of words, see TraceSink) as long as each one hits its L1, or misses a full
 * L1 and finds in the L2 an entry that can replace the oldest of the L1 as it stands; and needs no descriptor update. Returns the
 * index of the first record that is none of this, untouched, or `end`.
 *
 * One body serves both levels, with the header as its variable.
 */
export function consumeFast(path: FastPath, words: Uint32Array, from: number, end: number): number {
  const { cells, l1i, l1d, l2, l1iTakes, l1dTakes } = path;
  let instructionMisses = 0;
  let dataMisses = 0;
  let i = from;
  path.walkDue = 0;
  records: for (; i < end; i += 2) {
    const pageLo = words[i]! | 0;
    const second = words[i + 1]! | 0;
    const pageHi = second >> 2;
    const access = second & 3;
    const l1 = access === 0 ? l1i : l1d;
    let h = l1;
    let entry = -1;
    search: for (;;) {
      const endProbe = cells[h | H_END_PROBE]!;
      for (let probe = cells[h | H_PROBES]!; probe < endProbe; probe = (probe + (1 << PROBE_SHIFT)) | 0) {
        const order = cells[probe | PROBE_ORDER]!;
        const lo = ((pageHi << 1) << (31 - order)) | (pageLo >>> order);
        entry = cells[(cells[h | H_BUCKETS]! + (Math.imul(lo ^ cells[probe | PROBE_SALT]!, HASH_FACTOR) >>> cells[h | H_SHIFT]!)) | 0]!;
        if (entry < 0) continue;
        const hi = (pageHi >>> order) | cells[probe | PROBE_TAG]!;
        do {
          if (cells[entry | TAG_LO] === lo && cells[entry | TAG_HI] === hi) {
            const pages = cells[probe | PROBE_PAGES]!;
            if (pages === 0 || ((cells[entry | STATE]! >>> (STATE_PAGES_SHIFT + (pageLo & pages))) & 1) !== 0) break search;
          }
          entry = cells[entry | CHAIN]!;
        } while (entry >= 0);
      }
      if (h === l2) {
        path.walkDue = 1;
        break records;
      }
      h = l2;
    }
    if (access === 2 && (cells[entry | STATE]! & STATE_DIRTY) === 0) break;

    const lo = cells[entry | TAG_LO]!;
    if (h === l2) {
      // Only where the oldest of the L1 is of the same class: then no count of classes changes.
      const hi = cells[entry | TAG_HI]!;
      const at = (cells[l1 | H_NEWEST]! + (lo & cells[l1 | H_SET_MASK]!)) | 0;
      const place = cells[cells[at]! | NEWER]!;
      const takes = access === 0 ? l1iTakes : l1dTakes;
      if (cells[l1 | H_INVALID] !== 0 || ((cells[place | TAG_HI]! ^ hi) & TAG_CLASS) !== 0 || takes[(hi >>> TAG_CLASS_SHIFT) & 0xff] === 0) break;
      if (access === 0) instructionMisses = (instructionMisses + 1) | 0;
      else dataMisses = (dataMisses + 1) | 0;
      let link = cells[place | BUCKET]!;
      let here = cells[link]!;
      while (here !== place) {
        link = here | CHAIN;
        here = cells[link]!;
      }
      cells[link] = cells[place | CHAIN]!;
      const bucket = (cells[l1 | H_BUCKETS]! + (Math.imul(lo ^ Math.imul(hi & ~TAG_PAGE_HIGH, SALT_FACTOR), HASH_FACTOR) >>> cells[l1 | H_SHIFT]!)) | 0;
      cells[place | TAG_LO] = lo;
      cells[place | TAG_HI] = hi;
      cells[place | STATE] = cells[entry | STATE]!;
      cells[place | FRAME] = cells[entry | FRAME]!;
      cells[place | CHAIN] = cells[bucket]!;
      cells[place | BUCKET] = bucket;
      cells[bucket] = place;
      // The oldest becomes the newest: the ring turns by one.
      cells[at] = place;
    }

    if (cells[h | H_REFRESH] === 0) continue;
    const at = (cells[h | H_NEWEST]! + (lo & cells[h | H_SET_MASK]!)) | 0;
    const newest = cells[at]!;
    if (newest === entry) continue;
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
  path.misses[0] = path.misses[0]! + instructionMisses;
  path.misses[1] = path.misses[1]! + dataMisses;
  return i;
}
