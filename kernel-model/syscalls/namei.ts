/**
 * System calls that make, remove and move names.
 *
 * Linux: fs/namei.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EINVAL, ENOENT } from "../errno.js";
import { makeDirectory, makeLink, makeNode, makeSymlink, removeDirectory, removeName, rename, type Place } from "../fs/namei.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";
import { AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, directoryOf } from "./at.js";
import { placeOf } from "./stat.js";

/** A path argument and where it starts; -errno. */
function place(kernel: Kernel, task: Task, dirfd: number, at: Va): Place | number {
  const path = kernel.user.path(at);
  if (typeof path === "number") return path;
  const from = directoryOf(task, dirfd, path);
  return typeof from === "number" ? from : { path, from };
}

function linkat(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const flags = args.int(4);
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) !== 0) return -EINVAL;
  const object = placeOf(kernel, task, args.int(0), args.address(1), (flags & AT_EMPTY_PATH) | ((flags & AT_SYMLINK_FOLLOW) === 0 ? AT_SYMLINK_NOFOLLOW : 0));
  if (typeof object === "number") return object;
  if (object.path === undefined) return -ENOENT;
  const to = place(kernel, task, args.int(2), args.address(3));
  return typeof to === "number" ? to : makeLink(task.fs!, object.path, to);
}

function renameat2(kernel: Kernel, task: Task, args: SyscallArgs, flags: number): number {
  const from = place(kernel, task, args.int(0), args.address(1));
  if (typeof from === "number") return from;
  const to = place(kernel, task, args.int(2), args.address(3));
  return typeof to === "number" ? to : rename(task.fs!, from, to, flags);
}

export const NAMEI_SYSCALLS: SyscallFamily = {
  mkdirat: (kernel, task, args) => {
    const at = place(kernel, task, args.int(0), args.address(1));
    return typeof at === "number" ? at : makeDirectory(task.fs!, at, args.uint(2));
  },
  mknodat: (kernel, task, args) => {
    const at = place(kernel, task, args.int(0), args.address(1));
    return typeof at === "number" ? at : makeNode(task.fs!, at, args.uint(2) & 0o177777, args.uint(3));
  },
  symlinkat: (kernel, task, args) => {
    const target = kernel.user.path(args.address(0));
    if (typeof target === "number") return target;
    const at = place(kernel, task, args.int(1), args.address(2));
    return typeof at === "number" ? at : makeSymlink(task.fs!, at, target);
  },
  linkat,
  unlinkat: (kernel, task, args) => {
    const flags = args.int(2);
    if ((flags & ~AT_REMOVEDIR) !== 0) return -EINVAL;
    const at = place(kernel, task, args.int(0), args.address(1));
    if (typeof at === "number") return at;
    return flags === 0 ? removeName(task.fs!, at) : removeDirectory(task.fs!, at);
  },
  renameat: (kernel, task, args) => renameat2(kernel, task, args, 0),
  renameat2: (kernel, task, args) => renameat2(kernel, task, args, args.uint(4)),
};
