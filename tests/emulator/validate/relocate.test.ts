/** Tables anywhere in a 52-bit address space are copied to where the walker and the oracle can read them. */
import { expect } from "chai";
import type { Asid, Pa, Va } from "../../../emulator/arch/addr.js";
import { ACCESS_READ } from "../../../emulator/engine/engine.js";
import { walk } from "../../../emulator/mmu/walk.js";
import { relocateTables } from "../../../emulator/validate/relocate.js";
import { SparseTables, tableRegime } from "../../../emulator/validate/table-memory.js";

const TCR = 25n | (5n << 32n);
const HIGH = 0x8000_0000_0000;

describe("relocating tables", () => {
  const source = new SparseTables();
  source.put((HIGH + 0x8) as Pa, BigInt(HIGH + 0x1000) | 3n);
  source.put((HIGH + 0x1000) as Pa, BigInt(HIGH + 0x5000) | 3n | (1n << 59n));
  source.put((HIGH + 0x5018) as Pa, 0x0060_7fff_1234_5fc3n);
  const regime = tableRegime({ ttbr0: BigInt(HIGH) | (9n << 48n), tcr: TCR, mair: 0xffn });
  const copy = relocateTables(source, regime);

  it("keeps leaves, attributes and the ASID", () => {
    const walker = { granule: regime.granule, ttbr0: copy.regime.root, asid: 9 as Asid, ha: false, hd: false, oaBits: 48 };
    const result = walk(copy.memory, walker, 0x4000_3123 as Va, ACCESS_READ, { sideEffects: false });
    expect(result).to.include({ fault: "none", level: 3, pa: 0x7fff_1234_5123 });
    expect(copy.regime.registers.ttbr0 >> 48n).to.equal(9n);
    expect(copy.tables.map(({ level, va }) => [level, va])).to.deep.equal([[1, 0], [2, 0x40000000], [3, 0x40000000]]);
    expect(copy.memory.read64((copy.regime.root + 4096) as Pa) & (1n << 59n)).to.equal(1n << 59n);
  });

  it("leaves what lies outside outside, and what is too large too large", () => {
    const image = { table: (at: Pa, entries: number) => (at === 0x1000 ? BigUint64Array.from({ length: entries }, (_, i) => (i === 0 ? 0x9000_0003n : i === 1 ? (1n << 47n) | 3n : 0n)) : undefined) };
    const lost = relocateTables(image, tableRegime({ ttbr0: 0x1000n, tcr: 25n | (2n << 32n), mair: 0xffn }));
    const walker = { granule: lost.regime.granule, ttbr0: lost.regime.root, asid: 0 as Asid, ha: false, hd: false, oaBits: 40 };
    const faults = [0, 0x40000000].map((va) => walk(lost.memory, walker, va as Va, ACCESS_READ, { sideEffects: false }).fault);
    expect(faults).to.deep.equal(["external-abort", "address-size"]);
  });

  it("has no root where there is none", () => {
    const none = relocateTables({ table: () => undefined }, regime);
    const walker = { granule: regime.granule, ttbr0: none.regime.root, asid: 0 as Asid, ha: false, hd: false, oaBits: 48 };
    expect(walk(none.memory, walker, 0 as Va, ACCESS_READ, { sideEffects: false }).fault).to.equal("external-abort");
  });
});
