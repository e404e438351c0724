/**
 * mseal: areas that stay as they are.
 *
 * Linux: mm/mseal.c do_mseal(). What a sealed area refuses is checked where it would happen: munmap.ts, mprotect.ts, mremap.ts,
 * madvise.ts.
 */
import { alignUp, isAligned, type Va } from "../../emulator/arch/addr.js";
import { EINVAL, ENOMEM } from "../errno.js";
import type { MmStruct } from "./mm-struct.js";
import { vmaModify } from "./vma-merge.js";

const U64 = 2 ** 64;

/** The whole range is mapped. Linux: check_mm_seal(). */
function isMapped(mm: MmStruct, start: number, end: number): boolean {
  let reached = start;
  for (const vma of mm.vmas.inRange(start, end)) {
    if (vma.start > reached) return false;
    reached = vma.end;
  }
  return reached >= end;
}

/** mseal(2): 0, -EINVAL, or -ENOMEM (a hole in the range, too many areas). There is no way back but exec. */
export function doMseal(mm: MmStruct, start: Va, lenIn: number, flags: number): number {
  const { pageSize } = mm.sys.granule;
  if (flags !== 0 || !isAligned(start, pageSize)) return -EINVAL;
  const len = alignUp(lenIn, pageSize);
  if (len >= U64 || start + len >= U64) return -EINVAL;
  if (len === 0) return 0;
  const end = (start + len) as Va;
  if (!isMapped(mm, start, end)) return -ENOMEM;
  for (let from = start; from < end; ) {
    const vma = mm.vmas.find(from)!;
    const sealed = vma.sealed ? vma : vmaModify(vma, from, vma.end < end ? vma.end : end, { sealed: true });
    if (typeof sealed === "number") return sealed;
    sealed.sealed = true;
    from = sealed.end;
  }
  return 0;
}
