/** Loads and stores of SIMD structures: who gets which byte, and how many accesses there are. */
import { expect } from "chai";
import { SIMD_STRUCTURES } from "../../../../../emulator/engine/wasm/a64/simd-structures.js";
import { differ } from "../../../../support/instruction-differential.js";
import { runSeed } from "../../../../support/seed.js";
import { DATA, runVectors } from "../../../../support/vector-run.js";


const bytes = Array.from({ length: 64 }, (_, index) => index);
const byte = (value: bigint, index: number): number => Number((value >> BigInt(8 * index)) & 0xffn);

describe("loads and stores of SIMD structures", () => {
  it("takes structures of four bytes apart, one load for each", () => {
    // LD4 {V0.16B-V3.16B}, [X1], #64
    const run = runVectors([0x4cdf_0020], { x: { 1: BigInt(DATA) }, memory: bytes });
    for (let register = 0; register < 4; register++) {
      for (let index = 0; index < 16; index++) expect(byte(run.v(register), index)).to.equal(4 * index + register);
    }
    expect(run.loads).to.equal(64);
    expect(run.x(1)).to.equal(BigInt(DATA + 64));
  });

  it("puts structures together, registers counted modulo 32", () => {
    // ST2 {V30.4H, V31.4H}, [X1]
    const run = runVectors([0x0c00_843e], { x: { 1: BigInt(DATA) }, v: { 30: 0x0007_0005_0003_0001n, 31: 0x0008_0006_0004_0002n } });
    expect([...run.memory.slice(0, 17)]).to.deep.equal([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 0]);
    expect(run.stores).to.equal(8);
  });

  it("repeats one element in all", () => {
    // LD1R {V5.8H}, [X1]
    const run = runVectors([0x4d40_c425], { x: { 1: BigInt(DATA) }, memory: [0x34, 0x12] });
    expect(run.v(5).toString(16)).to.equal("1234".repeat(8));
    expect(run.loads).to.equal(1);
  });

  it("loads one element of each register and keeps the others", () => {
    // LD3 {V4.B-V6.B}[7], [X1], X2
    const run = runVectors([0x0dc2_3c24], { x: { 1: BigInt(DATA), 2: 5n }, memory: [0xa, 0xb, 0xc], v: { 4: 1n, 6: 1n << 127n } });
    expect([run.v(4), run.v(5), run.v(6)]).to.deep.equal([(0xan << 56n) | 1n, 0xbn << 56n, (1n << 127n) | (0xcn << 56n)]);
    expect(run.x(1)).to.equal(BigInt(DATA + 5));
  });

  it("does what the reference engine does", () => {
    expect(differ(SIMD_STRUCTURES, 600, runSeed()).differences).to.deep.equal([]);
  }).timeout(60_000);
});
