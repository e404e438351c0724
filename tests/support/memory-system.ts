/**
 * A small machine for tests of the kernel model: memory, a recording TLBI sink, and an address space without any area.
 */
import type { Asid, Order, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { granule, type GranuleName } from "../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import type { Barrier, Tlbi, TlbiSink } from "../../emulator/mmu/tlbi.js";
import { createMemorySystem, type MemorySystemOptions } from "../../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { VmaTree } from "../../kernel-model/mm/vma-tree.js";
import type { Vma } from "../../kernel-model/mm/vma.js";

/** Hardware AF and dirty state, no range instructions: a Neoverse N1 without its erratum. */
export const CPU_SINGLE: CpuFeatures = { hardwareAf: true, hardwareDirty: true, tlbiRange: false, ttl: false, bbm: 0, asidBits: 16, lpa2: false };
/** The same with range instructions and level hints. */
export const CPU_RANGE: CpuFeatures = { ...CPU_SINGLE, tlbiRange: true, ttl: true };

/** Remembers what was issued since clear(). */
export class RecordingSink implements TlbiSink {
  operations: Tlbi[] = [];
  barriers: Barrier[] = [];

  tlbi(operation: Tlbi): void {
    this.operations.push(operation);
  }

  dsb(domain: Barrier): void {
    this.barriers.push(domain);
  }

  clear(): void {
    this.operations = [];
    this.barriers = [];
  }

  /** Instructions by mnemonic, only those that occurred. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { op } of this.operations) counts[op] = (counts[op] ?? 0) + 1;
    return counts;
  }

  /** DSB ISH, the waits. */
  waits(): number {
    return this.barriers.filter((domain) => domain === "ish").length;
  }
}

export interface TestSystemOptions extends Partial<Omit<MemorySystemOptions, "granule" | "memory" | "sink">> {
  readonly granule?: GranuleName;
  readonly bytes?: number;
}

/** 64 MiB (4K pages) to 1 GiB (64K pages) of memory, contpte on, freed frames poisoned. */
export function testSystem({ granule: name = "4k", bytes, ...rest }: TestSystemOptions = {}): { sys: MemorySystem; sink: RecordingSink } {
  const sink = new RecordingSink();
  const memory = new PhysicalMemory(bytes ?? { "4k": 64, "16k": 256, "64k": 1024 }[name] * 2 ** 20);
  const sys = createMemorySystem({ granule: granule(name), memory, sink, cpu: CPU_SINGLE, contpte: true, poison: true, ...rest });
  return { sys, sink };
}

/** An address space that has run once, with ASID `asid`, and no areas. Only what page-table code looks at is there. */
export function testMm(sys: MemorySystem, asid = 7): MmStruct {
  const areas: Vma[] = [];
  const vmas: Pick<VmaTree, "lookup" | "insert"> = {
    lookup: (addr) => areas.find(({ start, end }) => addr >= start && addr < end),
    insert: (vma) => void areas.push(vma),
  };
  const mm: Pick<MmStruct, "id" | "sys" | "pgd" | "contextId" | "rss" | "pgtablesBytes"> = {
    id: 1,
    sys,
    pgd: sys.pgtable.pgdAlloc(),
    contextId: 65536 + (asid as Asid),
    rss: new Int32Array(4),
    pgtablesBytes: 0,
  };
  return { ...mm, vmas } as MmStruct;
}

/** An area of `mm` with these VM_* bits, entered in its tree. */
export function testVma(mm: MmStruct, start: number, end: number, flags: number): Vma {
  const vma = { mm, start: start as Va, end: end as Va, flags, pageProt: mm.sys.pgtable.pageProt(flags) } as Vma;
  mm.vmas.insert(vma);
  return vma;
}

/** Address of the level-3 entry for `addr`; tables are made. */
export function testPte(mm: MmStruct, addr: number): Pa {
  const { pgtable } = mm.sys;
  const pmdp = pgtable.pmdAlloc(mm, addr as Va);
  if (pmdp === -1 || !pgtable.pteAlloc(mm, pmdp)) throw new Error("testPte: out of memory");
  return pgtable.pteOffset(pgtable.pmdpGet(pmdp), addr as Va);
}

/** A compound allocation marked as an anonymous folio whose pages are all exclusive; map counts stay with the caller. */
export function testAnonFolio(sys: MemorySystem, order: number): Pfn {
  const { pages } = sys;
  const folio = sys.buddy.allocPages(order as Order);
  if (folio === -1) throw new Error("testAnonFolio: out of memory");
  const ANON = 1 << 11;
  const EXCLUSIVE = 1 << 12;
  const HEAD = 1 << 16;
  const TAIL = 1 << 17;
  for (let page: number = folio; page < folio + (1 << order); page++) {
    pages.flags[page] = EXCLUSIVE | (order > 0 && page > folio ? TAIL : 0);
    pages.compoundHead[page] = page === folio ? 0 : folio + 1;
  }
  pages.flags[folio]! |= ANON | (order > 0 ? HEAD : 0);
  return folio;
}
