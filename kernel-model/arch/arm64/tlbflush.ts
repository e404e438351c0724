/**
 * TLB invalidation for user memory: which TLBI and DSB instructions each flush issues.
 *
 * Linux: arch/arm64/include/asm/tlbflush.h. Every flush is DSB ISHST, one or more TLBI, DSB ISH; the `nosync` forms leave the
 * last barrier to the caller.
 * Arm: DDI 0487 D8.17; C5.5 (TLBI range operand: (NUM + 1) << (5 * SCALE + 1) pages).
 */
import { alignDown, alignUp, type Asid, type Va } from "../../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../../emulator/arch/cpu-features.js";
import type { Granule, Level } from "../../../emulator/arch/granule.js";
import { type Barrier, TLBI_OPS, type TlbiOp, type TlbiSink } from "../../../emulator/mmu/tlbi.js";
import type { MmStruct } from "../../mm/mm-struct.js";

/** One range operation reaches at most (31 + 1) << 16 pages; longer ranges take the whole ASID. */
const MAX_TLBI_RANGE_PAGES = 32 * 2 ** 16;
const LPA2_RANGE_ALIGNMENT = 65536;

export interface FlushRange {
  /** Bytes between invalidated addresses: page size, or PMD size for blocks. */
  readonly stride: number;
  /** Only leaf entries changed: walk caches may keep their tables. */
  readonly lastLevel: boolean;
  /** Level of the changed leaves; undefined: not known, no hint. */
  readonly level: Level | undefined;
  /** Leave the final DSB ISH to the caller. */
  readonly nosync?: boolean;
}

export interface TlbFlushOptions {
  readonly granule: Granule;
  readonly cpu: CpuFeatures;
  readonly sink: TlbiSink;
  /** Kernel page-table isolation: user and kernel have an ASID each, every TLBI is issued for both. */
  readonly kpti?: boolean;
  /** Erratum "broken broadcast TLBI completion": every wait is followed by one more TLBI and one more wait. */
  readonly repeatTlbi?: boolean;
}

export class TlbFlush {
  /** TLBI instructions issued, by mnemonic. */
  readonly ops: Record<TlbiOp, number>;
  /** DSB instructions issued, by domain. */
  readonly barriers: Record<Barrier, number> = { ish: 0, ishst: 0, nsh: 0, nshst: 0 };
  readonly kpti: boolean;
  private readonly granule: Granule;
  private readonly cpu: CpuFeatures;
  private readonly sink: TlbiSink;
  private readonly repeatTlbi: boolean;

  constructor({ granule, cpu, sink, kpti = false, repeatTlbi = false }: TlbFlushOptions) {
    this.granule = granule;
    this.cpu = cpu;
    this.sink = sink;
    this.kpti = kpti;
    this.repeatTlbi = repeatTlbi;
    this.ops = Object.fromEntries(TLBI_OPS.map((op) => [op, 0])) as Record<TlbiOp, number>;
  }

  /** DSB of the given domain. `ishst` orders page-table stores before what follows. */
  dsb(domain: Barrier): void {
    this.barriers[domain]++;
    this.sink.dsb(domain);
  }

  /** Wait for the TLBIs issued so far: __tlbi_sync_s1ish(). */
  sync(): void {
    this.dsb("ish");
    if (!this.repeatTlbi) return;
    this.issue("vale1is", 0 as Asid, 0 as Va, this.granule.pageSize as Va, undefined);
    this.dsb("ish");
  }

  /** One page, leaf entries only, no level hint. */
  flushTlbPage(mm: MmStruct, addr: Va): void {
    this.flushTlbPageNosync(mm, addr);
    this.sync();
  }

  flushTlbPageNosync(mm: MmStruct, addr: Va): void {
    this.dsb("ishst");
    const start = alignDown(addr, this.granule.pageSize);
    this.tlbi("vale1is", mm, start, (start + this.granule.pageSize) as Va, undefined);
  }

  /**
   * The addresses `start` to `end`, rounded out to strides. Falls back to the whole ASID from as many strides as a table has
   * entries (no range instructions) or beyond 2^21 pages; that flush waits by itself, so without `nosync` there are two waits.
   */
  flushTlbRange(mm: MmStruct, start: Va, end: Va, range: FlushRange): void {
    this.flushTlbRangeNosync(mm, alignDown(start, range.stride), alignUp(end, range.stride), range);
    if (range.nosync !== true) this.sync();
  }

  /** flush_tlb_range(): all levels, page stride, no hint; for changes that may free or move tables. */
  flushTlbRangeAllLevels(mm: MmStruct, start: Va, end: Va): void {
    this.flushTlbRange(mm, start, end, { stride: this.granule.pageSize, lastLevel: false, level: undefined });
  }

  /** flush_pmd_tlb_range(): level-2 blocks. */
  flushPmdTlbRange(mm: MmStruct, start: Va, end: Va): void {
    this.flushTlbRange(mm, start, end, { stride: this.granule.pmdSize, lastLevel: false, level: 2 });
  }

  /** Everything of the mm's ASID. */
  flushTlbMm(mm: MmStruct): void {
    this.dsb("ishst");
    this.tlbi("aside1is", mm, 0 as Va, 0 as Va, undefined);
    this.sync();
  }

  /** The whole TLB of the CPU that executes, after the ASIDs have wrapped. Linux: local_flush_tlb_all(). */
  localFlushTlbAll(): void {
    this.dsb("nshst");
    this.issue("vmalle1", 0 as Asid, 0 as Va, 0 as Va, undefined);
    this.dsb("nsh");
  }

  /** Reclaim unmapped one page: the TLBI is issued at once, the wait is batched (arch_tlbbatch_add_pending). */
  tlbbatchAddPending(mm: MmStruct, addr: Va): void {
    this.flushTlbPageNosync(mm, addr);
  }

  /** The batched wait (arch_tlbbatch_flush). */
  tlbbatchFlush(): void {
    this.sync();
  }

  private flushTlbRangeNosync(mm: MmStruct, start: Va, end: Va, { stride, lastLevel, level }: FlushRange): void {
    const { pageSize, ptrsPerTable } = this.granule;
    const range = this.cpu.tlbiRange;
    let pages = (end - start) / pageSize;
    if ((!range && end - start >= ptrsPerTable * stride) || pages > MAX_TLBI_RANGE_PAGES) {
      this.flushTlbMm(mm);
      return;
    }
    this.dsb("ishst");
    const single = lastLevel ? "vale1is" : "vae1is";
    const singleLevel = this.cpu.ttl ? level : undefined;
    /* The level field of a range operation has no code for level 0. */
    const rangeLevel = level === 0 ? undefined : level;
    let at = start;
    for (let scale = 3; pages > 0; ) {
      if (!range || pages === 1 || (this.cpu.lpa2 && at % LPA2_RANGE_ALIGNMENT !== 0)) {
        this.tlbi(single, mm, at, (at + pageSize) as Va, singleLevel);
        at = (at + stride) as Va;
        pages -= stride / pageSize;
        continue;
      }
      const unit = 2 ** (5 * scale + 1);
      const units = Math.min(Math.floor(pages / unit), 32);
      if (units > 0) {
        const end = (at + units * unit * pageSize) as Va;
        this.tlbi(lastLevel ? "rvale1is" : "rvae1is", mm, at, end, rangeLevel);
        at = end;
        pages -= units * unit;
      }
      scale--;
    }
  }

  /** The instruction for the mm's ASID and, with page-table isolation, for its user twin. */
  private tlbi(op: TlbiOp, mm: MmStruct, start: Va, end: Va, level: Level | undefined): void {
    const asid = (mm.contextId % 65536) as Asid;
    this.issue(op, asid, start, end, level);
    if (this.kpti) this.issue(op, (asid + 1) as Asid, start, end, level);
  }

  private issue(op: TlbiOp, asid: Asid, start: Va, end: Va, level: Level | undefined): void {
    this.ops[op]++;
    this.sink.tlbi({ op, asid, start, end, level });
  }
}
