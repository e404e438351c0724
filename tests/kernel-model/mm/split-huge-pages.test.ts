/* split_huge_pages: by address, by file, everything. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import { splitHugePagesAll, splitHugePagesOf } from "../../../kernel-model/mm/split-huge-pages.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const BLOCK = 16 * P;

function blocks(n: number): { h: MmHarness; mm: MmStruct; orders: () => number[] } {
  const h = new MmHarness();
  h.sys.thp.setSizeEnabled(4 as Order, "always");
  const mm = h.newMm();
  h.anon(mm, BASE, n * BLOCK);
  for (let i = 0; i < n; i++) for (let page = 0; page < 16; page++) h.writeByte(mm, BASE + i * BLOCK + page * P, 1 + i);
  return { h, mm, orders: () => Array.from({ length: n }, (_, i) => h.sys.pages.folioOrder(h.sys.pages.head(h.frame(mm, BASE + i * BLOCK) as never))) };
}

describe("split_huge_pages", () => {
  it("splits what is mapped in the range, whole folios", () => {
    const { h, mm, orders } = blocks(4);
    splitHugePagesOf(mm, BASE + BLOCK + 5 * P, BASE + 2 * BLOCK + 1);
    expect(orders()).to.deep.equal([4, 0, 0, 4]);
    expect(h.readByte(mm, BASE + BLOCK + 9 * P)).to.equal(2);
    h.check();
    splitHugePagesOf(mm, 0, Infinity);
    expect(orders()).to.deep.equal([0, 0, 0, 0]);
    h.check();
    h.close();
  });

  it("splits all of the machine, but not what someone holds", () => {
    const { h, mm, orders } = blocks(3);
    h.sys.pages.refcount[h.frame(mm, BASE)]!++;
    splitHugePagesAll(h.sys);
    expect(orders()).to.deep.equal([4, 0, 0]);
    h.sys.pages.refcount[h.frame(mm, BASE)]!--;
    h.check();
    h.close();
  });
});
