/** What may still be cached, step by step. */
import { expect } from "chai";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";
import { AsidUse, TIME_RULES, TranslationHistory } from "../../../emulator/validate/over-time.js";

const RW = 0x00e8_0000_1234_0f43n;
const RO = 0x00e0_0000_1234_0fc3n;
const CONT = 1n << 52n;
const ASID = 7 as Asid;
const VA = 0x5000000000 as Va;
const END = (VA + 4096) as Va;

function history(): { h: TranslationHistory; found: string[]; change: (before: bigint, after: bigint, va?: Va, level?: 2 | 3) => void } {
  const found: string[] = [];
  const h = new TranslationHistory(granule("4k"), ({ rule }) => found.push(rule.id));
  return { h, found, change: (before, after, va = VA, level = 3) => h.change({ asid: ASID, va, level, before, after }) };
}
const vale = (extra: Partial<Tlbi> = {}): Tlbi => ({ op: "vale1is", asid: ASID, start: VA, end: END, level: undefined, ...extra });

describe("translation history", () => {
  it("is content with store, DSB, TLBI, DSB", () => {
    const { h, found, change } = history();
    change(RW, 0n);
    h.dsb("ishst");
    h.tlbi(vale({ level: 3 }));
    h.dsb("ish");
    expect(h.size).to.equal(0);
    change(0n, RW + 0x1000n);
    h.flushPoint();
    expect(found).to.deep.equal([]);
  });

  const steps: readonly (readonly [string, string, (h: TranslationHistory) => void])[] = [
    ["no TLBI at all", "T-STALE", (h) => h.dsb("ishst")],
    ["a TLBI for the next page", "T-STALE", (h) => (h.dsb("ishst"), h.tlbi(vale({ start: END, end: (END + 4096) as Va })), h.dsb("ish"))],
    ["a TLBI that is not ordered behind the store", "T-TLBI-ORDER", (h) => (h.tlbi(vale()), h.dsb("ish"))],
    ["a TLBI with a wrong level", "T-TLBI-LEVEL", (h) => (h.dsb("ishst"), h.tlbi(vale({ level: 2 })), h.dsb("ish"))],
    ["a TLBI for another ASID", "T-TLBI-ASID", (h) => (h.dsb("ishst"), h.tlbi(vale({ asid: 8 as Asid })), h.dsb("ish"))],
    ["no wait for the TLBI", "T-TLBI-SYNC", (h) => (h.dsb("ishst"), h.tlbi(vale()))],
    ["a wait for stores only", "T-TLBI-SYNC", (h) => (h.dsb("ishst"), h.tlbi(vale()), h.dsb("ishst"))],
  ];
  for (const [what, rule, flush] of steps) {
    it(`${rule}: ${what}`, () => {
      const { h, found, change } = history();
      change(RW, RO);
      flush(h);
      h.flushPoint();
      expect(found).to.deep.equal([rule]);
      h.flushPoint();
      expect(found, "reported once").to.have.length(1);
    });
  }

  it("whole ASIDs, ranges and everything count too", () => {
    for (const operation of [vale({ op: "aside1is" }), vale({ op: "vmalle1is", asid: 0 as Asid }), vale({ op: "rvae1is", end: (VA + 2 ** 21) as Va })]) {
      const { h, found, change } = history();
      change(RW, 0n);
      h.dsb("ishst");
      h.tlbi(operation);
      h.dsb("ish");
      h.flushPoint();
      expect(found).to.deep.equal([]);
    }
  });

  it("needs no TLBI for what gives more, clears AF, was never cached, or came back", () => {
    const { h, found, change } = history();
    change(RO, RW);
    change(RW, RW & ~0x400n);
    change(RW & ~0x400n, 0n);
    change(RW, 0n, (VA + 8192) as Va);
    change(0n, RW, (VA + 8192) as Va);
    h.flushPoint();
    expect(found).to.deep.equal([]);
  });

  it("a contiguous entry may be cached through its neighbours, whatever its own AF", () => {
    const { h, found, change } = history();
    change((RW | CONT) & ~0x400n, 0n);
    h.flushPoint();
    expect(found).to.deep.equal(["T-STALE"]);
  });

  it("asks for break-before-make where address, type, size or contiguity change", () => {
    for (const [before, after, rule] of [
      [RW, RW + 0x1000n, "T-BBM"],
      [RW, RW | (1n << 2n), "T-BBM"],
      [RW, RW | CONT, "T-BBM-CONT"],
      [RW | CONT, RW, "T-BBM-CONT"],
    ] as const) {
      const { found, change } = history();
      change(before, after);
      expect(found).to.deep.equal([rule]);
    }
    const { found, change } = history();
    change(RW & ~2n & ~0x1f_f000n, 0n, VA, 2);
    change(0n, RW, (VA + 0x5000) as Va, 3);
    expect(found, "pages under a block").to.deep.equal(["T-BBM"]);
  });

  it("can be asked before the end of the operation, and forgets a dead address space", () => {
    const { h, found, change } = history();
    change(RW, 0n);
    h.require(ASID, END, (END + 4096) as Va);
    expect(found).to.deep.equal([]);
    h.require(ASID, VA, END);
    expect(found).to.deep.equal(["T-STALE"]);
    change(RW, 0n);
    h.forget(ASID);
    h.flushPoint();
    expect(found).to.have.length(1);
  });
});

describe("use of ASIDs", () => {
  it("an ASID changes tables only behind a flush", () => {
    const found: string[] = [];
    const use = new AsidUse(({ rule }) => found.push(rule.id));
    use.run(ASID, 0x1000);
    use.run(ASID, 0x1000);
    use.tlbi(vale({ op: "aside1is" }));
    use.run(ASID, 0x2000);
    use.tlbi(vale({ op: "vmalle1is" }));
    use.run(ASID, 0x3000);
    expect(found).to.deep.equal([]);
    use.tlbi(vale());
    use.run(ASID, 0x4000);
    expect(found).to.deep.equal(["T-ASID-REUSE"]);
    expect(TIME_RULES["T-ASID-REUSE"].severity).to.equal("error");
  });
});
