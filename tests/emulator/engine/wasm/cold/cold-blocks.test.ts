/** Blocks that are carried out instruction by instruction: how far, and what was done. */
import { expect } from "chai";
import { ENCODINGS } from "../../../../../emulator/engine/wasm/a64/encodings.js";
import { coldBlock, DIRECT_ROWS, DIRECT_VECTORS, NOT_DIRECT, runColdBlock } from "../../../../../emulator/engine/wasm/cold/cold-blocks.js";
import { DirectExecution } from "../../../../../emulator/engine/wasm/cold/direct-execution.js";
import { Decoder } from "../../../../../emulator/engine/wasm/decode/decoder.js";
import { ENGINE_BYTES, PC } from "../../../../../emulator/engine/wasm/layout.js";
import { assemble } from "../../../../support/assembly.js";
import { Random, TUNINGS, InstructionDifferential } from "../../../../support/instruction-differential.js";
import { randomWord } from "../../../../support/random-instructions.js";
import { knownDifference } from "../../../../support/known-differences.js";
import { runSeed } from "../../../../support/seed.js";

const START = 0x40_0000;
const decoder = new Decoder(ENCODINGS);

function block(source: string, ...more: number[]) {
  return coldBlock(START, [...new Uint32Array(assemble(source).slice().buffer), ...more], (word) => decoder.find(word));
}

function bench() {
  const cells = new Uint32Array(ENGINE_BYTES / 4);
  const refused = (): number => -1;
  const direct = new DirectExecution({ cells, tracePcs: false, accesses: { load: () => 0, store: refused, loadRun: () => 0, storeRun: refused } });
  return { cells, direct };
}

describe("cold blocks", () => {
  it("have integer instructions, loads and stores, and a few of vectors", () => {
    expect(block("add x0, x0, #1\nldp q0, q1, [x2]\nldadd x1, x2, [x3]\nudiv x4, x5, x6\nmsr fpcr, x0\nsvc #0")).to.include({ start: START, runs: 0 });
    for (const source of ["fadd d0, d0, d1", "mul v0.4s, v1.4s, v2.4s", "crc32b w0, w1, w2", "dc zva, x0"]) expect(block(`nop\n${source}\nret`), source).to.equal(undefined);
  });

  it("their rows are in the decode table under these names", () => {
    const names = new Set(ENCODINGS.map(({ name }) => name));
    expect([...DIRECT_VECTORS, ...NOT_DIRECT].filter((name) => !names.has(name))).to.deep.equal([]);
    expect([...DIRECT_ROWS].filter(({ name }) => NOT_DIRECT.includes(name))).to.deep.equal([]);
  });

  it("run to their end, or as far as they may", () => {
    const { cells, direct } = bench();
    const three = block("ldr x0, [x1]\nadd x2, x2, #1\nb .+64")!;
    expect(runColdBlock(direct, three, Infinity)).to.deep.equal({ instructions: 3, loads: 1, stores: 0, site: undefined });
    expect(cells[PC / 4]).to.equal(START + 72);
    expect(runColdBlock(direct, three, 2)).to.deep.equal({ instructions: 2, loads: 1, stores: 0, site: undefined });
    expect(cells[PC / 4]).to.equal(START + 8);
    expect(cells[4]).to.equal(2);
    expect(runColdBlock(direct, block("nop\nnop")!, Infinity).instructions, "no branch at the end").to.equal(2);
    expect(cells[PC / 4]).to.equal(START + 8);
  });

  it("an exit is at its instruction, SVC behind it", () => {
    const { cells, direct } = bench();
    for (const [ending, kind, done] of [["svc #0", "svc", 2], ["brk #1", "breakpoint", 1], [undefined, "undefined-instruction", 1]] as const) {
      const { site, instructions } = runColdBlock(direct, ending === undefined ? block("nop", 0)! : block(`nop\n${ending}`)!, Infinity);
      expect([site?.kind, site?.index, instructions, cells[PC / 4]], kind).to.deep.equal([kind, done, done, START + 4 * done]);
    }
  });

  it("a refused access says what its instruction had done", () => {
    const { cells, direct } = bench();
    const { site, instructions, loads, stores } = runColdBlock(direct, block("ldr x0, [x1]\nldadd x2, x3, [x1]\nnop")!, Infinity);
    expect([instructions, loads, stores, cells[PC / 4]]).to.deep.equal([1, 2, 0, START + 4]);
    expect(site).to.deep.include({ kind: "access", index: 1, ownLoads: 1, ownStores: 0, run: undefined });
    expect(runColdBlock(direct, block("stp x0, x1, [x2]")!, Infinity).site).to.deep.include({ kind: "access", index: 0, ownStores: 0, run: "store" });
  });

  it("their instructions do what those of the reference engine do", () => {
    const random = new Random(runSeed());
    const cases = Array.from({ length: 40 }, () => [...DIRECT_ROWS]).flat().map((row) => randomWord(row, random)).filter((word) => word !== undefined && knownDifference(word) === undefined);
    const engines = new InstructionDifferential(random, TUNINGS[0]);
    try {
      expect(engines.run(cases.map((word) => [word!])).map(({ words, lines }) => `${words[0]!.toString(16)}: ${lines.join("; ")}`)).to.deep.equal([]);
    } finally {
      engines.dispose();
    }
  }).timeout(60_000);
});
