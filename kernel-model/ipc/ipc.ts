/**
 * System V IPC of one machine.
 *
 * Linux: include/linux/ipc_namespace.h struct ipc_namespace. There is one namespace.
 */
import type { MemorySystem } from "../mm/memory-system.js";
import { MessageQueues } from "./msg.js";
import { SemaphoreSets } from "./sem.js";
import { SharedMemory, type IpcClock } from "./shm.js";

export interface Ipc {
  readonly shm: SharedMemory;
  readonly sem: SemaphoreSets;
  readonly msg: MessageQueues;
}

export function createIpc(sys: MemorySystem, clock: IpcClock): Ipc {
  return { shm: new SharedMemory(sys, clock), sem: new SemaphoreSets(), msg: new MessageQueues() };
}
