/**
 * Replacement policies as pictures of a set.
 */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { POLICY_NAMES, StampPolicy, exactFilterPages, makePolicy } from "../../../emulator/mmu/tlb-policy.js";
import type { PolicyName, ReplacementPolicy } from "../../../emulator/mmu/tlb-policy.js";

/** A policy over `sets` x `ways` with cells of its own for a recency ring. */
function make(name: PolicyName, sets: number, ways: number, seed = 1): ReplacementPolicy {
  const order = sets * ways * 8;
  return makePolicy(name, sets, ways, { cells: new Int32Array(order + sets * ways + 1), firstRecord: 0, order, clock: order + sets * ways }, seed);
}

/**
 * Plays one set as a picture: each line is the event (a letter is a hit or, if it is not in the set, a fill; -letter an invalidation),
 * and the set after it in way order, with the next victim in lower case once the set is full.
 */
function play(name: PolicyName, ways: number, picture: readonly [string, string][]): void {
  const policy = make(name, 1, ways);
  const set = Array<string>(ways).fill(".");
  for (const [event, expected] of picture) {
    if (event.startsWith("-")) {
      const way = set.indexOf(event[1]!);
      set[way] = ".";
      policy.invalidated(0, way);
    } else if (set.includes(event)) {
      policy.accessed(0, set.indexOf(event));
    } else {
      const way = set.includes(".") ? set.indexOf(".") : policy.victim(0);
      set[way] = event;
      policy.filled(0, way);
    }
    const shown = [...set];
    if (!shown.includes(".")) shown[policy.victim(0)] = shown[policy.victim(0)]!.toLowerCase();
    expect(shown.join(""), `after ${event}`).to.equal(expected);
  }
}

describe("replacement policies", () => {
  it("lru: the least recently used goes", () => {
    play("lru", 4, [["A", "A..."], ["B", "AB.."], ["C", "ABC."], ["D", "aBCD"], ["A", "AbCD"], ["B", "ABcD"], ["E", "ABEd"], ["D", "aBED"], ["F", "FbED"]]);
  });

  it("lru: an invalidated way is filled first and is then the newest", () => {
    play("lru", 3, [["A", "A.."], ["B", "AB."], ["C", "aBC"], ["-C", "AB."], ["D", "aBD"], ["-A", ".BD"], ["-B", "..D"], ["E", "E.D"], ["F", "EFd"]]);
  });

  it("fifo: hits do not matter", () => {
    play("fifo", 3, [["A", "A.."], ["B", "AB."], ["C", "aBC"], ["A", "aBC"], ["D", "DbC"], ["B", "DbC"], ["E", "DEc"], ["-D", ".EC"], ["F", "FEc"], ["G", "FeG"]]);
  });

  it("tree-plru: away from the half used last", () => {
    play("tree-plru", 4, [["A", "A..."], ["B", "AB.."], ["C", "ABC."], ["D", "aBCD"], ["A", "ABcD"], ["E", "AbED"], ["B", "ABEd"]]);
  });

  it("tree-plru: ways that are no power of two", () => {
    // Leaves 5 to 7 of the tree have no slot: the right quarter is way 4 alone.
    play("tree-plru", 5, [["A", "A...."], ["B", "AB..."], ["C", "ABC.."], ["D", "ABCD."], ["E", "aBCDE"], ["A", "ABCDe"], ["F", "ABcDF"]]);
  });

  it("nru: the lowest way not marked; the last mark clears the others", () => {
    play("nru", 3, [["A", "A.."], ["B", "AB."], ["C", "aBC"], ["A", "AbC"], ["B", "aBC"], ["-B", "A.C"], ["D", "aDC"]]);
  });

  it("random: repeats with the seed, differs between seeds, and uses every way", () => {
    const draw = (seed: number): number[] => {
      const policy = make("random", 4, 7, seed);
      return Array.from({ length: 200 }, () => policy.victim(2) - 14);
    };
    expect(draw(5)).to.deep.equal(draw(5));
    expect(draw(5)).to.not.deep.equal(draw(6));
    expect([...new Set(draw(5))].sort((a, b) => a - b)).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
  });

  it("sets do not disturb one another", () => {
    for (const name of POLICY_NAMES) {
      const policy = make(name, 2, 4);
      for (let way = 0; way < 4; way++) {
        policy.filled(0, way);
        policy.filled(1, 4 + way);
      }
      if (name === "random") continue;
      const before = policy.victim(1);
      policy.accessed(0, policy.victim(0));
      expect(policy.victim(1), name).to.equal(before);
    }
  });

  it("one way: the victim is the way", () => {
    for (const name of POLICY_NAMES) {
      const policy = make(name, 3, 1);
      for (let i = 0; i < 3; i++) {
        policy.filled(2, 2);
        policy.accessed(2, 2);
        expect(policy.victim(2), name).to.equal(2);
      }
    }
  });

  it("lru with few ways keeps its order when its time stamps are made small", () => {
    const [sets, ways] = [2, 4];
    const cells = new Int32Array(sets * ways + 1);
    const policy = new StampPolicy({ cells, firstRecord: 0, order: 0, clock: sets * ways }, sets, ways);
    cells[sets * ways] = 2 ** 30;
    for (const way of [2, 0, 3, 1, 2]) policy.filled(1, 4 + way);
    policy.rewind();
    cells[sets * ways] = 1024;
    const order = Array.from({ length: 4 }, () => {
      const slot = policy.victim(1);
      policy.filled(1, slot);
      return slot - 4;
    });
    expect(order).to.deep.equal([0, 3, 1, 2]);
  });

  it("a name that is none is a bug", () => {
    expect(() => makePolicy("mru" as PolicyName, 1, 1, { cells: new Int32Array(16), firstRecord: 0, order: 8, clock: 9 }, 0)).to.throw(ModelBug);
  });
});

describe("pages that a trace filter may hold", () => {
  it("LRU: the ways of a set", () => {
    expect(exactFilterPages({ entries: 48, ways: "full", policy: "lru", coalescedPages: 1 })).to.equal(48);
    expect(exactFilterPages({ entries: 160, ways: 5, policy: "lru", coalescedPages: 1 })).to.equal(5);
    expect(exactFilterPages({ entries: 256, ways: 1, policy: "lru", coalescedPages: 1 })).to.equal(1);
  });

  it("others, and what coalesces: the last page", () => {
    for (const policy of ["tree-plru", "fifo", "random", "nru"] as const) expect(exactFilterPages({ entries: 48, ways: "full", policy, coalescedPages: 1 })).to.equal(1);
    expect(exactFilterPages({ entries: 48, ways: "full", policy: "lru", coalescedPages: 4 })).to.equal(1);
  });
});
