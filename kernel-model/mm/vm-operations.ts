/**
 * vm_operations of mappings of files, by the file system's folio policy.
 *
 * Linux: mm/shmem.c shmem_mmap(); fs/xfs/xfs_file.c xfs_file_vm_ops; fs/ext4/file.c ext4_file_vm_ops; mm/filemap.c
 * generic_file_vm_ops; fs/afs/file.c afs_vm_ops.
 */
import type { AddressSpace } from "../fs/file.js";
import { filemapFault, filemapMapPages } from "./filemap-fault.js";
import { filemapPageMkwrite } from "./page-writeback.js";
import { shmemMapping } from "./pagemap.js";
import { SHMEM_ANON_VM_OPS, SHMEM_VM_OPS } from "./shmem.js";
import { VM_FAULT_FALLBACK, type VmOperations } from "./vma.js";

const FILEMAP = { fault: filemapFault, mapPages: filemapMapPages, pageMkwrite: filemapPageMkwrite };

/** XFS has a huge_fault operation for DAX files; others fall back to page tables at once. */
const XFS_VM_OPS: VmOperations = { name: "xfs_file_vm_ops", ...FILEMAP, hugeFault: () => VM_FAULT_FALLBACK };
const EXT4_VM_OPS: VmOperations = { name: "ext4_file_vm_ops", ...FILEMAP };
const AFS_VM_OPS: VmOperations = { name: "afs_vm_ops", ...FILEMAP };
const GENERIC_VM_OPS: VmOperations = { name: "generic_file_vm_ops", ...FILEMAP };

/** vm_operations for a mapping of this file made now: tmpfs files without a name count as anonymous shared memory. */
export function vmOpsFor(mapping: AddressSpace): VmOperations {
  if (shmemMapping(mapping)) return mapping.inode.nlink > 0 ? SHMEM_VM_OPS : SHMEM_ANON_VM_OPS;
  switch (mapping.policy.name) {
    case "xfs":
      return XFS_VM_OPS;
    case "ext4":
      return EXT4_VM_OPS;
    case "afs":
      return AFS_VM_OPS;
    default:
      return GENERIC_VM_OPS;
  }
}
