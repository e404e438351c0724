/**
 * Writing back: sync, syncfs, sync_file_range, readahead.
 *
 * Linux: fs/sync.c, mm/readahead.c ksys_readahead().
 */
import { EBADF, EINVAL, ESPIPE } from "../errno.js";
import { isRegular } from "../fs/vfs.js";
import { POSIX_FADV_WILLNEED } from "../mm/fadvise.js";
import { filemapWriteAndWait, syncAll } from "../mm/page-writeback.js";
import type { SyscallFamily } from "./abi.js";
import { fileOf } from "./file.js";

const SYNC_FILE_RANGE_ALL = 7;

export const SYNC_SYSCALLS: SyscallFamily = {
  sync: (kernel) => {
    syncAll(kernel.sys);
    return 0;
  },
  syncfs: (kernel, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    for (const mapping of kernel.sys.mappings.addressSpaces()) if (mapping.inode.dev === file.inode.dev) filemapWriteAndWait(mapping);
    return 0;
  },
  sync_file_range: (_, task, args) => {
    const [offset, length] = [args.long(1), args.long(2)];
    if ((args.uint(3) & ~SYNC_FILE_RANGE_ALL) !== 0 || offset < 0 || length < 0) return -EINVAL;
    const file = fileOf(task, args.int(0));
    if (file === undefined) return -EBADF;
    const { mapping } = file.inode;
    if (mapping === undefined) return -ESPIPE;
    const { pageSize } = mapping.sys.granule;
    filemapWriteAndWait(mapping, Math.floor(offset / pageSize), length === 0 ? Infinity : Math.floor((offset + length - 1) / pageSize));
    return 0;
  },
  readahead: (_, task, args) => {
    const file = fileOf(task, args.int(0));
    if (file === undefined || !file.readable) return -EBADF;
    if (!isRegular(file.inode) || file.ops.fadvise === undefined) return -EINVAL;
    return file.ops.fadvise(file, args.long(1), args.size(2), POSIX_FADV_WILLNEED);
  },
};
