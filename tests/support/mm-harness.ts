/**
 * A small machine without an engine: the memory management of the kernel model, a walker that acts like the hardware's, and
 * accesses that fault through do_mem_abort() until they succeed or end in a signal.
 */
import { expect } from "chai";
import type { Asid, Pa, Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { dataAbortEsr, type FaultKind, instructionAbortEsr } from "../../emulator/arch/esr.js";
import { granule, type GranuleName, type Level } from "../../emulator/arch/granule.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE } from "../../emulator/engine/engine.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { type TranslationRegime, walk } from "../../emulator/mmu/walk.js";
import type { KernelAccess } from "../../emulator/processor.js";
import { doMemAbort, type FaultSignal } from "../../kernel-model/arch/arm64/fault.js";
import { UserAccess } from "../../kernel-model/arch/arm64/uaccess.js";
import { checkSystem } from "../../kernel-model/mm/check.js";
import { createMemorySystem, type MemorySystemOptions } from "../../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { dupMm, mmAlloc, mmPut } from "../../kernel-model/mm/mm-lifecycle.js";
import type { MmLimits, MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { doMmap } from "../../kernel-model/mm/mmap.js";
import type { MmObserver } from "../../kernel-model/mm/observer.js";
import type { Vma } from "../../kernel-model/mm/vma.js";
import { CPU_SINGLE, RecordingSink } from "./memory-system.js";

const MIB = 2 ** 20;
/** PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED. */
const PROT_RW = 3;
const MAP_ANON_FIXED = 0x32;
/** An access that faults more often than this loops. */
const MAX_FAULTS = 8;

export type AccessKind = "read" | "write" | "exec";

/** One call of handle_mm_fault(), as the recordings log it. */
export interface LoggedFault {
  /** Exact address. */
  readonly address: number;
  /** ESR of the abort that led to it; 0 if the fault came without one (a retry, a fault on behalf of the kernel). */
  readonly esr: number;
  readonly flags: number;
  readonly result: number;
}

/** A fault kind seen by the observer. */
export interface ServedFault {
  readonly address: number;
  readonly kind: string;
  readonly order: number;
}

export interface HarnessOptions extends Partial<Omit<MemorySystemOptions, "granule" | "memory" | "sink">> {
  readonly granule?: GranuleName;
  readonly vaBits?: number;
  readonly memoryMib?: number;
}

/** What an access came to: faults taken, and the signal if it failed. */
export interface TouchResult {
  readonly faults: number;
  readonly signal: FaultSignal | undefined;
}

export class MmHarness {
  readonly sys: MemorySystem;
  readonly sink = new RecordingSink();
  readonly mms: MmStruct[] = [];
  readonly faults: LoggedFault[] = [];
  readonly served: ServedFault[] = [];
  /** Calls of the contpte layer, and its conversions as "fold" and "unfold". */
  readonly contpte: { readonly address: number; readonly call: string }[] = [];
  /** Number of do_mem_abort() calls. */
  aborts = 0;
  private readonly cpu: CpuFeatures;
  private readonly freeAtStart: number;
  private readonly limits: MmLimits = { stack: 8 * MIB, data: Infinity, dataMax: Infinity, as: Infinity, memlock: 8 * MIB, privileged: true };

  constructor({ granule: name = "4k", vaBits = 48, memoryMib, cpu = CPU_SINGLE, contpte = true, poison = true, ...rest }: HarnessOptions = {}) {
    this.cpu = cpu;
    const memory = new PhysicalMemory((memoryMib ?? { "4k": 64, "16k": 256, "64k": 1024 }[name]) * MIB);
    this.sys = createMemorySystem({ granule: granule(name, vaBits), memory, sink: this.sink, cpu, contpte, poison, ...rest });
    this.freeAtStart = this.sys.buddy.nrFree;
    this.sys.observer = this.observer();
  }

  private observer(): MmObserver {
    let esr = 0;
    let flagsNow = 0;
    return {
      abort: (_mm, _far, syndrome) => {
        this.aborts++;
        esr = syndrome;
      },
      faultEnter: (_mm, _address, flags) => {
        flagsNow = flags;
      },
      faultExit: (_mm, _vma, address, _flags, result) => {
        this.faults.push({ address, esr, flags: flagsNow, result });
        esr = 0;
      },
      faultServed: (_mm, address, kind, order) => void this.served.push({ address, kind, order }),
      contpteConvert: (_mm, address, target) => void this.contpte.push({ address, call: (target & (1n << 52n)) !== 0n ? "fold" : "unfold" }),
      contpteCall: (_mm, call, address) => void this.contpte.push({ address, call }),
    };
  }

  /** Forget what was logged: faults, TLB maintenance. */
  clear(): void {
    this.faults.length = 0;
    this.served.length = 0;
    this.contpte.length = 0;
    this.aborts = 0;
    this.sink.clear();
  }

  /** An empty address space that has run, so that it has an ASID. */
  newMm(): MmStruct {
    const mm = mmAlloc(this.sys, this.limits);
    if (mm === undefined) throw new Error("newMm: out of memory");
    return this.adopt(mm);
  }

  private adopt(mm: MmStruct): MmStruct {
    this.sys.mmuContext.checkAndSwitchContext(mm);
    this.mms.push(mm);
    return mm;
  }

  /** fork() as far as mm goes. */
  fork(mm: MmStruct): MmStruct {
    const child = dupMm(mm, this.limits);
    if (child === undefined) throw new Error("fork: out of memory");
    return this.adopt(child);
  }

  exit(mm: MmStruct): void {
    this.mms.splice(this.mms.indexOf(mm), 1);
    mmPut(mm);
  }

  /** mmap(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), read and write unless asked otherwise. */
  anon(mm: MmStruct, at: number, bytes: number, prot = PROT_RW, flags = MAP_ANON_FIXED): Vma {
    const got = doMmap(mm, { addr: at, len: bytes, prot, flags, file: undefined, pgoff: 0 });
    expect(got, "mmap").to.equal(at);
    return mm.vmas.lookup(at)!;
  }

  private regime(mm: MmStruct): TranslationRegime {
    return { granule: this.sys.granule, ttbr0: mm.pgd, asid: 1 as Asid, ha: this.cpu.hardwareAf, hd: this.cpu.hardwareDirty, oaBits: 48 };
  }

  /** One access at EL0 without fault handling: the physical address, or the syndrome that the hardware reports. */
  access(mm: MmStruct, at: number, kind: AccessKind, el: 0 | 1 = 0): KernelAccess {
    const access = kind === "exec" ? ACCESS_FETCH : kind === "write" ? ACCESS_WRITE : ACCESS_READ;
    const result = walk(this.sys.memory, this.regime(mm), at as Va, access, { sideEffects: true });
    if (result.fault === "none") return { ok: true, pa: result.pa as Pa };
    const fault: FaultKind = result.fault;
    const level: Level = result.level;
    return { ok: false, esr: kind === "exec" ? instructionAbortEsr(el, fault, level) : dataAbortEsr(el, fault, level, kind === "write") };
  }

  /** An access with its faults handled, as a user instruction makes it. */
  touch(mm: MmStruct, at: number, kind: AccessKind): TouchResult {
    for (let faults = 0; faults <= MAX_FAULTS; faults++) {
      const access = this.access(mm, at, kind);
      if (access.ok) return { faults, signal: undefined };
      const signal = doMemAbort(mm, at as Va, access.esr);
      if (signal !== undefined) return { faults: faults + 1, signal };
    }
    throw new Error(`touch: 0x${at.toString(16)} faults without end`);
  }

  /** Touch the first byte of each page of the range; returns the faults. A signal fails the test. */
  touchAll(mm: MmStruct, from: number, to: number, kind: AccessKind): number {
    let faults = 0;
    for (let at = from; at < to; at += this.sys.granule.pageSize) {
      const result = this.touch(mm, at, kind);
      expect(result.signal, `signal at 0x${at.toString(16)}`).to.equal(undefined);
      faults += result.faults;
    }
    return faults;
  }

  readByte(mm: MmStruct, at: number): number {
    expect(this.touch(mm, at, "read").signal).to.equal(undefined);
    const access = this.access(mm, at, "read");
    if (!access.ok) throw new Error("readByte: not mapped after the access");
    return this.sys.memory.u8[access.pa]!;
  }

  writeByte(mm: MmStruct, at: number, value: number): void {
    expect(this.touch(mm, at, "write").signal).to.equal(undefined);
    const access = this.access(mm, at, "write");
    if (!access.ok) throw new Error("writeByte: not mapped after the access");
    this.sys.memory.u8[access.pa] = value;
  }

  /** uaccess for an address space that runs now. */
  userAccess(mm: MmStruct): UserAccess {
    return new UserAccess(this.sys, { kernelAccess: (at, write) => this.access(mm, at, write ? "write" : "read", 1) }, () => mm);
  }

  /** The level-3 entry at `at`, 0n if there is none or no table. */
  pte(mm: MmStruct, at: number): bigint {
    const { pgtable } = this.sys;
    const pmdp = pgtable.pmdOffset(mm, at as Va);
    if (pmdp < 0) return 0n;
    const pmd = pgtable.pmdpGet(pmdp);
    return (pmd & 3n) === 3n ? pgtable.rawGet(pgtable.pteOffset(pmd, at as Va)) : 0n;
  }

  /** The level-2 entry at `at`, 0n if there is none. */
  pmd(mm: MmStruct, at: number): bigint {
    const { pgtable } = this.sys;
    const pmdp = pgtable.pmdOffset(mm, at as Va);
    return pmdp < 0 ? 0n : pgtable.pmdpGet(pmdp);
  }

  /** Attributes of the entry: all but the output address. */
  attributes(mm: MmStruct, at: number): bigint {
    return this.pte(mm, at) & ~0x0000fffffffff000n;
  }

  /** Frame of the page that is mapped at `at` by a level-3 entry. */
  frame(mm: MmStruct, at: number): number {
    return Number((this.pte(mm, at) & 0x0000fffffffff000n) / BigInt(this.sys.granule.pageSize));
  }

  /** TLB maintenance since clear(): instructions by mnemonic, and waits. */
  maintenance(): Record<string, number> {
    return { ...this.sink.counts(), "dsb ish": this.sink.waits() };
  }

  /** Every invariant of every address space and of the frames. */
  check(): void {
    checkSystem(this.sys, this.mms);
  }

  /** Tear all address spaces down; every frame must come back. The huge zero folio may stay. */
  close(): void {
    this.check();
    for (const mm of [...this.mms]) this.exit(mm);
    this.check();
    const kept = this.sys.hugeMemory.hugeZeroRefcount > 0 ? this.sys.granule.ptrsPerTable : 0;
    expect(this.sys.buddy.nrFree + kept, "free frames after all address spaces are gone").to.equal(this.freeAtStart);
  }
}
