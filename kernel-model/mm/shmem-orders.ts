/**
 * Which folio orders tmpfs and anonymous shared memory may use: mount option, shmem_enabled files, advice and file size.
 *
 * Linux: mm/shmem.c shmem_huge_global_enabled(), shmem_allowable_huge_orders(). Orders travel as bits: bit n is order n.
 */
import type { MemorySystem } from "./memory-system.js";
import type { AddressSpace, FolioPolicy } from "../fs/file.js";
import { maxPagecacheOrder, pagesInFile } from "./pagemap.js";
import { VM_HUGEPAGE, VM_NOHUGEPAGE, type Vma } from "./vma.js";

/** THP_ORDERS_ALL_FILE_DEFAULT: every order of the page cache but 0. */
function allFileOrders(sys: MemorySystem): number {
  return 2 ** (maxPagecacheOrder(sys) + 1) - 2;
}

/** huge= of the file's mount. The kernel's own mount follows the top-level shmem_enabled; deny and force are not mount options. */
export function shmemMountHuge(sys: MemorySystem, policy: FolioPolicy): FolioPolicy["huge"] {
  if (policy.name !== "shm_mnt") return policy.huge;
  const { shmemEnabled } = sys.thp;
  return shmemEnabled === "deny" || shmemEnabled === "force" ? "never" : shmemEnabled;
}

/** Largest set bit, -1 for none. */
export function highestOrder(orders: number): number {
  return 31 - Math.clz32(orders);
}

/** PMD-sized folios are on for this page of the file. `writeEnd`: where a write will end, bytes; 0 for faults. */
function hugeGlobalEnabled(mapping: AddressSpace, vma: Vma | undefined, index: number, writeEnd: number, force: boolean): boolean {
  const { sys } = mapping;
  const { pmdOrder, pageSize } = sys.granule;
  if (pmdOrder > maxPagecacheOrder(sys)) return false;
  if (vma !== undefined && ((vma.flags & VM_NOHUGEPAGE) !== 0 || vma.mm.thpDisabled)) return false;
  const { shmemEnabled } = sys.thp;
  if (shmemEnabled === "deny") return false;
  if (force || shmemEnabled === "force") return true;
  const huge = shmemMountHuge(sys, mapping.policy);
  if (huge === "always") return true;
  if (huge === "never") return false;
  if (huge === "within_size") {
    const nr = 2 ** pmdOrder;
    const end = Math.ceil((index + 1) / nr) * nr;
    if (Math.ceil(Math.max(writeEnd, mapping.inode.size) / pageSize) >= end) return true;
  }
  return vma !== undefined && (vma.flags & VM_HUGEPAGE) !== 0;
}

/** vma_is_anon_shmem(). */
function isAnonShmem(vma: Vma): boolean {
  return vma.ops?.name === "shmem_anon_vm_ops";
}

/**
 * The orders that a new folio at `index` may have. Files of tmpfs mounts know the PMD order only; anonymous shared memory has a
 * policy per size. `force`: as if MADV_COLLAPSE asked.
 */
export function shmemAllowableHugeOrders(mapping: AddressSpace, vma: Vma | undefined, index: number, writeEnd: number, force = false): number {
  const { sys } = mapping;
  const { thp, granule } = sys;
  if (vma !== undefined && ((vma.flags & VM_NOHUGEPAGE) !== 0 || vma.mm.thpDisabled)) return 0;
  const globalHuge = hugeGlobalEnabled(mapping, vma, index, writeEnd, force);
  if (vma === undefined || !isAnonShmem(vma)) return globalHuge ? 2 ** granule.pmdOrder : 0;
  if (thp.shmemEnabled === "deny") return 0;
  if (thp.shmemEnabled === "force") return thp.shmemOrdersWith("inherit");
  let mask = thp.shmemOrdersWith("always");
  for (let within = thp.shmemOrdersWith("within_size"); within !== 0; ) {
    const order = highestOrder(within);
    const nr = 2 ** order;
    if (pagesInFile(mapping) >= Math.ceil((index + 1) / nr) * nr) {
      mask |= within;
      break;
    }
    within -= nr;
  }
  if ((vma.flags & VM_HUGEPAGE) !== 0) mask |= thp.shmemOrdersWith("advise");
  if (globalHuge) mask |= thp.shmemOrdersWith("inherit");
  return mask & allFileOrders(sys);
}
