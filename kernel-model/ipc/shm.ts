/**
 * System V shared memory.
 *
 * Linux: ipc/shm.c newseg(), do_shmat(), shm_open(), shm_close(), ksys_shmdt(). A segment is an unnamed file of the kernel's tmpfs, mapped shared;
 * its attachments are counted by the areas that map it.
 */
import { putFile } from "../fs/vfs.js";
import type { File } from "../fs/file.js";
import type { MemorySystem } from "../mm/memory-system.js";
import { SHMEM_ANON_VM_OPS, shmemFileSetup } from "../mm/shmem.js";
import type { VmOperations, Vma } from "../mm/vma.js";
import { IpcIds, type IpcObject, type IpcPerm } from "./ids.js";

export const SHMMNI = 4096;
export const SHMMIN = 1;
/** Largest segment, bytes, and all segments together, pages: as large as the address space, as Linux has it. */
export const SHMMAX = 2 ** 64 - 2 ** 24;
export const SHMALL = 2 ** 64 - 2 ** 24;

/** Flags in the mode of a segment. */
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;

export interface ShmSegment extends IpcObject {
  readonly file: File;
  readonly bytes: number;
  readonly creator: number;
  lastPid: number;
  attached: number;
  /** Seconds since 1970; 0: never. */
  attachTime: number;
  detachTime: number;
  changeTime: number;
}

/** What the segments need to know of the moment. */
export interface IpcClock {
  readonly pid: () => number;
  readonly seconds: () => number;
}

/** The segment that an area maps, if it is one. */
const segments = (vma: Vma): ShmSegment | undefined => (vma.file !== undefined && vma.file instanceof AttachedFile ? vma.file.segment : undefined);

/** A description of a segment's file for one attachment. Linux: struct shm_file_data. */
class AttachedFile implements File {
  readonly inode;
  readonly path;
  readonly readable = true;
  readonly writable: boolean;
  readonly ra;
  readonly advice;
  count = 1;
  readonly segment: ShmSegment;
  private readonly base: File;
  private readonly ops: VmOperations;

  constructor(segment: ShmSegment, writable: boolean, ops: VmOperations) {
    const base = segment.file;
    base.count++;
    this.base = base;
    this.segment = segment;
    this.inode = base.inode;
    this.path = base.path;
    this.writable = writable;
    this.ra = base.ra;
    this.advice = base.advice;
    this.ops = ops;
  }

  release(): void {
    putFile(this.base);
  }

  mmapOps(): VmOperations {
    return this.ops;
  }
}

export class SharedMemory {
  readonly ids = new IpcIds<ShmSegment>(SHMMNI);
  /** Pages of all segments. */
  pages = 0;
  private readonly sys: MemorySystem;
  private readonly clock: IpcClock;
  private readonly ops: VmOperations;

  constructor(sys: MemorySystem, clock: IpcClock) {
    this.sys = sys;
    this.clock = clock;
    this.ops = {
      ...SHMEM_ANON_VM_OPS,
      name: "shm_vm_ops",
      open: (vma) => {
        this.attached(segments(vma)!);
      },
      close: (vma) => {
        this.detached(segments(vma)!);
      },
    };
  }

  private pagesOf(bytes: number): number {
    return Math.ceil(bytes / this.sys.granule.pageSize);
  }

  /** A new segment of zeros. Linux: newseg(). */
  make(perm: IpcPerm, bytes: number): ShmSegment {
    const key = (perm.key >>> 0).toString(16).padStart(8, "0");
    const file = shmemFileSetup(this.sys, `SYSV${key}`, bytes);
    this.pages += this.pagesOf(bytes);
    return { perm, file, bytes, creator: this.clock.pid(), lastPid: 0, attached: 0, attachTime: 0, detachTime: 0, changeTime: this.clock.seconds() };
  }

  /** A description to map the segment by; the caller drops its reference. */
  open(segment: ShmSegment, writable: boolean): File {
    return new AttachedFile(segment, writable, this.ops);
  }

  /** An area maps the segment: it was attached, or copied by fork or a split. */
  attached(segment: ShmSegment): void {
    segment.attached++;
    segment.attachTime = this.clock.seconds();
    segment.lastPid = this.clock.pid();
  }

  private detached(segment: ShmSegment): void {
    segment.attached--;
    segment.detachTime = this.clock.seconds();
    segment.lastPid = this.clock.pid();
    this.destroyIfUnused(segment);
  }

  /** IPC_RMID: the segment goes with its last attachment; no one finds it by its key any more. Linux: do_shm_rmid(). */
  markDestroyed(segment: ShmSegment): void {
    this.ids.forgetKey(segment);
    segment.perm.mode |= SHM_DEST;
    this.destroyIfUnused(segment);
  }

  private destroyIfUnused(segment: ShmSegment): void {
    if (segment.attached > 0 || (segment.perm.mode & SHM_DEST) === 0 || segment.perm.deleted) return;
    this.ids.remove(segment);
    this.pages -= this.pagesOf(segment.bytes);
    putFile(segment.file);
  }

  /** The segment that an area attaches, undefined for other areas. */
  segmentOf(vma: Vma): ShmSegment | undefined {
    return vma.ops === this.ops ? segments(vma) : undefined;
  }

  /** Pages in memory. */
  residentPages(): number {
    return this.ids.all().reduce((sum, { file }) => sum + (file.inode.mapping?.nrPages ?? 0), 0);
  }

  /** Free all segments: the machine ends. */
  dispose(): void {
    for (const segment of this.ids.all()) {
      this.ids.remove(segment);
      putFile(segment.file);
    }
  }
}
