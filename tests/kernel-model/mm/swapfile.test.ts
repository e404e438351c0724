/**
 * The swap area: counts of slots, slot caches, what is left.
 */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { granule } from "../../../emulator/arch/granule.js";
import { SwapInfo } from "../../../kernel-model/mm/swapfile.js";

const MIB = 2 ** 20;
const HAS_CACHE = 0x4000_0000;
const area = (mib = 16, name: "4k" | "16k" | "64k" = "4k"): SwapInfo => new SwapInfo(mib * MIB, granule(name));

describe("SwapInfo", () => {
  it("has all pages of the device but the header's", () => {
    const swap = area(512);
    expect([swap.max, swap.pages, swap.nrSwapPages, swap.inusePages]).to.deep.equal([131072, 131071, 131071, 0]);
    swap.check();
  });

  it("large folios get aligned slots with 4K pages only", () => {
    const swap = area();
    for (const order of [2, 4, 9]) expect(swap.allocate(order) % 2 ** order, `order ${order}`).to.equal(0);
    expect(swap.inusePages).to.equal(4 + 16 + 512);
    for (const name of ["16k", "64k"] as const) expect(area(64, name).allocate(4), name).to.equal(0);
    swap.check();
  });

  it("single slots come in order, fetched 64 at a time", () => {
    const swap = area();
    const first = swap.allocate(0);
    expect(first % 512).to.equal(0);
    expect([swap.inusePages, swap.slotsWaiting.length]).to.deep.equal([64, 63]);
    expect(Array.from({ length: 127 }, () => swap.allocate(0))).to.deep.equal(Array.from({ length: 127 }, (_, i) => first + 1 + i));
    swap.check();
  });

  it("a slot goes through its life: cache, entries, cache, free", () => {
    const swap = area();
    const slot = swap.allocate(0);
    expect([swap.count(slot), swap.hasCache(slot)]).to.deep.equal([0, true]);
    swap.duplicate(slot);
    swap.duplicate(slot);
    swap.putFolio(slot, 1);
    expect([swap.count(slot), swap.hasCache(slot)]).to.deep.equal([2, false]);
    expect(swap.prepareCache(slot, 1)).to.equal(true);
    expect(swap.prepareCache(slot, 1), "marked already").to.equal(false);
    swap.freeEntries(slot, 1);
    expect(swap.freeEntriesLast(slot, 1), "the cache may be all that is left").to.equal(true);
    expect(swap.map[slot]).to.equal(HAS_CACHE);
    swap.clearCache(slot, 1);
    expect(swap.slotsWaiting, "freed, not yet given back").to.include(slot);
    swap.check();
  });

  it("freed single slots go back 64 at once", () => {
    const swap = area();
    const slots = Array.from({ length: 128 }, () => swap.allocate(0));
    const before = swap.inusePages;
    for (const slot of slots.slice(0, 64)) swap.clearCache(slot, 1);
    expect(swap.inusePages).to.equal(before);
    swap.clearCache(slots[64]!, 1);
    expect(swap.inusePages).to.equal(before - 64);
    swap.check();
  });

  it("a group that is used once throughout is freed as one, without the slot cache", () => {
    const swap = area();
    const slot = swap.allocate(4);
    for (let i = 0; i < 16; i++) swap.duplicate(slot + i);
    swap.putFolio(slot, 16);
    expect(swap.freeEntriesLast(slot, 16)).to.equal(false);
    expect([swap.inusePages, swap.slotsWaiting.length]).to.deep.equal([0, 0]);
    const again = swap.allocate(4);
    for (let i = 0; i < 16; i++) swap.duplicate(again + i);
    swap.duplicate(again + 3);
    swap.putFolio(again, 16);
    swap.freeEntriesLast(again, 16);
    expect(swap.count(again + 3), "used by another, too").to.equal(1);
    swap.check();
  });

  it("contents go with the slot", () => {
    const swap = area();
    const slot = swap.allocate(2);
    swap.contents[slot] = 5n;
    swap.zeromap[slot + 1] = 1;
    swap.putFolio(slot, 4);
    expect([swap.contents[slot], swap.zeromap[slot + 1], swap.map[slot]]).to.deep.equal([undefined, 0, 0]);
  });

  it("near its end the slot caches are emptied, and the last slot is handed out", () => {
    const swap = area(2);
    const slots = new Set<number>();
    for (let slot = swap.allocate(0); slot !== 0; slot = swap.allocate(0)) slots.add(slot);
    expect(slots.size).to.equal(511);
    expect([swap.nrSwapPages, swap.vmSwapFull]).to.deep.equal([0, true]);
    swap.check();
    for (const slot of slots) swap.clearCache(slot, 1);
    expect(swap.nrSwapPages + swap.slotsWaiting.length).to.equal(511);
    swap.check();
  });

  it("half full is less than half left", () => {
    const swap = area(4);
    const slots = Array.from({ length: 512 / 16 }, () => swap.allocate(4));
    expect(slots).to.not.include(0);
    expect(swap.vmSwapFull, "511 of 1023 left").to.equal(true);
    swap.putFolio(slots[0]!, 16);
    expect(swap.vmSwapFull).to.equal(false);
  });

  it("wrong counting is a bug", () => {
    const swap = area();
    const slot = swap.allocate(0);
    expect(() => swap.duplicate(slot + 200)).to.throw(ModelBug, "not in use");
    expect(() => swap.duplicate(0), "the header").to.throw(ModelBug);
    expect(() => swap.freeEntries(slot, 1)).to.throw(ModelBug, "not in use");
    swap.duplicate(slot);
    expect(() => swap.freeRange(slot, 1)).to.throw(ModelBug, "is in use");
    swap.inusePages++;
    expect(() => {
      swap.check();
    }).to.throw(ModelBug, "counted in use");
  });
});
