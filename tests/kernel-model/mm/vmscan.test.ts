/** Memory stays free: files larger than memory, read, written and mapped. */
import { expect } from "chai";
import { EXT4_POLICY, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead } from "../../../kernel-model/mm/filemap-io.js";
import { forcePageCacheReadahead } from "../../../kernel-model/mm/readahead.js";
import { balancePgdat } from "../../../kernel-model/mm/vmscan.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, MAP_SHARED, mapFile, MIB, patternBytes, picture, PROT_RW } from "../../support/page-cache.js";

const PAGE = 4096;
const AT = 0x50_0000_0000;

describe("watermarks", () => {
  it("mapped folios go when nothing else is left; the next access brings them back", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * PAGE });
    const mm = harness.newMm();
    mapFile(mm, AT, 8 * PAGE, PROT_RW, MAP_SHARED, opened.file);
    harness.touchAll(mm, AT, AT + 8 * PAGE, "read");
    harness.writeByte(mm, AT + 3 * PAGE, 0x33);
    sys.pages.set(opened.mapping.pages.get(5)!, 1 << 10); // mlocked
    // As if all of memory but the low watermark were taken.
    balancePgdat(sys, sys.buddy.nrFree - sys.buddy.watermarks.low + 1);
    harness.check();
    expect(picture(opened.mapping)).to.equal("5+1");
    expect([harness.pte(mm, AT), harness.pte(mm, AT + 5 * PAGE) === 0n]).to.deep.equal([0n, false]);
    sys.pages.clear(opened.mapping.pages.get(5)!, 1 << 10);
    expect([harness.readByte(mm, AT + 3 * PAGE), harness.readByte(mm, AT + 2 * PAGE)]).to.deep.equal([0x33, patternBytes(2 * PAGE, 1)[0]]);
    harness.exit(mm);
    opened.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("private copies are not page cache", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: EXT4_POLICY, size: PAGE });
    const mm = harness.newMm();
    mapFile(mm, AT, PAGE, PROT_RW, MAP_PRIVATE, opened.file);
    harness.writeByte(mm, AT, 9);
    balancePgdat(sys, sys.buddy.nrFree - sys.buddy.watermarks.low + 1);
    expect([opened.mapping.nrPages, harness.readByte(mm, AT)]).to.deep.equal([0, 9]);
    harness.exit(mm);
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
    opened.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("a file larger than memory can be read and written through a mapping, beside anonymous memory", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: 24 * MIB });
    const mm = harness.newMm();
    harness.anon(mm, AT - 8 * MIB, 4 * MIB);
    mapFile(mm, AT, 24 * MIB, PROT_RW, MAP_SHARED, opened.file);
    for (let at = 0; at < 24 * MIB; at += PAGE) {
      expect(harness.readByte(mm, AT + at)).to.equal(patternBytes(at, 1)[0]);
      if (at % (16 * PAGE) === 0) harness.writeByte(mm, AT + at, 0xa5);
      if (at < 4 * MIB) harness.writeByte(mm, AT - 8 * MIB + at, 1);
    }
    harness.check();
    for (let at = 0; at < 24 * MIB; at += 16 * PAGE) expect(harness.readByte(mm, AT + at)).to.equal(0xa5);
    for (let at = 0; at < 4 * MIB; at += PAGE) expect(harness.readByte(mm, AT - 8 * MIB + at)).to.equal(1);
    harness.exit(mm);
    opened.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("balances before an allocation, from below the low watermark up to the high one", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: EXT4_POLICY, size: 16 * MIB });
    const { buddy } = sys;
    for (let at = 0; buddy.nrFree > buddy.watermarks.low; at += 32) forcePageCacheReadahead(opened.file, at, Math.min(32, buddy.nrFree - buddy.watermarks.low));
    expect(buddy.nrFree).to.equal(buddy.watermarks.low);
    const share = Math.floor(opened.mapping.nrPages / 64);
    balancePgdat(sys, 1);
    const after = buddy.nrFree;
    expect(after).to.equal(buddy.watermarks.low + Math.max(share, buddy.watermarks.high + 1 - buddy.watermarks.low));
    expect(opened.mapping.pages.has(0), "what was cached first goes first").to.equal(false);
    balancePgdat(sys, 1);
    expect(buddy.nrFree).to.equal(after);
    opened.dispose();
    harness.close();
  });
});
