/** The translation cache of the wasm engine. */
import { expect } from "chai";
import { CODE_FRAME, NOT_GRANTED, SoftTlb } from "../../../../emulator/engine/wasm/soft-tlb.js";
import { ENGINE_BYTES, FRONT, FRONT_EPOCH, JUMP_CACHE, JUMP_EPOCH } from "../../../../emulator/engine/wasm/layout.js";

const PAGE_SIZE = 4096;
const R = 1;
const W = 2;
const X = 4;
const OWN_DIRTY = 8;
/** 64 KiB of front table are enough for its first pages. */
const cells = new Uint32Array(ENGINE_BYTES / 4);

function make(): SoftTlb {
  return new SoftTlb(cells, PAGE_SIZE, 1024);
}

/** Whether translated code finds the page by itself: its tag with the epoch, and whether for writing. */
function front(page: number): "no" | "read" | "write" {
  const at = FRONT / 4 + page * 4;
  const tagged = cells[at] === page && cells[at + 1] === cells[FRONT_EPOCH / 4 + 1];
  return !tagged ? "no" : (cells[at + 2]! & 1) === 1 ? "write" : "read";
}

const none = (): void => undefined;

describe("the soft TLB", () => {
  it("grants what was installed, no more, and shows it to translated code", () => {
    const tlb = make();
    expect(tlb.grantRead(5)).to.equal(NOT_GRANTED);
    tlb.install(5, 7, R);
    expect(front(5)).to.equal("no");
    expect(tlb.grantRead(5)).to.equal(7 * PAGE_SIZE);
    expect(front(5)).to.equal("read");
    expect(tlb.grantWrite(5)).to.equal(NOT_GRANTED);
    expect(tlb.grantFetch(5, none)).to.equal(NOT_GRANTED);
    tlb.install(5, 8, R | W);
    expect(front(5)).to.equal("no");
    expect(tlb.grantWrite(5)).to.equal(8 * PAGE_SIZE);
    expect(front(5)).to.equal("write");
    expect(tlb.grantRead(5)).to.equal(8 * PAGE_SIZE);
    expect(front(5)).to.equal("write");
  });

  it("shows the orders of a page to the filter, below its place", () => {
    const tlb = make();
    const bits = (page: number): number => cells[FRONT / 4 + page * 4 + 2]!;
    tlb.install(5, 7, R | W | X, { data: 31, code: 9 });
    tlb.install(6, 7, X, { data: 3, code: 4 });
    expect(tlb.grantRead(5)).to.equal(7 * PAGE_SIZE);
    expect(bits(5)).to.equal(7 * PAGE_SIZE + (9 << 6) + (31 << 1));
    expect(tlb.grantWrite(5)).to.equal(7 * PAGE_SIZE);
    expect(bits(5)).to.equal(7 * PAGE_SIZE + (9 << 6) + (31 << 1) + 1);
    tlb.install(5, 8, R | X, { data: 0, code: 2 });
    expect([tlb.codeOrder(5), front(5), bits(5)]).to.deep.equal([2, "read", 8 * PAGE_SIZE + (2 << 6)]);
    expect([tlb.codeOrder(6), front(6)]).to.deep.equal([4, "no"]);
    tlb.install(5, 8, R);
    expect([tlb.codeOrder(5), tlb.grantRead(5), bits(5)]).to.deep.equal([0, 8 * PAGE_SIZE, 8 * PAGE_SIZE]);
  });

  it("shows the filter what a page that comes in by a read is: heard of, and writable, or a page to tell the first write of", () => {
    const tlb = make();
    const shown = (page: number): number => cells[FRONT / 4 + page * 4 + 3]!;
    const [none, unheard, heard, heardWritten] = [0, 1, 2, 6];
    for (const page of [5, 6]) tlb.install(page, page, R | W | (page === 5 ? OWN_DIRTY : 0));
    for (const page of [5, 6]) tlb.grantRead(page);
    expect([shown(5), shown(6)]).to.deep.equal([unheard, none]);
    tlb.grantWrite(5);
    expect(shown(5)).to.equal(unheard);
    tlb.noteWrite(5);
    expect([shown(5), front(5)]).to.deep.equal([heardWritten, "write"]);
    // A page with the same place in the front table takes its entry.
    tlb.install(5 + 131072, 9, R | OWN_DIRTY);
    tlb.grantRead(5 + 131072);
    expect(shown(5)).to.equal(unheard);
    tlb.grantRead(5);
    expect(shown(5)).to.equal(heard);
    tlb.grantWrite(5);
    expect(shown(5)).to.equal(heardWritten);
  });

  it("forgets that a write was heard with the translation, and with the sink", () => {
    const ways: readonly (readonly [string, (tlb: SoftTlb) => void])[] = [
      ["installed anew", (tlb) => { tlb.install(5, 5, R | W | OWN_DIRTY); }],
      ["page", (tlb) => { tlb.forgetPage(5); tlb.install(5, 5, R | W | OWN_DIRTY); }],
      ["range", (tlb) => { tlb.forgetRange(4, 6); tlb.install(5, 5, R | W | OWN_DIRTY); }],
      ["everything", (tlb) => { tlb.forgetAll(); tlb.install(5, 5, R | W | OWN_DIRTY); }],
      ["sink", (tlb) => { tlb.changeSink(); }],
    ];
    for (const [name, forget] of ways) {
      const tlb = make();
      tlb.install(5, 5, R | W | OWN_DIRTY);
      tlb.grantWrite(5);
      tlb.noteWrite(5);
      forget(tlb);
      expect(front(5), name).to.equal("no");
      tlb.grantRead(5);
      expect(cells[FRONT / 4 + 5 * 4 + 3], name).to.equal(1);
    }
  });

  it("forgets a page, a range, everything", () => {
    const tlb = make();
    for (let page = 500; page < 1600; page++) tlb.install(page, 3, R);
    for (const page of [500, 511, 512, 1023, 1599]) tlb.grantRead(page);
    tlb.forgetPage(511);
    expect([front(511), tlb.grantRead(511)]).to.deep.equal(["no", NOT_GRANTED]);
    expect(tlb.grantRead(510)).to.equal(3 * PAGE_SIZE);
    tlb.forgetRange(512, 1535);
    expect([512, 1023, 1024, 1535].map((page) => tlb.grantRead(page))).to.deep.equal([-1, -1, -1, -1]);
    expect([tlb.grantRead(1536), tlb.grantRead(500)]).to.deep.equal([3 * PAGE_SIZE, 3 * PAGE_SIZE]);
    tlb.forgetRange(0, 2 ** 36 - 1);
    expect(tlb.grantRead(1599)).to.equal(NOT_GRANTED);
    tlb.install(1, 1, R);
    tlb.grantRead(1);
    tlb.forgetAll();
    expect([front(1), tlb.grantRead(1)]).to.deep.equal(["no", NOT_GRANTED]);
  });

  it("a frame is code or writable, never both, at whatever addresses", () => {
    const tlb = make();
    tlb.install(10, 4, R | W);
    tlb.install(20, 4, R | X);
    expect(tlb.grantWrite(10)).to.equal(4 * PAGE_SIZE);
    const revoked: number[] = [];
    expect(tlb.grantFetch(20, (frame) => revoked.push(frame))).to.equal(4);
    expect(revoked).to.deep.equal([4]);
    expect(tlb.holdsCode(4)).to.equal(true);
    expect(front(10)).to.equal("no");
    expect(tlb.grantWrite(10)).to.equal(CODE_FRAME);
    expect(tlb.frameOf(10)).to.equal(4);
    tlb.becomeWritable(4);
    expect(tlb.grantWrite(10)).to.equal(4 * PAGE_SIZE);
    // Fetching asks again, and takes the write grant away again.
    tlb.grantFetch(20, (frame) => revoked.push(frame));
    expect(revoked).to.deep.equal([4, 4]);
  });

  /** Whether the jump cache has an entry for the address. */
  const jumpsTo = (pc: number): boolean => cells[JUMP_CACHE / 4 + 4 * (pc / 4)] === pc && cells[JUMP_CACHE / 4 + 4 * (pc / 4) + 1]! >>> 16 === cells[JUMP_EPOCH / 4 + 1]! >>> 16;

  it("the jump cache forgets a page that changes, and no other", () => {
    const tlb = make();
    for (const page of [0, 1, 2]) {
      tlb.install(page, page + 1, R | X);
      tlb.grantFetch(page, none);
      tlb.fillJump(4096 * page + 4, 99);
    }
    expect([0, 1, 2].map((page) => jumpsTo(4096 * page + 4))).to.deep.equal([true, true, true]);
    tlb.forgetPage(1);
    expect([0, 1, 2].map((page) => jumpsTo(4096 * page + 4))).to.deep.equal([true, false, true]);
    tlb.install(0, 7, R | X);
    expect([0, 1, 2].map((page) => jumpsTo(4096 * page + 4))).to.deep.equal([false, false, true]);
    tlb.fillJump(4, 98);
    expect(cells[JUMP_CACHE / 4 + 4 + 2]).to.equal(98);
    tlb.forgetAll();
    expect([0, 1, 2].map((page) => jumpsTo(4096 * page + 4))).to.deep.equal([false, false, false]);
  });

  it("a frame whose code is dropped is asked for again at each of its addresses", () => {
    const tlb = make();
    for (const [page, frame] of [[0, 4], [1, 4], [2, 5]] as const) {
      tlb.install(page, frame, R | X);
      tlb.grantFetch(page, none);
      tlb.fillJump(4096 * page, 99);
    }
    tlb.becomeWritable(4);
    expect([0, 1, 2].map((page) => jumpsTo(4096 * page))).to.deep.equal([false, false, true]);
    const revoked: number[] = [];
    for (const page of [0, 1, 2]) tlb.grantFetch(page, (frame) => revoked.push(frame));
    expect(revoked).to.deep.equal([4]);
  });

  it("epochs run out without a stale hit", () => {
    const tlb = make();
    tlb.install(3, 5, R);
    tlb.grantRead(3);
    for (let i = 0; i < 70_000; i++) {
      tlb.forgetAll();
      if (front(3) !== "no") expect.fail(`a hit after ${i} rounds`);
    }
  }).timeout(60_000);
});
