/** Clean page cache gives way; what is dirty, mapped or in memory only stays. */
import { expect } from "chai";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { mappingEvictFolio, reclaimableMappings, shrinkPageCache } from "../../../kernel-model/mm/page-cache-reclaim.js";
import { forcePageCacheReadahead } from "../../../kernel-model/mm/readahead.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, mapFile, MIB, picture, PROT_READ } from "../../support/page-cache.js";

const PAGE = 4096;
const AT = 0x50_0000_0000;

describe("reclaim of page cache", () => {
  it("takes unreferenced clean folios first, then referenced and dirty ones; mapped ones and tmpfs stay", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const first = createTestFile(sys, { policy: EXT4_POLICY, size: MIB });
    const second = createTestFile(sys, { policy: EXT4_POLICY, size: MIB });
    const memory = createTestFile(sys, { policy: TMPFS_POLICIES.never, size: 0 });
    pageCacheWrite(memory.file, 0, new Uint8Array(4 * PAGE));
    expect(reclaimableMappings(sys), "nothing cached of disk files yet").to.deep.equal([]);
    first.file.advice.random = true;
    pageCacheRead(first.file, 0, new Uint8Array(2 * PAGE)); // referenced
    forcePageCacheReadahead(first.file, 2, 2);
    pageCacheWrite(first.file, 0, new Uint8Array([77])); // dirty
    forcePageCacheReadahead(second.file, 0, 3);
    const mm = harness.newMm();
    mapFile(mm, AT, PAGE, PROT_READ, MAP_PRIVATE, second.file, PAGE);
    harness.touch(mm, AT, "read");
    expect(shrinkPageCache(sys, 1)).to.equal(1);
    expect(picture(first.mapping)).to.equal("0+1d 1+1 3+1");
    expect(shrinkPageCache(sys, 3), "page 1 was referenced and got its second chance in the first round").to.equal(3);
    expect([picture(first.mapping), picture(second.mapping)]).to.deep.equal(["0+1d", "1+1 2+1"]);
    expect(shrinkPageCache(sys, 2)).to.equal(2);
    expect([picture(first.mapping), picture(second.mapping)]).to.deep.equal(["", "1+1"]);
    const disk = new Uint8Array(1);
    first.backing!.read(0, disk);
    expect(disk[0], "written back on its way out").to.equal(77);
    expect(shrinkPageCache(sys, 100), "mapped").to.equal(0);
    expect([picture(second.mapping), picture(memory.mapping)]).to.deep.equal(["1+1", "0+1d 1+1d 2+1d 3+1d"]);
    harness.exit(mm);
    for (const file of [first, second, memory]) file.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("leaves what is locked in memory or held by someone", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: EXT4_POLICY, size: MIB });
    forcePageCacheReadahead(opened.file, 0, 3);
    const [mlocked, held] = [opened.mapping.pages.get(0)!, opened.mapping.pages.get(1)!];
    sys.pages.set(mlocked, 1 << 9);
    sys.pages.refcount[held]!++;
    expect(shrinkPageCache(sys, 10)).to.equal(1);
    expect(picture(opened.mapping)).to.equal("0+1 1+1");
    sys.pages.clear(mlocked, 1 << 9);
    sys.pages.refcount[held]!--;
    opened.dispose();
    harness.close();
  });

  it("evicts a large folio as a whole", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: XFS_POLICY, size: MIB });
    pageCacheRead(opened.file, 0, new Uint8Array(16384));
    expect(mappingEvictFolio(opened.mapping, opened.mapping.pages.get(0)!)).to.equal(4);
    opened.dispose();
    harness.close();
  });
});
