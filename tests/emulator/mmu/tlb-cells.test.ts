/**
 * The arena and the tags of TLB entries.
 */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { Arena, bucketBits, entryOrders, salt, unitLow } from "../../../emulator/mmu/tlb-cells.js";

describe("Arena", () => {
  it("gives out zeroed cells at multiples of eight, and no more than it has", () => {
    const arena = new Arena(32);
    expect([arena.take(3), arena.take(8), arena.take(9)]).to.deep.equal([0, 8, 16]);
    expect([...arena.cells]).to.deep.equal(Array(32).fill(0));
    expect(() => arena.take(1)).to.throw(ModelBug, "1 cells at 32 of 32");
  });
});

describe("tags", () => {
  it("unitLow is the low word of the page number shifted by the order", () => {
    for (const page of [0n, 0xf_ffff_ffffn, 0x8_1234_5678n, 0x1_0000_0001n]) {
      for (let order = 0; order < 32; order++) {
        const low = unitLow(Number(page & 0xffff_ffffn) | 0, Number(page >> 32n), order);
        expect(low >>> 0, `${page.toString(16)} >> ${order}`).to.equal(Number((page >> BigInt(order)) & 0xffff_ffffn));
      }
    }
  });

  it("the salt depends on class and ASID, not on the page bits", () => {
    expect(salt(0x1234_0500)).to.equal(salt(0x1234_050f));
    expect(salt(0x1234_0500)).to.not.equal(salt(0x1234_0600));
    expect(salt(0x1234_0500)).to.not.equal(salt(0x1235_0500));
  });

  it("at least eight buckets for an entry", () => {
    for (const entries of [1, 2, 10, 48, 160, 1280, 2048, 65536]) expect(2 ** bucketBits(entries), String(entries)).to.be.within(8 * entries, Math.max(64, 16 * entries));
  });
});

describe("entryOrders", () => {
  it("is the largest size held that is not larger", () => {
    expect([...entryOrders([4096, 65536, 2 ** 21], false, 4096)].slice(0, 14)).to.deep.equal([0, 0, 0, 0, 4, 4, 4, 4, 4, 9, 9, 9, 9, 9]);
    expect([...entryOrders([4096, 65536], true, 4096)].slice(0, 6)).to.deep.equal([0, 0, 0, 0, 0, 0]);
  });

  it("knows no entry for what is smaller than every size, and ignores sizes below the granule's page", () => {
    expect([...entryOrders([2 ** 21, 2 ** 25], false, 4096)].slice(7, 15)).to.deep.equal([-1, -1, 9, 9, 9, 9, 13, 13]);
    expect([...entryOrders([4096, 65536], false, 65536)].slice(0, 2)).to.deep.equal([0, 0]);
    expect([...entryOrders([4096, 16384], false, 65536)].slice(0, 2)).to.deep.equal([-1, -1]);
    expect([...entryOrders([4096, 2 ** 21], true, 65536)].slice(0, 6)).to.deep.equal([-1, -1, -1, -1, -1, -1]);
  });
});
