/** Blocks of guest code. */
import { expect } from "chai";
import { scanBlock, type ScannedBlock } from "../../../../emulator/engine/wasm/guest-code.js";

const PAGE = 0x40_0000;
const NOP = 0xd503201f;

/** Scans words that stand at `at` of the page; NOP everywhere else. */
function scan(words: readonly number[], at = 0x100): ScannedBlock {
  return scanBlock(PAGE + at, PAGE, 4096, (pc) => words[(pc - PAGE - at) / 4] ?? NOP);
}

describe("blocks of guest code", () => {
  it("end with a branch, and know where it leads on the page", () => {
    // b.ne back by one; cbz forward by 16; tbnz forward by 8; b forward by 8.
    expect(scan([NOP, 0x54ffffe1])).to.deep.include({ words: [NOP, 0x54ffffe1], next: [PAGE + 0x108, PAGE + 0x100], comesBack: undefined });
    expect(scan([0xb4000080]).next).to.deep.equal([PAGE + 0x104, PAGE + 0x110]);
    expect(scan([0x37000040]).next).to.deep.equal([PAGE + 0x104, PAGE + 0x108]);
    expect(scan([0x14000002]).next).to.deep.equal([PAGE + 0x108]);
  });

  it("calls and exits come back behind themselves; returns do not", () => {
    expect(scan([0x94000004])).to.deep.include({ next: [], comesBack: PAGE + 0x104, calls: PAGE + 0x110 });
    expect(scan([0xd63f0020])).to.deep.include({ next: [], comesBack: PAGE + 0x104, calls: undefined });
    expect(scan([0xd65f03c0])).to.deep.include({ next: [], comesBack: undefined, calls: undefined });
    expect(scan([0xd4000001]).comesBack).to.equal(PAGE + 0x104);
  });

  it("end with the page, and lead to nothing beyond it", () => {
    const last = scan([], 0xff8);
    expect(last.words.length).to.equal(2);
    expect(last.next).to.deep.equal([]);
    expect(scan([0x14001000]).next).to.deep.equal([]);
    expect(scan([0x94001000])).to.deep.include({ calls: undefined, comesBack: PAGE + 0x104 });
  });

  it("have 512 instructions at most", () => {
    const { words, next } = scan([]);
    expect(words.length).to.equal(512);
    expect(next).to.deep.equal([PAGE + 0x100 + 2048]);
  });
});
