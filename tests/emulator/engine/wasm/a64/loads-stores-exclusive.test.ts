/** Exclusives, acquire and release, atomics: what they leave in memory and registers, alignment, counts. */
import { expect } from "chai";
import { LOADS_STORES_EXCLUSIVE } from "../../../../../emulator/engine/wasm/a64/loads-stores-exclusive.js";
import { DATA, runAssembly, type Start } from "../../../../support/assembly-run.js";
import { differ, InstructionDifferential, Random, TUNINGS } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

const base = BigInt(DATA);
const ONES = 0xffff_ffff_ffff_ffffn;

describe("exclusives", () => {
  it("store if the word is as it was", () => {
    const end = runAssembly("ldxr x0, [x1]\n add x0, x0, #1\n stxr w2, x0, [x1]\n stlxr w3, x0, [x1]", { x: { 1: base, 2: ONES, 3: ONES }, memory: [41n] });
    expect(end.words[0]).to.equal(42n);
    expect(end.x.slice(2, 4)).to.deep.equal([0n, 1n]);
    expect([end.loads, end.stores], "the second store exclusive makes no access").to.deep.equal([2, 1]);
  });

  it("fail after another store to the word, but for the same value", () => {
    const end = runAssembly("ldaxr w0, [x1]\n str w4, [x1]\n stxr w2, w5, [x1]\n ldxr w0, [x1]\n str w0, [x1]\n stxr w3, w5, [x1]", { x: { 1: base, 4: 2n, 5: 5n }, memory: [1n] });
    expect(end.x.slice(2, 4)).to.deep.equal([1n, 0n]);
    expect(end.words[0]).to.equal(5n);
  });

  it("fail at another address and behind CLREX", () => {
    const end = runAssembly("ldxrb w0, [x1]\n stxrb w2, w0, [x3]\n ldxrh w0, [x1]\n clrex\n stxrh w4, w0, [x1]", { x: { 1: base, 3: base + 8n } });
    expect([end.x[2], end.x[4]]).to.deep.equal([1n, 1n]);
    expect(end.stores).to.equal(0);
  });

  it("move pairs", () => {
    const words = runAssembly("ldxp w0, w2, [x1]\n stxp w3, w2, w0, [x1]", { x: { 1: base }, memory: [0x2222_2222_1111_1111n] });
    expect([words.words[0], words.x[3], words.loads, words.stores]).to.deep.equal([0x1111_1111_2222_2222n, 0n, 2, 1]);
    const doublewords = runAssembly("ldaxp x0, x2, [x1]\n stlxp w3, x2, x0, [x1]\n ldxp x0, x2, [x1]\n str x0, [x1, #8]\n stxp w4, x2, x0, [x1]", { x: { 1: base }, memory: [1n, 2n] });
    expect([...doublewords.words.slice(0, 2), doublewords.x[3], doublewords.x[4]]).to.deep.equal([2n, 2n, 0n, 1n]);
    expect([doublewords.loads, doublewords.stores]).to.deep.equal([8, 3]);
  });

  it("have to be aligned, pairs to their whole size", () => {
    const at = (source: string, offset: bigint): unknown => runAssembly(source, { x: { 1: base + offset } }).exit;
    expect(at("ldxrh w0, [x1]", 1n)).to.deep.equal({ reason: "alignment", va: DATA + 1 });
    expect(at("ldxp x0, x2, [x1]", 8n)).to.deep.equal({ reason: "alignment", va: DATA + 8 });
    expect(at("ldadd x0, x2, [x1]", 4n)).to.deep.equal({ reason: "alignment", va: DATA + 4 });
    expect(at("casp x2, x3, x4, x5, [x1]", 8n)).to.deep.equal({ reason: "alignment", va: DATA + 8 });
    expect(at("ldar x0, [x1]", 3n)).to.deep.equal({ reason: "svc" });
    expect(at("stlr x0, [x1]", 3n)).to.deep.equal({ reason: "svc" });
  });
});

describe("acquire and release", () => {
  it("are loads and stores", () => {
    const end = runAssembly("ldarb w0, [x1]\n ldapr x2, [x1]\n ldapursb x3, [x1, #7]\n stlrh w2, [x1]\n stlur w2, [x1, #12]", { x: { 1: base }, memory: [0x8000_0000_0000_12ffn, ONES] });
    expect([end.x[0], end.x[2], end.x[3]]).to.deep.equal([0xffn, 0x8000_0000_0000_12ffn, ONES - 0x7fn]);
    expect([...end.words.slice(0, 2)]).to.deep.equal([0x8000_0000_0000_12ffn, 0x0000_12ff_ffff_ffffn]);
    expect([end.loads, end.stores]).to.deep.equal([3, 2]);
  });
});

describe("atomics", () => {
  /** What `NAME` of `size` leaves in memory and in the target, from the word and the operand. */
  function atomic(name: string, size: "b" | "h" | "w" | "x", word: bigint, operand: bigint): readonly [bigint, bigint] {
    const register = size === "x" ? "x" : "w";
    const end = runAssembly(`${name}${size === "b" || size === "h" ? size : ""} ${register}2, ${register}3, [x1]`, { x: { 1: base, 2: operand, 3: ONES }, memory: [word] });
    expect([end.loads, end.stores]).to.deep.equal([1, 1]);
    return [end.words[0]!, end.x[3]!];
  }

  it("leave the old value in the target", () => {
    expect(atomic("ldadd", "x", ONES, 3n)).to.deep.equal([2n, ONES]);
    expect(atomic("ldaddal", "w", 0x1_ffff_ffffn, 1n)).to.deep.equal([0x1_0000_0000n, 0xffff_ffffn]);
    expect(atomic("ldclra", "b", 0xff0fn, 0xf3n)).to.deep.equal([0xff0cn, 0x0fn]);
    expect(atomic("ldeorl", "h", 0xffffn, 0x1_00ffn)).to.deep.equal([0xff00n, 0xffffn]);
    expect(atomic("ldset", "x", 1n, 6n)).to.deep.equal([7n, 1n]);
    expect(atomic("swp", "w", 0x5_0000_0001n, 2n)).to.deep.equal([0x5_0000_0002n, 1n]);
  });

  it("compare as numbers of their own size, signed or not", () => {
    expect(atomic("ldsmax", "b", 0x80n, 0x7fn)).to.deep.equal([0x7fn, 0x80n]);
    expect(atomic("ldsmin", "b", 0x80n, 0x7fn)).to.deep.equal([0x80n, 0x80n]);
    expect(atomic("ldsmax", "h", 0x8000n, 0xffff_ffffn)).to.deep.equal([0xffffn, 0x8000n]);
    expect(atomic("ldsmin", "w", 1n, 0x8000_0000n)).to.deep.equal([0x8000_0000n, 1n]);
    expect(atomic("ldsmax", "w", 1n, 0x8000_0000n)).to.deep.equal([1n, 1n]);
    expect(atomic("ldsmin", "x", 1n, ONES)).to.deep.equal([ONES, 1n]);
    expect(atomic("ldumax", "b", 0x80n, 0x17fn)).to.deep.equal([0x80n, 0x80n]);
    expect(atomic("ldumin", "h", 0x8000n, 0x1_0001n)).to.deep.equal([1n, 0x8000n]);
  });

  it("leave the loaded value even where the target is the operand", () => {
    const end = runAssembly("ldadd x2, x2, [x1]", { x: { 1: base, 2: 5n }, memory: [7n] });
    expect([end.words[0], end.x[2]]).to.deep.equal([12n, 7n]);
  });

  it("compare and swap", () => {
    const swap = (source: string, start: Start): readonly bigint[] => {
      const end = runAssembly(source, start);
      return [...end.words.slice(0, 2), ...end.x.slice(2, 4)];
    };
    expect(swap("cas x2, x4, [x1]", { x: { 1: base, 2: 7n, 4: 9n }, memory: [7n] })).to.deep.equal([9n, 0n, 7n, 0n]);
    expect(swap("casab w2, w4, [x1]", { x: { 1: base, 2: 0x107n, 4: 0x209n }, memory: [0x507n] })).to.deep.equal([0x509n, 0n, 7n, 0n]);
    expect(swap("casl w2, w4, [x1]", { x: { 1: base, 2: 8n, 4: 9n }, memory: [7n] })).to.deep.equal([7n, 0n, 7n, 0n]);
    expect(swap("casp w2, w3, w4, w5, [x1]", { x: { 1: base, 2: 1n, 3: 2n, 4: 3n, 5: 4n }, memory: [0x2_0000_0001n] })).to.deep.equal([0x4_0000_0003n, 0n, 1n, 2n]);
    expect(swap("caspal x2, x3, x4, x5, [x1]", { x: { 1: base, 2: 1n, 3: 2n, 4: 3n, 5: 4n }, memory: [1n, 2n] })).to.deep.equal([3n, 4n, 1n, 2n]);
    expect(swap("casp x2, x3, x4, x5, [x1]", { x: { 1: base, 2: 1n, 3: 1n, 4: 3n, 5: 4n }, memory: [1n, 2n] })).to.deep.equal([1n, 2n, 1n, 2n]);
  });
});

describe("exclusives and atomics", () => {
  it("do what the reference engine does", () => {
    expect(differ(LOADS_STORES_EXCLUSIVE, 1500, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);

  it("do so in sequences that open and close the monitor", () => {
    const random = new Random(runSeed());
    const field = (low: number, values: readonly number[]): number => random.pick(values) * 2 ** low;
    // Size, load exclusive or store exclusive, pair or not, acquire, registers; now and then a plain store or CLREX between.
    const exclusive = (load: number): number =>
      (field(30, [0, 1, 2, 3, 3]) + 0x0800_0000 + load * 2 ** 22 + field(16, [4, 5, 31]) + field(15, [0, 1]) + field(10, [2, 3, 31]) + field(5, [20, 21]) + field(0, [0, 1, 2])) >>> 0;
    const pair = (load: number): number => (exclusive(load) | 0x8020_0000) >>> 0;
    const between = (): number => random.pick([0xd503_3f5f, 0xb900_0280, 0xb900_02a1, 0x9100_0400, 0xd503_201f]);
    const cases = Array.from({ length: 1500 }, () => {
      const kind = random.below(3) === 0 ? pair : exclusive;
      const words = [kind(1), ...(random.below(3) === 0 ? [between()] : []), kind(0)];
      return random.below(2) === 0 ? words : [...words, exclusive(0)];
    });
    for (const tuning of TUNINGS) {
      const engines = new InstructionDifferential(random, tuning);
      try {
        const differences = engines.run(cases).map(({ words, lines }) => `${words.map((word) => word.toString(16)).join(" ")}: ${lines.join("; ")}`);
        expect(differences).to.deep.equal([]);
      } finally {
        engines.dispose();
      }
    }
  }).timeout(60_000);
});
