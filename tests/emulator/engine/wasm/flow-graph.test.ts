/** Flow graphs of regions: loops with one head, dominators. */
import { expect } from "chai";
import { flowGraph, type FlowNode } from "../../../../emulator/engine/wasm/flow-graph.js";
import { seededRandom } from "../../../support/seed.js";

function nodesOf(root: FlowNode): FlowNode[] {
  const seen = new Set<FlowNode>([root]);
  for (const node of seen) for (const next of node.hops.values()) seen.add(next);
  return [...seen];
}

/** What is wrong with a graph. */
function faults(root: FlowNode): string[] {
  const nodes = nodesOf(root);
  const wrong: string[] = [];
  const dominates = (a: FlowNode, b: FlowNode): boolean => {
    for (let at: FlowNode | undefined = b; at !== undefined; at = at.dominator) if (at === a) return true;
    return false;
  };
  // A dominates B if B cannot be reached without A: by brute force.
  const reachableWithout = (without: FlowNode): Set<FlowNode> => {
    if (without === root) return new Set();
    const seen = new Set<FlowNode>([root]);
    for (const node of seen) for (const next of node.hops.values()) if (next !== without) seen.add(next);
    return seen;
  };
  for (const a of nodes) {
    const free = reachableWithout(a);
    for (const b of nodes) if (dominates(a, b) !== (a === b || !free.has(b))) wrong.push(`dominance of ${String(a.block)} over ${String(b.block)}`);
    for (const next of a.hops.values()) {
      // Backward: only to a head of a loop that dominates.
      if (next.order <= a.order && (!next.isLoop || !dominates(next, a))) wrong.push(`edge ${String(a.block)} to ${String(next.block)} is no way back to a head`);
    }
  }
  return wrong;
}

describe("the flow graph", () => {
  it("a loop with one entry stays as it is", () => {
    const root = flowGraph([[1], [2, 3], [1], []], [0]);
    expect(root.block).to.equal(0);
    expect(nodesOf(root).filter(({ isLoop }) => isLoop).map(({ block }) => block)).to.deep.equal([1]);
    expect(nodesOf(root).every(({ block }) => block !== undefined)).to.equal(true);
  });

  it("a loop with two entries gets a dispatcher, and so do several entries of the region", () => {
    const irreducible = nodesOf(flowGraph([[1, 2], [2], [1]], [0]));
    expect(irreducible.filter(({ block }) => block === undefined).length).to.equal(1);
    const two = flowGraph([[1], []], [0, 1]);
    expect(two.block).to.equal(undefined);
    expect([...two.hops.keys()].sort((a, b) => a - b)).to.deep.equal([0, 1]);
  });

  it("a loop of one block in a loop with two entries goes back to itself, and counts its ways on twice if its code is there twice", () => {
    for (const twice of [false, true]) {
      const root = flowGraph([[1], [1, 2], [0, 3], []], [0, 1], () => twice);
      const inner = nodesOf(root).find(({ block }) => block === 1)!;
      expect([inner.isLoop, inner.isAlone, inner.hops.get(1)]).to.deep.equal([true, true, inner]);
      const after = inner.hops.get(2)!;
      expect([after.block, after.ways, after.isAlone]).to.deep.equal([2, twice ? 2 : 1, false]);
    }
  });

  it("a block that something else leads back to, too, is no loop by itself", () => {
    expect(nodesOf(flowGraph([[0, 1], [0, 2], []], [0], () => true)).some(({ isAlone }) => isAlone)).to.equal(false);
  });

  it("random graphs become reducible, keep their ways, and have right dominators", () => {
    const below = seededRandom();
    for (let round = 0; round < 400; round++) {
      const n = 1 + below(12);
      const successors = Array.from({ length: n }, () => [...new Set(Array.from({ length: below(4) }, () => below(n)))]);
      const entries = [...new Set(Array.from({ length: 1 + below(3) }, () => below(n)))];
      const root = flowGraph(successors, entries);
      expect(faults(root), JSON.stringify({ successors, entries })).to.deep.equal([]);
      // From each block, through dispatchers, to each of its successors.
      for (const node of nodesOf(root)) {
        if (node.block === undefined) continue;
        for (const target of successors[node.block]!) {
          let at = node.hops.get(target);
          while (at !== undefined && at.block === undefined) at = at.hops.get(target);
          expect(at?.block).to.equal(target);
        }
      }
    }
  });
});
