/**
 * mount(2) of a tmpfs, and umount2(2).
 *
 * Linux: fs/namespace.c path_mount(), do_new_mount(), path_umount(), do_umount().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EBUSY, EINVAL, ENODEV, EPERM } from "../errno.js";
import { resolvePath } from "../fs/path.js";
import type { Path } from "../fs/vfs.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";

const MS_RDONLY = 1;
/** Flags that change nothing for a tmpfs of the guest: nosuid, nodev, noexec, sync, noatime, nodiratime, silent, relatime, strictatime. */
const MS_HARMLESS = 0x2 | 0x4 | 0x8 | 0x10 | 0x400 | 0x800 | 0x8000 | 0x200000 | 0x1000000;
const MS_MGC_MSK = 0xffff0000;
const MS_MGC_VAL = 0xc0ed0000;

const MNT_FORCE = 1;
const UMOUNT_NOFOLLOW = 8;

function placeAt(kernel: Kernel, task: Task, at: Va, follow: boolean): Path | number {
  const path = kernel.user.path(at);
  return typeof path === "number" ? path : resolvePath(task.fs!, path, { follow });
}

function mount(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const { pageSize } = kernel.sys.granule;
  const type = args.address(2) === 0 ? "" : kernel.user.string(args.address(2), pageSize, EINVAL);
  if (typeof type === "number") return type;
  const data = args.address(4);
  const options = data === 0 ? "" : kernel.user.string(data, pageSize, EINVAL);
  if (typeof options === "number") return options;
  const at = placeAt(kernel, task, args.address(1), true);
  if (typeof at === "number") return at;
  if (task.credentials.euid !== 0 || kernel.mounter === undefined) return -EPERM;
  let flags = args.uint(3);
  if ((flags & MS_MGC_MSK) >>> 0 === MS_MGC_VAL) flags &= ~MS_MGC_MSK;
  // Binds, moves, remounts and propagation are not modelled.
  if ((flags & ~(MS_RDONLY | MS_HARMLESS)) !== 0) return -EINVAL;
  if (type === "") return -EINVAL;
  if (type !== "tmpfs") return -ENODEV;
  return kernel.mounter.mount(at, (flags & MS_RDONLY) !== 0 ? `${options},ro` : options);
}

function umount(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const flags = args.int(1);
  // A lazy unmount is one at once, or none.
  if ((flags & ~0xf) !== 0 || (flags & 4) !== 0) return -EINVAL;
  if (task.credentials.euid !== 0 || kernel.mounter === undefined) return -EPERM;
  const at = placeAt(kernel, task, args.address(0), (flags & UMOUNT_NOFOLLOW) === 0);
  if (typeof at === "number") return at;
  if (at.dentry !== at.mount.root) return -EINVAL;
  if ((flags & MNT_FORCE) !== 0 && at.mount.parent === undefined) return -EBUSY;
  const inUse = [...kernel.tasks.values()].some(({ fs }) => fs !== undefined && (fs.root.mount === at.mount || fs.cwd.mount === at.mount));
  return inUse ? -EBUSY : kernel.mounter.unmount(at.mount);
}

export const MOUNT_SYSCALLS: SyscallFamily = { mount, umount2: umount };
