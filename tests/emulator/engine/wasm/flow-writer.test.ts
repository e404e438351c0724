/** Flow graphs as nested blocks and loops: random programs take the same way as their graph. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { flowGraph } from "../../../../emulator/engine/wasm/flow-graph.js";
import { FlowWriter } from "../../../../emulator/engine/wasm/flow-writer.js";
import { seededRandom } from "../../../support/seed.js";

const I32_TYPE = 0x7f;
const EMPTY = 0x40;
const EQ = 0x46;
const STEPS = 40;
const LEAVE = -1;

/** A function that asks the host at each block where to go: `decide(block)` is the position among its successors, or LEAVE. */
function compile(successors: readonly (readonly number[])[], entries: readonly number[]): (entry: number, decide: (block: number) => number) => void {
  const module = new ModuleBuilder();
  const decide = module.importFunction("e", "decide", { parameters: [I32_TYPE], results: [I32_TYPE] });
  const code = new Code(1);
  const answer = code.local(I32_TYPE);
  const writer: FlowWriter = new FlowWriter({
    code,
    state: () => 0,
    known: () => 0,
    know: () => undefined,
    unknown: 0,
    enterLoop: () => undefined,
    block: (number) => {
      code.i32(number).call(decide).set(answer);
      for (const [position, next] of successors[number]!.entries()) {
        code.get(answer).i32(position).op(EQ).if(EMPTY);
        expect(writer.leadsTo(next)).to.equal(true);
        writer.branch(next);
        code.end();
      }
      code.return();
    },
  });
  writer.write(flowGraph(successors, entries));
  code.op(0);
  module.exportFunction("f", module.func({ parameters: [I32_TYPE], results: [] }, code));
  const compiled = new WebAssembly.Module(module.finish());
  return (entry, answerOf) => {
    (new WebAssembly.Instance(compiled, { e: { decide: answerOf } }).exports["f"] as (entry: number) => void)(entry);
  };
}

describe("the flow writer", () => {
  it("random graphs, irreducible ones and several entries included, are walked as they are drawn", () => {
    const below = seededRandom(7);
    for (let round = 0; round < 150; round++) {
      const n = 1 + below(10);
      const successors = Array.from({ length: n }, () => [...new Set(Array.from({ length: below(4) }, () => below(n)))]);
      const entries = [...new Set(Array.from({ length: 1 + below(3) }, () => below(n)))];
      const walk = compile(successors, entries);
      for (const entry of entries) {
        const way: number[] = [];
        let expected = entry;
        walk(entry, (block) => {
          expect(block, `after ${way.join()} of ${JSON.stringify(successors)}`).to.equal(expected);
          way.push(block);
          const next = successors[block]!;
          if (next.length === 0 || way.length === STEPS) return LEAVE;
          const position = below(next.length);
          expected = next[position]!;
          return position;
        });
        expect(way.length).to.be.greaterThan(0);
      }
    }
  });
});
