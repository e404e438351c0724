/**
 * The signal frame of arm64: what a handler finds on its stack, and how rt_sigreturn puts the registers back.
 *
 * Linux: arch/arm64/kernel/signal.c setup_rt_frame(), setup_sigframe(), restore_sigframe(), get_sigframe();
 * arch/arm64/include/uapi/asm/sigcontext.h, kernel/signal.c copy_siginfo_to_user(). No SVE, SME or MTE on the modelled CPUs.
 */
import { alignDown, type Va } from "../../emulator/arch/addr.js";
import { CStruct, clampedSize } from "./c-struct.js";
import type { Kernel } from "./kernel.js";
import { BUS_MCEERR_AR, CLD_CONTINUED, SA_ONSTACK, SA_RESTORER, SA_SIGINFO, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP, SI_KERNEL, SI_TIMER, SI_USER, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from "./signal-numbers.js";
import { UNBLOCKABLE } from "./signal-state.js";
import type { AltStack, SigAction, SigInfo, Task } from "./task.js";
import { NO_ALT_STACK, CTX_FPCR, CTX_FPSR, CTX_NZCV, CTX_PC, CTX_SP, CTX_VECTORS } from "./task.js";

export const SIGINFO_BYTES = 128;

/* Offsets in struct rt_sigframe. */
const UC = SIGINFO_BYTES;
const UC_STACK = UC + 16;
const UC_SIGMASK = UC + 40;
/** struct sigcontext, 16-byte aligned. */
const UC_MCONTEXT = UC + 176;
const SC_FAULT_ADDRESS = UC_MCONTEXT;
const SC_REGS = UC_MCONTEXT + 8;
const SC_SP = SC_REGS + 31 * 8;
const SC_PC = SC_SP + 8;
const SC_PSTATE = SC_PC + 8;
/** __reserved[4096]: the extension records. */
const SC_RESERVED = UC_MCONTEXT + 288;
const RESERVED_BYTES = 4096;
const FRAME_BYTES = SC_RESERVED + RESERVED_BYTES;
/** struct frame_record: x29 and x30. */
const FRAME_RECORD_BYTES = 16;

const FPSIMD_MAGIC = 0x46508001;
const FPSIMD_BYTES = 528;
const ESR_MAGIC = 0x45535201;
const ESR_BYTES = 16;
const RECORD_HEADER_BYTES = 8;

/** PSTATE bits that EL0 may set: NZCV (and SSBS, DIT, which the model does not have). */
const PSTATE_NZCV = 0xf0000000n;

/** Layout of the siginfo union for this signal and code. Linux: siginfo_layout(). */
function isFaultLayout({ signo, code }: SigInfo): boolean {
  return code > SI_USER && code < SI_KERNEL && (signo === SIGILL || signo === SIGFPE || signo === SIGSEGV || signo === SIGBUS || signo === SIGTRAP);
}

/** struct siginfo as programs see it. */
export function encodeSigInfo(info: SigInfo): Uint8Array {
  const out = new CStruct(SIGINFO_BYTES);
  out.setU32(0, info.signo).setU32(4, info.errno >>> 0).setU32(8, info.code >>> 0);
  if (isFaultLayout(info)) {
    out.setU64(16, info.addr ?? 0n);
    if (info.signo === SIGBUS && info.code >= BUS_MCEERR_AR) out.setU16(24, 12);
  } else if (info.signo === SIGCHLD && info.code >= 1 && info.code <= CLD_CONTINUED) {
    out.setU32(16, info.pid ?? 0).setU32(20, info.uid ?? 0).setU32(24, (info.status ?? 0) >>> 0);
    out.setU64(32, info.utime ?? 0).setU64(40, info.stime ?? 0);
  } else if (info.signo === SIGSYS && info.code > SI_USER && info.code < SI_KERNEL) {
    out.setU64(16, info.addr ?? 0n).setU32(24, info.syscall ?? 0).setU32(28, 0xc00000b7);
  } else if (info.code === SI_TIMER) {
    out.setU32(16, info.timerId ?? 0).setU32(20, info.overrun ?? 0).setU64(24, info.value ?? 0n);
  } else if (info.band !== undefined) {
    out.setU64(16, info.band).setU32(24, info.fd ?? 0);
  } else {
    out.setU32(16, info.pid ?? 0).setU32(20, info.uid ?? 0).setU64(24, info.value ?? 0n);
  }
  return out.bytes;
}

/** The reverse for rt_sigqueueinfo: fields of the kill and queue layouts. */
export function decodeSigInfo(bytes: Uint8Array, signo: number): SigInfo {
  const from = new CStruct(bytes);
  return { signo, errno: from.i32(4), code: from.i32(8), pid: from.i32(16), uid: from.u32(20), value: from.u64(24) };
}

/** The stack pointer lies on the alternate stack. Linux: on_sig_stack(). */
export function onSigStack(stack: AltStack, sp: bigint): boolean {
  if ((stack.flags & SS_AUTODISARM) !== 0) return false;
  return sp > stack.sp && sp - stack.sp <= stack.size;
}

/** ss_flags as sigaltstack reports them. Linux: sas_ss_flags(). */
export function altStackFlags(stack: AltStack, sp: bigint): number {
  if (stack.size === 0n) return SS_DISABLE;
  return onSigStack(stack, sp) ? SS_ONSTACK : 0;
}

/** Address of the frame for a handler that interrupts at `sp`. Linux: get_sigframe(), sigsp(). */
function frameAddress(task: Task, action: SigAction, sp: bigint): number | undefined {
  const { altStack } = task;
  let top = clampedSize(sp);
  if ((action.flags & SA_ONSTACK) !== 0 && altStackFlags(altStack, sp) === 0) top = clampedSize(altStack.sp + altStack.size);
  const record = alignDown(top - FRAME_RECORD_BYTES, 16);
  const at = alignDown(record, 16) - FRAME_BYTES;
  return at < 0 ? undefined : at;
}

/**
 * Build the frame on the user stack and make the processor enter the handler. False if the stack cannot be written.
 * `mask`: blocked signals that rt_sigreturn restores.
 */
export function setupRtFrame(kernel: Kernel, task: Task, info: SigInfo, action: SigAction, mask: bigint): boolean {
  const context = task.context;
  kernel.processor.saveContext(context);
  const sp = context[CTX_SP]!;
  const at = frameAddress(task, action, sp);
  if (at === undefined) return false;
  const frame = new CStruct(FRAME_BYTES + FRAME_RECORD_BYTES);
  if ((action.flags & SA_SIGINFO) !== 0) frame.bytes.set(encodeSigInfo(info), 0);
  frame.setU64(UC_STACK, task.altStack.sp).setU32(UC_STACK + 8, (altStackFlags(task.altStack, sp) | (task.altStack.flags & SS_AUTODISARM)) >>> 0);
  frame.setU64(UC_STACK + 16, task.altStack.size);
  frame.setU64(UC_SIGMASK, mask);
  frame.setU64(SC_FAULT_ADDRESS, task.faultAddress);
  for (let i = 0; i < 31; i++) frame.setU64(SC_REGS + i * 8, context[i]!);
  frame.setU64(SC_SP, sp).setU64(SC_PC, context[CTX_PC]!).setU64(SC_PSTATE, context[CTX_NZCV]! & PSTATE_NZCV);
  let record = SC_RESERVED;
  frame.setU32(record, FPSIMD_MAGIC).setU32(record + 4, FPSIMD_BYTES);
  frame.setU32(record + 8, Number(context[CTX_FPSR]!)).setU32(record + 12, Number(context[CTX_FPCR]!));
  for (let i = 0; i < 64; i++) frame.setU64(record + 16 + i * 8, context[CTX_VECTORS + i]!);
  record += FPSIMD_BYTES;
  if (task.faultCode !== 0) {
    frame.setU32(record, ESR_MAGIC).setU32(record + 4, ESR_BYTES).setU64(record + 8, task.faultCode);
    record += ESR_BYTES;
  }
  const frameRecord = FRAME_BYTES;
  frame.setU64(frameRecord, context[29]!).setU64(frameRecord + 8, context[30]!);
  // Linux writes field by field; what lies behind the last record is left as it was.
  const used = record + RECORD_HEADER_BYTES;
  const { user } = kernel;
  if (!user.put(at as Va, frame.bytes.subarray(0, used))) return false;
  if (!user.put((at + frameRecord) as Va, frame.bytes.subarray(frameRecord))) return false;

  context[0] = BigInt(info.signo);
  if ((action.flags & SA_SIGINFO) !== 0) {
    context[1] = BigInt(at);
    context[2] = BigInt(at + UC);
  }
  context[29] = BigInt(at + frameRecord);
  context[30] = (action.flags & SA_RESTORER) !== 0 ? action.restorer : BigInt(task.mm!.vdsoBase + kernel.vdso.sigreturnOffset);
  context[CTX_SP] = BigInt(at);
  context[CTX_PC] = action.handler;
  kernel.processor.restoreContext(context);
  if ((task.altStack.flags & SS_AUTODISARM) !== 0) task.altStack = NO_ALT_STACK;
  return true;
}

/** Put back what the frame at SP holds. False if it is damaged: the task gets SIGSEGV. Linux: rt_sigreturn(), restore_sigframe(). */
export function restoreRtFrame(kernel: Kernel, task: Task): boolean {
  const context = task.context;
  kernel.processor.saveContext(context);
  const sp = context[CTX_SP]!;
  if (sp % 16n !== 0n) return false;
  const at = clampedSize(sp) as Va;
  const bytes = kernel.user.read(at, FRAME_BYTES);
  if (typeof bytes === "number") return false;
  const frame = new CStruct(bytes);
  const pstate = frame.u64(SC_PSTATE);
  // Anything but EL0t in AArch64 state is refused. Linux: valid_user_regs().
  if ((pstate & 0x1fn) !== 0n) return false;
  for (let i = 0; i < 31; i++) context[i] = frame.u64(SC_REGS + i * 8);
  context[CTX_SP] = frame.u64(SC_SP);
  context[CTX_PC] = frame.u64(SC_PC);
  context[CTX_NZCV] = pstate & PSTATE_NZCV;
  if (!restoreRecords(frame, context)) return false;
  task.blocked = frame.u64(UC_SIGMASK) & ~UNBLOCKABLE;
  restoreAltStack(task, frame, frame.u64(SC_SP));
  kernel.processor.restoreContext(context);
  task.syscall = -1;
  return true;
}

/** Parse the extension records; an FPSIMD record is required. Linux: parse_user_sigframe(). */
function restoreRecords(frame: CStruct, context: BigUint64Array): boolean {
  let record = SC_RESERVED;
  let fpsimd = false;
  while (record + RECORD_HEADER_BYTES <= FRAME_BYTES) {
    const magic = frame.u32(record);
    const size = frame.u32(record + 4);
    if (magic === 0) return size === 0 && fpsimd;
    if (size < RECORD_HEADER_BYTES || size % 16 !== 0 || record + size > FRAME_BYTES) return false;
    if (magic === FPSIMD_MAGIC) {
      if (size !== FPSIMD_BYTES || fpsimd) return false;
      fpsimd = true;
      context[CTX_FPSR] = BigInt(frame.u32(record + 8));
      context[CTX_FPCR] = BigInt(frame.u32(record + 12));
      for (let i = 0; i < 64; i++) context[CTX_VECTORS + i] = frame.u64(record + 16 + i * 8);
    } else if (magic !== ESR_MAGIC) {
      return false;
    }
    record += size;
  }
  return false;
}

/** Errors in the saved alternate stack are ignored, as restore_altstack() does. */
function restoreAltStack(task: Task, frame: CStruct, sp: bigint): void {
  if (onSigStack(task.altStack, sp)) return;
  const flags = frame.u32(UC_STACK + 8);
  const size = frame.u64(UC_STACK + 16);
  if ((flags & SS_DISABLE) !== 0) task.altStack = NO_ALT_STACK;
  else task.altStack = { sp: frame.u64(UC_STACK), size, flags: flags & SS_AUTODISARM };
}

