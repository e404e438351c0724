/* The style sheet: every colour exists in light and in dark, and everything that is drawn has one. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { STYLE } from "../../../../lab/report/html/style.js";

const variables = (text: string): string[] => [...text.matchAll(/(--[a-z]+): #[0-9a-f]{6}/g)].map((match) => match[1]!);

describe("STYLE", () => {
  const [light, dark] = STYLE.split("@media (prefers-color-scheme: dark)") as [string, string];

  it("defines the same colours for light and dark, and uses no other", () => {
    expect(variables(light).length).to.be.greaterThan(10);
    expect(variables(dark)).to.deep.equal(variables(light));
    for (const [, used] of STYLE.matchAll(/var\((--[a-z]+)\)/g)) expect(variables(light)).to.include(used);
  });

  it("has a fill for every colour that the page's charts name", () => {
    const named = [...readFileSync("lab/report/html/page.ts", "utf8").matchAll(/color: "([a-z]+)"/g)].map((match) => match[1]!);
    for (const name of [...named, "page", "contiguous", "block", "unmapped", "cold", "capacity", "conflict", "invalidated"]) expect(STYLE).to.include(`rect.${name} { fill: var(--${name}); }`);
  });
});
