/** What the engines announce. */
import { expect } from "chai";
import { EXECUTED_HWCAP, EXECUTED_HWCAP2 } from "../../../emulator/engine/hwcap.js";

describe("hwcap", () => {
  it("has what Armv8.2 programs look for, and not what no engine executes", () => {
    // FP ASIMD AES PMULL SHA1 SHA2 CRC32 ATOMICS FPHP ASIMDHP ASIMDRDM LRCPC ASIMDDP.
    expect(EXECUTED_HWCAP & 0x1097fb).to.equal(0x1097fb);
    // EVTSTRM, CPUID, DCPOP, SVE, DIT, USCAT, SSBS, PACA, PACG.
    for (const bit of [2, 11, 16, 22, 24, 25, 28, 30]) expect((EXECUTED_HWCAP >>> bit) & 1, `bit ${bit}`).to.equal(0);
    // FLAGM2 and FRINT; not RNG (16) and BTI (17).
    expect(EXECUTED_HWCAP2).to.equal(0x180);
  });
});
