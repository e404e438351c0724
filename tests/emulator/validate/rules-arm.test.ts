/** Arm's rules for a descriptor and a run: each is broken once, and what the architecture allows is accepted. */
import { expect } from "chai";
import { granule, type GranuleName, type Level } from "../../../emulator/arch/granule.js";
import { decodeDescriptor, type DescriptorContext } from "../../../emulator/validate/descriptor-fields.js";
import { ARM_RULES, checkDescriptor, checkRun } from "../../../emulator/validate/rules-arm.js";

const MAIR = 0x04_00_44_ff_ffn;
const context = (name: GranuleName = "4k", level: Level = 3, mair = MAIR, lpa2 = false): DescriptorContext => ({ granule: granule(name), level, lpa2, mair });
const rules = (value: bigint, place = context(), oaBits = 48): string[] => checkDescriptor(decodeDescriptor(value, place), place, oaBits).map(({ rule }) => rule.id);
const PAGE = 0x00e8_0000_1234_0f43n;
const BLOCK = 0x00e8_0000_4020_0f41n;
const CONT = 1n << 52n;

describe("rules of the architecture: one descriptor", () => {
  it("accepts what Linux writes, and whatever is invalid", () => {
    for (const value of [PAGE, 0x0060_0000_1234_0fc3n, 0x0020_0000_1234_0bc3n, 0n, 0x0123_4567_89ab_cdeen]) expect(rules(value)).to.deep.equal([]);
    expect(rules(BLOCK, context("4k", 2))).to.deep.equal([]);
    expect(rules(0x0800_0000_4100_0003n, context("4k", 1))).to.deep.equal([]);
  });

  const broken: readonly (readonly [string, bigint, DescriptorContext?, number?])[] = [
    ["A-RESERVED", 0x00e8_0000_1234_0f41n],
    ["A-RESERVED", BLOCK, context("4k", 0)],
    ["A-RESERVED", BLOCK, context("16k", 1)],
    ["A-ADDR-SIZE", PAGE | (1n << 40n), context(), 40],
    ["A-ADDR-SIZE", 0x0000_0100_4100_0003n, context("4k", 1), 40],
    ["A-RES0", PAGE | (1n << 49n)],
    ["A-RES0", BLOCK | (1n << 20n), context("4k", 2)],
    ["A-RES0", 0x0000_0000_4100_1003n, context("16k", 2)],
    ["A-RES0", (1n << 50n) | 0x4100_0003n, context("4k", 1)],
    ["A-CONT-RES0", BLOCK | CONT, context("16k", 1, MAIR, true)],
    ["A-ATTR-RESERVED", PAGE, context("4k", 3, 0x20n)],
    ["A-SH-RESERVED", PAGE & ~0x200n],
    ["A-DEVICE-EXEC", 0x0020_0000_1234_0fc3n | (3n << 2n)],
    ["A-WRITE-EXEC", PAGE & ~(1n << 54n)],
    ["A-WRITE-EXEC", 0x0028_0000_1234_0fc3n],
    ["A-NT", BLOCK | (1n << 16n), context("4k", 2)],
  ];
  for (const [rule, value, place, oaBits] of broken) {
    it(`${rule}: 0x${value.toString(16)} at level ${place?.level ?? 3}`, () => expect(rules(value, place, oaBits)).to.include(rule));
  }

  it("every rule names its source and its consequence", () => {
    for (const rule of Object.values(ARM_RULES)) expect([rule.source.length > 4, rule.consequence.length > 4, rule.title.length > 10]).to.deep.equal([true, true, true]);
  });
});

describe("rules of the architecture: a contiguous run", () => {
  const geometry = granule("4k").levels[3]!;
  const run = (change: (value: bigint, i: number) => bigint = (value) => value, base = 0x1234_0000n): bigint[] =>
    Array.from({ length: 16 }, (_, i) => change(0x00f8_0000_0000_0f43n + base + BigInt(i) * 0x1000n, i));
  const found = (values: bigint[]): string[] => checkRun(values, context(), geometry).map(({ rule }) => rule.id);

  it("accepts a sound run, one with holes, one whose AF and dirty state differ, and a group without CONT", () => {
    expect(found(run())).to.deep.equal([]);
    expect(found(run((value, i) => (i < 5 ? 0n : value)))).to.deep.equal([]);
    expect(found(run((value, i) => (i % 2 === 0 ? value & ~0x400n : value | 0x80n)))).to.deep.equal([]);
    expect(found(run((value) => value & ~CONT, 0x1234_5000n))).to.deep.equal([]);
  });

  it("names what is wrong, and the member that shows it", () => {
    expect(found(run((value, i) => (i === 3 ? value & ~CONT : value)))).to.deep.equal(["A-CONT-MIXED"]);
    expect(found(run(undefined, 0x1234_1000n))).to.deep.equal(["A-CONT-ALIGN"]);
    expect(found(run((value, i) => (i === 7 ? value + 0x1000n : value)))).to.deep.equal(["A-CONT-OA"]);
    expect(checkRun(run((value, i) => (i === 9 ? value ^ (1n << 54n) : value)), context(), geometry)[0]).to.include({ index: 9 });
    expect(found(run((value, i) => (i === 9 ? (value & ~(1n << 51n)) | 0x80n : value)))).to.deep.equal(["A-CONT-ATTR"]);
  });

  it("takes a table in a run of blocks for a member without CONT", () => {
    const values = Array.from({ length: 16 }, (_, i) => 0x0070_0000_0000_0fc1n + 0x4000_0000n + BigInt(i) * 0x20_0000n);
    expect(checkRun(values, context("4k", 2), granule("4k").levels[2]!)).to.deep.equal([]);
    values[4] = 0x4100_0003n;
    expect(checkRun(values, context("4k", 2), granule("4k").levels[2]!).map(({ rule }) => rule.id)).to.deep.equal(["A-CONT-MIXED"]);
  });

  it("a base below zero is misaligned, not a crash", () => {
    const values = run();
    values.fill(0n);
    values[5] = 0x00f8_0000_0000_0f43n;
    expect(found(values)).to.deep.equal(["A-CONT-ALIGN"]);
  });
});
