/**
 * The sorted areas: look-up, neighbours, holes, and a random comparison with an array of cells.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { VmaTree } from "../../../kernel-model/mm/vma-tree.js";
import type { Vma } from "../../../kernel-model/mm/vma.js";
import { seededRandom } from "../../support/seed.js";

/** An area with nothing but its bounds. */
const area = (start: number, end: number): Vma => ({ start: start as Va, end: end as Va }) as Vma;
const bounds = (vma: Vma | undefined): string => (vma === undefined ? "none" : `${vma.start}-${vma.end}`);

function tree(...areas: readonly (readonly [number, number])[]): VmaTree {
  const result = new VmaTree();
  for (const [start, end] of areas) result.insert(area(start, end));
  return result;
}

describe("VmaTree", () => {
  it("finds the area of an address or the next one", () => {
    const t = tree([30, 40], [10, 20], [20, 25]);
    const found = [0, 10, 19, 20, 24, 25, 39, 40].map((addr) => bounds(t.find(addr)));
    expect(found).to.deep.equal(["10-20", "10-20", "10-20", "20-25", "20-25", "30-40", "30-40", "none"]);
    expect([9, 15, 27, 40].map((addr) => bounds(t.lookup(addr)))).to.deep.equal(["none", "10-20", "none", "none"]);
    expect([10, 20, 29, 50].map((addr) => bounds(t.findPrev(addr)))).to.deep.equal(["none", "10-20", "20-25", "30-40"]);
    expect(bounds(t.findIntersection(25, 30))).to.equal("none");
    expect(bounds(t.findIntersection(25, 31))).to.equal("30-40");
    expect(t.count).to.equal(3);
    expect([bounds(t.first()), bounds(t.last())]).to.deep.equal(["10-20", "30-40"]);
  });

  it("steps to neighbours, also from an area that has been removed", () => {
    const t = tree([10, 20], [20, 30], [40, 50]);
    const middle = t.lookup(20)!;
    expect([bounds(t.prev(middle)), bounds(t.next(middle))]).to.deep.equal(["10-20", "40-50"]);
    t.remove(middle);
    expect([bounds(t.prev(middle)), bounds(t.next(middle))]).to.deep.equal(["10-20", "40-50"]);
  });

  it("goes on behind an area that is cut or removed during the walk", () => {
    const t = tree([10, 20], [20, 30], [30, 40], [50, 60]);
    const seen: string[] = [];
    for (const vma of t.inRange(15, 51)) {
      seen.push(bounds(vma));
      if (vma.start === 20) t.remove(vma);
      if (vma.start === 30) vma.end = 35 as Va;
    }
    expect(seen).to.deep.equal(["10-20", "20-30", "30-40", "50-60"]);
    expect([...t].map(bounds)).to.deep.equal(["10-20", "30-35", "50-60"]);
  });

  it("does not accept overlap, emptiness or strangers", () => {
    const t = tree([10, 20], [30, 40]);
    for (const [start, end] of [[15, 16], [0, 11], [19, 30], [25, 31], [25, 25]] as const) {
      expect(() => t.insert(area(start, end)), `${start}-${end}`).to.throw("VmaTree.insert");
    }
    expect(() => t.remove(area(10, 20))).to.throw("VmaTree.remove");
    t.insert(area(20, 30));
    expect([...t].map(bounds)).to.deep.equal(["10-20", "20-30", "30-40"]);
  });

  it("finds holes from below and from above", () => {
    const t = tree([10, 20], [24, 30], [31, 40]);
    //  holes: 0-10, 20-24, 30-31, 40-
    expect(t.lowestGap(0, 100, 4)).to.equal(0);
    expect(t.lowestGap(7, 100, 4)).to.equal(20);
    expect(t.lowestGap(7, 100, 5)).to.equal(40);
    expect(t.lowestGap(15, 40, 5)).to.equal(undefined);
    expect(t.lowestGap(21, 35, 3)).to.equal(21);
    expect(t.highestGap(0, 100, 4)).to.equal(100);
    expect(t.highestGap(0, 42, 4)).to.equal(24);
    expect(t.highestGap(0, 35, 1)).to.equal(31);
    expect(t.highestGap(0, 30, 5)).to.equal(10);
    expect(t.highestGap(6, 30, 5)).to.equal(undefined);
    expect(t.highestGap(22, 30, 2)).to.equal(24);
    expect(tree().highestGap(3, 9, 6)).to.equal(9);
    expect(tree().lowestGap(3, 9, 7)).to.equal(undefined);
  });

  it("agrees with an array of cells", () => {
    const random = seededRandom(0x7ee);
    const size = 64;
    for (let round = 0; round < 200; round++) {
      const cells = new Array<Vma | undefined>(size).fill(undefined);
      const t = new VmaTree();
      for (let step = 0; step < 30; step++) {
        const start = random(size);
        const end = start + 1 + random(Math.min(8, size - start));
        const inside = [...new Set(cells.slice(start, end).filter((vma) => vma !== undefined))];
        if (inside.length === 0) {
          const vma = area(start, end);
          t.insert(vma);
          cells.fill(vma, start, end);
        } else if (random(2) === 0) {
          for (const vma of inside) {
            t.remove(vma);
            cells.fill(undefined, vma.start, vma.end);
          }
        }
        const at = random(size);
        expect(t.lookup(at)).to.equal(cells[at]);
        expect(t.find(at)).to.equal(cells.slice(at).find((vma) => vma !== undefined));
        const length = 1 + random(10);
        const [low, high] = [random(size), random(size)].sort((a, b) => a - b) as [number, number];
        const free = (from: number): boolean => from >= low && from + length <= high && cells.slice(from, from + length).every((vma) => vma === undefined);
        const places = Array.from({ length: size }, (_, from) => from).filter(free);
        expect(t.lowestGap(low, high, length), "lowest").to.equal(places[0]);
        const highest = places.at(-1);
        expect(t.highestGap(low, high, length), "highest").to.equal(highest === undefined ? undefined : highest + length);
      }
      expect([...t]).to.deep.equal([...new Set(cells)].filter((vma) => vma !== undefined));
      expect(t.count).to.equal([...t].length);
    }
  });
});
