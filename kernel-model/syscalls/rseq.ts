/**
 * rseq.
 *
 * Linux: kernel/rseq.c.
 */
import { setRseq } from "../kernel/rseq.js";
import type { SyscallFamily } from "./abi.js";

export const RSEQ_SYSCALLS: SyscallFamily = {
  rseq: (kernel, task, args) => setRseq(kernel, task, args.address(0), args.uint(1), args.int(2), args.uint(3)),
};
