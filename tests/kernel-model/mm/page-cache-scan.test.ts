/** The end of the page cache as the XArray cursor of Linux finds it, with its error inside large folios. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import type { AddressSpace } from "../../../kernel-model/fs/file.js";
import { XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import { pageCacheNextMiss, pageCachePrevMiss } from "../../../kernel-model/mm/page-cache-scan.js";
import { attachFolio } from "../../../kernel-model/mm/pagemap.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile } from "../../support/page-cache.js";

/** A page cache with folios of the given [index, order]. */
function cached(folios: readonly (readonly [number, number])[], memoryMib = 64): AddressSpace {
  const { sys } = new MmHarness({ memoryMib });
  const { mapping } = createTestFile(sys, { policy: XFS_POLICY, size: 2 ** 30 });
  for (const [index, order] of folios) {
    const folio = folioAlloc(sys, order as Order);
    attachFolio(mapping, folio, index);
    folioPut(sys, folio);
  }
  return mapping;
}

const singles = (from: number, to: number): [number, number][] => Array.from({ length: to - from + 1 }, (_, i) => [from + i, 0]);

describe("end of the page cache", () => {
  it("of single pages is the first hole", () => {
    const mapping = cached([...singles(5, 9), ...singles(60, 70)]);
    expect(pageCacheNextMiss(mapping, 5, 100)).to.equal(10);
    expect(pageCacheNextMiss(mapping, 10, 100)).to.equal(10);
    expect(pageCacheNextMiss(mapping, 60, 100), "across nodes of 64 slots").to.equal(71);
    expect(pageCacheNextMiss(mapping, 5, 3), "no further than asked").to.equal(8);
    expect(pageCachePrevMiss(mapping, 9, 100)).to.equal(4);
    expect(pageCachePrevMiss(mapping, 70, 100)).to.equal(59);
    expect(pageCachePrevMiss(mapping, 4, 100)).to.equal(4);
  });

  it("downwards from a file cached from its beginning is -1", () => {
    const mapping = cached(singles(0, 130));
    expect(pageCachePrevMiss(mapping, 130, 1000)).to.equal(-1);
    expect(pageCachePrevMiss(mapping, 130, 10), "the index looked at last").to.equal(121);
  });

  it("seen from the head of a folio is right", () => {
    const mapping = cached([
      [128, 2],
      [132, 2],
    ]);
    expect(pageCacheNextMiss(mapping, 128, 32)).to.equal(136);
    expect(pageCacheNextMiss(mapping, 132, 32)).to.equal(136);
  });

  it("seen from inside a folio runs ahead by the distance from the head", () => {
    const mapping = cached([[128, 2]]);
    expect(pageCacheNextMiss(mapping, 129, 32)).to.equal(133);
    // What a 16K kernel does in file_mmap:xfs va_off_plus_1block_r_seq: the next window starts at 134, page 132 stays behind.
    expect(pageCacheNextMiss(mapping, 130, 8)).to.equal(134);
    expect(pageCacheNextMiss(mapping, 131, 32)).to.equal(135);
  });

  it("catches up at the end of a node", () => {
    const mapping = cached([
      [56, 3],
      [64, 3],
    ]);
    // Index 58 is two ahead of the slot; slot 63 is followed by the node of 64 to 127, where the index (66) sets the slot anew.
    expect(pageCacheNextMiss(mapping, 58, 100)).to.equal(72);
  });

  it("downwards from inside a folio leaves its node at once", () => {
    // Index 131 moves the slot to 0; the next step looks at the slot of the previous node that the index 130 has there: 66.
    const without = cached([[128, 2]]);
    expect(pageCachePrevMiss(without, 131, 32)).to.equal(130);
    const withNode = cached([[128, 2], ...singles(64, 70)]);
    expect(pageCachePrevMiss(withNode, 131, 3), "66, 65 are cached").to.equal(129);
  });

  it("steps over folios that fill whole nodes", () => {
    const mapping = cached([
      [0, 9],
      [512, 6],
      [576, 4],
    ]);
    expect(pageCacheNextMiss(mapping, 0, 4096)).to.equal(592);
    expect(pageCacheNextMiss(mapping, 100, 4096)).to.equal(592);
    expect(pageCachePrevMiss(mapping, 576, 4096)).to.equal(-1);
  });

  it("beyond 16 MiB of 4K pages", () => {
    const mapping = cached([...singles(4090, 4100)]);
    expect(pageCacheNextMiss(mapping, 4090, 100)).to.equal(4101);
    expect(pageCachePrevMiss(mapping, 4100, 100)).to.equal(4089);
  });
});
