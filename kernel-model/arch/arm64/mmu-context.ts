/**
 * ASID allocation with generations: an mm keeps its ASID until all are used up, then everyone starts over in a new generation.
 *
 * Linux: arch/arm64/mm/context.c check_and_switch_context(), new_context(), flush_context().
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
  /** Per CPU: contextId that runs there (active_asids), 0 after a rollover until its next switch. */
  private readonly active: number[];
  /** Per CPU: contextId that ran there during the last rollover; it survives into the new generation (reserved_asids). */
  private readonly reserved: number[];
  /** Per CPU: its TLB is flushed at its next switch (tlb_flush_pending). */
  private readonly flushPending: boolean[];

  constructor({ cpu, tlb, cpus = 1 }: { readonly cpu: CpuFeatures; readonly tlb: TlbFlush; readonly cpus?: number }) {
    this.active = new Array<number>(cpus).fill(0);
    this.reserved = new Array<number>(cpus).fill(0);
    this.flushPending = new Array<boolean>(cpus).fill(false);
    this.tlb = tlb;
    this.nrAsids = 2 ** cpu.asidBits;
    this.map = new Uint8Array(this.nrAsids);
    this.clearMap();
  }

  /** The ASID of an mm that has run, 0 for one that has not. */
  asidOf(mm: MmStruct): Asid {
    return (mm.contextId % GENERATION) as Asid;
  }

  /** Make `mm` the address space that runs on `cpu`: give it an ASID of this generation if it has none. Writes mm.contextId. */
  checkAndSwitchContext(mm: MmStruct, cpu = 0): ContextSwitch {
    let flushAll = false;
    if (this.active[cpu] === 0 || !this.isCurrent(mm.contextId)) {
      if (!this.isCurrent(mm.contextId)) mm.contextId = this.newContext(mm.contextId);
      if (this.flushPending[cpu] === true) {
        this.flushPending[cpu] = false;
        this.tlb.localFlushTlbAll();
        flushAll = true;
      }
    }
    this.active[cpu] = mm.contextId;
    return { asid: this.asidOf(mm), flushAll };
  }

  private isCurrent(contextId: number): boolean {
    return Math.floor(contextId / GENERATION) === this.generation;
  }

  private newContext(old: number): number {
    if (old !== 0) {
      const oldAsid = old % GENERATION;
      const same = this.generation * GENERATION + oldAsid;
      if (this.updateReserved(old, same)) return same;
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

  /** All CPUs that run `old` since the rollover run it under its new name. Linux: check_update_reserved_asid(). */
  private updateReserved(old: number, same: number): boolean {
    let hit = false;
    this.reserved.forEach((contextId, cpu) => {
      if (contextId !== old) return;
      hit = true;
      this.reserved[cpu] = same;
    });
    return hit;
  }

  private flushContext(): void {
    this.clearMap();
    this.active.forEach((contextId, cpu) => {
      // A CPU that has not switched since the last rollover still runs what was reserved for it then.
      const running = contextId === 0 ? this.reserved[cpu]! : contextId;
      this.active[cpu] = 0;
      this.map[running % GENERATION] = 1;
      this.reserved[cpu] = running;
      this.flushPending[cpu] = true;
    });
  }

  /** With page-table isolation the odd ASIDs are the user twins of the even ones. */
  private clearMap(): void {
    this.map.fill(0);
    if (!this.tlb.kpti) return;
    for (let asid = 1; asid < this.nrAsids; asid += 2) this.map[asid] = 1;
  }
}
