/**
 * Every fact of the core table has a basis and a source, and the geometries are retyped from them.
 */
import { expect } from "chai";
import { BASES, CORE_FACTS } from "../../../emulator/mmu/core-facts.js";
import type { CoreFacts, Fact } from "../../../emulator/mmu/core-facts.js";

const rows = Object.entries(CORE_FACTS) as [string, CoreFacts][];

function* facts(core: CoreFacts): Generator<[string, Fact<unknown>]> {
  const parts: [string, object | undefined][] = [
    ["features", core.features],
    ["behaviour", core.behaviour],
    ["l1i", core.l1i],
    ["l1d", core.l1d],
    ...core.l2.map((structure, i): [string, object] => [`l2[${i}]`, structure]),
    ["walkCache", core.walkCache],
    ["latencies", core.latencies],
  ];
  for (const [part, values] of parts) for (const [key, fact] of Object.entries(values ?? {}) as [string, Fact<unknown>][]) yield [`${part}.${key}`, fact];
}

describe("core facts", () => {
  it("every number has a basis and a source", () => {
    for (const [name, core] of rows) {
      for (const [path, fact] of facts(core)) {
        expect(BASES, `${name} ${path}`).to.include(fact.basis);
        expect(fact.source.length, `${name} ${path}: ${fact.source}`).to.be.greaterThan(3);
        expect(fact.value, `${name} ${path}`).to.not.equal(undefined);
      }
    }
  });

  it("a row called verified has no geometry from memory or without a source", () => {
    for (const [name, core] of rows) {
      if (!core.verified) continue;
      for (const [path, fact] of facts(core)) {
        if (!/^(l1d|l2\[\d\])\.(entries|ways)$/.test(path)) continue;
        expect(["read", "measured", "second-hand", "inferred"], `${name} ${path}`).to.include(fact.basis);
      }
    }
  });

  it("a row that rests on memory says unverified", () => {
    for (const [name, core] of rows) {
      const remembered = [...facts(core)].some(([path, fact]) => /entries|ways/.test(path) && fact.basis === "memory");
      if (remembered) expect(core.verified, name).to.equal(false);
    }
  });

  it("the geometries are those of the sources", () => {
    // Entries and ways of L1I, L1D, L2 as the manuals and articles give them; 0 = fully associative.
    const known: Record<string, [number, number, number, number, number, number]> = {
      "cortex-a35": [10, 0, 10, 0, 512, 2],
      "cortex-a53": [10, 0, 10, 0, 512, 4],
      "cortex-a55": [15, 0, 16, 0, 1024, 4],
      "cortex-a57": [48, 0, 32, 0, 1024, 4],
      "cortex-a72": [48, 0, 32, 0, 1024, 4],
      "cortex-a76": [48, 0, 48, 0, 1280, 5],
      "neoverse-n1": [48, 0, 48, 0, 1280, 5],
      "neoverse-n2": [48, 0, 44, 0, 1280, 5],
      "neoverse-v2": [48, 0, 48, 0, 2048, 8],
      "cortex-x4": [48, 0, 96, 0, 2048, 8],
      "cortex-a710": [48, 0, 32, 0, 1024, 4],
    };
    for (const [name, [i, iWays, d, dWays, l2, l2Ways]] of Object.entries(known)) {
      const core = CORE_FACTS[name as keyof typeof CORE_FACTS] as CoreFacts;
      const shape = (structure: { entries: Fact<number>; ways: Fact<number | "full"> }): (number | "full")[] => [structure.entries.value, structure.ways.value];
      const ways = (n: number): number | "full" => (n === 0 ? "full" : n);
      expect([shape(core.l1i), shape(core.l1d), shape(core.l2[0]!)], name).to.deep.equal([[i, ways(iWays)], [d, ways(dWays)], [l2, ways(l2Ways)]]);
    }
  });
});
