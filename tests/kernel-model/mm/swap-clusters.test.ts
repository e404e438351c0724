/**
 * Which slots are handed out: clusters by order, fragments, and what half-full swap space takes from the swap cache.
 */
import { expect } from "chai";
import { SwapClusters, type SlotUsage } from "../../../kernel-model/mm/swap-clusters.js";

/** Clusters of 16 slots, orders 0 to 4, without the header in the way of the first tests' arithmetic: cluster 0 is never free. */
class Area {
  readonly used: SlotUsage[];
  readonly clusters: SwapClusters;
  full = false;
  /** Slots that the swap cache was asked to give up. */
  readonly reclaimed: number[] = [];

  constructor(max: number, nrOrders = 5) {
    this.used = new Array<SlotUsage>(max).fill("free");
    this.used[0] = "used";
    this.clusters = new SwapClusters({
      max,
      clusterSize: 16,
      nrOrders,
      pmdOrder: 4,
      usage: (offset) => this.used[offset]!,
      vmSwapFull: () => this.full,
      reclaim: (offset) => {
        this.reclaimed.push(offset);
        this.free(offset);
        return 1;
      },
    });
  }

  take(order: number): number {
    const at = this.clusters.allocate(order);
    if (at !== 0) this.used.fill("used", at, at + 2 ** order);
    return at;
  }

  free(offset: number, nr = 1): void {
    this.used.fill("free", offset, offset + nr);
    this.clusters.release(offset, nr);
  }
}

const times = (n: number, work: () => number): number[] => Array.from({ length: n }, work);

describe("SwapClusters", () => {
  it("each order fills a cluster of its own, in order and aligned", () => {
    const area = new Area(16 * 8);
    const [a] = times(1, () => area.take(2));
    expect(a! % 16, "a fresh cluster").to.equal(0);
    const b = area.take(0);
    expect(b % 16).to.equal(0);
    expect(b).to.not.equal(a);
    expect(times(3, () => area.take(2))).to.deep.equal([a! + 4, a! + 8, a! + 12]);
    expect(times(2, () => area.take(0))).to.deep.equal([b + 1, b + 2]);
  });

  it("the cluster with the header is the last resort of single slots", () => {
    const area = new Area(32);
    const first = times(16, () => area.take(0));
    expect(first).to.deep.equal(Array.from({ length: 16 }, (_, i) => 16 + i));
    expect(times(15, () => area.take(0))).to.deep.equal(Array.from({ length: 15 }, (_, i) => 1 + i));
    expect(area.take(0), "full").to.equal(0);
    expect(area.clusters.slotsInUse).to.equal(32);
  });

  it("slots behind the end of the area are never handed out", () => {
    const area = new Area(16 + 5);
    expect(times(21, () => area.take(0)).filter((at) => at !== 0)).to.have.length(20);
    expect(Math.max(...area.used.map((usage, i) => (usage === "used" ? i : 0)))).to.equal(20);
  });

  it("a cluster that is emptied serves any order again, after those that were free before", () => {
    const area = new Area(16 * 4);
    const [a, b] = [area.take(3), area.take(3)];
    area.free(a, 8);
    area.free(b, 8);
    const order = times(3, () => area.take(4));
    expect(order.map((at) => at / 16)).to.have.members([1, 2, 3]);
    expect(order.at(-1)).to.equal(a - (a % 16));
  });

  it("large groups fail when only fragments are left, single slots take them", () => {
    const area = new Area(16 * 3);
    const groups = times(8, () => area.take(2));
    expect(groups).to.not.include(0);
    for (const at of groups) area.free(at + 1);
    expect(area.take(2), "holes of one slot").to.equal(0);
    expect(area.take(1)).to.equal(0);
    const singles = times(8 + 15, () => area.take(0));
    expect(singles).to.not.include(0);
    expect(area.take(0)).to.equal(0);
  });

  it("searches clusters of its order before it gives up, and finds what was freed", () => {
    const area = new Area(16 * 3);
    const groups = times(8, () => area.take(2));
    area.free(groups[5]!, 4);
    area.free(groups[1]!, 4);
    expect([area.take(2), area.take(2)].sort((x, y) => x - y)).to.deep.equal([groups[1], groups[5]].sort((x, y) => x! - y!));
    expect(area.take(2)).to.equal(0);
  });

  it("slots of the swap cache alone are left alone until swap is half full, then given up", () => {
    const area = new Area(32, 1);
    times(31, () => area.take(0));
    area.used[20] = "cached";
    expect(area.take(0)).to.equal(0);
    expect(area.reclaimed).to.deep.equal([]);
    area.full = true;
    expect(area.take(0)).to.equal(20);
    expect(area.reclaimed).to.deep.equal([20]);
  });
});
