/**
 * Rules over time: what a TLB may still hold after a descriptor has changed, and what must happen before.
 *
 * The history assumes the worst TLB that the architecture allows: every translation that was valid and accessed may be cached, page by
 * page, until a TLBI that was ordered after the change has named it and a DSB has completed. It is told of each changed descriptor, each
 * TLBI and DSB in program order, and of the points where the kernel returns to EL0.
 *
 * Arm: DDI 0487 D8.17 (TLB maintenance), RWHZWS, RDDMVT (break-before-make), IVNXYF (a run is invalidated as a whole), RJQQTC.
 */
import { type Asid, type Va, hex } from "../arch/addr.js";
import { outputAddress } from "../arch/descriptor.js";
import type { Granule, Level } from "../arch/granule.js";
import { type Barrier, type CachedTranslation, isEverything, matchTlbi, type Tlbi } from "../mmu/tlbi.js";
import { kindOf } from "./descriptor-fields.js";
import type { Report } from "./check-tables.js";
import { type Rule, ruleTable } from "./rule.js";

const STALE = "EL0 goes on using the old translation: a freed page is read or written, a withdrawn permission still holds";

export const TIME_RULES = ruleTable([
  { id: "T-STALE", severity: "error", title: "a withdrawn translation has been invalidated when the kernel returns to EL0", source: "Arm D8.17, IVNXYF; spec invariant 5", consequence: STALE },
  { id: "T-TLBI-LEVEL", severity: "error", title: "the level hint of a TLBI is that of the changed descriptor", source: "Arm C5.5 (TTL); spec invariant 5", consequence: `the TLBI may invalidate nothing. ${STALE}` },
  { id: "T-TLBI-ASID", severity: "error", title: "a TLBI names the ASID of the changed translation", source: "Arm C5.5; spec invariant 5", consequence: STALE },
  { id: "T-TLBI-ORDER", severity: "error", title: "a DSB stands between the store to a descriptor and its TLBI", source: "Arm D8.17, RWHZWS; tlbflush.h", consequence: `the walker may read the old descriptor again after the TLBI. ${STALE}` },
  { id: "T-TLBI-SYNC", severity: "error", title: "a DSB completes the TLBI before the kernel relies on it", source: "Arm D8.17; tlbflush.h __tlbi_sync_s1ish()", consequence: STALE },
  { id: "T-BBM", severity: "error", title: "output address, memory type and size of a translation change by break-before-make", source: "Arm RWHZWS, RDDMVT; spec invariant 6", consequence: "loss of coherency, of ordering or of uniprocessor semantics; TLB conflict abort possible" },
  { id: "T-BBM-CONT", severity: "error", title: "the Contiguous bit of live entries changes by break-before-make", source: "Arm RWHZWS, RQTRPM; contpte.c contpte_convert(); spec invariant 6", consequence: "overlapping TLB entries: TLB conflict abort possible, amalgam possible below FEAT_BBM level 1" },
  { id: "T-ASID-REUSE", severity: "error", title: "an ASID is given to other tables only after its TLB entries are gone", source: "Arm D8.16; arch/arm64/mm/context.c", consequence: "one process uses translations of another" },
  { id: "T-SPURIOUS", severity: "error", title: "a page that became writable is named by a TLBI, so that the write fault does not come back", source: "arch/arm64/mm/fault.c __ptep_set_access_flags(); spec invariant 15", consequence: "the stale read-only entry faults again: the task may loop" },
  { id: "T-STUDIED", severity: "error", title: "the entries of the studied TLBs agree with the tables when the kernel returns to EL0", source: "spec invariant 5", consequence: "the miss counts of the run are those of a machine that does not exist" },
] as const satisfies readonly Rule[]);

export type TimeRuleId = keyof typeof TIME_RULES;

/** One descriptor has a new value. */
export interface DescriptorChange {
  readonly asid: Asid;
  /** First address that the descriptor translates. */
  readonly va: Va;
  readonly level: Level;
  readonly before: bigint;
  readonly after: bigint;
}

/** Progress of the invalidation of an old translation. */
type Progress = "written" | "ordered" | "named";

/** A translation that is no longer in the tables as it was, and may be in a TLB. */
interface OldTranslation extends CachedTranslation {
  readonly va: Va;
  readonly value: bigint;
  /** The descriptor as it is now. */
  current: bigint;
  progress: Progress;
  /** Why the TLBIs that came near it did not count. */
  missed: TimeRuleId | undefined;
}

const AF = 1n << 10n;
const CONT = 1n << 52n;
const NG = 1n << 11n;
/** AttrIndx and SH: a change of memory type or shareability. */
const TYPE_BITS = (7n << 2n) | (3n << 8n);
const USER = 1n << 6n;
const RDONLY = 1n << 7n;
const NO_EXECUTE = 3n << 53n;

export class TranslationHistory {
  private readonly granule: Granule;
  private readonly report: Report;
  private readonly old = new Set<OldTranslation>();

  constructor(granule: Granule, report: Report) {
    this.granule = granule;
    this.report = report;
  }

  /** Old translations that may still be cached. */
  get size(): number {
    return this.old.size;
  }

  /** A descriptor was written. `asid`: of the tables; pages of an address space that has never run are not cached and not told. */
  change({ asid, va, level, before, after }: DescriptorChange): void {
    const { granule } = this;
    const end = (va + granule.levels[level]!.size) as Va;
    const isLeaf = this.isLeaf(after, level);
    for (const known of this.old) if (known.va === va && known.level === level && known.asid === asid) known.current = after;
    if (this.isLeaf(before, level) && (before & (AF | CONT)) !== 0n && this.withdrawn(before, after, level) !== undefined) {
      this.old.add({ asid, global: (before & NG) === 0n, start: va, end, level, table: false, va, value: before, current: after, progress: "written", missed: undefined });
    }
    if (!isLeaf) return;
    for (const known of this.old) {
      if (known.end <= va || known.start >= end || (known.asid !== asid && !known.global)) continue;
      const broken = this.needsBreak(known, after, level);
      if (broken === undefined) continue;
      // Where a TLBI was issued and missed, or not waited for, that is the defect.
      const rule = known.progress === "named" ? "T-TLBI-SYNC" : (known.missed ?? broken);
      const detail = `${hex(after)} is written while ${hex(known.value)} of level ${known.level} may be cached: ${known.progress === "named" ? "the TLBI has not completed" : "no TLBI has named it"}`;
      this.report({ rule: TIME_RULES[rule], va, level, entries: undefined, detail });
      this.old.delete(known);
    }
  }

  tlbi(operation: Tlbi): void {
    for (const known of this.old) {
      if (matchTlbi(operation, known)) {
        if (known.progress === "ordered") known.progress = "named";
        else if (known.progress === "written") known.missed ??= "T-TLBI-ORDER";
      } else if (matchTlbi({ ...operation, level: undefined }, known)) {
        known.missed ??= "T-TLBI-LEVEL";
      } else if (matchTlbi({ ...operation, asid: known.asid }, known)) {
        known.missed ??= "T-TLBI-ASID";
      }
    }
  }

  /** Any DSB orders earlier stores before later TLBIs; one that is not for stores only completes earlier TLBIs. */
  dsb(domain: Barrier): void {
    const completes = domain === "ish" || domain === "nsh";
    for (const known of this.old) {
      if (known.progress === "named" && completes) this.old.delete(known);
      else if (known.progress === "written") known.progress = "ordered";
    }
  }

  /** The tables of this ASID are torn down; nothing runs with it again before all its entries are gone. */
  forget(asid: Asid): void {
    for (const known of this.old) if (known.asid === asid) this.old.delete(known);
  }

  /** From here on the addresses [start, end) of `asid` must not be translated in the old way. Reports what may still be cached. */
  require(asid: Asid, start: Va, end: Va): void {
    for (const known of this.old) if (known.asid === asid && known.start < end && known.end > start) this.settle(known);
  }

  /** The kernel returns to EL0: nothing withdrawn may still be cached. */
  flushPoint(): void {
    for (const known of this.old) this.settle(known);
  }

  private settle(known: OldTranslation): void {
    this.old.delete(known);
    const why = this.withdrawn(known.value, known.current, known.level);
    if (why === undefined) return;
    const rule = known.progress === "named" ? "T-TLBI-SYNC" : (known.missed ?? "T-STALE");
    this.report({ rule: TIME_RULES[rule], va: known.va, level: known.level, entries: undefined, detail: `${hex(known.value)} may be cached, the descriptor is ${hex(known.current)}: ${why}` });
  }

  private isLeaf(value: bigint, level: Level): boolean {
    const kind = kindOf(value, { granule: this.granule, level, lpa2: false, mair: 0n });
    return kind === "page" || kind === "block";
  }

  /** What `before` allows or says and `after` does not; undefined if a TLB may go on using `before`. */
  private withdrawn(before: bigint, after: bigint, level: Level): string | undefined {
    if (!this.isLeaf(after, level)) return "it is not mapped any more";
    if (outputAddress(before, this.granule, level) !== outputAddress(after, this.granule, level)) return "it maps another address";
    if (((before ^ after) & TYPE_BITS) !== 0n) return "its memory type is another";
    if (((before ^ after) & CONT) !== 0n) return "its Contiguous bit has changed";
    if ((before & ~after & NG) === 0n && ((before ^ after) & NG) !== 0n) return "it was global";
    if ((before & ~after & USER) !== 0n) return "EL0 has lost access";
    if ((after & ~before & RDONLY) !== 0n) return "it has become read-only";
    if ((after & ~before & NO_EXECUTE) !== 0n) return "it is not executable any more";
    return undefined;
  }

  /** The break-before-make rule that a write of `after` breaks while `known` may be cached. */
  private needsBreak(known: OldTranslation, after: bigint, level: Level): TimeRuleId | undefined {
    if (known.level !== level) return "T-BBM";
    if (outputAddress(known.value, this.granule, level) !== outputAddress(after, this.granule, level)) return "T-BBM";
    if (((known.value ^ after) & TYPE_BITS) !== 0n) return "T-BBM";
    return ((known.value ^ after) & CONT) !== 0n ? "T-BBM-CONT" : undefined;
  }
}

/** Which tables use an ASID, and whether TLB entries of others may still be tagged with it. */
export class AsidUse {
  private readonly users = new Map<Asid, number>();
  private readonly report: Report;

  constructor(report: Report) {
    this.report = report;
  }

  /** TTBR0_EL1 is written. */
  run(asid: Asid, root: number): void {
    const before = this.users.get(asid);
    this.users.set(asid, root);
    if (before === undefined || before === root) return;
    this.report({ rule: TIME_RULES["T-ASID-REUSE"], va: undefined, level: undefined, entries: undefined, detail: `ASID ${asid} ran with tables at ${hex(before)}, now with ${hex(root)}` });
  }

  tlbi({ op, asid }: Tlbi): void {
    if (isEverything(op)) this.users.clear();
    else if (op === "aside1is") this.users.delete(asid);
  }
}
