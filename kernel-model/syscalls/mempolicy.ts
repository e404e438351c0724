/**
 * Memory policies and page migration on a machine with one node.
 *
 * Linux: mm/mempolicy.c kernel_mbind(), kernel_get_mempolicy(), kernel_set_mempolicy(), get_nodes(); mm/migrate.c kernel_move_pages().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { pmdTable, pmdTransHuge, ptePresent } from "../arch/arm64/pte.js";
import { EFAULT, EINVAL, ENODEV, ENOENT, EPERM, ESRCH } from "../errno.js";
import { CStruct } from "../kernel/c-struct.js";
import type { Kernel } from "../kernel/kernel.js";
import type { Task } from "../kernel/task.js";
import { checkPolicy, doMbind, type MemoryPolicy } from "../mm/mempolicy.js";
import type { MmStruct } from "../mm/mm-struct.js";
import type { SyscallFamily } from "./abi.js";

/** Nodes that a mask of the kernel has room for (CONFIG_NODES_SHIFT 4). */
const MAX_NUMNODES = 16;
const MPOL_F_NODE = 1;
const MPOL_F_ADDR = 2;
const MPOL_F_MEMS_ALLOWED = 4;
const MPOL_MF_MOVE = 2;
const MPOL_MF_MOVE_ALL = 4;

/** A mask of nodes in user memory; -errno. Linux: get_nodes(). */
function readNodes(kernel: Kernel, at: Va, maxnode: number): Omit<MemoryPolicy, "mode"> | number {
  const bits = maxnode - 1;
  if (bits <= 0 || at === 0) return { node0: false, anyNode: false };
  if (bits > kernel.sys.granule.pageSize * 8) return -EINVAL;
  const words = Math.ceil(bits / 64);
  let low = 0n;
  for (let i = 0; i < words; i++) {
    let word = kernel.user.u64((at + 8 * i) as Va);
    if (word === undefined) return -EFAULT;
    if (i === words - 1 && bits % 64 !== 0) word = BigInt.asUintN(bits % 64, word);
    if (i === 0) low = word;
    if ((i === 0 ? word >> BigInt(MAX_NUMNODES) : word) !== 0n) return -EINVAL;
  }
  return { node0: (low & 1n) !== 0n, anyNode: low !== 0n };
}

/** The process that migrate_pages() and move_pages() are about; -errno. Linux: find_mm_struct(). */
function mmOf(kernel: Kernel, task: Task, pid: number): MmStruct | number {
  const of = pid === 0 ? task : kernel.tasks.get(pid);
  if (of === undefined) return -ESRCH;
  if (task.credentials.euid !== 0 && of.credentials.uid !== task.credentials.uid) return -EPERM;
  return of.mm ?? -EINVAL;
}

/** Node of the page at `address`: 0, -ENOENT if none is there, -EFAULT without an area. Linux: do_pages_stat_array(). */
function nodeOf(mm: MmStruct, address: number): number {
  const { pgtable } = mm.sys;
  if (mm.vmas.lookup(address) === undefined) return -EFAULT;
  const pmdp = pgtable.pmdOffset(mm, address as Va);
  const pmd = pmdp === -1 ? 0n : pgtable.pmdpGet(pmdp);
  if (pmdTransHuge(pmd)) return 0;
  if (!pmdTable(pmd)) return -ENOENT;
  const pte = pgtable.ptepGet(pgtable.pteOffset(pmd, address as Va));
  if (!ptePresent(pte)) return -ENOENT;
  return pgtable.ptePfn(pte) === mm.sys.zeroPfn ? -EFAULT : 0;
}

export const MEMPOLICY_SYSCALLS: SyscallFamily = {
  mbind: (kernel, task, args) => {
    const nodes = readNodes(kernel, args.address(3), args.size(4));
    if (typeof nodes === "number") return nodes;
    return doMbind(task.mm!, args.address(0), args.size(1), { mode: args.int(2), ...nodes }, args.uint(5), task.credentials.euid === 0);
  },

  set_mempolicy: (kernel, task, args) => {
    const nodes = readNodes(kernel, args.address(1), args.size(2));
    if (typeof nodes === "number") return nodes;
    const policy = { mode: args.int(0), ...nodes };
    const bad = checkPolicy(policy);
    if (bad === 0) task.mempolicy = { mode: policy.mode, node0: nodes.node0 };
    return bad;
  },

  get_mempolicy: (kernel, task, args) => {
    const [policyAt, nodesAt, maxnode, address, flags] = [args.address(0), args.address(1), args.size(2), args.address(3), args.uint(4)];
    if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) !== 0) return -EINVAL;
    if (nodesAt !== 0 && maxnode < MAX_NUMNODES) return -EINVAL;
    let [mode, node0] = [task.mempolicy.mode, task.mempolicy.node0];
    if ((flags & MPOL_F_MEMS_ALLOWED) !== 0) {
      if ((flags & (MPOL_F_NODE | MPOL_F_ADDR)) !== 0) return -EINVAL;
      [mode, node0] = [0, true];
    } else if ((flags & MPOL_F_ADDR) !== 0) {
      if (task.mm!.vmas.lookup(address) === undefined) return -EFAULT;
      // Areas have no policy of their own; with MPOL_F_NODE the answer is the page's node.
      [mode, node0] = [0, false];
    } else if (address !== 0 || (flags & MPOL_F_NODE) !== 0) return -EINVAL;
    if (policyAt !== 0 && !kernel.user.putU32(policyAt, mode)) return -EFAULT;
    if (nodesAt === 0) return 0;
    const mask = new CStruct(Math.ceil(Math.min(maxnode, 64 * MAX_NUMNODES) / 64) * 8);
    mask.setU64(0, node0 ? 1 : 0);
    return kernel.user.put(nodesAt, mask.bytes) ? 0 : -EFAULT;
  },

  /** Every page is on the only node there is. */
  migrate_pages: (kernel, task, args) => {
    for (const at of [args.address(2), args.address(3)]) {
      const nodes = readNodes(kernel, at, args.size(1));
      if (typeof nodes === "number") return nodes;
    }
    const mm = mmOf(kernel, task, args.int(0));
    return typeof mm === "number" ? mm : 0;
  },

  move_pages: (kernel, task, args) => {
    const [count, pagesAt, nodesAt, statusAt, flags] = [args.size(1), args.address(2), args.address(3), args.address(4), args.uint(5)];
    if ((flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return -EINVAL;
    if ((flags & MPOL_MF_MOVE_ALL) !== 0 && task.credentials.euid !== 0) return -EPERM;
    const mm = mmOf(kernel, task, args.int(0));
    if (typeof mm === "number") return mm;
    for (let i = 0; i < count; i++) {
      const page = kernel.user.u64((pagesAt + 8 * i) as Va);
      if (page === undefined) return -EFAULT;
      if (nodesAt !== 0) {
        const node = kernel.user.i32((nodesAt + 4 * i) as Va);
        if (node === undefined) return -EFAULT;
        if (node !== 0) return -ENODEV;
      }
      if (!kernel.user.putU32((statusAt + 4 * i) as Va, nodeOf(mm, Number(page)) >>> 0)) return -EFAULT;
    }
    return 0;
  },
};
