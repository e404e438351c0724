/** Data processing with an immediate: known results, and the same as the reference engine. */
import { expect } from "chai";
import { DATA_IMMEDIATE } from "../../../../../emulator/engine/wasm/a64/data-immediate.js";
import { CODE, runAssembly } from "../../../../support/assembly-run.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

const ONES = 0xffff_ffff_ffff_ffffn;

describe("data processing with an immediate", () => {
  it("adds to and subtracts from SP", () => {
    const end = runAssembly("add sp, sp, #1, lsl #12\n sub x0, sp, #0x123\n mov x1, sp", { sp: 0x1000n });
    expect(end.sp).to.equal(0x2000n);
    expect(end.x.slice(0, 2)).to.deep.equal([0x1eddn, 0x2000n]);
  });

  it("clears the upper half of a W result", () => {
    const end = runAssembly("add w0, w0, #1\n orr w1, w1, #0x80000000\n movn w2, #0", { x: { 0: ONES, 1: ONES, 2: ONES } });
    expect(end.x.slice(0, 3)).to.deep.equal([0n, 0xffff_ffffn, 0xffff_ffffn]);
  });

  it("sets flags as the width says", () => {
    expect(runAssembly("cmp w0, #1", { x: { 0: 0x1_0000_0001n } }).flags).to.equal(0b0110);
    expect(runAssembly("cmp x0, #1", { x: { 0: 0x1_0000_0001n } }).flags).to.equal(0b0010);
    expect(runAssembly("adds w0, w0, #1", { x: { 0: 0x7fff_ffffn } }).flags).to.equal(0b1001);
    expect(runAssembly("subs x0, x0, #1", { x: { 0: 0n } }).flags).to.equal(0b1000);
    expect(runAssembly("tst x0, #0x8000000000000000", { x: { 0: ONES }, nzcv: 15 }).flags).to.equal(0b1000);
  });

  it("takes the address of the instruction, and of its page", () => {
    const end = runAssembly("nop\n adr x0, .-4\n adrp x1, .");
    expect(end.x.slice(0, 2)).to.deep.equal([BigInt(CODE), BigInt(CODE)]);
  });

  it("knows the masks of logical immediates", () => {
    const end = runAssembly("mov x0, #0x5555555555555555\n mov x1, #0x00ff00ff00ff00ff\n mov x2, #0x8000000000000001\n and w3, w3, #0xfffffff8", { x: { 3: ONES } });
    expect(end.x.slice(0, 4)).to.deep.equal([0x5555_5555_5555_5555n, 0x00ff_00ff_00ff_00ffn, 0x8000_0000_0000_0001n, 0xffff_fff8n]);
  });

  it("builds constants from halfwords", () => {
    const end = runAssembly("movz x0, #0x1234, lsl #48\n movk x0, #0xabcd\n movn x1, #0, lsl #16\n movk w2, #7, lsl #16", { x: { 2: ONES } });
    expect(end.x.slice(0, 3)).to.deep.equal([0x1234_0000_0000_abcdn, ONES, 0x7_ffffn]);
  });

  it("moves bit fields", () => {
    const x = { 1: 0xfedc_ba98_7654_3210n };
    const results = {
      "ubfx x0, x1, #4, #8": 0x21n,
      "sbfx x0, x1, #60, #4": ONES,
      "lsl x0, x1, #4": 0xedcb_a987_6543_2100n,
      "lsl w0, w1, #4": 0x6543_2100n,
      "lsr x0, x1, #60": 0xfn,
      "asr x0, x1, #60": ONES,
      "asr w0, w1, #28": 7n,
      "sxtb x0, w1": 0x10n,
      "sxtw x0, w1": 0x7654_3210n,
      "uxth w0, w1": 0x3210n,
      "ubfiz x0, x1, #8, #4": 0n,
      "sbfiz x0, x1, #8, #8": 0x1000n,
      "sbfiz w0, w1, #24, #8": 0x1000_0000n,
      "ror x0, x1, #8": 0x10fe_dcba_9876_5432n,
      "extr x0, x1, xzr, #32": 0x7654_3210_0000_0000n,
    };
    for (const [source, result] of Object.entries(results)) expect(runAssembly(source, { x }).x[0], source).to.equal(result);
  });

  it("inserts bit fields and keeps the rest", () => {
    const x = { 0: ONES, 1: 0x1234n };
    expect(runAssembly("bfi x0, x1, #8, #16", { x }).x[0]).to.equal(0xffff_ffff_ff12_34ffn);
    expect(runAssembly("bfxil x0, x1, #4, #8", { x }).x[0]).to.equal(0xffff_ffff_ffff_ff23n);
    expect(runAssembly("bfi w0, w1, #28, #4", { x }).x[0]).to.equal(0x4fff_ffffn);
  });

  it("does what the reference engine does", () => {
    expect(differ(DATA_IMMEDIATE, 1000, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
