/**
 * The contpte layer: PTE_CONT is set and cleared behind the ptep functions, so that the generic mm never sees it.
 *
 * Pgtable calls in here only where Linux's inline wrappers do. Without this layer (`--contpte off`) the same calls act on raw entries.
 * Counters and observer calls stand where the recordings' kprobes stood, at the entry of the out-of-line functions, with the
 * address that the kernel function receives. The compiler inlines __contpte_try_unfold() into its callers
 * within contpte.c, so those do not count as tryUnfold; each contpte_convert() is reported in any case.
 *
 * Linux: arch/arm64/mm/contpte.c. Arm: DDI 0487 D8.7.1 (the Contiguous bit), D8.17 (break-before-make).
 * Differs: mm_is_user() is always true, there are no kernel or EFI tables here; no other agent updates tables concurrently, so
 * ptep_get_lockless() never retries.
 */
import { alignDown, alignUp, type Pa, type Pfn, type Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import type { Granule } from "../../../emulator/arch/granule.js";
import type { ContpteCall } from "../../mm/observer.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import type { Pages } from "../../mm/page.js";
import type { Vma } from "../../mm/vma.js";
import { pteCont, pteMkclean, pteMkcont, pteMknoncont, pteMkold, ptePgprot, pteToPhys, pteWrite } from "./pte.js";
import type { ClearYoungDirty, ContpteCounters, RawPte } from "./raw-pte.js";
import type { TlbFlush } from "./tlbflush.js";

export interface ContpteOptions {
  readonly granule: Granule;
  readonly pages: Pages;
  readonly raw: RawPte;
  readonly tlb: TlbFlush;
  readonly counters: ContpteCounters;
}

export class Contpte {
  private readonly pages: Pages;
  private readonly raw: RawPte;
  private readonly tlb: TlbFlush;
  private readonly counters: ContpteCounters;
  private readonly pageSize: number;
  /** Entries and bytes of a block, and bytes of its entries. */
  private readonly contPtes: number;
  private readonly contPteSize: number;
  private readonly contBytes: number;

  constructor({ granule, pages, raw, tlb, counters }: ContpteOptions) {
    this.pages = pages;
    this.raw = raw;
    this.tlb = tlb;
    this.counters = counters;
    this.pageSize = granule.pageSize;
    this.contPtes = granule.contPtes;
    this.contPteSize = granule.contPteSize;
    this.contBytes = granule.contPtes * 8;
  }

  /**
   * Fold the block that ends with this entry if it became uniform: one folio, one run of frames, one set of attributes.
   * AF and dirty may differ and are ORed. Pre: address and frame are the last of a block, `pte` is valid, not CONT, not special.
   */
  tryFold(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void {
    this.counters.tryFold++;
    this.called(mm, "tryFold", addr, 1);
    const page = this.pfnOf(pte);
    const folio = this.pages.head(page);
    const folioStart = addr - (page - folio) * this.pageSize;
    const folioEnd = folioStart + this.pages.folioNrPages(folio) * this.pageSize;
    const contStart = alignDown(addr, this.contPteSize);
    if (folioStart > contStart || folioEnd < contStart + this.contPteSize) return;
    const expected = this.firstOfBlock(pteMkold(pteMkclean(pte)));
    if (!this.raw.areUniform(this.blockOf(ptep), expected, this.contPtes)) return;
    this.convert(mm, addr, ptep, pteMkcont(pte));
  }

  /** The wrapper's call: an entry of a folded block is about to change alone. `pte` is its raw value. */
  tryUnfold(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void {
    this.counters.tryUnfold++;
    this.called(mm, "tryUnfold", addr, 1);
    this.unfold(mm, addr, ptep, pte);
  }

  /** Young and dirty of the whole block in the value of one entry. N loads. */
  ptepGet(ptep: Pa, pte: bigint): bigint {
    this.counters.ptepGetLoads += this.contPtes;
    return this.raw.gather(this.blockOf(ptep), pte, this.contPtes);
  }

  /** The same with every entry checked to belong to one consistent block. */
  ptepGetLockless(ptep: Pa, pte: bigint): bigint {
    const block = this.blockOf(ptep);
    if (!this.raw.areUniform(block, this.firstOfBlock(pteMkold(pteMkclean(pte)), (ptep - block) / 8), this.contPtes)) {
      throw new ModelBug(`ptepGetLockless: the block of entry 0x${ptep.toString(16)} = 0x${pte.toString(16)} is not consistent`);
    }
    return this.raw.gather(block, pte, this.contPtes);
  }

  /** Map `nr` > 1 pages of one folio over entries that are not present: whole blocks aligned in VA and PA get PTE_CONT. */
  setPtes(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint, nr: number): void {
    this.counters.setPtes++;
    this.called(mm, "setPtes", addr, nr);
    const { pageSize, contPteSize } = this;
    const end = addr + nr * pageSize;
    const prot = ptePgprot(pte);
    let at: number = addr;
    let entry: number = ptep;
    let phys: number = pteToPhys(pte);
    while (at < end) {
      const next = Math.min(alignDown(at, contPteSize) + contPteSize, end);
      const length = next - at;
      const whole = length === contPteSize && at % contPteSize === 0 && phys % contPteSize === 0;
      const value = BigInt(phys) | prot;
      if (whole) this.counters.setPtesBlocks++;
      this.raw.setPtes(entry as Pa, whole ? pteMkcont(value) : value, length / pageSize);
      at = next;
      entry += (length / pageSize) * 8;
      phys += length;
    }
  }

  clearFullPtes(mm: MmStruct, addr: Va, ptep: Pa, nr: number): void {
    this.counters.clearFullPtes++;
    this.called(mm, "clearFullPtes", addr, nr);
    this.tryUnfoldPartial(mm, addr, ptep, nr);
    this.raw.clearFull(ptep, nr);
  }

  getAndClearFullPtes(mm: MmStruct, addr: Va, ptep: Pa, nr: number): bigint {
    this.counters.getAndClearFullPtes++;
    this.called(mm, "getAndClearFullPtes", addr, nr);
    this.tryUnfoldPartial(mm, addr, ptep, nr);
    return this.raw.getAndClearFull(ptep, nr);
  }

  /** Clears AF in the whole block: the generic mm tracks references per folio, and a block lies in one folio. */
  ptepTestAndClearYoung(vma: Vma, addr: Va, ptep: Pa): boolean {
    this.counters.testClearYoung++;
    this.called(vma.mm, "testClearYoung", addr, 1);
    return this.raw.testAndClearYoung(this.blockOf(ptep), this.contPtes);
  }

  /** The wait is left out: a stale young entry only delays ageing, and the next context switch has a DSB. */
  ptepClearFlushYoung(vma: Vma, addr: Va, ptep: Pa): boolean {
    this.counters.clearFlushYoung++;
    this.called(vma.mm, "clearFlushYoung", addr, 1);
    const young = this.ptepTestAndClearYoung(vma, addr, ptep);
    if (young) this.flushBlock(vma.mm, addr, true);
    return young;
  }

  /**
   * Whole blocks keep PTE_CONT while their entries change one by one: a TLB then sees one of the programmed values
   * (RJQQTC). The caller flushes.
   */
  wrprotectPtes(mm: MmStruct, addr: Va, ptep: Pa, nr: number): void {
    this.counters.wrprotectPtes++;
    this.called(mm, "wrprotectPtes", addr, nr);
    this.tryUnfoldPartial(mm, addr, ptep, nr);
    this.raw.wrprotect(ptep, nr);
  }

  /** Widened to whole blocks at either end instead of unfolding. */
  clearYoungDirtyPtes(vma: Vma, addr: Va, ptep: Pa, nr: number, clear: ClearYoungDirty): void {
    this.counters.clearYoungDirty++;
    this.called(vma.mm, "clearYoungDirty", addr, nr);
    const { raw, contBytes } = this;
    const lastEnd = (ptep + nr * 8) as Pa;
    const end = raw.isCont((lastEnd - 8) as Pa) ? alignUp(lastEnd, contBytes) : lastEnd;
    const start = raw.isCont(ptep) ? alignDown(ptep, contBytes) : ptep;
    raw.clearYoungDirty(start, (end - start) / 8, clear);
  }

  /**
   * More permissive access flags for one page of a folded block. Without a change of the write bit all N entries get them and
   * the block stays folded; else it is unfolded and one entry changes. Returns false if all N entries had the flags.
   */
  ptepSetAccessFlags(vma: Vma, addr: Va, ptep: Pa, entry: bigint, dirty: boolean): boolean {
    const { raw } = this;
    const { mm } = vma;
    this.counters.setAccessFlags++;
    this.called(mm, "setAccessFlags", addr, 1);
    const block = this.blockOf(ptep);
    if (raw.haveAccessFlags(block, entry, this.contPtes)) return false;
    if (raw.isWrite(ptep) === pteWrite(entry)) {
      for (let at: number = block; at < block + this.contBytes; at += 8) raw.setAccessFlags(at as Pa, entry);
      if (dirty) this.flushBlock(mm, addr, false);
    } else {
      this.unfold(mm, addr, ptep, raw.get(ptep));
      if (raw.setAccessFlags(ptep, entry) && dirty) this.tlb.flushTlbPage(mm, addr);
    }
    return true;
  }

  /** Unfold the blocks that the range covers only in part. */
  private tryUnfoldPartial(mm: MmStruct, addr: Va, ptep: Pa, nr: number): void {
    const { raw, contBytes, contPtes } = this;
    this.counters.unfoldPartial++;
    this.called(mm, "unfoldPartial", addr, nr);
    if ((ptep % contBytes !== 0 || nr < contPtes) && raw.isValidCont(ptep)) this.unfold(mm, addr, ptep, raw.get(ptep));
    if ((ptep + nr * 8) % contBytes === 0) return;
    const last = (ptep + (nr - 1) * 8) as Pa;
    if (raw.isValidCont(last)) this.unfold(mm, (addr + (nr - 1) * this.pageSize) as Va, last, raw.get(last));
  }

  private unfold(mm: MmStruct, addr: Va, ptep: Pa, pte: bigint): void {
    this.convert(mm, addr, ptep, pteMknoncont(pte));
  }

  /**
   * Repaint the block with the attributes of `target`: all entries invalid, young and dirty collected, TLB flushed, all
   * entries written. The only place where PTE_CONT changes in live entries; the order is break-before-make.
   */
  private convert(mm: MmStruct, addr: Va, ptep: Pa, target: bigint): void {
    const { counters, raw, contPtes } = this;
    counters.convert++;
    if (pteCont(target)) counters.fold++;
    else counters.unfold++;
    mm.sys.observer?.contpteConvert(mm, addr, target);
    const block = this.blockOf(ptep);
    const painted = raw.gather(block, this.firstOfBlock(target), contPtes);
    raw.clearFull(block, contPtes);
    this.flushBlock(mm, addr, false);
    raw.setPtes(block, painted, contPtes);
  }

  /** Invalidate the TLB entries of the block that contains `addr`. */
  private flushBlock(mm: MmStruct, addr: Va, nosync: boolean): void {
    const start = alignDown(addr, this.contPteSize);
    this.tlb.flushTlbRange(mm, start, (start + this.contPteSize) as Va, { stride: this.pageSize, lastLevel: true, level: 3, nosync });
  }

  private blockOf(ptep: Pa): Pa {
    return alignDown(ptep, this.contBytes);
  }

  /** The value with the frame of the first entry of its block; `back` entries back, or down to the aligned frame. */
  private firstOfBlock(pte: bigint, back?: number): bigint {
    const phys = pteToPhys(pte);
    const first = back === undefined ? alignDown(phys, this.contPteSize) : phys - back * this.pageSize;
    return BigInt(first) | ptePgprot(pte);
  }

  private pfnOf(pte: bigint): Pfn {
    return (pteToPhys(pte) / this.pageSize) as Pfn;
  }

  private called(mm: MmStruct, call: ContpteCall, addr: Va, nr: number): void {
    mm.sys.observer?.contpteCall(mm, call, addr, nr);
  }
}
