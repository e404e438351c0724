/**
 * A small machine with address spaces, for tests of areas and of what is mapped in them.
 */
import { expect } from "chai";
import { granule, type GranuleName } from "../../emulator/arch/granule.js";
import type { Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { checkMm, checkSystem } from "../../kernel-model/mm/check.js";
import { createMemorySystem, type MemorySystemOptions } from "../../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { handleMmFault } from "../../kernel-model/mm/memory.js";
import { mmAlloc, mmPut } from "../../kernel-model/mm/mm-lifecycle.js";
import type { MmLimits, MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { doMmap } from "../../kernel-model/mm/mmap.js";
import type { Vma } from "../../kernel-model/mm/vma.js";

const MIB = 2 ** 20;

/** Neoverse N1 as the recordings have it: hardware access flag and dirty state, no range instructions. */
export const N1: CpuFeatures = { hardwareAf: true, hardwareDirty: true, tlbiRange: false, ttl: false, bbm: 0, asidBits: 16, lpa2: false };

export interface TestMachine {
  readonly sys: MemorySystem;
  /** TLBI instructions by mnemonic and waits (DSB ISH) since the last call. */
  takeTlbi(): Record<string, number>;
}

export interface TestMachineOptions extends Partial<Omit<MemorySystemOptions, "granule" | "memory" | "cpu" | "sink">> {
  readonly granule?: GranuleName;
  readonly vaBits?: number;
  readonly memoryMib?: number;
  readonly cpu?: CpuFeatures;
  /** transparent_hugepage/enabled is "always", so that PMD-sized folios are used; else "never". */
  readonly hugepages?: boolean;
}

/** A machine with 4K pages, contpte, 64 MiB and a Neoverse N1 unless asked otherwise. */
export function testMachine(options: TestMachineOptions = {}): TestMachine {
  const { granule: name = "4k", vaBits = name === "16k" ? 47 : 48, memoryMib = 64, cpu = N1, contpte = true, hugepages = false, ...rest } = options;
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const sys = createMemorySystem({
    granule: granule(name, vaBits),
    cpu,
    memory: new PhysicalMemory(memoryMib * MIB),
    sink: { tlbi: ({ op }) => count(op), dsb: (domain) => domain === "ish" && count("dsb") },
    contpte,
    ...rest,
  });
  sys.thp.enabled = hugepages ? "always" : "never";
  return {
    sys,
    takeTlbi() {
      const taken = Object.fromEntries(counts);
      counts.clear();
      return taken;
    },
  };
}

/** An 8 MiB stack and no other limit. */
export function limits(changes: Partial<MmLimits> = {}): MmLimits {
  return { stack: 8 * MIB, data: Infinity, dataMax: Infinity, as: Infinity, memlock: 8 * MIB, privileged: false, ...changes };
}

/** An address space that has run once, so that it has an ASID. */
export function testMm(sys: MemorySystem, changes: Partial<MmLimits> = {}): MmStruct {
  const mm = mmAlloc(sys, limits(changes));
  if (mm === undefined) throw new Error("testMm: no memory for the root table");
  sys.mmuContext.checkAndSwitchContext(mm);
  return mm;
}

/** mmap of anonymous private memory at a fixed address: rw- unless asked otherwise. Fails the test if it is refused. */
export function mapAnon(mm: MmStruct, addr: number, len: number, prot = 3, flags = 0x22 | 0x10): Va {
  const mapped = doMmap(mm, { addr, len, prot, flags, file: undefined, pgoff: 0 });
  expect(mapped, `mmap of ${len} bytes at 0x${addr.toString(16)}`).to.be.at.least(0);
  return mapped as Va;
}

/** The area that contains `addr`. */
export function areaAt(mm: MmStruct, addr: number): Vma {
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) throw new Error(`no area at 0x${addr.toString(16)}`);
  return vma;
}

/** One access of a user program that faults, tried again as long as the handler asks for it: the last result, VM_FAULT_*. */
export function touch(mm: MmStruct, addr: number, write = true): number {
  const { pageSize } = mm.sys.granule;
  // FAULT_FLAG_ALLOW_RETRY | KILLABLE | INTERRUPTIBLE | USER, and WRITE; then with TRIED
  let flags = 0x254 | (write ? 1 : 0);
  for (;;) {
    const result = handleMmFault(areaAt(mm, addr), (addr - (addr % pageSize)) as Va, flags);
    if ((result & 0x400) === 0) return result;
    flags |= 0x20;
  }
}

/** Every page of the range is read, or a byte that is not zero is written to it; pages that are mapped by then do not fault. */
export function touchRange(mm: MmStruct, start: number, len: number, write = true): void {
  const { pageSize } = mm.sys.granule;
  for (let addr = start; addr < start + len; addr += pageSize) {
    if (pteAt(mm, addr) === 0n) expect(touch(mm, addr, write) & 0x843, `fault at 0x${addr.toString(16)}`).to.equal(0);
    if (write) mm.sys.memory.u8[frameAt(mm, addr) * pageSize] = 0xa5;
  }
}

/** The level-3 entry, or the level-2 block, that maps `addr`; 0n if there is none. */
export function pteAt(mm: MmStruct, addr: number): bigint {
  const { pgtable } = mm.sys;
  const pmdp = pgtable.pmdOffset(mm, addr as Va);
  if (pmdp === -1) return 0n;
  const pmd = pgtable.pmdpGet(pmdp);
  if ((pmd & 3n) !== 3n) return pmd;
  return pgtable.rawGet(pgtable.pteOffset(pmd, addr as Va));
}

/** Frame that `addr` is mapped to; -1 if none. A page of a block counts from the block's first frame. */
export function frameAt(mm: MmStruct, addr: number): number {
  const { pgtable, granule } = mm.sys;
  const pte = pteAt(mm, addr);
  if (pte === 0n) return -1;
  const pmd = pgtable.pmdpGet(pgtable.pmdOffset(mm, addr as Va));
  const pageInBlock = (pmd & 3n) !== 3n ? Math.floor((addr % granule.pmdSize) / granule.pageSize) : 0;
  return pgtable.ptePfn(pte) + pageInBlock;
}

/** Sums that mm_struct caches, computed again from the areas; pages. Bits and rules are those of include/linux/mm.h. */
export function countAreas(mm: MmStruct): Record<"totalVm" | "dataVm" | "execVm" | "stackVm" | "lockedVm" | "accounted", number> {
  const sums = { totalVm: 0, dataVm: 0, execVm: 0, stackVm: 0, lockedVm: 0, accounted: 0 };
  for (const { start, end, flags } of mm.vmas) {
    const pages = (end - start) / mm.sys.granule.pageSize;
    sums.totalVm += pages;
    if ((flags & 0x106) === 0x4) sums.execVm += pages;
    else if ((flags & 0x100) !== 0) sums.stackVm += pages;
    else if ((flags & 0xa) === 0x2) sums.dataVm += pages;
    if ((flags & 0x2000) !== 0) sums.lockedVm += pages;
    if ((flags & 0x100000) !== 0) sums.accounted += pages;
  }
  return sums;
}

/** The areas are sorted, apart, not empty and page aligned; the cached sums are right; page tables and frames are consistent. */
export function checkAreas(sys: MemorySystem, mms: readonly MmStruct[]): void {
  let accounted = 0;
  for (const mm of mms) {
    let last = 0;
    for (const { start, end } of mm.vmas) {
      expect(start, "start").to.be.at.least(last);
      expect(end, "end").to.be.above(start);
      expect([start % sys.granule.pageSize, end % sys.granule.pageSize], "alignment").to.deep.equal([0, 0]);
      last = end;
    }
    expect(last).to.be.at.most(mm.taskSize);
    const { totalVm, dataVm, execVm, stackVm, lockedVm } = mm;
    const sums = countAreas(mm);
    accounted += sums.accounted;
    expect({ totalVm, dataVm, execVm, stackVm, lockedVm, accounted: sums.accounted }).to.deep.equal(sums);
    checkMm(mm);
  }
  expect(sys.committedAs, "committed pages").to.equal(accounted);
  checkSystem(sys, mms);
}

/** Tears the address spaces down and checks that every frame came back: `free` is what was free before they were made. */
export function releaseAll(sys: MemorySystem, mms: readonly MmStruct[], free: number): void {
  for (const mm of mms) mmPut(mm);
  expect(sys.committedAs, "committed pages after exit").to.equal(0);
  checkSystem(sys, []);
  expect(sys.buddy.nrFree, "free frames after exit").to.equal(free);
}
