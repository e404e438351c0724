/**
 * Files for page-cache tests: inodes with a page cache over stores in memory, and pictures of what is cached.
 */
import { expect } from "chai";
import { createAddressSpace, releaseMapping } from "../../kernel-model/fs/address-space.js";
import { createBacking, type WritableBacking } from "../../kernel-model/fs/backing.js";
import type { AddressSpace, File, FolioPolicy, Inode } from "../../kernel-model/fs/file.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { doMmap } from "../../kernel-model/mm/mmap.js";
import { fileRaStateInit } from "../../kernel-model/mm/readahead.js";
import { vmOpsFor } from "../../kernel-model/mm/vm-operations.js";

export const KIB = 2 ** 10;
export const MIB = 2 ** 20;

/* Flags of mmap, protections. */
export const PROT_READ = 1;
export const PROT_RW = 3;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
const MAP_FIXED_NOREPLACE = 0x100000;

/** Byte `i` of every test file: differs between neighbouring bytes, pages and 64K pieces. */
export function patternByte(i: number): number {
  return (i + Math.floor(i / 4096) * 7 + Math.floor(i / 65536) * 13) & 0xff;
}

export function patternBytes(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = patternByte(offset + i);
  return bytes;
}

export interface TestFile {
  readonly file: File;
  readonly inode: Inode;
  readonly mapping: AddressSpace;
  /** What is on disk; undefined for shmem. */
  readonly backing: WritableBacking | undefined;
  /** The inode goes, and its page cache with it. */
  dispose(): void;
}

export interface TestFileOptions {
  readonly policy: FolioPolicy;
  /** Bytes; what is on disk is `patternByte`, a shmem file starts as one hole. */
  readonly size: number;
  readonly nlink?: number;
  /** A shmem file whose contents came with the machine. */
  readonly resident?: boolean;
}

/** A regular file with its page cache and one open description. */
export function createTestFile(sys: MemorySystem, { policy, size, nlink = 1, resident = false }: TestFileOptions): TestFile {
  const inode: Inode = { ino: 7, dev: 9, mode: 0o100644, nlink, uid: 0, gid: 0, size, mapping: undefined };
  const stored = policy.kind === "pagecache" || resident;
  const backing = stored ? createBacking({ size, read: (offset, into) => into.set(patternBytes(offset, into.length)) }) : undefined;
  const mapping = createAddressSpace(sys, inode, policy, backing);
  return { file: openFile(sys, inode), inode, mapping, backing, dispose: () => releaseMapping(mapping) };
}

/** One more open description of the inode. */
export function openFile(sys: MemorySystem, inode: Inode): File {
  return {
    inode,
    path: "/f",
    readable: true,
    writable: true,
    ra: fileRaStateInit(sys),
    advice: { random: false, noreuse: false },
    count: 1,
    release: () => undefined,
    mmapOps: () => vmOpsFor(inode.mapping!),
  };
}

/** The folios of a page cache, ascending: "index+pages" each, with R: readahead mark, d: dirty, u: not uptodate. */
export function picture({ sys, pages }: AddressSpace): string {
  const heads = [...new Set(pages.values())].sort((a, b) => sys.pages.index[a]! - sys.pages.index[b]!);
  return heads
    .map((folio) => {
      const flags = sys.pages.flags[folio]!;
      const marks = ((flags & (1 << 8)) !== 0 ? "R" : "") + ((flags & (1 << 3)) !== 0 ? "d" : "") + ((flags & (1 << 2)) === 0 ? "u" : "");
      return `${sys.pages.index[folio]}+${sys.pages.folioNrPages(folio)}${marks}`;
    })
    .join(" ");
}

/** mmap of a file at a fixed address; `length` and `offset` in bytes. */
export function mapFile(mm: MmStruct, at: number, length: number, prot: number, flags: number, file: File | undefined, offset = 0): number {
  const { pageSize } = mm.sys.granule;
  const anonymous = file === undefined ? 0x20 : 0;
  const got = doMmap(mm, { addr: at, len: length, prot, flags: flags | anonymous | MAP_FIXED_NOREPLACE, file, pgoff: offset / pageSize });
  expect(got, "mmap").to.equal(at);
  return at;
}

/** Nothing of any file is counted any more. */
export function expectNoPageCache(sys: MemorySystem): void {
  const left = ["nr_file_pages", "nr_dirty", "nr_shmem", "nr_mapped", "nr_shmem_hugepages", "nr_file_hugepages", "nr_shmem_pmdmapped", "nr_file_pmdmapped", "nr_inactive_file", "nr_active_file", "nr_inactive_anon", "nr_active_anon"] as const;
  for (const name of left) expect(sys.vmstat.get(name), name).to.equal(0);
  expect(sys.mappings.addressSpaces(), "address spaces").to.deep.equal([]);
}
