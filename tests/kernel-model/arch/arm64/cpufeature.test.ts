/* MRS of identification registers at EL0 answers what AT_HWCAP announces. */
import { expect } from "chai";
import { emulateMrs } from "../../../../kernel-model/arch/arm64/cpufeature.js";

/** mrs x<rt>, S3_0_c0_c<crm>_<op2> */
const mrs = (crm: number, op2: number, rt: number): number => (0xd5380000 + crm * 256 + op2 * 32 + rt) >>> 0;
const N1 = 0x119fff;
const A72 = 0x8ff;

describe("emulateMrs", () => {
  it("gives MIDR_EL1 to the named register", () => {
    expect(emulateMrs(0xd5380003, N1, 0x414fd0c1)).to.deep.equal({ rt: 3, value: 0x414fd0c1n });
  });

  it("hides affinity and revision", () => {
    expect(emulateMrs(mrs(0, 5, 1), N1, 0)).to.deep.equal({ rt: 1, value: 0x80000000n });
    expect(emulateMrs(mrs(0, 6, 1), N1, 0)).to.deep.equal({ rt: 1, value: 0n });
  });

  it("shows the instruction set of a Neoverse N1: AES+PMULL, SHA, CRC32, atomics, RDM, DP; LRCPC, DPB; half precision", () => {
    expect(emulateMrs(mrs(6, 0, 0), N1, 0)!.value).to.equal(0x0000_1000_1021_1120n);
    expect(emulateMrs(mrs(6, 1, 0), N1, 0)!.value).to.equal(0x0000_0000_0010_0001n);
    expect(emulateMrs(mrs(4, 0, 0), N1, 0)!.value).to.equal(0x0000_0000_0011_0011n);
  });

  it("shows the instruction set of a Cortex-A72: no atomics, no half precision", () => {
    expect(emulateMrs(mrs(6, 0, 0), A72, 0)!.value).to.equal(0x0000_0000_0001_1120n);
    expect(emulateMrs(mrs(6, 1, 0), A72, 0)!.value).to.equal(0n);
    expect(emulateMrs(mrs(4, 0, 0), A72, 0)!.value).to.equal(0x11n);
  });

  it("reads other identification registers as zero", () => {
    expect(emulateMrs(mrs(7, 2, 9), N1, 0)).to.deep.equal({ rt: 9, value: 0n });
  });

  it("leaves everything else undefined", () => {
    for (const word of [mrs(0, 1, 0), mrs(1, 0, 0), 0xd5381000 /* SCTLR_EL1 */, 0xd5180000 /* MSR */, 0xd53be040 /* CNTVCT_EL0 */, 0]) {
      expect(emulateMrs(word, N1, 0), word.toString(16)).to.equal(undefined);
    }
  });
});
