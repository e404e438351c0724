/**
 * Merging areas: a new or changed range joins its neighbours when nothing but the bounds tells them apart.
 *
 * Linux: mm/vma.c vma_merge_new_range(), vma_merge_existing_range(), vma_modify(), copy_vma(). No NUMA policies and no
 * userfaultfd exist here, so they are not compared; the tree needs no memory, so merging never fails half-way.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { File } from "../fs/file.js";
import { getFile, putFile } from "../fs/vfs.js";
import type { AnonVma } from "./anon-vma.js";
import type { MmStruct } from "./mm-struct.js";
import { anonVmaClone, unlinkAnonVmas } from "./rmap.js";
import { splitVma, unlinkFileVma, vmAreaDup, vmaAdjustTransHuge, vmaLink } from "./vma-ops.js";
import { dropUserfaultfd } from "./userfaultfd-context.js";
import { VM_SPECIAL, VM_UFFD_MISSING, vmaIsAnonymous, vmaPages, type Vma } from "./vma.js";

/** The range [start, end) with what it will be, and the areas before and behind it. Linux: struct vma_merge_struct. */
export interface VmaMerge {
  readonly mm: MmStruct;
  readonly start: Va;
  readonly end: Va;
  /** Page offset of `start`. */
  readonly pgoff: number;
  readonly flags: number;
  readonly droppable: boolean;
  readonly sealed: boolean;
  readonly file: File | undefined;
  readonly anonVma: AnonVma | undefined;
  readonly anonName: string | undefined;
  readonly prev: Vma | undefined;
  readonly next: Vma | undefined;
}

/** A changed property of an area; what is absent stays as it is. */
export interface VmaChange {
  readonly flags?: number;
  readonly sealed?: boolean;
  /** Outer undefined: unchanged. */
  readonly anonName?: { readonly name: string | undefined };
}

function isMergeableVma(merge: VmaMerge, vma: Vma): boolean {
  // Linux joins areas of one userfaultfd too; here an area that has one stays alone.
  if ((vma.flags & VM_UFFD_MISSING) !== 0) return false;
  const sameFlags = vma.flags === merge.flags && vma.droppable === merge.droppable && vma.sealed === merge.sealed;
  return sameFlags && vma.file === merge.file && vma.anonName === merge.anonName;
}

/** An area without anon_vma joins one with, unless that one was cloned from a parent: a fork would then share more than needed. */
function isMergeableAnonVma(a: AnonVma | undefined, b: AnonVma | undefined, vma: Vma | undefined): boolean {
  if ((a === undefined || b === undefined) && (vma === undefined || vma.anonVmaChain.length === 1)) return true;
  return a === b;
}

function canMergeLeft(merge: VmaMerge): boolean {
  const { prev } = merge;
  return (
    prev !== undefined &&
    prev.end === merge.start &&
    isMergeableVma(merge, prev) &&
    isMergeableAnonVma(merge.anonVma, prev.anonVma, prev) &&
    prev.pgoff + vmaPages(prev) === merge.pgoff
  );
}

function canMergeRight(merge: VmaMerge, canLeft: boolean): boolean {
  const { next, prev } = merge;
  const pages = (merge.end - merge.start) / merge.mm.sys.granule.pageSize;
  if (next === undefined || next.start !== merge.end) return false;
  if (!isMergeableVma(merge, next) || !isMergeableAnonVma(merge.anonVma, next.anonVma, next) || next.pgoff !== merge.pgoff + pages) return false;
  // Both neighbours suit the range; they must also suit each other.
  return !canLeft || isMergeableAnonVma(prev?.anonVma, next.anonVma, undefined);
}

/** An area with a close operation is counted by its owner and is never swallowed. */
function canMergeRemove(vma: Vma): boolean {
  return vma.ops?.close === undefined;
}

/** The growing area takes over pages of `src` and must be found from their anon_vma. Linux: dup_anon_vma(). */
function dupAnonVma(dst: Vma, src: Vma): void {
  if (src.anonVma === undefined || dst.anonVma !== undefined) return;
  dst.anonVma = src.anonVma;
  anonVmaClone(dst, src);
}

/** What vma_complete() does with an area that a merge has swallowed. */
function releaseMerged(vma: Vma): void {
  unlinkFileVma(vma);
  if (vma.file !== undefined) putFile(vma.file);
  if (vma.anonVma !== undefined) unlinkAnonVmas(vma);
}

/** `vma` becomes [start, end) from `pgoff` and swallows `removed`. Linux: commit_merge() with expanded set. */
function expandInto(vma: Vma, start: Va, end: Va, pgoff: number, removed: readonly (Vma | undefined)[]): void {
  vmaAdjustTransHuge(vma, start, end);
  for (const other of removed) if (other !== undefined) vma.mm.vmas.remove(other);
  vma.start = start;
  vma.end = end;
  vma.pgoff = pgoff;
  for (const other of removed) if (other !== undefined) releaseMerged(other);
}

/**
 * Tries to cover the empty range by growing a neighbour; returns the grown area. Pre: nothing of the tree overlaps the range,
 * prev and next are its neighbours in the tree (next may be withheld to allow growth upwards only).
 * Linux: vma_merge_new_range(), vma_expand().
 */
export function vmaMergeNewRange(merge: VmaMerge): Vma | undefined {
  const { prev, next } = merge;
  if ((merge.flags & VM_SPECIAL) !== 0) return undefined;
  const left = canMergeLeft(merge);
  const right = canMergeRight(merge, left);
  if (left && right && canMergeRemove(next!)) {
    dupAnonVma(prev!, next!);
    expandInto(prev!, prev!.start, next!.end, prev!.pgoff, [next]);
    return prev;
  }
  if (left) {
    expandInto(prev!, prev!.start, merge.end, prev!.pgoff, []);
    return prev;
  }
  if (right) {
    expandInto(next!, merge.start, next!.end, merge.pgoff, []);
    return next;
  }
  return undefined;
}

/**
 * Tries to give the range of `vma` that is about to become `merge` to a neighbour; returns the area that holds it then, with its
 * old flags and those of the neighbour. Pre: the range is in `vma`. Linux: vma_merge_existing_range().
 */
function vmaMergeExistingRange(vma: Vma, merge: VmaMerge): Vma | undefined {
  const { start, end, prev, next } = merge;
  const leftSide = start === vma.start;
  const rightSide = end === vma.end;
  if ((merge.flags & VM_SPECIAL) !== 0) return undefined;
  const left = leftSide && canMergeLeft(merge);
  let right = rightSide && canMergeRight(merge, left);
  if (!left && !right) return undefined;
  const deletesVma = leftSide && rightSide;
  if (deletesVma && !canMergeRemove(vma)) return undefined;
  if (left && right && !canMergeRemove(next!)) right = false;

  const { pageSize } = merge.mm.sys.granule;
  if (left && right) {
    dupAnonVma(prev!, next!.anonVma !== undefined ? next! : vma);
    expandInto(prev!, prev!.start, next!.end, prev!.pgoff, [vma, next]);
    return prev;
  }
  if (left) {
    dupAnonVma(prev!, vma);
    if (deletesVma) {
      expandInto(prev!, prev!.start, end, prev!.pgoff, [vma]);
    } else {
      const shift = end - vma.start;
      vmaAdjustTransHuge(prev!, prev!.start, end, shift);
      vma.start = end;
      vma.pgoff += shift / pageSize;
      prev!.end = end;
    }
    return prev;
  }
  dupAnonVma(next!, vma);
  const pgoff = next!.pgoff - (end - start) / pageSize;
  if (deletesVma) {
    expandInto(next!, start, next!.end, pgoff, [vma]);
  } else {
    vmaAdjustTransHuge(vma, vma.start, start);
    vma.end = start;
    next!.start = start;
    next!.pgoff = pgoff;
  }
  return next;
}

/** Page offset of `addr` in what `vma` maps. */
export function vmaPgoffOffset(vma: Vma, addr: Va): number {
  return vma.pgoff + (addr - vma.start) / vma.mm.sys.granule.pageSize;
}

/**
 * Makes [start, end) of `vma` an area of its own, or part of a neighbour that has the properties of `change`. Returns the area,
 * whose flags and name the caller then sets, or -errno. Pre: the range lies in `vma`. Linux: vma_modify_flags_name().
 */
export function vmaModify(vma: Vma, start: Va, end: Va, change: VmaChange): Vma | number {
  const { mm } = vma;
  const merged = vmaMergeExistingRange(vma, {
    mm,
    start,
    end,
    pgoff: vmaPgoffOffset(vma, start),
    flags: change.flags ?? vma.flags,
    droppable: vma.droppable,
    sealed: change.sealed ?? vma.sealed,
    file: vma.file,
    anonVma: vma.anonVma,
    anonName: change.anonName === undefined ? vma.anonName : change.anonName.name,
    prev: start === vma.start ? mm.vmas.prev(vma) : vma,
    next: mm.vmas.next(vma),
  });
  if (merged !== undefined) return merged;
  if (vma.start < start) {
    const error = splitVma(vma, start, true);
    if (error !== 0) return error;
  }
  if (vma.end > end) {
    const error = splitVma(vma, end, false);
    if (error !== 0) return error;
  }
  return vma;
}

/** Grows `vma` by `delta` bytes at its end into free space, joining the area behind it if it fits. Linux: vma_merge_extend(). */
export function vmaMergeExtend(vma: Vma, delta: number): Vma | undefined {
  const { mm } = vma;
  return vmaMergeNewRange({
    mm,
    start: vma.end,
    end: (vma.end + delta) as Va,
    pgoff: vma.pgoff + vmaPages(vma),
    flags: vma.flags,
    droppable: vma.droppable,
    sealed: vma.sealed,
    file: vma.file,
    anonVma: vma.anonVma,
    anonName: vma.anonName,
    prev: vma,
    next: mm.vmas.next(vma),
  });
}

/** Where mremap moves to. */
export interface CopiedVma {
  /** The area at the new place. */
  readonly created: Vma;
  /** The area of the old place: another object than before if the copy has swallowed it. */
  readonly source: Vma;
  /** The copy precedes the original in rmap order. */
  readonly needRmapLocks: boolean;
}

/**
 * Makes the destination area of a move: like `vma` but at [addr, addr + len), with page offset `pgoff`. Pre: the range is free.
 * Linux: copy_vma().
 */
export function copyVma(vma: Vma, addr: Va, len: number, pgoff: number): CopiedVma {
  const { mm } = vma;
  const { pageSize } = mm.sys.granule;
  const end = (addr + len) as Va;
  const oldStart = vma.start;
  if (mm.vmas.findIntersection(addr, end) !== undefined) throw new ModelBug(`copy_vma: destination ${addr.toString(16)} is not free`);
  // Never written to: nothing ties the area to its old offset, and the new one lets it merge.
  const offset = vmaIsAnonymous(vma) && vma.anonVma === undefined ? addr / pageSize : pgoff;
  const merged = vmaMergeNewRange({
    mm,
    start: addr,
    end,
    pgoff: offset,
    flags: vma.flags,
    droppable: vma.droppable,
    sealed: vma.sealed,
    file: vma.file,
    anonVma: vma.anonVma,
    anonName: vma.anonName,
    prev: mm.vmas.findPrev(addr),
    next: mm.vmas.find(addr),
  });
  if (merged !== undefined) {
    const source = oldStart >= merged.start && oldStart < merged.end ? merged : vma;
    return { created: merged, source, needRmapLocks: merged.pgoff <= source.pgoff };
  }
  const created = vmAreaDup(vma);
  dropUserfaultfd(created);
  created.start = addr;
  created.end = end;
  created.pgoff = offset;
  anonVmaClone(created, vma);
  if (created.file !== undefined) getFile(created.file);
  created.ops?.open?.(created);
  vmaLink(created);
  return { created, source: vma, needRmapLocks: false };
}
