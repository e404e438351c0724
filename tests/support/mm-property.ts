/**
 * Random sequences of operations on address spaces, against an oracle that knows only pages and their contents. After each step
 * every invariant of the page tables holds, and a machine without the contpte layer shows the same memory.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Order, Va } from "../../emulator/arch/addr.js";
import type { GranuleName } from "../../emulator/arch/granule.js";
import { doMadvise } from "../../kernel-model/mm/madvise.js";
import { doMprotect } from "../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../kernel-model/mm/mremap.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../kernel-model/mm/munmap.js";
import { CPU_SINGLE } from "./memory-system.js";
import { MmHarness } from "./mm-harness.js";
import { runSeed } from "./seed.js";

const BASE = 0x5000000000;
const PROT_READ = 1;
const PROT_WRITE = 2;
const SIGSEGV = 11;
const ENOMEM = 12;
const MAX_PROCESSES = 4;
const MADV_DONTNEED = 4;
const MADV_WILLNEED = 3;
const MADV_FREE = 8;
const MADV_PAGEOUT = 21;
/** The others: HUGEPAGE, NOHUGEPAGE, COLD, POPULATE_READ, POPULATE_WRITE. */
const ADVICES = [MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, 14, 15, 20, 22, 23];
/**
 * With swap space MADV_PAGEOUT takes the place of MADV_FREE: what is lost of memory given to both depends on the size of the blocks whose
 * dirty state is one.
 */
const SWAP_ADVICES = [MADV_DONTNEED, MADV_WILLNEED, 14, 20, ...new Array<number>(8).fill(MADV_PAGEOUT)];

/** Contents of one page: its first and its last byte. Shared memory has one box for all processes. */
interface Box {
  first: number;
  last: number;
}

interface Page {
  prot: number;
  box: Box;
  readonly shared: boolean;
}

/** One process as the oracle sees it: page number in the region -> page. */
type Pages = Map<number, Page>;

type Step =
  | { readonly op: "mmap"; readonly process: number; readonly from: number; readonly pages: number; readonly prot: number; readonly shared: boolean }
  | { readonly op: "munmap"; readonly process: number; readonly from: number; readonly pages: number }
  | { readonly op: "madvise"; readonly process: number; readonly from: number; readonly pages: number; readonly advice: number }
  | { readonly op: "mprotect"; readonly process: number; readonly from: number; readonly pages: number; readonly prot: number }
  | { readonly op: "mremap"; readonly process: number; readonly from: number; readonly pages: number; readonly to: number }
  | { readonly op: "read" | "write"; readonly process: number; readonly from: number; readonly pages: number; readonly stride: number; readonly value: number; readonly last: boolean }
  | { readonly op: "fork" | "exit"; readonly process: number };

interface Setup {
  readonly granule: GranuleName;
  readonly hardwareAf: boolean;
  readonly batch: boolean;
  /** Index into the granule's sets of orders. */
  readonly orders: number;
  /** There is swap space. */
  readonly swap: boolean;
  /** The first process begins with the whole region as writable memory. */
  readonly mapped: boolean;
}

/** Sets of orders that are tried, per granule: nothing, contiguous block size, smaller and larger too, and for 4K the PMD order. */
const ORDERS: Readonly<Record<GranuleName, readonly (readonly number[])[]>> = {
  "4k": [[], [4], [2, 4, 5], [4, 9], [9]],
  "16k": [[], [7], [2, 5, 7], [7, 8], [2]],
  "64k": [[], [5], [2, 5], [5, 6], [3]],
};
/** Pages of the region: a few contiguous blocks; with PMD-sized folios two PMD ranges and a bit. */
const REGION: Readonly<Record<GranuleName, number>> = { "4k": 104, "16k": 400, "64k": 136 };
const PMD_REGION = 1100;
/** Slots of the swap area: room for one process's region, so that it is short at times. */
const SWAP_SLOTS = 2048;
const PAGE_BYTES: Readonly<Record<GranuleName, number>> = { "4k": 4096, "16k": 16384, "64k": 65536 };

const process_ = fc.nat(MAX_PROCESSES - 1);
/** Anywhere, or where blocks and PMD ranges begin. */
const place = fc.oneof(fc.nat(2 ** 16), fc.constantFrom(0, 8, 16, 32, 128, 512));
const length = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 24 }) }, fc.integer({ min: 1, max: 140 }), fc.constantFrom(16, 32, 128, 512, 1100));
const prot = fc.constantFrom(0, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
const steps = (advices: readonly number[], madviseWeight: number): fc.Arbitrary<Step> => fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("mmap" as const), process: process_, from: place, pages: length, prot, shared: fc.constantFrom(false, false, true) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("munmap" as const), process: process_, from: place, pages: length }) },
  { weight: madviseWeight, arbitrary: fc.record({ op: fc.constant("madvise" as const), process: process_, from: place, pages: length, advice: fc.constantFrom(...advices) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("mprotect" as const), process: process_, from: place, pages: length, prot }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("mremap" as const), process: process_, from: place, pages: length, to: place }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom("read" as const, "write" as const, "write" as const),
      process: process_,
      from: place,
      pages: length,
      stride: fc.constantFrom(1, 1, 3, 16),
      value: fc.integer({ min: 1, max: 255 }),
      last: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("fork" as const, "fork" as const, "exit" as const), process: process_ }) },
);
const setups = (swap: boolean): fc.Arbitrary<Setup> =>
  fc.record({
  granule: fc.constantFrom("4k" as const, "4k" as const, "16k" as const, "64k" as const),
  hardwareAf: fc.boolean(),
  batch: fc.boolean(),
  orders: fc.nat(4),
  swap: fc.constant(swap),
  mapped: swap ? fc.constant(true) : fc.boolean(),
});

/** One machine that executes steps; its processes correspond to the oracle's by position. */
class Machine {
  readonly harness: MmHarness;
  mms: MmStruct[] = [];

  constructor(setup: Setup, contpte: boolean) {
    const cpu = { ...CPU_SINGLE, hardwareAf: setup.hardwareAf, hardwareDirty: setup.hardwareAf };
    this.harness = new MmHarness({ granule: setup.granule, memoryMib: { "4k": 96, "16k": 160, "64k": 320 }[setup.granule], cpu, contpte, batch: setup.batch, swapBytes: setup.swap ? SWAP_SLOTS * PAGE_BYTES[setup.granule] : 0 });
  }

  start(setup: Setup): void {
    const { thp } = this.harness.sys;
    for (const order of thp.anonOrders) thp.setSizeEnabled(order, "never");
    for (const order of ORDERS[setup.granule][setup.orders]!) thp.setSizeEnabled(order as Order, "always");
    this.harness.clear();
    this.mms = [this.harness.newMm()];
  }

  /**
   * The page tables without what the contpte layer may change: frames and permissions, page by page. Whether a PROT_NONE entry is
   * valid is left out: pte_mkcont() of 6.12 makes the entries of a whole block valid (EL0 still has no access).
   */
  visible(mm: MmStruct, region: number): string[] {
    const { pageSize } = this.harness.sys.granule;
    const WRITE_USER_EXEC = (1n << 51n) | (1n << 6n) | (1n << 54n) | (1n << 56n);
    const rows: string[] = [];
    for (let page = 0; page < region; page++) {
      const at = BASE + page * pageSize;
      const pte = this.harness.pte(mm, at);
      const valid = (pte & (1n << 6n)) === 0n ? "-" : (pte & 1n) === 1n ? "valid" : "invalid";
      if (pte !== 0n) rows.push(`${page}: ${this.harness.frame(mm, at)} ${(pte & WRITE_USER_EXEC).toString(16)} ${valid}`);
    }
    return rows;
  }
}

/** Machines are expensive (guest RAM is reserved address space), and a finished run leaves them as they were. */
const machines = new Map<string, Machine>();

function machineFor(setup: Setup, contpte: boolean): Machine {
  const key = `${setup.granule} ${setup.hardwareAf} ${setup.batch} ${setup.swap} ${contpte}`;
  let machine = machines.get(key);
  if (machine === undefined) {
    machine = new Machine(setup, contpte);
    machines.set(key, machine);
  }
  machine.start(setup);
  return machine;
}

/** Executes steps on the oracle and on two machines, and compares. */
class Run {
  private readonly region: number;
  private readonly machines: readonly Machine[];
  private oracle: Pages[] = [new Map<number, Page>()];
  private readonly pageSize: number;

  constructor(setup: Setup) {
    this.region = ORDERS[setup.granule][setup.orders]!.includes(9) ? PMD_REGION : REGION[setup.granule];
    this.machines = [machineFor(setup, true), machineFor(setup, false)];
    this.pageSize = this.machines[0]!.harness.sys.granule.pageSize;
  }

  private range(step: { readonly from: number; readonly pages: number }): { from: number; to: number } {
    const from = step.from % this.region;
    return { from, to: Math.min(this.region, from + step.pages) };
  }

  private at(page: number): Va {
    return (BASE + page * this.pageSize) as Va;
  }

  private bytes(from: number, to: number): number {
    return (to - from) * this.pageSize;
  }

  step(step: Step): void {
    const index = step.process % this.oracle.length;
    const pages = this.oracle[index]!;
    switch (step.op) {
      case "mmap": {
        const { from, to } = this.range(step);
        for (const { harness, mms } of this.machines) harness.anon(mms[index]!, this.at(from), this.bytes(from, to), step.prot, step.shared ? 0x31 : 0x32);
        for (let page = from; page < to; page++) pages.set(page, { prot: step.prot, box: { first: 0, last: 0 }, shared: step.shared });
        break;
      }
      case "munmap": {
        const { from, to } = this.range(step);
        for (const { mms } of this.machines) expect(doMunmap(mms[index]!, this.at(from), this.bytes(from, to))).to.equal(0);
        for (let page = from; page < to; page++) pages.delete(page);
        break;
      }
      case "madvise":
        this.advise(index, pages, step);
        break;
      case "mprotect":
        this.protect(index, pages, step);
        break;
      case "mremap":
        this.move(index, pages, step);
        break;
      case "read":
      case "write":
        this.access(index, pages, step);
        break;
      case "fork":
        if (this.oracle.length >= MAX_PROCESSES) return;
        for (const { harness, mms } of this.machines) mms.push(harness.fork(mms[index]!));
        this.oracle.push(new Map([...pages].map(([page, { prot: p, box, shared }]) => [page, { prot: p, box: shared ? box : { ...box }, shared }])));
        break;
      case "exit":
        if (this.oracle.length === 1) return;
        for (const { harness, mms } of this.machines) harness.exit(mms.splice(index, 1)[0]!);
        this.oracle.splice(index, 1);
        break;
    }
    this.compare();
  }

  /** Advice is given area by area; only MADV_DONTNEED may be seen in the contents (nothing is ever short of memory here). */
  private advise(index: number, pages: Pages, step: { readonly from: number; readonly pages: number; readonly advice: number }): void {
    const { from, to } = this.range(step);
    const results = this.machines.map(({ mms }) => doMadvise(mms[index]!, this.at(from), this.bytes(from, to), step.advice));
    expect(results[0], "madvise with and without contpte").to.equal(results[1]);
    if (step.advice !== MADV_DONTNEED) return;
    for (let page = from; page < to; page++) {
      const entry = pages.get(page);
      if (entry !== undefined && !entry.shared) entry.box = { first: 0, last: 0 };
    }
  }

  /** Linux changes area by area and stops at the first hole. */
  private protect(index: number, pages: Pages, step: { readonly from: number; readonly pages: number; readonly prot: number }): void {
    const { from, to } = this.range(step);
    let hole = from;
    while (hole < to && pages.has(hole)) hole++;
    for (const { mms } of this.machines) {
      const result = doMprotect(mms[index]!, this.at(from), this.bytes(from, to), step.prot);
      expect(result, "mprotect").to.equal(hole === to ? 0 : -ENOMEM);
    }
    for (let page = from; page < hole; page++) pages.get(page)!.prot = step.prot;
  }

  /** A move to a place that does not overlap, of a range that is one area. */
  private move(index: number, pages: Pages, step: { readonly from: number; readonly pages: number; readonly to: number }): void {
    const { from, to } = this.range(step);
    const target = step.to % this.region;
    const nr = to - from;
    if (target + nr > this.region || (target < to && from < target + nr)) return;
    const vma = this.machines[0]!.mms[index]!.vmas.lookup(this.at(from));
    if (vma === undefined || vma.end < this.at(to)) return;
    for (const { mms } of this.machines) {
      const request = { addr: this.at(from), oldLen: this.bytes(from, to), newLen: this.bytes(from, to), flags: 3, newAddr: this.at(target) };
      expect(doMremap(mms[index]!, request), "mremap").to.equal(this.at(target));
    }
    for (let i = 0; i < nr; i++) {
      pages.set(target + i, pages.get(from + i)!);
      pages.delete(from + i);
    }
  }

  private access(index: number, pages: Pages, step: Extract<Step, { readonly op: "read" | "write" }>): void {
    const { from, to } = this.range(step);
    const write = step.op === "write";
    for (let page = from; page < to; page += step.stride) {
      const entry = pages.get(page);
      const allowed = entry !== undefined && (entry.prot & (write ? PROT_WRITE : PROT_READ)) !== 0;
      const code = entry === undefined ? 1 : 2;
      for (const { harness, mms } of this.machines) {
        const { signal } = harness.touch(mms[index]!, this.at(page), step.op);
        expect(signal && [signal.signo, signal.code], `${step.op} of page ${page}`).to.deep.equal(allowed ? undefined : [SIGSEGV, code]);
        if (!allowed) continue;
        if (write) harness.writeByte(mms[index]!, this.at(page) + (step.last ? this.pageSize - 1 : 0), step.value);
        else this.expectContents(harness, mms[index]!, page, entry.box);
      }
      if (allowed && write) entry.box[step.last ? "last" : "first"] = step.value;
    }
  }

  private expectContents(harness: MmHarness, mm: MmStruct, page: number, box: Box): void {
    const found = { first: harness.readByte(mm, this.at(page)), last: harness.readByte(mm, this.at(page) + this.pageSize - 1) };
    expect(found, `contents of page ${page}`).to.deep.equal(box);
  }

  private compare(): void {
    const [withContpte, without] = this.machines;
    for (const { harness } of this.machines) harness.check();
    for (let i = 0; i < this.oracle.length; i++) {
      const a = withContpte!.mms[i]!;
      const b = without!.mms[i]!;
      expect([...a.rss], "RSS with and without contpte").to.deep.equal([...b.rss]);
      expect(withContpte!.visible(a, this.region)).to.deep.equal(without!.visible(b, this.region));
    }
  }

  /** Every page that may be read holds what was written last; then all processes end and no frame is lost. */
  finish(): void {
    this.oracle.forEach((pages, index) => {
      for (const [page, { prot: p, box }] of pages) {
        if ((p & PROT_READ) === 0) continue;
        for (const { harness, mms } of this.machines) this.expectContents(harness, mms[index]!, page, box);
      }
    });
    this.compare();
    this.abandon();
  }

  /** Put the machines back in order, also after a failure. */
  abandon(): void {
    for (const machine of this.machines) {
      machine.mms = [];
      machine.harness.close();
    }
  }
}

/** Checks `runs` random sequences, with swap space or without; `part` gives each call of one test run sequences of its own. A failure names its seed. */
export function assertMemoryBehaves(runs: number, { part = 0, swap = false }: { readonly part?: number; readonly swap?: boolean } = {}): void {
  const sequence = fc.array(swap ? steps(SWAP_ADVICES, 8) : steps(ADVICES, 3), { minLength: 1, maxLength: 24, size: "max" });
  fc.assert(
    fc.property(setups(swap), sequence, (setup, steps) => {
      const run = new Run(setup);
      try {
        if (setup.mapped) run.step({ op: "mmap", process: 0, from: 0, pages: PMD_REGION, prot: PROT_READ | PROT_WRITE, shared: false });
        for (const step of steps) run.step(step);
        run.finish();
      } catch (error) {
        machines.clear();
        throw error;
      }
    }),
    { numRuns: runs, seed: runSeed() + part },
  );
}
