/** A configuration as options, and back. */
import { expect } from "chai";
import { buildCli } from "../../../lab/cli.js";
import { DEFAULT_CONFIG, NAMED_CONFIGS, namedConfig, parseConfig, type ConfigOptions, type RunConfig } from "../../../lab/config.js";
import { configFlags } from "../../../lab/sweep/flags.js";

/** The options as the command line reads them. */
function parsed(flags: readonly string[]): RunConfig {
  const run = buildCli(() => undefined).commands.find((command) => command.name() === "run")!;
  const { unknown } = run.parseOptions([...flags]);
  expect(unknown).to.deep.equal([]);
  return parseConfig(run.opts<ConfigOptions>());
}

describe("configFlags", () => {
  it("gives back every named configuration", () => {
    for (const name of Object.keys(NAMED_CONFIGS)) {
      const config = namedConfig(DEFAULT_CONFIG, name);
      expect(parsed(configFlags(config)), name).to.deep.equal(config);
    }
  });

  it("gives back every part that is not the default", () => {
    const config: RunConfig = {
      ...DEFAULT_CONFIG,
      pageSize: "16k",
      contpte: false,
      batch: false,
      thp: { enabled: "madvise", sizes: { [65536]: "always", [2 ** 21]: "inherit" } },
      fs: "xfs",
      mounts: [{ type: "tmpfs", directory: "/t", options: "huge=always" }, { type: "ext4", directory: "/e", options: "" }],
      cores: ["cortex-a53", "neoverse-n1"],
      cpus: 2,
      quantum: 5000,
      jitter: true,
      aslr: true,
      memory: 512 * 2 ** 20,
      swap: 64 * 2 ** 20,
      fragment: "order=4,free=50%",
      root: "/r",
      binds: [{ host: "/h", guest: "/g", writable: true }, { host: "/i", guest: "/j", writable: false }],
      env: { A: "1 2", B: "x=y" },
      seed: 7,
      maxInstructions: 1000,
      timeoutSeconds: 2.5,
      check: true,
    };
    for (const [part, value] of Object.entries(config)) if (part !== "engine") expect(value, part).to.not.deep.equal(DEFAULT_CONFIG[part as keyof RunConfig]);
    expect(parsed(configFlags(config))).to.deep.equal(config);
  });
});
