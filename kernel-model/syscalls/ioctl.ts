/**
 * ioctl: what every file answers; all else is for its operations.
 *
 * Linux: fs/ioctl.c do_vfs_ioctl().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBADF, EFAULT, EOPNOTSUPP, ENOTTY } from "../errno.js";
import { O_ASYNC, O_NONBLOCK, S_IFIFO, S_IFMT, S_IFSOCK, isDirectory, isRegular, isSymlink, type OpenFile } from "../fs/vfs.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily, SyscallResult } from "./abi.js";
import { fileOf } from "./file.js";

const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIOASYNC = 0x5452;
const FIOQSIZE = 0x5460;
const FIGETBSZ = 2;
const FICLONE = 0x40049409;
const FICLONERANGE = 0x4020940d;
const FS_IOC_FIEMAP = 0xc020660b;

/** Signal-driven input: the flag is kept, signals are not sent. */
function fioasync(file: OpenFile, on: boolean): number {
  const type = file.inode.mode & S_IFMT;
  const able = type === S_IFSOCK || type === S_IFIFO;
  if (on === ((file.flags & O_ASYNC) !== 0)) return 0;
  if (!able) return -ENOTTY;
  file.flags = on ? file.flags | O_ASYNC : file.flags & ~O_ASYNC;
  return 0;
}

function ioctl(kernel: Kernel, task: Task, args: SyscallArgs): SyscallResult {
  const [fd, command, argument]: readonly [number, number, Va] = [args.int(0), args.uint(1), args.address(2)];
  const file = fileOf(task, fd);
  if (file === undefined) return -EBADF;
  const { inode } = file;
  const rest = (): number => file.ops.ioctl?.(file, command, argument, kernel.user) ?? -ENOTTY;
  switch (command) {
    case FIOCLEX:
    case FIONCLEX:
      task.files!.setCloseOnExec(fd, command === FIOCLEX);
      return 0;
    case FIONBIO: {
      const on = kernel.user.u32(argument);
      if (on === undefined) return -EFAULT;
      file.flags = on === 0 ? file.flags & ~O_NONBLOCK : file.flags | O_NONBLOCK;
      return 0;
    }
    case FIOASYNC: {
      const on = kernel.user.u32(argument);
      return on === undefined ? -EFAULT : fioasync(file, on !== 0);
    }
    case FIOQSIZE:
      if (!isRegular(inode) && !isDirectory(inode) && !isSymlink(inode)) return -ENOTTY;
      inode.ops.getAttributes?.(inode);
      return kernel.user.putU64(argument, inode.blocks * 512) ? 0 : -EFAULT;
    case FIGETBSZ:
      return kernel.user.put(argument, new CStruct(4).setU32(0, inode.fs.statistics().blockSize).bytes) ? 0 : -EFAULT;
    case FIONREAD:
      if (!isRegular(inode)) return rest();
      return kernel.user.put(argument, new CStruct(4).setU32(0, Math.max(0, inode.size - file.position) % 2 ** 32).bytes) ? 0 : -EFAULT;
    case FICLONE:
    case FICLONERANGE:
      return isRegular(inode) ? -EOPNOTSUPP : -ENOTTY;
    case FS_IOC_FIEMAP:
      return -EOPNOTSUPP;
    default:
      return rest();
  }
}

export const IOCTL_SYSCALLS: SyscallFamily = { ioctl };
