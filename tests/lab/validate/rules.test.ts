/** All rules, once each, in the order of the report, and all of them in the documentation. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { TIME_RULES } from "../../../emulator/validate/over-time.js";
import { ARM_RULES } from "../../../emulator/validate/rules-arm.js";
import { ACCOUNTING_RULE } from "../../../lab/observers/checker.js";
import { EFFECT_RULES } from "../../../lab/observers/pte-effects.js";
import { ORACLE_RULE, ruleRank, RULES } from "../../../lab/validate/rules.js";
import { LINUX_RULES } from "../../../lab/validate/rules-linux.js";

describe("rules of validate", () => {
  it("are all there once", () => {
    const ids = RULES.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    expect([...ids].sort()).to.deep.equal([...Object.keys(ARM_RULES), ...Object.keys(LINUX_RULES), "O-WALK"].sort());
  });

  it("come in the order of the invariants; warnings last", () => {
    const rank = (id: string): number => RULES.findIndex((rule) => rule.id === id);
    const order = ["A-TABLE-OUTSIDE", "A-CONT-MIXED", "L-CONT-HOLE", "A-CONT-OA", "A-CONT-ATTR", "L-CONT-FOLIO", "L-COW", "L-CONT-SPECIAL", "L-WRITE-RDONLY", "A-WRITE-EXEC"];
    expect(order.map(rank)).to.deep.equal(order.map(rank).sort((a, b) => a - b));
    const firstWarning = RULES.findIndex(({ severity }) => severity === "warning");
    expect(RULES.slice(firstWarning).every(({ severity }) => severity === "warning")).to.equal(true);
    expect(ruleRank(ARM_RULES["A-CONT-MIXED"])).to.be.lessThan(ruleRank(ORACLE_RULE));
    expect(ruleRank({ ...ORACLE_RULE, id: "X" })).to.equal(RULES.length);
  });

  it("are all described in docs/validation.md", () => {
    const text = readFileSync("docs/validation.md", "utf8");
    const all = [...RULES, ...Object.values(TIME_RULES), ...Object.values(EFFECT_RULES), ACCOUNTING_RULE];
    expect(all.filter(({ id }) => !text.includes(`| ${id} |`)).map(({ id }) => id)).to.deep.equal([]);
    const documented = [...text.matchAll(/^\| ([ALTO]-[A-Z0-9-]+) \|/gm)].map(([, id]) => id);
    expect(documented.filter((id) => !all.some((rule) => rule.id === id)), "documented, but no rule").to.deep.equal([]);
  });
});
