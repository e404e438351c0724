/**
 * Virtual memory areas: what a range of user addresses is. Behaviour lives in mmap.ts, memory.ts and the file systems.
 *
 * Linux: include/linux/mm_types.h struct vm_area_struct, include/linux/mm.h VM_*.
 */
import type { Userfaultfd } from "./userfaultfd-context.js";
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import type { File } from "../fs/file.js";
import type { AnonVma } from "./anon-vma.js";
import type { MmStruct } from "./mm-struct.js";

export const VM_READ = 0x1;
export const VM_WRITE = 0x2;
export const VM_EXEC = 0x4;
export const VM_SHARED = 0x8;
export const VM_MAYREAD = 0x10;
export const VM_MAYWRITE = 0x20;
export const VM_MAYEXEC = 0x40;
export const VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100;
export const VM_UFFD_MISSING = 0x200;
export const VM_PFNMAP = 0x400;
export const VM_LOCKED = 0x2000;
export const VM_IO = 0x4000;
export const VM_SEQ_READ = 0x8000;
export const VM_RAND_READ = 0x10000;
export const VM_DONTCOPY = 0x20000;
export const VM_DONTEXPAND = 0x40000;
export const VM_LOCKONFAULT = 0x80000;
export const VM_ACCOUNT = 0x100000;
export const VM_NORESERVE = 0x200000;
export const VM_WIPEONFORK = 0x2000000;
export const VM_DONTDUMP = 0x4000000;
export const VM_MIXEDMAP = 0x10000000;
export const VM_HUGEPAGE = 0x20000000;
export const VM_NOHUGEPAGE = 0x40000000;
/** Bit 31, so a set that holds it is a negative number; test with `!== 0`. */
export const VM_MERGEABLE = 0x80000000 | 0;
/** Beyond 32 bits in Linux (VM_DROPPABLE, bit 38); kept in `Vma.droppable`. */

/** Sets of the bits above. Linux: include/linux/mm.h, arch/arm64/include/asm/page.h. */
export const VM_ACCESS_FLAGS = VM_READ | VM_WRITE | VM_EXEC;
export const VM_SPECIAL = VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP;
export const VM_LOCKED_MASK = VM_LOCKED | VM_LOCKONFAULT;
/** Flags of brk and other data areas (no READ_IMPLIES_EXEC). */
export const VM_DATA_DEFAULT_FLAGS = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
export const VM_STACK_FLAGS = VM_GROWSDOWN | VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT;
/** Marks the stack while exec builds it; see vma_is_temporary_stack(). */
export const VM_STACK_INCOMPLETE_SETUP = VM_RAND_READ | VM_SEQ_READ;

/** Result of a fault handler: a set of bits. Linux: include/linux/mm_types.h enum vm_fault_reason. */
export const VM_FAULT_OOM = 0x1;
export const VM_FAULT_SIGBUS = 0x2;
export const VM_FAULT_MAJOR = 0x4;
export const VM_FAULT_SIGSEGV = 0x40;
export const VM_FAULT_NOPAGE = 0x100;
export const VM_FAULT_LOCKED = 0x200;
export const VM_FAULT_RETRY = 0x400;
export const VM_FAULT_FALLBACK = 0x800;
export const VM_FAULT_DONE_COW = 0x1000;
export const VM_FAULT_NEEDDSYNC = 0x2000;
export const VM_FAULT_COMPLETED = 0x4000;
export const VM_FAULT_ERROR = VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_FALLBACK;

/** Why and how a fault is handled: a set of bits. Linux: include/linux/mm_types.h enum fault_flag. */
export const FAULT_FLAG_WRITE = 0x1;
export const FAULT_FLAG_MKWRITE = 0x2;
export const FAULT_FLAG_ALLOW_RETRY = 0x4;
export const FAULT_FLAG_RETRY_NOWAIT = 0x8;
export const FAULT_FLAG_KILLABLE = 0x10;
export const FAULT_FLAG_TRIED = 0x20;
export const FAULT_FLAG_USER = 0x40;
export const FAULT_FLAG_REMOTE = 0x80;
export const FAULT_FLAG_INSTRUCTION = 0x100;
export const FAULT_FLAG_INTERRUPTIBLE = 0x200;
export const FAULT_FLAG_UNSHARE = 0x400;
export const FAULT_FLAG_ORIG_PTE_VALID = 0x800;
export const FAULT_FLAG_VMA_LOCK = 0x1000;

/** One fault on its way through the handlers. Linux: struct vm_fault. */
export interface VmFault {
  readonly vma: Vma;
  /** Faulting address rounded down to a page. */
  readonly address: Va;
  /** The exact faulting address. */
  readonly realAddress: Va;
  flags: number;
  /** Page offset of `address` in the file or anonymous object. */
  readonly pgoff: number;
  /** Address of the level-2 entry; -1 until the table above exists. */
  pmd: Pa;
  /** Address of the level-3 entry for `address`; -1 when there is no table. */
  pte: Pa;
  origPte: bigint;
  origPmd: bigint;
  /** Page delivered by a `fault` operation, NO_PFN if none. */
  page: Pfn;
  /** Preallocated private copy for a write to a private file mapping. */
  cowPage: Pfn;
}

/** Of the page protection `pageProt`: the bits for a new page that is written, in a writable area, and the entry of the zero page. */
export interface AnonEntries {
  readonly pageProt: bigint;
  readonly written: bigint;
  readonly zero: bigint;
}

export interface VmOperations {
  readonly name: string;
  /** Bring in the page at vmf.pgoff: sets vmf.page (locked) and returns VM_FAULT_LOCKED, or an error or retry. */
  fault(vmf: VmFault): number;
  /** Fault-around: map page-cache pages `startPgoff` to `endPgoff` (inclusive) that are ready. */
  mapPages?(vmf: VmFault, startPgoff: number, endPgoff: number): number;
  /** A shared page becomes writable. */
  pageMkwrite?(vmf: VmFault): number;
  pfnMkwrite?(vmf: VmFault): number;
  hugeFault?(vmf: VmFault, pmdOrder: number): number;
  /** The range may not be split at this address. */
  maySplit?(vma: Vma, at: Va): boolean;
  /** A reference to the area was added: it was split, duplicated by fork or moved. */
  open?(vma: Vma): void;
  /** The area goes away. Areas with this operation are never removed by a merge. */
  close?(vma: Vma): void;
  /** The area was moved by mremap: 0 or -errno. */
  mremap?(newVma: Vma): number;
}

/** Readahead from swap: the last fault's address, the pages of its window, and how many of them were used since. Linux: swap_readahead_info. */
export interface SwapReadahead {
  readonly addr: number;
  readonly win: number;
  readonly hits: number;
}

export interface Vma {
  /** First byte and end (exclusive), page aligned. Written only by mmap.ts, mremap.ts and stack growth. */
  start: Va;
  end: Va;
  /** VM_* bits. */
  flags: number;
  droppable: boolean;
  /** mseal(): the area may not be unmapped, moved, shrunk or protected differently (VM_SEALED, bit 63 in Linux). */
  sealed: boolean;
  /** Page offset of `start` in the file; for anonymous memory start / page size at creation. */
  pgoff: number;
  readonly mm: MmStruct;
  /** undefined: anonymous. */
  file: File | undefined;
  ops: VmOperations | undefined;
  anonVma: AnonVma | undefined;
  /** anon_vma_chain: every anon_vma whose folios this area may map, newest first. Starts empty; written by rmap.ts only. */
  anonVmaChain: AnonVma[];
  /** vm_page_prot: descriptor bits for a fresh mapping. */
  pageProt: bigint;
  /** What follows from it for anonymous pages; made when it is first needed, and void when `pageProt` is another one. */
  anonEntries?: AnonEntries;
  /** Name shown by maps for special areas: [heap], [stack], [vdso], [vvar]; undefined otherwise. */
  specialName: string | undefined;
  /** Named anonymous memory (PR_SET_VMA_ANON_NAME). */
  anonName: string | undefined;
  /** Who handles faults of absent pages, if VM_UFFD_MISSING is set. Written by userfaultfd.ts. */
  uffd?: Userfaultfd | undefined;
  /** State of readahead from swap; absent before the first swap-in. Written by swap-readahead.ts. */
  swapReadahead?: SwapReadahead;
}

/** vma_is_anonymous(): no operations. */
export function vmaIsAnonymous(vma: Vma): boolean {
  return vma.ops === undefined;
}

/** vma_pages(): length of the area in pages. */
export function vmaPages(vma: Vma): number {
  return (vma.end - vma.start) / vma.mm.sys.granule.pageSize;
}
