/* CPUs say who they are: MIDR and HWCAP against recorded values. */
import { expect } from "chai";
import { cpuIdentity } from "../../../emulator/arch/cpu-identity.js";
import { CORE_NAMES } from "../../../emulator/mmu/cores.js";

describe("cpuIdentity", () => {
  it("gives the MIDR values that real cores of these revisions have", () => {
    expect(cpuIdentity("neoverse-n1").midr).to.equal(0x414fd0c1);
    expect(cpuIdentity("cortex-a72").midr).to.equal(0x410fd083);
    expect(cpuIdentity("cortex-a53").midr).to.equal(0x410fd034);
    expect(cpuIdentity("cortex-a57").midr).to.equal(0x411fd070);
    expect(cpuIdentity("cortex-a76").midr).to.equal(0x414fd0b1);
  });

  it("gives the HWCAP values that the recorded kernels printed", () => {
    expect(cpuIdentity("qemu-n1").hwcap).to.equal(0x119fff);
    expect(cpuIdentity("qemu-a72").hwcap).to.equal(0x8ff);
  });

  it("has an entry of its own for every core but QEMU's max", () => {
    const other = cpuIdentity("no such core");
    expect(CORE_NAMES.filter((name) => cpuIdentity(name) === other)).to.deep.equal(["qemu", "qemu-max", "qemu-max-lpa2"]);
  });
});
