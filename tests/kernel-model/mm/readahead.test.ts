/** Readahead windows and folio orders as pictures of the page cache. */
import { expect } from "chai";
import type { Pfn } from "../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { EXT4_POLICY, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead } from "../../../kernel-model/mm/filemap-io.js";
import {
  bdiRaPages,
  fileRaStateInit,
  forcePageCacheReadahead,
  getInitRaSize,
  getNextRaSize,
  pageCacheAsyncRa,
  pageCacheRaOrder,
  pageCacheSyncRa,
} from "../../../kernel-model/mm/readahead.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, KIB, MIB, picture, type TestFile } from "../../support/page-cache.js";

interface Case {
  readonly granule?: GranuleName;
  readonly policy?: FolioPolicy;
  readonly size?: number;
  readonly readAheadKb?: number;
}

/** Runs `work` on a fresh file and gives everything back. */
function withFile({ granule = "4k", policy = XFS_POLICY, size = 64 * MIB, readAheadKb = 128 }: Case, work: (opened: TestFile) => void): void {
  const harness = new MmHarness({ granule });
  harness.sys.tunables.readAheadKb = readAheadKb;
  const opened = createTestFile(harness.sys, { policy, size });
  work(opened);
  opened.dispose();
  expectNoPageCache(harness.sys);
  harness.close();
}

/** read() of `count` bytes at `pos`; what is cached afterwards. */
function read({ file, mapping }: TestFile, pos: number, count: number): string {
  const bytes = new Uint8Array(count);
  expect(pageCacheRead(file, pos, bytes)).to.equal(Math.min(count, Math.max(0, file.inode.size - pos)));
  return picture(mapping);
}

describe("readahead", () => {
  it("first window: four times a tiny request, twice a small one, at most the limit", () => {
    // For 32 pages (128K of 4K): 1 page -> 4, 2 -> 4, 3 and 4 -> 8, 5 to 8 -> 16, more -> 32.
    expect([1, 2, 3, 4, 5, 8, 9, 32, 100].map((size) => getInitRaSize(size, 32))).to.deep.equal([4, 4, 8, 8, 16, 16, 32, 32, 32]);
    expect([1, 2, 3].map((size) => getInitRaSize(size, 8)), "16K pages").to.deep.equal([2, 4, 8]);
    expect(getInitRaSize(1, 2), "64K pages").to.equal(2);
  });

  it("next window: times four while small, times two, then the limit", () => {
    expect([1, 2, 4, 8, 16, 17, 32].map((size) => getNextRaSize(size, 32))).to.deep.equal([4, 4, 8, 16, 32, 32, 32]);
  });

  it("starts with the device's window", () => {
    const { sys } = new MmHarness({ granule: "16k" });
    expect(bdiRaPages(sys)).to.equal(8);
    expect(fileRaStateInit(sys)).to.deep.equal({ start: 0, size: 0, asyncSize: 0, raPages: 8, mmapMiss: 0, prevPos: -1 });
  });

  it("read() of 4K at a time: windows grow, folios grow by two orders per window", () => {
    withFile({}, (opened) => {
      const seen: string[] = [];
      for (let page = 0; page < 128; page++) {
        const now = read(opened, page * 4096, 4096);
        if (now !== seen.at(-1)) seen.push(now);
      }
      expect(seen.slice(0, 3)).to.deep.equal([
        // One page asked for: window of 4 in one folio, which carries its own mark; hit at once, it brings the next window, 8 pages.
        "0+4 4+4R 8+4",
        "0+4 4+4 8+4 12+4R 16+8 24+4",
        "0+4 4+4 8+4 12+4 16+8 24+4 28+4R 32+16 48+8 56+4",
      ]);
      // From page 28 on windows start at a multiple of 4 only, so the folio with the mark has order 2 and the ramp ends at order 4.
      expect(seen.at(-1)).to.match(/ 92\+4 96\+16 112\+8 120\+4 124\+4 128\+16 144\+8 152\+4 156\+4R 160\+16 176\+8 184\+4$/);
    });
  });

  it("larger windows let folios grow beyond 128K, as far as the alignment of their start", () => {
    withFile({ readAheadKb: 4096 }, (opened) => {
      for (let at = 0; at < 4 * MIB; at += 64 * KIB) read(opened, at, 64 * KIB);
      const orders = picture(opened.mapping).split(" ").map((folio) => Number(folio.split("+")[1]!.replace("R", "")));
      const count = (pages: number): number => orders.filter((n) => n === pages).length;
      // Windows from 0, 64, 192, 448, 960 and 1984, of 64, 128, 256, 512, 1024 and 1024 pages. Two orders more each time; the last
      // two begin at a multiple of 64, where the folio with the mark has order 6, so order 8 is the end of it.
      expect([4, 16, 64, 128, 256].map(count)).to.deep.equal([16, 8, 10, 3, 7]);
      expect(opened.file.ra).to.include({ start: 1984, size: 1024, asyncSize: 1024 });
    });
  });

  it("ext4 reads the same windows in single pages", () => {
    withFile({ policy: EXT4_POLICY }, (opened) => {
      read(opened, 0, 4096);
      expect(picture(opened.mapping)).to.equal("0+1 1+1R 2+1 3+1");
    });
  });

  it("windows of less than four pages are read in single pages", () => {
    withFile({ granule: "64k" }, (opened) => {
      expect(read(opened, 0, 65536)).to.equal("0+1 1+1R");
    });
  });

  it("stops at the end of the file", () => {
    withFile({ size: 5 * 4096 + 1 }, (opened) => {
      expect(read(opened, 0, 64 * KIB)).to.equal("0+4 4+2");
    });
  });

  it("a large read goes beyond the window, up to one disk request of 1280K", () => {
    withFile({}, (opened) => {
      pageCacheSyncRa(opened.file, opened.mapping, 0, 1024);
      // 320 pages in folios of order 2: no stream was seen yet.
      expect(opened.mapping.nrPages).to.equal(320);
      expect(opened.file.ra).to.include({ start: 0, size: 320, asyncSize: 160 });
    });
  });

  it("a random read brings what was asked for, and no mark", () => {
    withFile({}, (opened) => {
      expect(read(opened, 40 * 4096, 8192)).to.equal("40+1 41+1");
      expect(opened.file.ra).to.include({ start: 0, size: 0, asyncSize: 0 });
    });
  });

  it("a miss after a cached stretch longer than the request continues the stream", () => {
    withFile({}, (opened) => {
      forcePageCacheReadahead(opened.file, 0, 10);
      opened.file.ra.prevPos = 20 * 4096;
      // Ten pages cached down to the beginning: counts twice, window 20 + 2.
      pageCacheSyncRa(opened.file, opened.mapping, 10, 2);
      expect(opened.file.ra).to.include({ start: 10, size: 22, asyncSize: 1 });
      expect(picture(opened.mapping)).to.equal("0+1 1+1 2+1 3+1 4+1 5+1 6+1 7+1 8+1 9+1 10+2 12+4 16+4 20+4 24+4 28+4R");
    });
  });

  it("POSIX_FADV_RANDOM reads exactly the request", () => {
    withFile({}, (opened) => {
      opened.file.advice.random = true;
      pageCacheSyncRa(opened.file, opened.mapping, 0, 3);
      expect(picture(opened.mapping)).to.equal("0+1 1+1 2+1");
    });
  });

  it("forced readahead is cut to one request and skips what is there", () => {
    withFile({}, (opened) => {
      pageCacheRaAt(opened, 4, 4);
      forcePageCacheReadahead(opened.file, 2, 10);
      expect(picture(opened.mapping)).to.equal("2+1 3+1 4+4 8+1 9+1 10+1 11+1");
      forcePageCacheReadahead(opened.file, 1000, 100000);
      expect(opened.mapping.nrPages).to.equal(10 + 320);
    });
  });

  it("folios align to their order and fall back to single pages where something is in the way", () => {
    withFile({}, (opened) => {
      forcePageCacheReadahead(opened.file, 12, 1);
      pageCacheRaAt(opened, 3, 16);
      // From 3: order 0, order 2 up to 12, which is taken; then the plain way, which skips it.
      expect(picture(opened.mapping)).to.equal("3+1 4+4 8+4 12+1 13+1 14+1 15+1 16+1 17+1 18+1 19+1 20+1 21+1 22+1 23+1 24+1 25+1 26+1 27+1");
    });
  });

  it("a mark without its window looks for the end of the cache; from inside a folio it leaves a gap", () => {
    withFile({ granule: "16k" }, (opened) => {
      // The 16K recording: read-around [124, 132), then a fault on page 129, which is not where the mark was put.
      const { file, mapping } = opened;
      Object.assign(file.ra, { start: 124, size: 8, asyncSize: 2 });
      pageCacheRaAt(opened, 124, 8, 2);
      expect(picture(mapping)).to.equal("124+4 128+4R");
      pageCacheAsyncRa(file, mapping, 129, mapping.pages.get(129) as Pfn, 8);
      expect(picture(mapping)).to.equal("124+4 128+4 134+2R 136+4 140+2");
      expect(file.ra).to.include({ start: 134, size: 8, asyncSize: 8 });
    });
  });
});

/** page_cache_ra_order() for a window of `size` pages at `index`, order request 0. */
function pageCacheRaAt({ file, mapping }: TestFile, index: number, size: number, asyncSize = 0): void {
  Object.assign(file.ra, { start: index, size, asyncSize });
  pageCacheRaOrder({ mapping, ra: file.ra, random: false, index, nrPages: 0 }, 0);
}
