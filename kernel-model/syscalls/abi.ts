/**
 * The arm64 system call ABI: arguments in X0 to X5, result in X0.
 *
 * Linux: arch/arm64/kernel/syscall.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { Registers } from "../../emulator/engine/engine.js";
import { clampedSize } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Sleep, Task } from "../kernel/task.js";

/** A result: bytes, a descriptor, an address, or -errno; or the wait that will deliver it. */
export type SyscallResult = number | Sleep;
export type SyscallHandler = (kernel: Kernel, task: Task, args: SyscallArgs) => SyscallResult;
/** The calls of one family, by Linux's name. */
export type SyscallFamily = Readonly<Record<string, SyscallHandler>>;

const WIDE = 2 ** 53;

/** The arguments of the call in progress. Read them before the handler returns a Sleep: later the registers may be another task's. */
export class SyscallArgs {
  private readonly registers: Registers;

  constructor(registers: Registers) {
    this.registers = registers;
  }

  /** The register itself, unsigned. */
  u64(index: number): bigint {
    return this.registers.x(index);
  }

  /** An unsigned 64-bit argument (size_t, unsigned long) as a number: exact below 2^53, rounded above, 2^64 for all ones. */
  size(index: number): number {
    return Number(this.registers.x(index));
  }

  /** A user address; see clampedSize for addresses that are none. */
  address(index: number): Va {
    return clampedSize(this.registers.x(index)) as Va;
  }

  /** A signed 64-bit argument (loff_t, long), cut to the exact range of a number. */
  long(index: number): number {
    const value = Number(BigInt.asIntN(64, this.registers.x(index)));
    return Math.max(-(WIDE - 1), Math.min(WIDE - 1, value));
  }

  /** A C int. */
  int(index: number): number {
    return Number(BigInt.asIntN(32, this.registers.x(index)));
  }

  /** A C unsigned int. */
  uint(index: number): number {
    return Number(BigInt.asUintN(32, this.registers.x(index)));
  }
}
