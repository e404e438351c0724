/** Faults on files: results and flags, fault-around, the end of the file, giving up on readahead. */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY, INITRAMFS_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { forcePageCacheReadahead } from "../../../kernel-model/mm/readahead.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_PRIVATE, MAP_SHARED, mapFile, MIB, patternByte, patternBytes, picture, PROT_READ, PROT_RW, type TestFile, type TestFileOptions } from "../../support/page-cache.js";

const BASE = 0x50_0000_0000;
const SIGBUS = 7;
const PAGE = 4096;
const LOCKED = 1 << 0;
const READAHEAD = 1 << 8;
const VM_SEQ_READ = 0x8000;

interface Mapped extends TestFile {
  readonly harness: MmHarness;
  readonly mm: ReturnType<MmHarness["newMm"]>;
}

/** A file mapped at BASE + 64K (so that no PMD fits); everything is given back after `work`. */
function withMapping(options: TestFileOptions, prot: number, flags: number, work: (mapped: Mapped) => void, length = options.size): void {
  const harness = new MmHarness();
  const opened = createTestFile(harness.sys, options);
  const mm = harness.newMm();
  mapFile(mm, AT, Math.ceil(length / PAGE) * PAGE, prot, flags, opened.file);
  harness.clear();
  harness.sys.current = { minFlt: 0, majFlt: 0 };
  work({ ...opened, harness, mm });
  harness.check();
  harness.exit(mm);
  opened.dispose();
  harness.close();
  expectNoPageCache(harness.sys);
}

const AT = BASE + 65536;

/** Pages of the mapping that have an entry, as "first-last" ranges. */
function present({ harness, mm, inode }: Mapped): string {
  const ranges: string[] = [];
  let start = -1;
  for (let page = 0; page <= Math.ceil(inode.size / PAGE); page++) {
    const mapped = (harness.pte(mm, AT + page * PAGE) & 1n) !== 0n;
    if (mapped && start < 0) start = page;
    if (!mapped && start >= 0) {
      ranges.push(`${start}-${page - 1}`);
      start = -1;
    }
  }
  return ranges.join(" ");
}

describe("file faults", () => {
  it("deliver the file's bytes", () => {
    withMapping({ policy: XFS_POLICY, size: MIB }, PROT_READ, MAP_PRIVATE, ({ harness, mm }) => {
      for (const at of [0, 1, 4095, 4096, 65535, 65536, 500000, MIB - 1]) expect(harness.readByte(mm, AT + at), `byte ${at}`).to.equal(patternByte(at));
    });
  });

  it("a miss is major, gives up its lock for I/O and succeeds on the second try", () => {
    withMapping({ policy: EXT4_POLICY, size: MIB }, PROT_READ, MAP_PRIVATE, ({ harness, mm }) => {
      harness.touch(mm, AT, "read");
      // MAJOR | RETRY, then NOPAGE by fault-around with FAULT_FLAG_TRIED and without the per-area lock.
      expect(harness.faults.map(({ flags, result }) => [flags.toString(16), result.toString(16)])).to.deep.equal([
        ["1254", "404"],
        ["274", "100"],
      ]);
      expect(harness.sys.current).to.deep.equal({ minFlt: 0, majFlt: 1 });
      expect(harness.sys.vmstat.get("pgmajfault")).to.equal(1);
    });
  });

  it("beyond the last page of the file: SIGBUS, and nothing is mapped there", () => {
    withMapping(
      { policy: XFS_POLICY, size: 2 * PAGE + 10 },
      PROT_READ,
      MAP_PRIVATE,
      (mapped) => {
        const { harness, mm } = mapped;
        expect(harness.readByte(mm, AT + 2 * PAGE + 9)).to.equal(patternByte(2 * PAGE + 9));
        expect(harness.readByte(mm, AT + 2 * PAGE + 10), "the rest of the last page").to.equal(0);
        expect(harness.touch(mm, AT + 3 * PAGE, "read").signal).to.include({ signo: SIGBUS });
        expect(present(mapped)).to.equal("0-2");
      },
      8 * PAGE,
    );
  });

  it("fault-around maps what is cached in the aligned 64K, old but for the run with the address", () => {
    withMapping({ policy: EXT4_POLICY, size: MIB }, PROT_READ, MAP_PRIVATE, (mapped) => {
      const { harness, mm, file } = mapped;
      forcePageCacheReadahead(file, 18, 4);
      forcePageCacheReadahead(file, 30, 10);
      harness.touch(mm, AT + 20 * PAGE, "read");
      expect(present(mapped)).to.equal("18-21 30-31");
      const young = (page: number): boolean => (harness.pte(mm, AT + page * PAGE) & (1n << 10n)) !== 0n;
      // Pages of order 0 are runs of one page each.
      expect([18, 19, 20, 21, 30, 31].map(young)).to.deep.equal([false, false, true, false, false, false]);
      expect(harness.faults.length).to.equal(1);
    });
  });

  it("fault-around passes over folios that are locked, not uptodate or marked", () => {
    withMapping({ policy: EXT4_POLICY, size: MIB }, PROT_READ, MAP_PRIVATE, (mapped) => {
      const { harness, mm, file, mapping } = mapped;
      forcePageCacheReadahead(file, 0, 16);
      const { pages } = harness.sys;
      const UPTODATE = 1 << 2;
      pages.set(mapping.pages.get(3) as Pfn, LOCKED);
      pages.clear(mapping.pages.get(5) as Pfn, UPTODATE);
      pages.set(mapping.pages.get(7) as Pfn, READAHEAD);
      harness.touch(mm, AT, "read");
      expect(present(mapped)).to.equal("0-2 4-4 6-6 8-15");
      pages.clear(mapping.pages.get(3) as Pfn, LOCKED);
      harness.touch(mm, AT + 5 * PAGE, "read");
      expect(harness.readByte(mm, AT + 5 * PAGE), "read in by the fault").to.equal(patternByte(5 * PAGE));
      expect(present(mapped)).to.equal("0-6 8-15");
    });
  });

  it("entries that are taken cut the run", () => {
    withMapping({ policy: XFS_POLICY, size: MIB }, PROT_RW, MAP_PRIVATE, (mapped) => {
      const { harness, mm, file } = mapped;
      harness.writeByte(mm, AT + 5 * PAGE, 1);
      expect(present(mapped)).to.equal("5-5");
      forcePageCacheReadahead(file, 0, 64);
      harness.touch(mm, AT, "read");
      expect(present(mapped)).to.equal("0-15");
      expect(harness.readByte(mm, AT + 5 * PAGE)).to.equal(1);
      expect(harness.readByte(mm, AT + 6 * PAGE)).to.equal(patternByte(6 * PAGE));
    });
  });

  it("reading around is given up after 100 misses that no hit outweighs", () => {
    withMapping({ policy: EXT4_POLICY, size: 64 * MIB }, PROT_READ, MAP_PRIVATE, ({ harness, mm, file, mapping }) => {
      harness.sys.tunables.faultAroundBytes = PAGE; // no hits
      for (let i = 0; i < 100; i++) harness.touch(mm, AT + i * 64 * PAGE, "read");
      expect(file.ra.mmapMiss).to.equal(100);
      const before = mapping.nrPages;
      harness.touch(mm, AT + 100 * 64 * PAGE, "read");
      expect(mapping.nrPages, "one page only").to.equal(before + 1);
      expect(harness.faults.at(-2), "still read by the first try").to.include({ result: 0x404 });
    });
  });

  it("MADV_SEQUENTIAL reads a window from the page on", () => {
    withMapping({ policy: XFS_POLICY, size: MIB }, PROT_READ, MAP_PRIVATE, ({ harness, mm, mapping }) => {
      mm.vmas.lookup(AT)!.flags |= VM_SEQ_READ;
      harness.touch(mm, AT + 64 * PAGE, "read");
      // No stream is known at page 64, so as many pages as a window, one by one, without a mark.
      expect(mapping.nrPages).to.equal(32);
      expect(picture(mapping)).to.match(/^64\+1 65\+1 .* 95\+1$/);
    });
  });

  it("the last folio of a file does not bring in a page table by fault-around (6.12 stable)", () => {
    withMapping({ policy: XFS_POLICY, size: 65536 }, PROT_READ, MAP_PRIVATE, (mapped) => {
      const { harness, mm, file, mapping } = mapped;
      pageCacheWrite(file, 0, patternBytes(0, 65536));
      expect(picture(mapping)).to.equal("0+16d");
      harness.touch(mm, AT, "read");
      expect(present(mapped), "by the fault, which maps one page").to.equal("0-0");
      harness.touch(mm, AT + 5 * PAGE, "read");
      expect(present(mapped)).to.equal("0-15");
      expect(harness.faults.map(({ result }) => result)).to.deep.equal([0x200, 0x100]);
    });
  });

  it("pages of the initramfs are there: one minor fault maps 16", () => {
    withMapping({ policy: INITRAMFS_POLICY, size: MIB, resident: true }, PROT_READ, MAP_PRIVATE, (mapped) => {
      const { harness, mm, mapping } = mapped;
      expect(harness.readByte(mm, AT + 20 * PAGE + 3)).to.equal(patternByte(20 * PAGE + 3));
      expect(present(mapped)).to.equal("16-31");
      expect(mapping.nrPages).to.equal(16);
      expect(harness.faults.map(({ result }) => result)).to.deep.equal([0x100]);
      expect(harness.sys.vmstat.get("pgmajfault")).to.equal(0);
    });
  });

  it("a PMD-sized tmpfs folio is mapped by one entry where area and offset allow", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: TMPFS_POLICIES.always, size: 4 * MIB });
    const mm = harness.newMm();
    mapFile(mm, BASE, 4 * MIB, PROT_RW, MAP_SHARED, opened.file);
    harness.writeByte(mm, BASE + 5, 77);
    expect(harness.pmd(mm, BASE) & 3n, "block").to.equal(1n);
    expect(harness.sys.vmstat.get("thp_file_mapped")).to.equal(1);
    expect(mm.rss[3], "MM_SHMEMPAGES").to.equal(512);
    const second = harness.newMm();
    mapFile(second, BASE, 4 * MIB, PROT_READ, MAP_SHARED, opened.file);
    expect(harness.readByte(second, BASE + 5)).to.equal(77);
    expect(harness.pmd(second, BASE) & 3n).to.equal(1n);
    harness.check();
    harness.exit(mm);
    harness.exit(second);
    opened.dispose();
    harness.close();
    expectNoPageCache(harness.sys);
  });

  it("work through the kernel's accesses, which hold the lock and repeat the fault themselves", () => {
    withMapping({ policy: XFS_POLICY, size: MIB }, PROT_READ, MAP_PRIVATE, ({ harness, mm }) => {
      const bytes = new Uint8Array(8);
      expect(harness.userAccess(mm).copyFromUser(bytes, (AT + 70000) as Va)).to.equal(0);
      expect(bytes[0]).to.equal(patternByte(70000));
    });
  });
});
