/** Pointer authentication with no key enabled: addresses pass unchanged. */
import { expect } from "chai";
import { POINTER_AUTHENTICATION } from "../../../../../emulator/engine/wasm/a64/pointer-authentication.js";
import { CODE, DATA, runAssembly } from "../../../../support/assembly-run.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

describe("pointer authentication", () => {
  it("changes no address", () => {
    const end = runAssembly("pacia x0, x1\n autia x0, x1\n pacdza x0\n xpaci x0\n xpacd x0", { x: { 0: 0x1234_5678_9abc_def0n, 1: 5n } });
    expect(end.x[0]).to.equal(0x1234_5678_9abc_def0n);
  });

  it("branches, links and returns", () => {
    const end = runAssembly("blraaz x1\n add x0, x0, #1\n b .+20\n add x0, x0, #16\n retaa\n nop\n nop\n nop", { x: { 1: BigInt(CODE + 12) } });
    expect(end.x[0]).to.equal(17n);
    expect(runAssembly("braa x1, sp\n mov x0, #1\n nop", { x: { 1: BigInt(CODE + 8) } }).x[0]).to.equal(0n);
  });

  it("loads at ten bits of offset in doublewords, with and without write-back", () => {
    const end = runAssembly("ldraa x0, [x1, #8]\n ldrab x2, [x3, #-16]!", { x: { 1: BigInt(DATA), 3: BigInt(DATA + 24) }, memory: [1n, 2n, 3n] });
    expect([end.x[0], end.x[1], end.x[2], end.x[3]]).to.deep.equal([2n, BigInt(DATA), 2n, BigInt(DATA + 8)]);
    expect(runAssembly("ldraa x0, [x1, #-4096]", { x: { 1: BigInt(DATA + 4096 + 8) }, memory: [1n, 2n] }).x[0]).to.equal(2n);
  });

  it("has no generic code", () => {
    expect(runAssembly("pacga x0, x1, x2").exit.reason).to.equal("undefined-instruction");
  });

  it("does what the reference engine does", () => {
    expect(differ(POINTER_AUTHENTICATION, 500, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
