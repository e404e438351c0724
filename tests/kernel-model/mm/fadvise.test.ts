/** posix_fadvise: windows, reading ahead, dropping what is clean. */
import { expect } from "chai";
import { EXT4_POLICY, TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { genericFadvise } from "../../../kernel-model/mm/fadvise.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { filemapWriteAndWait } from "../../../kernel-model/mm/page-writeback.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, mapFile, picture, PROT_READ, type TestFile } from "../../support/page-cache.js";

const NORMAL = 0;
const RANDOM = 1;
const SEQUENTIAL = 2;
const WILLNEED = 3;
const DONTNEED = 4;
const NOREUSE = 5;
const EINVAL = 22;
const ESPIPE = 29;
const PAGE = 4096;

function withFile(policy: FolioPolicy, size: number, work: (opened: TestFile, harness: MmHarness) => void): void {
  const harness = new MmHarness();
  const opened = createTestFile(harness.sys, { policy, size });
  work(opened, harness);
  opened.dispose();
  harness.close();
  expectNoPageCache(harness.sys);
}

describe("posix_fadvise", () => {
  it("sets the window and the kind of access of one description", () => {
    withFile(EXT4_POLICY, PAGE, ({ file }) => {
      expect(genericFadvise(file, 0, 0, SEQUENTIAL)).to.equal(0);
      expect(file.ra.raPages).to.equal(64);
      expect(genericFadvise(file, 0, 0, RANDOM)).to.equal(0);
      expect(genericFadvise(file, 0, 0, NOREUSE)).to.equal(0);
      expect(file.advice).to.deep.equal({ random: true, noreuse: true });
      expect(genericFadvise(file, 0, 0, SEQUENTIAL)).to.equal(0);
      expect(file.advice).to.deep.equal({ random: false, noreuse: true });
      expect(genericFadvise(file, 0, 0, NORMAL)).to.equal(0);
      expect([file.ra.raPages, file.advice.noreuse]).to.deep.equal([32, false]);
    });
  });

  it("WILLNEED reads every page that the range touches", () => {
    withFile(EXT4_POLICY, 100 * PAGE, ({ file, mapping }) => {
      expect(genericFadvise(file, 2 * PAGE + 1, PAGE, WILLNEED)).to.equal(0);
      expect(picture(mapping)).to.equal("2+1 3+1");
      expect(genericFadvise(file, 0, 0, WILLNEED)).to.equal(0);
      expect(mapping.nrPages).to.equal(100);
    });
  });

  it("DONTNEED drops clean pages that the range covers; the last one too if the range ends with the file", () => {
    withFile(EXT4_POLICY, 9 * PAGE + 100, ({ file, mapping }) => {
      const all = (): void => void pageCacheRead(file, 0, new Uint8Array(10 * PAGE));
      all();
      genericFadvise(file, PAGE + 1, 3 * PAGE, DONTNEED);
      expect([...mapping.pages.keys()].sort((a, b) => a - b)).to.deep.equal([0, 1, 4, 5, 6, 7, 8, 9]);
      all();
      genericFadvise(file, 8 * PAGE, PAGE + 50, DONTNEED);
      expect(mapping.pages.has(8)).to.equal(false);
      expect(mapping.pages.has(9), "covered in part").to.equal(true);
      genericFadvise(file, 8 * PAGE, PAGE + 100, DONTNEED);
      expect(mapping.pages.has(9), "up to the last byte").to.equal(false);
      all();
      genericFadvise(file, 0, 10, DONTNEED);
      expect(mapping.nrPages).to.equal(10);
      genericFadvise(file, 0, 0, DONTNEED);
      expect(mapping.nrPages).to.equal(0);
    });
  });

  it("DONTNEED leaves what is mapped, and what it only began to write back", () => {
    withFile(EXT4_POLICY, 4 * PAGE, ({ file, mapping }, harness) => {
      const mm = harness.newMm();
      mapFile(mm, 0x50_0000_0000, PAGE, PROT_READ, MAP_PRIVATE, file);
      harness.touch(mm, 0x50_0000_0000, "read");
      pageCacheWrite(file, 3 * PAGE, new Uint8Array(PAGE));
      genericFadvise(file, 0, 0, DONTNEED);
      expect(picture(mapping)).to.equal("0+1 3+1");
      genericFadvise(file, 0, 0, DONTNEED);
      expect(picture(mapping)).to.equal("0+1");
      harness.exit(mm);
      filemapWriteAndWait(mapping);
      genericFadvise(file, 0, 0, DONTNEED);
      expect(mapping.nrPages).to.equal(0);
    });
  });

  it("a negative offset lies behind every file", () => {
    withFile(EXT4_POLICY, 4 * PAGE, ({ file, mapping }) => {
      for (const advice of [NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, NOREUSE]) expect(genericFadvise(file, -PAGE, 0, advice)).to.equal(0);
      expect(mapping.nrPages).to.equal(0);
    });
  });

  it("has no effect on tmpfs, and errors come first", () => {
    withFile(TMPFS_POLICIES.never, 0, ({ file, mapping, inode }) => {
      pageCacheWrite(file, 0, new Uint8Array(PAGE));
      for (const advice of [NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, NOREUSE]) expect(genericFadvise(file, 0, 0, advice)).to.equal(0);
      expect(file.advice.random).to.equal(false);
      expect(mapping.nrPages).to.equal(1);
      expect(genericFadvise(file, 0, 0, 6)).to.equal(-EINVAL);
      expect(genericFadvise(file, 0, -1, NORMAL)).to.equal(-EINVAL);
      inode.mode = 0o010644;
      expect(genericFadvise(file, 0, 0, NORMAL)).to.equal(-ESPIPE);
      inode.mode = 0o100644;
    });
  });
});
