/**
 * A machine for page-cache tests: memory, files on stores in memory, one address space, and a processor of a few lines that walks
 * the page tables, sets access flags and dirty state as FEAT_HAFDBS does, and raises aborts.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { granule, type GranuleName } from "../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { doMemAbort } from "../../kernel-model/arch/arm64/fault.js";
import { createAddressSpace, releaseMapping } from "../../kernel-model/fs/address-space.js";
import { createBacking, type WritableBacking } from "../../kernel-model/fs/backing.js";
import type { AddressSpace, File, FolioPolicy, Inode } from "../../kernel-model/fs/file.js";
import { checkMm, checkSystem } from "../../kernel-model/mm/check.js";
import { mmAlloc, mmPut } from "../../kernel-model/mm/mm-lifecycle.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { createMemorySystem } from "../../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { doMmap } from "../../kernel-model/mm/mmap.js";
import { doMunmap } from "../../kernel-model/mm/munmap.js";
import { fileRaStateInit } from "../../kernel-model/mm/readahead.js";
import { vmOpsFor } from "../../kernel-model/mm/vm-operations.js";

export const MIB = 2 ** 20;

/** A CPU with FEAT_HAFDBS, as in the Neoverse recordings. */
export const HAFDBS: CpuFeatures = { hardwareAf: true, hardwareDirty: true, tlbiRange: false, ttl: false, bbm: 0, asidBits: 16, lpa2: false };

const AF = 1n << 10n;
const RDONLY = 1n << 7n;
const DBM = 1n << 51n;
const ADDRESS = 0x0000_ffff_ffff_f000n;

export interface Machine {
  readonly sys: MemorySystem;
  /** Frames free after boot. */
  readonly freeAtStart: number;
}

export function createMachine(page: GranuleName = "4k", memoryBytes = 64 * MIB): Machine {
  const sys = createMemorySystem({
    granule: granule(page),
    cpu: HAFDBS,
    memory: new PhysicalMemory(memoryBytes),
    sink: { tlbi: () => undefined, dsb: () => undefined },
    contpte: true,
    poison: true,
  });
  return { sys, freeAtStart: sys.buddy.nrFree };
}

/** Byte `i` of every test file: differs between neighbouring bytes, pages and blocks. */
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
  readonly backing: WritableBacking | undefined;
  /** Drops the page cache with the inode. */
  dispose(): void;
}

export interface TestFileOptions {
  readonly policy: FolioPolicy;
  /** Bytes; the contents are `patternByte`. */
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

/** The folios of a page cache as text, one "index+pages" per folio (R: readahead mark, d: dirty, u: not uptodate). */
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

/** One handle_mm_fault() call. */
export interface FaultEntry {
  readonly address: number;
  readonly flags: number;
  readonly ret: number;
  /** ESR of the abort that led here, 0 for a repeated attempt. */
  readonly esr: number;
}

/** An address space whose faults are logged. */
export interface Guest {
  readonly mm: MmStruct;
  readonly faults: FaultEntry[];
  /** Aborts since the log was emptied. */
  readonly counts: { aborts: number };
  /** Calls into the contpte layer, and conversions as fold and unfold. */
  readonly contpte: Record<string, number>;
  /** mmap with MAP_FIXED_NOREPLACE at `at`; fails the test on an error. */
  map(at: number, length: number, prot: number, flags: number, file: File | undefined, offset?: number): number;
  unmap(at: number, length: number): void;
  /** One access to the byte: signal number, 0 if it went through. */
  touch(address: number, write: boolean): number;
  /** The frame address behind the byte; fails if it is not mapped. */
  translate(address: number): Pa;
  clearLog(): void;
  exit(): void;
}

interface Walk {
  readonly level: number;
  readonly entry: number;
  readonly value: bigint;
}

function walk(mm: MmStruct, address: number): Walk {
  const { granule: g, memory } = mm.sys;
  let table: number = mm.pgd;
  for (let level = g.startLevel as number; ; level++) {
    const geometry = g.levels[level]!;
    const entry = table + (Math.floor(address / geometry.size) % geometry.entries) * 8;
    const value = memory.read64(entry as Pa);
    if (level === 3 || (value & 3n) !== 3n) return { level, entry, value };
    table = Number(value & ADDRESS);
  }
}

const PROT_WRITE_BIT = 2;
const MAP_FIXED_NOREPLACE = 0x100000;

export function createGuest(sys: MemorySystem): Guest {
  const mm = mmAlloc(sys, { stack: 8 * MIB, data: Infinity, dataMax: Infinity, as: Infinity, memlock: Infinity, privileged: true });
  if (mm === undefined) throw new Error("no memory for an address space");
  const faults: FaultEntry[] = [];
  const counts = { aborts: 0 };
  const contpte: Record<string, number> = {};
  let lastEsr = 0;
  sys.observer = {
    abort: (_mm, _far, esr) => {
      counts.aborts++;
      lastEsr = esr;
    },
    faultEnter: () => undefined,
    faultExit: (_mm, _vma, address, flags, ret) => {
      faults.push({ address, flags, ret, esr: lastEsr });
      lastEsr = 0;
    },
    faultServed: () => undefined,
    contpteConvert: (_mm, _address, target) => {
      const name = (target & (1n << 52n)) !== 0n ? "fold" : "unfold";
      contpte[name] = (contpte[name] ?? 0) + 1;
    },
    contpteCall: (_mm, call) => {
      contpte[call] = (contpte[call] ?? 0) + 1;
    },
  };
  sys.current = { minFlt: 0, majFlt: 0 };
  const access = (address: number, write: boolean): number | undefined => {
    const { level, entry, value } = walk(mm, address);
    const wnr = write ? 0x40 : 0;
    if ((value & 1n) === 0n) return 0x92000004 + level + wnr;
    if ((value & (1n << 6n)) === 0n || (write && (value & RDONLY) !== 0n && (value & DBM) === 0n)) return 0x9200000c + level + wnr;
    let next = value | AF;
    if (write) next &= ~RDONLY;
    if (next !== value) sys.memory.write64(entry as Pa, next);
    return undefined;
  };
  return {
    mm,
    faults,
    counts,
    contpte,
    map(at, length, prot, flags, file, offset = 0) {
      const result = doMmap(mm, { addr: at, len: length, prot, flags: flags | MAP_FIXED_NOREPLACE, file, pgoff: offset / sys.granule.pageSize });
      if (result !== at) throw new Error(`mmap at ${at.toString(16)} returned ${result}`);
      return result;
    },
    unmap(at, length) {
      const result = doMunmap(mm, at as Va, length);
      if (result !== 0) throw new Error(`munmap returned ${result}`);
    },
    touch(address, write) {
      for (let attempt = 0; attempt < 8; attempt++) {
        const esr = access(address, write);
        if (esr === undefined) return 0;
        const signal = doMemAbort(mm, address as Va, esr);
        if (signal !== undefined) return signal.signo;
      }
      throw new Error(`${address.toString(16)} faults without end`);
    },
    translate(address) {
      const { level, value } = walk(mm, address);
      if ((value & 1n) === 0n) throw new Error(`${address.toString(16)} is not mapped`);
      const { size } = sys.granule.levels[level]!;
      const base = Number(value & ADDRESS);
      return (base - (base % size) + (address % size)) as Pa;
    },
    clearLog() {
      faults.length = 0;
      counts.aborts = 0;
      for (const key of Object.keys(contpte)) delete contpte[key];
      sys.current = { minFlt: 0, majFlt: 0 };
    },
    exit() {
      mmPut(mm);
      sys.observer = undefined;
      sys.current = undefined;
    },
  };
}

/** The order of the folio that is mapped at the address; -1: not mapped. */
export function mappedOrder(guest: Guest, address: number): number {
  const { sys } = guest.mm;
  const { level, value } = walk(guest.mm, address);
  if ((value & 1n) === 0n) return -1;
  const page = Math.floor((Number(value & ADDRESS) + (level === 2 ? address % sys.granule.pmdSize : 0)) / sys.granule.pageSize);
  return sys.pages.folioOrder(sys.pages.head(page as Pfn));
}

/** Invariants of all page tables and counts, then the end of everything: every frame is free again. */
export function expectAllFramesBack(machine: Machine): void {
  const { sys, freeAtStart } = machine;
  if (sys.buddy.nrFree !== freeAtStart) throw new Error(`${freeAtStart - sys.buddy.nrFree} frames are lost`);
  for (const name of ["nr_file_pages", "nr_dirty", "nr_shmem", "nr_mapped", "nr_shmem_hugepages", "nr_file_hugepages", "nr_shmem_pmdmapped", "nr_file_pmdmapped"] as const) {
    if (sys.vmstat.get(name) !== 0) throw new Error(`${name} is ${sys.vmstat.get(name)} although nothing is left`);
  }
}

export { checkMm, checkSystem, PROT_WRITE_BIT };
