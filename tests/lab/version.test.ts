/* One version, in two places: the package and the program. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { VERSION } from "../../lab/version.js";

describe("VERSION", () => {
  it("is the package's", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(VERSION).to.equal(version);
  });
});
