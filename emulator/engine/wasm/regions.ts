/**
 * Regions: the blocks of a page that belong to code which runs often, to be translated into one function.
 *
 * From a block that was found running the region grows along direct branches, forwards and backwards, over the blocks of its page. It is entered
 * where calls come in and come back, where indirect branches arrive, and at the heads of loops; a block that leads nowhere else
 * than into it from elsewhere stays with its own function until it gets to one of these.
 */
import type { BlockRange } from "./function-translator.js";
import type { ScannedBlock } from "./guest-code.js";

const MAX_BLOCKS = 96;
const MAX_INSTRUCTIONS = 1500;

/** What is known of the code of a page. */
export interface KnownCode {
  /** The block at an address. */
  scan(start: number): ScannedBlock;
  /** Blocks that have been translated. */
  readonly blocks: Iterable<ScannedBlock>;
  /** Addresses where indirect branches have arrived. */
  readonly arrivals: ReadonlySet<number>;
}

export interface Region {
  readonly blocks: readonly BlockRange[];
  /** Numbers of the blocks where it is entered. */
  readonly entries: readonly number[];
}

/** Known blocks that branches lead to. Others were begun where an exit had left a block, and are parts of it. */
function reached(code: KnownCode): ScannedBlock[] {
  const starts = new Set(code.arrivals);
  for (const { next, comesBack, calls } of code.blocks) for (const start of [...next, comesBack, calls]) if (start !== undefined) starts.add(start);
  return [...code.blocks].filter(({ start }) => starts.has(start));
}

/** The starts of blocks around `from`. */
function grow(code: KnownCode, known: readonly ScannedBlock[], from: number): Map<number, ScannedBlock> {
  const before = new Map<number, number[]>();
  for (const block of known) {
    for (const next of block.comesBack === undefined ? block.next : [...block.next, block.comesBack]) {
      const list = before.get(next);
      if (list === undefined) before.set(next, [block.start]);
      else list.push(block.start);
    }
  }
  const found = new Map<number, ScannedBlock>();
  const wanted = [from];
  let instructions = 0;
  while (wanted.length > 0 && found.size < MAX_BLOCKS && instructions < MAX_INSTRUCTIONS) {
    const start = wanted.shift()!;
    if (found.has(start)) continue;
    const block = code.scan(start);
    found.set(start, block);
    instructions += block.words.length;
    wanted.push(...block.next, ...(before.get(start) ?? []));
    if (block.comesBack !== undefined) wanted.push(block.comesBack);
  }
  return found;
}

/** Cuts blocks where others start inside them. */
function cut(found: ReadonlyMap<number, ScannedBlock>): ScannedBlock[] {
  const starts = [...found.keys()].sort((a, b) => a - b);
  return starts.map((start, index) => {
    const block = found.get(start)!;
    const next = starts[index + 1];
    if (next === undefined || next >= start + 4 * block.words.length) return block;
    return { start, words: block.words.slice(0, (next - start) / 4), next: [next], comesBack: undefined, calls: undefined };
  });
}

/** Blocks that a branch leads back to, by a walk in depth from the blocks in turn. */
function loopHeads(next: readonly (readonly number[])[], first: readonly number[]): Set<number> {
  const heads = new Set<number>();
  const state = new Uint8Array(next.length);
  const visit = (block: number): void => {
    state[block] = 1;
    for (const target of next[block]!) {
      if (state[target] === 1) heads.add(target);
      else if (state[target] === 0) visit(target);
    }
    state[block] = 2;
  };
  for (const block of [...first, ...next.keys()]) if (state[block] === 0) visit(block);
  return heads;
}

/** The region around the block at `from`. */
export function regionAround(code: KnownCode, from: number): Region {
  const known = reached(code);
  const blocks = cut(grow(code, known, from));
  const numbers = new Map(blocks.map(({ start }, number) => [start, number]));
  const next = blocks.map((block) => block.next.map((target) => numbers.get(target)).filter((number) => number !== undefined));
  const entries = new Set<number>();
  const enterAt = (start: number | undefined): void => {
    const number = start === undefined ? undefined : numbers.get(start);
    if (number !== undefined) entries.add(number);
  };
  for (const start of code.arrivals) enterAt(start);
  for (const block of [...known, ...blocks]) {
    enterAt(block.comesBack);
    enterAt(block.calls);
  }
  const targets = new Set(next.flat());
  for (const number of next.keys()) if (!targets.has(number)) entries.add(number);
  for (const head of loopHeads(next, [...entries])) entries.add(head);
  return { blocks: blocks.map(({ start, words }, number) => ({ start, words, next: next[number]! })), entries: [...entries].sort((a, b) => a - b) };
}
