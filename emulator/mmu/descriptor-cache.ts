/**
 * The data caches as a table walk sees them: descriptors are fetched through up to three levels of them, so that a walk has a cost.
 *
 * Only descriptor fetches pass through: the program's own data, which competes for the same lines on hardware, does not.
 *
 * Arm: DDI 0487, TCR_EL1.IRGN0 and ORGN0 (table walks are cacheable; Linux has write-back), PMU event L1D_CACHE (counts them on Cortex-A76).
 */
import type { DescriptorCacheSpec } from "./walker-facts.js";

/** log2 of the 8-byte descriptors in a line of 64 bytes. */
const LINE_SHIFT = 3;
const NO_LINE = -1;

interface Level {
  readonly sets: number;
  readonly ways: number;
  /** Line numbers by set, each set's newest first. */
  readonly lines: Int32Array;
}

/** Bytes of a line. */
export const LINE_BYTES = 64;

export class DescriptorCache {
  /** Fetches that level n of the list answered; the last: fetches that none did. */
  readonly found: Float64Array;
  private readonly levels: readonly Level[];
  /** Caches of other walkers that make the same fetches. */
  private readonly others: DescriptorCache[] = [];

  /** The caches in the order in which they are asked, each with a power of two of sets. No cache: every fetch is one that none answers. */
  constructor(specs: readonly DescriptorCacheSpec[]) {
    this.levels = specs.map(({ bytes, ways }) => ({ sets: bytes / LINE_BYTES / ways, ways, lines: new Int32Array(bytes / LINE_BYTES).fill(NO_LINE) }));
    this.found = new Float64Array(specs.length + 1);
  }

  /** From now on every fetch is one of the other cache too. */
  alsoFetchFor(other: DescriptorCache): void {
    this.others.push(other);
  }

  /** Fetch the descriptor at this position (physical address / 8). The levels that do not have its line get it, in place of their oldest. */
  fetch(descriptorIndex: number): void {
    const line = descriptorIndex >>> LINE_SHIFT;
    const { levels, found } = this;
    let level = 0;
    while (level < levels.length && !use(levels[level]!, line)) level++;
    found[level] = found[level]! + 1;
    if (this.others.length > 0) for (const other of this.others) other.fetch(descriptorIndex);
  }
}

/** Make the line the newest of its set, which moves those before it back by one; false if the oldest had to go for it. */
function use({ lines, sets, ways }: Level, line: number): boolean {
  const first = (line & (sets - 1)) * ways;
  const end = first + ways;
  let newer = line;
  for (let at = first; at < end; at++) {
    const here = lines[at]!;
    lines[at] = newer;
    if (here === line) return true;
    newer = here;
  }
  return false;
}
