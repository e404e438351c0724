/**
 * --check: verifies page tables, TLB maintenance, TLB models and accounting while a program runs.
 *
 * Three ears: a tap on the page-table interface (what each call did to the entries), a tap on TLBI and DSB (what may still be cached),
 * and the return to EL0 (what must hold when the kernel is done). Every breach is reported under its rule; docs/validation.md has them all.
 *
 * Arm: DDI 0487 D8.7.1, D8.17. Linux: arch/arm64/mm/contpte.c; spec section 6.
 */
import { type Asid, type Pa, type Pfn, type Va, alignDown, hex } from "../../emulator/arch/addr.js";
import { outputAddress, outputAddressMask } from "../../emulator/arch/descriptor.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Level } from "../../emulator/arch/granule.js";
import { MAIR_LINUX } from "../../emulator/arch/sysreg.js";
import { ACCESS_FETCH, ACCESS_READ } from "../../emulator/engine/engine.js";
import type { Mmu } from "../../emulator/mmu/mmu.js";
import type { TlbEntry } from "../../emulator/mmu/tlb.js";
import { isEverything, matchTlbi, type Barrier, type Tlbi, type TlbiSink } from "../../emulator/mmu/tlbi.js";
import { newWalkResult, walk } from "../../emulator/mmu/walk.js";
import type { Processor, Trap } from "../../emulator/processor.js";
import { decodeDescriptor, type DescriptorContext, kindOf } from "../../emulator/validate/descriptor-fields.js";
import { AsidUse, TIME_RULES, type TimeRuleId, TranslationHistory } from "../../emulator/validate/over-time.js";
import { checkDescriptor, checkRun, type Finding, type RunFinding } from "../../emulator/validate/rules-arm.js";
import { place, type Rule, type Violation } from "../../emulator/validate/rule.js";
import { pteSpecial, pteValid, pteValidCont, pteWrite } from "../../kernel-model/arch/arm64/pte.js";
import { checkSystem } from "../../kernel-model/mm/check.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_BUDDY, PG_TABLE } from "../../kernel-model/mm/page.js";
import { checkLinuxEntry, checkLinuxRun, LINUX_RULES } from "../validate/rules-linux.js";
import { FanOut } from "./fan-out.js";
import { type PgtableListener, type PteCall, tapPgtable } from "./pgtable-tap.js";
import { checkEffect, EFFECT_RULES, gathered } from "./pte-effects.js";

/** Accounting, reported by checkSystem(). */
export const ACCOUNTING_RULE: Rule = {
  id: "L-ACCOUNT",
  severity: "error",
  title: "map counts, references, RSS, table pages and free lists are what the tables say",
  source: "kernel-model/mm/check.ts; spec invariant 13",
  consequence: "pages leak, or are freed while they are mapped",
};

export interface CheckerOptions {
  readonly sys: MemorySystem;
  /** Where TLBI and DSB go; tapped in place. */
  readonly sink: TlbiSink;
  /** Runs EL0; tapped in place. Without one the caller says when the kernel is done: `returnToUser()`. */
  readonly processor?: Pick<Processor, "run" | "setAddressSpace"> | undefined;
  /** The studied TLBs. */
  readonly mmus?: readonly Mmu[];
  /** All live address spaces; without it accounting is not checked. */
  readonly mms?: (() => readonly MmStruct[]) | undefined;
  /** Operations that changed a table between two checks of the whole system. Default 1000. */
  readonly fullEvery?: number;
  /** Takes each violation. Default: throw ModelBug. */
  readonly report?: (violation: Violation) => void;
}

/** What one call is about to change: raw entries around it. */
interface Watched {
  readonly call: PteCall;
  readonly asid: Asid;
  /** Place and address of the first entry. */
  readonly start: Pa;
  readonly va: Va;
  readonly before: readonly bigint[];
  /** As the history knows them. */
  readonly shadow: bigint[];
  /** Addresses that TLBIs of this call have named. */
  readonly tlbi: Tlbi[];
}

/** A block of entries that the current kernel operation has changed. */
interface Touched {
  readonly mm: MmStruct;
  readonly entry: Pa;
  readonly va: Va;
  readonly nr: number;
  readonly level: Level;
}

/** A table that was unhooked and not yet freed: ASIDs whose walk caches have been cleaned, before and after the wait. */
interface LooseTable {
  readonly named: Set<Asid | "all">;
  readonly clean: Set<Asid | "all">;
}

const DEFAULT_FULL_EVERY = 1000;
/** Output address bits of the model's CPUs. */
const OA_BITS = 48;

export class Checker implements PgtableListener {
  /** Calls, returns to EL0 and whole-system checks so far. */
  readonly counts = { calls: 0, returns: 0, full: 0 };
  private readonly sys: MemorySystem;
  private readonly mmus: readonly Mmu[];
  private readonly mms: (() => readonly MmStruct[]) | undefined;
  private readonly fullEvery: number;
  private readonly take: (violation: Violation) => void;
  private readonly history: TranslationHistory;
  private readonly asids: AsidUse;
  private readonly touched = new Map<Pa, Touched>();
  private readonly loose = new Map<Pa, LooseTable>();
  /** Level-3 tables that have been seen: whose, and the first address that they translate. */
  private readonly tables = new Map<Pa, { readonly mm: MmStruct; readonly va: Va }>();
  private readonly dead = new WeakSet<MmStruct>();
  private readonly result = newWalkResult();
  /** By level: attributes of leaves that break no rule. */
  private readonly clean: readonly Set<bigint>[] = [new Set(), new Set(), new Set(), new Set()];
  private watched: Watched | undefined;
  private sinceFull = 0;

  constructor(options: CheckerOptions) {
    this.sys = options.sys;
    this.mmus = options.mmus ?? [];
    this.mms = options.mms;
    this.fullEvery = options.fullEvery ?? DEFAULT_FULL_EVERY;
    this.take =
      options.report ??
      ((violation) => {
        throw new ModelBug(`check: ${violation.rule.id} ${place(violation)}: ${violation.detail} (${violation.rule.title})`);
      });
    const report = (violation: Violation): void => {
      this.take(violation);
    };
    this.history = new TranslationHistory(this.sys.granule, report);
    this.asids = new AsidUse(report);
  }

  private violation(rule: Rule, detail: string, va?: Va, level?: Level, first?: Pa, last = first): void {
    this.take({ rule, va, level, entries: first === undefined ? undefined : { first, last: last! }, detail });
  }

  // Page-table calls.

  enter(call: PteCall): void {
    this.counts.calls++;
    const { sys } = this;
    const { granule } = sys;
    const margin = call.level === 3 ? granule.contPtes : 1;
    const bytes = margin * 8;
    const tableStart = alignDown(call.entry, granule.pageSize);
    const tableEnd = tableStart + granule.levels[call.level]!.entries * 8;
    // A block more on either side, to see what a call must leave alone.
    const start = Math.max(tableStart, alignDown(call.entry, bytes) - bytes) as Pa;
    const end = Math.min(tableEnd, Math.ceil((call.entry + call.nr * 8) / bytes) * bytes + bytes);
    const before = Array.from({ length: (end - start) / 8 }, (_, i) => sys.pgtable.rawGet((start + i * 8) as Pa));
    const { size } = granule.levels[call.level]!;
    const page = alignDown(call.addr, size);
    const va = (page - ((call.entry - start) / 8) * size) as Va;
    if (call.level === 3) this.tables.set(tableStart, { mm: call.mm, va: (page - ((call.entry - tableStart) / 8) * size) as Va });
    this.watched = { call, asid: (call.mm.contextId % 65536) as Asid, start, va, before, shadow: [...before], tlbi: [] };
  }

  /** Tell the history what has changed since it last looked. */
  private sync(): void {
    const { watched, sys } = this;
    if (watched === undefined) return;
    const { call, shadow, start, va, asid } = watched;
    const size = sys.granule.levels[call.level]!.size;
    const cached = this.isCached(call.mm, asid, start);
    for (let i = 0; i < shadow.length; i++) {
      const now = sys.pgtable.rawGet((start + i * 8) as Pa);
      const before = shadow[i]!;
      if (now === before) continue;
      shadow[i] = now;
      if (call.level === 2 && kindOf(before, this.context(2)) === "table") this.unhooked((start + i * 8) as Pa, before);
      if (cached) this.history.change({ asid, va: (va + i * size) as Va, level: call.level, before, after: now });
    }
  }

  /** False if no TLB can hold what stands in this table: the address space has not run, or ends, or the table is out of reach and flushed. */
  private isCached(mm: MmStruct, asid: Asid, entry: Pa): boolean {
    if (mm.contextId === 0 || this.dead.has(mm)) return false;
    const loose = this.loose.get(alignDown(entry, this.sys.granule.pageSize));
    return loose === undefined || !(loose.clean.has(asid) || loose.clean.has("all"));
  }

  leave(call: PteCall, result: unknown): void {
    this.sync();
    const { watched, sys } = this;
    this.watched = undefined;
    if (watched === undefined) return;
    const { start, va, before, shadow: after, asid } = watched;
    if (call.intent === "clear-flush" || call.intent === "pmd-flush") {
      const size = sys.granule.levels[call.level]!.size;
      this.history.require(asid, alignDown(call.addr, size), (alignDown(call.addr, size) + size) as Va);
    }
    const size = sys.granule.levels[call.level]!.size;
    if (call.level === 3) {
      this.checkCall(watched, after, result);
      for (let i = 0; i < after.length; i += sys.granule.contPtes) this.noteBlock(watched, i, size);
    } else {
      after.forEach((value, i) => {
        if (value !== before[i]) this.touched.set((start + i * 8) as Pa, { mm: call.mm, entry: (start + i * 8) as Pa, va: (va + i * size) as Va, nr: 1, level: call.level });
      });
    }
  }

  /** A changed block is remembered for the end of the operation, and its run is checked at once: no call leaves a run half done. */
  private noteBlock({ call, start, va, before, shadow: after }: Watched, index: number, size: number): void {
    const { contPtes } = this.sys.granule;
    const values = after.slice(index, index + contPtes);
    if (values.every((value, i) => value === before[index + i])) return;
    const entry = (start + index * 8) as Pa;
    const first = (va + index * size) as Va;
    this.touched.set(entry, { mm: call.mm, entry, va: first, nr: contPtes, level: 3 });
    const context = this.context(3);
    const findings: RunFinding[] = [...checkRun(values, context, this.sys.granule.levels[3]!), ...checkLinuxRun(values), ...this.checkFolio(values)];
    for (const { rule, detail } of findings) this.violation(rule, `after ${call.name}: ${detail}`, first, 3, entry, (entry + (contPtes - 1) * 8) as Pa);
  }

  private checkCall({ call, start, va, before, tlbi, asid }: Watched, after: readonly bigint[], result: unknown): void {
    const { pgtable, granule } = this.sys;
    const first = (call.entry - start) / 8;
    const { contPtes, pageSize } = granule;
    const findings = checkEffect(call, result, {
      before,
      after,
      first,
      blocksStart: first - (first % contPtes),
      blocksEnd: Math.ceil((first + call.nr) / contPtes) * contPtes,
      contPtes,
      pageSize,
      contpte: pgtable.contpte,
      oneFolio: (index) => this.checkFolio(after.slice(index, index + contPtes), true).length === 0,
    });
    for (const { rule, detail, index } of findings) this.violation(rule, detail, (va + index * pageSize) as Va, 3, (start + index * 8) as Pa);
    if (call.intent !== "access-flags" || call.dirty !== true || result !== true || !pteValid(before[first]!)) return;
    const page = { asid, global: false, start: alignDown(call.addr, pageSize), end: (alignDown(call.addr, pageSize) + pageSize) as Va, level: 3 as const, table: false };
    if (!tlbi.some((operation) => matchTlbi(operation, page))) this.violation(TIME_RULES["T-SPURIOUS"], `${call.name} changed ${hex(before[first]!)} to ${hex(after[first]!)} without a TLBI for the page`, page.start, 3, call.entry);
  }

  read(entry: Pa, value: bigint): void {
    const { pgtable, granule } = this.sys;
    const raw = pgtable.rawGet(entry);
    if (!pteValidCont(raw)) return;
    const block = alignDown(entry, granule.contPtes * 8);
    const values = Array.from({ length: granule.contPtes }, (_, i) => pgtable.rawGet((block + i * 8) as Pa));
    const expected = gathered(values, (entry - block) / 8, granule.contPtes);
    const got = gathered([value & ~(1n << 52n)], 0, 1);
    if (expected.young !== got.young || expected.dirty !== got.dirty) {
      this.violation(EFFECT_RULES["L-GATHER"], `ptepGet returned ${hex(value)}, the block is ${expected.young ? "young" : "old"} and ${expected.dirty ? "dirty" : "clean"}`, undefined, 3, entry);
    }
  }

  // Tables.

  unhooked(_entry: Pa, value: bigint): void {
    const table = this.tableOf(value);
    this.loose.set(table, { named: new Set(), clean: new Set() });
    const known = this.tables.get(table);
    if (known === undefined || known.mm.contextId === 0 || this.dead.has(known.mm)) return;
    // All that the table maps is out of reach at once.
    const { pgtable, granule } = this.sys;
    const asid = (known.mm.contextId % 65536) as Asid;
    for (let i = 0; i < granule.ptrsPerTable; i++) {
      const before = pgtable.rawGet((table + i * 8) as Pa);
      if (before !== 0n) this.history.change({ asid, va: (known.va + i * granule.pageSize) as Va, level: 3, before, after: 0n });
    }
  }

  hooked(value: bigint): void {
    this.loose.delete(this.tableOf(value));
  }

  freed(mm: MmStruct, table: Pa): void {
    const loose = this.loose.get(table);
    this.loose.delete(table);
    this.tables.delete(table);
    if (loose === undefined || mm.contextId === 0) return;
    const asid = (mm.contextId % 65536) as Asid;
    if (!loose.clean.has(asid) && !loose.clean.has("all")) {
      const rule: TimeRuleId = loose.named.has(asid) || loose.named.has("all") ? "T-TLBI-SYNC" : "T-STALE";
      this.violation(TIME_RULES[rule], `the table at ${hex(table)} is freed, walk caches of ASID ${asid} may still hold the entry that pointed to it`);
    }
  }

  private tableOf(value: bigint): Pa {
    return Number(value & 0xffff_ffff_f000n & ~(BigInt(this.sys.granule.pageSize) - 1n)) as Pa;
  }

  // TLB maintenance.

  tlbi(operation: Tlbi): void {
    this.sync();
    this.watched?.tlbi.push(operation);
    this.history.tlbi(operation);
    this.asids.tlbi(operation);
    if (operation.op === "vale1is" || operation.op === "rvale1is") return;
    for (const { named } of this.loose.values()) named.add(isEverything(operation.op) ? "all" : operation.asid);
  }

  dsb(domain: Barrier): void {
    this.sync();
    this.history.dsb(domain);
    if (domain !== "ish" && domain !== "nsh") return;
    for (const { named, clean } of this.loose.values()) for (const asid of named) clean.add(asid);
  }

  // Address spaces and returns to EL0.

  /** The address space is about to be torn down: it never runs again. */
  mmExit(mm: MmStruct): void {
    this.dead.add(mm);
    if (mm.contextId !== 0) this.history.forget((mm.contextId % 65536) as Asid);
    this.sinceFull = this.fullEvery;
  }

  runsWith(root: Pa, asid: Asid): void {
    this.asids.run(asid, root);
  }

  /** The kernel is done with an operation: nothing stale, every touched entry in order, the studied TLBs in step. */
  returnToUser(): void {
    this.counts.returns++;
    this.history.flushPoint();
    if (this.touched.size === 0) return;
    for (const touched of this.touched.values()) if (!this.dead.has(touched.mm)) this.checkTouched(touched);
    this.checkStudiedTlbs();
    this.touched.clear();
    if (++this.sinceFull >= this.fullEvery) this.checkAccounting();
  }

  private checkAccounting(): void {
    this.sinceFull = 0;
    if (this.mms === undefined) return;
    this.counts.full++;
    try {
      checkSystem(this.sys, this.mms());
    } catch (error) {
      if (!(error instanceof ModelBug)) throw error;
      this.violation(ACCOUNTING_RULE, error.message);
    }
  }

  private context(level: Level): DescriptorContext {
    return { granule: this.sys.granule, level, lpa2: this.sys.cpu.lpa2, mair: MAIR_LINUX };
  }

  private checkTouched({ mm, entry, va, nr, level }: Touched): void {
    const { pgtable, pages, granule } = this.sys;
    // The table may have been freed in the meantime, and its frame used for something else.
    const table = alignDown(entry, granule.pageSize);
    if (!pages.test((table / granule.pageSize) as Pfn, PG_TABLE)) return;
    const context = this.context(level);
    for (let i = 0; i < nr; i++) {
      const at = (entry + i * 8) as Pa;
      const value = pgtable.rawGet(at);
      if (value === 0n) continue;
      const page = (va + i * granule.levels[level]!.size) as Va;
      const findings: Finding[] = [...this.checkAttributes(value, context), ...this.checkMapping(mm, value, level)];
      for (const { rule, detail } of findings) this.violation(rule, detail, page, level, at);
    }
  }

  /** Rules that look at an entry alone; what is legal and unusual is the program's business. Few sets of attributes occur, so each is looked at once. */
  private checkAttributes(value: bigint, context: DescriptorContext): Finding[] {
    const { level } = context;
    const attributes = value & ~outputAddressMask(this.sys.granule, level);
    if (pteValid(value) && this.clean[level]!.has(attributes)) return [];
    const findings = [...checkDescriptor(decodeDescriptor(value, context), context, OA_BITS), ...checkLinuxEntry(value, context)].filter(({ rule }) => rule.severity === "error");
    if (findings.length === 0) this.clean[level]!.add(attributes);
    return findings;
  }

  /** The folio behind a valid entry: in use, and exclusive where an anonymous page is writable. */
  private checkMapping(mm: MmStruct, value: bigint, level: Level): Finding[] {
    const { pages, granule } = this.sys;
    const kind = kindOf(value, this.context(level));
    if ((kind !== "page" && kind !== "block") || pteSpecial(value) || !pteValid(value)) return [];
    const frame = (outputAddress(value, granule, level) / granule.pageSize) as Pfn;
    const found: Finding[] = [];
    const folio = frame < pages.nr ? pages.head(frame) : frame;
    if (frame >= pages.nr || pages.test(folio, PG_BUDDY | PG_TABLE) || pages.refcount[folio]! <= 0) {
      return [{ rule: LINUX_RULES["L-FRAME"], detail: `mm ${mm.id}: ${hex(value)} maps frame ${hex(frame)}, which is not in use` }];
    }
    if (pteWrite(value) && pages.test(folio, PG_ANON) && !pages.test(frame, PG_ANON_EXCLUSIVE)) {
      found.push({ rule: LINUX_RULES["L-COW"], detail: `mm ${mm.id}: ${hex(value)} is writable, page ${hex(frame)} is not exclusive` });
    }
    return found;
  }

  /** One folio per contiguous block; `always`: whatever the Contiguous bit says. */
  private checkFolio(values: readonly bigint[], always = false): RunFinding[] {
    const { pages, granule } = this.sys;
    const first = always ? 0 : values.findIndex(pteValidCont);
    if (first < 0) return [];
    const headOf = (value: bigint): number => {
      const frame = outputAddress(value, granule, 3) / granule.pageSize;
      return frame < pages.nr ? pages.head(frame as Pfn) : -1;
    };
    const head = headOf(values[first]!);
    const odd = values.findIndex((value) => pteValid(value) && headOf(value) !== head);
    return odd < 0 ? [] : [{ rule: LINUX_RULES["L-CONT-FOLIO"], index: odd, detail: `entry ${first} maps a page of folio ${hex(head)}, entry ${odd} one of ${hex(headOf(values[odd]!))}` }];
  }

  // The studied TLBs.

  private checkStudiedTlbs(): void {
    if (this.mmus.length === 0) return;
    const byAsid = new Map<Asid, { readonly mm: MmStruct; from: number; to: number }>();
    for (const { mm, va, nr, level } of this.touched.values()) {
      if (this.dead.has(mm) || mm.contextId === 0) continue;
      const asid = (mm.contextId % 65536) as Asid;
      const end = va + nr * this.sys.granule.levels[level]!.size;
      const known = byAsid.get(asid);
      if (known === undefined) byAsid.set(asid, { mm, from: va, to: end });
      else {
        known.from = Math.min(known.from, va);
        known.to = Math.max(known.to, end);
      }
    }
    for (const mmu of this.mmus) {
      for (const tlb of mmu.structures) {
        for (const entry of tlb) {
          const use = byAsid.get(entry.asid);
          if (use === undefined || entry.end <= use.from || entry.start >= use.to) continue;
          const why = this.disagreement(entry, use.mm);
          if (why !== undefined) this.violation(TIME_RULES["T-STUDIED"], `${mmu.core.name} holds ${hex(entry.start)}-${hex(entry.end)} of ASID ${entry.asid}: ${why}`, entry.start, entry.level);
        }
      }
    }
  }

  /** Why an entry of a studied TLB cannot be there. */
  private disagreement(entry: TlbEntry, mm: MmStruct): string | undefined {
    const { granule, memory, cpu } = this.sys;
    const { result } = this;
    const regime = { granule, ttbr0: mm.pgd, asid: entry.asid, ha: cpu.hardwareAf, hd: cpu.hardwareDirty, oaBits: OA_BITS };
    // An access that needs no right but what the entry gives.
    walk(memory, regime, entry.start, (entry.perms & 1) !== 0 ? ACCESS_READ : ACCESS_FETCH, { sideEffects: false, into: result });
    if (entry.table) {
      const below = (entry.level + 1) as Level;
      return result.level >= below && result.tableIndex[below] === entry.frame ? undefined : "the walk goes through another table";
    }
    // An entry whose access flag has been cleared since, without a TLBI, is allowed: it only delays ageing.
    if (result.fault === "access-flag") return undefined;
    if (result.fault !== "none") return `the walk ends in a ${result.fault} fault`;
    if (result.frame !== entry.frame) return `it maps frame ${hex(entry.frame)}, the tables say ${hex(result.frame)}`;
    if ((entry.perms & ~result.perms) !== 0) return `it grants ${entry.perms}, the tables ${result.perms}`;
    return undefined;
  }
}

/**
 * Begin to check: taps are put on the page-table interface, the sink and the processor, in place. Attach before the first address space
 * runs. Returns the checker for its counts.
 */
export function attachChecker(options: CheckerOptions): Checker {
  const { sys, sink, processor } = options;
  const checker = new Checker(options);
  tapPgtable(sys.pgtable, checker);
  const { tlbi, dsb } = sink;
  Object.assign(sink, {
    tlbi(operation: Tlbi): void {
      checker.tlbi(operation);
      tlbi.call(sink, operation);
    },
    dsb(domain: Barrier): void {
      checker.dsb(domain);
      dsb.call(sink, domain);
    },
  });
  if (processor !== undefined) {
    const { run, setAddressSpace } = processor;
    Object.assign(processor, {
      run(budget: number): Trap {
        checker.returnToUser();
        return run.call(processor, budget);
      },
      setAddressSpace(root: Pa, asid: Asid): void {
        checker.runsWith(root, asid);
        setAddressSpace.call(processor, root, asid);
      },
    });
  }
  const exits = { mmExit: (mm: MmStruct) => { checker.mmExit(mm); } };
  sys.observer = new FanOut(sys.observer === undefined ? [exits] : [sys.observer, exits]);
  return checker;
}
