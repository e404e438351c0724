/**
 * Cost of the TLB model: nanoseconds per trace record of `Mmu.consume`, for the cases that decide how long a run takes.
 *
 * Run: npx tsx bench/tlb.ts [CORE]
 */
import type { Asid, Pa } from "../emulator/arch/addr.js";
import { granule } from "../emulator/arch/granule.js";
import { ACCESS_READ, RECORD_HELD_SHIFT } from "../emulator/engine/engine.js";
import { MAX_FILTER_PAGES } from "../emulator/engine/trace-filter.js";
import { PhysicalMemory } from "../emulator/memory/physical-memory.js";
import { corePreset } from "../emulator/mmu/cores.js";
import { Mmu } from "../emulator/mmu/mmu.js";
import { exactFilterPages } from "../emulator/mmu/tlb-policy.js";

const RECORDS = 1 << 17;
const ROUNDS = 60;
const MIB = 1024 * 1024;
/** Valid, page, EL0, inner shareable, AF, nG; PXN, UXN in the high word. */
const PAGE_LO = 0xf43;
const PAGE_HI = 0x00e80000;
const CONTIGUOUS_HI = 1 << 20;

/** Level-0 table at 64K, then tables one after the other; maps `pages` pages from virtual address 0 to frames from 512 MiB. */
function mapPages(memory: PhysicalMemory, pages: number, contiguous: boolean): Pa {
  const { u32 } = memory;
  const root = 0x10000;
  const levelOne = root + 0x1000;
  const levelTwo = levelOne + 0x1000;
  const write = (table: number, index: number, lo: number, hi: number): void => {
    u32[(table + index * 8) / 4] = lo;
    u32[(table + index * 8) / 4 + 1] = hi;
  };
  write(root, 0, levelOne | 3, 0);
  write(levelOne, 0, levelTwo | 3, 0);
  for (let page = 0; page < pages; page++) {
    const table = levelTwo + 0x1000 + Math.floor(page / 512) * 0x1000;
    if (page % 512 === 0) write(levelTwo, page / 512, table | 3, 0);
    write(table, page % 512, (512 * MIB + page * 4096) | PAGE_LO, PAGE_HI | (contiguous ? CONTIGUOUS_HI : 0));
  }
  return root as Pa;
}

/** A repeatable sequence of numbers below `bound`. */
function* sequence(bound: number, seed: number): Generator<number> {
  let state = seed | 0;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) % bound;
  }
}

interface Case {
  readonly name: string;
  readonly pages: number;
  readonly contiguous: boolean;
  /** Page of record `i`. */
  readonly page: (i: number, random: () => number) => number;
}

const CASES: readonly Case[] = [
  { name: "64 pages at random", pages: 64, contiguous: false, page: (_, random) => random() },
  { name: "scan of 256 MiB, 4K pages", pages: 65536, contiguous: false, page: (i) => i % 65536 },
  { name: "scan of 256 MiB, contiguous runs", pages: 65536, contiguous: true, page: (i) => i % 65536 },
  { name: "random 2 MiB, 4K pages", pages: 512, contiguous: false, page: (_, random) => random() },
  { name: "random 2 MiB, contiguous runs", pages: 512, contiguous: true, page: (_, random) => random() },
  { name: "random 256 MiB, 4K pages", pages: 65536, contiguous: false, page: (_, random) => random() },
  { name: "random 256 MiB, contiguous runs", pages: 65536, contiguous: true, page: (_, random) => random() },
];

/** The records of reads that an engine's filter leaves: those of pages that are not among the `depth` used last. */
function filteredTrace(depth: number, pageOf: (i: number) => number): Uint32Array {
  const words = new Uint32Array(RECORDS * 2);
  /** Numbers by page, the least recent first. */
  const held = new Map<number, number>();
  for (let i = 0, record = 0; record < RECORDS; i++) {
    const page = pageOf(i);
    let number = held.get(page);
    if (number === undefined) {
      number = held.size + 1;
      if (held.size === depth) {
        const [oldest] = held as Iterable<[number, number]>;
        number = oldest![1];
        held.delete(oldest![0]);
      }
      words[record * 2] = page;
      words[record * 2 + 1] = ACCESS_READ | (number << RECORD_HELD_SHIFT);
      record++;
    }
    held.delete(page);
    held.set(page, number);
  }
  return words;
}

const core = corePreset(process.argv[2] ?? "neoverse-n1");
const geometry = granule("4k");
console.log(`${core.name}: ns per record, best of ${ROUNDS} rounds of ${RECORDS} records; L1D and L2 miss ratios`);
for (const { name, pages, contiguous, page } of CASES) {
  const memory = new PhysicalMemory(1024 * MIB);
  const ttbr0 = mapPages(memory, pages, contiguous);
  const mmu = new Mmu({ core, memory, granule: geometry, updatesDescriptors: true, seed: 1 });
  mmu.setRegime({ granule: geometry, ttbr0, asid: 1 as Asid, ha: true, hd: true, oaBits: 48 });
  const numbers = sequence(pages, 12345);
  const random = (): number => numbers.next().value as number;
  const words = filteredTrace(Math.min(MAX_FILTER_PAGES, exactFilterPages(core.l1d)), (i) => page(i, random));
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    mmu.consume(words, RECORDS);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / RECORDS);
  }
  const stats = mmu.stats({ instructions: 0, loads: RECORDS * ROUNDS, stores: 0 });
  const ratio = (misses: number): string => (misses / stats.l1d.accesses).toFixed(4);
  console.log(`${name.padEnd(36)} ${best.toFixed(1).padStart(6)} ns   l1d ${ratio(stats.l1d.misses)}  l2 ${ratio(stats.l2.misses)}`);
}
