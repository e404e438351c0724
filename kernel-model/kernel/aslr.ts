/**
 * Address space randomisation, off unless asked for, and seeded.
 *
 * Linux: fs/binfmt_elf.c randomize_stack_top(), mm/util.c arch_mmap_rnd(), mmap_base(), arch_randomize_brk(), arch/arm64 STACK_RND_MASK.
 * Differs: the stack is built at its final place, Linux builds it at the top and moves it.
 */
import { alignDown, alignUp, type Va } from "../../emulator/arch/addr.js";
import type { MmStruct } from "../mm/mm-struct.js";
import { archPickMmapLayout, stackGuardGap } from "../mm/util.js";
import type { SeededRandom } from "./random.js";

/** CONFIG_ARCH_MMAP_RND_BITS by page shift: 12, 14, 16. */
const MMAP_RND_BITS: ReadonlyMap<number, number> = new Map([
  [12, 18],
  [14, 16],
  [16, 14],
]);
/** Bytes over which the stack top is spread (STACK_RND_MASK in pages). */
const STACK_RND_BYTES = 0x40000 * 4096;
const BRK_RND_BYTES = 2 ** 30;

export class AddressRandomizer {
  private readonly random: SeededRandom | undefined;

  /** `random` undefined: every answer is the unrandomised one. */
  constructor(random: SeededRandom | undefined) {
    this.random = random;
  }

  /** Addresses are randomised (kernel.randomize_va_space). */
  get enabled(): boolean {
    return this.random !== undefined;
  }

  private pages(bytes: number, pageSize: number): number {
    return this.random === undefined ? 0 : this.random.below(bytes / pageSize) * pageSize;
  }

  /** End of the stack area. */
  stackTop(mm: MmStruct): Va {
    return (mm.taskSize - this.pages(STACK_RND_BYTES, mm.sys.granule.pageSize)) as Va;
  }

  /** Offset of position independent programs from ELF_ET_DYN_BASE. */
  mmapOffset(mm: MmStruct): number {
    const { pageShift, pageSize } = mm.sys.granule;
    return this.pages(2 ** MMAP_RND_BITS.get(pageShift)! * pageSize, pageSize);
  }

  /** Choose the layout of mmap's area. */
  pickMmapLayout(mm: MmStruct): void {
    archPickMmapLayout(mm);
    if (this.random === undefined) return;
    const offset = this.mmapOffset(mm);
    if (!mm.topDown) mm.mmapBase = (mm.mmapBase + offset) as Va;
    else {
      const gap = Math.min(mm.rlimits.stack + STACK_RND_BYTES + stackGuardGap(mm.sys), Math.floor(mm.taskSize / 6) * 5);
      mm.mmapBase = alignUp(mm.taskSize - gap - offset, mm.sys.granule.pageSize) as Va;
    }
  }

  /** Bytes by which the stack pointer is lowered within its page. */
  stackShuffle(mm: MmStruct): number {
    return this.random === undefined ? 0 : this.random.below(mm.sys.granule.pageSize);
  }

  /** Start of the heap. `moved`: it lies at ELF_ET_DYN_BASE, not behind the program's bss. */
  brk(mm: MmStruct, start: number, moved: boolean): Va {
    if (this.random === undefined) return start as Va;
    const { pageSize } = mm.sys.granule;
    const from = moved ? start : start + pageSize;
    return alignDown(from + this.pages(BRK_RND_BYTES, pageSize), pageSize) as Va;
  }
}
