/** read() and write(): folio sizes after writes, holes, seals; random operations against a flat array. */
import { expect } from "chai";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { AFS_POLICY, EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { genericFadvise } from "../../../kernel-model/mm/fadvise.js";
import { mappingSeekHoleData, pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { filemapWriteAndWait } from "../../../kernel-model/mm/page-writeback.js";
import { truncatePagecacheRange, truncateSetsize } from "../../../kernel-model/mm/truncate.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, KIB, MIB, patternBytes, picture, type TestFile } from "../../support/page-cache.js";
import { seededRandom } from "../../support/seed.js";

const EPERM = 1;
const ENXIO = 6;
const F_SEAL_GROW = 4;
const F_SEAL_WRITE = 8;

function withFile(policy: FolioPolicy, size: number, work: (opened: TestFile) => void, granule: GranuleName = "4k"): void {
  const harness = new MmHarness({ granule });
  const opened = createTestFile(harness.sys, { policy, size });
  work(opened);
  opened.dispose();
  expectNoPageCache(harness.sys);
  harness.close();
}

function write(opened: TestFile, pos: number, length: number): string {
  expect(pageCacheWrite(opened.file, pos, new Uint8Array(length).fill(1))).to.equal(length);
  return picture(opened.mapping);
}

describe("read and write through the page cache", () => {
  it("XFS: a write makes folios as large as itself, aligned in the file", () => {
    withFile(XFS_POLICY, 0, (opened) => {
      expect(write(opened, 0, 64 * KIB)).to.equal("0+16d");
      expect(write(opened, 64 * KIB, 4 * KIB)).to.equal("0+16d 16+1d");
      // 60K at 68K: page 17 is odd, 18 even, 20 a multiple of 4, 24 of 8.
      expect(write(opened, 68 * KIB, 60 * KIB)).to.equal("0+16d 16+1d 17+1d 18+2d 20+4d 24+8d");
    });
    withFile(XFS_POLICY, 0, (opened) => {
      // 100K: the largest power of two that fits is 64K, then 32K, then 4K.
      expect(write(opened, 0, 100 * KIB)).to.equal("0+16d 16+8d 24+1d");
    });
    withFile(XFS_POLICY, 0, (opened) => expect(write(opened, 0, 5 * MIB)).to.equal("0+512d 512+512d 1024+256d"));
  });

  it("XFS with 16K and 64K pages", () => {
    withFile(XFS_POLICY, 0, (opened) => expect(write(opened, 0, 64 * KIB)).to.equal("0+4d"), "16k");
    withFile(XFS_POLICY, 0, (opened) => expect(write(opened, 0, 256 * KIB)).to.equal("0+4d"), "64k");
    withFile(XFS_POLICY, 0, (opened) => expect(write(opened, 0, 64 * KIB)).to.equal("0+1d"), "64k");
  });

  it("ext4 and tmpfs write single pages, tmpfs with huge= whole PMDs", () => {
    withFile(EXT4_POLICY, 0, (opened) => expect(write(opened, 0, 12 * KIB)).to.equal("0+1d 1+1d 2+1d"));
    withFile(TMPFS_POLICIES.never, 0, (opened) => expect(write(opened, 0, 12 * KIB)).to.equal("0+1d 1+1d 2+1d"));
    withFile(TMPFS_POLICIES.always, 0, (opened) => expect(write(opened, 5000, 10)).to.equal("0+512d"));
    withFile(TMPFS_POLICIES.within_size, 0, (opened) => {
      expect(write(opened, 0, 8 * KIB)).to.equal("0+1d 1+1d");
      // A write up to the end of the second 2M counts as size; what is cached keeps its order.
      expect(write(opened, 2 * MIB, 2 * MIB)).to.equal("0+1d 1+1d 512+512d");
    });
    withFile(TMPFS_POLICIES.advise, 0, (opened) => expect(write(opened, 0, 4 * KIB)).to.equal("0+1d"));
  });

  it("AFS writes large folios too", () => {
    withFile(AFS_POLICY, 0, (opened) => expect(write(opened, 0, 32 * KIB)).to.equal("0+8d"));
  });

  it("a new tmpfs folio is zero where it was not written", () => {
    withFile(TMPFS_POLICIES.always, 0, (opened) => {
      pageCacheWrite(opened.file, 5000, new Uint8Array([7]));
      const bytes = new Uint8Array(6000).fill(9);
      expect(pageCacheRead(opened.file, 0, bytes)).to.equal(5001);
      expect(bytes.subarray(0, 5000).every((byte) => byte === 0)).to.equal(true);
      expect(bytes[5000]).to.equal(7);
    });
  });

  it("reading a hole of tmpfs makes no page", () => {
    withFile(TMPFS_POLICIES.never, 3 * 4096, (opened) => {
      const bytes = new Uint8Array(5000).fill(9);
      expect(pageCacheRead(opened.file, 100, bytes)).to.equal(5000);
      expect(bytes.every((byte) => byte === 0)).to.equal(true);
      expect(opened.mapping.nrPages).to.equal(0);
    });
  });

  it("reads nothing at and behind the end", () => {
    for (const policy of [XFS_POLICY, TMPFS_POLICIES.never]) {
      withFile(policy, 4096, (opened) => {
        expect(pageCacheRead(opened.file, 4096, new Uint8Array(10))).to.equal(0);
        expect(pageCacheRead(opened.file, 10000, new Uint8Array(10))).to.equal(0);
        expect(pageCacheRead(opened.file, 4090, new Uint8Array(10))).to.equal(6);
      });
    }
  });

  it("a hole between the old end and a write reads as zeros, also where the cache held bytes behind the end", () => {
    withFile(XFS_POLICY, 5000, (opened) => {
      pageCacheRead(opened.file, 0, new Uint8Array(5000));
      // An mmap writer may leave bytes behind the end in the last page.
      const folio = opened.mapping.pages.get(1)!;
      opened.mapping.sys.memory.fill((folio * 4096) as never, 4096 * opened.mapping.sys.pages.folioNrPages(folio), 0xee);
      pageCacheWrite(opened.file, 0, patternBytes(0, 5000));
      pageCacheWrite(opened.file, 7000, new Uint8Array([1]));
      const bytes = new Uint8Array(2001);
      expect(pageCacheRead(opened.file, 5000, bytes)).to.equal(2001);
      expect(bytes.subarray(0, 2000).every((byte) => byte === 0)).to.equal(true);
      expect(bytes[2000]).to.equal(1);
    });
  });

  it("respects seals", () => {
    withFile(TMPFS_POLICIES.never, 4096, (opened) => {
      opened.inode.seals = F_SEAL_GROW;
      expect(pageCacheWrite(opened.file, 0, new Uint8Array(4096))).to.equal(4096);
      expect(pageCacheWrite(opened.file, 1, new Uint8Array(4096))).to.equal(-EPERM);
      opened.inode.seals = F_SEAL_WRITE;
      expect(pageCacheWrite(opened.file, 0, new Uint8Array(1))).to.equal(-EPERM);
    });
  });

  it("finds data and holes of tmpfs", () => {
    withFile(TMPFS_POLICIES.never, 10 * 4096, (opened) => {
      pageCacheWrite(opened.file, 3 * 4096, new Uint8Array(2 * 4096));
      expect(mappingSeekHoleData(opened.mapping, 0, true)).to.equal(3 * 4096);
      expect(mappingSeekHoleData(opened.mapping, 3 * 4096 + 7, true)).to.equal(3 * 4096 + 7);
      expect(mappingSeekHoleData(opened.mapping, 3 * 4096, false)).to.equal(5 * 4096);
      expect(mappingSeekHoleData(opened.mapping, 5 * 4096, true)).to.equal(-ENXIO);
      expect(mappingSeekHoleData(opened.mapping, 10 * 4096, false)).to.equal(-ENXIO);
      pageCacheWrite(opened.file, 9 * 4096, new Uint8Array(4096));
      expect(mappingSeekHoleData(opened.mapping, 9 * 4096, false), "the end is a hole").to.equal(10 * 4096);
    });
  });

  for (const granule of ["4k", "16k", "64k"] as const) {
    for (const policy of [XFS_POLICY, EXT4_POLICY, TMPFS_POLICIES.never, TMPFS_POLICIES.always]) {
      it(`behaves like one flat array: ${granule} ${policy.name} ${policy.huge}`, () => {
        const random = seededRandom(granule.length * 31 + policy.name.length);
        const limit = 600000;
        withFile(
          policy,
          policy.kind === "shmem" ? 0 : 200000,
          (opened) => {
            const { file, inode, mapping } = opened;
            let flat = new Uint8Array(limit);
            flat.set(patternBytes(0, inode.size));
            for (let step = 0; step < 150; step++) {
              const pos = random(limit - 1);
              const length = 1 + random(Math.min(limit - pos, 1 << random(18)));
              switch (random(8)) {
                case 0:
                case 1:
                case 2: {
                  const bytes = new Uint8Array(length).fill(random(256));
                  expect(pageCacheWrite(file, pos, bytes)).to.equal(length);
                  flat.set(bytes, pos);
                  break;
                }
                case 3:
                  filemapWriteAndWait(mapping);
                  break;
                case 4:
                  expect(genericFadvise(file, 0, 0, 4)).to.equal(0);
                  break;
                case 5: {
                  const size = random(limit);
                  truncateSetsize(mapping, size);
                  const kept = flat.slice(0, size);
                  flat = new Uint8Array(limit);
                  flat.set(kept);
                  break;
                }
                case 6: {
                  const end = Math.min(pos + length, inode.size);
                  if (end <= pos) break;
                  truncatePagecacheRange(mapping, pos, end - 1);
                  flat.fill(0, pos, end);
                  break;
                }
                default: {
                  const bytes = new Uint8Array(length);
                  const got = pageCacheRead(file, pos, bytes);
                  expect(got, `step ${step}`).to.equal(Math.max(0, Math.min(length, inode.size - pos)));
                  expect(Buffer.compare(bytes.subarray(0, got), flat.subarray(pos, pos + got)), `step ${step}: bytes at ${pos}`).to.equal(0);
                }
              }
            }
          },
          granule,
        );
      });
    }
  }
});
