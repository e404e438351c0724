/**
 * Facts of the walkers: every number has a basis and a source, no latency claims more than it is, caches are retyped from the manuals.
 */
import { expect } from "chai";
import { BASES, CORE_FACTS } from "../../../emulator/mmu/core-facts.js";
import type { Fact } from "../../../emulator/mmu/core-facts.js";
import { PLAIN_WALKER, WALKER_FACTS } from "../../../emulator/mmu/walker-facts.js";
import type { WalkerFacts } from "../../../emulator/mmu/walker-facts.js";

const rows = Object.entries(WALKER_FACTS) as [string, WalkerFacts][];

describe("walker facts", () => {
  it("stand for each core, in the same order", () => {
    expect(rows.map(([name]) => name)).to.deep.equal(Object.keys(CORE_FACTS));
  });

  it("every number has a basis and a source, and what is an estimate says so", () => {
    for (const [name, { walker, descriptorCaches }] of [...rows, ["none", PLAIN_WALKER] as const]) {
      for (const part of [walker, ...descriptorCaches]) {
        for (const [key, fact] of Object.entries(part) as [string, Fact<unknown>][]) {
          expect(BASES, `${name} ${key}`).to.include(fact.basis);
          expect(fact.source.length, `${name} ${key}`).to.be.greaterThan(3);
          if (key === "latency" && fact.basis === "assumed") expect(fact.source, `${name} ${key}`).to.match(/estimate/);
        }
      }
    }
  });

  it("each level is larger and slower than the one before, and memory slower than all", () => {
    for (const [name, { descriptorCaches }] of rows) {
      if (descriptorCaches.length === 0) continue;
      const latencies = [...descriptorCaches.map(({ latency }) => latency.value), CORE_FACTS[name as keyof typeof CORE_FACTS].latencies.descriptorFetch.value];
      const sizes = descriptorCaches.map(({ bytes }) => bytes.value);
      for (const list of [latencies, sizes]) expect(list, name).to.deep.equal([...list].sort((a, b) => a - b));
      expect(new Set(latencies).size, name).to.equal(latencies.length);
    }
  });

  it("sizes in KiB and ways of L1D and L2, and parallel walks, are those of the sources", () => {
    const known: Record<string, [number, number, number, number, number]> = {
      "cortex-a35": [32, 4, 512, 16, 1],
      "cortex-a53": [32, 4, 1024, 16, 1],
      "cortex-a57": [32, 2, 2048, 16, 1],
      "cortex-a72": [32, 2, 1024, 16, 1],
      "cortex-a76": [64, 4, 512, 8, 4],
      "neoverse-n1": [64, 4, 1024, 8, 4],
      "neoverse-v1": [64, 4, 1024, 8, 4],
      "neoverse-v2": [64, 4, 2048, 8, 4],
      "cortex-a710": [64, 4, 512, 8, 4],
    };
    for (const [name, numbers] of Object.entries(known)) {
      const { walker, descriptorCaches } = WALKER_FACTS[name as keyof typeof WALKER_FACTS] as WalkerFacts;
      expect([...descriptorCaches.flatMap(({ bytes, ways }) => [bytes.value / 1024, ways.value]), walker.parallelWalks.value], name).to.deep.equal(numbers);
    }
  });
});
