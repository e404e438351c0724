/**
 * Files of memory without a name: memfd.
 *
 * Linux: mm/shmem.c shm_mnt, __shmem_file_setup().
 */
import type { MemorySystem } from "../mm/memory-system.js";
import { ENXIO } from "../errno.js";
import { SHM_MNT_POLICY } from "./folio-policies.js";
import { TreeFs } from "./tree-fs.js";
import type { Mount, OpenFile, Timespec } from "./vfs.js";
import { O_LARGEFILE, O_RDWR, S_IFREG, createDentry, createMount, openInode } from "./vfs.js";

const TMPFS_MAGIC = 0x01021994;
/** st_dev of the kernel's own tmpfs mount: the first anonymous device. */
const SHM_MNT_DEV = 1;

/** The kernel's own tmpfs mount. */
export class MemoryFiles {
  private readonly fs: TreeFs;
  private readonly mount: Mount;

  constructor(sys: MemorySystem, now: () => Timespec) {
    this.fs = new TreeFs({
      sys,
      type: "tmpfs",
      source: "tmpfs",
      options: "",
      dev: SHM_MNT_DEV,
      magic: TMPFS_MAGIC,
      policy: SHM_MNT_POLICY,
      maxBytes: Infinity,
      maxInodes: Infinity,
      readOnly: false,
      rootMode: 0o777,
      now,
      owner: () => ({ uid: 0, gid: 0 }),
      special: { openDevice: () => -ENXIO, openFifo: () => -ENXIO },
    });
    this.mount = createMount(this.fs, 0);
  }

  /** A new empty file of which `name` is shown. Its memory is freed with the last description and mapping. */
  open(name: string, permissions: number): OpenFile | number {
    const { root } = this.fs;
    const inode = root.ops.tmpfile?.(root, S_IFREG | permissions) ?? -ENXIO;
    if (typeof inode === "number") return inode;
    const path = `/${name} (deleted)`;
    return openInode(inode, O_RDWR | O_LARGEFILE, path, { mount: this.mount, dentry: createDentry(inode, path) });
  }
}
