/** Folios of the page cache: sizes of new ones, contents, blocks smaller than a page, the initramfs. */
import { expect } from "chai";
import type { Pfn } from "../../../emulator/arch/addr.js";
import { INITRAMFS_POLICY, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import {
  filemapAddFolio,
  filemapAllocFolio,
  filemapGetFolio,
  filemapGetOrCreateFolio,
  filemapPeek,
  finishBlocks,
  prepareBlocks,
  rangeEmpty,
  readFolio,
} from "../../../kernel-model/mm/filemap.js";
import { folioPut } from "../../../kernel-model/mm/folio.js";
import { folioBytes, folioUnlock } from "../../../kernel-model/mm/pagemap.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, patternBytes, picture, type TestFile } from "../../support/page-cache.js";

const EEXIST = 17;
const MIB = 2 ** 20;

function create({ mapping }: TestFile, index: number, order: number): void {
  const folio = filemapGetOrCreateFolio(mapping, index, { order, lock: false });
  expect(folio).to.be.at.least(0);
  folioPut(mapping.sys, folio as Pfn);
}

describe("filemap", () => {
  it("makes a folio as large as asked, but aligned, within the mapping's limit and clear of neighbours", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: XFS_POLICY, size: 64 * MIB });
    create(opened, 0, 4); // aligned: as asked
    create(opened, 24, 5); // 24 = 8 * 3: order 3
    create(opened, 33, 5); // odd: order 0
    create(opened, 64, 4);
    create(opened, 3, 9); // is there already
    create(opened, 32, 4); // 33 is taken: order 0
    create(opened, 512, 12); // no more than order 9
    expect(picture(opened.mapping)).to.equal("0+16u 24+8u 32+1u 33+1u 64+16u 512+512u");
    opened.dispose();
    expectNoPageCache(harness.sys);
    harness.close();
  });

  it("adds a folio only into an empty range", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: MIB });
    create(opened, 5, 0);
    const folio = filemapAllocFolio(sys, 2);
    expect(rangeEmpty(opened.mapping, 4, 4)).to.equal(false);
    expect(filemapAddFolio(opened.mapping, folio, 4)).to.equal(-EEXIST);
    expect(filemapAddFolio(opened.mapping, folio, 8)).to.equal(0);
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    expect(picture(opened.mapping)).to.equal("5+1u 8+4u");
    opened.dispose();
    harness.close();
  });

  it("reads a folio from the backing, zeros behind the contents", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: 10000 });
    const folio = filemapGetOrCreateFolio(opened.mapping, 0, { order: 2, lock: true }) as Pfn;
    const written: number[] = [];
    const listening = { ...sys, frameWritten: (page: Pfn) => void written.push(page - folio) };
    readFolio({ ...opened.mapping, sys: listening }, folio);
    expect(written, "code translated from these frames is stale").to.deep.equal([0, 1, 2, 3]);
    const bytes = folioBytes(sys, folio);
    expect(Buffer.compare(bytes.subarray(0, 10000), patternBytes(0, 10000))).to.equal(0);
    expect(bytes.subarray(10000).every((byte) => byte === 0)).to.equal(true);
    expect(picture(opened.mapping)).to.equal("0+4");
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    opened.dispose();
    harness.close();
  });

  it("keeps account of file system blocks when a page is larger than a block", () => {
    const harness = new MmHarness({ granule: "16k" });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: MIB });
    const { mapping } = opened;
    const folio = filemapGetOrCreateFolio(mapping, 0, { order: 0, lock: true }) as Pfn;
    const bytes = folioBytes(sys, folio);
    bytes.fill(0xee);
    // 100 bytes in the middle of block 1: the rest of that block comes from the disk, the others are not read.
    prepareBlocks(mapping, folio, 5000, 100);
    bytes.fill(1, 5000, 5100);
    finishBlocks(mapping, folio, 5000, 100);
    expect(picture(mapping)).to.equal("0+1u");
    expect(Buffer.compare(bytes.subarray(4096, 5000), patternBytes(4096, 904))).to.equal(0);
    expect(bytes[0]).to.equal(0xee);
    readFolio(mapping, folio);
    expect(picture(mapping)).to.equal("0+1");
    const expected = patternBytes(0, 16384);
    expected.fill(1, 5000, 5100);
    expect(Buffer.compare(bytes, expected)).to.equal(0);
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    opened.dispose();
    harness.close();
  });

  it("is uptodate once all its blocks were written whole", () => {
    const harness = new MmHarness({ granule: "16k" });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: MIB });
    const folio = filemapGetOrCreateFolio(opened.mapping, 0, { order: 0, lock: true }) as Pfn;
    for (const block of [2, 0, 3]) {
      prepareBlocks(opened.mapping, folio, block * 4096, 4096);
      finishBlocks(opened.mapping, folio, block * 4096, 4096);
    }
    expect(picture(opened.mapping)).to.equal("0+1u");
    prepareBlocks(opened.mapping, folio, 4096, 4096);
    finishBlocks(opened.mapping, folio, 4096, 4096);
    expect(picture(opened.mapping)).to.equal("0+1");
    folioUnlock(sys, folio);
    folioPut(sys, folio);
    opened.dispose();
    harness.close();
  });

  it("makes a page of the initramfs at the first look: order 0, dirty, uptodate, swap-backed, referenced", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: INITRAMFS_POLICY, size: 3 * 4096, resident: true });
    const folio = filemapPeek(opened.mapping, 1);
    const REFERENCED = 1 << 1;
    const UPTODATE = 1 << 2;
    const DIRTY = 1 << 3;
    const LRU = 1 << 4;
    const SWAPBACKED = 1 << 6;
    const SHMEM = 1 << 20;
    expect(sys.pages.flags[folio]).to.equal(REFERENCED | UPTODATE | DIRTY | LRU | SWAPBACKED | SHMEM);
    expect(Buffer.compare(folioBytes(sys, folio), patternBytes(4096, 4096))).to.equal(0);
    expect(filemapGetFolio(opened.mapping, 1)).to.equal(folio);
    expect(sys.pages.refcount[folio]).to.equal(2);
    folioPut(sys, folio);
    expect(filemapPeek(opened.mapping, 3), "behind the end").to.equal(-1);
    expect([sys.vmstat.get("nr_shmem"), sys.vmstat.get("pgmajfault")]).to.deep.equal([1, 0]);
    opened.dispose();
    harness.close();
  });

  it("an initramfs that finds no room is beyond the model, and says so", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: INITRAMFS_POLICY, size: 32 * MIB, resident: true });
    expect(() => {
      for (let index = 0; index < 8192; index++) filemapPeek(opened.mapping, index);
    }).to.throw("memory used up before all of the root file system");
    opened.dispose();
    harness.close();
  });
});
