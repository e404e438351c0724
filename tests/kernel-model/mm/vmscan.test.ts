/** Memory stays free: files larger than memory, read, written and mapped. */
import { expect } from "chai";
import { EXT4_POLICY, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead } from "../../../kernel-model/mm/filemap-io.js";
import { forcePageCacheReadahead } from "../../../kernel-model/mm/readahead.js";
import { balancePgdat, memoryReclaim } from "../../../kernel-model/mm/vmscan.js";
import { MmHarness } from "../../support/mm-harness.js";
import { seededRandom } from "../../support/seed.js";
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

describe("anonymous memory under pressure", function () {
  this.timeout(60_000);

  it("goes to swap space, oldest first, and comes back as it was", () => {
    const harness = new MmHarness({ memoryMib: 16, swapBytes: 64 * MIB });
    const { sys } = harness;
    const mm = harness.newMm();
    const pages = 6000;
    harness.anon(mm, AT, pages * PAGE);
    for (let page = 0; page < pages; page++) harness.writeByte(mm, AT + page * PAGE + (page % PAGE), (page % 255) + 1);
    expect(sys.buddy.nrFree).to.be.at.least(sys.buddy.watermarks.min);
    expect(mm.rss[2], "swapped").to.be.within(2000, 3000);
    expect(harness.pte(mm, AT) & 1n, "the first page is out").to.equal(0n);
    expect(harness.pte(mm, AT + (pages - 1) * PAGE) & 1n, "the last one is in").to.equal(1n);
    harness.check();
    for (let page = 0; page < pages; page += 7) expect(harness.readByte(mm, AT + page * PAGE + (page % PAGE)), `page ${page}`).to.equal((page % 255) + 1);
    expect([sys.vmstat.get("pgsteal_anon"), sys.vmstat.get("pgsteal_kswapd")].every((count) => count > 2000)).to.equal(true);
    harness.close();
  });

  it("pages in use stay: those that are touched between rounds are not swapped out", () => {
    const harness = new MmHarness({ memoryMib: 16, swapBytes: 64 * MIB });
    const mm = harness.newMm();
    const HOT = 200;
    harness.anon(mm, AT, 8000 * PAGE);
    for (let page = 0; page < HOT; page++) harness.writeByte(mm, AT + page * PAGE, 1);
    for (let page = HOT; page < 8000; page++) {
      harness.writeByte(mm, AT + page * PAGE, 1);
      if (page % 50 === 0) harness.touchAll(mm, AT, AT + HOT * PAGE, "read");
    }
    const hotOut = Array.from({ length: HOT }, (_, page) => harness.pte(mm, AT + page * PAGE) & 1n).filter((valid) => valid === 0n).length;
    expect(hotOut).to.equal(0);
    expect(mm.rss[2]).to.be.above(4000);
    harness.close();
  });

  it("random writes of two processes over more than memory lose nothing", () => {
    const random = seededRandom(0x5a);
    for (const order of [0, 4]) {
      const harness = new MmHarness({ memoryMib: 16, swapBytes: 64 * MIB });
      if (order > 0) harness.sys.thp.setSizeEnabled(order as never, "always");
      const parent = harness.newMm();
      const pages = 5000;
      harness.anon(parent, AT, pages * PAGE);
      const contents: number[][] = [new Array<number>(pages).fill(0)];
      const mms = [parent];
      for (let step = 0; step < 12_000; step++) {
        if (step === 4000) {
          mms.push(harness.fork(parent));
          contents.push([...contents[0]!]);
        }
        const who = random(mms.length);
        const page = random(pages);
        const value = 1 + random(255);
        harness.writeByte(mms[who]!, AT + page * PAGE, value);
        contents[who]![page] = value;
        if (step % 2000 === 0) harness.check();
      }
      mms.forEach((mm, who) => {
        contents[who]!.forEach((value, page) => {
          if (page % 3 === 0) expect(harness.readByte(mm, AT + page * PAGE), `page ${page} of process ${who}`).to.equal(value);
        });
      });
      harness.check();
      harness.close();
    }
  });

  it("without swap space it stays, and the fault fails", () => {
    const harness = new MmHarness({ memoryMib: 16 });
    const mm = harness.newMm();
    for (const half of [0, 3000]) harness.anon(mm, AT + half * PAGE, 3000 * PAGE);
    let signal: unknown;
    for (let page = 0; page < 6000 && signal === undefined; page++) ({ signal } = harness.touch(mm, AT + page * PAGE, "write"));
    expect(signal).to.include({ signo: 9 });
    harness.close();
  });
});

describe("memory.reclaim", () => {
  it("takes from one group only, as much as is asked, and says when there is no more", () => {
    const harness = new MmHarness({ memoryMib: 64, swapBytes: 16 * MIB, memoryCgroups: ["a", "b"] });
    const { sys } = harness;
    sys.thp.enabled = "never";
    const [a, b] = [harness.newMm(), harness.newMm()];
    a.memcg = 1;
    b.memcg = 2;
    for (const mm of [a, b]) {
      harness.anon(mm, AT, 512 * PAGE);
      harness.touchAll(mm, AT, AT + 512 * PAGE, "write");
    }
    expect(memoryReclaim(sys, 1, 256)).to.equal(0);
    expect([a.rss[2]! >= 256, a.rss[2]! < 400, b.rss[2], sys.memcgs.charged[1]! + a.rss[2]!, sys.memcgs.charged[2]]).to.deep.equal([true, true, 0, 512, 512]);
    harness.check();
    expect(memoryReclaim(sys, 1, 512), "more than there is").to.equal(-11);
    expect([a.rss[1], b.rss[1]]).to.deep.equal([0, 512]);
    expect(memoryReclaim(sys, 1, 0)).to.equal(0);
    harness.close();
  });
});
