/**
 * Presets build machines; a user preset is read strictly.
 */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { CORE_NAMES, corePreset, firstLevelOf, parseCore } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";

describe("core presets", () => {
  it("the second level of a side is what serves it", () => {
    const entries = (name: string, side: "data" | "instruction"): number[] => {
      const { spec, next } = firstLevelOf(corePreset(name), side);
      return [spec.entries, ...next.map((below) => below.entries)];
    };
    expect(entries("m1-firestorm", "data")).to.deep.equal([160, 3072]);
    expect(entries("m1-firestorm", "instruction")).to.deep.equal([192, 3072]);
    const parts = parseCore(JSON.stringify({ name: "mine", base: "neoverse-n1", walkCache: null, l2: [{ entries: 8, ways: 2, serves: "data" }, { ...corePreset("neoverse-n1").l2[0], entries: 16, ways: 4, serves: "instruction" }] }));
    expect(firstLevelOf(parts, "data").next).to.deep.equal([parts.l2[0]]);
    expect(firstLevelOf(parts, "instruction").next).to.deep.equal([parts.l2[1]]);
  });

  it("build an MMU for every granule that the core has", () => {
    const memory = new PhysicalMemory(65536);
    for (const name of CORE_NAMES) {
      const core = corePreset(name);
      for (const size of core.granules) expect(() => new Mmu({ core, memory, granule: granule(size), updatesDescriptors: true, seed: 1 }), `${name} ${size}`).to.not.throw();
    }
  });

  it("have the features of the CPU", () => {
    const features = (name: string): unknown[] => {
      const { hardwareAf, hardwareDirty, tlbiRange, ttl, bbm, asidBits, lpa2 } = corePreset(name).features;
      return [hardwareAf, hardwareDirty, tlbiRange, ttl, bbm, asidBits, lpa2];
    };
    const v80 = [false, false, false, false, 0, 16, false];
    const v82 = [true, true, false, false, 0, 16, false];
    const v9 = [true, true, true, true, 2, 16, false];
    for (const name of ["cortex-a53", "cortex-a57", "cortex-a72", "qemu-a72"]) expect(features(name), name).to.deep.equal(v80);
    for (const name of ["neoverse-n1", "cortex-a76", "cortex-a55", "qemu-n1"]) expect(features(name), name).to.deep.equal(v82);
    for (const name of ["neoverse-v2", "neoverse-n2", "cortex-a710", "qemu", "qemu-max"]) expect(features(name), name).to.deep.equal(v9);
  });

  it("list every number with its source", () => {
    const core = corePreset("neoverse-n1");
    const fact = core.facts.find(({ path }) => path === "l2[0].entries");
    expect(fact).to.deep.equal({ path: "l2[0].entries", value: 1280, basis: "inferred", source: "as Cortex-A76, from which the core derives" });
    expect(core.facts.filter(({ path }) => path.startsWith("features.")).length).to.equal(7);
    expect(core.verified).to.equal(true);
    expect(corePreset("cortex-a78").verified).to.equal(false);
  });

  it("a name that is none is refused with the names there are", () => {
    expect(() => corePreset("neoverse-n9")).to.throw(ConfigError, /no core "neoverse-n9"; known: neoverse-n1, /);
    expect(() => corePreset("toString")).to.throw(ConfigError);
  });
});

describe("parseCore", () => {
  const minimal = { name: "mine", base: "neoverse-n1" };
  const parse = (value: object): ReturnType<typeof parseCore> => parseCore(JSON.stringify(value));

  it("changes what is given and keeps the rest of the base", () => {
    const core = parse({ ...minimal, l1d: { entries: 64 }, l2: [{ entries: { value: 2048, source: "a guess of mine" }, ways: 8 }], features: { tlbiRange: true } });
    const base = corePreset("neoverse-n1");
    expect(core.l1d).to.deep.equal({ ...base.l1d, entries: 64 });
    expect(core.l1i).to.deep.equal(base.l1i);
    expect(core.l2).to.deep.equal([{ ...base.l2[0]!, entries: 2048, ways: 8 }]);
    expect(core.features).to.deep.equal({ ...base.features, tlbiRange: true });
    expect(core.name).to.equal("mine");
    expect(core.facts.find(({ path }) => path === "l2[0].entries")).to.deep.equal({ path: "l2[0].entries", value: 2048, basis: "given", source: "a guess of mine" });
    expect(core.facts.find(({ path }) => path === "l1d.entries")).to.include({ basis: "given", source: "given by the user" });
  });

  it("takes caches and walker of the base, with what is given in front", () => {
    const base = corePreset("neoverse-n1");
    expect(parse(minimal)).to.deep.include({ walker: base.walker, descriptorCaches: base.descriptorCaches });
    const core = parse({ ...minimal, walker: { parallelWalks: 2 }, descriptorCaches: [{ latency: 7 }] });
    expect(core.walker).to.deep.equal({ parallelWalks: 2 });
    expect(core.descriptorCaches).to.deep.equal([{ ...base.descriptorCaches[0]!, latency: 7 }]);
    expect(parse({ ...minimal, descriptorCaches: [] }).descriptorCaches).to.deep.equal([]);
  });

  it("needs no base if everything is given", () => {
    const tlb = { entries: 16, ways: "full", pageSizes: [4096], contiguous: "ignored", splinter: "page", coalescedPages: 1, policy: "random" };
    const core = parse({
      name: "tiny",
      features: { hardwareAf: false, hardwareDirty: false, tlbiRange: false, ttl: false, bbm: 0, asidBits: 8, lpa2: false },
      behaviour: { granules: ["4k"], maintenanceFlushesL1: false, flushOnAsidChange: false },
      l1i: tlb,
      l1d: tlb,
      l2: [],
      walkCache: null,
      latencies: { l2Hit: 0, descriptorFetch: 10 },
    });
    expect(core.l2).to.deep.equal([]);
    expect(core.walkCache).to.equal(undefined);
    expect([core.walker, core.descriptorCaches]).to.deep.equal([{ parallelWalks: 1 }, []]);
    expect(core.verified).to.equal(false);
  });

  it("says in one line what is wrong, and where", () => {
    const cases: [object | string, RegExp][] = [
      ["{", /^core preset: not JSON: /],
      [[], /must be an object$/],
      [{ base: "neoverse-n1" }, /^core preset: name: must be small letters/],
      [{ name: "Neoverse N1" }, /^core preset: name: must be small letters/],
      [{ name: "neoverse-n1", base: "neoverse-n1" }, /is a preset's; choose another$/],
      [{ ...minimal, base: "z80" }, /^there is no core "z80"; known: /],
      [{ ...minimal, l3: {} }, /^core preset: l3: unknown key; known: name, /],
      [{ ...minimal, l1d: { entires: 3 } }, /^core "mine": l1d\.entires: unknown key; known: entries, /],
      [{ ...minimal, l1d: { entries: 0 } }, /^core "mine": l1d\.entries: 0 is not a whole number from 1 to 32768$/],
      [{ ...minimal, l1d: { entries: { value: 3, sauce: "x" } } }, /^core "mine": l1d\.entries\.sauce: unknown key; known: value, source$/],
      [{ ...minimal, l1d: { policy: "mru" } }, /^core "mine": l1d\.policy: "mru" is not one of lru, /],
      [{ ...minimal, l1d: { pageSizes: [5000] } }, /^core "mine": l1d\.pageSizes: \[5000\] is not a list of sizes in bytes/],
      [{ ...minimal, l2: [{ ways: 3 }] }, /^core "mine": l2\[0\] has 1280 entries in 3 ways, which does not make a power of two of sets$/],
      [{ ...minimal, l2: [{}, { entries: 4 }] }, /^core "mine": l2\[1\]\.ways: missing, and there is no base to take it from$/],
      [{ ...minimal, l2: { entries: 4 } }, /^core "mine": l2: must be a list of structures/],
      [{ ...minimal, l2: [] }, /^core "mine": walkCache\.store is "l2", but there is no l2$/],
      [{ ...minimal, features: { hardwareAf: false } }, /^core "mine": features\.hardwareDirty: needs hardwareAf$/],
      [{ ...minimal, features: { bbm: 3 } }, /^core "mine": features\.bbm: 3 is not one of 0, 1, 2$/],
      [{ ...minimal, latencies: { l2Hit: -1 } }, /^core "mine": latencies\.l2Hit: -1 is not a number of cycles$/],
      [{ ...minimal, behaviour: { granules: [] } }, /^core "mine": behaviour\.granules: \[\] is not a list of 4k, 16k, 64k$/],
      [{ name: "mine" }, /^core "mine": l2: missing, and there is no base to take it from$/],
      [{ ...minimal, walker: { parallelWalks: 0 } }, /^core "mine": walker\.parallelWalks: 0 is not a whole number from 1 to 64$/],
      [{ ...minimal, descriptorCaches: 3 }, /^core "mine": descriptorCaches: must be a list of caches/],
      [{ ...minimal, descriptorCaches: [{ ways: 3 }] }, /^core "mine": descriptorCaches\[0\] has 1024 entries in 3 ways, which/],
      [{ ...minimal, descriptorCaches: [{}, { name: "l1d" }] }, /^core "mine": descriptorCaches: two of one name$/],
      [{ ...minimal, descriptorCaches: [{}, {}, { name: "l3" }] }, /^core "mine": descriptorCaches\[2\]\.bytes: missing/],
      [{ ...minimal, title: 3 }, /^core "mine": title: must be text$/],
    ];
    for (const [input, message] of cases) {
      const text = typeof input === "string" ? input : JSON.stringify(input);
      let thrown: unknown;
      try {
        parseCore(text);
      } catch (error) {
        thrown = error;
      }
      expect(thrown, text).to.be.instanceOf(ConfigError);
      expect((thrown as ConfigError).message, text).to.match(message);
      expect((thrown as ConfigError).message.split("\n").length, text).to.equal(1);
    }
  });
});
