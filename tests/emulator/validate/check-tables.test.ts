/** Whole tables against the rules of the architecture: counts, places, lost descriptors. */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { checkReached, checkTables, contiguousGroups, noteReached, type ReachedTables, type TableCounts } from "../../../emulator/validate/check-tables.js";
import { place, type Violation } from "../../../emulator/validate/rule.js";
import { RamTables, tableRegime } from "../../../emulator/validate/table-memory.js";
import { PageTables } from "../mmu/page-table-builder.js";

const TCR = 16n | (5n << 32n);
const RW = 0x00e8_0000_0000_0f43n;
const CONT = 1n << 52n;

function check(tables: PageTables, ttbr0 = BigInt(tables.root)): { counts: TableCounts; found: string[]; reached: ReachedTables; violations: Violation[] } {
  const violations: Violation[] = [];
  const reached: ReachedTables = new Map();
  const counts = checkTables(new RamTables(tables.memory), tableRegime({ ttbr0, tcr: TCR, mair: 0xffn }), (violation) => violations.push(violation), (table) => noteReached(reached, table));
  return { counts, violations, reached, found: violations.map((violation) => `${violation.rule.id} ${place(violation)}`) };
}

const builder = (): PageTables => new PageTables("4k", 48, 2 ** 20, new PhysicalMemory(2 ** 20), 0x4000);

describe("checking tables", () => {
  it("counts tables, descriptors, leaves and runs", () => {
    const tables = builder();
    for (let i = 0; i < 16; i++) tables.map(0x5000000000 + i * 4096, 3, RW | CONT | BigInt(0x40000 + i * 4096));
    tables.map(0x5000100000, 3, RW | 0x80000n);
    tables.map(0x5000200000, 2, (RW & ~2n) | 0x4020_0000n);
    const { counts, found } = check(tables);
    expect(found).to.deep.equal([]);
    expect(counts).to.deep.equal({ tables: 4, descriptors: 21, leaves: [0, 0, 1, 17], runs: [0, 0, 0, 1] });
  });

  it("says where: address, level, entries of the descriptor or of the run", () => {
    const tables = builder();
    for (let i = 0; i < 16; i++) tables.map(0x5000010000 + i * 4096, 3, RW | (i === 9 ? 0n : CONT) | BigInt(0x40000 + i * 4096));
    tables.map(0x5000100000, 3, RW | 0x80000n | (1n << 48n));
    const { found, counts } = check(tables);
    expect(found).to.deep.equal(["A-RES0 va 0x5000100000 level 3 entry 0x7800", "A-CONT-MIXED va 0x5000010000 level 3 entries 0x7080-0x70f8"]);
    expect(counts.runs).to.deep.equal([0, 0, 0, 0]);
  });

  it("looks at each set of attributes in full once, at addresses always", () => {
    const tables = builder();
    for (let i = 0; i < 300; i++) tables.map(0x5000000000 + i * 4096, 3, RW | BigInt(0x40000 + i * 4096));
    tables.map(0x5000000000 + 299 * 4096, 3, RW | (1n << 48n));
    expect(check(tables).found).to.have.length(1);
  });

  it("reports a misaligned TTBR0 and goes on from where the hardware would", () => {
    const tables = builder();
    tables.map(0x5000000000, 3, RW | 0x40000n);
    const { found, counts } = check(tables, 0x4080n);
    expect(found).to.deep.equal(["A-TTBR-ALIGN "]);
    expect(counts.leaves[3]).to.equal(1);
  });

  it("finds descriptors of a dump that no walk reaches", () => {
    const tables = builder();
    const at = tables.map(0x5000000000, 3, RW | 0x40000n);
    const { reached } = check(tables);
    const regime = tableRegime({ ttbr0: BigInt(tables.root), tcr: TCR, mair: 0xffn });
    const line = (entry: number, va: number, level: 1 | 3 = 3, value = 1n) => ({ level, entry: entry as Pa, va: va as Va, value });
    const lost = (...lines: ReturnType<typeof line>[]): string[] => {
      const found: string[] = [];
      checkReached(lines, reached, regime, (violation) => found.push(`${violation.rule.id} ${violation.detail}`));
      return found;
    };
    expect(lost(line(at, 0x5000000000), line(at + 8, 0x5000001000))).to.deep.equal([]);
    expect(lost(line(at, 0x5000000000), line(at + 8, 0x5000000000))).to.deep.equal(["A-UNREACHED 1 of 2 descriptors, the first 0x1"]);
    expect(lost(line(0x90000, 0x5000000000))).to.have.length(1);
    expect(lost(line(at, 0x5000000000, 1))).to.have.length(1);
    expect(lost(line(0x90000, 0x5000000000, 3, 0n))).to.deep.equal([]);
  });

  it("finds the groups of a table that hold a contiguous entry", () => {
    const words = new BigUint64Array(64);
    words[17] = 3n | CONT;
    words[40] = 2n | CONT;
    const geometry = tableRegime({ ttbr0: 0n, tcr: TCR, mair: 0n }).granule.levels[3]!;
    const context = { granule: tableRegime({ ttbr0: 0n, tcr: TCR, mair: 0n }).granule, level: 3 as const, lpa2: false, mair: 0n };
    const groups = [...contiguousGroups({ level: 3, at: 0 as Pa, va: 0 as Va, words, geometry, context })];
    expect(groups.map(({ first, values }) => [first, values.length])).to.deep.equal([[16, 16]]);
  });
});
