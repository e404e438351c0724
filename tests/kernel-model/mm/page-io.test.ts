/**
 * What goes to the swap device and comes back, byte for byte, and how it is counted.
 */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { folioAlloc } from "../../../kernel-model/mm/folio.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { swapReadFolio, swapWriteFolio, swapZeromapBatch } from "../../../kernel-model/mm/page-io.js";
import { addToSwapCache } from "../../../kernel-model/mm/swap-state.js";
import { testMachine } from "../../support/areas.js";

const P = 4096;

/** A folio in the swap cache, filled by `fill`, and the slots it has. */
function cached(sys: MemorySystem, order: number, fill: (bytes: Uint8Array) => void): { folio: Pfn; slot: number } {
  const folio = folioAlloc(sys, order as Order);
  const slot = sys.swap!.allocate(order);
  addToSwapCache(sys, folio, slot);
  const bytes = sys.memory.u8.subarray(folio * P, (folio + 2 ** order) * P);
  bytes.fill(0);
  fill(bytes);
  return { folio, slot };
}

describe("swap device", () => {
  it("a folio comes back byte for byte, into other frames", () => {
    const written: number[] = [];
    const { sys } = testMachine({ swapBytes: 2 ** 24, frameWritten: (page) => void written.push(page) });
    const { folio, slot } = cached(sys, 2, (bytes) => bytes.forEach((_, i) => (bytes[i] = (i * 31) % 251)));
    swapWriteFolio(sys, sys.swap!, folio);
    const before = Buffer.from(sys.memory.u8.subarray(folio * P, (folio + 4) * P));
    sys.memory.u8.fill(0xee, folio * P, (folio + 4) * P);
    const other = folioAlloc(sys, 2 as Order);
    written.length = 0;
    swapReadFolio(sys, sys.swap!, other, slot);
    expect(before.equals(sys.memory.u8.subarray(other * P, (other + 4) * P))).to.equal(true);
    expect(written, "the engine hears of it").to.deep.equal([other, other + 1, other + 2, other + 3]);
    expect(sys.pages.test(other, 1 << 2), "uptodate").to.equal(true);
    const { vmstat, thp } = sys;
    expect([vmstat.get("pswpout"), vmstat.get("pswpin"), vmstat.get("pgpgout"), vmstat.get("pgpgin"), thp.stat(2 as Order, "swpout")]).to.deep.equal([4, 4, 16, 16, 1]);
  });

  it("a page of one repeated word is kept as the word", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const { folio, slot } = cached(sys, 1, (bytes) => {
      bytes.fill(7, 0, P);
      bytes[2 * P - 1] = 1;
    });
    swapWriteFolio(sys, sys.swap!, folio);
    expect(sys.swap!.contents[slot]).to.equal(0x0707070707070707n);
    expect(sys.swap!.contents[slot + 1]).to.be.instanceOf(Uint8Array);
    const other = folioAlloc(sys, 1 as Order);
    swapReadFolio(sys, sys.swap!, other, slot);
    expect([sys.memory.u8[other * P], sys.memory.u8[other * P + P - 1], sys.memory.u8[other * P + P], sys.memory.u8[other * P + 2 * P - 1]]).to.deep.equal([7, 7, 0, 1]);
  });

  it("a folio of zeros is not written at all; one with a zero page is", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const zeros = cached(sys, 4, () => undefined);
    swapWriteFolio(sys, sys.swap!, zeros.folio);
    expect([sys.vmstat.get("swpout_zero"), sys.vmstat.get("pswpout"), sys.thp.stat(4 as Order, "swpout")]).to.deep.equal([16, 0, 0]);
    const partly = cached(sys, 4, (bytes) => (bytes[3 * P] = 1));
    swapWriteFolio(sys, sys.swap!, partly.folio);
    expect([sys.vmstat.get("swpout_zero"), sys.vmstat.get("pswpout")]).to.deep.equal([16, 16]);
    const other = folioAlloc(sys, 4 as Order);
    sys.memory.u8.fill(0xee, other * P, (other + 16) * P);
    swapReadFolio(sys, sys.swap!, other, zeros.slot);
    expect(sys.memory.u8.subarray(other * P, (other + 16) * P).every((byte) => byte === 0)).to.equal(true);
    expect([sys.vmstat.get("swpin_zero"), sys.vmstat.get("pswpin")]).to.deep.equal([16, 0]);
  });

  it("slots of zeros and others make no common folio", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const { slot } = cached(sys, 2, () => undefined);
    sys.swap!.zeromap.fill(1, slot, slot + 3);
    expect([swapZeromapBatch(sys.swap!, slot, 4), swapZeromapBatch(sys.swap!, slot, 2), swapZeromapBatch(sys.swap!, slot + 3, 1)]).to.deep.equal([3, 2, 1]);
    const other = folioAlloc(sys, 2 as Order);
    expect(() => {
      swapReadFolio(sys, sys.swap!, other, slot);
    }).to.throw(ModelBug, "only in part");
  });

  it("reading what was never written is a bug", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const { slot } = cached(sys, 0, () => undefined);
    expect(() => {
      swapReadFolio(sys, sys.swap!, folioAlloc(sys, 0 as Order), slot);
    }).to.throw(ModelBug, "nothing was written");
  });
});
