/**
 * membarrier: ordering of memory between the threads of a process.
 *
 * Linux: kernel/sched/membarrier.c. One CPU executes at a time, in program order, so every barrier holds already; what is left are the
 * rules about who registered for what.
 */
import { EINVAL, EPERM } from "../errno.js";
import type { SyscallFamily } from "./abi.js";

const CMD_QUERY = 0;
const CMD_GLOBAL = 1;
const CMD_GLOBAL_EXPEDITED = 2;
const CMD_REGISTER_GLOBAL_EXPEDITED = 4;
const CMD_PRIVATE_EXPEDITED = 8;
const CMD_REGISTER_PRIVATE_EXPEDITED = 16;
const CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32;
const CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64;
const CMD_PRIVATE_EXPEDITED_RSEQ = 128;
const CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256;
const CMD_GET_REGISTRATIONS = 512;
const ALL_COMMANDS = 1023;
const FLAG_CPU = 1;

/** Barriers that need a registration, and the command that registers. */
const REGISTRATION_OF: ReadonlyMap<number, number> = new Map([
  [CMD_PRIVATE_EXPEDITED, CMD_REGISTER_PRIVATE_EXPEDITED],
  [CMD_PRIVATE_EXPEDITED_SYNC_CORE, CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE],
  [CMD_PRIVATE_EXPEDITED_RSEQ, CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ],
]);

export const MEMBARRIER_SYSCALLS: SyscallFamily = {
  membarrier: (_, task, args) => {
    const [command, flags] = [args.int(0), args.uint(1)];
    const mm = task.mm!;
    if (flags !== 0 && (command !== CMD_PRIVATE_EXPEDITED_RSEQ || flags !== FLAG_CPU)) return -EINVAL;
    switch (command) {
      case CMD_QUERY:
        return ALL_COMMANDS;
      case CMD_GLOBAL:
      case CMD_GLOBAL_EXPEDITED:
        return 0;
      case CMD_REGISTER_GLOBAL_EXPEDITED:
      case CMD_REGISTER_PRIVATE_EXPEDITED:
      case CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
      case CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
        mm.membarrier |= command;
        return 0;
      case CMD_GET_REGISTRATIONS: {
        // The two special registrations set the state of the plain one too, but not that it is ready.
        const special = CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
        return (mm.membarrier & special) === 0 ? mm.membarrier : mm.membarrier | CMD_REGISTER_PRIVATE_EXPEDITED;
      }
      default: {
        const registration = REGISTRATION_OF.get(command);
        if (registration === undefined) return -EINVAL;
        return (mm.membarrier & registration) === 0 ? -EPERM : 0;
      }
    }
  },
};
