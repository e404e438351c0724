/**
 * The new address space while exec builds it: a temporary stack at the top of user memory that takes the argument strings.
 *
 * Linux: fs/exec.c bprm_mm_init(), get_arg_page(), copy_strings(), setup_arg_pages(); include/linux/binfmts.h struct linux_binprm.
 */
import { alignDown, type Va } from "../../emulator/arch/addr.js";
import { E2BIG, EFAULT } from "../errno.js";
import type { OpenFile } from "../fs/vfs.js";
import { getUserPagesRemote } from "../mm/gup.js";
import type { MemorySystem } from "../mm/memory-system.js";
import { mmAlloc, mmPut } from "../mm/mm-lifecycle.js";
import type { MmLimits, MmStruct } from "../mm/mm-struct.js";
import { expandDownwards } from "../mm/mmap.js";
import { folioPut } from "../mm/folio.js";
import { insertVmStruct, vmAreaAlloc, vmGetPageProt } from "../mm/vma-ops.js";
import type { Vma } from "../mm/vma.js";
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_RAND_READ, VM_READ, VM_SEQ_READ, VM_WRITE } from "../mm/vma.js";
import { mprotectFixup } from "../mm/mprotect.js";
import type { AddressRandomizer } from "./aslr.js";
import { zeroTerminated } from "./byte-string.js";

/** Flags of the stack area. Linux: VM_STACK_FLAGS. */
const VM_STACK_FLAGS = VM_GROWSDOWN | VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT;
/** Marks the stack while it is being built; no other area has both. Linux: VM_STACK_INCOMPLETE_SETUP. */
const VM_STACK_INCOMPLETE_SETUP = VM_RAND_READ | VM_SEQ_READ;
/** Longest argument in pages. Linux: MAX_ARG_STRLEN. */
const MAX_ARG_PAGES = 32;
/** Strings and pointers may always take this much, in bytes. Linux: ARG_MAX. */
const ARG_MAX = 131072;
const DEFAULT_STACK_BYTES = 8 * 2 ** 20;
/** Bytes by which the fresh stack area is larger than its contents. */
const STACK_EXPAND = 131072;

/** PT_GNU_STACK: executable, not executable, or no wish. */
export type ExecutableStack = "enable" | "disable" | "default";

export interface Binprm {
  readonly mm: MmStruct;
  readonly stack: Vma;
  /** The program to load; the script's interpreter once "#!" was followed. */
  file: OpenFile;
  /** Path for AT_EXECFN and comm: what execve was called with. */
  readonly filename: string;
  /** Path of `file`. */
  interp: string;
  argv: readonly string[];
  readonly envp: readonly string[];
  /** Next free byte below the strings copied so far. */
  p: number;
  /** Address of the file name string. */
  exec: number;
  /** Lowest address that strings may reach (argmin). */
  argMin: number;
}

/** A fresh mm with a one-page stack at the top of user memory; undefined if memory is out. `from`: the mm of the task that executes exec. */
export function bprmMmInit(sys: MemorySystem, limits: MmLimits, addresses: AddressRandomizer, from: MmStruct | undefined): { readonly mm: MmStruct; readonly stack: Vma } | undefined {
  const mm = mmAlloc(sys, limits, from);
  if (mm === undefined) return undefined;
  const flags = VM_STACK_FLAGS | VM_STACK_INCOMPLETE_SETUP;
  const top = addresses.stackTop(mm);
  const stack = vmAreaAlloc(mm, { start: (top - sys.granule.pageSize) as Va, end: top, flags, pgoff: 0 });
  if (insertVmStruct(mm, stack) !== 0) {
    mmPut(mm);
    return undefined;
  }
  mm.temporaryStack = stack;
  mm.stackVm = 1;
  mm.totalVm = 1;
  return { mm, stack };
}

/** Give back an address space that no task uses yet. */
export function bprmRelease(bprm: Binprm): void {
  bprm.mm.temporaryStack = undefined;
  mmPut(bprm.mm);
}

/** Where the strings may reach down to. -E2BIG if not even the pointers fit. Linux: bprm_stack_limits(). */
export function bprmStackLimits(bprm: Binprm): number {
  const pointers = (Math.max(bprm.argv.length, 1) + bprm.envp.length) * 8;
  const limit = Math.max(Math.min((DEFAULT_STACK_BYTES / 4) * 3, Math.floor(bprm.mm.rlimits.stack / 4)), ARG_MAX);
  if (limit <= pointers) return -E2BIG;
  bprm.argMin = bprm.p - (limit - pointers);
  return 0;
}

/**
 * Copy one string and its zero below those that are there, page by page from its end. 0, -E2BIG, or -EFAULT if a page cannot be had.
 * Linux: copy_strings(), copy_string_kernel().
 */
export function copyString(bprm: Binprm, text: string): number {
  const { mm } = bprm;
  const { sys } = mm;
  const { pageSize } = sys.granule;
  const bytes = zeroTerminated(text);
  if (bytes.length > MAX_ARG_PAGES * pageSize) return -E2BIG;
  if (bprm.p - bytes.length < bprm.argMin) return -E2BIG;
  let left = bytes.length;
  let pos = bprm.p;
  bprm.p -= bytes.length;
  while (left > 0) {
    const inPage = pos % pageSize === 0 ? pageSize : pos % pageSize;
    const chunk = Math.min(inPage, left);
    pos -= chunk;
    left -= chunk;
    const at = pos as Va;
    if (at < bprm.stack.start && expandDownwards(bprm.stack, at) < 0) return -E2BIG;
    const frame = getUserPagesRemote(mm, at, { write: true, force: false });
    if (frame < 0) return -EFAULT;
    sys.memory.u8.set(bytes.subarray(left, left + chunk), frame * pageSize + (pos % pageSize));
    sys.frameWritten(frame);
    folioPut(sys, sys.pages.head(frame));
  }
  return 0;
}

/** File name, environment, arguments: the strings of the new program, highest address first. 0 or -errno. */
export function copyAllStrings(bprm: Binprm): number {
  let error = copyString(bprm, bprm.filename);
  if (error < 0) return error;
  bprm.exec = bprm.p;
  for (const text of [...bprm.envp].reverse()) {
    error = copyString(bprm, text);
    if (error < 0) return error;
  }
  for (const text of [...bprm.argv].reverse()) {
    error = copyString(bprm, text);
    if (error < 0) return error;
  }
  return 0;
}

/**
 * Move the stack to its final place and give it its final size and protection. 0 or -errno.
 * Linux: setup_arg_pages(). Without randomisation of addresses the temporary place is the final one.
 */
export function setupArgPages(bprm: Binprm, executable: ExecutableStack): number {
  const { mm, stack } = bprm;
  const { pageSize } = mm.sys.granule;
  mm.argStart = bprm.p as Va;
  let flags = VM_STACK_FLAGS | mm.defFlags | VM_STACK_INCOMPLETE_SETUP;
  if (executable === "enable") flags |= VM_EXEC;
  const error = mprotectFixup(stack, stack.start, stack.end, flags);
  if (error !== 0) return error;
  stack.flags &= ~VM_STACK_INCOMPLETE_SETUP;
  stack.pageProt = vmGetPageProt(mm.sys, stack.flags);
  mm.temporaryStack = undefined;
  const limit = mm.rlimits.stack === Infinity ? Infinity : alignDown(mm.rlimits.stack, pageSize);
  const wanted = Math.min(limit, stack.end - stack.start + STACK_EXPAND);
  mm.startStack = bprm.p as Va;
  return expandDownwards(stack, alignDown(stack.end - wanted, pageSize) as Va) < 0 ? -EFAULT : 0;
}
