/**
 * /proc/gt: the recording device of the golden programs, answered from the model's own event stream.
 *
 * On the recorded kernels a module probes do_mem_abort(), handle_mm_fault() and the functions of the contpte layer and offers four
 * ioctls; golden/kmod/gt_ioctl.h has their layout. One log for the whole machine, as there.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { EFAULT, EINVAL, ENOTTY, ESRCH } from "../errno.js";
import { pmdLeaf, pmdNone, ptePresent, pteSpecial } from "../arch/arm64/pte.js";
import { folioMapcount } from "../mm/folio.js";
import type { MmStruct } from "../mm/mm-struct.js";
import type { ContpteCall, MmObserver } from "../mm/observer.js";
import { PG_ACTIVE, PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_LRU, PG_REFERENCED, PG_SWAPBACKED, PG_UPTODATE } from "../mm/page.js";
import type { Vma } from "../mm/vma.js";
import type { UserMemory } from "./vfs.js";

/* _IOWR('g', 1, struct gt_dump), _IOW('g', 2, struct gt_win), _IO('g', 3), _IOWR('g', 4, struct gt_log) */
const GT_DUMP = 0xc0206701;
const GT_START = 0x40106702;
const GT_STOP = 0x6703;
const GT_READ = 0xc0806704;

const GE_ABORT = 1;
const GE_HMF = 2;
const GE_HMFRET = 3;
const GE_CONVERT = 4;

/** Counters of struct gt_log, in its order. clearFlushYoung calls testClearYoung's function in the kernel. */
const COUNTED: readonly (ContpteCall | "fold" | "unfold")[] = [
  "tryFold",
  "tryUnfold",
  "fold",
  "unfold",
  "setPtes",
  "clearFullPtes",
  "getAndClearFullPtes",
  "wrprotectPtes",
  "setAccessFlags",
  "testClearYoung",
  "clearYoungDirty",
  "unfoldPartial",
];
const INDEX = new Map<string, number>(COUNTED.map((name, i) => [name, i]));

const MAX_EVENTS = 1 << 18;
const MAX_DUMP_PAGES = 1 << 16;
const ENT_BYTES = 48;
const EVENT_BYTES = 24;
const LOG_HEAD_BYTES = 32;
/** PTE_CONT. */
const CONT = 1n << 52n;

const GTF_ANON = 1;
const GTF_EXCL = 2;
const GTF_DIRTY = 4;
const GTF_REF = 8;
const GTF_ACTIVE = 16;
const GTF_SWAPBACKED = 32;
const GTF_LRU = 64;
const GTF_SPECIAL = 128;
const GTF_UPTODATE = 256;

interface GtEvent {
  readonly address: number;
  readonly a: bigint;
  readonly type: number;
  readonly pid: number;
}

export interface GtDeviceOptions {
  /** tgid of the running task. */
  readonly currentPid: () => number;
  /** The address space of a process, undefined if there is none. */
  readonly mmOf: (pid: number) => MmStruct | undefined;
}

export class GtDevice implements MmObserver {
  private readonly options: GtDeviceOptions;
  private on = false;
  private lo = 0;
  private hi = 0;
  private events: GtEvent[] = [];
  private lost = 0;
  private readonly counts = new Float64Array(COUNTED.length);

  constructor(options: GtDeviceOptions) {
    this.options = options;
  }

  private inWindow(address: number): boolean {
    return this.on && address >= this.lo && address < this.hi;
  }

  private log(type: number, address: number, a: bigint): void {
    if (!this.inWindow(address)) return;
    if (this.events.length >= MAX_EVENTS) this.lost++;
    else this.events.push({ type, address, a, pid: this.options.currentPid() });
  }

  private count(name: string, address: number): void {
    const index = INDEX.get(name);
    if (index !== undefined && this.inWindow(address)) this.counts[index] = this.counts[index]! + 1;
  }

  abort(_mm: MmStruct, far: Va, esr: number): void {
    this.log(GE_ABORT, far, BigInt(esr));
  }

  faultEnter(_mm: MmStruct, address: Va, flags: number): void {
    this.log(GE_HMF, address, BigInt(flags));
  }

  faultExit(_mm: MmStruct, _vma: Vma, address: Va, _flags: number, result: number): void {
    this.log(GE_HMFRET, address, BigInt(result));
  }

  faultServed(): void {
    /* the module sees functions, not what a fault turned out to be */
  }

  contpteConvert(_mm: MmStruct, address: Va, target: bigint): void {
    this.count(target & CONT ? "fold" : "unfold", address);
    this.log(GE_CONVERT, address, target);
  }

  contpteCall(_mm: MmStruct, call: ContpteCall, address: Va): void {
    this.count(call, address);
  }

  /** The device's ioctl; 0 or -errno. */
  ioctl(command: number, argument: Va, user: UserMemory): number {
    switch (command >>> 0) {
      case GT_DUMP:
        return this.dump(argument, user);
      case GT_START: {
        const window = user.read(argument, 16);
        if (typeof window === "number") return -EFAULT;
        const words = new DataView(window.buffer, window.byteOffset);
        this.lo = Number(words.getBigUint64(0, true));
        this.hi = Number(words.getBigUint64(8, true));
        this.events = [];
        this.lost = 0;
        this.counts.fill(0);
        this.on = true;
        return 0;
      }
      case GT_STOP:
        this.on = false;
        return 0;
      case GT_READ:
        return this.read(argument, user);
      default:
        return -ENOTTY;
    }
  }

  /** struct gt_log { u64 buf, max, n, lost, counts[12] } in and out; events go to buf. */
  private read(argument: Va, user: UserMemory): number {
    const bytes = LOG_HEAD_BYTES + 8 * COUNTED.length;
    const given = user.read(argument, bytes);
    if (typeof given === "number") return -EFAULT;
    const log = new DataView(given.slice().buffer);
    const buf = Number(log.getBigUint64(0, true));
    const n = Math.min(this.events.length, Number(log.getBigUint64(8, true)));
    log.setBigUint64(16, BigInt(n), true);
    log.setBigUint64(24, BigInt(this.lost), true);
    this.counts.forEach((value, i) => {
      log.setBigUint64(LOG_HEAD_BYTES + 8 * i, BigInt(value), true);
    });
    const out = new DataView(new ArrayBuffer(n * EVENT_BYTES));
    for (let i = 0; i < n; i++) {
      const event = this.events[i]!;
      out.setBigUint64(i * EVENT_BYTES, BigInt(event.address), true);
      out.setBigUint64(i * EVENT_BYTES + 8, event.a, true);
      out.setUint32(i * EVENT_BYTES + 16, event.type, true);
      out.setUint32(i * EVENT_BYTES + 20, event.pid, true);
    }
    if (user.write(buf as Va, new Uint8Array(out.buffer)) < 0) return -EFAULT;
    return user.write(argument, new Uint8Array(log.buffer)) < 0 ? -EFAULT : 0;
  }

  /** struct gt_dump { u64 pid, start, npages, ents }: one struct gt_ent per page goes to ents. */
  private dump(argument: Va, user: UserMemory): number {
    const given = user.read(argument, 32);
    if (typeof given === "number") return -EFAULT;
    const request = new DataView(given.buffer, given.byteOffset);
    const nr = Number(request.getBigUint64(16, true));
    if (nr > MAX_DUMP_PAGES) return -EINVAL;
    const mm = this.options.mmOf(Number(request.getBigUint64(0, true)));
    if (mm === undefined) return -ESRCH;
    const start = Number(request.getBigUint64(8, true));
    const out = new DataView(new ArrayBuffer(nr * ENT_BYTES));
    for (let i = 0; i < nr; i++) describePage(mm, start + i * mm.sys.granule.pageSize, out, i * ENT_BYTES);
    return user.write(Number(request.getBigUint64(24, true)) as Va, new Uint8Array(out.buffer)) < 0 ? -EFAULT : 0;
  }
}

/** struct gt_ent { u64 pte, pmd, pgflags; int order, idx, mapcount, pmapcount, refcount, pad } of the page at `address`. */
function describePage(mm: MmStruct, address: number, out: DataView, at: number): void {
  const { pgtable, granule } = mm.sys;
  out.setInt32(at + 24, -1, true);
  if (address >= mm.taskSize) return;
  const pmdp = pgtable.pmdOffset(mm, address as Va);
  if (pmdp < 0) return;
  const pmd = pgtable.rawGet(pmdp);
  out.setBigUint64(at + 8, pmd, true);
  if (pmdNone(pmd)) return;
  if (pmdLeaf(pmd)) {
    const inside = Math.floor((address % granule.pmdSize) / granule.pageSize);
    describeFrame(mm, (pgtable.pmdPfn(pmd) + inside) as Pfn, false, true, out, at);
    return;
  }
  const pte = pgtable.rawGet(pgtable.pteOffset(pmd, address as Va) as Pa);
  out.setBigUint64(at, pte, true);
  if (ptePresent(pte)) describeFrame(mm, pgtable.ptePfn(pte), pteSpecial(pte), false, out, at);
}

function describeFrame(mm: MmStruct, page: Pfn, special: boolean, leaf: boolean, out: DataView, at: number): void {
  const { sys } = mm;
  const { pages } = sys;
  const folio = pages.head(page);
  const flags = pages.flags[folio]!;
  let digest = special ? GTF_SPECIAL : 0;
  out.setInt32(at + 24, pages.order[folio]!, true);
  out.setInt32(at + 28, page - folio, true);
  out.setInt32(at + 40, pages.refcount[folio]!, true);
  if (!special) {
    out.setInt32(at + 32, folioMapcount(sys, folio), true);
    out.setInt32(at + 36, pages.mapcount[page]!, true);
  }
  if (flags & PG_ANON) {
    digest |= GTF_ANON;
    if (pages.test(leaf ? folio : page, PG_ANON_EXCLUSIVE)) digest |= GTF_EXCL;
  }
  if (flags & PG_DIRTY) digest |= GTF_DIRTY;
  if (flags & PG_REFERENCED) digest |= GTF_REF;
  if (flags & PG_ACTIVE) digest |= GTF_ACTIVE;
  if (flags & PG_SWAPBACKED) digest |= GTF_SWAPBACKED;
  if (flags & PG_LRU) digest |= GTF_LRU;
  if (flags & PG_UPTODATE) digest |= GTF_UPTODATE;
  out.setBigUint64(at + 16, BigInt(digest), true);
}
