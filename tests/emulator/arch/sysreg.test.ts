/**
 * Fields of TCR_EL1, TTBR0_EL1 and MAIR_EL1 against retyped positions.
 */
import { expect } from "chai";
import type { Asid, Pa } from "../../../emulator/arch/addr.js";
import { NotModelled } from "../../../emulator/arch/errors.js";
import { MAIR_LINUX, decodeTcr, decodeTtbr0, encodeTcr, encodeTtbr0 } from "../../../emulator/arch/sysreg.js";
import type { Tcr } from "../../../emulator/arch/sysreg.js";

const LINUX: Tcr = { granule: "4k", vaBits: 48, oaBits: 40, ha: true, hd: true, asid16: true };

describe("TCR_EL1", () => {
  it("has each field at its place", () => {
    // T0SZ = T1SZ = 16; write-back write-allocate, inner shareable walks; TG1 = 2 (4K); IPS = 2 (40 bits); A1, AS, TBI0, HA, HD.
    const expected = 16n | (0b11_0101n << 8n) | (16n << 16n) | (1n << 22n) | (0b10_11_0101n << 24n) | (2n << 32n) | (1n << 36n) | (1n << 37n) | (1n << 39n) | (1n << 40n);
    expect(encodeTcr(LINUX).toString(16)).to.equal(expected.toString(16));
  });

  it("codes the granule of TTBR0 in bits 15:14", () => {
    const tg0 = (granule: Tcr["granule"]): bigint => (encodeTcr({ ...LINUX, granule }) >> 14n) & 3n;
    expect([tg0("4k"), tg0("64k"), tg0("16k")]).to.deep.equal([0n, 1n, 2n]);
    const tg1 = (granule: Tcr["granule"]): bigint => (encodeTcr({ ...LINUX, granule }) >> 30n) & 3n;
    expect([tg1("16k"), tg1("4k"), tg1("64k")]).to.deep.equal([1n, 2n, 3n]);
  });

  it("is read back as it was written", () => {
    for (const granule of ["4k", "16k", "64k"] as const) {
      for (const vaBits of [39, 42, 47, 48]) {
        for (const oaBits of [32, 40, 48, 52] as const) {
          for (const [ha, hd] of [[false, false], [true, false], [true, true]] as const) {
            const tcr: Tcr = { granule, vaBits, oaBits, ha, hd, asid16: hd };
            expect(decodeTcr(encodeTcr(tcr))).to.deep.equal(tcr);
          }
        }
      }
    }
  });

  it("HD without HA does nothing", () => {
    expect(decodeTcr(encodeTcr({ ...LINUX, ha: false })).hd).to.equal(false);
  });

  it("refuses what is not modelled", () => {
    expect(() => decodeTcr(encodeTcr(LINUX) | (1n << 59n)), "DS").to.throw(NotModelled, "DS = 1");
    expect(() => decodeTcr(encodeTcr(LINUX) | (1n << 7n)), "EPD0").to.throw(NotModelled, "EPD0");
    expect(() => decodeTcr(encodeTcr(LINUX) | (1n << 41n)), "HPD0").to.throw(NotModelled, "HPD0");
    expect(() => decodeTcr(encodeTcr(LINUX) | (3n << 14n)), "TG0").to.throw(NotModelled, "TG0");
    expect(() => decodeTcr(encodeTcr(LINUX) | (7n << 32n)), "IPS").to.throw(NotModelled, "IPS");
  });
});

describe("TTBR0_EL1 and MAIR_EL1", () => {
  it("TTBR0 holds ASID and table, and CnP is dropped", () => {
    const value = encodeTtbr0(0x1_2345_6000 as Pa, 0xabcd as Asid);
    expect(value).to.equal(0xabcd_0001_2345_6000n);
    expect(decodeTtbr0(value | 1n)).to.deep.equal({ table: 0x1_2345_6000, asid: 0xabcd });
  });

  it("MAIR has Linux's attribute indexes", () => {
    expect(MAIR_LINUX).to.equal(0x04_00_44_ff_ffn);
  });
});
