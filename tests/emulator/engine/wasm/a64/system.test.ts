/** System instructions at EL0: registers, flags, hints, what is undefined. */
import { expect } from "chai";
import { SYSTEM } from "../../../../../emulator/engine/wasm/a64/system.js";
import { runAssembly } from "../../../../support/assembly-run.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

describe("system instructions", () => {
  it("read what Linux lets EL0 read", () => {
    const { x } = runAssembly("mrs x0, ctr_el0\n mrs x1, dczid_el0\n mrs x2, tpidrro_el0\n mrs x3, pmuserenr_el0", { x: { 2: 1n, 3: 1n } });
    // DminLine and IminLine 16 words, IDC and DIC 0, PIPT; DC ZVA of 64 bytes.
    expect(x.slice(0, 4)).to.deep.equal([0x8444_c004n, 4n, 0n, 0n]);
  });

  it("keep the thread pointer", () => {
    const end = runAssembly("msr tpidr_el0, x0\n mrs x1, tpidr_el0", { x: { 0: 0xffff_0000_1234_5678n } });
    expect(end.x[1]).to.equal(0xffff_0000_1234_5678n);
    expect(end.tpidr).to.equal(0xffff_0000_1234_5678n);
  });

  it("move the flags and only them", () => {
    const end = runAssembly("mrs x1, nzcv\n msr nzcv, x0\n mrs x2, nzcv", { x: { 0: 0xffff_ffff_6fff_ffffn }, nzcv: 0b1001 });
    expect(end.x.slice(1, 3)).to.deep.equal([0x9000_0000n, 0x6000_0000n]);
    expect(end.flags).to.equal(0b0110);
  });

  it("keep the fields of FPCR and FPSR", () => {
    const end = runAssembly("msr fpcr, x0\n msr fpsr, x0\n mrs x1, fpcr\n mrs x2, fpsr", { x: { 0: 0xffff_ffff_ffff_ffffn } });
    expect(end.x.slice(1, 3)).to.deep.equal([0x07ff_0000n, 0xf800_009fn]);
    expect(end.fpcr).to.equal(0x07ff_0000);
    expect(end.fpsr).to.equal(0xf800_009f);
  });

  it("remake flags for other conventions of comparison", () => {
    // Arm: C6.2 AXFLAG and XAFLAG, by old N, Z, C, V.
    for (let nzcv = 0; nzcv < 16; nzcv++) {
      const [z, c, v] = [(nzcv >> 2) & 1, (nzcv >> 1) & 1, nzcv & 1];
      expect(runAssembly("axflag", { nzcv }).flags, `axflag ${nzcv}`).to.equal(((z | v) << 2) | ((c & (v ^ 1)) << 1));
      expect(runAssembly("xaflag", { nzcv }).flags, `xaflag ${nzcv}`).to.equal((((c | z) ^ 1) << 3) | ((z & c) << 2) | ((c | z) << 1) | (z & (c ^ 1)));
      expect(runAssembly("cfinv", { nzcv }).flags, `cfinv ${nzcv}`).to.equal(nzcv ^ 2);
    }
  });

  it("pass hints, barriers and cache maintenance", () => {
    const hints = "nop\n yield\n wfe\n wfi\n sev\n sevl\n hint #127\n paciasp\n autiasp\n bti c\n csdb\n dsb sy\n dmb ish\n isb\n sb\n clrex\n ic ivau, x0\n dc cvau, x0\n dc cvac, x0\n dc civac, x0\n mov x1, #1";
    const end = runAssembly(hints, { x: { 30: 5n } });
    expect(end.x[1]).to.equal(1n);
    expect(end.x[30]).to.equal(5n);
    expect([end.loads, end.stores]).to.deep.equal([0, 0]);
  });

  it("are undefined where EL0 or the feature is missing", () => {
    for (const source of ["mrs x0, midr_el1", "mrs x0, cntvct_el0", "mrs x0, rndr", "msr tpidrro_el0, x0", "dc cvap, x0", "msr daifset, #1", "eret", "hvc #0", "mrs x0, ssbs"]) {
      expect(runAssembly(source).exit.reason, source).to.equal("undefined-instruction");
    }
  });

  it("do what the reference engine does", () => {
    expect(differ(SYSTEM, 600, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
