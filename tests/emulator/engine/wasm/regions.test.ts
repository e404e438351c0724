/** Regions of guest code: which blocks belong together, and where they are entered. */
import { expect } from "chai";
import { scanBlock, type ScannedBlock } from "../../../../emulator/engine/wasm/guest-code.js";
import { regionAround } from "../../../../emulator/engine/wasm/regions.js";
import { assemble } from "../../../support/assembly.js";

const PAGE = 0x10000;

function known(source: string, starts: readonly number[], arrivals: readonly number[]) {
  const words = new Uint32Array(assemble(source).slice().buffer);
  const scan = (start: number): ScannedBlock => scanBlock(start, PAGE, 4096, (pc) => words[(pc - PAGE) / 4] ?? 0);
  return { scan, blocks: starts.map(scan), arrivals: new Set(arrivals) };
}

describe("regions of guest code", () => {
  it("a loop of two blocks is entered at its head alone", () => {
    // 0: mov, 4: head, 8: tbz, c: add, 10: subs, 14: b.ne head, 18: ret
    const code = known("mov x0, #3\n1: add x1, x1, #1\n tbz x1, #0, 2f\n add x2, x2, #1\n2: subs x0, x0, #1\n b.ne 1b\n ret", [PAGE], [PAGE]);
    const { blocks, entries } = regionAround(code, PAGE + 0xc);
    const starts = blocks.map(({ start }) => start - PAGE);
    expect(starts).to.include.members([0xc, 0x10, 4, 0x18]);
    expect(entries.map((entry) => starts[entry])).to.include(4);
    expect(entries.map((entry) => starts[entry])).to.not.include.members([0xc]);
  });

  it("a block begun where an exit had left another is no block of the region", () => {
    const code = known("1: add x1, x1, #1\n add x2, x2, #1\n subs x0, x0, #1\n b.ne 1b\n ret", [PAGE, PAGE + 8], [PAGE]);
    expect(regionAround(code, PAGE).blocks.map(({ start, words }) => [start - PAGE, words.length])).to.deep.equal([[0, 4], [0x10, 1]]);
  });

  it("a call comes back to an entry", () => {
    const code = known("1: bl 2f\n subs x0, x0, #1\n b.ne 1b\n ret\n2: ret", [PAGE], [PAGE]);
    const { blocks, entries } = regionAround(code, PAGE);
    expect(entries.map((entry) => blocks[entry]!.start - PAGE)).to.include.members([0, 4]);
  });
});
