/**
 * Data and instruction aborts: from the syndrome to the handler of the area, or to a signal.
 *
 * Linux: arch/arm64/mm/fault.c do_mem_abort(), fault_info[], do_translation_fault(), do_page_fault().
 */
import type { Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { ESR_CM, ESR_EC_INSTRUCTION_ABORT_LOWER, ESR_FSC, ESR_WNR, esrClass, FSC_ACCESS_FLAG, FSC_ALIGNMENT, FSC_PERMISSION, FSC_TRANSLATION } from "../../../emulator/arch/esr.js";
import { BUS_ADRALN, BUS_ADRERR, BUS_OBJERR, SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, SIGBUS, SIGKILL, SIGSEGV } from "../../kernel/signal-numbers.js";
import { handleMmFault } from "../../mm/memory.js";
import { expandStack } from "../../mm/mmap.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import {
  FAULT_FLAG_ALLOW_RETRY,
  FAULT_FLAG_INSTRUCTION,
  FAULT_FLAG_INTERRUPTIBLE,
  FAULT_FLAG_KILLABLE,
  FAULT_FLAG_TRIED,
  FAULT_FLAG_USER,
  FAULT_FLAG_VMA_LOCK,
  FAULT_FLAG_WRITE,
  VM_EXEC,
  VM_FAULT_COMPLETED,
  VM_FAULT_ERROR,
  VM_FAULT_MAJOR,
  VM_FAULT_OOM,
  VM_FAULT_RETRY,
  VM_FAULT_SIGBUS,
  VM_READ,
  VM_WRITE,
} from "../../mm/vma.js";

/** FAULT_FLAG_DEFAULT: the handler may drop the lock and ask for a second attempt, and a signal may end the wait. */
const FAULT_FLAG_DEFAULT = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | FAULT_FLAG_INTERRUPTIBLE;
/** More attempts than any handler asks for. */
const MAX_ATTEMPTS = 16;

/** The signal that an abort ends in; for an access by the kernel: the access fails. */
export interface FaultSignal {
  readonly signo: number;
  readonly code: number;
  /** si_addr: the exact faulting address. */
  readonly addr: Va;
  /** The memory of the machine is used up; signo is what the OOM killer sends. */
  readonly outOfMemory: boolean;
}

export interface AbortOptions {
  /** The kernel itself accesses user memory (uaccess), ESR class 0x25. */
  readonly kernelMode?: boolean;
}

function signal(signo: number, code: number, addr: Va, outOfMemory = false): FaultSignal {
  return { signo, code, addr, outOfMemory };
}

/** fault_info[]: what a fault status that no handler resolves ends in. */
function statusSignal(esr: number, far: Va): FaultSignal {
  const code = esr & ESR_FSC;
  switch (code & ~3) {
    case FSC_TRANSLATION:
      return signal(SIGSEGV, SEGV_MAPERR, far);
    case FSC_ACCESS_FLAG:
    case FSC_PERMISSION:
      return signal(SIGSEGV, SEGV_ACCERR, far);
    default:
      break;
  }
  if (code === FSC_ALIGNMENT) return signal(SIGBUS, BUS_ADRALN, far);
  if (code >= 0x10 && code <= 0x1f) return signal(SIGBUS, BUS_OBJERR, far); // external aborts and parity errors
  return signal(SIGKILL, SI_KERNEL, far); // address size, TLB conflict, unsupported atomic update, ...
}

/** The permissions of an area of which one makes the access legal; without Enhanced PAN execute and write imply read. */
function neededPermission(esr: number): number {
  if (esrClass(esr) === ESR_EC_INSTRUCTION_ABORT_LOWER) return VM_EXEC;
  return (esr & (ESR_WNR | ESR_CM)) === ESR_WNR ? VM_WRITE : VM_READ | VM_WRITE | VM_EXEC;
}

function accessFlags(esr: number, kernelMode: boolean): number {
  let flags = FAULT_FLAG_DEFAULT;
  if (!kernelMode) flags |= FAULT_FLAG_USER;
  if (esrClass(esr) === ESR_EC_INSTRUCTION_ABORT_LOWER) return flags | FAULT_FLAG_INSTRUCTION;
  return (esr & (ESR_WNR | ESR_CM)) === ESR_WNR ? flags | FAULT_FLAG_WRITE : flags;
}

/** The signal for a fault that a handler gave up on. */
function faultSignal(fault: number, far: Va): FaultSignal | undefined {
  if ((fault & VM_FAULT_ERROR) === 0) return undefined;
  if ((fault & VM_FAULT_OOM) !== 0) return signal(SIGKILL, SI_KERNEL, far, true);
  if ((fault & VM_FAULT_SIGBUS) !== 0) return signal(SIGBUS, BUS_ADRERR, far);
  return signal(SIGSEGV, SEGV_MAPERR, far);
}

/**
 * A fault that the tables of the mm may resolve. User mode first tries with the lock of the area alone; the mmap_lock path
 * follows if the handler asks for it (VM_FAULT_RETRY), if there is no area, and for the kernel's own accesses.
 */
function doPageFault(mm: MmStruct, far: Va, esr: number, kernelMode: boolean): FaultSignal | undefined {
  const vmFlags = neededPermission(esr);
  let flags = accessFlags(esr, kernelMode);
  if (!kernelMode) {
    const vma = mm.vmas.lookup(far);
    if (vma !== undefined) {
      if ((vma.flags & vmFlags) === 0) return signal(SIGSEGV, SEGV_ACCERR, far);
      const fault = handleMmFault(vma, far, flags | FAULT_FLAG_VMA_LOCK);
      if ((fault & VM_FAULT_RETRY) === 0) return faultSignal(fault, far);
      if (mm.userfaultWait !== undefined) return undefined;
      if ((fault & VM_FAULT_MAJOR) !== 0) flags |= FAULT_FLAG_TRIED;
    }
  }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const vma = expandStack(mm, far);
    if (vma === undefined) return signal(SIGSEGV, SEGV_MAPERR, far);
    if ((vma.flags & vmFlags) === 0) return signal(SIGSEGV, SEGV_ACCERR, far);
    const fault = handleMmFault(vma, far, flags);
    if ((fault & VM_FAULT_COMPLETED) !== 0) return undefined;
    if ((fault & VM_FAULT_RETRY) === 0) return faultSignal(fault, far);
    if (mm.userfaultWait !== undefined) return undefined;
    flags |= FAULT_FLAG_TRIED;
  }
  throw new ModelBug(`do_page_fault: ${far.toString(16)} is retried without end`);
}

/**
 * An abort with syndrome `esr` at the exact address `far` (untagged). undefined: resolved, the access can be repeated, once
 * `mm.userfaultWait` is over if that is set; else the signal that user mode gets. Linux: do_mem_abort().
 */
export function doMemAbort(mm: MmStruct, far: Va, esr: number, { kernelMode = false }: AbortOptions = {}): FaultSignal | undefined {
  mm.sys.observer?.abort(mm, far, esr);
  const status = esr & ESR_FSC & ~3;
  const page = status === FSC_TRANSLATION || status === FSC_ACCESS_FLAG || status === FSC_PERMISSION;
  if (!page || far >= mm.taskSize) return statusSignal(esr, far);
  return doPageFault(mm, far, esr, kernelMode);
}
