/**
 * /sys: the knobs and counters of transparent huge pages, CPU lists, the swap device, and debugfs.
 *
 * Linux: mm/huge_memory.c hugepage_init_sysfs(), drivers/base/cpu.c, mm/memory.c fault_around_debugfs(),
 * drivers/block/zram/zram_drv.c disksize_show().
 */
import { EINVAL, ESRCH } from "../errno.js";
import { hugetlbSizes } from "../mm/hugetlb.js";
import type { MemorySystem } from "../mm/memory-system.js";
import type { MmStruct } from "../mm/mm-struct.js";
import { splitHugePagesAll, splitHugePagesInFile, splitHugePagesOf } from "../mm/split-huge-pages.js";
import type { AddressSpace } from "./file.js";
import { createPseudoFileSystem, directory, text, type PseudoDirectory, type PseudoNode, type PseudoText } from "./pseudo-fs.js";
import type { FileSystem } from "./vfs.js";

const SYSFS_MAGIC = 0x62656572;

type Tree = Map<string, Tree | PseudoNode>;

/** Builds directories out of paths. */
function insert(tree: Tree, path: string, node: PseudoNode): void {
  const parts = path.split("/");
  const last = parts.pop()!;
  let at = tree;
  for (const part of parts) {
    let next = at.get(part);
    if (!(next instanceof Map)) {
      next = new Map();
      at.set(part, next);
    }
    at = next;
  }
  at.set(last, node);
}

function toDirectory(tree: Tree): PseudoDirectory {
  return directory(Object.fromEntries([...tree].map(([name, node]) => [name, node instanceof Map ? toDirectory(node) : node])));
}

/** A knob of transparent_hugepage/: text and error codes are TransparentHugepage's. */
function thpFile(sys: MemorySystem, path: string, mode: number): PseudoText {
  const read = (): string => sys.thp.get(path)!;
  return (mode & 0o200) === 0 ? { kind: "text", mode, read } : { kind: "text", mode, read, write: (value) => sys.thp.set(path, value) };
}

/** fault_around_bytes: rounded down to a power of two, at least one page. Linux: fault_around_bytes_set(). */
function faultAround(sys: MemorySystem): PseudoText {
  const { tunables, granule } = sys;
  return {
    kind: "text",
    mode: 0o644,
    read: () => `${tunables.faultAroundBytes}\n`,
    write(value) {
      const bytes = Number(value.trim());
      if (!Number.isSafeInteger(bytes) || bytes < 0 || Math.floor(bytes / granule.pageSize) > granule.ptrsPerTable) return -EINVAL;
      tunables.faultAroundBytes = 2 ** Math.floor(Math.log2(Math.max(granule.pageSize, bytes)));
      return value.length;
    },
  };
}

/**
 * kernel/mm/hugepages/: the sizes of hugetlb pages and their pools, which have no page and cannot grow, as on a machine whose memory holds no
 * such block in one piece. Linux: mm/hugetlb.c hugetlb_sysfs_init().
 */
function hugetlbPools(tree: Tree, sys: MemorySystem): void {
  for (const size of hugetlbSizes(sys.granule)) {
    const pool = `kernel/mm/hugepages/hugepages-${size / 1024}kB`;
    const none = text(() => "0\n");
    const write = (value: string): number => (/^\s*\d+\s*$/.test(value) ? value.length : -EINVAL);
    const target: PseudoText = { kind: "text", mode: 0o644, read: () => "0\n", write };
    for (const name of ["nr_hugepages", "nr_hugepages_mempolicy"]) insert(tree, `${pool}/${name}`, target);
    let overcommit = 0;
    insert(tree, `${pool}/nr_overcommit_hugepages`, {
      ...target,
      read: () => `${overcommit}\n`,
      write(value) {
        const taken = write(value);
        if (taken >= 0) overcommit = Number(value);
        return taken;
      },
    });
    for (const name of ["free_hugepages", "resv_hugepages", "surplus_hugepages"]) insert(tree, `${pool}/${name}`, none);
  }
}

/** What split_huge_pages asks the kernel for. */
export interface SplitTargets {
  /** The address space of a process. */
  readonly mmOf: (pid: number) => MmStruct | undefined;
  /** The page cache of a file by its path; -errno. */
  readonly fileAt: (path: string) => AddressSpace | number;
}

/** split_huge_pages: "1", "PID,START,END[,ORDER]" or "PATH,FIRST,LAST[,ORDER]". Linux: split_huge_pages_write(). */
function splitHugePages(sys: MemorySystem, { mmOf, fileAt }: SplitTargets): PseudoText {
  return {
    kind: "text",
    mode: 0o200,
    write(value) {
      const input = value.replace(/\0[^]*$/, "").trim();
      const range = /^(.+),(0x[0-9a-f]+),(0x[0-9a-f]+)(?:,(\d+))?$/i.exec(input);
      if (range === null) {
        if (input !== "1") return -EINVAL;
        splitHugePagesAll(sys);
        return value.length;
      }
      const [, what = "", from = "", to = "", order = "0"] = range;
      if (Number(order) >= sys.granule.pmdOrder) return -EINVAL;
      if (/^\d+$/.test(what)) {
        const mm = mmOf(Number(what));
        if (mm === undefined) return -ESRCH;
        splitHugePagesOf(mm, Number(from), Number(to));
        return value.length;
      }
      const mapping = fileAt(what);
      if (typeof mapping === "number") return mapping;
      splitHugePagesInFile(mapping, Number(from), Number(to));
      return value.length;
    },
  };
}

/** CPUs as a bit map: hexadecimal words of 32 bits, as wide as the number of CPUs asks for. Linux: lib/vsprintf.c bitmap_string(). */
function cpumap(first: number, count: number, cpus: number): string {
  const digits = ((2n ** BigInt(count) - 1n) << BigInt(first)).toString(16).padStart(Math.ceil(cpus / 4), "0");
  return digits.replace(/(?=(?:.{8})+$)(?!^)/g, ",");
}

/** Each CPU is a core with one thread, all in one package. Linux: drivers/base/topology.c. */
function cpuTopology(tree: Tree, cpus: number): void {
  const range = (first: number, count: number): string => (count === 1 ? `${first}` : `${first}-${first + count - 1}`);
  insert(tree, "devices/system/cpu/offline", text(() => "\n"));
  for (let cpu = 0; cpu < cpus; cpu++) {
    const say = (name: string, value: string): void => {
      insert(tree, `devices/system/cpu/cpu${cpu}/topology/${name}`, text(() => `${value}\n`));
    };
    say("core_id", `${cpu}`);
    say("physical_package_id", "0");
    const groups = { core_cpus: [cpu, 1], thread_siblings: [cpu, 1], package_cpus: [0, cpus], core_siblings: [0, cpus] } as const;
    for (const [name, [first, count]] of Object.entries(groups)) {
      say(name, cpumap(first, count, cpus));
      say(`${name}_list`, range(first, count));
    }
  }
}

/** `cpus`: number of CPUs. `split`: what debugfs needs of the kernel; without it the file is not there. */
export function createSysfs(sys: MemorySystem, dev: number, cpus: number, split?: SplitTargets): FileSystem {
  const tree: Tree = new Map();
  for (const { path, mode } of sys.thp.files()) insert(tree, `kernel/mm/transparent_hugepage/${path}`, thpFile(sys, path, mode));
  hugetlbPools(tree, sys);
  if (split !== undefined) insert(tree, "kernel/debug/split_huge_pages", splitHugePages(sys, split));
  insert(tree, "kernel/debug/fault_around_bytes", faultAround(sys));
  if (sys.swap !== undefined) {
    const bytes = sys.swap.max * sys.granule.pageSize;
    insert(tree, "block/zram0/disksize", text(() => `${bytes}\n`));
    insert(tree, "block/zram0/initstate", text(() => "1\n"));
    insert(tree, "block/zram0/size", text(() => `${bytes / 512}\n`));
  }
  const list = cpus === 1 ? "0\n" : `0-${cpus - 1}\n`;
  for (const name of ["online", "possible", "present"]) insert(tree, `devices/system/cpu/${name}`, text(() => list));
  cpuTopology(tree, cpus);
  insert(tree, "devices/system/node/online", text(() => "0\n"));
  return createPseudoFileSystem({ type: "sysfs", dev, magic: SYSFS_MAGIC, root: toDirectory(tree), volatile: false });
}
