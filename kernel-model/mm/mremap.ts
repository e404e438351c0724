/**
 * mremap: changing the size or the place of a mapping.
 *
 * Linux: mm/mremap.c sys_mremap(), mremap_to(), move_vma(), vma_to_resize(), vma_expandable(). The page tables are moved by
 * move-page-tables.ts.
 */
import { alignUp, isAligned, type Va } from "../../emulator/arch/addr.js";
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM } from "../errno.js";
import { mmPopulate } from "./gup.js";
import { MAP_FIXED, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from "./mman.js";
import type { MmStruct } from "./mm-struct.js";
import { movePageTables } from "./move-page-tables.js";
import { doMunmap } from "./munmap.js";
import { unlinkAnonVmas } from "./rmap.js";
import { getUnmappedArea } from "./unmapped-area.js";
import { vmAcctMemory, vmEnoughMemory, vmUnacctMemory } from "./util.js";
import { copyVma, vmaMergeExtend, vmaPgoffOffset } from "./vma-merge.js";
import { mayExpandVm, mlockFutureOk, vmStatAccount } from "./vma-ops.js";
import { VM_ACCOUNT, VM_DONTEXPAND, VM_LOCKED, VM_LOCKED_MASK, VM_MAYSHARE, VM_PFNMAP, VM_SHARED, type Vma } from "./vma.js";

/** The arguments of mremap(2). Lengths in bytes. */
export interface MremapRequest {
  readonly addr: Va;
  readonly oldLen: number;
  readonly newLen: number;
  readonly flags: number;
  readonly newAddr: number;
}

/** Result of a move: the new address or -errno, and whether the area is locked, so that its new part must be faulted in. */
interface Moved {
  readonly addr: number;
  readonly locked: boolean;
}

const failed = (errno: number): Moved => ({ addr: errno, locked: false });

/** The area at `addr` may become `newLen` bytes long: the area or -errno. Linux: vma_to_resize(). */
function vmaToResize(mm: MmStruct, addr: number, oldLen: number, newLen: number, flags: number): Vma | number {
  const { pageSize } = mm.sys.granule;
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) return -EFAULT;
  // Length 0 asks for a second mapping of the same object, which private memory is not.
  if (oldLen === 0 && (vma.flags & (VM_SHARED | VM_MAYSHARE)) === 0) return -EINVAL;
  if ((flags & MREMAP_DONTUNMAP) !== 0 && (vma.flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) return -EINVAL;
  if (oldLen > vma.end - addr) return -EFAULT;
  if (newLen === oldLen) return vma;
  if ((vma.flags & (VM_DONTEXPAND | VM_PFNMAP)) !== 0) return -EFAULT;
  if (!mlockFutureOk(mm, vma.flags, newLen - oldLen)) return -EAGAIN;
  if (!mayExpandVm(mm, vma.flags, (newLen - oldLen) / pageSize)) return -ENOMEM;
  return vma;
}

/** `delta` bytes behind the area are free and within user addresses. Linux: vma_expandable(). */
function vmaExpandable(vma: Vma, delta: number): boolean {
  const { mm } = vma;
  const end = vma.end + delta;
  if (mm.vmas.findIntersection(vma.end, end) !== undefined) return false;
  return getUnmappedArea(mm, undefined, vma.start, end - vma.start, 0, MAP_FIXED) >= 0;
}

/**
 * Moves [oldAddr, oldAddr + oldLen) of `source` to a free place of `newLen` bytes. If a page table cannot be made, what was
 * moved goes back and the new area away again. Linux: move_vma().
 */
function moveVma(source: Vma, oldAddr: Va, oldLen: number, newLen: number, newAddr: Va, flags: number): Moved {
  const { mm } = source;
  const { sys } = mm;
  const { pageSize } = sys.granule;
  const dontUnmap = (flags & MREMAP_DONTUNMAP) !== 0;
  const vmFlags = source.flags;
  if (mm.vmas.count >= sys.tunables.maxMapCount - 3) return failed(-ENOMEM);
  const oldEnd = (oldAddr + oldLen) as Va;
  const { maySplit } = source.ops ?? {};
  if (maySplit !== undefined) {
    if (source.start !== oldAddr && !maySplit(source, oldAddr)) return failed(-EINVAL);
    if (source.end !== oldEnd && !maySplit(source, oldEnd)) return failed(-EINVAL);
  }
  const toAccount = (dontUnmap ? newLen : newLen - oldLen) / pageSize;
  if ((vmFlags & VM_ACCOUNT) !== 0 && vmEnoughMemory(mm, toAccount) !== 0) return failed(-ENOMEM);

  const copied = copyVma(source, newAddr, newLen, vmaPgoffOffset(source, oldAddr));
  const { created } = copied;
  let vma = copied.source;
  const moved = movePageTables(vma, oldAddr, created, newAddr, oldLen);
  const error = moved < oldLen ? -ENOMEM : (vma.ops?.mremap?.(created) ?? 0);
  // What is unmapped below: the old place, or after a failure the new one.
  let goneStart = oldAddr;
  let goneLen = oldLen;
  if (error !== 0) {
    movePageTables(created, newAddr, vma, oldAddr, moved);
    vma = created;
    goneStart = newAddr;
    goneLen = newLen;
  }
  // The commit charge has moved with the pages: hide it from the unmapping.
  let accountStart = false;
  let accountEnd = false;
  if ((vmFlags & VM_ACCOUNT) !== 0 && !dontUnmap) {
    vma.flags &= ~VM_ACCOUNT;
    accountStart = vma.start < goneStart;
    accountEnd = vma.end > goneStart + goneLen;
  }
  const { hiwaterVm } = mm;
  vmStatAccount(mm, vma.flags, newLen / pageSize);
  if (error === 0 && dontUnmap) {
    vma.flags &= ~VM_LOCKED_MASK;
    if (created !== vma && vma.start === oldAddr && vma.end === oldEnd) unlinkAnonVmas(vma);
    return { addr: newAddr, locked: false };
  }
  if (doMunmap(mm, goneStart, goneLen) < 0) {
    if ((vmFlags & VM_ACCOUNT) !== 0) vmAcctMemory(sys, goneLen / pageSize);
    accountStart = false;
    accountEnd = false;
  }
  const locked = (vmFlags & VM_LOCKED) !== 0;
  if (locked) mm.lockedVm += newLen / pageSize;
  mm.hiwaterVm = hiwaterVm;
  if (accountStart) mm.vmas.findPrev(goneStart)!.flags |= VM_ACCOUNT;
  if (accountEnd) mm.vmas.find(goneStart + goneLen)!.flags |= VM_ACCOUNT;
  return { addr: error !== 0 ? error : newAddr, locked };
}

/** MREMAP_FIXED and MREMAP_DONTUNMAP. Linux: mremap_to(). */
function mremapTo(mm: MmStruct, addr: Va, oldLenArgument: number, newAddr: number, newLen: number, flags: number): Moved {
  const { pageSize } = mm.sys.granule;
  let oldLen = oldLenArgument;
  if (!isAligned(newAddr, pageSize)) return failed(-EINVAL);
  if (newLen > mm.taskSize || newAddr > mm.taskSize - newLen) return failed(-EINVAL);
  if (addr + oldLen > newAddr && newAddr + newLen > addr) return failed(-EINVAL);
  // Both unmappings may cut an area; better refuse now than after the destination is gone.
  if (mm.vmas.count + 2 >= mm.sys.tunables.maxMapCount - 3) return failed(-ENOMEM);
  if ((flags & MREMAP_FIXED) !== 0) {
    const error = doMunmap(mm, newAddr as Va, newLen);
    if (error !== 0) return failed(error);
  }
  if (oldLen > newLen) {
    const error = doMunmap(mm, (addr + newLen) as Va, oldLen - newLen);
    if (error !== 0) return failed(error);
    oldLen = newLen;
  }
  const vma = vmaToResize(mm, addr, oldLen, newLen, flags);
  if (typeof vma === "number") return failed(vma);
  if ((flags & MREMAP_DONTUNMAP) !== 0 && !mayExpandVm(mm, vma.flags, oldLen / pageSize)) return failed(-ENOMEM);
  const mapFlags = ((flags & MREMAP_FIXED) !== 0 ? MAP_FIXED : 0) | ((vma.flags & VM_MAYSHARE) !== 0 ? MAP_SHARED : 0);
  const found = getUnmappedArea(mm, vma.file, newAddr, newLen, vmaPgoffOffset(vma, addr), mapFlags);
  if (found < 0) return failed(found);
  return moveVma(vma, addr, oldLen, newLen, ((flags & MREMAP_FIXED) !== 0 ? newAddr : found) as Va, flags);
}

/** The area ends where the old range ends: grow it in place if there is room. undefined: there is none. */
function expandInPlace(vma: Vma, addr: Va, delta: number): Moved | undefined {
  const { mm } = vma;
  const pages = delta / mm.sys.granule.pageSize;
  if (!vmaExpandable(vma, delta)) return undefined;
  const charged = (vma.flags & VM_ACCOUNT) !== 0 ? pages : 0;
  if (charged !== 0 && vmEnoughMemory(mm, charged) !== 0) return failed(-ENOMEM);
  const grown = vmaMergeExtend(vma, delta);
  if (grown === undefined) {
    vmUnacctMemory(mm.sys, charged);
    return failed(-ENOMEM);
  }
  vmStatAccount(mm, grown.flags, pages);
  const locked = (grown.flags & VM_LOCKED) !== 0;
  if (locked) mm.lockedVm += pages;
  return { addr, locked };
}

/**
 * mremap(2): the address of the mapping, or -EINVAL (arguments, overlap), -EFAULT (range not in one area), -ENOMEM (no room,
 * limits), -EPERM (sealed) or -EAGAIN (memlock). Pre: `addr` carries no tag. Linux: sys_mremap().
 */
export function doMremap(mm: MmStruct, request: MremapRequest): Va | number {
  const { addr, flags } = request;
  const { pageSize } = mm.sys.granule;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if ((flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP)) !== 0) return -EINVAL;
  if (has(MREMAP_FIXED) && !has(MREMAP_MAYMOVE)) return -EINVAL;
  if (has(MREMAP_DONTUNMAP) && (!has(MREMAP_MAYMOVE) || request.oldLen !== request.newLen)) return -EINVAL;
  if (!isAligned(addr, pageSize)) return -EINVAL;
  const oldLen = alignUp(request.oldLen, pageSize);
  const newLen = alignUp(request.newLen, pageSize);
  if (newLen === 0 || newLen >= 2 ** 64) return -EINVAL;
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) return -EFAULT;
  if (vma.sealed) return -EPERM;

  const moved = remap(mm, addr, oldLen, newLen, request.newAddr, flags);
  if (moved.addr >= 0 && moved.locked && newLen > oldLen) mmPopulate(mm, (moved.addr + oldLen) as Va, newLen - oldLen, true);
  return moved.addr;
}

function remap(mm: MmStruct, addr: Va, oldLen: number, newLen: number, newAddr: number, flags: number): Moved {
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) !== 0) return mremapTo(mm, addr, oldLen, newAddr, newLen, flags);
  if (oldLen >= newLen) {
    const error = oldLen === newLen ? 0 : doMunmap(mm, (addr + newLen) as Va, oldLen - newLen);
    return { addr: error !== 0 ? error : addr, locked: false };
  }
  const vma = vmaToResize(mm, addr, oldLen, newLen, flags);
  if (typeof vma === "number") return failed(vma);
  if (oldLen === vma.end - addr) {
    const grown = expandInPlace(vma, addr, newLen - oldLen);
    if (grown !== undefined) return grown;
  }
  if ((flags & MREMAP_MAYMOVE) === 0) return failed(-ENOMEM);
  const mapFlags = (vma.flags & VM_MAYSHARE) !== 0 ? MAP_SHARED : 0;
  const found = getUnmappedArea(mm, vma.file, 0, newLen, vmaPgoffOffset(vma, addr), mapFlags);
  return found < 0 ? failed(found) : moveVma(vma, addr, oldLen, newLen, found as Va, flags);
}
