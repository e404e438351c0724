/** Writes a reducible flow graph as nested blocks and loops of one function. */
import type { Code, Local } from "./binary/code.js";
import type { FlowNode } from "./flow-graph.js";

export interface FlowHost {
  readonly code: Code;
  /** Local with the number of the block that a dispatcher is to go to. */
  readonly state: () => Local;
  /** Writes the code of a block, which ends in calls of `FlowWriter.branch` and `leave`s of its own. */
  block(number: number): void;
  /** The block is a loop that nothing else leads back to, and is going to be entered. */
  enterLoop(number: number): void;
  /** What is known where code is being written, and back to it. */
  known(): number;
  know(what: number): void;
  /** Nothing is known. */
  readonly unknown: number;
}

export class FlowWriter {
  private readonly host: FlowHost;
  private readonly loops = new Map<FlowNode, number>();
  private readonly merges = new Map<FlowNode, number>();
  /** What is known on all ways to a node that have been written. */
  private readonly facts = new Map<FlowNode, number>();
  private current: FlowNode | undefined;

  constructor(host: FlowHost) {
    this.host = host;
  }

  write(root: FlowNode): void {
    this.host.know(this.host.unknown);
    this.tree(root);
  }

  private tree(node: FlowNode): void {
    const { host } = this;
    const { code } = host;
    const looped = node.isLoop;
    if (looped) {
      if (node.isAlone) host.enterLoop(node.block!);
      this.loops.set(node, code.loop());
      host.know(host.unknown);
    }
    const merged = node.dominated.filter((child) => child.ways > 1).sort((a, b) => a.order - b.order);
    for (const child of [...merged].reverse()) this.merges.set(child, code.block());
    this.current = node;
    if (node.block === undefined) this.dispatch(node);
    else host.block(node.block);
    for (const child of merged) {
      code.end();
      host.know(this.facts.get(child) ?? host.unknown);
      this.tree(child);
    }
    if (looped) code.end();
  }

  private dispatch(node: FlowNode): void {
    const { host } = this;
    const labels: number[] = [];
    const highest = Math.max(...node.hops.keys());
    let last = 0;
    for (let block = 0; block <= highest; block++) {
      const next = node.hops.get(block);
      if (next !== undefined) {
        last = this.label(node, next);
        this.meet(next);
      }
      labels.push(last);
    }
    host.code.get(host.state()).brTable(labels, last);
  }

  private label(from: FlowNode, to: FlowNode): number {
    return to.order <= from.order ? this.loops.get(to)! : this.merges.get(to)!;
  }

  private meet(node: FlowNode): void {
    const known = this.host.known();
    const before = this.facts.get(node);
    this.facts.set(node, before === undefined || before === known ? known : this.host.unknown);
  }

  /** Whether the block that is being written may go to this block inside the function. */
  leadsTo(block: number): boolean {
    return this.current?.hops.has(block) === true;
  }

  /** From the block that is being written to the block `target`, one that it leads to. The last thing on its way. */
  branch(target: number): void {
    const { host } = this;
    const from = this.current!;
    const next = from.hops.get(target)!;
    if (next.block === undefined) host.code.i32(target).set(host.state());
    if (next.order <= from.order || next.ways > 1) {
      this.meet(next);
      host.code.br(this.label(from, next));
      return;
    }
    this.tree(next);
    this.current = from;
  }
}
