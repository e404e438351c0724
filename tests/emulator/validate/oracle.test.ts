/** Unicorn's own MMU against our walker, on tables of every granule and start level. */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { compareWithOracle, HardwareOracle, translationText } from "../../../emulator/validate/oracle.js";
import { tableRegime } from "../../../emulator/validate/table-memory.js";
import { PageTables } from "../mmu/page-table-builder.js";
import { compareRandomTables } from "../../support/random-tables.js";

/* TCR_EL1 by hand: T0SZ, TG0, IPS = 48 bits. */
const TG0: Readonly<Record<GranuleName, bigint>> = { "4k": 0n, "64k": 1n, "16k": 2n };
const tcrOf = (name: GranuleName, vaBits: number): bigint => BigInt(64 - vaBits) | (TG0[name] << 14n) | (5n << 32n);
/* Attribute bytes: 0 Normal write-back, 1 Device-nGnRE, 7 Non-cacheable. */
const MAIR = 0x4400_0000_0000_04ffn;
const RW = 0x00e8_0000_0000_0f43n;

describe("hardware oracle", () => {
  it("answers with address, memory type and shareability, or with kind and level of the fault", () => {
    const tables = new PageTables("4k", 48, 2 ** 20, new PhysicalMemory(2 ** 20), 0x4000);
    tables.map(0x5000_0000_0000, 3, 0x0000_1234_5000n | RW);
    tables.map(0x5000_0000_1000, 3, 0x0000_1234_6000n | RW | 0x80n | (1n << 2n));
    tables.map(0x5000_0000_2000, 3, (0x0000_1234_7000n | RW) & ~0x400n);
    tables.map(0x5000_0020_0000, 2, 0x0000_4020_0000n | (RW & ~2n) | (7n << 2n));
    const oracle = new HardwareOracle(tables.memory);
    const answers = oracle.translate({ ttbr0: BigInt(tables.root), tcr: tcrOf("4k", 48), mair: MAIR }, [0x5000_0000_0123, 0x5000_0000_1000, 0x5000_0000_2000, 0x5000_0000_3000, 0x5000_0021_2345, 0x6000_0000_0000] as Va[]);
    expect(answers).to.deep.equal([
      { read: { ok: true, page: 0x12345000, attribute: 0xff, shareability: 3 }, write: { ok: true, page: 0x12345000, attribute: 0xff, shareability: 3 } },
      { read: { ok: true, page: 0x12346000, attribute: 0x04, shareability: 3 }, write: { ok: false, kind: "permission", level: 3 } },
      { read: { ok: false, kind: "access-flag", level: 3 }, write: { ok: false, kind: "access-flag", level: 3 } },
      { read: { ok: false, kind: "translation", level: 3 }, write: { ok: false, kind: "translation", level: 3 } },
      { read: { ok: true, page: 0x40212000, attribute: 0x44, shareability: 3 }, write: { ok: true, page: 0x40212000, attribute: 0x44, shareability: 3 } },
      { read: { ok: false, kind: "translation", level: 0 }, write: { ok: false, kind: "translation", level: 0 } },
    ]);
  });

  it("puts an answer into words", () => {
    expect(translationText({ ok: true, page: 0x1000, attribute: 0xff, shareability: 3 })).to.equal("0x1000, attribute 0xff, SH 3");
    expect(translationText({ ok: false, kind: "permission", level: 2 })).to.equal("permission fault, level 2");
  });

  it("sees a table change between two questions: nothing is cached", () => {
    const tables = new PageTables("16k", 36, 2 ** 20, new PhysicalMemory(2 ** 20), 0x4000);
    const place = tables.map(0x4000, 3, 0x0000_1000_4000n | RW);
    const oracle = new HardwareOracle(tables.memory);
    const ask = () => oracle.translate({ ttbr0: BigInt(tables.root), tcr: tcrOf("16k", 36), mair: MAIR }, [0x4000 as Va])[0]!.read;
    expect(ask()).to.include({ ok: true, page: 0x10004000 });
    tables.memory.write64(place as Pa, 0n);
    expect(ask()).to.deep.equal({ ok: false, kind: "translation", level: 3 });
  });

  it("says so when the walker is wrong", () => {
    const tables = new PageTables("4k", 39, 2 ** 20, new PhysicalMemory(2 ** 20), 0x4000);
    tables.map(0x1000, 3, 0x0000_1234_5000n | RW);
    const oracle = new HardwareOracle(tables.memory);
    const right = tableRegime({ ttbr0: BigInt(tables.root), tcr: tcrOf("4k", 39), mair: MAIR });
    expect(compareWithOracle(oracle, tables.memory, right, [0x1000 as Va]).disagreements).to.deep.equal([]);
    const wrong = { ...right, mair: 0n };
    expect(compareWithOracle(oracle, tables.memory, wrong, [0x1000 as Va]).disagreements).to.have.length(2);
  });

  it("takes more addresses than fit one call", () => {
    const tables = new PageTables("4k", 39, 2 ** 20, new PhysicalMemory(2 ** 20), 0x4000);
    tables.map(0x1000, 3, 0x0000_1234_5000n | RW);
    const oracle = new HardwareOracle(tables.memory);
    const addresses = Array.from({ length: 5000 }, (_, i) => (0x1000 + (i % 2) * 0x1000) as Va);
    const answers = oracle.translate({ ttbr0: BigInt(tables.root), tcr: tcrOf("4k", 39), mair: MAIR }, addresses);
    expect(answers).to.have.length(5000);
    expect(answers.every(({ read }, i) => read.ok === (i % 2 === 0))).to.equal(true);
  });

  for (const name of ["4k", "16k", "64k"] as const) {
    it(`agrees with the walker on 500 random tables (${name})`, () => {
      const { compared, limits } = compareRandomTables(name, 500, 10);
      expect(compared).to.be.greaterThan(10_000);
      expect(limits["unmapped-reads-zero"], "tables outside of memory").to.be.greaterThan(0);
    });
  }
});
