/**
 * The kernel's own file systems, mounted nowhere: pipes, sockets, memory files, anonymous inodes.
 *
 * Linux: fs/pipe.c pipefs, net/socket.c sockfs, fs/anon_inodes.c, mm/shmem.c shm_mnt.
 */
import type { MemorySystem } from "../mm/memory-system.js";
import { Network } from "../net/network.js";
import { totalramPages } from "../mm/util.js";
import { bufferBudgetOf, type BufferBudget } from "./buffer-budget.js";
import { AnonFs } from "./anon-files.js";
import { MemoryFiles } from "./memory-files.js";
import type { Timespec } from "./vfs.js";

export interface InternalFileSystems {
  readonly pipes: AnonFs;
  readonly sockets: AnonFs;
  readonly anonInodes: AnonFs;
  readonly memory: MemoryFiles;
  /** What pipes and sockets may hold. */
  readonly buffers: BufferBudget;
  /** Names of sockets. */
  readonly network: Network;
}

const PIPEFS_MAGIC = 0x50495045;
const SOCKFS_MAGIC = 0x534f434b;
const ANON_INODE_FS_MAGIC = 0x09041934;

/** Made once per kernel; device numbers above those of mounted file systems. */
export function createInternalFileSystems(sys: MemorySystem, now: () => Timespec): InternalFileSystems {
  return {
    pipes: new AnonFs({ type: "pipefs", dev: 0xf0, magic: PIPEFS_MAGIC, now }),
    sockets: new AnonFs({ type: "sockfs", dev: 0xf1, magic: SOCKFS_MAGIC, now }),
    anonInodes: new AnonFs({ type: "anon_inodefs", dev: 0xf2, magic: ANON_INODE_FS_MAGIC, now }),
    memory: new MemoryFiles(sys, now),
    buffers: bufferBudgetOf(totalramPages(sys) * sys.granule.pageSize),
    network: new Network(),
  };
}
