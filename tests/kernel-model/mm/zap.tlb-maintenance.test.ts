/**
 * TLB maintenance of mm operations against what a real kernel issued: golden/tlbi, operations and their order as in its tlbi.c.
 */
import { expect } from "chai";
import { readFileSync } from "node:fs";
import type { Order, Va } from "../../../emulator/arch/addr.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { splitVma } from "../../../kernel-model/mm/vma-ops.js";
import { zapPageRangeSingle } from "../../../kernel-model/mm/zap.js";
import { CPU_RANGE, CPU_SINGLE } from "../../support/memory-system.js";
import { MmHarness } from "../../support/mm-harness.js";

interface GoldenOp {
  readonly cfg: string;
  readonly blocks: number;
  readonly op: string;
  readonly tlbi: Record<string, number>;
  readonly barriers: Record<string, number>;
  readonly contpte?: Record<string, number | string>;
}

const PS = 4096;
const CB = 65536;
const PMD = 2 ** 21;
const BASE = 0x5000000000;
const DEST = 0x5100000000;
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_RW = 3;
const MREMAP_MAYMOVE_FIXED = 3;
const VM_DONTCOPY = 0x20000;

/** Names of the recording -> names of the model's counters. */
const COUNTERS = {
  try_unfold: "tryUnfold",
  fold: "fold",
  unfold: "unfold",
  contpte_set_ptes: "setPtes",
  clear_full_ptes: "clearFullPtes",
  get_and_clear_full_ptes: "getAndClearFullPtes",
  wrprotect_ptes: "wrprotectPtes",
  set_access_flags: "setAccessFlags",
  unfold_partial: "unfoldPartial",
} as const;

function golden(file: string): Map<string, GoldenOp> {
  const text = readFileSync(new URL(`../../../golden/tlbi/${file}.json`, import.meta.url), "utf8");
  const { records } = JSON.parse(text) as { records: GoldenOp[] };
  return new Map(records.map((record) => [`${record.cfg}/${record.blocks}/${record.op}`, record]));
}

/** One process of tlbi.c: the region lies one block above BASE, and pages at both ends keep its page table alive. */
class Program {
  readonly harness: MmHarness;
  readonly mm: MmStruct;
  region = BASE + CB;
  length: number;
  private readonly key: string;
  private readonly records: Map<string, GoldenOp>;
  compared = 0;

  constructor(file: string, cfg: string, blocks: number) {
    this.harness = new MmHarness({ cpu: file === "4k-n1x" ? CPU_SINGLE : { ...CPU_RANGE, ttl: true } });
    this.harness.sys.thp.setSizeEnabled(9 as Order, "never");
    if (cfg === "64K") this.harness.sys.thp.setSizeEnabled(4 as Order, "always");
    this.mm = this.harness.newMm();
    this.length = blocks * CB;
    this.key = `${cfg}/${blocks}`;
    this.records = golden(file);
    for (const anchor of [BASE, BASE + PMD - PS, DEST + PMD - PS]) {
      this.harness.anon(this.mm, anchor, PS);
      this.write(anchor, PS);
    }
  }

  write(at: number, bytes: number): void {
    this.harness.touchAll(this.mm, at, at + bytes, "write");
  }

  /** mk0(): the region without pages. */
  map(at = BASE + CB): void {
    this.region = at;
    this.harness.anon(this.mm, at, this.length);
  }

  /** mk(): the region with all pages written. */
  make(at = BASE + CB): void {
    this.map(at);
    this.write(at, this.length);
  }

  remove(): void {
    doMunmap(this.mm, (BASE + CB) as Va, PMD - 2 * CB);
  }

  /** Run `action` and compare what it issued with the recording of the operation of that name. */
  op(name: string, action: () => void): void {
    const record = this.records.get(`${this.key}/${name}`);
    if (record === undefined) throw new Error(`no recording of ${this.key}/${name}`);
    const counters = this.harness.sys.pgtable.counters;
    const before = { ...counters };
    this.harness.clear();
    action();
    const counts = this.harness.maintenance();
    const waits = counts["dsb ish"];
    delete counts["dsb ish"];
    expect(counts, `${name}: TLBI`).to.deep.equal(record.tlbi);
    expect(waits, `${name}: DSB ISH`).to.equal(record.barriers["dsb_ish"] ?? 0);
    if (record.contpte !== undefined) {
      for (const [theirs, ours] of Object.entries(COUNTERS)) {
        expect(counters[ours] - before[ours], `${name}: ${theirs}`).to.equal(record.contpte[theirs] ?? 0);
      }
      expect(this.harness.faults.length, `${name}: faults`).to.equal(record.contpte["faults"] ?? 0);
    }
    this.compared++;
    this.harness.check();
  }

  protect(at: number, bytes: number, prot: number): void {
    expect(doMprotect(this.mm, at as Va, bytes, prot)).to.equal(0);
  }

  dontneed(at: number, bytes: number): void {
    zapPageRangeSingle(this.mm.vmas.lookup(at)!, at as Va, bytes);
  }

  move(to: number, from = this.region, bytes = this.length): void {
    expect(doMremap(this.mm, { addr: from as Va, oldLen: bytes, newLen: bytes, flags: MREMAP_MAYMOVE_FIXED, newAddr: to })).to.equal(to);
  }
}

const SCENARIOS: Readonly<Record<string, (p: Program, blocks: number) => void>> = {
  "map and first writes": (p) => {
    p.map();
    p.op("map: write first page", () => p.write(p.region, PS));
    p.remove();
    p.map();
    p.op("map: write all pages", () => p.write(p.region, p.length));
    p.remove();
    p.map();
    p.op("map: read all pages (zero page)", () => void p.harness.touchAll(p.mm, p.region, p.region + p.length, "read"));
    p.op("write after zero page, all", () => p.write(p.region, p.length));
    p.remove();
  },
  mprotect: (p) => {
    for (const [name, offset] of [["first", 0], ["page 7", 7 * PS], ["last", CB - PS]] as const) {
      p.make();
      p.op(`mprotect ro: ${name}`, () => p.protect(p.region + offset, PS, PROT_READ));
      p.op(`mprotect rw back: ${name}`, () => p.protect(p.region + offset, PS, PROT_RW));
      p.remove();
    }
    p.make();
    p.op("mprotect ro: first half of a block", () => p.protect(p.region, CB / 2, PROT_READ));
    p.op("mprotect rw back: first half", () => p.protect(p.region, CB / 2, PROT_RW));
    p.remove();
    p.make();
    p.op("mprotect ro: second half of a block", () => p.protect(p.region + CB / 2, CB / 2, PROT_READ));
    p.op("mprotect rw back: second half", () => p.protect(p.region + CB / 2, CB / 2, PROT_RW));
    p.remove();
    p.make();
    p.op("mprotect ro: all blocks", () => p.protect(p.region, p.length, PROT_READ));
    p.op("mprotect rw back: all blocks", () => p.protect(p.region, p.length, PROT_RW));
    p.op("write all after rw back", () => p.write(p.region, p.length));
    p.op("mprotect none: all blocks", () => p.protect(p.region, p.length, PROT_NONE));
    p.op("mprotect none to rw: all blocks", () => p.protect(p.region, p.length, PROT_RW));
    p.remove();
  },
  "MADV_DONTNEED and munmap": (p) => {
    for (const [name, offset] of [["first page", 0], ["page 7", 7 * PS], ["last page", CB - PS]] as const) {
      p.make();
      p.op(`DONTNEED: ${name}`, () => p.dontneed(p.region + offset, PS));
      p.op(`refault: ${name}`, () => p.write(p.region + offset, PS));
      p.remove();
    }
    p.make();
    p.op("DONTNEED: first half of a block", () => p.dontneed(p.region, CB / 2));
    p.remove();
    p.make();
    p.op("DONTNEED: second half of a block", () => p.dontneed(p.region + CB / 2, CB / 2));
    p.remove();
    p.make();
    p.op("DONTNEED: all blocks", () => p.dontneed(p.region, p.length));
    p.remove();
    p.make();
    p.op("munmap: page 7", () => void doMunmap(p.mm, (p.region + 7 * PS) as Va, PS));
    p.remove();
    p.make();
    p.op("munmap: first half of a block", () => void doMunmap(p.mm, p.region as Va, CB / 2));
    p.remove();
    p.make();
    p.op("munmap: all blocks, page table kept", () => void doMunmap(p.mm, p.region as Va, p.length));
    p.map();
    p.op("munmap: nothing mapped, page table kept", () => void doMunmap(p.mm, p.region as Va, p.length));
    p.make(BASE + 4 * PMD);
    p.op("munmap: all blocks, page table freed", () => void doMunmap(p.mm, p.region as Va, p.length));
  },
  "fork and copy on write": (p, blocks) => {
    p.make();
    let child: MmStruct | undefined;
    p.op("fork: region written", () => {
      child = p.harness.fork(p.mm);
    });
    p.op("after fork, child alive: read all", () => void p.harness.touchAll(p.mm, p.region, p.region + p.length, "read"));
    p.op("COW copy: page 5 (first in block)", () => p.write(p.region + 5 * PS, PS));
    p.op("COW copy: page 6 (further)", () => p.write(p.region + 6 * PS, PS));
    p.op("COW copy: last page of block", () => p.write(p.region + CB - PS, PS));
    if (blocks > 1) {
      p.op("COW copy: page 5 of the other blocks", () => {
        for (let i = 1; i < blocks; i++) p.write(p.region + i * CB + 5 * PS, PS);
      });
    }
    p.harness.exit(child!);
    p.op("child gone: write page 8 (copy or reuse)", () => p.write(p.region + 8 * PS, PS));
    p.op("child gone: write all", () => p.write(p.region, p.length));
    p.remove();
    p.make();
    p.harness.exit(p.harness.fork(p.mm));
    p.op("child gone, nothing copied: write page 5", () => p.write(p.region + 5 * PS, PS));
    p.op("child gone, nothing copied: write page 6", () => p.write(p.region + 6 * PS, PS));
    p.remove();
  },
  "exit with and without the region": (p) => {
    for (const name of ["without", "with"]) {
      const child = p.harness.fork(p.mm);
      if (name === "with") {
        p.harness.anon(child, BASE + CB, p.length);
        p.harness.touchAll(child, BASE + CB, BASE + CB + p.length, "write");
      }
      p.harness.clear();
      p.harness.exit(child);
      // The recording adds the barriers of context switches.
      expect(p.harness.maintenance(), `exit ${name} region`).to.deep.equal({ aside1is: 1, "dsb ish": 1 });
    }
  },
  mremap: (p) => {
    const congruent = DEST + 3 * CB;
    p.make();
    p.op("mremap: all blocks, congruent", () => p.move(congruent));
    doMunmap(p.mm, congruent as Va, p.length);
    p.make();
    p.op("mremap: all blocks, 5 pages off", () => p.move(congruent + 5 * PS));
    p.op("mremap: back to congruent", () => p.move(BASE + CB, congruent + 5 * PS));
    p.remove();
    p.make();
    p.op("mremap: page 7 out of a block", () => p.move(congruent, p.region + 7 * PS, PS));
    doMunmap(p.mm, congruent as Va, PS);
    p.remove();
  },
};

describe("TLB maintenance as measured on Linux 6.12", () => {
  for (const file of ["4k-n1x", "4k-max-nolpa2"]) {
    for (const [cfg, blocks] of [["64K", 1], ["64K", 16], ["order0", 1]] as const) {
      for (const [name, scenario] of Object.entries(SCENARIOS)) {
        it(`${file}, ${cfg}, ${blocks} block(s): ${name}`, () => {
          const program = new Program(file, cfg, blocks);
          scenario(program, blocks);
          program.harness.close();
        });
      }
    }
    it(`${file}: whole-mm fallback for a PMD range`, () => {
      const p = new Program(file, "64K", 1);
      p.length = PMD;
      p.map(BASE + 8 * PMD);
      p.op("map: write all, one PMD range", () => p.write(p.region, PMD));
      p.op("one PMD range: mprotect ro", () => p.protect(p.region, PMD, PROT_READ));
      p.op("one PMD range: mprotect rw back", () => p.protect(p.region, PMD, PROT_RW));
      p.op("one PMD range: DONTNEED", () => p.dontneed(p.region, PMD));
      p.write(p.region, PMD);
      p.op("one PMD range: munmap", () => void doMunmap(p.mm, p.region as Va, PMD));
      p.harness.close();
    });
    it(`${file}: splitting a PMD mapping`, () => {
      const p = new Program(file, "64K", 1);
      p.harness.sys.thp.setSizeEnabled(9 as Order, "always");
      p.length = PMD;
      p.make(BASE + 8 * PMD);
      expect(p.harness.pmd(p.mm, p.region) & 3n, "a block").to.equal(1n);
      p.op("PMD mapped: mprotect ro page 7 (splits PMD)", () => p.protect(p.region + 7 * PS, PS, PROT_READ));
      p.op("after split: DONTNEED block 2", () => p.dontneed(p.region + 2 * CB, CB));
      p.op("after split: munmap all", () => void doMunmap(p.mm, p.region as Va, PMD));
      p.harness.close();
    });
    it(`${file}: fork of half a block`, () => {
      const p = new Program(file, "64K", 1);
      p.make();
      // MADV_DONTFORK on the first half: two areas, of which fork copies the second.
      const half = p.mm.vmas.lookup(p.region)!;
      expect(splitVma(half, (p.region + CB / 2) as Va, false)).to.equal(0);
      half.flags |= VM_DONTCOPY;
      p.op("fork: first half of block 0 is DONTFORK", () => void p.harness.fork(p.mm));
      p.harness.close();
    });
  }
});
