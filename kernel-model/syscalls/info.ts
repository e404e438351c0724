/**
 * What the machine is, what a process may use and has used, random numbers, prctl.
 *
 * Linux: kernel/sys.c sys_newuname(), do_prlimit(), getrusage(), sys_prctl(); kernel/sysinfo; drivers/char/random.c sys_getrandom().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, EPERM, ESRCH } from "../errno.js";
import { byteString } from "../kernel/byte-string.js";
import { CAP_LAST_CAP } from "../kernel/capabilities.js";
import { CStruct } from "../kernel/c-struct.js";
import { groupUse, taskUse } from "../kernel/resource-use.js";
import type { Kernel } from "../kernel/kernel.js";
import { updateRlimitCpu } from "../kernel/posix-cpu-timers.js";
import { RLIMIT_CPU, RLIMIT_NOFILE, RLIM_NLIMITS, type RLimit, updateMmLimits } from "../kernel/rlimit.js";
import { NSIG } from "../kernel/signal-numbers.js";
import type { Task } from "../kernel/task.js";
import { UTS_MACHINE, UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from "../kernel/utsname.js";
import { madviseSetAnonName } from "../mm/madvise.js";
import { PR_MDWE_NO_INHERIT, PR_MDWE_REFUSE_EXEC_GAIN } from "../mm/mman.js";
import type { SyscallArgs, SyscallFamily } from "./abi.js";
import { encodeRusage } from "./rusage.js";

const UTS_FIELD_BYTES = 65;

const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
const RLIMIT_BYTES = 16;
/** fs.nr_open: the highest hard limit of descriptors. */
const NR_OPEN = 1048576;

const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;

const GRND_NONBLOCK = 1;
const GRND_RANDOM = 2;
const GRND_INSECURE = 4;
/** Random bytes made at a time. */
const RANDOM_CHUNK = 65536;
const SYSINFO_BYTES = 112;

const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_GET_KEEPCAPS = 7;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NAME = 15;
const PR_GET_NAME = 16;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_GET_SECUREBITS = 27;
const PR_SET_TIMERSLACK = 29;
const PR_GET_TIMERSLACK = 30;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_CHILD_SUBREAPER = 37;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39;
const PR_GET_TID_ADDRESS = 40;
const PR_SET_THP_DISABLE = 41;
const PR_GET_THP_DISABLE = 42;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_IS_SET = 1;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const PR_SET_MDWE = 65;
const PR_GET_MDWE = 66;
const PR_SET_VMA = 0x53564d41;
const PR_SET_VMA_ANON_NAME = 0;
const COMM_BYTES = 16;
const ANON_VMA_NAME_MAX_LEN = 80;
/** READ_IMPLIES_EXEC and relatives change how memory is mapped; ADDR_NO_RANDOMIZE is the default here. */
const ADDR_NO_RANDOMIZE = 0x0040000;
const PERSONALITY_QUERY = 0xffffffff;

function readLimit(kernel: Kernel, at: Va): RLimit | undefined {
  const raw = kernel.user.struct(at, RLIMIT_BYTES);
  if (raw === undefined) return undefined;
  const value = (word: bigint): number => (word === RLIM_INFINITY ? Infinity : Number(word));
  return { soft: value(raw.u64(0)), hard: value(raw.u64(8)) };
}

const encodeLimit = ({ soft, hard }: RLimit): Uint8Array => new CStruct(RLIMIT_BYTES).setU64(0, soft).setU64(8, hard).bytes;

/** Read and set a limit of a process. Linux: do_prlimit(). */
function prlimit(kernel: Kernel, task: Task, of: Task, resource: number, newAt: Va, oldAt: Va): number {
  if (resource >= RLIM_NLIMITS) return -EINVAL;
  let next: RLimit | undefined;
  if (newAt !== 0) {
    next = readLimit(kernel, newAt);
    if (next === undefined) return -EFAULT;
    if (next.soft > next.hard) return -EINVAL;
    if (resource === RLIMIT_NOFILE && next.hard > NR_OPEN) return -EPERM;
  }
  const { limits, mmLimits } = of.group;
  const old = limits[resource]!;
  if (next !== undefined) {
    if (next.hard > old.hard && task.credentials.euid !== 0) return -EPERM;
    limits[resource] = next;
    updateMmLimits(mmLimits, limits);
    if (resource === RLIMIT_CPU) updateRlimitCpu(kernel, of.group);
  }
  return oldAt === 0 || kernel.user.put(oldAt, encodeLimit(old)) ? 0 : -EFAULT;
}

/** Fill user memory with random bytes; the count, cut short by a fault. */
function fillRandom(kernel: Kernel, to: Va, length: number): number {
  let done = 0;
  while (done < length) {
    const bytes = new Uint8Array(Math.min(RANDOM_CHUNK, length - done));
    kernel.random.fill(bytes);
    if (!kernel.user.put((to + done) as Va, bytes)) return done > 0 ? done : -EFAULT;
    done += bytes.length;
  }
  return done;
}

function prctl(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const value = args.u64(1);
  const number = Number(BigInt.asUintN(32, value));
  const noRest = args.u64(2) === 0n && args.u64(3) === 0n && args.u64(4) === 0n;
  const putInt = (result: number): number => (kernel.user.putU32(args.address(1), result) ? 0 : -EFAULT);
  switch (args.int(0)) {
    case PR_SET_PDEATHSIG:
      if (value > BigInt(NSIG)) return -EINVAL;
      task.deathSignal = number;
      return 0;
    case PR_GET_PDEATHSIG:
      return putInt(task.deathSignal);
    case PR_GET_DUMPABLE:
      return task.dumpable;
    case PR_SET_DUMPABLE:
      if (value > 1n) return -EINVAL;
      task.dumpable = number;
      return 0;
    case PR_GET_KEEPCAPS:
      return task.prctlFlags.get(PR_SET_KEEPCAPS) ?? 0;
    case PR_SET_KEEPCAPS:
      if (value > 1n) return -EINVAL;
      task.prctlFlags.set(PR_SET_KEEPCAPS, number);
      return 0;
    case PR_SET_NAME: {
      const bytes = kernel.user.access.strncpyFromUser(args.address(1), COMM_BYTES - 1);
      if (typeof bytes === "number") return bytes;
      task.comm = byteString(bytes);
      return 0;
    }
    case PR_GET_NAME:
      return kernel.user.put(args.address(1), new CStruct(COMM_BYTES).setString(0, task.comm).bytes) ? 0 : -EFAULT;
    case PR_CAPBSET_READ:
      return value <= BigInt(CAP_LAST_CAP) ? 1 : -EINVAL;
    case PR_CAPBSET_DROP:
      // No bounding set is kept: nothing that a guest executes has capabilities of its own.
      return task.credentials.euid !== 0 ? -EPERM : value <= BigInt(CAP_LAST_CAP) ? 0 : -EINVAL;
    case PR_GET_SECUREBITS:
      return 0;
    case PR_CAP_AMBIENT:
      return capAmbient(number, args);
    case PR_SET_TIMERSLACK:
      task.timerSlack = value === 0n ? 50_000 : Number(value);
      return 0;
    case PR_GET_TIMERSLACK:
      return task.timerSlack;
    case PR_SET_CHILD_SUBREAPER:
      task.group.subreaper = value !== 0n;
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      return putInt(task.group.subreaper ? 1 : 0);
    case PR_SET_NO_NEW_PRIVS:
      if (value !== 1n || !noRest) return -EINVAL;
      task.noNewPrivileges = true;
      return 0;
    case PR_GET_NO_NEW_PRIVS:
      if (value !== 0n || !noRest) return -EINVAL;
      return task.noNewPrivileges ? 1 : 0;
    case PR_GET_TID_ADDRESS:
      return kernel.user.putU64(args.address(1), task.clearChildTid) ? 0 : -EFAULT;
    case PR_SET_THP_DISABLE:
      if (!noRest) return -EINVAL;
      task.mm!.thpDisabled = value !== 0n;
      return 0;
    case PR_GET_THP_DISABLE:
      if (value !== 0n || !noRest) return -EINVAL;
      return task.mm!.thpDisabled ? 1 : 0;
    case PR_SET_MDWE:
      return noRest ? setMdwe(task, number) : -EINVAL;
    case PR_GET_MDWE:
      return value === 0n && noRest ? task.mm!.mdwe : -EINVAL;
    case PR_SET_VMA:
      return value === BigInt(PR_SET_VMA_ANON_NAME) ? setAnonName(kernel, task, args) : -EINVAL;
    default:
      return -EINVAL;
  }
}

/** The ambient set is empty; no capability is both permitted and inheritable unless a program made it so, so none can be raised. Linux: cap_task_prctl(). */
function capAmbient(what: number, args: SyscallArgs): number {
  if (args.u64(3) !== 0n || args.u64(4) !== 0n) return -EINVAL;
  if (what === PR_CAP_AMBIENT_CLEAR_ALL) return args.u64(2) === 0n ? 0 : -EINVAL;
  if (what < PR_CAP_AMBIENT_IS_SET || what > PR_CAP_AMBIENT_CLEAR_ALL || args.u64(2) > BigInt(CAP_LAST_CAP)) return -EINVAL;
  return what === PR_CAP_AMBIENT_RAISE ? -EPERM : 0;
}

/** Memory-deny-write-execute cannot be taken back. Linux: prctl_set_mdwe(). */
function setMdwe(task: Task, bits: number): number {
  const mm = task.mm!;
  if ((bits & ~(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT)) !== 0) return -EINVAL;
  if ((bits & PR_MDWE_NO_INHERIT) !== 0 && (bits & PR_MDWE_REFUSE_EXEC_GAIN) === 0) return -EINVAL;
  if (mm.mdwe !== 0 && mm.mdwe !== bits) return -EPERM;
  mm.mdwe = bits;
  return 0;
}

/** Name anonymous memory for /proc/PID/maps. Linux: prctl_set_vma(). */
function setAnonName(kernel: Kernel, task: Task, args: SyscallArgs): number {
  const nameAt = args.address(4);
  let name: string | undefined;
  if (nameAt !== 0) {
    const text = kernel.user.string(nameAt, ANON_VMA_NAME_MAX_LEN, EINVAL);
    if (typeof text === "number") return text;
    // Printable, and nothing that could be mistaken for syntax of maps (is_valid_name_char()).
    if (!/^[ -~]*$/.test(text) || /[\\`$[\]]/.test(text)) return -EINVAL;
    name = text;
  }
  return madviseSetAnonName(task.mm!, args.address(2), args.size(3), name);
}

export const INFO_SYSCALLS: SyscallFamily = {
  uname: (kernel, _, args) => {
    const out = new CStruct(6 * UTS_FIELD_BYTES);
    [UTS_SYSNAME, kernel.hostname, UTS_RELEASE, UTS_VERSION, UTS_MACHINE, kernel.domainname].forEach((text, i) => out.setString(i * UTS_FIELD_BYTES, text));
    return kernel.user.put(args.address(0), out.bytes) ? 0 : -EFAULT;
  },

  sethostname: (kernel, task, args) => {
    const length = args.int(1);
    if (task.credentials.euid !== 0) return -EPERM;
    if (length < 0 || length >= UTS_FIELD_BYTES) return -EINVAL;
    const bytes = kernel.user.read(args.address(0), length);
    if (typeof bytes === "number") return bytes;
    kernel.hostname = byteString(bytes);
    return 0;
  },

  sysinfo: (kernel, _, args) => {
    const { buddy, pages, granule, swap, vmstat } = kernel.sys;
    const out = new CStruct(SYSINFO_BYTES);
    out.setU64(0, Math.floor(kernel.clock.monotonic / 1e9));
    out.setU64(32, pages.nr * granule.pageSize).setU64(40, buddy.nrFree * granule.pageSize);
    out.setU64(48, vmstat.get("nr_shmem") * granule.pageSize);
    out.setU64(64, (swap?.pages ?? 0) * granule.pageSize).setU64(72, (swap?.nrSwapPages ?? 0) * granule.pageSize);
    out.setU16(80, Math.min(kernel.tasks.size, 65535)).setU32(104, 1);
    return kernel.user.put(args.address(0), out.bytes) ? 0 : -EFAULT;
  },

  getrandom: (kernel, _, args) => {
    const flags = args.uint(2);
    if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) return -EINVAL;
    if ((flags & (GRND_RANDOM | GRND_INSECURE)) === (GRND_RANDOM | GRND_INSECURE)) return -EINVAL;
    return fillRandom(kernel, args.address(0), Math.min(args.size(1), 0x7ffff000));
  },

  getrlimit: (kernel, task, args) => prlimit(kernel, task, task, args.uint(0), 0 as Va, args.address(1)),
  setrlimit: (kernel, task, args) => prlimit(kernel, task, task, args.uint(0), args.address(1), 0 as Va),
  prlimit64: (kernel, task, args) => {
    const pid = args.int(0);
    const of = pid === 0 ? task : kernel.tasks.get(pid);
    return of === undefined ? -ESRCH : prlimit(kernel, task, of, args.uint(1), args.address(2), args.address(3));
  },

  getrusage: (kernel, task, args) => {
    const who = args.int(0);
    if (who !== RUSAGE_SELF && who !== RUSAGE_CHILDREN && who !== RUSAGE_THREAD) return -EINVAL;
    const use = who === RUSAGE_CHILDREN ? task.group.childrenUse : who === RUSAGE_SELF ? groupUse(task.group) : taskUse(task);
    return kernel.user.put(args.address(1), encodeRusage(use, kernel.sys.granule.pageSize)) ? 0 : -EFAULT;
  },

  prctl,

  personality: (_, task, args) => {
    const old = task.personality;
    const next = args.uint(0);
    if (next !== PERSONALITY_QUERY) {
      // Other personalities change how memory is mapped; programs that need them find them missing.
      if ((next & ~ADDR_NO_RANDOMIZE) !== 0) return -EINVAL;
      task.personality = next;
    }
    return old;
  },

  umask: (_, task, args) => {
    const fs = task.fs!;
    const old = fs.umask;
    fs.umask = args.uint(0) & 0o777;
    return old;
  },
};
