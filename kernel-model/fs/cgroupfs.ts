/**
 * cgroup2 with the memory controller: a root and the groups that the machine was made with.
 *
 * Linux: kernel/cgroup/cgroup.c cgroup_procs_write(), cgroup_procs_show(); mm/memcontrol.c memory_files[], memory_reclaim(). Groups cannot be made or
 * removed, and there are no limits.
 */
import { EAGAIN, EINVAL, ESRCH } from "../errno.js";
import type { Kernel } from "../kernel/kernel.js";
import { memoryReclaim } from "../mm/vmscan.js";
import type { MemorySystem } from "../mm/memory-system.js";
import { createPseudoFileSystem, directory, text, type PseudoNode, type PseudoText } from "./pseudo-fs.js";
import type { FileSystem } from "./vfs.js";

const CGROUP2_MAGIC = 0x63677270;
const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A number of bytes as memparse() takes it, undefined for none. */
function parseBytes(value: string): number | undefined {
  const [, digits, unit] = /^(0x[0-9a-f]+|\d+)([kmg]?)$/i.exec(value) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNITS[unit!.toLowerCase()]!;
}

/** Processes of a group; writing a process id moves the process into it. What it has allocated stays where it was charged. */
function procs(kernel: () => Kernel | undefined, memcg: number): PseudoText {
  return {
    kind: "text",
    mode: 0o644,
    read: () => [...(kernel()?.groups.values() ?? [])].filter(({ leader }) => leader.mm?.memcg === memcg).map(({ tgid }) => `${tgid}\n`).join(""),
    write(value) {
      const word = value.trim();
      if (!/^\d+$/.test(word)) return -EINVAL;
      const pid = Number(word);
      const task = pid === 0 ? kernel()?.current : kernel()?.tasks.get(pid);
      const mm = task?.group.leader.mm;
      if (mm === undefined) return -ESRCH;
      mm.memcg = memcg;
      return value.length;
    },
  };
}

/** memory.reclaim: the number of bytes to reclaim, and swappiness=, which is taken and has no effect on anonymous memory alone. */
function reclaim(sys: MemorySystem, memcg: number): PseudoText {
  return {
    kind: "text",
    mode: 0o200,
    write(value) {
      const [size = "", ...options] = value.trim().split(/ +/);
      const bytes = parseBytes(size);
      if (bytes === undefined || options.some((option) => !/^swappiness=([01]?\d?\d|200)$/.test(option))) return -EINVAL;
      return memoryReclaim(sys, memcg, Math.floor(bytes / sys.granule.pageSize)) === 0 ? value.length : -EAGAIN;
    },
  };
}

/** The file system of all groups that `sys.memcgs` names. */
export function createCgroupfs(sys: MemorySystem, kernel: () => Kernel | undefined, dev: number): FileSystem {
  const files = (memcg: number): Record<string, PseudoNode> => ({
    "cgroup.controllers": text(() => "memory\n"),
    "cgroup.procs": procs(kernel, memcg),
    "cgroup.subtree_control": text(() => (memcg === 0 ? "memory\n" : "\n")),
  });
  const groups = sys.memcgs.names.slice(1).map((name, i): [string, PseudoNode] => {
    const current = text(() => `${sys.memcgs.charged[i + 1]! * sys.granule.pageSize}\n`);
    return [name, directory({ ...files(i + 1), "memory.current": current, "memory.reclaim": reclaim(sys, i + 1) })];
  });
  return createPseudoFileSystem({ type: "cgroup2", dev, magic: CGROUP2_MAGIC, root: directory({ ...files(0), ...Object.fromEntries(groups) }), volatile: false });
}
