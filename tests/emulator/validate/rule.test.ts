/** Rules and places of violations. */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import { place, type Rule, ruleTable } from "../../../emulator/validate/rule.js";

const rule: Rule = { id: "A-X", severity: "error", title: "t", source: "s", consequence: "c" };

describe("rules", () => {
  it("are found by identifier", () => {
    expect(ruleTable([{ id: "A-X", severity: "error", title: "t", source: "s", consequence: "c" }])["A-X"]).to.deep.equal(rule);
  });

  it("say where they are broken, as far as it is known", () => {
    const entries = { first: 0x1000 as Pa, last: 0x1078 as Pa };
    expect(place({ rule, va: 0x5000000000 as Va, level: 3, entries, detail: "" })).to.equal("va 0x5000000000 level 3 entries 0x1000-0x1078");
    expect(place({ rule, va: undefined, level: 2, entries: { first: 8 as Pa, last: 8 as Pa }, detail: "" })).to.equal("level 2 entry 0x8");
    expect(place({ rule, va: undefined, level: undefined, entries: undefined, detail: "" })).to.equal("");
  });
});
