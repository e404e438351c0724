/** Storing and removing folios, accounting, ranges, the folio lock. */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import type { AddressSpace } from "../../../kernel-model/fs/file.js";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import {
  attachFolio,
  filemapRemoveFolio,
  folioFilePage,
  folioLock,
  folioNextIndex,
  folioPos,
  folioSize,
  foliosInRange,
  folioTrylock,
  folioUnlock,
  mappingCanWriteback,
  mappingMaxFolioOrder,
  pagesInFile,
  shmemMapping,
} from "../../../kernel-model/mm/pagemap.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache } from "../../support/page-cache.js";

function cache(mapping: AddressSpace, index: number, order: number): Pfn {
  const folio = folioAlloc(mapping.sys, order as Order);
  attachFolio(mapping, folio, index);
  folioPut(mapping.sys, folio);
  return folio;
}

describe("pagemap", () => {
  it("bounds folios by the PMD order, at most 11, and by the file system", () => {
    const max = (granule: "4k" | "16k" | "64k", policy: typeof XFS_POLICY): number => {
      const { sys } = new MmHarness({ granule, memoryMib: 64 });
      return mappingMaxFolioOrder(createTestFile(sys, { policy, size: 0 }).mapping);
    };
    expect([max("4k", XFS_POLICY), max("16k", XFS_POLICY), max("64k", XFS_POLICY), max("4k", EXT4_POLICY)]).to.deep.equal([9, 11, 11, 0]);
  });

  it("stores a folio under every index it covers, with a reference for each, and takes it out again", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: 1 << 20 });
    const { mapping } = opened;
    const folio = cache(mapping, 8, 3);
    expect([...mapping.pages.keys()].sort((a, b) => a - b)).to.deep.equal([8, 9, 10, 11, 12, 13, 14, 15]);
    expect(new Set(mapping.pages.values())).to.deep.equal(new Set([folio]));
    expect(sys.pages.refcount[folio]).to.equal(8);
    expect([folioPos(sys, folio), folioSize(sys, folio), folioNextIndex(sys, folio), folioFilePage(sys, folio, 13) - folio]).to.deep.equal([32768, 32768, 16, 5]);
    expect([mapping.nrPages, sys.vmstat.get("nr_file_pages")]).to.deep.equal([8, 8]);
    sys.pages.refcount[folio]!++;
    folioLock(sys, folio);
    filemapRemoveFolio(mapping, folio);
    expect([mapping.pages.size, mapping.nrPages]).to.deep.equal([0, 0]);
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    opened.dispose();
    expectNoPageCache(sys);
    harness.close();
  });

  it("refuses an index that is not aligned to the folio", () => {
    const { sys } = new MmHarness();
    const { mapping } = createTestFile(sys, { policy: XFS_POLICY, size: 1 << 20 });
    expect(() => cache(mapping, 4, 3)).to.throw(ModelBug, "not aligned");
  });

  it("finds folios that overlap a range, dense or sparse", () => {
    const { sys } = new MmHarness();
    const { mapping } = createTestFile(sys, { policy: XFS_POLICY, size: 1 << 30 });
    const folios = [cache(mapping, 16, 2), cache(mapping, 0, 2), cache(mapping, 1000, 0)];
    const [b, a, c] = folios as [Pfn, Pfn, Pfn];
    expect(foliosInRange(mapping, 0, 3)).to.deep.equal([a]);
    expect(foliosInRange(mapping, 3, 16)).to.deep.equal([a, b]);
    expect(foliosInRange(mapping, 4, 15)).to.deep.equal([]);
    expect(foliosInRange(mapping, 2, 5)).to.deep.equal([a]);
    expect(foliosInRange(mapping, 0, Infinity)).to.deep.equal([a, b, c]);
    expect(foliosInRange(mapping, 17, 1e12)).to.deep.equal([b, c]);
    expect(foliosInRange(mapping, 5, 4)).to.deep.equal([]);
  });

  it("locks once", () => {
    const { sys } = new MmHarness();
    const folio = folioAlloc(sys, 0 as Order);
    folioLock(sys, folio);
    expect(folioTrylock(sys, folio)).to.equal(false);
    expect(() => folioLock(sys, folio)).to.throw(ModelBug);
    folioUnlock(sys, folio);
    expect(() => folioUnlock(sys, folio)).to.throw(ModelBug);
    expect(folioTrylock(sys, folio)).to.equal(true);
  });

  it("knows which files write back and where a file ends", () => {
    const { sys } = new MmHarness();
    const disk = createTestFile(sys, { policy: XFS_POLICY, size: 4097 }).mapping;
    const memory = createTestFile(sys, { policy: TMPFS_POLICIES.always, size: 4096 }).mapping;
    expect([shmemMapping(disk), mappingCanWriteback(disk), pagesInFile(disk)]).to.deep.equal([false, true, 2]);
    expect([shmemMapping(memory), mappingCanWriteback(memory), pagesInFile(memory)]).to.deep.equal([true, false, 1]);
  });
});
