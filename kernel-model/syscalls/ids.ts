/**
 * Identifiers of processes, users, groups and sessions.
 *
 * Linux: kernel/sys.c, kernel/groups.c.
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, EPERM, ESRCH, EACCES } from "../errno.js";
import { afterUidChange, capabilitiesOf } from "../kernel/capabilities.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Credentials, Task, ThreadGroup } from "../kernel/task.js";
import type { SyscallFamily, SyscallHandler } from "./abi.js";

const NGROUPS_MAX = 65536;
const INVALID_ID = 0xffffffff;
const PR_SET_KEEPCAPS = 8;
const CAP_SETGID = 1n << 6n;
const CAP_SETUID = 1n << 7n;

const groupOf = (kernel: Kernel, task: Task, pid: number): ThreadGroup | undefined => (pid === 0 ? task.group : kernel.groups.get(pid));

type IdKind = "uid" | "gid";
const FIELDS = {
  uid: { real: "uid", effective: "euid", saved: "suid", fs: "fsuid" },
  gid: { real: "gid", effective: "egid", saved: "sgid", fs: "fsgid" },
} as const;

/** Linux: ns_capable_setid(CAP_SETUID or CAP_SETGID). */
const mayChange = (by: Credentials, kind: IdKind): boolean => (capabilitiesOf(by).effective & (kind === "uid" ? CAP_SETUID : CAP_SETGID)) !== 0n;

/** Set ids that are given, if the caller may: root anything, others only ids they have. Linux: sys_setresuid(). */
function setIds(task: Task, kind: IdKind, real: number | undefined, effective: number | undefined, saved: number | undefined): number {
  const old = task.credentials;
  const fields = FIELDS[kind];
  const own = [old[fields.real], old[fields.effective], old[fields.saved]];
  for (const id of [real, effective, saved]) {
    if (id !== undefined && !mayChange(old, kind) && !own.includes(id)) return -EPERM;
  }
  const next: Credentials = {
    ...old,
    [fields.real]: real ?? old[fields.real],
    [fields.effective]: effective ?? old[fields.effective],
    [fields.saved]: saved ?? old[fields.saved],
    [fields.fs]: effective ?? old[fields.effective],
  };
  const keep = task.prctlFlags.get(PR_SET_KEEPCAPS) === 1;
  // Nothing is to be kept in mind as long as the sets are those that go with the ids.
  const plain = kind === "gid" || (old.capabilities === undefined && !keep);
  changeCredentials(task, plain ? next : afterUidChange(old, next, keep));
  return 0;
}

/** Privilege of the memory limits goes with the effective user. */
function changeCredentials(task: Task, credentials: Credentials): void {
  task.credentials = credentials;
  task.group.mmLimits.privileged = credentials.euid === 0;
}

const idOrKeep = (value: number): number | undefined => (value === INVALID_ID ? undefined : value);

const setres =
  (kind: IdKind): SyscallHandler =>
  (_, task, args) =>
    setIds(task, kind, idOrKeep(args.uint(0)), idOrKeep(args.uint(1)), idOrKeep(args.uint(2)));

/** setreuid: the saved id follows the effective one if the real one is set or the effective one changes to another than the real. */
const setre =
  (kind: IdKind): SyscallHandler =>
  (_, task, args) => {
    const real = idOrKeep(args.uint(0));
    const effective = idOrKeep(args.uint(1));
    const old = task.credentials;
    const follows = real !== undefined || (effective !== undefined && effective !== old[FIELDS[kind].real]);
    return setIds(task, kind, real, effective, follows ? (effective ?? old[FIELDS[kind].effective]) : undefined);
  };

/** setuid: root sets all three, others the effective id. */
const setOne =
  (kind: IdKind): SyscallHandler =>
  (_, task, args) => {
    const id = args.uint(0);
    if (id === INVALID_ID) return -EINVAL;
    return mayChange(task.credentials, kind) ? setIds(task, kind, id, id, id) : setIds(task, kind, undefined, id, undefined);
  };

const getres =
  (kind: IdKind): SyscallHandler =>
  (kernel, task, args) => {
    const { real, effective, saved } = FIELDS[kind];
    const values = [task.credentials[real], task.credentials[effective], task.credentials[saved]];
    return values.every((value, i) => kernel.user.putU32(args.address(i), value)) ? 0 : -EFAULT;
  };

const setfs =
  (kind: IdKind): SyscallHandler =>
  (_, task, args) => {
    const field = FIELDS[kind].fs;
    const old = task.credentials[field];
    const id = args.uint(0);
    const own = Object.values(FIELDS[kind]).map((name) => task.credentials[name]);
    if (id !== INVALID_ID && (mayChange(task.credentials, kind) || own.includes(id))) task.credentials = { ...task.credentials, [field]: id };
    return old;
  };

export const ID_SYSCALLS: SyscallFamily = {
  getpid: (_, task) => task.group.tgid,
  gettid: (_, task) => task.pid,
  /** A first process has the host's init for its parent. */
  getppid: (_, task) => task.group.parent?.tgid ?? 1,
  getuid: (_, task) => task.credentials.uid,
  geteuid: (_, task) => task.credentials.euid,
  getgid: (_, task) => task.credentials.gid,
  getegid: (_, task) => task.credentials.egid,
  setuid: setOne("uid"),
  setgid: setOne("gid"),
  setreuid: setre("uid"),
  setregid: setre("gid"),
  setresuid: setres("uid"),
  setresgid: setres("gid"),
  getresuid: getres("uid"),
  getresgid: getres("gid"),
  setfsuid: setfs("uid"),
  setfsgid: setfs("gid"),

  getgroups: (kernel, task, args) => {
    const size = args.int(0);
    const { groups } = task.credentials;
    if (size < 0) return -EINVAL;
    if (size === 0) return groups.length;
    if (size < groups.length) return -EINVAL;
    const to = args.address(1);
    return groups.every((gid, i) => kernel.user.putU32((to + i * 4) as Va, gid)) ? groups.length : -EFAULT;
  },

  setgroups: (kernel, task, args) => {
    const size = args.int(0);
    if (!mayChange(task.credentials, "gid")) return -EPERM;
    if (size < 0 || size > NGROUPS_MAX) return -EINVAL;
    const groups: number[] = [];
    for (let i = 0; i < size; i++) {
      const gid = kernel.user.u32((args.address(1) + i * 4) as Va);
      if (gid === undefined) return -EFAULT;
      groups.push(gid);
    }
    task.credentials = { ...task.credentials, groups };
    return 0;
  },

  getpgid: (kernel, task, args) => groupOf(kernel, task, args.int(0))?.pgrp ?? -ESRCH,
  getsid: (kernel, task, args) => groupOf(kernel, task, args.int(0))?.session ?? -ESRCH,

  setpgid: (kernel, task, args) => {
    const group = groupOf(kernel, task, args.int(0));
    const wanted = args.int(1);
    if (wanted < 0) return -EINVAL;
    if (group === undefined) return -ESRCH;
    const pgrp = wanted === 0 ? group.tgid : wanted;
    if (group.parent === task.group) {
      if (group.session !== task.group.session) return -EPERM;
      if (group.execed) return -EACCES;
    } else if (group !== task.group) return -ESRCH;
    if (group.session === group.tgid) return -EPERM;
    const exists = [...kernel.groups.values()].some((other) => other.pgrp === pgrp && other.session === task.group.session);
    if (pgrp !== group.tgid && !exists) return -EPERM;
    group.pgrp = pgrp;
    return 0;
  },

  setsid: (kernel, task) => {
    const { group } = task;
    if ([...kernel.groups.values()].some((other) => other.pgrp === group.tgid)) return -EPERM;
    group.session = group.tgid;
    group.pgrp = group.tgid;
    return group.session;
  },
};
