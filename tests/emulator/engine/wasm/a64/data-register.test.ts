/** Data processing with registers: known results, and the same as the reference engine. */
import { expect } from "chai";
import { DATA_REGISTER } from "../../../../../emulator/engine/wasm/a64/data-register.js";
import { runAssembly } from "../../../../support/assembly-run.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

const ONES = 0xffff_ffff_ffff_ffffn;
const MIN = 1n << 63n;

/** X0 behind one instruction that reads X1 and X2. */
function result(source: string, first: bigint, second = 0n, nzcv = 0): bigint {
  return runAssembly(source, { x: { 0: ONES, 1: first, 2: second }, nzcv }).x[0]!;
}

describe("data processing with registers", () => {
  it("shifts and extends the second operand", () => {
    expect(result("add x0, x1, x2, lsl #4", 1n, 2n)).to.equal(33n);
    expect(result("sub w0, w1, w2, asr #31", 0n, 0x8000_0000n)).to.equal(1n);
    expect(result("add x0, x1, w2, sxtw #3", 100n, 0xffff_ffffn)).to.equal(92n);
    expect(result("add x0, x1, w2, uxtb", 1n, 0xfffn)).to.equal(0x100n);
    expect(result("bic x0, x1, x2, ror #4", ONES, 0xfn)).to.equal(0x0fff_ffff_ffff_ffffn);
    expect(result("eon w0, w1, w2", 0n, 0n)).to.equal(0xffff_ffffn);
    expect(result("mvn x0, x2", 0n, 1n)).to.equal(ONES - 1n);
  });

  it("adds with carry and sets the carry at the edges", () => {
    expect(result("adc x0, x1, x2", 1n, 2n, 0b0010)).to.equal(4n);
    expect(result("sbc x0, x1, x2", 5n, 2n, 0)).to.equal(2n);
    const flags = (source: string, first: bigint, second: bigint, nzcv: number): number => runAssembly(source, { x: { 1: first, 2: second }, nzcv }).flags;
    expect(flags("adcs x0, x1, x2", ONES, 0n, 0b0010)).to.equal(0b0110);
    expect(flags("adcs x0, x1, x2", ONES, ONES, 0b0010)).to.equal(0b1010);
    expect(flags("adcs w0, w1, w2", 0x7fff_ffffn, 0n, 0b0010)).to.equal(0b1001);
    expect(flags("sbcs x0, x1, x2", 0n, ONES, 0b0010)).to.equal(0b0000);
    expect(flags("ngcs x0, x2", 0n, 0n, 0b0010)).to.equal(0b0110);
  });

  it("compares on a condition", () => {
    const flags = (source: string, nzcv: number): number => runAssembly(source, { x: { 1: 5n, 2: 5n }, nzcv }).flags;
    expect(flags("ccmp x1, x2, #0b1001, eq", 0b0100)).to.equal(0b0110);
    expect(flags("ccmp x1, x2, #0b1001, eq", 0)).to.equal(0b1001);
    expect(flags("ccmn w1, #31, #0, al", 0)).to.equal(0);
    expect(flags("ccmp w1, #6, #0, hi", 0b0010)).to.equal(0b1000);
  });

  it("selects on every condition", () => {
    const conditions = ["eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"] as const;
    const holds = (condition: string, nzcv: number): boolean => {
      const [n, z, c, v] = [8, 4, 2, 1].map((bit) => (nzcv & bit) !== 0) as [boolean, boolean, boolean, boolean];
      return { eq: z, ne: !z, cs: c, cc: !c, mi: n, pl: !n, vs: v, vc: !v, hi: c && !z, ls: !c || z, ge: n === v, lt: n !== v, gt: !z && n === v, le: z || n !== v }[condition]!;
    };
    for (const condition of conditions) {
      const source = `cset x0, ${condition}\n csetm w1, ${condition}\n csinc x2, x3, x3, ${condition}\n csneg x4, xzr, x3, ${condition}\n csel w5, w3, wzr, ${condition}`;
      for (let nzcv = 0; nzcv < 16; nzcv++) {
        const yes = holds(condition, nzcv);
        const { x } = runAssembly(source, { x: { 3: 7n }, nzcv });
        expect([x[0], x[1], x[2], x[4], x[5]], `${condition} ${nzcv}`).to.deep.equal(yes ? [1n, 0xffff_ffffn, 7n, 0n, 7n] : [0n, 0n, 8n, ONES - 6n, 0n]);
      }
    }
  });

  it("divides by zero to zero, and the smallest number by -1 to itself", () => {
    expect(result("udiv x0, x1, x2", 7n, 0n)).to.equal(0n);
    expect(result("sdiv w0, w1, w2", 7n, 0n)).to.equal(0n);
    expect(result("sdiv x0, x1, x2", MIN, ONES)).to.equal(MIN);
    expect(result("sdiv w0, w1, w2", 0x8000_0000n, ONES)).to.equal(0x8000_0000n);
    expect(result("sdiv x0, x1, x2", ONES - 6n, 2n)).to.equal(ONES - 2n);
    expect(result("udiv w0, w1, w2", ONES, 2n)).to.equal(0x7fff_ffffn);
  });

  it("multiplies to the upper half", () => {
    expect(result("umulh x0, x1, x2", ONES, ONES)).to.equal(ONES - 1n);
    expect(result("smulh x0, x1, x2", ONES, ONES)).to.equal(0n);
    expect(result("smulh x0, x1, x2", MIN, MIN)).to.equal(1n << 62n);
    expect(result("umulh x0, x1, x2", 0x1234_5678_9abc_def0n, 0xfedc_ba98_7654_3210n)).to.equal((0x1234_5678_9abc_def0n * 0xfedc_ba98_7654_3210n) >> 64n);
  });

  it("multiplies and adds", () => {
    expect(result("madd x0, x1, x2, x0", 3n, 5n)).to.equal(14n);
    expect(result("msub w0, w1, w2, wzr", 3n, 5n)).to.equal(0xffff_fff1n);
    expect(result("smull x0, w1, w2", 0xffff_ffffn, 2n)).to.equal(ONES - 1n);
    expect(result("umaddl x0, w1, w2, x2", 0xffff_ffffn, 2n)).to.equal(0x2_0000_0000n);
  });

  it("reverses and counts bits", () => {
    const value = 0x0123_4567_89ab_cdefn;
    const results = {
      "rbit x0, x1": 0xf7b3_d591_e6a2_c480n,
      "rbit w0, w1": 0xf7b3_d591n,
      "rev x0, x1": 0xefcd_ab89_6745_2301n,
      "rev w0, w1": 0xefcd_ab89n,
      "rev32 x0, x1": 0x6745_2301_efcd_ab89n,
      "rev16 x0, x1": 0x2301_6745_ab89_efcdn,
      "rev16 w0, w1": 0xab89_efcdn,
      "clz x0, x1": 7n,
      "clz w0, wzr": 32n,
      "cls w0, w1": 0n,
      "cls x0, x1": 6n,
      "cls x0, xzr": 63n,
    };
    for (const [source, expected] of Object.entries(results)) expect(result(source, value), source).to.equal(expected);
  });

  it("shifts by the amount modulo the width", () => {
    expect(result("lsl x0, x1, x2", 1n, 65n)).to.equal(2n);
    expect(result("lsr w0, w1, w2", ONES, 33n)).to.equal(0x7fff_ffffn);
    expect(result("asr x0, x1, x2", MIN, 127n)).to.equal(ONES);
    expect(result("ror w0, w1, w2", 1n, 1n)).to.equal(0x8000_0000n);
  });

  it("computes both check sums", () => {
    // The check value of the text "123456789", the accumulator inverted before and behind.
    const nine = "crc32x w0, w0, x1\n crc32b w0, w0, w2\n mvn w0, w0";
    const x = { 0: 0xffff_ffffn, 1: 0x3837_3635_3433_3231n, 2: 0xffff_ff39n };
    expect(runAssembly(nine, { x }).x[0]).to.equal(0xcbf4_3926n);
    expect(runAssembly(nine.replaceAll("crc32", "crc32c"), { x }).x[0]).to.equal(0xe306_9283n);
    const halves = "crc32w w0, w0, w1\n lsr x1, x1, #32\n crc32h w0, w0, w1\n lsr x1, x1, #16\n crc32h w0, w0, w1\n crc32b w0, w0, w2\n mvn w0, w0";
    expect(runAssembly(halves, { x }).x[0]).to.equal(0xcbf4_3926n);
  });

  it("puts bits into flags", () => {
    expect(runAssembly("rmif x1, #60, #0b0101", { x: { 1: 0b1111_0000n << 52n }, nzcv: 0b1010 }).flags).to.equal(0b1010);
    expect(runAssembly("rmif x1, #4, #0b1111", { x: { 1: 0b1001_0000n } }).flags).to.equal(0b1001);
    expect(runAssembly("setf8 w1", { x: { 1: 0x80n }, nzcv: 0b0010 }).flags).to.equal(0b1011);
    expect(runAssembly("setf16 w1", { x: { 1: 0x1_0000n } }).flags).to.equal(0b0101);
  });

  it("does what the reference engine does", () => {
    expect(differ(DATA_REGISTER, 1500, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
