/**
 * shmget, shmat, shmdt, shmctl.
 *
 * Linux: ipc/shm.c; include/uapi/linux/shm.h; include/uapi/asm-generic/shmbuf.h struct shmid64_ds, shminfo64.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { isAligned } from "../../emulator/arch/addr.js";
import { EACCES, EFAULT, EINVAL, ENOMEM, ENOSPC } from "../errno.js";
import { putFile } from "../fs/vfs.js";
import { IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, PERM_BYTES, S_IRUGO, S_IWUGO, encodePerm, ipcPerms, updatePerm } from "../ipc/ids.js";
import { SHMALL, SHMMAX, SHMMIN, SHMMNI, SHM_LOCKED, type ShmSegment } from "../ipc/shm.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import { MAP_FIXED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE } from "../mm/mman.js";
import { doMmap } from "../mm/mmap.js";
import { doMunmap } from "../mm/munmap.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";

const SHM_HUGETLB = 0o4000;
const SHM_RDONLY = 0o10000;
const SHM_RND = 0o20000;
const SHM_REMAP = 0o40000;
const SHM_EXEC = 0o100000;
const SHM_LOCK = 11;
const SHM_UNLOCK = 12;
const SHM_STAT = 13;
const SHM_INFO = 14;
const SHM_STAT_ANY = 15;
const SHMID_DS_BYTES = 112;

function shmget(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [key, bytes, flag] = [args.int(0), args.size(1), args.int(2)];
  const { shm } = kernel.ipc;
  const { pageSize } = kernel.sys.granule;
  return shm.ids.getOrMake(
    key,
    flag,
    task.credentials,
    (perm) => {
      if (bytes < SHMMIN || bytes > SHMMAX) return -EINVAL;
      // No pool of huge pages holds any.
      if ((flag & SHM_HUGETLB) !== 0) return -ENOMEM;
      if (shm.pages + Math.ceil(bytes / pageSize) > SHMALL) return -ENOSPC;
      // The commit limit of the heuristic mode: what RAM and swap together could never hold.
      if (bytes > (kernel.sys.pages.nr + (kernel.sys.swap?.pages ?? 0)) * pageSize) return -ENOMEM;
      return shm.make(perm, bytes);
    },
    (segment) => (segment.bytes < bytes ? -EINVAL : 0),
  );
}

/** Where an attachment goes and how: the address (0: anywhere) and MAP_FIXED, or -EINVAL. */
function placement(task: Task, address: Va, flag: number): { readonly address: number; readonly mapFlags: number } | number {
  if (address === 0) return (flag & SHM_REMAP) !== 0 ? -EINVAL : { address, mapFlags: MAP_SHARED };
  const { pageSize } = task.mm!.sys.granule;
  if (isAligned(address, pageSize)) return { address, mapFlags: MAP_SHARED | MAP_FIXED };
  const rounded = Math.floor(address / pageSize) * pageSize;
  return (flag & SHM_RND) === 0 || (rounded === 0 && (flag & SHM_REMAP) !== 0) ? -EINVAL : { address: rounded, mapFlags: MAP_SHARED | MAP_FIXED };
}

function shmat(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const flag = args.int(2);
  const place = placement(task, args.address(1), flag);
  if (typeof place === "number") return place;
  const { shm } = kernel.ipc;
  const segment = shm.ids.get(args.int(0));
  if (typeof segment === "number") return segment;
  const readOnly = (flag & SHM_RDONLY) !== 0;
  const execute = (flag & SHM_EXEC) !== 0;
  if (ipcPerms(segment.perm, task.credentials, S_IRUGO | (readOnly ? 0 : S_IWUGO) | (execute ? 0o111 : 0)) < 0) return -EACCES;
  const mm = task.mm!;
  const { address, mapFlags } = place;
  // Without SHM_REMAP nothing may be there yet.
  if (address !== 0 && (flag & SHM_REMAP) === 0 && !mm.vmas.inRange(address as Va, (address + segment.bytes) as Va).next().done) return -EINVAL;
  const prot = PROT_READ | (readOnly ? 0 : PROT_WRITE) | (execute ? PROT_EXEC : 0);
  const file = shm.open(segment, !readOnly);
  const mapped = doMmap(mm, { addr: address, len: segment.bytes, prot, flags: mapFlags, file, pgoff: 0 });
  if (mapped >= 0) shm.attached(segment);
  putFile(file);
  return mapped;
}

/** Unmaps every part of the attachment that began at an address, also where mprotect or munmap have cut it up. Linux: ksys_shmdt(). */
function shmdt(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const address = args.address(0);
  const mm = task.mm!;
  const { pageSize } = mm.sys.granule;
  if (!isAligned(address, pageSize)) return -EINVAL;
  const { shm } = kernel.ipc;
  let segment: ShmSegment | undefined;
  for (const vma of [...mm.vmas]) {
    if (vma.start < address || (vma.start - address) / pageSize !== vma.pgoff) continue;
    if (segment !== undefined && vma.end - address > Math.ceil(segment.bytes / pageSize) * pageSize) break;
    const here = shm.segmentOf(vma);
    if (here === undefined || (segment !== undefined && here !== segment)) continue;
    segment = here;
    doMunmap(mm, vma.start, vma.end - vma.start);
  }
  return segment === undefined ? -EINVAL : 0;
}

function encodeSegment(segment: ShmSegment): Uint8Array {
  const out = new CStruct(SHMID_DS_BYTES);
  encodePerm(out, segment.perm);
  out.setU64(48, segment.bytes).setU64(56, segment.attachTime).setU64(64, segment.detachTime).setU64(72, segment.changeTime);
  return out.setU32(80, segment.creator).setU32(84, segment.lastPid).setU64(88, segment.attached).bytes;
}

function stat(kernel: Kernel, task: Task, id: number, command: number, to: Va): number {
  const { ids } = kernel.ipc.shm;
  const segment = command === IPC_STAT ? ids.get(id) : ids.at(id);
  if (typeof segment === "number") return segment;
  if (command !== SHM_STAT_ANY && ipcPerms(segment.perm, task.credentials, S_IRUGO) < 0) return -EACCES;
  if (!kernel.user.put(to, encodeSegment(segment))) return -EFAULT;
  return command === IPC_STAT ? 0 : segment.perm.id;
}

function shmctl(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const [id, command, at] = [args.int(0), args.int(1), args.address(2)];
  const { shm } = kernel.ipc;
  if (command < 0 || id < 0) return -EINVAL;
  switch (command) {
    case IPC_INFO: {
      const all = new CStruct(72).setU64(0, SHMMAX).setU64(8, SHMMIN).setU64(16, SHMMNI).setU64(24, SHMMNI).setU64(32, SHMALL);
      return kernel.user.put(at, all.bytes) ? Math.max(0, shm.ids.maxIndex) : -EFAULT;
    }
    case SHM_INFO: {
      const info = new CStruct(48).setU32(0, shm.ids.inUse).setU64(8, shm.pages).setU64(16, shm.residentPages());
      return kernel.user.put(at, info.bytes) ? Math.max(0, shm.ids.maxIndex) : -EFAULT;
    }
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
      return stat(kernel, task, id, command, at);
    case IPC_RMID:
    case IPC_SET:
    case SHM_LOCK:
    case SHM_UNLOCK: {
      const segment = shm.ids.owned(id, task.credentials);
      if (typeof segment === "number") return segment;
      if (command === IPC_RMID) shm.markDestroyed(segment);
      else if (command === IPC_SET) {
        const from = kernel.user.struct(at, PERM_BYTES);
        if (from === undefined) return -EFAULT;
        updatePerm(segment.perm, from);
        segment.changeTime = kernel.clock.realtime.seconds;
      } else if (command === SHM_LOCK) segment.perm.mode |= SHM_LOCKED;
      else segment.perm.mode &= ~SHM_LOCKED;
      return 0;
    }
    default:
      return -EINVAL;
  }
}

export const SHM_SYSCALLS: SyscallFamily = { shmget, shmat, shmdt, shmctl };
