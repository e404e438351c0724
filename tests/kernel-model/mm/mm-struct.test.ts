/** The RSS counters of an address space: which index counts what. */
import { expect } from "chai";
import { EXT4_POLICY, SHM_MNT_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, NR_MM_COUNTERS } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, MAP_SHARED, PROT_RW } from "../../support/page-cache.js";

const P = 4096;

describe("mm_struct", () => {
  it("counters have the order of include/linux/mm_types_task.h", () => {
    expect([MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS]).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it("count each page by its kind, and a private copy of a file page as anonymous", () => {
    const h = new MmHarness();
    // Fault-around of one page: a read maps the page asked for, no other.
    h.sys.tunables.faultAroundBytes = P;
    const mm = h.newMm();
    const disk = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    const shm = createTestFile(h.sys, { policy: SHM_MNT_POLICY, size: 64 * KIB, nlink: 0 });
    h.anon(mm, 0x1000_0000, 64 * KIB);
    mapFile(mm, 0x2000_0000, 64 * KIB, PROT_RW, MAP_PRIVATE, disk.file);
    mapFile(mm, 0x3000_0000, 64 * KIB, PROT_RW, MAP_SHARED, shm.file);
    expect([...mm.rss]).to.deep.equal([0, 0, 0, 0]);
    h.touchAll(mm, 0x1000_0000, 0x1000_0000 + 3 * P, "write");
    h.touch(mm, 0x1000_0000 + 5 * P, "read");
    expect([...mm.rss], "the zero page is not counted").to.deep.equal([0, 3, 0, 0]);
    h.touchAll(mm, 0x2000_0000, 0x2000_0000 + 5 * P, "read");
    h.touchAll(mm, 0x3000_0000, 0x3000_0000 + 2 * P, "write");
    expect([...mm.rss]).to.deep.equal([5, 3, 0, 2]);
    h.touch(mm, 0x2000_0000, "write");
    expect([...mm.rss], "copied").to.deep.equal([4, 4, 0, 2]);
    const child = h.fork(mm);
    expect([...child.rss], "shared memory is not copied by fork: it faults in again; the area with private copies is").to.deep.equal([4, 4, 0, 0]);
    h.exit(child);
    h.exit(mm);
    disk.dispose();
    shm.dispose();
    h.close();
  });
});
