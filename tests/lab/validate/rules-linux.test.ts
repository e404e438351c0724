/** Linux's rules for an entry and a block; each is broken once, and what 6.12 writes is accepted. Values retyped from the headers. */
import { expect } from "chai";
import { granule, type Level } from "../../../emulator/arch/granule.js";
import { checkLinuxEntry, checkLinuxRun, LINUX_RULES, linuxFinding, MAX_SWAPFILES, SPECIAL_SWAP_TYPES } from "../../../lab/validate/rules-linux.js";

const rules = (value: bigint, level: Level = 3, lpa2 = false): string[] => checkLinuxEntry(value, { granule: granule("4k"), level, lpa2, mair: 0xffn }).map(({ rule }) => rule.id);
const ANON = 0x00e8_0000_1234_5f43n;

describe("rules of Linux: one entry", () => {
  it("accepts every protection that 6.12 writes", () => {
    const values = [
      0x0060_0000_0000_0fc3n, // PAGE_READONLY
      0x0020_0000_0000_0fc3n, // PAGE_READONLY_EXEC
      0x0020_0000_0000_0f83n, // PAGE_EXECONLY
      0x0068_0000_0000_0fc3n, // PAGE_SHARED, clean
      0x0068_0000_0000_0f43n, // after a hardware write
      0x0028_0000_0000_0fc3n, // PAGE_SHARED_EXEC
      0x0060_0000_0000_0f82n, // PAGE_NONE
      0x00e8_0000_0000_0f43n, // private anonymous, written
      0x00f8_0000_0000_0f43n, // the same, contpte
      0x00f0_0000_0000_0fc3n, // parent after fork
      0x00f0_0000_0000_0bc3n, // child after fork
      0x0160_0000_0000_1fc3n, // zero page
      0x0020_0000_0000_0bc3n, // fault-around text
      0x0460_0000_0000_0f82n, // PAGE_NONE up to 6.9
      0x0000_0000_0123_4044n, // swap
      0n,
    ];
    for (const value of values) expect(rules(value), `0x${value.toString(16)}`).to.deep.equal([]);
    expect(rules(0x0060_0000_0000_0cc3n, 3, true), "LPA2").to.deep.equal([]);
    expect(rules(0x0800_0000_4100_0003n, 2)).to.deep.equal([]);
    expect(rules(0x0060_0000_4020_0fc1n, 2)).to.deep.equal([]);
  });

  const broken: readonly (readonly [string, bigint, Level?])[] = [
    ["L-WRITE-RDONLY", 0x00e0_0000_1234_5f43n],
    ["L-NG", ANON & ~0x800n],
    ["L-PXN", ANON & ~(1n << 53n)],
    ["L-USER", ANON & ~0x40n],
    ["L-PROT-NONE", 0x0020_0000_1234_5f82n],
    ["L-PROT-NONE", 0x0060_0000_1234_5fc2n],
    ["L-SWAP-BITS", 0x0123_4002n],
    ["L-SWAP-BITS", 0x0123_4010n],
    ["L-SWAP-BITS", (1n << 63n) | 0x0123_4000n],
    ["L-SWAP-KIND", BigInt(MAX_SWAPFILES) << 6n],
    ["L-SWAP-KIND", 31n << 6n],
    ["L-ATTRINDX", ANON | (5n << 2n)],
    ["L-SHARED", ANON & ~0x100n],
    ["L-CONT-SPECIAL", 0x0170_0000_1234_5fc3n],
    ["L-CONT-BLOCK", 0x0070_0000_4020_0fc1n, 2],
    ["L-TABLE-PXN", 0x4100_0003n, 2],
    ["L-TABLE-BITS", 0x4800_0000_4100_0003n, 1],
    ["L-TABLE-BITS", 0x0820_0000_4100_0003n, 1],
    ["L-DIRTY-CLEAN", ANON | 0x80n],
    ["L-SOFTWARE", ANON | (1n << 63n)],
    ["L-SOFTWARE", ANON | (1n << 57n)],
  ];
  for (const [rule, value, level] of broken) it(`${rule}: 0x${value.toString(16)}`, () => expect(rules(value, level)).to.include(rule));

  it("a block under change may be present-invalid with its rights", () => expect(rules(0x0020_0000_4020_0f80n, 2)).to.deep.equal([]));

  it("names the kinds of non-swap entries", () => {
    expect(SPECIAL_SWAP_TYPES).to.have.length(32 - MAX_SWAPFILES);
    expect(checkLinuxEntry(26n << 6n, { granule: granule("4k"), level: 3, lpa2: false, mair: 0n })[0]!.detail).to.include("migration (write)");
    expect(linuxFinding("L-COW", "x").rule).to.equal(LINUX_RULES["L-COW"]);
  });
});

describe("rules of Linux: a block", () => {
  const block = (change: (value: bigint, i: number) => bigint = (value) => value): bigint[] => Array.from({ length: 16 }, (_, i) => change(0x00f8_0000_4000_0f43n + BigInt(i) * 0x1000n, i));
  const found = (values: bigint[]): string[] => checkLinuxRun(values).map(({ rule, index }) => `${rule.id} ${index}`);

  it("is complete, and uniform in its software bits but PTE_DIRTY", () => {
    expect(found(block())).to.deep.equal([]);
    expect(found(block((value, i) => (i === 3 ? value & ~(1n << 55n) : value)))).to.deep.equal([]);
    expect(found(block((value, i) => (i === 3 ? 0n : value)))).to.deep.equal(["L-CONT-HOLE 3"]);
    expect(found(block((value, i) => (i === 4 ? value | (1n << 58n) : value)))).to.deep.equal(["L-CONT-PROT 4"]);
    expect(found(block((value) => value & ~(1n << 52n)))).to.deep.equal([]);
    expect(found(block((value) => value & ~1n)), "CONT on PROT_NONE entries").to.deep.equal([]);
  });
});
