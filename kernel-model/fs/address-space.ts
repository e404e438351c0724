/**
 * The page cache of an inode: made with the inode, emptied when the inode goes.
 *
 * Linux: include/linux/fs.h struct address_space, fs/inode.c inode_init_always(), mm/truncate.c truncate_inode_pages_final().
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import type { MemorySystem } from "../mm/memory-system.js";
import { truncateInodePages } from "../mm/truncate.js";
import type { AddressSpace, Backing, FolioPolicy, Inode } from "./file.js";

/**
 * Give `inode` an empty page cache. "pagecache" policies need a backing. A shmem policy with a backing is the initramfs: its pages
 * up to the inode's present size are in memory from the start, order 0 and dirty, and never written back.
 */
export function createAddressSpace(sys: MemorySystem, inode: Inode, policy: FolioPolicy, backing: Backing | undefined): AddressSpace {
  if (policy.kind === "pagecache" && backing === undefined) throw new ModelBug(`createAddressSpace: ${policy.name} needs a backing`);
  const id = sys.mappings.reserve();
  const resident =
    policy.kind === "shmem" && backing !== undefined
      ? { limit: Math.ceil(inode.size / sys.granule.pageSize), taken: new Set<number>(), reclaim: false }
      : undefined;
  const mapping: AddressSpace = {
    id,
    sys,
    inode,
    policy,
    backing,
    resident,
    pages: new Map(),
    mmaps: new Set(),
    nrPages: 0,
    dirty: new Set(),
    blocks: new Map(),
  };
  sys.mappings.put(id, mapping);
  inode.mapping = mapping;
  return mapping;
}

/**
 * The inode goes (evict) or its file system is unmounted: every folio is dropped, dirty or not, and the identifier released.
 * Pre: no area maps the file.
 */
export function releaseMapping(mapping: AddressSpace): void {
  if (mapping.mmaps.size > 0) throw new ModelBug(`releaseMapping: inode ${mapping.inode.ino} is still mapped`);
  truncateInodePages(mapping, 0);
  if (mapping.nrPages !== 0) throw new ModelBug(`releaseMapping: inode ${mapping.inode.ino} keeps ${mapping.nrPages} pages`);
  mapping.sys.mappings.release(mapping.id);
  mapping.inode.mapping = undefined;
}
