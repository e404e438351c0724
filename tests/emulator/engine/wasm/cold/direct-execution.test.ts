/** Instructions carried out on the cells, with accesses that the test answers. */
import { expect } from "chai";
import { ENCODINGS } from "../../../../../emulator/engine/wasm/a64/encodings.js";
import { DirectExecution } from "../../../../../emulator/engine/wasm/cold/direct-execution.js";
import { Decoder } from "../../../../../emulator/engine/wasm/decode/decoder.js";
import { ACCESS_PC, ENGINE_BYTES, PC } from "../../../../../emulator/engine/wasm/layout.js";
import { assemble } from "../../../../support/assembly.js";

const START = 0x40_0000;
const decoder = new Decoder(ENCODINGS);

/** A place for everything below 2^32, at the address itself; what is above is refused. */
function bench() {
  const buffer = new ArrayBuffer(ENGINE_BYTES + 4096);
  const cells = new Uint32Array(buffer, 4096);
  const x = new BigUint64Array(buffer, 4096);
  const seen: string[] = [];
  const answer = (what: string, low: number, high: number, bytes: number, refused: number): number => {
    seen.push(`${what} ${(high >>> 0) * 2 ** 32 + (low >>> 0)} ${bytes}`);
    return high === 0 ? low : refused;
  };
  const direct = new DirectExecution({
    cells,
    tracePcs: true,
    accesses: {
      load: (low, high, bytes) => answer("load", low, high, bytes, -1),
      store: (low, high, bytes) => (answer("store", low, high, bytes, -1) === -1 ? 1 : 0),
      loadRun: (low, high, bytes, total) => answer(`loads of ${bytes}`, low, high, total, -1),
      storeRun: (low, high, bytes, total) => answer(`stores of ${bytes}`, low, high, total, -1),
    },
  });
  const run = (source: string): void => {
    direct.beginBlock();
    for (const [index, word] of [...new Uint32Array(assemble(source).slice().buffer)].entries()) {
      direct.begin(START + 4 * index, word);
      decoder.find(word)!.translate(direct, word);
    }
  };
  return { buffer, cells, x, seen, direct, run };
}

describe("direct execution", () => {
  it("reads and writes the registers where they lie", () => {
    const { x, run } = bench();
    x[1] = 0xffff_ffff_0000_0001n;
    x[31] = 0x1000n;
    run("add x0, x1, x1\nadd w2, w1, w1\nsub sp, sp, #16\nmov x3, xzr\nadr x4, .");
    expect([...x.subarray(0, 5)]).to.deep.equal([0xffff_fffe_0000_0002n, 0xffff_ffff_0000_0001n, 2n, 0n, BigInt(START + 16)]);
    expect(x[31]).to.equal(0xff0n);
  });

  it("keeps flags as operands, and compares them", () => {
    const { x, run } = bench();
    x[1] = 5n;
    run("cmp x1, #6\ncset x2, lo\ncset x3, eq\nccmp x1, #5, #0, ne\ncset x4, eq\nmrs x5, nzcv");
    expect([...x.subarray(2, 6)]).to.deep.equal([1n, 0n, 1n, 0x6000_0000n]);
  });

  it("loads and stores, and counts it", () => {
    const { buffer, x, seen, direct, run } = bench();
    new BigUint64Array(buffer, 0x100, 2).set([0x8877_6655_4433_2211n, 2n]);
    x[1] = 0x100n;
    run("ldrsb x0, [x1, #7]");
    expect(x[0]).to.equal(0xffff_ffff_ffff_ff88n);
    expect([direct.loads, direct.stores]).to.deep.equal([1, 0]);
    run("ldp x2, x3, [x1], #16");
    expect([x[1], x[2], x[3]]).to.deep.equal([0x110n, 0x8877_6655_4433_2211n, 2n]);
    expect([direct.loads, direct.stores]).to.deep.equal([2, 0]);
    run("stp w2, w3, [x1]");
    expect([direct.loads, direct.stores]).to.deep.equal([0, 2]);
    expect(seen).to.deep.equal(["load 263 1", "loads of 8 256 16", "stores of 4 272 8"]);
  });

  it("a refused access leaves everything as it was", () => {
    const { x, direct, run } = bench();
    x[1] = 2n ** 40n;
    x[0] = 77n;
    for (const [source, refused] of [["ldr x0, [x1], #8", "single"], ["str x0, [x1, #8]!", "single"], ["ldp x0, x2, [x1, #16]!", "load"], ["stp x0, x2, [x1], #16", "store"], ["ldadd x0, x0, [x1]", "single"]] as const) {
      run(source);
      expect([direct.refused, direct.ended, x[0], x[1], x[2]], source).to.deep.equal([refused, true, 77n, 2n ** 40n, 0n]);
    }
  });

  it("notes where an access was made", () => {
    const { x, cells, run } = bench();
    run("nop\nldr x0, [x1]");
    expect(cells[ACCESS_PC / 4]).to.equal(START + 4);
    expect(x[0]).to.equal(0n);
  });

  it("branches, without the tag of an address", () => {
    const { x, direct, run } = bench();
    run("bl .-4");
    expect([direct.ended, direct.indirect, x[PC / 8], x[30]]).to.deep.equal([true, false, BigInt(START - 4), BigInt(START + 4)]);
    run("cbnz x30, .+8");
    expect(x[PC / 8]).to.equal(BigInt(START + 8));
    run("cbz x30, .+8");
    expect(x[PC / 8]).to.equal(BigInt(START + 4));
    x[7] = 0x5a00_1234_5678_9abcn;
    run("br x7");
    expect([direct.indirect, x[PC / 8]]).to.deep.equal([true, 0x1234_5678_9abcn]);
    x[7] = 0x5a80_1234_5678_9abcn;
    run("br x7");
    expect(x[PC / 8]).to.equal(0x5a80_1234_5678_9abcn);
  });
});
