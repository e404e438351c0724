/**
 * The caches of descriptor fetches: by example, then random fetches against lists that are searched.
 */
import { expect } from "chai";
import { DescriptorCache } from "../../../emulator/mmu/descriptor-cache.js";
import type { DescriptorCacheSpec } from "../../../emulator/mmu/walker-facts.js";

const LINE = 64;

const spec = (name: "l1d" | "l2" | "l3", lines: number, ways: number): DescriptorCacheSpec => ({ name, bytes: lines * LINE, ways, latency: 1 });

/** A repeatable source of numbers below a bound. */
function dice(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state >>> 5) ^ (state >>> 17)) % bound;
  };
}

/** Sets as lists of line addresses, the newest last. */
class Reference {
  readonly found: number[];
  private readonly levels: { readonly ways: number; readonly sets: number[][] }[];

  constructor(specs: readonly DescriptorCacheSpec[]) {
    this.levels = specs.map(({ bytes, ways }) => ({ ways, sets: Array.from({ length: bytes / LINE / ways }, () => []) }));
    this.found = [...specs.map(() => 0), 0];
  }

  fetch(address: number): void {
    const line = Math.floor(address / LINE);
    let answeredBy = this.levels.length;
    for (const [i, { ways, sets }] of this.levels.entries()) {
      const set = sets[line % sets.length]!;
      const at = set.indexOf(line);
      if (at >= 0) set.splice(at, 1);
      else if (set.length === ways) set.shift();
      set.push(line);
      if (at >= 0) {
        answeredBy = i;
        break;
      }
    }
    this.found[answeredBy]!++;
  }
}

describe("DescriptorCache", () => {
  const fetchAll = (cache: DescriptorCache, addresses: readonly number[]): number[] => {
    for (const address of addresses) cache.fetch(address / 8);
    return [...cache.found];
  };

  it("eight neighbouring descriptors are one line", () => {
    const cache = new DescriptorCache([spec("l1d", 4, 2)]);
    expect(fetchAll(cache, [0x1000, 0x1008, 0x1038, 0x1040])).to.deep.equal([2, 2]);
  });

  it("the least recently used line of a set gives way", () => {
    // Two sets of two: lines 0, 2 and 4 share the first.
    const cache = new DescriptorCache([spec("l1d", 4, 2)]);
    expect(fetchAll(cache, [0, 2, 0, 4, 0, 2].map((line) => line * 64))).to.deep.equal([2, 4]);
  });

  it("a direct-mapped cache holds one line in each set", () => {
    expect(fetchAll(new DescriptorCache([spec("l1d", 2, 1)]), [0, 2, 0, 0, 1, 0].map((line) => line * 64))).to.deep.equal([2, 4]);
  });

  it("what the first level has lost the second may have", () => {
    const cache = new DescriptorCache([spec("l1d", 1, 1), spec("l2", 4, 4)]);
    expect(fetchAll(cache, [0, 64, 0, 0, 256, 64])).to.deep.equal([1, 2, 3]);
  });

  it("a fetch is made in the caches of those who make the same fetches too", () => {
    const [small, large] = [new DescriptorCache([spec("l1d", 2, 2)]), new DescriptorCache([spec("l1d", 4, 4)])];
    small.alsoFetchFor(large);
    expect(fetchAll(small, [0, 64, 128, 0])).to.deep.equal([0, 4]);
    expect([...large.found]).to.deep.equal([1, 3]);
  });

  it("without a cache no fetch is answered", () => {
    expect(fetchAll(new DescriptorCache([]), [0, 0, 8])).to.deep.equal([3]);
  });

  it("a line beyond 8 GiB is not one near zero", () => {
    expect(fetchAll(new DescriptorCache([spec("l1d", 4, 4)]), [2 ** 33, 0, 2 ** 33, 2 ** 33 + 64])).to.deep.equal([1, 3]);
  });

  it("equals the reference on random fetches, seeds 1 to 60", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const below = dice(seed);
      const specs = (["l1d", "l2", "l3"] as const).slice(0, below(4)).map((name) => {
        const ways = 1 + below(6);
        return spec(name, ways * 2 ** below(5), ways);
      });
      const cache = new DescriptorCache(specs);
      const reference = new Reference(specs);
      const span = 64 * (1 + below(400));
      for (let i = 0; i < 3000; i++) {
        const address = 8 * below(below(2) === 0 ? span / 8 : span / 64);
        cache.fetch(address / 8);
        reference.fetch(address);
      }
      expect([...cache.found], `seed ${seed}: ${JSON.stringify(specs)}`).to.deep.equal(reference.found);
    }
  });
});
