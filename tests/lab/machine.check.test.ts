/** --check on a machine that runs a program: silent as it is, loud when something between kernel and TLB is broken. */
import { expect } from "chai";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { EngineOptions } from "../../emulator/engine/engine.js";
import { DEFAULT_CONFIG, type RunConfig } from "../../lab/config.js";
import { loadCores } from "../../lab/core-files.js";
import { ENGINES } from "../../lab/engines.js";
import { guestView } from "../../lab/guest-view.js";
import { createMachine, type Machine } from "../../lab/machine.js";
import { loadProgram } from "../../lab/program.js";
import type { EngineFactory } from "../../lab/wasm-on-memory.js";
import { guestProgram } from "../support/guest.js";

function machine(parts: Partial<RunConfig>, createEngine?: EngineFactory): { m: Machine; run: () => string } {
  const config: RunConfig = { ...DEFAULT_CONFIG, memory: 256 * 2 ** 20, check: true, thp: { enabled: "never", sizes: { 65536: "always" } }, ...parts };
  const program = loadProgram(guestProgram("forkwrite"), config);
  const m = createMachine({ config, cores: loadCores(config.cores, config.pageSize), createEngine: createEngine ?? ENGINES[config.engine], streams: { stdout: () => undefined, stderr: () => undefined, stdin: () => undefined }, ...guestView(program, config) });
  const run = (): string => {
    expect(m.kernel.spawn(program.guestPath, [program.argv0], [])).to.be.a("number");
    return m.kernel.run({ instructions: 1e9 }).kind;
  };
  return { m, run };
}

describe("a machine with --check", () => {
  for (const [what, parts] of [
    ["4K pages", {}],
    ["16K pages", { pageSize: "16k", thp: { enabled: "never", sizes: { [2 ** 21]: "always" } } }],
    ["64K pages without contpte", { pageSize: "64k", contpte: false, thp: { enabled: "never", sizes: {} } }],
    ["a CPU without hardware access flag", { cores: ["cortex-a72"] }],
    ["several TLB models", { cores: ["neoverse-n1", "cortex-a53", "cortex-a76"] }],
  ] as const) {
    it(`runs a program that forks and writes: ${what}`, () => {
      const { m, run } = machine(parts);
      expect(run()).to.equal("exit");
      expect(m.shutdown()).to.equal(0);
    });
  }

  it("a TLB of several sets limits the held pages by the sets of their entries", () => {
    const made: EngineOptions[] = [];
    const seen = new Set<string>();
    const engine: EngineFactory = (bytes, options) => {
      const parts = ENGINES.unicorn(bytes, options);
      made.push(options);
      const install = parts.engine.installTranslation.bind(parts.engine);
      parts.engine.installTranslation = (va, pa, perms, orders) => {
        seen.add(`${orders?.data} ${orders?.code}`);
        install(va, pa, perms, orders);
      };
      return parts;
    };
    for (const cores of [["neoverse-n1"], ["neoverse-n1", "m1-firestorm"], ["m1-firestorm", "cortex-a53"]]) {
      seen.clear();
      const { m, run } = machine({ cores }, engine);
      expect(run()).to.equal("exit");
      expect(m.shutdown()).to.equal(0);
      // Pages, and 16K of a run of 64K.
      expect([...seen].sort()).to.deep.equal(cores.includes("m1-firestorm") ? ["0 0", "2 2"] : ["0 0"]);
    }
    expect(made.map(({ filterPages, fetchPages, filterLimit, fetchLimit }) => [filterPages, fetchPages, filterLimit, fetchLimit])).to.deep.equal([
      [48, 48, undefined, undefined],
      [48, 48, { sets: 32, ways: 5 }, { sets: 32, ways: 6 }],
      [10, 10, { sets: 32, ways: 5 }, { sets: 32, ways: 6 }],
    ]);
  });

  it("stops with T-STUDIED when a TLB model does not hear of maintenance", () => {
    const { m, run } = machine({});
    m.mmus[0]!.tlbi = () => undefined;
    expect(run).to.throw(ModelBug, /^check: T-STUDIED /);
  });

  it("stops with a rule over time when the kernel flushes nothing", () => {
    const { m, run } = machine({});
    m.sys.tlb.flushTlbPage = () => undefined;
    m.sys.tlb.flushTlbPageNosync = () => undefined;
    expect(run).to.throw(ModelBug, /^check: T-(STALE|BBM|SPURIOUS) /);
  });
});
