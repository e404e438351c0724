/* A machine is built from a configuration, and gives back every frame. */
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { order } from "../../emulator/arch/addr.js";
import { DEFAULT_CONFIG, namedConfig, type RunConfig } from "../../lab/config.js";
import { loadCores } from "../../lab/core-files.js";
import { ENGINES } from "../../lab/engines.js";
import { createMachine, type Machine } from "../../lab/machine.js";

const MIB = 2 ** 20;

function machine(part: Partial<RunConfig> = {}): Machine {
  const config = { ...DEFAULT_CONFIG, memory: 256 * MIB, ...part };
  return createMachine({
    config,
    cores: loadCores(config.cores, config.pageSize),
    createEngine: ENGINES[config.engine],
    streams: { stdout: () => undefined, stderr: () => undefined, stdin: () => undefined },
    rootType: "initramfs",
    view: {},
    mounts: [],
  });
}

describe("createMachine", () => {
  it("returns every frame at shutdown", () => {
    const m = machine();
    expect(m.framesAtStart).to.be.greaterThan(0);
    expect(m.shutdown()).to.equal(0);
  });

  it("writes the THP knobs that the configuration names, and leaves the others as Linux has them", () => {
    const m = machine({ thp: { enabled: "madvise", sizes: { 65536: "always" } } });
    expect(m.sys.thp.enabled).to.equal("madvise");
    expect(m.sys.thp.sizeEnabled(order(4))).to.equal("always");
    expect(m.sys.thp.sizeEnabled(order(3))).to.equal("never");
    expect(m.sys.thp.sizeEnabled(order(9))).to.equal("inherit");
    expect(m.shutdown()).to.equal(0);
  });

  it("has the features of its first core; the others listen", () => {
    const m = machine({ cores: ["cortex-a72", "neoverse-n1"] });
    expect(m.cpu.features).to.include({ hardwareAf: false, hardwareDirty: false });
    expect(m.mmus.map((mmu) => mmu.core.name)).to.deep.equal(["cortex-a72", "neoverse-n1"]);
    // HWCAP of Armv8.0: no atomics (bit 8); CPUID (bit 11) is the kernel's.
    expect(m.cpu.hwcap & (1 << 8)).to.equal(0);
    expect(m.cpu.hwcap & (1 << 11)).to.equal(1 << 11);
    expect(m.cpu.midr).to.equal(0x410fd083);
    expect(m.shutdown()).to.equal(0);
  });

  it("takes page size and contpte from a named configuration", () => {
    const m = machine({ ...namedConfig(DEFAULT_CONFIG, "16k+contpte"), memory: 512 * MIB });
    expect(m.sys.granule).to.include({ pageSize: 16384, vaBits: 47, contPtes: 128 });
    expect(m.sys.pgtable.contpte).to.equal(true);
    expect(m.shutdown()).to.equal(0);
  });

  it("refuses a core without the granule", () => {
    expect(() => machine({ pageSize: "16k", cores: ["cortex-a72"] })).to.throw(ConfigError, "cortex-a72");
    expect(() => machine({ pageSize: "16k", cores: ["neoverse-n1", "cortex-a53"] })).to.throw(ConfigError, "cortex-a53");
  });
});
