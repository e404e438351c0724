/** Clean page cache gives way; what is dirty, mapped or in memory only stays. */
import { expect } from "chai";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { filemapAllocFolio } from "../../../kernel-model/mm/filemap.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { folioPut } from "../../../kernel-model/mm/folio.js";
import { mappingEvictFolio, shrinkPageCache } from "../../../kernel-model/mm/page-cache-reclaim.js";
import { forcePageCacheReadahead } from "../../../kernel-model/mm/readahead.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, mapFile, MIB, patternBytes, picture, PROT_READ } from "../../support/page-cache.js";

const PAGE = 4096;

describe("reclaim of page cache", () => {
  it("takes clean folios that no one holds, unreferenced ones first, and leaves the rest", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const first = createTestFile(sys, { policy: EXT4_POLICY, size: MIB });
    const second = createTestFile(sys, { policy: EXT4_POLICY, size: MIB });
    const memory = createTestFile(sys, { policy: TMPFS_POLICIES.never, size: 0 });
    pageCacheWrite(memory.file, 0, new Uint8Array(4 * PAGE));
    first.file.advice.random = true;
    pageCacheRead(first.file, 0, new Uint8Array(2 * PAGE)); // referenced
    forcePageCacheReadahead(first.file, 2, 2);
    pageCacheWrite(first.file, 0, new Uint8Array(1)); // dirty
    forcePageCacheReadahead(second.file, 0, 3);
    const mm = harness.newMm();
    mapFile(mm, 0x50_0000_0000, PAGE, PROT_READ, MAP_PRIVATE, second.file, PAGE);
    harness.touch(mm, 0x50_0000_0000, "read");
    expect(shrinkPageCache(sys, 1)).to.equal(1);
    expect(picture(first.mapping)).to.equal("0+1d 1+1 3+1");
    expect(shrinkPageCache(sys, 3), "page 1 is referenced").to.equal(3);
    expect([picture(first.mapping), picture(second.mapping)]).to.deep.equal(["0+1d 1+1", "1+1"]);
    expect(shrinkPageCache(sys, 100)).to.equal(1);
    expect([picture(first.mapping), picture(second.mapping), picture(memory.mapping)]).to.deep.equal(["0+1d", "1+1", "0+1d 1+1d 2+1d 3+1d"]);
    harness.exit(mm);
    for (const file of [first, second, memory]) file.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("evicts a large folio as a whole", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: XFS_POLICY, size: MIB });
    pageCacheRead(opened.file, 0, new Uint8Array(16384));
    expect(mappingEvictFolio(opened.mapping, opened.mapping.pages.get(0)!)).to.equal(4);
    opened.dispose();
    harness.close();
  });

  it("a file larger than memory can be read through, and memory stays above the reserve", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: 48 * MIB });
    const bytes = new Uint8Array(256 * 1024);
    for (let at = 0; at < 48 * MIB; at += bytes.length) {
      expect(pageCacheRead(opened.file, at, bytes)).to.equal(bytes.length);
      if (at % (8 * MIB) === 0) expect(Buffer.compare(bytes, patternBytes(at, bytes.length))).to.equal(0);
      expect(sys.buddy.nrFree).to.be.above(sys.buddy.watermarks.min);
    }
    const anonymous = filemapAllocFolio(sys, 3);
    expect(anonymous).to.be.at.least(0);
    folioPut(sys, anonymous);
    opened.dispose();
    harness.close();
    expectNoPageCache(sys);
  });
});
