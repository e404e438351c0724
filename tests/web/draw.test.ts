/** Pictures of a snapshot as markup. */
import { expect } from "chai";
import { faultLine, tableGrid, tlbPicture } from "../../web/draw.js";
import type { PageCell, PageWindow, Snapshot } from "../../web/session.js";

const ABSENT: PageCell = { pte: "0", present: false, cont: false, young: false, dirty: false, writable: false, frame: -1, folio: -1, folioOrder: 0 };

function cell(frame: number, part: Partial<PageCell> = {}): PageCell {
  return { ...ABSENT, pte: "e8000001234f43", present: true, young: true, frame, folio: frame, ...part };
}

function count(text: string, what: string): number {
  return text.split(what).length - 1;
}

describe("the table of a fault", () => {
  const run = Array.from({ length: 16 }, (_, i) => cell(64 + i, { folio: 64, folioOrder: 4, cont: true, dirty: true }));
  const window: PageWindow = { start: 0x400000, pageSize: 4096, block: false, cells: [...run, cell(7), cell(9, { folio: 8, folioOrder: 1 }), ...Array.from({ length: 46 }, () => ABSENT)] };
  const drawn = tableGrid(window, 0x411234);

  it("has one square per descriptor, coloured by what it is", () => {
    expect(count(drawn, '<rect class="contiguous"')).to.equal(16);
    expect(count(drawn, '<rect class="page"')).to.equal(2);
    expect(count(drawn, '<rect class="unmapped"')).to.equal(46);
  });

  it("frames folios of more than a page, and marks the page of the fault", () => {
    expect(count(drawn, '<rect class="folio"')).to.equal(2);
    // Entry 17 = second row would be 32; it lies in the first row, 17 cells from the left.
    expect(drawn).to.contain('<rect class="fault" x="254" y="-1"');
    expect(count(tableGrid(window, 0x600000), 'class="fault"')).to.equal(0);
  });

  it("says the bits of a descriptor where one points at it", () => {
    expect(drawn).to.contain("0x400000: e8000001234f43; contiguous, read-only, dirty, young; frame 0x40, folio 0x40 of order 4");
    expect(drawn).to.contain("0x412000: empty");
  });

  it("a block covers everything", () => {
    expect(count(tableGrid({ ...window, block: true }, undefined), '<rect class="block"')).to.equal(64);
  });
});

describe("a TLB", () => {
  it("shows entries by what they cover, and its reach", () => {
    const drawn = tlbPicture({ name: "L1 data", capacity: 48, entries: [{ start: 0, end: 4096, dirty: false }, { start: 65536, end: 131072, dirty: true }, { start: 2 ** 21, end: 2 ** 22, dirty: true }] }, 4096, 2 ** 21);
    expect(drawn).to.contain("L1 data: 3 of 48 entries");
    for (const [kind, n] of [["page", 1], ["contiguous", 1], ["block", 1], ["unmapped", 45]] as const) expect(count(drawn, `class="${kind}"`), kind).to.equal(n);
  });
});

describe("the line about a fault", () => {
  it("names address, kind and folio, and escapes what comes from the program", () => {
    const snapshot = { lastFault: { number: 3, address: 0x5000, kind: "anonWrite", order: 4, pc: 0x400100, function: "<main>" }, ended: undefined, window: { start: 0, pageSize: 4096, block: false, cells: [] } } as unknown as Snapshot;
    const line = faultLine(snapshot);
    expect(line).to.contain("anonWrite").and.to.contain("0x5000").and.to.contain("order 4").and.to.contain("&#60;main&#62;");
    expect(faultLine({ ...snapshot, lastFault: undefined, ended: "exit status 0" })).to.contain("exit status 0").and.not.to.contain("Fault");
  });
});
