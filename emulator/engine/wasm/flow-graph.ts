/**
 * The control flow of a region as WebAssembly can say it: reducible, with loops that have one head.
 *
 * Blocks are numbered. A region may be entered at several blocks, and a loop may be entered at several places: then a dispatcher node goes
 * before them, which branches by the number of the block that is meant. Source: N. Ramsey, "Beyond Relooper" (ICFP 2022), for the
 * form; LLVM's WebAssemblyFixIrreducibleControlFlow for the dispatchers.
 */

/** A node: a block, or a dispatcher. `hops`: for each block that may be next, the node to go to. */
export interface FlowNode {
  /** Number of the block; undefined: a dispatcher. */
  readonly block: number | undefined;
  readonly hops: Map<number, FlowNode>;
  /** Place in reverse postorder; -1: not reachable. */
  order: number;
  dominator: FlowNode | undefined;
  readonly dominated: FlowNode[];
  isLoop: boolean;
  /** It is a loop by itself: nothing else leads back to it. */
  isAlone: boolean;
  /** Ways that lead here from nodes earlier in the order. */
  ways: number;
}

function newNode(block: number | undefined): FlowNode {
  return { block, hops: new Map(), order: -1, dominator: undefined, dominated: [], isLoop: false, isAlone: false, ways: 0 };
}

/** Strongly connected components of `nodes`, without the edges into `head`. Tarjan. */
function components(nodes: ReadonlySet<FlowNode>, head: FlowNode): FlowNode[][] {
  const index = new Map<FlowNode, number>();
  const low = new Map<FlowNode, number>();
  const stack: FlowNode[] = [];
  const onStack = new Set<FlowNode>();
  const found: FlowNode[][] = [];
  const visit = (node: FlowNode): void => {
    index.set(node, index.size);
    low.set(node, index.get(node)!);
    stack.push(node);
    onStack.add(node);
    for (const next of node.hops.values()) {
      if (next === head || !nodes.has(next)) continue;
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node)!, low.get(next)!));
      } else if (onStack.has(next)) low.set(node, Math.min(low.get(node)!, index.get(next)!));
    }
    if (low.get(node) !== index.get(node)) return;
    const component: FlowNode[] = [];
    for (;;) {
      const member = stack.pop()!;
      onStack.delete(member);
      component.push(member);
      if (member === node) break;
    }
    found.push(component);
  };
  for (const node of nodes) if (!index.has(node)) visit(node);
  return found;
}

/** The nodes of the loop that the other entries lead to on a way that `entry` is not on. */
function reachedBeside(members: ReadonlySet<FlowNode>, entries: ReadonlySet<FlowNode>, entry: FlowNode): ReadonlySet<FlowNode> {
  const reached = new Set([...entries].filter((other) => other !== entry));
  for (const node of reached) for (const next of node.hops.values()) if (next !== entry && members.has(next)) reached.add(next);
  return reached;
}

/** Gives every loop inside `nodes` one head; `head` is the head of the loop that they are, or what leads to them. */
function singleHeads(all: Set<FlowNode>, nodes: ReadonlySet<FlowNode>, head: FlowNode): void {
  for (const component of components(nodes, head)) {
    const members = new Set(component);
    const first = component[0]!;
    if (component.length === 1 && ![...first.hops.values()].includes(first)) continue;
    const entries = new Set<FlowNode>();
    for (const node of all) if (!members.has(node)) for (const next of node.hops.values()) if (members.has(next)) entries.add(next);
    let loopHead = [...entries][0]!;
    if (entries.size > 1) {
      loopHead = newNode(undefined);
      const before = new Map([...entries].map((entry) => [entry, reachedBeside(members, entries, entry)]));
      for (const node of all) for (const [block, next] of node.hops) {
        // Back to an entry that leads there alone: a loop of its own, which need not ask where to go.
        if (!entries.has(next) || (members.has(node) && !before.get(next)!.has(node))) continue;
        loopHead.hops.set(block, next);
        node.hops.set(block, loopHead);
      }
      all.add(loopHead);
      members.add(loopHead);
    }
    members.delete(loopHead);
    singleHeads(all, members, loopHead);
  }
}

function postorder(root: FlowNode): FlowNode[] {
  const seen = new Set<FlowNode>([root]);
  const out: FlowNode[] = [];
  const visit = (node: FlowNode): void => {
    for (const next of node.hops.values()) {
      if (seen.has(next)) continue;
      seen.add(next);
      visit(next);
    }
    out.push(node);
  };
  visit(root);
  return out;
}

/** Immediate dominators. Source: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm". */
function dominators(order: readonly FlowNode[]): void {
  const root = order[0]!;
  const before = new Map<FlowNode, FlowNode[]>(order.map((node) => [node, []]));
  for (const node of order) for (const next of new Set(node.hops.values())) before.get(next)!.push(node);
  const meet = (a: FlowNode, b: FlowNode): FlowNode => {
    while (a !== b) {
      while (a.order > b.order) a = a.dominator!;
      while (b.order > a.order) b = b.dominator!;
    }
    return a;
  };
  root.dominator = root;
  for (let changed = true; changed;) {
    changed = false;
    for (const node of order.slice(1)) {
      let dominator: FlowNode | undefined;
      for (const previous of before.get(node)!) if (previous.dominator !== undefined) dominator = dominator === undefined ? previous : meet(previous, dominator);
      if (node.dominator !== dominator) {
        node.dominator = dominator;
        changed = true;
      }
    }
  }
  root.dominator = undefined;
  for (const node of order) node.dominator?.dominated.push(node);
}

/** A block by itself, and perhaps its own loop: what most functions are. */
function singleBlock(loops: boolean): FlowNode {
  const node = newNode(0);
  node.order = 0;
  node.isLoop = node.isAlone = loops;
  if (loops) node.hops.set(0, node);
  return node;
}

/**
 * The graph of blocks 0 to `successors.length` - 1 that is entered at `entries`: its root, reducible, with dominators and loops noted. If there are several
 * entries the root is a dispatcher. `isTwice`: of a block that is a loop by itself, whether its code is going to be there twice.
 */
export function flowGraph(successors: readonly (readonly number[])[], entries: readonly number[], isTwice: (block: number) => boolean = () => false): FlowNode {
  if (successors.length === 1) return singleBlock(successors[0]!.length > 0);
  const blocks = successors.map((_, block) => newNode(block));
  for (const [block, next] of successors.entries()) for (const target of next) blocks[block]!.hops.set(target, blocks[target]!);
  const outside = newNode(undefined);
  for (const block of entries) outside.hops.set(block, blocks[block]!);
  const reachable = new Set(postorder(outside));
  const inner = new Set(reachable);
  inner.delete(outside);
  singleHeads(reachable, inner, outside);
  const [only, ...others] = new Set(outside.hops.values());
  const root = others.length === 0 ? only! : outside;
  const order = postorder(root).reverse();
  for (const [place, node] of order.entries()) node.order = place;
  dominators(order);
  const back = new Map<FlowNode, FlowNode[]>();
  for (const node of order) for (const next of node.hops.values()) if (next.order <= node.order) back.set(next, [...(back.get(next) ?? []), node]);
  for (const [head, from] of back) {
    head.isLoop = true;
    head.isAlone = head.block !== undefined && from.every((node) => node === head);
  }
  for (const node of order) {
    const ways = node.block === undefined || (node.isAlone && isTwice(node.block)) ? 2 : 1;
    for (const next of node.hops.values()) if (next.order > node.order) next.ways += ways;
  }
  return root;
}
