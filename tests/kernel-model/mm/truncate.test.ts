/** Truncation, holes and invalidation, with splits of large folios and private copies. */
import { expect } from "chai";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { EXT4_POLICY, INITRAMFS_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { filemapWriteAndWait } from "../../../kernel-model/mm/page-writeback.js";
import { forcePageCacheReadahead } from "../../../kernel-model/mm/readahead.js";
import { dropPagecache, invalidateMappingPages, truncateInodePagesRange, truncatePagecacheRange, truncateSetsize } from "../../../kernel-model/mm/truncate.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, MAP_SHARED, mapFile, MIB, patternBytes, picture, PROT_READ, PROT_RW, type TestFile } from "../../support/page-cache.js";

const PAGE = 4096;
const AT = 0x50_0000_0000;
const SIGBUS = 7;

function withFile(policy: FolioPolicy, size: number, work: (opened: TestFile, harness: MmHarness) => void, resident = false): void {
  const harness = new MmHarness();
  const opened = createTestFile(harness.sys, { policy, size, resident });
  work(opened, harness);
  harness.check();
  for (const mm of [...harness.mms]) harness.exit(mm);
  opened.dispose();
  harness.close();
  expectNoPageCache(harness.sys);
}

function bytesOf({ file, inode }: TestFile): Uint8Array {
  const bytes = new Uint8Array(inode.size);
  expect(pageCacheRead(file, 0, bytes)).to.equal(inode.size);
  return bytes;
}

describe("truncation", () => {
  it("drops whole folios and splits the one that is cut, zeroing its end", () => {
    withFile(XFS_POLICY, 0, (opened) => {
      pageCacheWrite(opened.file, 0, patternBytes(0, 3 * 65536));
      expect(picture(opened.mapping)).to.equal("0+32d 32+16d");
      truncateSetsize(opened.mapping, 3 * PAGE + 100);
      expect(picture(opened.mapping)).to.equal("0+1d 1+1d 2+1d 3+1d");
      expect(opened.mapping.sys.thp.stat(5 as never, "split")).to.equal(1);
      truncateSetsize(opened.mapping, 5 * PAGE);
      const expected = new Uint8Array(5 * PAGE);
      expected.set(patternBytes(0, 3 * PAGE + 100));
      expect(Buffer.compare(bytesOf(opened), expected)).to.equal(0);
    });
  });

  it("to a page boundary inside a folio splits it as well", () => {
    withFile(TMPFS_POLICIES.always, 0, (opened, { sys }) => {
      pageCacheWrite(opened.file, 0, new Uint8Array(2 * MIB).fill(1));
      expect(picture(opened.mapping)).to.equal("0+512d");
      expect(sys.vmstat.get("nr_shmem_hugepages")).to.equal(1);
      truncateSetsize(opened.mapping, 2 * PAGE);
      expect(picture(opened.mapping)).to.equal("0+1d 1+1d");
      expect([sys.vmstat.get("nr_shmem_hugepages"), sys.vmstat.get("thp_split_page"), sys.vmstat.get("nr_shmem")]).to.deep.equal([0, 1, 2]);
    });
  });

  it("unmaps what goes, private copies too: SIGBUS afterwards", () => {
    withFile(EXT4_POLICY, 4 * PAGE, ({ mapping, file }, harness) => {
      const mm = harness.newMm();
      mapFile(mm, AT, 4 * PAGE, PROT_RW, MAP_PRIVATE, file);
      for (let page = 0; page < 4; page++) harness.writeByte(mm, AT + page * PAGE, 100 + page);
      truncateSetsize(mapping, PAGE + 1);
      expect(harness.readByte(mm, AT + PAGE), "its page is still in the file").to.equal(101);
      expect(harness.touch(mm, AT + 2 * PAGE, "read").signal).to.include({ signo: SIGBUS });
      expect(mm.rss[1], "MM_ANONPAGES").to.equal(2);
    });
  });

  it("of a mapped contpte block keeps the pages before the cut mapped or to be faulted in again", () => {
    withFile(XFS_POLICY, 0, ({ mapping, file }, harness) => {
      pageCacheWrite(file, 0, patternBytes(0, 65536));
      const mm = harness.newMm();
      mapFile(mm, AT, 65536, PROT_READ, MAP_SHARED, file);
      harness.touchAll(mm, AT, AT + 65536, "read");
      truncateSetsize(mapping, 6 * PAGE);
      harness.check();
      expect(picture(mapping)).to.equal("0+1d 1+1d 2+1d 3+1d 4+1d 5+1d");
      for (let page = 0; page < 6; page++) expect(harness.readByte(mm, AT + page * PAGE)).to.equal(patternBytes(page * PAGE, 1)[0]);
    });
  });

  it("growing again brings zeros, not what was on disk", () => {
    withFile(XFS_POLICY, 5 * PAGE, (opened) => {
      truncateSetsize(opened.mapping, 100);
      truncateSetsize(opened.mapping, 2 * PAGE);
      const expected = new Uint8Array(2 * PAGE);
      expected.set(patternBytes(0, 100));
      expect(Buffer.compare(bytesOf(opened), expected)).to.equal(0);
    });
  });

  it("of the initramfs forgets contents that no one has looked at", () => {
    withFile(
      INITRAMFS_POLICY,
      5 * PAGE,
      (opened) => {
        truncateSetsize(opened.mapping, PAGE + 50);
        truncateSetsize(opened.mapping, 5 * PAGE);
        const expected = new Uint8Array(5 * PAGE);
        expected.set(patternBytes(0, PAGE + 50));
        expect(Buffer.compare(bytesOf(opened), expected)).to.equal(0);
      },
      true,
    );
  });
});

describe("holes", () => {
  it("zero the ends and drop what lies between; private copies stay", () => {
    withFile(TMPFS_POLICIES.never, 0, (opened, harness) => {
      const { file, mapping } = opened;
      pageCacheWrite(file, 0, patternBytes(0, 6 * PAGE));
      const mm = harness.newMm();
      mapFile(mm, AT, 6 * PAGE, PROT_RW, MAP_PRIVATE, file);
      harness.writeByte(mm, AT + 2 * PAGE, 42);
      harness.touchAll(mm, AT, AT + 6 * PAGE, "read");
      truncatePagecacheRange(mapping, PAGE - 1, 4 * PAGE);
      expect(picture(mapping)).to.equal("0+1d 4+1d 5+1d");
      const expected = patternBytes(0, 6 * PAGE);
      expected.fill(0, PAGE - 1, 4 * PAGE + 1);
      expect(Buffer.compare(bytesOf(opened), expected)).to.equal(0);
      expect(harness.readByte(mm, AT + 2 * PAGE)).to.equal(42);
      expect(harness.readByte(mm, AT + 3 * PAGE)).to.equal(0);
    });
  });

  it("inside one large folio cut it in the middle", () => {
    withFile(XFS_POLICY, 0, (opened) => {
      pageCacheWrite(opened.file, 0, patternBytes(0, 65536));
      truncatePagecacheRange(opened.mapping, 4 * PAGE, 6 * PAGE - 1);
      expect(picture(opened.mapping)).to.equal("0+1d 1+1d 2+1d 3+1d 6+1d 7+1d 8+1d 9+1d 10+1d 11+1d 12+1d 13+1d 14+1d 15+1d");
      const expected = patternBytes(0, 65536);
      expected.fill(0, 4 * PAGE, 6 * PAGE);
      expect(Buffer.compare(bytesOf(opened), expected)).to.equal(0);
    });
  });

  it("in the initramfs", () => {
    withFile(
      INITRAMFS_POLICY,
      4 * PAGE,
      (opened) => {
        truncatePagecacheRange(opened.mapping, PAGE + 10, 3 * PAGE + 9);
        const expected = patternBytes(0, 4 * PAGE);
        expected.fill(0, PAGE + 10, 3 * PAGE + 10);
        expect(Buffer.compare(bytesOf(opened), expected)).to.equal(0);
      },
      true,
    );
  });

  it("a folio that someone holds cannot be split: a dirty one is zeroed and stays", () => {
    withFile(TMPFS_POLICIES.always, 0, ({ file, mapping }, { sys }) => {
      pageCacheWrite(file, 0, new Uint8Array(2 * MIB).fill(1));
      const folio = mapping.pages.get(0)!;
      sys.pages.refcount[folio]!++;
      truncateInodePagesRange(mapping, 10 * PAGE, Infinity);
      expect(picture(mapping)).to.equal("0+512d");
      expect(sys.memory.u8[(folio + 10) * PAGE]).to.equal(0);
      expect(sys.memory.u8[(folio + 10) * PAGE - 1]).to.equal(1);
      expect(sys.vmstat.get("thp_split_page_failed")).to.equal(1);
      sys.pages.refcount[folio]!--;
    });
  });
});

describe("invalidation", () => {
  it("drops clean folios wholly inside the range that no one maps", () => {
    withFile(XFS_POLICY, MIB, ({ file, mapping }, harness) => {
      forcePageCacheReadahead(file, 0, 8);
      pageCacheWrite(file, 8 * PAGE, new Uint8Array(4 * PAGE));
      filemapWriteAndWait(mapping);
      pageCacheWrite(file, 0, new Uint8Array(1));
      const mm = harness.newMm();
      mapFile(mm, AT, PAGE, PROT_READ, MAP_SHARED, file, 2 * PAGE);
      harness.touch(mm, AT, "read");
      expect(invalidateMappingPages(mapping, 0, 10)).to.equal(6);
      // Page 0 is dirty (and now marked to go when written), 2 is mapped, the folio of 8 to 11 reaches beyond the range.
      expect(picture(mapping)).to.equal("0+1Rd 2+1 8+4");
    });
  });

  it("drop_caches marks dirty tmpfs folios that no one maps, and fault-around then passes over them", () => {
    withFile(
      INITRAMFS_POLICY,
      32 * PAGE,
      ({ file, mapping }, harness) => {
        const mm = harness.newMm();
        mapFile(mm, AT, 32 * PAGE, PROT_READ, MAP_PRIVATE, file);
        harness.touch(mm, AT, "read");
        pageCacheRead(file, 16 * PAGE, new Uint8Array(1));
        dropPagecache(harness.sys);
        expect(harness.sys.vmstat.get("drop_pagecache")).to.equal(1);
        expect(mapping.nrPages).to.equal(17);
        expect(picture(mapping)).to.match(/15\+1d 16\+1Rd$/);
        // Also pages that are looked at only now were there and marked.
        harness.clear();
        harness.touchAll(mm, AT + 16 * PAGE, AT + 20 * PAGE, "read");
        expect(harness.faults.map(({ result }) => result)).to.deep.equal([0x200, 0x200, 0x200, 0x200]);
      },
      true,
    );
  });

  it("drop_caches empties clean files", () => {
    withFile(EXT4_POLICY, MIB, ({ file, mapping }, { sys }) => {
      pageCacheRead(file, 0, new Uint8Array(MIB));
      dropPagecache(sys);
      expect(mapping.nrPages).to.equal(0);
    });
  });
});
