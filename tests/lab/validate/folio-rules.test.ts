/** Rules about the folios behind entries. */
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { FolioIndex } from "../../../lab/validate/folio-rules.js";

const WRITABLE = 0x00e8_0000_0000_0f43n;
const READ_ONLY = 0x00e0_0000_0000_0fc3n;
const CONT = 1n << 52n;
const page = (frame: number, prot = WRITABLE): bigint => prot | (BigInt(frame) << 12n);

function index(): FolioIndex {
  return new FolioIndex(
    [
      { head: 0x400, order: 4, anon: true, exclusive: [0x400, 0x401] },
      { head: 0x200, order: 9, anon: true, exclusive: [0x200] },
      { head: 0x410, order: 4, anon: false, exclusive: [] },
    ],
    granule("4k"),
  );
}
const rules = (found: readonly { readonly rule: { readonly id: string } }[]): string[] => found.map(({ rule }) => rule.id);

describe("rules about folios", () => {
  it("find the folio of a frame", () => {
    const folios = index();
    expect([0x1ff, 0x200, 0x3ff, 0x40f, 0x410, 0x420].map((frame) => folios.find(frame)?.head)).to.deep.equal([undefined, 0x200, 0x200, 0x400, 0x410, undefined]);
  });

  it("writable anonymous pages are exclusive and mapped once; file pages may be anything", () => {
    const folios = index();
    expect(rules(folios.checkLeaf(page(0x400), 3))).to.deep.equal([]);
    expect(rules(folios.checkLeaf(page(0x400), 3))).to.deep.equal(["L-EXCLUSIVE-TWICE"]);
    expect(rules(folios.checkLeaf(page(0x402), 3))).to.deep.equal(["L-COW"]);
    expect(rules(folios.checkLeaf(page(0x402, READ_ONLY), 3))).to.deep.equal([]);
    expect(rules(folios.checkLeaf(page(0x411), 3))).to.deep.equal([]);
    expect(rules(folios.checkLeaf(page(0x500), 3))).to.deep.equal(["L-FRAME"]);
    expect(rules(folios.checkLeaf(page(0x500) | (1n << 56n), 3)), "special").to.deep.equal([]);
    expect(rules(folios.checkLeaf(page(0x500) & ~1n, 3)), "invalid").to.deep.equal([]);
  });

  it("a block maps a whole folio", () => {
    const block = (frame: number): bigint => page(frame) & ~2n;
    expect(rules(index().checkLeaf(block(0x200), 2))).to.deep.equal([]);
    expect(rules(index().checkLeaf(block(0x400), 2))).to.deep.equal(["L-PMD-FOLIO"]);
  });

  it("a contiguous block lies in one folio", () => {
    const run = (from: number): bigint[] => Array.from({ length: 16 }, (_, i) => page(from + i) | CONT);
    expect(rules(index().checkRun(run(0x400)))).to.deep.equal([]);
    expect(index().checkRun(run(0x408))[0]).to.deep.include({ index: 8 });
    expect(rules(index().checkRun(run(0x418)))).to.deep.equal(["L-CONT-FOLIO"]);
    expect(index().checkRun(run(0x400).map((value) => value & ~CONT))).to.deep.equal([]);
  });
});
