/**
 * Every source file has a test file at the same path under tests/; files that hold types only are exempt.
 */
import { existsSync } from "node:fs";
import { expect } from "chai";
import { isTypeOnly, productSources, ROOMS, trackedFiles } from "../support/sources.js";

const twinOf = (source: string): string => `tests/${source.replace(/\.ts$/, ".test.ts")}`;

describe("test twins", () => {
  it("tell types from code", () => {
    expect(isTypeOnly("emulator/arch/addr.ts")).to.equal(false);
    expect(isTypeOnly("tests/meta/fixtures/types-only.ts")).to.equal(true);
  });

  it("exist for every source file with code", () => {
    const lonely = productSources().filter((source) => !existsSync(twinOf(source)) && !isTypeOnly(source));
    expect(lonely.map(twinOf), "these test files are missing").to.deep.equal([]);
  });

  it("are not left behind when a source file goes", () => {
    const mirrored = trackedFiles().filter((file) => ROOMS.some((room) => file.startsWith(`tests/${room}/`)) && file.endsWith(".test.ts"));
    const expected = new Set(productSources().map(twinOf));
    // A second test file of one source carries a further word: `walk.oracle.test.ts` beside `walk.test.ts`.
    const orphans = mirrored.filter((file) => !expected.has(file) && !expected.has(file.replace(/\.[a-z0-9-]+\.test\.ts$/, ".test.ts")));
    expect(orphans, "these test files have no source file").to.deep.equal([]);
  });
});
