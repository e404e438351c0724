/** The cache of translated code: slots stay, frames are forgotten, and what is forgotten is used again. */
import { expect } from "chai";
import { CodeCache } from "../../../../emulator/engine/wasm/code-cache.js";
import { Decoder } from "../../../../emulator/engine/wasm/decode/decoder.js";
import { ENCODINGS } from "../../../../emulator/engine/wasm/a64/encodings.js";
import { ENGINE_BYTES } from "../../../../emulator/engine/wasm/layout.js";
import { createRuntime } from "../../../../emulator/engine/wasm/runtime.js";
import { SiteTable } from "../../../../emulator/engine/wasm/sites.js";

const RAM = 0x10000;
const START = 0x40_0000;
const NOP = 0xd503_201f;
const SVC = 0xd400_0001;

function cacheOf(coldRuns = 0) {
  const memoryPages = (RAM + ENGINE_BYTES) / 65536;
  const memory = new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages });
  const ram = new Uint32Array(memory.buffer, 0, RAM / 4);
  const sites = new SiteTable();
  const shared = { base: RAM, memoryPages, pageSize: 4096, tracePcs: false, memory, regionsAtOnce: false, coldRuns };
  const cache = new CodeCache({ ...shared, ram, decoder: new Decoder(ENCODINGS), sites });
  const runtime = createRuntime({ base: RAM, memoryPages, pageSize: 4096, tracePcs: false, filterPages: 1, fetchPages: 1, trace: true }, { memory, table: cache.table, grant: () => -1, codeOrder: () => 0, wrote: () => undefined, drain: () => undefined, interpret: () => undefined });
  cache.connect(runtime.exports);
  return { cache, ram, sites };
}

describe("code cache of the wasm engine", () => {
  it("an address keeps its slot, which gets code when it is asked for", () => {
    const { cache, ram } = cacheOf();
    ram.set([NOP, SVC], 0x1000 / 4);
    const page = cache.page(START, 1);
    expect(cache.page(START, 1)).to.equal(page);
    const slot = cache.code(page, START);
    expect(cache.code(page, START)).to.equal(slot);
    expect(cache.code(page, START + 4)).to.not.equal(slot);
  });

  it("a frame that is forgotten gives back its slots and sites", () => {
    const { cache, ram, sites } = cacheOf();
    ram.set([NOP, SVC], 0x1000 / 4);
    for (let turn = 0; turn < 50; turn++) {
      expect(cache.code(cache.page(START, 1), START)).to.be.below(10);
      expect(sites.size).to.be.greaterThan(0);
      expect(cache.drop(1)).to.equal(true);
      expect(cache.drop(1)).to.equal(false);
      expect(sites.size).to.equal(0);
    }
  });

  it("blocks of a frame whose code was forgotten wait longer for code, up to eight times as long", () => {
    const { cache, ram } = cacheOf(3);
    ram.set([NOP, SVC], 0x1000 / 4);
    ram.set([NOP, SVC], 0x2000 / 4);
    /** How often a block of a new page is carried out before it is translated. */
    const runs = (frame: number): number => {
      const page = cache.page(START, frame);
      let count = 0;
      while (cache.coldBlock(page, START) !== undefined) count++;
      cache.code(page, START);
      return count;
    };
    expect([1, 2, 3, 4, 5].map(() => {
      const count = runs(1);
      cache.drop(1);
      return count;
    })).to.deep.equal([3, 6, 12, 24, 24]);
    expect(runs(2), "another frame").to.equal(3);
    // Nothing of it had been translated.
    cache.drop(2);
    cache.coldBlock(cache.page(START, 2), START);
    cache.drop(2);
    expect(runs(2)).to.equal(6);
  });

  it("the same frame at two addresses has code for each", () => {
    const { cache, ram } = cacheOf();
    ram.set([NOP, SVC], 0x1000 / 4);
    expect(cache.page(START, 1)).to.not.equal(cache.page(2 * START, 1));
  });
});
