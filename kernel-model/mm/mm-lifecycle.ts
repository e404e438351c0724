/**
 * Birth, copy and death of an address space.
 *
 * Linux: kernel/fork.c mm_init(), dup_mm(), dup_mmap(), mmput(); mm/mmap.c exit_mmap().
 * States of an mm_struct: empty (mmAlloc) -> in use (users > 0) -> torn down when the last user leaves (mmPut). It is never
 * used again after that.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { getFile } from "../fs/vfs.js";
import { ENOMEM } from "../errno.js";
import { copyPageRange } from "./fork-copy.js";
import { freePgtables } from "./free-pgtables.js";
import { mmPutHugeZeroFolio } from "./huge-memory.js";
import { PR_MDWE_NO_INHERIT } from "./mman.js";
import { ROOT_MEM_CGROUP } from "./memcontrol.js";
import { khugepagedExit, khugepagedFork } from "./khugepaged-slots.js";
import type { MemorySystem } from "./memory-system.js";
import { NR_MM_COUNTERS, type MmLimits, type MmStruct } from "./mm-struct.js";
import { MmuGather } from "./mmu-gather.js";
import { anonVmaFork } from "./rmap.js";
import { lruAddDrain } from "./swap-lru.js";
import { dropUserfaultfd } from "./userfaultfd-context.js";
import { archPickMmapLayout, vmEnoughMemory, vmUnacctMemory } from "./util.js";
import { getMmRss, removeVma, updateHiwaterRss, vmAreaDup, vmaLink, vmStatAccount } from "./vma-ops.js";
import { VmaTree } from "./vma-tree.js";
import { VM_ACCOUNT, VM_DONTCOPY, VM_LOCKED_MASK, VM_NOHUGEPAGE, VM_WIPEONFORK, vmaPages } from "./vma.js";
import { unmapVmas } from "./zap.js";

/** What a new address space takes over from that of the task that makes it (VM_INIT_DEF_MASK, mmf_init_flags()). */
function inherited(from: MmStruct | undefined): Pick<MmStruct, "defFlags" | "mdwe" | "memcg" | "thpDisabled"> {
  if (from === undefined) return { defFlags: 0, mdwe: 0, memcg: ROOT_MEM_CGROUP, thpDisabled: false };
  const mdwe = (from.mdwe & PR_MDWE_NO_INHERIT) !== 0 ? 0 : from.mdwe;
  return { defFlags: from.defFlags & VM_NOHUGEPAGE, mdwe, memcg: from.memcg, thpDisabled: from.thpDisabled };
}

/**
 * An empty address space with one user, its layout chosen for `limits`; undefined if no frame is left for the root table.
 * `from`: the mm of the task that executes exec or fork. Linux: mm_alloc(), mm_init(), arch_pick_mmap_layout().
 */
export function mmAlloc(sys: MemorySystem, limits: MmLimits, from?: MmStruct): MmStruct | undefined {
  const pgd = sys.pgtable.pgdAlloc();
  if (pgd === -1) return undefined;
  const zero = 0 as Va;
  const mm: MmStruct = {
    id: ++sys.nrMms,
    sys,
    pgd,
    vmas: new VmaTree(),
    contextId: 0,
    users: 1,
    rss: new Int32Array(NR_MM_COUNTERS),
    pgtablesBytes: 0,
    hiwaterRss: 0,
    hiwaterVm: 0,
    totalVm: 0,
    dataVm: 0,
    execVm: 0,
    stackVm: 0,
    lockedVm: 0,
    ...inherited(from),
    membarrier: 0,
    startCode: zero,
    endCode: zero,
    startData: zero,
    endData: zero,
    startBrk: zero,
    brk: zero,
    startStack: zero,
    argStart: zero,
    argEnd: zero,
    envStart: zero,
    envEnd: zero,
    mmapBase: zero,
    topDown: true,
    taskSize: (2 ** sys.granule.vaBits) as Va,
    vdsoBase: zero,
    savedAuxv: [],
    hugeZeroHeld: false,
    tlbFlushBatched: false,
    temporaryStack: undefined,
    rlimits: limits,
    minFlt: 0,
    majFlt: 0,
  };
  archPickMmapLayout(mm);
  return mm;
}

/** One more user: a thread, or someone who looks in from outside. */
export function mmGet(mm: MmStruct): MmStruct {
  mm.users++;
  return mm;
}

/** One user less; the last one tears the address space down. Linux: mmput(), __mmput(). */
export function mmPut(mm: MmStruct): void {
  if (--mm.users > 0) return;
  khugepagedExit(mm);
  exitMmap(mm);
  mmPutHugeZeroFolio(mm);
  mm.sys.pgtable.freePgd(mm);
}

/**
 * Unmaps and releases everything. Entries need no TLB maintenance, because the ASID is not reused before a full flush; freeing
 * the tables takes one flush of the ASID. Linux: exit_mmap().
 */
export function exitMmap(mm: MmStruct): void {
  const vmas = [...mm.vmas];
  if (vmas.length === 0) return;
  mm.sys.observer?.mmExit?.(mm);
  lruAddDrain(mm.sys);
  const tlb = new MmuGather(mm, true);
  updateHiwaterRss(mm);
  unmapVmas(tlb, vmas, 0 as Va, mm.taskSize);
  freePgtables(tlb, vmas, 0 as Va, mm.taskSize);
  tlb.finish();
  let accounted = 0;
  for (const vma of vmas) {
    if ((vma.flags & VM_ACCOUNT) !== 0) accounted += vmaPages(vma);
    mm.vmas.remove(vma);
    removeVma(vma);
  }
  vmUnacctMemory(mm.sys, accounted);
}

/**
 * Fills `mm` with copies of the areas and page tables of `oldmm`: 0 or -ENOMEM, with the areas copied so far in `mm`; the caller
 * then drops it. VM_DONTCOPY areas are left out, VM_WIPEONFORK areas come without pages, nothing is locked. The parent's
 * entries become read-only without TLB maintenance, so one flush of its ASID ends the work, also on failure.
 * Linux: dup_mmap().
 */
export function dupMmap(mm: MmStruct, oldmm: MmStruct): number {
  mm.totalVm = oldmm.totalVm;
  mm.dataVm = oldmm.dataVm;
  mm.execVm = oldmm.execVm;
  mm.stackVm = oldmm.stackVm;
  let error = 0;
  for (const old of oldmm.vmas) {
    if ((old.flags & VM_DONTCOPY) !== 0) {
      vmStatAccount(mm, old.flags, -vmaPages(old));
      continue;
    }
    if ((old.flags & VM_ACCOUNT) !== 0 && vmEnoughMemory(oldmm, vmaPages(old)) !== 0) {
      error = -ENOMEM;
      break;
    }
    const vma = vmAreaDup(old, mm);
    dropUserfaultfd(vma);
    const wipe = (vma.flags & VM_WIPEONFORK) !== 0;
    if (wipe) vma.anonVma = undefined;
    else anonVmaFork(vma, old);
    vma.flags &= ~VM_LOCKED_MASK;
    vma.ops?.open?.(vma);
    if (vma.file !== undefined) getFile(vma.file);
    vmaLink(vma);
    if (!wipe) error = copyPageRange(vma, old);
    if (error !== 0) break;
  }
  oldmm.sys.tlb.flushTlbMm(oldmm);
  return error;
}

/**
 * The address space of a forked child, or undefined if memory is out. `limits` belong to the child. Linux: dup_mm().
 */
export function dupMm(oldmm: MmStruct, limits: MmLimits): MmStruct | undefined {
  const mm = mmAlloc(oldmm.sys, limits, oldmm);
  if (mm === undefined) return undefined;
  mm.startCode = oldmm.startCode;
  mm.endCode = oldmm.endCode;
  mm.startData = oldmm.startData;
  mm.endData = oldmm.endData;
  mm.startBrk = oldmm.startBrk;
  mm.brk = oldmm.brk;
  mm.startStack = oldmm.startStack;
  mm.argStart = oldmm.argStart;
  mm.argEnd = oldmm.argEnd;
  mm.envStart = oldmm.envStart;
  mm.envEnd = oldmm.envEnd;
  mm.mmapBase = oldmm.mmapBase;
  mm.topDown = oldmm.topDown;
  mm.vdsoBase = oldmm.vdsoBase;
  mm.savedAuxv = oldmm.savedAuxv;
  mm.membarrier = oldmm.membarrier;
  khugepagedFork(mm, oldmm);
  if (dupMmap(mm, oldmm) !== 0) {
    mmPut(mm);
    return undefined;
  }
  mm.hiwaterRss = getMmRss(mm);
  mm.hiwaterVm = mm.totalVm;
  return mm;
}
