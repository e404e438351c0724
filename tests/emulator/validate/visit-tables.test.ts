/** Every reachable table is visited once per level, whatever the tables hold. */
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { RamTables, tableRegime } from "../../../emulator/validate/table-memory.js";
import { contextOf, visitTables } from "../../../emulator/validate/visit-tables.js";

const MEMORY = new PhysicalMemory(2 ** 20);
const regime = tableRegime({ ttbr0: 0x1000n, tcr: 25n | (5n << 32n), mair: 0xffn });

function visit(words: Readonly<Record<number, bigint>>): { tables: string[]; problems: string[] } {
  MEMORY.u8.fill(0);
  for (const [at, value] of Object.entries(words)) MEMORY.write64(Number(at) as Pa, value);
  const tables: string[] = [];
  const problems: string[] = [];
  visitTables(new RamTables(MEMORY), regime, {
    table: ({ level, at, va, words }) => void tables.push(`${level} ${at.toString(16)} ${va.toString(16)} ${words.length}`),
    problem: (problem, level, next, va, entry) => void problems.push(`${problem} ${level} ${next.toString(16)} ${va.toString(16)} ${entry?.toString(16)}`),
  });
  return { tables, problems };
}

describe("visiting tables", () => {
  it("goes down in the order of addresses", () => {
    expect(visit({ 0x1000: 0x2003n, 0x1008: 0x4003n, 0x2010: 0x3003n, 0x2018: 0x4000_0401n })).to.deep.equal({
      tables: ["1 1000 0 512", "2 2000 0 512", "3 3000 400000 512", "2 4000 40000000 512"],
      problems: [],
    });
  });

  it("reports a table outside, a loop, a table reached twice, and goes on", () => {
    expect(visit({ 0x1000: 0x20_0003n, 0x1008: 0x1003n, 0x1010: 0x3003n, 0x1018: 0x3003n })).to.deep.equal({
      tables: ["1 1000 0 512", "2 1000 40000000 512", "3 1000 40200000 512", "3 3000 40400000 512", "2 3000 80000000 512"],
      problems: ["outside 2 200000 0 1000", "loop 2 1000 40000000 1008", "outside 3 200000 40000000 1000", "loop 3 1000 40200000 1008", "twice 3 3000 40600000 1018", "twice 2 3000 c0000000 1018"],
    });
  });

  it("ends on tables that all point to each other", () => {
    const words: Record<number, bigint> = {};
    for (let i = 0; i < 512; i++) words[0x1000 + i * 8] = 0x1003n;
    const { tables, problems } = visit(words);
    expect(tables).to.have.length(3);
    expect(problems).to.have.length(1024);
  });

  it("follows no table address beyond the output size", () => {
    const small = tableRegime({ ttbr0: 0x1000n, tcr: 25n, mair: 0xffn });
    MEMORY.u8.fill(0);
    MEMORY.write64(0x1000 as Pa, (1n << 40n) | 3n);
    const problems: string[] = [];
    visitTables(new RamTables(MEMORY), small, { table: () => undefined, problem: (problem) => void problems.push(problem) });
    expect(problems).to.deep.equal([]);
  });

  it("a root outside memory is a problem without an entry", () => {
    const lost = tableRegime({ ttbr0: 0x1000_0000n, tcr: 25n, mair: 0xffn });
    const seen: unknown[] = [];
    visitTables(new RamTables(MEMORY), lost, { table: () => seen.push("table"), problem: (problem, level, _next, _va, entry) => seen.push([problem, level, entry]) });
    expect(seen).to.deep.equal([["outside", 1, undefined]]);
    expect(contextOf(lost, 2)).to.deep.include({ level: 2, lpa2: false, mair: 0xffn });
  });
});
