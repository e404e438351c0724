/** Memory with holes, and what registers mean. */
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { isRootAligned, RamTables, rootBytes, SparseTables, tableRegime } from "../../../emulator/validate/table-memory.js";

const registers = (tcr: bigint, ttbr0 = 0x0007_0000_0004_1000n) => ({ ttbr0, tcr, mair: 0xffn });

describe("table memory", () => {
  it("sparse: what was put is there, the rest is zero, a second value is refused", () => {
    const memory = new SparseTables();
    expect(memory.put(0xff8 as Pa, 5n)).to.equal(true);
    expect(memory.put(0x1000 as Pa, 6n)).to.equal(true);
    expect(memory.put(0x1000 as Pa, 6n)).to.equal(true);
    expect(memory.put(0x1000 as Pa, 7n)).to.equal(false);
    expect([...memory.table(0xff0 as Pa, 4)]).to.deep.equal([0n, 5n, 7n, 0n]);
    expect([...memory.table((2 ** 51) as Pa, 2)]).to.deep.equal([0n, 0n]);
  });

  it("RAM: tables beyond its end are not there", () => {
    const memory = new PhysicalMemory(65536);
    memory.write64(0x8 as Pa, 9n);
    const tables = new RamTables(memory);
    expect(tables.table(0 as Pa, 2)?.[1]).to.equal(9n);
    expect(tables.table(65528 as Pa, 1)).to.have.length(1);
    expect(tables.table(65528 as Pa, 2)).to.equal(undefined);
    expect(tables.table(4 as Pa, 1)).to.equal(undefined);
  });

  it("reads granule, width, output size and hardware updates from TCR, the root from TTBR0", () => {
    const regime = tableRegime(registers(25n | (5n << 32n) | (1n << 39n)));
    expect(regime).to.include({ root: 0x41000, oaBits: 48, ha: true, hd: false });
    expect(regime.granule).to.include({ name: "4k", vaBits: 39, startLevel: 1 });
    expect(tableRegime(registers(17n | (2n << 14n))).granule).to.include({ name: "16k", vaBits: 47 });
    expect(tableRegime(registers(22n | (1n << 14n) | (2n << 32n)))).to.include({ oaBits: 40 });
  });

  it("aligns the root to the size of its table, and says so", () => {
    const regime = tableRegime(registers(16n, 0x41080n));
    expect(regime.root).to.equal(0x41000);
    expect(isRootAligned(regime)).to.equal(false);
    expect(isRootAligned(tableRegime(registers(16n)))).to.equal(true);
    expect(rootBytes(tableRegime(registers(39n)).granule)).to.equal(128);
    expect(rootBytes(tableRegime(registers(17n | (2n << 14n))).granule)).to.equal(16384);
  });

  it("refuses in one line what is not modelled", () => {
    for (const [tcr, what] of [[16n | (1n << 59n), "DS"], [16n | (1n << 7n), "EPD0"], [16n | (3n << 14n), "TG0"], [63n, "T0SZ"], [0n, "T0SZ"], [16n | (7n << 32n), "IPS"]] as const) {
      expect(() => tableRegime(registers(tcr)), what).to.throw(ConfigError, what);
    }
  });
});
