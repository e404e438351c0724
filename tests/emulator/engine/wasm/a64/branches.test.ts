/** Branches and exceptions: targets, links, exits. */
import { expect } from "chai";
import { BRANCHES } from "../../../../../emulator/engine/wasm/a64/branches.js";
import { CODE, runAssembly } from "../../../../support/assembly-run.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

describe("branches", () => {
  it("jump over what stands between", () => {
    expect(runAssembly("b .+8\n mov x0, #1\n mov x1, #2").x.slice(0, 2)).to.deep.equal([0n, 2n]);
  });

  it("link and return", () => {
    const end = runAssembly("bl .+12\n add x0, x0, #1\n b .+12\n add x0, x0, #16\n ret\n nop", { x: {} });
    expect(end.x[0]).to.equal(17n);
    expect(end.x[30]).to.equal(BigInt(CODE + 4));
    expect(end.exit.reason).to.equal("svc");
  });

  it("go to X30 and put a new address into it", () => {
    const end = runAssembly("blr x30\n nop", { x: { 30: BigInt(CODE + 4) } });
    expect(end.x[30]).to.equal(BigInt(CODE + 4));
  });

  it("depend on registers and bits", () => {
    const taken = (branch: string, value: bigint): boolean => runAssembly(`${branch} .+8\n mov x0, #1\n nop`, { x: { 1: value } }).x[0] === 0n;
    expect(taken("cbz w1,", 0x1_0000_0000n)).to.equal(true);
    expect(taken("cbz x1,", 0x1_0000_0000n)).to.equal(false);
    expect(taken("cbnz w1,", 0x1_0000_0000n)).to.equal(false);
    expect(taken("cbnz x1,", 0x1_0000_0000n)).to.equal(true);
    expect(taken("tbz x1, #32,", 0x1_0000_0000n)).to.equal(false);
    expect(taken("tbnz x1, #63,", 1n << 63n)).to.equal(true);
    expect(taken("tbnz w1, #31,", 1n << 31n)).to.equal(true);
  });

  it("depend on flags", () => {
    const { x } = runAssembly("mov x0, #10\n add x1, x1, x0\n subs x0, x0, #1\n b.ne .-8\n b.nv .+8\n mov x2, #1\n nop");
    expect(x.slice(0, 3)).to.deep.equal([0n, 55n, 0n]);
  });

  it("drop the tag of a target", () => {
    const end = runAssembly("br x1\n mov x0, #1\n nop", { x: { 1: (0xa5n << 56n) | BigInt(CODE + 8) } });
    expect(end.x[0]).to.equal(0n);
    expect(end.exit.reason).to.equal("svc");
  });

  it("end in exits", () => {
    expect(runAssembly("nop\n brk #7")).to.include({ pc: CODE + 4 }).and.to.have.nested.property("exit.reason", "breakpoint");
    expect(runAssembly("nop\n svc #7")).to.include({ pc: CODE + 8 }).and.to.have.nested.property("exit.reason", "svc");
    expect(runAssembly("nop\n udf #0")).to.include({ pc: CODE + 4 }).and.to.have.nested.property("exit.reason", "undefined-instruction");
    expect(runAssembly("hlt #0").exit.reason).to.equal("undefined-instruction");
    expect(runAssembly("br x1", { x: { 1: BigInt(CODE + 2) } }).exit).to.deep.equal({ reason: "alignment", va: CODE + 2 });
  });

  it("do what the reference engine does", () => {
    expect(differ(BRANCHES, 800, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
