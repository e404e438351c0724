/* Records of TLB maintenance: what is compared, and with what tolerance. */
import { expect } from "chai";
import { tlbiDifference, tlbiKey, type TlbiCount, type TlbiRecord } from "../../../lab/golden/tlbi-record.js";

const REAL: TlbiRecord = {
  cfg: "64K",
  blocks: 16,
  op: "munmap: page 7",
  reps: 7,
  tlbi: { vale1is: 17 },
  barriers: { dsb_ish: 2, dsb_ishst: 2 },
  repeats: true,
  min_max: {},
  by_function: { "dsb_ish@contpte_convert": 1, "dsb_ish@tlb_flush": 1 },
  contpte: { try_fold: 1, unfold: 1, cont: "16>0" },
};
const MODEL: TlbiCount = { tlbi: { vale1is: 17 }, dsbIsh: 2, dsbIshOfSwitches: 0, contpte: { unfold: 1, cont: "16>0" } };

describe("tlbiDifference", () => {
  it("none if TLBIs by kind, waits and contpte calls are equal; attempts to fold are not compared", () => {
    expect(tlbiDifference(REAL, MODEL)).to.equal(undefined);
    expect(tlbiDifference(REAL, { ...MODEL, contpte: { ...MODEL.contpte, try_fold: 3, try_unfold: 0 } })).to.equal(undefined);
    expect(tlbiKey(REAL)).to.equal("64K 16 munmap: page 7");
  });

  it("names the kind of event that differs", () => {
    const field = (model: Partial<TlbiCount>): string | undefined => tlbiDifference(REAL, { ...MODEL, ...model })?.field;
    expect(field({ tlbi: { vale1is: 16 } })).to.equal("tlbi");
    expect(field({ tlbi: { vale1is: 17, aside1is: 1 } })).to.equal("tlbi");
    expect(field({ tlbi: {} })).to.equal("tlbi");
    expect(field({ dsbIsh: 3 })).to.equal("dsb_ish");
    expect(field({ contpte: { unfold: 1, cont: "16>16" } })).to.equal("contpte");
    expect(field({ contpte: { cont: "16>0" } })).to.equal("contpte");
  });

  it("where a count did not repeat, anything between its least and most agrees", () => {
    const varied: TlbiRecord = { ...REAL, repeats: false, min_max: { vale1is: [17, 20] } };
    for (const [vale1is, agrees] of [[16, false], [17, true], [20, true], [21, false]] as const) {
      expect(tlbiDifference(varied, { ...MODEL, tlbi: { vale1is } }) === undefined, `${vale1is}`).to.equal(agrees);
    }
  });

  it("where the task slept a varying number of times, its waits without context switches must be equal", () => {
    const slept: TlbiRecord = { ...REAL, barriers: { dsb_ish: 12 }, min_max: { dsb_ish: [8, 20] }, by_function: { ...REAL.by_function, "dsb_ish@__switch_to": 10 } };
    expect(tlbiDifference(slept, { ...MODEL, dsbIsh: 2 })).to.equal(undefined);
    expect(tlbiDifference(slept, { ...MODEL, dsbIsh: 4, dsbIshOfSwitches: 2 })).to.equal(undefined);
    expect(tlbiDifference(slept, { ...MODEL, dsbIsh: 9 })).to.equal(undefined);
    expect(tlbiDifference(slept, { ...MODEL, dsbIsh: 4, dsbIshOfSwitches: 1 })?.field).to.equal("dsb_ish without context switches");
  });
});
