/**
 * Where mmap places shared memory: to which folio order its addresses are aligned, so that large folios can be mapped whole.
 *
 * Linux: mm/shmem.c shmem_get_unmapped_area(), the choice of hpage_size.
 */
import type { File } from "../fs/file.js";
import type { MemorySystem } from "./memory-system.js";
import { highestOrder, shmemMountHuge } from "./shmem-orders.js";

/**
 * The order to align to, undefined for ordinary placement. `file` undefined: anonymous shared memory, which follows the largest size
 * that is switched on; a tmpfs file aligns to the PMD if its mount allows huge pages.
 */
export function shmemPlacementOrder(sys: MemorySystem, file: File | undefined): number | undefined {
  const { thp, granule } = sys;
  if (thp.shmemEnabled === "deny") return undefined;
  if (thp.shmemEnabled === "force") return granule.pmdOrder;
  if (file !== undefined) {
    const policy = file.inode.mapping?.policy;
    return policy === undefined || shmemMountHuge(sys, policy) === "never" ? undefined : granule.pmdOrder;
  }
  let orders = thp.shmemOrdersWith("always") | thp.shmemOrdersWith("within_size") | thp.shmemOrdersWith("advise");
  if (thp.shmemEnabled !== "never") orders |= thp.shmemOrdersWith("inherit");
  if (orders !== 0) return highestOrder(orders);
  return thp.shmemEnabled === "never" ? undefined : granule.pmdOrder;
}
