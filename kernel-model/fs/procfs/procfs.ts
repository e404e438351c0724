/**
 * /proc: a directory per process, and the files of the whole machine.
 *
 * Linux: fs/proc/root.c, base.c proc_pid_lookup(), proc_pid_readdir(), self.c, thread_self.c, page.c.
 */
import { EINVAL, EIO, ENOENT } from "../../errno.js";
import type { Kernel } from "../../kernel/kernel.js";
import type { Task, ThreadGroup } from "../../kernel/task.js";
import type { MemorySystem } from "../../mm/memory-system.js";
import type { GtDevice } from "../gt-device.js";
import { dPath } from "../path.js";
import { createPseudoFileSystem, text, type PseudoBinary, type PseudoDirectory, type PseudoNode, type PseudoText } from "../pseudo-fs.js";
import type { FileSystem, Mount } from "../vfs.js";
import { readKpageCount, readKpageFlags } from "./kpage.js";
import { readRemoteVm } from "./mem.js";
import { formatBuddyinfo, formatMeminfo, formatVmstat } from "./meminfo.js";
import { formatMountinfo, formatMounts } from "./mountinfo.js";
import { processDirectory, type ProcessSource } from "./process.js";
import { sysctlDirectory } from "./sysctl.js";
import { formatCpuinfo, formatFilesystems, formatLoadavg, formatStat, formatSwaps, formatUptime, formatVersion } from "./system.js";

const PROC_SUPER_MAGIC = 0x9fa0;
/** Bytes of an entry of kpageflags and kpagecount. */
const KPM_SIZE = 8;

export interface ProcfsOptions {
  readonly sys: MemorySystem;
  /** The kernel; undefined while the machine is being built. */
  readonly kernel: () => Kernel | undefined;
  readonly gt: GtDevice | undefined;
  /** The mounts of the one mount namespace, in mounting order. */
  readonly mounts: readonly Mount[];
  readonly dev: number;
  readonly cpus: number;
}

/** 64-bit words indexed by frame number. */
function kpageFile(sys: MemorySystem, read: (sys: MemorySystem, first: number, into: BigUint64Array) => void): PseudoBinary {
  return {
    kind: "binary",
    mode: 0o400,
    readAt(_file, into, offset) {
      if (offset % KPM_SIZE !== 0 || into.length % KPM_SIZE !== 0) return -EINVAL;
      const first = offset / KPM_SIZE;
      const words = new BigUint64Array(Math.max(0, Math.min(into.length / KPM_SIZE, sys.pages.nr - first)));
      read(sys, first, words);
      into.set(new Uint8Array(words.buffer));
      return words.length * KPM_SIZE;
    },
  };
}

function gtFile(gt: GtDevice): PseudoBinary {
  return { kind: "binary", mode: 0o666, readAt: () => -EINVAL, ioctl: (_file, command, argument, user) => gt.ioctl(command, argument, user) };
}

class Processes {
  private readonly kernel: () => Kernel | undefined;
  private readonly source: ProcessSource;
  /** Directories by task, so that a directory looked up twice is the same inode. */
  private readonly directories = new WeakMap<Task, PseudoDirectory>();
  private readonly threadDirectories = new WeakMap<Task, PseudoDirectory>();

  constructor(kernel: () => Kernel | undefined, mounts: readonly Mount[], cpus: number) {
    this.kernel = kernel;
    const rootOf = (task: Task | undefined) => task?.fs?.root ?? kernel()?.root;
    this.source = {
      pathText: (path) => {
        const root = rootOf(kernel()?.current);
        return root === undefined ? "/" : dPath(path, root);
      },
      readMemory: readRemoteVm,
      cpus,
      mounts: (task) => {
        const root = rootOf(task);
        return root === undefined ? "" : formatMounts(mounts, root);
      },
      mountinfo: (task) => {
        const root = rootOf(task);
        return root === undefined ? "" : formatMountinfo(mounts, root);
      },
    };
  }

  /** Process ids in ascending order. */
  names(): string[] {
    return [...(this.kernel()?.groups.keys() ?? [])].sort((a, b) => a - b).map(String);
  }

  /** A thread's id finds its process too, although listings do not show it. */
  lookup(name: string): PseudoNode | undefined {
    const task = this.task(name);
    return task === undefined ? undefined : this.processOf(task.group);
  }

  private task(name: string): Task | undefined {
    if (!/^[1-9]\d{0,9}$/.test(name)) return undefined;
    const id = Number(name);
    return this.kernel()?.tasks.get(id) ?? this.kernel()?.groups.get(id)?.leader;
  }

  private processOf(group: ThreadGroup): PseudoDirectory {
    const { leader } = group;
    let found = this.directories.get(leader);
    if (found === undefined) {
      const threads: PseudoDirectory = {
        kind: "directory",
        names: () => (group.threads.length === 0 ? [String(leader.pid)] : group.threads.map(({ pid }) => String(pid))),
        lookup: (name) => {
          const task = this.task(name);
          return task?.group === group ? this.threadOf(task) : undefined;
        },
      };
      found = processDirectory(leader, this.source, threads);
      this.directories.set(leader, found);
    }
    return found;
  }

  private threadOf(task: Task): PseudoDirectory {
    let found = this.threadDirectories.get(task);
    if (found === undefined) {
      found = processDirectory(task, this.source, undefined);
      this.threadDirectories.set(task, found);
    }
    return found;
  }
}

/** Makes the file system of /proc. */
export function createProcfs({ sys, kernel, gt, mounts, dev, cpus }: ProcfsOptions): FileSystem {
  const processes = new Processes(kernel, mounts, cpus);
  const withKernel = (format: (kernel: Kernel) => string): PseudoText => ({
    kind: "text",
    mode: 0o444,
    read: () => {
      const machine = kernel();
      return machine === undefined ? -EIO : format(machine);
    },
  });
  const link = (target: (task: Task) => string): PseudoNode => ({
    kind: "link",
    target: () => {
      const task = kernel()?.current;
      return task === undefined ? -ENOENT : target(task);
    },
  });
  const fixed: Readonly<Record<string, PseudoNode>> = {
    self: link((task) => String(task.group.tgid)),
    "thread-self": link((task) => `${task.group.tgid}/task/${task.pid}`),
    mounts: { kind: "link", target: () => "self/mounts" },
    meminfo: text(() => formatMeminfo(sys)),
    vmstat: text(() => formatVmstat(sys)),
    buddyinfo: text(() => formatBuddyinfo(sys)),
    kpageflags: kpageFile(sys, readKpageFlags),
    kpagecount: kpageFile(sys, readKpageCount),
    cpuinfo: withKernel((machine) => formatCpuinfo(machine, cpus)),
    stat: withKernel((machine) => formatStat(machine, cpus)),
    uptime: withKernel(formatUptime),
    loadavg: withKernel(formatLoadavg),
    version: text(formatVersion),
    cmdline: text(() => "\n"),
    filesystems: text(formatFilesystems),
    swaps: text(() => formatSwaps(sys)),
    sys: sysctlDirectory(sys, kernel),
    ...(gt === undefined ? {} : { gt: gtFile(gt) }),
  };
  const root: PseudoDirectory = {
    kind: "directory",
    lookup: (name) => (Object.hasOwn(fixed, name) ? fixed[name] : processes.lookup(name)),
    names: () => [...Object.keys(fixed), ...processes.names()],
  };
  return createPseudoFileSystem({ type: "proc", dev, magic: PROC_SUPER_MAGIC, root, volatile: true });
}
