/**
 * Causes of misses on one structure that is filled by hand: each cause by example, entries of several sizes, address spaces.
 */
import { expect } from "chai";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import { MissCauses } from "../../../emulator/mmu/miss-causes.js";
import type { MissCause } from "../../../emulator/mmu/miss-causes.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";

const KIB = 1024;
const SPEC: TlbSpec = { entries: 4, ways: 2, pageSizes: [4 * KIB, 64 * KIB, 2048 * KIB], contiguous: "whole", splinter: "largest", coalescedPages: 1, policy: "lru" };
/** State of an entry: level 3 in bits 3:2. */
const LEVEL_3 = 3 << 2;

class Bench {
  readonly tlb: Tlb;
  readonly causes: MissCauses;
  private asid = 1;
  constructor(readonly spec: TlbSpec = SPEC) {
    const g = granule("4k", 48);
    this.tlb = new Tlb(spec, g, 1);
    this.causes = new MissCauses(this.tlb, spec, g);
    this.run(1);
  }

  /** Let this ASID run, with tables at `ttbr0`. */
  run(asid: number, ttbr0 = asid * 4096): void {
    this.asid = asid;
    this.tlb.setAsid(asid as Asid);
    this.causes.setAddressSpace(asid as Asid, ttbr0);
  }

  /** Touch a page that the tables map by a unit of 2^order pages. */
  touch(page: number, order = 0): MissCause | undefined {
    const hi = Math.floor(page / 2 ** 32);
    const unit = this.tlb.page((page - hi * 2 ** 32) | 0, hi);
    const missed = this.tlb.lookup(unit) < 0;
    if (missed) this.tlb.fill(unit, false, order, LEVEL_3, page, 0);
    return this.causes.touched(unit, missed);
  }

  tlbi(first: number, nr = 1, op: Tlbi["op"] = "vale1is", asid = this.asid): void {
    const operation: Tlbi = { op, asid: asid as Asid, start: (first * 4096) as Va, end: ((first + nr) * 4096) as Va, level: undefined };
    this.causes.beforeMaintenance(operation);
    this.tlb.tlbi(operation);
    this.causes.afterMaintenance(operation);
  }
}

describe("causes of TLB misses", () => {
  it("the first miss of a page is cold, a hit has no cause", () => {
    const bench = new Bench();
    expect([bench.touch(8), bench.touch(8), bench.touch(9)]).to.deep.equal(["cold", undefined, "cold"]);
  });

  it("three pages of one set of two ways conflict: four entries in one set would hold them", () => {
    const bench = new Bench();
    for (const page of [0, 2, 4]) expect(bench.touch(page)).to.equal("cold");
    expect([0, 2, 4, 0].map((page) => bench.touch(page))).to.deep.equal(["conflict", "conflict", "conflict", "conflict"]);
  });

  it("five pages in turn exceed the capacity of four entries", () => {
    const bench = new Bench();
    for (const page of [0, 1, 2, 3, 4]) expect(bench.touch(page)).to.equal("cold");
    expect([0, 1, 2, 3, 4, 0].map((page) => bench.touch(page)).filter((cause) => cause !== undefined && cause !== "capacity")).to.deep.equal([]);
  });

  it("a fully associative LRU has no conflicts", () => {
    const bench = new Bench({ ...SPEC, ways: "full" });
    const causes = Array.from({ length: 300 }, (_, i) => bench.touch((i * 7) % 5));
    expect(causes).to.include("capacity").and.not.include("conflict");
  });

  it("a page that maintenance took is invalidated, once", () => {
    const bench = new Bench();
    bench.touch(8);
    bench.tlbi(8);
    expect([bench.touch(8), bench.touch(8)]).to.deep.equal(["invalidated", undefined]);
  });

  it("maintenance of a page that was never there, or of another ASID, changes nothing", () => {
    const bench = new Bench();
    bench.tlbi(8);
    expect(bench.touch(8)).to.equal("cold");
    bench.tlbi(8, 1, "vale1is", 7);
    expect(bench.touch(8)).to.equal(undefined);
  });

  it("a page evicted before maintenance reached it was lost for want of room, unless the fully associative one still had it", () => {
    const capacity = new Bench();
    for (const page of [0, 1, 2, 3, 4, 5, 6, 7]) capacity.touch(page);
    capacity.tlbi(0);
    expect(capacity.touch(0)).to.equal("capacity");
    const unavoidable = new Bench();
    for (const page of [0, 2, 4]) unavoidable.touch(page);
    unavoidable.tlbi(0);
    expect(unavoidable.touch(0)).to.equal("invalidated");
  });

  it("a fill after maintenance counts again: what is lost then is lost for another reason", () => {
    const bench = new Bench();
    bench.touch(0);
    bench.tlbi(0);
    bench.touch(0);
    for (const page of [2, 4]) bench.touch(page);
    expect(bench.touch(0)).to.equal("conflict");
  });

  it("a run covers its pages: none of them is cold after it, all of them go with it", () => {
    const bench = new Bench();
    expect(bench.touch(16, 4)).to.equal("cold");
    expect(bench.touch(25, 4)).to.equal(undefined);
    bench.tlbi(20);
    expect([bench.touch(17), bench.touch(25)]).to.deep.equal(["invalidated", "invalidated"]);
    bench.tlbi(17);
    expect(bench.touch(25), "the other page of the unfolded run stays").to.equal(undefined);
  });

  it("a page cached alone says nothing of its neighbours in a later run", () => {
    const bench = new Bench();
    bench.touch(16);
    bench.tlbi(16, 16, "rvale1is");
    expect(bench.touch(20, 4)).to.equal("cold");
    expect(bench.touch(16, 4)).to.equal(undefined);
  });

  it("wide ranges and whole ASIDs are compared entry by entry", () => {
    for (const op of ["rvale1is", "aside1is", "vmalle1is"] as const) {
      const bench = new Bench();
      bench.touch(3);
      bench.touch(1000);
      bench.tlbi(0, 512, op);
      expect(bench.touch(3), op).to.equal("invalidated");
      expect(bench.touch(1000), op).to.equal(op === "rvale1is" ? undefined : "invalidated");
    }
  });

  it("address spaces are apart, also one that gets the ASID of another", () => {
    const bench = new Bench({ ...SPEC, entries: 16, ways: "full" });
    bench.touch(8);
    bench.run(2);
    expect(bench.touch(8)).to.equal("cold");
    bench.run(1);
    expect(bench.touch(8)).to.equal(undefined);
    bench.tlbi(0, 0, "aside1is", 1);
    bench.run(1, 0x9000);
    expect(bench.touch(8), "new tables under the old ASID").to.equal("cold");
  });

  it("what empties a structure counts as maintenance", () => {
    const bench = new Bench();
    bench.touch(8);
    bench.causes.beforeMaintenance("everything");
    bench.tlb.invalidateAll();
    bench.causes.afterMaintenance("everything");
    expect(bench.touch(8)).to.equal("invalidated");
  });

  it("pages beyond 2^32 keep their number", () => {
    const bench = new Bench();
    const far = 2 ** 35 + 5;
    expect([bench.touch(far), bench.touch(5)]).to.deep.equal(["cold", "cold"]);
    bench.tlbi(far);
    expect([bench.touch(far), bench.touch(5)]).to.deep.equal(["invalidated", undefined]);
  });
});
