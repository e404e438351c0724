/**
 * ASID allocation with generations: an mm keeps its ASID until all are used up, then everyone starts over in a new generation.
 *
 * Linux: arch/arm64/mm/context.c check_and_switch_context(), new_context(), flush_context(). One CPU here.
 */
import type { Asid } from "../../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../../emulator/arch/cpu-features.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import type { TlbFlush } from "./tlbflush.js";

/** contextId = generation * 65536 + ASID, whatever the ASID width (ASID_FIRST_VERSION). */
const GENERATION = 65536;

export interface ContextSwitch {
  readonly asid: Asid;
  /** The ASIDs had wrapped, and the whole TLB was flushed before the switch. */
  readonly flushAll: boolean;
}

export class MmuContext {
  private readonly tlb: TlbFlush;
  private readonly nrAsids: number;
  /** asid_map: 1 = taken in this generation. */
  private readonly map: Uint8Array;
  private generation = 1;
  /** Where the search for a free ASID starts: #0 stays with the reserved TTBR0. */
  private curIdx = 1;
  /** contextId that runs now (active_asids), 0 after a rollover until the next switch. */
  private active = 0;
  /** contextId that ran during the last rollover; it survives into the new generation. */
  private reserved = 0;
  private tlbFlushPending = false;

  constructor({ cpu, tlb }: { readonly cpu: CpuFeatures; readonly tlb: TlbFlush }) {
    this.tlb = tlb;
    this.nrAsids = 2 ** cpu.asidBits;
    this.map = new Uint8Array(this.nrAsids);
    this.clearMap();
  }

  /** The ASID of an mm that has run, 0 for one that has not. */
  asidOf(mm: MmStruct): Asid {
    return (mm.contextId % GENERATION) as Asid;
  }

  /** Make `mm` the running address space: give it an ASID of this generation if it has none. Writes mm.contextId. */
  checkAndSwitchContext(mm: MmStruct): ContextSwitch {
    let flushAll = false;
    if (this.active === 0 || !this.isCurrent(mm.contextId)) {
      if (!this.isCurrent(mm.contextId)) mm.contextId = this.newContext(mm.contextId);
      if (this.tlbFlushPending) {
        this.tlbFlushPending = false;
        this.tlb.localFlushTlbAll();
        flushAll = true;
      }
    }
    this.active = mm.contextId;
    return { asid: this.asidOf(mm), flushAll };
  }

  private isCurrent(contextId: number): boolean {
    return Math.floor(contextId / GENERATION) === this.generation;
  }

  private newContext(old: number): number {
    if (old !== 0) {
      const oldAsid = old % GENERATION;
      const same = this.generation * GENERATION + oldAsid;
      if (this.reserved === old) {
        this.reserved = same;
        return same;
      }
      if (this.map[oldAsid] === 0) {
        this.map[oldAsid] = 1;
        return same;
      }
    }
    let asid = this.map.indexOf(0, this.curIdx);
    if (asid < 0) {
      this.generation++;
      this.flushContext();
      asid = this.map.indexOf(0, 1);
    }
    this.map[asid] = 1;
    this.curIdx = asid;
    return this.generation * GENERATION + asid;
  }

  private flushContext(): void {
    this.clearMap();
    const running = this.active === 0 ? this.reserved : this.active;
    this.active = 0;
    this.map[running % GENERATION] = 1;
    this.reserved = running;
    this.tlbFlushPending = true;
  }

  /** With page-table isolation the odd ASIDs are the user twins of the even ones. */
  private clearMap(): void {
    this.map.fill(0);
    if (!this.tlb.kpti) return;
    for (let asid = 1; asid < this.nrAsids; asid += 2) this.map[asid] = 1;
  }
}
