/** Dirty tracking of shared mappings and write-back, with TLB maintenance and contpte blocks. */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import { folioMarkDirty, folioMkclean, filemapWriteAndWait, pagecacheIsizeExtended, syncAll } from "../../../kernel-model/mm/page-writeback.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, MAP_SHARED, mapFile, patternByte, picture, PROT_RW } from "../../support/page-cache.js";

const AT = 0x50_0001_0000;
const PAGE = 4096;
const DBM = 1n << 51n;
const CONT = 1n << 52n;
const RDONLY = 1n << 7n;
const SW_DIRTY = 1n << 55n;
const READAHEAD = 1 << 8;

describe("write-back", () => {
  it("folio_mark_dirty tells a clean folio from a dirty one and takes the readahead mark off", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: 65536 });
    pageCacheRead(opened.file, 0, new Uint8Array(16384));
    const folio = opened.mapping.pages.get(0)!;
    sys.pages.set(folio, READAHEAD);
    expect(folioMarkDirty(sys, folio)).to.equal(true);
    expect(folioMarkDirty(sys, folio)).to.equal(false);
    expect(picture(opened.mapping)).to.match(/^0\+4d /);
    expect([sys.vmstat.get("nr_dirty"), sys.vmstat.get("nr_dirtied")]).to.deep.equal([4, 4]);
    const loose = folioAlloc(sys, 0 as Order);
    expect(folioMarkDirty(sys, loose), "truncated meanwhile").to.equal(true);
    folioPut(sys, loose);
    opened.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("the first write through a shared mapping faults, and again after fsync; the bytes reach the disk", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: EXT4_POLICY, size: 4 * PAGE });
    const mm = harness.newMm();
    mapFile(mm, AT, 4 * PAGE, PROT_RW, MAP_SHARED, opened.file);
    expect(mm.vmas.lookup(AT)!.pageProt & DBM, "write-protected until page_mkwrite").to.equal(0n);
    harness.readByte(mm, AT + PAGE);
    const writeFaults = (value: number): number => {
      harness.clear();
      harness.writeByte(mm, AT + PAGE, value);
      return harness.faults.length;
    };
    expect([writeFaults(1), writeFaults(2)]).to.deep.equal([1, 0]);
    expect(picture(opened.mapping)).to.equal("0+1 1+1d 2+1 3+1");
    harness.clear();
    expect(filemapWriteAndWait(opened.mapping).length).to.equal(1);
    expect(harness.maintenance()["vale1is"], "one page is flushed").to.equal(1);
    expect(harness.pte(mm, AT + PAGE) & (DBM | RDONLY | SW_DIRTY)).to.equal(RDONLY);
    expect(picture(opened.mapping)).to.equal("0+1 1+1 2+1 3+1");
    const disk = new Uint8Array(2);
    opened.backing!.read(PAGE, disk);
    expect([...disk]).to.deep.equal([2, patternByte(PAGE + 1)]);
    expect([writeFaults(3), writeFaults(4)]).to.deep.equal([1, 0]);
    syncAll(sys);
    opened.backing!.read(PAGE, disk);
    expect(disk[0]).to.equal(4);
    harness.exit(mm);
    opened.dispose();
    harness.close();
    expectNoPageCache(sys);
  });

  it("cleaning unfolds a contpte block that was written through, and leaves one that was only read", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: XFS_POLICY, size: 0 });
    for (const at of [0, 131072]) pageCacheWrite(opened.file, at, new Uint8Array(131072));
    filemapWriteAndWait(opened.mapping);
    const mm = harness.newMm();
    mapFile(mm, AT, 2 * 65536, PROT_RW, MAP_SHARED, opened.file);
    harness.touchAll(mm, AT, AT + 2 * 65536, "read");
    expect([harness.pte(mm, AT) & CONT, harness.pte(mm, AT + 65536) & CONT]).to.deep.equal([CONT, CONT]);
    harness.touchAll(mm, AT, AT + 65536, "write");
    harness.check();
    filemapWriteAndWait(opened.mapping);
    harness.check();
    for (let page = 0; page < 16; page++) expect(harness.pte(mm, AT + page * PAGE) & (DBM | RDONLY)).to.equal(RDONLY);
    expect(harness.pte(mm, AT + 65536) & CONT).to.equal(CONT);
    harness.exit(mm);
    opened.dispose();
    harness.close();
  });

  it("private copies and private mappings are left alone", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: EXT4_POLICY, size: PAGE });
    const mm = harness.newMm();
    mapFile(mm, AT, PAGE, PROT_RW, MAP_PRIVATE, opened.file);
    harness.writeByte(mm, AT, 9);
    const before = harness.pte(mm, AT);
    expect(folioMkclean(opened.mapping, opened.mapping.pages.get(0) as Pfn)).to.equal(0);
    expect(filemapWriteAndWait(opened.mapping)).to.deep.equal([]);
    expect(harness.pte(mm, AT)).to.equal(before);
    harness.exit(mm);
    opened.dispose();
    harness.close();
  });

  it("writes no further than the end of the file, and only the range that is asked for", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: EXT4_POLICY, size: 0 });
    pageCacheWrite(opened.file, 0, new Uint8Array(3 * PAGE + 5).fill(1));
    const written: [number, number][] = [];
    const mapping = { ...opened.mapping, backing: { read: () => undefined, write: (offset: number, from: Uint8Array) => void written.push([offset, from.length]) } };
    filemapWriteAndWait(mapping, 1, 1);
    expect(written).to.deep.equal([[PAGE, PAGE]]);
    filemapWriteAndWait(mapping);
    expect(written.slice(1)).to.deep.equal([
      [0, PAGE],
      [2 * PAGE, PAGE],
      [3 * PAGE, 5],
    ]);
    opened.dispose();
    harness.close();
  });

  it("tmpfs has nothing to write back", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: TMPFS_POLICIES.never, size: 0 });
    pageCacheWrite(opened.file, 0, new Uint8Array(PAGE));
    expect(filemapWriteAndWait(opened.mapping)).to.deep.equal([]);
    expect(picture(opened.mapping)).to.equal("0+1d");
    expect(harness.sys.vmstat.get("nr_dirty")).to.equal(0);
    opened.dispose();
    harness.close();
  });

  it("a file without a disk cannot write back", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: EXT4_POLICY, size: 0 });
    pageCacheWrite(opened.file, 0, new Uint8Array(1));
    expect(() => filemapWriteAndWait({ ...opened.mapping, backing: undefined })).to.throw(ModelBug, "no backing");
  });

  it("growing over the block at the end makes a shared mapping of that page fault again when pages are larger than blocks", () => {
    const harness = new MmHarness({ granule: "16k" });
    const opened = createTestFile(harness.sys, { policy: XFS_POLICY, size: 5000 });
    const mm = harness.newMm();
    mapFile(mm, 0x50_0000_0000, 16384, PROT_RW, MAP_SHARED, opened.file);
    harness.writeByte(mm, 0x50_0000_0000, 1);
    expect(harness.pte(mm, 0x50_0000_0000) & DBM).to.equal(DBM);
    opened.inode.size = 10000;
    pagecacheIsizeExtended(opened.mapping, 5000, 10000);
    expect(harness.pte(mm, 0x50_0000_0000) & DBM).to.equal(0n);
    harness.exit(mm);
    opened.dispose();
    harness.close();
  });
});
