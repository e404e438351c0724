/** Loads and stores of general registers: sizes, addressing, how many accesses each makes, what the Arm ARM leaves open. */
import { expect } from "chai";
import { LOADS_STORES } from "../../../../../emulator/engine/wasm/a64/loads-stores.js";
import { CODE, DATA, runAssembly } from "../../../../support/assembly-run.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";

const ONES = 0xffff_ffff_ffff_ffffn;
const memory = [0xf7f6_f5f4_8382_8180n, 0x1716_1514_1312_1110n, 0x2726_2524_2322_2120n];
const base = BigInt(DATA);

describe("loads and stores", () => {
  it("extend to the width that they name", () => {
    const results = {
      "ldrb w0, [x1]": 0x80n,
      "ldrh w0, [x1]": 0x8180n,
      "ldr w0, [x1]": 0x8382_8180n,
      "ldr x0, [x1]": 0xf7f6_f5f4_8382_8180n,
      "ldrsb w0, [x1]": 0xffff_ff80n,
      "ldrsb x0, [x1]": ONES - 0x7fn,
      "ldrsh w0, [x1]": 0xffff_8180n,
      "ldrsh x0, [x1]": ONES - 0x7e7fn,
      "ldrsw x0, [x1]": 0xffff_ffff_8382_8180n,
    };
    for (const [source, expected] of Object.entries(results)) {
      const end = runAssembly(source, { x: { 0: ONES, 1: base }, memory });
      expect(end.x[0], source).to.equal(expected);
      expect([end.loads, end.stores]).to.deep.equal([1, 0]);
    }
  });

  it("find their address in every mode", () => {
    const x = { 1: base, 2: 0xffff_ffff_0000_0001n, 3: base + 16n, 4: ONES };
    const modes = ["ldr x0, [x1, #8]", "ldur x0, [x3, #-8]", "ldtr x0, [x1, #8]", "ldr x0, [x1, w2, uxtw #3]", "ldr x0, [x3, x4, lsl #3]", "ldr x0, [x3, w4, sxtw #3]"];
    for (const source of modes) expect(runAssembly(source, { x, memory }).x[0], source).to.equal(memory[1]);
    expect(runAssembly("ldr x0, [sp, #8]", { sp: base, memory }).x[0]).to.equal(memory[1]);
    expect(runAssembly("ldr x0, [x1]", { x: { 1: base | (0x5an << 56n) }, memory }).x[0], "tag").to.equal(memory[0]);
  });

  it("move the base before or behind the access", () => {
    const post = runAssembly("ldr x0, [x1], #8\n str x0, [x1], #-8", { x: { 1: base }, memory });
    expect(post.x.slice(0, 2)).to.deep.equal([memory[0], base]);
    expect(post.words[1]).to.equal(memory[0]);
    const pre = runAssembly("ldr x0, [sp, #16]!\n stp x0, xzr, [sp, #-16]!", { sp: base, memory });
    expect(pre.sp).to.equal(base);
    expect([...pre.words.slice(0, 2)]).to.deep.equal([memory[2], 0n]);
  });

  it("move pairs, with two accesses", () => {
    const load = runAssembly("ldp x0, x2, [x1], #16\n ldp w3, w4, [x1]\n ldpsw x5, x6, [x1, #-16]", { x: { 1: base }, memory });
    expect(load.x.slice(0, 7)).to.deep.equal([memory[0], base + 16n, memory[1], 0x2322_2120n, 0x2726_2524n, 0xffff_ffff_8382_8180n, 0xffff_ffff_f7f6_f5f4n]);
    expect(load.loads).to.equal(6);
    const store = runAssembly("stp w0, w2, [x1, #8]\n stnp x0, x2, [x1, #16]", { x: { 0: 5n, 1: base, 2: ONES }, memory });
    expect([...store.words.slice(0, 4)]).to.deep.equal([memory[0], 0xffff_ffff_0000_0005n, 5n, ONES]);
    expect(store.stores).to.equal(4);
  });

  it("load literals", () => {
    const end = runAssembly("ldr w0, .+12\n ldrsw x1, .+8\n b .+8\n .word 0x80000001\n nop");
    expect(end.x.slice(0, 2)).to.deep.equal([0x8000_0001n, 0xffff_ffff_8000_0001n]);
  });

  it("store the low bytes only", () => {
    const end = runAssembly("strb w0, [x1]\n strh w0, [x1, #10]\n str w0, [x1, #16]\n str xzr, [x1, #24]", { x: { 0: 0x1122_3344_5566_7788n, 1: base }, memory: [ONES, ONES, ONES, ONES] });
    expect([...end.words.slice(0, 4)]).to.deep.equal([ONES - 0x77n, 0xffff_ffff_7788_ffffn, 0xffff_ffff_5566_7788n, 0n]);
  });

  it("touch nothing to prefetch", () => {
    const end = runAssembly("prfm pldl1keep, [x1]\n prfum pstl2strm, [x1, #-3]\n prfm #13, [x1, x2]\n prfm pldl1keep, .");
    expect(end.exit.reason).to.equal("svc");
    expect([end.loads, end.stores]).to.deep.equal([0, 0]);
  });

  it("leave all registers as they were when an access is refused", () => {
    const last = base + 4096n - 8n;
    const load = runAssembly("ldp x0, x2, [x1, #0]!", { x: { 0: 7n, 1: last, 2: 9n } });
    expect(load.exit).to.deep.equal({ reason: "translation-miss", va: DATA + 4096, access: 1 });
    expect(load.x.slice(0, 3)).to.deep.equal([7n, last, 9n]);
    expect(load.pc).to.equal(CODE);
    const store = runAssembly("str x0, [x1, #12]!", { x: { 0: ONES, 1: last - 8n } });
    expect(store.exit).to.deep.equal({ reason: "translation-miss", va: DATA + 4096, access: 2 });
    expect(store.x[1]).to.equal(last - 8n);
    expect(store.words[511]).to.equal(0n);
  });

  it("do with one register twice what the reference engine does", () => {
    // LDP X0, X0, [X1]; LDR X1, [X1], #8; STR X1, [X1], #8: words that the assembler refuses.
    expect(runAssembly(".word 0xa9400020", { x: { 1: base }, memory }).x[0]).to.equal(memory[0]);
    expect(runAssembly(".word 0xf8408421", { x: { 1: base }, memory }).x[1]).to.equal(base + 8n);
    const store = runAssembly(".word 0xf8008421", { x: { 1: base }, memory });
    expect([store.x[1], store.words[0]]).to.deep.equal([base + 8n, base]);
  });

  it("do what the reference engine does", () => {
    expect(differ(LOADS_STORES, 1500, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
