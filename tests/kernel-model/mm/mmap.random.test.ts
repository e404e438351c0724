/**
 * Random sequences of memory system calls against a table of pages: what each page is, and which bytes it holds, must be what the
 * calls say; the areas must be as few as Linux would make them; and all counts must agree after every step.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { NotModelled } from "../../../emulator/arch/errors.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { dupMm } from "../../../kernel-model/mm/mm-lifecycle.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { checkAreas, frameAt, limits, pteAt, releaseAll, testMachine, type TestMachineOptions, testMm, touch } from "../../support/areas.js";
import { seededRandom } from "../../support/seed.js";

const BASE = 0x5000000000;
const PAGES = 96;
const MADV = { DONTNEED: 4, FREE: 8, DONTFORK: 10, DOFORK: 11, HUGEPAGE: 14, NOHUGEPAGE: 15, WIPEONFORK: 18, KEEPONFORK: 19, COLD: 20 };
const VM_DONTCOPY = 0x20000;
const VM_WIPEONFORK = 0x2000000;

/** What a page is expected to be; undefined: not mapped. */
interface Page {
  readonly prot: number;
  readonly shared: boolean;
  /** VM_DONTCOPY, VM_WIPEONFORK and huge page advice, as bits of vm_flags. */
  readonly advice: number;
  /** Byte stored on the page; 0: never written, or dropped. -1: MADV_FREE makes it unsure. Shared pages are looked up in `shared`. */
  readonly value: number;
  /** For shared memory: identity of the object and page in it. */
  readonly object: number;
  readonly index: number;
  /** Pages of the shared object: mremap may map beyond its end. */
  readonly size: number;
}

class Oracle {
  readonly pages: (Page | undefined)[] = new Array<Page | undefined>(PAGES).fill(undefined);
  /** Bytes of shared objects by "object:index". */
  readonly shared: Map<string, number>;

  constructor(shared = new Map<string, number>()) {
    this.shared = shared;
  }

  all(first: number, count: number, test: (page: Page) => boolean = () => true): boolean {
    return this.pages.slice(first, first + count).every((page) => page !== undefined && test(page));
  }

  fill(first: number, count: number, page: (index: number) => Page | undefined): void {
    for (let i = 0; i < count; i++) this.pages[first + i] = page(i);
  }

  change(first: number, count: number, change: (page: Page) => Page): void {
    for (let i = first; i < first + count; i++) this.pages[i] = change(this.pages[i]!);
  }

  value(page: Page): number {
    return page.shared ? (this.shared.get(`${page.object}:${page.index}`) ?? 0) : page.value;
  }
}

class Walk {
  readonly sys: MemorySystem;
  readonly pageSize: number;
  readonly random: (bound: number) => number;
  readonly spaces: { mm: MmStruct; oracle: Oracle }[];
  private objects = 0;
  private bytes = 0;

  constructor(options: TestMachineOptions, salt: number) {
    const { sys } = testMachine({ memoryMib: 16, ...options });
    this.sys = sys;
    this.pageSize = sys.granule.pageSize;
    this.random = seededRandom(salt);
    this.spaces = [{ mm: testMm(sys), oracle: new Oracle() }];
  }

  addr(page: number): Va {
    return (BASE + page * this.pageSize) as Va;
  }

  /** Runs one random call on a random address space; returns what it was. */
  step(): string {
    const which = this.random(this.spaces.length);
    const { mm, oracle } = this.spaces[which]!;
    const first = this.random(PAGES);
    const count = 1 + this.random(Math.min(24, PAGES - first));
    const bytes = count * this.pageSize;
    const where = `mm ${which}, pages ${first}+${count}`;
    switch (this.random(10)) {
      case 0:
      case 1:
        return `${this.map(mm, oracle, first, count)} ${where}`;
      case 2: {
        expect(doMunmap(mm, this.addr(first), bytes)).to.equal(0);
        oracle.fill(first, count, () => undefined);
        return `munmap ${where}`;
      }
      case 3: {
        const prot = [0, 1, 3, 5][this.random(4)]!;
        const end = oracle.pages.findIndex((page, i) => i >= first && i < first + count && page === undefined);
        const reached = end < 0 ? count : end - first;
        expect(doMprotect(mm, this.addr(first), bytes, prot)).to.equal(end < 0 ? 0 : -12);
        oracle.change(first, oracle.pages[first] === undefined ? 0 : reached, (page) => ({ ...page, prot }));
        return `mprotect ${prot} ${where}`;
      }
      case 4:
        return `${this.remap(mm, oracle, first, count)} ${where}`;
      case 5:
        return `${this.advise(mm, oracle, first, count)} ${where}`;
      case 6:
        return this.fork();
      default:
        for (let page = first; page < first + count; page++) this.access(mm, oracle, page, this.random(3) !== 0);
        return `access ${where}`;
    }
  }

  map(mm: MmStruct, oracle: Oracle, first: number, count: number): string {
    const prot = [0, 1, 3, 3, 3][this.random(5)]!;
    const shared = this.random(4) === 0;
    const object = shared ? ++this.objects : 0;
    const flags = (shared ? 0x1 : 0x2) | 0x30;
    expect(doMmap(mm, { addr: this.addr(first), len: count * this.pageSize, prot, flags, file: undefined, pgoff: 0 })).to.equal(this.addr(first));
    oracle.fill(first, count, (index) => ({ prot, shared, advice: 0, value: 0, object, index, size: count }));
    return `mmap ${prot} ${shared ? "shared" : "private"}`;
  }

  remap(mm: MmStruct, oracle: Oracle, first: number, count: number): string {
    const newCount = 1 + this.random(24);
    const to = this.random(PAGES);
    const overlap = first + count > to && to + newCount > first;
    const page = oracle.pages[first];
    // Only moves within one area are asked for; whether the range is one, the tree says.
    const vma = mm.vmas.lookup(this.addr(first));
    const inside = vma !== undefined && (vma.end - this.addr(first)) / this.pageSize >= count;
    if (to + newCount > PAGES || overlap || page === undefined || !inside) return "mremap (not tried)";
    const old = oracle.pages.slice(first, first + count);
    const request = { addr: this.addr(first), oldLen: count * this.pageSize, newLen: newCount * this.pageSize, flags: 3, newAddr: this.addr(to) };
    expect(doMremap(mm, request)).to.equal(this.addr(to));
    oracle.fill(first, count, () => undefined);
    oracle.fill(to, newCount, (i) => (i < count ? old[i] : { ...page, value: 0, index: page.index + i }));
    return `mremap to ${to}+${newCount}`;
  }

  advise(mm: MmStruct, oracle: Oracle, first: number, count: number): string {
    const [name, advice] = Object.entries(MADV)[this.random(Object.keys(MADV).length)]!;
    const present = oracle.pages.map((page, i) => [page, i] as const).filter(([page, i]) => page !== undefined && i >= first && i < first + count);
    const result = doMadvise(mm, this.addr(first), count * this.pageSize, advice);
    // The walk stops at the first area that the advice does not suit.
    const privateOnly = advice === MADV.FREE || advice === MADV.WIPEONFORK;
    const refused = privateOnly ? present.findIndex(([page]) => page!.shared) : -1;
    const done = refused < 0 ? present : present.slice(0, refused);
    expect(result, name).to.equal(refused >= 0 ? -22 : present.length < count ? -12 : 0);
    for (const [page, i] of done) oracle.pages[i] = this.advised(page!, advice);
    return `madvise ${name}`;
  }

  advised(page: Page, advice: number): Page {
    switch (advice) {
      case MADV.DONTNEED:
        return page.shared ? page : { ...page, value: 0 };
      case MADV.DONTFORK:
        return { ...page, advice: page.advice | VM_DONTCOPY };
      case MADV.DOFORK:
        return { ...page, advice: page.advice & ~VM_DONTCOPY };
      case MADV.WIPEONFORK:
        return { ...page, advice: page.advice | VM_WIPEONFORK };
      case MADV.KEEPONFORK:
        return { ...page, advice: page.advice & ~VM_WIPEONFORK };
      case MADV.HUGEPAGE:
        return { ...page, advice: (page.advice & ~0x40000000) | 0x20000000 };
      case MADV.NOHUGEPAGE:
        return { ...page, advice: (page.advice & ~0x20000000) | 0x40000000 };
      default:
        return page;
    }
  }

  fork(): string {
    if (this.spaces.length === 3) {
      const [gone] = this.spaces.splice(1 + this.random(2), 1);
      releaseAllButSum(gone!.mm);
      return "exit";
    }
    const { mm, oracle } = this.spaces[this.random(this.spaces.length)]!;
    const child = dupMm(mm, limits())!;
    const copy = new Oracle(oracle.shared);
    oracle.pages.forEach((page, i) => {
      if (page === undefined || (page.advice & VM_DONTCOPY) !== 0) return;
      copy.pages[i] = (page.advice & VM_WIPEONFORK) !== 0 && !page.shared ? { ...page, value: 0 } : page;
    });
    this.spaces.push({ mm: child, oracle: copy });
    return "fork";
  }

  /** A program's load or store of the first byte of a page, if it is allowed. */
  access(mm: MmStruct, oracle: Oracle, index: number, write: boolean): void {
    const page = oracle.pages[index];
    if (page === undefined || (page.prot & (write ? 2 : 1)) === 0) return;
    const addr = this.addr(index);
    const usable = (): boolean => {
      const pte = pteAt(mm, addr);
      return (pte & 1n) !== 0n && (!write || (pte & (1n << 51n)) !== 0n);
    };
    if (page.shared && page.index >= page.size) {
      expect(touch(mm, addr, write) & 0x843, "beyond the object").to.equal(0x2);
      return;
    }
    for (let tries = 0; !usable(); tries++) {
      expect(tries, "faults").to.be.below(3);
      expect(touch(mm, addr, write) & 0x843).to.equal(0);
    }
    const at = frameAt(mm, addr) * this.pageSize;
    if (!write) {
      expect(this.sys.memory.u8[at], `byte of page ${index}`).to.equal(oracle.value(page));
      return;
    }
    this.bytes = (this.bytes % 251) + 1;
    this.hardwareDirty(mm, addr);
    this.sys.memory.u8[at] = this.bytes;
    if (page.shared) oracle.shared.set(`${page.object}:${page.index}`, this.bytes);
    else oracle.pages[index] = { ...page, value: this.bytes };
  }

  /** What the hardware does on a store: AP[2] is cleared where DBM is set. */
  hardwareDirty(mm: MmStruct, addr: Va): void {
    const { pgtable } = this.sys;
    const pmdp = pgtable.pmdOffset(mm, addr);
    const pmd = pgtable.pmdpGet(pmdp);
    const entry = (pmd & 3n) === 3n ? pgtable.pteOffset(pmd, addr) : pmdp;
    pgtable.rawSet(entry, (pgtable.rawGet(entry) & ~(1n << 7n)) | (1n << 10n));
  }

  check(): void {
    for (const { mm, oracle } of this.spaces) {
      for (let index = 0; index < PAGES; index++) this.checkPage(mm, oracle, index);
      this.checkMerging(mm);
    }
    checkAreas(this.sys, this.spaces.map(({ mm }) => mm));
  }

  checkPage(mm: MmStruct, oracle: Oracle, index: number): void {
    const page = oracle.pages[index];
    const vma = mm.vmas.lookup(this.addr(index));
    expect(vma !== undefined, `page ${index} mapped`).to.equal(page !== undefined);
    if (vma === undefined || page === undefined) return;
    const { flags } = vma;
    const shown = { prot: flags & 7, shared: (flags & 8) !== 0, advice: flags & (VM_DONTCOPY | VM_WIPEONFORK | 0x60000000) };
    expect(shown, `page ${index}`).to.deep.equal({ prot: page.prot, shared: page.shared, advice: page.advice });
    const pte = pteAt(mm, this.addr(index));
    if (pte === 0n) {
      if (!page.shared) expect(page.value, `page ${index} lost its byte`).to.equal(0);
      return;
    }
    expect(this.sys.memory.u8[frameAt(mm, this.addr(index)) * this.pageSize], `byte of page ${index}`).to.equal(oracle.value(page));
    if ((page.prot & 2) === 0) expect(pte & (1n << 51n), `page ${index} writable`).to.equal(0n);
    if (page.prot === 0) expect(pte & 1n, `page ${index} valid`).to.equal(0n);
  }

  /** Neighbours that Linux would have joined: same flags, object and offset, and neither with an anon_vma. */
  checkMerging(mm: MmStruct): void {
    let last;
    for (const vma of mm.vmas) {
      if (last !== undefined && last.end === vma.start && last.flags === vma.flags && last.file === vma.file) {
        const follows = last.pgoff + (last.end - last.start) / this.pageSize === vma.pgoff;
        const joinable = last.anonVma === undefined && vma.anonVma === undefined;
        expect(follows && joinable, `areas at ${(vma.start - BASE) / this.pageSize} should be one`).to.equal(false);
      }
      last = vma;
    }
  }
}

function releaseAllButSum(mm: MmStruct): void {
  const { sys } = mm;
  const before = sys.buddy.nrFree;
  mmGone(mm);
  expect(sys.buddy.nrFree).to.be.above(before);
}

function mmGone(mm: MmStruct): void {
  doMunmap(mm, 0x10000 as Va, mm.taskSize - 0x10000);
  expect([mm.totalVm, mm.vmas.count, mm.rss[1], mm.pgtablesBytes]).to.deep.equal([0, 0, 0, 0]);
  mm.sys.pgtable.freePgd(mm);
}

describe("random memory system calls", () => {
  const configs: readonly [string, TestMachineOptions, (sys: MemorySystem) => void][] = [
    ["4K pages", {}, () => undefined],
    ["4K pages, folios of 16K and 64K", {}, (sys) => [2, 4].forEach((order) => sys.thp.setSizeEnabled(order as never, "always"))],
    ["4K pages without contpte, folios of 64K", { contpte: false }, (sys) => sys.thp.setSizeEnabled(4 as never, "always")],
    ["4K pages, shared folios of 64K", {}, (sys) => sys.thp.setShmemSizeEnabled(4 as never, "always")],
    ["16K pages, folios of 64K", { granule: "16k", memoryMib: 32 }, (sys) => sys.thp.setSizeEnabled(2 as never, "always")],
    ["64K pages, folios of 2M", { granule: "64k", memoryMib: 128 }, (sys) => sys.thp.setSizeEnabled(5 as never, "always")],
  ];
  configs.forEach(([name, options, setUp], salt) => {
    it(name, () => {
      const walk = new Walk(options, 0xa2ea5 + salt);
      setUp(walk.sys);
      const history: string[] = [];
      try {
        for (let i = 0; i < 150; i++) {
          history.push(walk.step());
          walk.check();
        }
      } catch (error) {
        if (error instanceof NotModelled || !(error instanceof Error)) throw error;
        throw new Error(`${error.message}\nafter ${history.length} calls, the last ones:\n  ${history.slice(-8).join("\n  ")}`, { cause: error });
      }
    });
  });

  it("leave no frame behind", () => {
    const walk = new Walk({}, 0xf4ee);
    const free = walk.sys.buddy.nrFree + 1;
    for (let i = 0; i < 200; i++) walk.step();
    releaseAll(
      walk.sys,
      walk.spaces.map(({ mm }) => mm),
      free,
    );
  });
});
