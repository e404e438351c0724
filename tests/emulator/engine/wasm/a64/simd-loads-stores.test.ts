/** Loads and stores of SIMD registers: sizes, addressing, and how many accesses each makes. */
import { expect } from "chai";
import { SIMD_LOADS_STORES } from "../../../../../emulator/engine/wasm/a64/simd-loads-stores.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { DATA, runVectors } from "../../../../support/vector-run.js";


const bytes = Array.from({ length: 64 }, (_, index) => index + 1);

describe("loads and stores of SIMD registers", () => {
  it("loads a Q register as two words", () => {
    // LDR Q0, [X1, #16]
    const run = runVectors([0x3dc0_0420], { x: { 1: BigInt(DATA) }, memory: bytes, v: { 0: -1n & ((1n << 128n) - 1n) } });
    expect(run.v(0).toString(16)).to.equal("201f1e1d1c1b1a191817161514131211");
    expect(run.loads).to.equal(2);
  });

  it("loads a pair of Q registers and moves the base", () => {
    // LDP Q0, Q1, [X1], #32
    const run = runVectors([0xacc1_0420], { x: { 1: BigInt(DATA) }, memory: bytes });
    expect(run.v(0).toString(16)).to.equal("100f0e0d0c0b0a090807060504030201");
    expect(run.v(1).toString(16)).to.equal("201f1e1d1c1b1a191817161514131211");
    expect(run.x(1)).to.equal(BigInt(DATA + 32));
    expect(run.loads).to.equal(4);
  });

  it("stores a half word at an extended index", () => {
    // STR H2, [X1, W3, UXTW #1]
    const run = runVectors([0x7c23_5822], { x: { 1: BigInt(DATA), 3: 0xffff_ffff_0000_0003n }, v: { 2: 0x1234_abcdn } });
    expect([...run.memory.slice(5, 9)]).to.deep.equal([0, 0xcd, 0xab, 0]);
    expect(run.stores).to.equal(1);
  });

  it("stores a pair of D registers below the base", () => {
    // STP D4, D5, [X1, #-16]!
    const run = runVectors([0x6dbf_1424], { x: { 1: BigInt(DATA + 16) }, v: { 4: (7n << 64n) | 0x11n, 5: 0x22n } });
    expect([run.memory[0], run.memory[8], run.memory[16]]).to.deep.equal([0x11, 0x22, 0]);
    expect(run.x(1)).to.equal(BigInt(DATA));
    expect(run.stores).to.equal(2);
  });

  it("loads a literal and clears what is above", () => {
    // LDR S6, .+8: the SVC behind a MOVI
    const run = runVectors([0x1c00_0046, 0x4f00_c640], { v: { 6: (1n << 128n) - 1n } });
    expect(run.v(6)).to.equal(0xd400_0001n);
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_LOADS_STORES, 400, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
