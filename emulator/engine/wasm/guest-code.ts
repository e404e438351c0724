/** Blocks of guest code by their branches alone, before anything is decoded. Arm: DDI 0487 C4.1.93. */

/** Instructions of a block at most, as in the reference engine. */
const MAX_INSTRUCTIONS = 512;

export interface ScannedBlock {
  readonly start: number;
  readonly words: number[];
  /** Targets of its direct branches that are no calls, and the next instruction if it can get there so; on its page. */
  readonly next: number[];
  /** Where a call or an exit comes back to, and what a call calls, if on its page. */
  readonly comesBack: number | undefined;
  readonly calls: number | undefined;
}

function signed(bits: number, width: number): number {
  return (bits << (32 - width)) >> (32 - width);
}

/** What the instruction does to the PC; undefined: it goes to the next one. `call`: it comes back. */
function branchOf(word: number): { readonly offset: number | undefined; readonly falls: boolean; readonly call: boolean } | undefined {
  if ((word & 0x7c00_0000) === 0x1400_0000) {
    const call = word >>> 31 === 1;
    return { offset: 4 * signed(word & 0x3ff_ffff, 26), falls: false, call };
  }
  if ((word & 0xff00_0010) >>> 0 === 0x5400_0000) return { offset: 4 * signed((word >>> 5) & 0x7_ffff, 19), falls: true, call: false };
  if ((word & 0x7e00_0000) === 0x3400_0000) return { offset: 4 * signed((word >>> 5) & 0x7_ffff, 19), falls: true, call: false };
  if ((word & 0x7e00_0000) === 0x3600_0000) return { offset: 4 * signed((word >>> 5) & 0x3fff, 14), falls: true, call: false };
  if ((word & 0xfe00_0000) >>> 0 === 0xd600_0000) return { offset: undefined, falls: false, call: ((word >>> 21) & 7) === 1 };
  if ((word & 0xff00_0000) >>> 0 === 0xd400_0000) return { offset: undefined, falls: false, call: true };
  return undefined;
}

/** The block at `start`, on the page that begins at `page`. `read`: the instruction at an address of the page. */
export function scanBlock(start: number, page: number, pageSize: number, read: (pc: number) => number): ScannedBlock {
  const end = Math.min(page + pageSize, start + 4 * MAX_INSTRUCTIONS);
  const words: number[] = [];
  const inside = (pc: number): boolean => pc >= page && pc < page + pageSize;
  for (let pc = start; pc < end; pc += 4) {
    const word = read(pc);
    words.push(word);
    const branch = branchOf(word);
    if (branch === undefined) continue;
    const next: number[] = [];
    if (branch.falls && inside(pc + 4)) next.push(pc + 4);
    const target = branch.offset === undefined || !inside(pc + branch.offset) ? undefined : pc + branch.offset;
    if (target !== undefined && !branch.call && !next.includes(target)) next.push(target);
    return { start, words, next, comesBack: branch.call && inside(pc + 4) ? pc + 4 : undefined, calls: branch.call ? target : undefined };
  }
  return { start, words, next: inside(end) ? [end] : [], comesBack: undefined, calls: undefined };
}
