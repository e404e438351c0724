/* Marker instructions of the recorded program become breakpoints. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { GoldenPrograms } from "../../../lab/golden/runner.js";
import { withMarkersAsBreakpoints } from "../../../lab/golden/tlbi-markers.js";

const count = (program: Uint8Array, word: number): number => {
  const words = new DataView(program.buffer, program.byteOffset, program.byteLength - (program.byteLength % 4));
  let found = 0;
  for (let at = 0; at < words.byteLength; at += 4) if (words.getUint32(at, true) === word) found++;
  return found;
};

describe("withMarkersAsBreakpoints", function () {
  this.timeout(60_000);
  const program = new GoldenPrograms("golden/tlbi", "build/golden").binary("tlbi");
  /* hint #0x60, hint #0x61, brk #0x60, brk #0x61, as the assembler writes them */
  const [HINT_60, HINT_61, BRK_60, BRK_61] = [0xd5032c1f, 0xd5032c3f, 0xd4200c00, 0xd4200c20] as const;

  it("rewrites every marker of a copy, and nothing else", () => {
    const copy = withMarkersAsBreakpoints(program, "tlbi");
    const begins = count(program, HINT_60);
    const ends = count(program, HINT_61);
    expect(begins).to.be.greaterThan(50);
    expect([count(copy, HINT_60), count(copy, HINT_61)]).to.deep.equal([0, 0]);
    expect([count(copy, BRK_60), count(copy, BRK_61)]).to.deep.equal([begins, ends]);
    let different = 0;
    for (let at = 0; at < program.length; at += 4) if (!Buffer.from(program.subarray(at, at + 4)).equals(copy.subarray(at, at + 4))) different++;
    expect(different).to.equal(begins + ends);
  });

  it("leaves the program that it was given as it is", () => {
    withMarkersAsBreakpoints(program, "tlbi");
    expect(count(program, BRK_60)).to.equal(0);
  });

  it("refuses what has no markers or is no program", () => {
    expect(() => withMarkersAsBreakpoints(new GoldenPrograms("golden/prog", "build/golden").binary("wl_hello"), "hello")).to.throw(ConfigError, "hello has no marker");
    expect(() => withMarkersAsBreakpoints(new Uint8Array(100), "zeros")).to.throw(ConfigError, "zeros is not an ELF file");
  });
});
