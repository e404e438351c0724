/** tmpfs and shared anonymous memory: folio sizes, fallbacks, PMDs, fallocate, a full file system, memfd. */
import { expect } from "chai";
import type { Order, Va } from "../../../emulator/arch/addr.js";
import { INITRAMFS_POLICY, TMPFS_POLICIES } from "../../../kernel-model/fs/folio-policies.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { pageCacheRead, pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { folioPut } from "../../../kernel-model/mm/folio.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { folioUnlock } from "../../../kernel-model/mm/pagemap.js";
import { SHMEM_ANON_VM_OPS, shmemFallocate, shmemFileSetup, shmemGetFolio } from "../../../kernel-model/mm/shmem.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, MAP_SHARED, mapFile, MIB, picture, PROT_READ, PROT_RW } from "../../support/page-cache.js";

const PAGE = 4096;
const AT = 0x50_0000_0000;
const SIGBUS = 7;
const EPERM = 1;
const ENOENT = 2;
const EINVAL = 22;
const ENOSPC = 28;
const EOPNOTSUPP = 95;
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;
const CONT = 1n << 52n;
const MAP_ANON_SHARED = 0x21 | 0x100000;

function finish(harness: MmHarness): void {
  harness.check();
  for (const mm of [...harness.mms]) harness.exit(mm);
  harness.close();
  expectNoPageCache(harness.sys);
}

describe("shmem", () => {
  it("a shared anonymous mapping is one object for all who inherit it", () => {
    const harness = new MmHarness();
    const mm = harness.newMm();
    mapFile(mm, AT, 16 * PAGE, PROT_RW, MAP_SHARED, undefined);
    expect(mm.vmas.lookup(AT)!.file!.path).to.equal("/dev/zero (deleted)");
    harness.writeByte(mm, AT, 5);
    const child = harness.fork(mm);
    harness.writeByte(child, AT + PAGE, 6);
    expect([harness.readByte(child, AT), harness.readByte(mm, AT + PAGE), harness.readByte(mm, AT + 2 * PAGE)]).to.deep.equal([5, 6, 0]);
    expect(mm.rss[3]).to.equal(3);
    finish(harness);
  });

  it("mTHP sizes: a fault brings the largest enabled folio that fits and maps all of it", () => {
    const harness = new MmHarness();
    const { thp } = harness.sys;
    thp.setShmemSizeEnabled(4 as Order, "always");
    thp.setShmemSizeEnabled(2 as Order, "always");
    const mm = harness.newMm();
    // From 4 pages before a 64K boundary: the first folio can only have order 2.
    mapFile(mm, AT - 4 * PAGE, 24 * PAGE, PROT_RW, MAP_SHARED, undefined);
    const { file } = mm.vmas.lookup(AT)!;
    harness.writeByte(mm, AT - 4 * PAGE, 1);
    harness.writeByte(mm, AT + PAGE, 1);
    expect(picture(file!.inode.mapping!), "the file starts with the area, so 64K of it are not 64K of addresses").to.equal("0+4d 4+4d");
    expect(thp.stat(2 as Order, "shmem_alloc")).to.equal(2);
    const aligned = harness.newMm();
    mapFile(aligned, AT, 64 * PAGE, PROT_RW, MAP_SHARED, undefined);
    harness.clear();
    harness.writeByte(aligned, AT + 5 * PAGE, 1);
    expect(harness.faults.length).to.equal(1);
    expect(aligned.rss[3]).to.equal(16);
    expect(harness.pte(aligned, AT) & CONT).to.equal(CONT);
    expect(thp.stat(4 as Order, "shmem_alloc")).to.equal(1);
    finish(harness);
  });

  it("a large folio needs an empty range of the file", () => {
    const harness = new MmHarness();
    harness.sys.thp.setShmemSizeEnabled(4 as Order, "always");
    const mm = harness.newMm();
    mapFile(mm, AT, 32 * PAGE, PROT_RW, MAP_SHARED, undefined);
    const { mapping } = mm.vmas.lookup(AT)!.file!.inode;
    harness.sys.thp.setShmemSizeEnabled(4 as Order, "never");
    harness.writeByte(mm, AT + 3 * PAGE, 1);
    harness.sys.thp.setShmemSizeEnabled(4 as Order, "always");
    harness.writeByte(mm, AT + 4 * PAGE, 1);
    harness.writeByte(mm, AT + 16 * PAGE, 1);
    expect(picture(mapping!)).to.equal("3+1d 4+1d 16+16d");
    finish(harness);
  });

  it("falls back, counted, when memory is in pieces", () => {
    const harness = new MmHarness({ fragment: "order=3,free=50%" });
    const { sys } = harness;
    sys.thp.setShmemSizeEnabled(4 as Order, "always");
    sys.thp.setShmemSizeEnabled(9 as Order, "always");
    const mm = harness.newMm();
    mapFile(mm, AT, 4 * MIB, PROT_RW, MAP_SHARED, undefined);
    harness.writeByte(mm, AT, 1);
    expect(picture(mm.vmas.lookup(AT)!.file!.inode.mapping!)).to.equal("0+1d");
    expect([sys.thp.stat(4 as Order, "shmem_fallback"), sys.thp.stat(9 as Order, "shmem_fallback"), sys.vmstat.get("thp_file_fallback")]).to.deep.equal([1, 1, 1]);
    for (const each of [...harness.mms]) harness.exit(each);
    expectNoPageCache(sys);
  });

  it("counts PMD-sized folios", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: TMPFS_POLICIES.always, size: 2 * MIB });
    const mm = harness.newMm();
    mapFile(mm, AT, 2 * MIB, PROT_RW, MAP_SHARED, opened.file);
    harness.touch(mm, AT, "write");
    expect(["thp_file_alloc", "thp_file_mapped", "nr_shmem_hugepages"].map((name) => sys.vmstat.get(name as "thp_file_alloc"))).to.deep.equal([1, 1, 1]);
    expect(sys.vmstat.get("nr_shmem")).to.equal(512);
    expect(sys.thp.stat(9 as Order, "shmem_alloc")).to.equal(1);
    harness.exit(mm);
    opened.dispose();
    finish(harness);
  });

  it("a read fault on a hole makes a zeroed page that is not dirty; a write dirties it", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: TMPFS_POLICIES.never, size: 2 * PAGE + 1 });
    const mm = harness.newMm();
    mapFile(mm, AT, 4 * PAGE, PROT_RW, MAP_SHARED, opened.file);
    expect(harness.readByte(mm, AT + PAGE)).to.equal(0);
    harness.writeByte(mm, AT, 1);
    harness.touch(mm, AT + 2 * PAGE, "read");
    expect(picture(opened.mapping)).to.equal("0+1d 1+1 2+1");
    expect(harness.touch(mm, AT + 3 * PAGE, "read").signal, "behind the end").to.include({ signo: SIGBUS });
    harness.exit(mm);
    opened.dispose();
    finish(harness);
  });

  it("shmem_get_folio: what each purpose gets", () => {
    const harness = new MmHarness();
    const { sys } = harness;
    const opened = createTestFile(sys, { policy: TMPFS_POLICIES.never, size: 2 * PAGE });
    const { mapping } = opened;
    expect(shmemGetFolio(mapping, 0, 0, "read")).to.deep.equal({ folio: -1, error: 0 });
    expect(shmemGetFolio(mapping, 0, 0, "noalloc").error).to.equal(-ENOENT);
    expect(shmemGetFolio(mapping, 2, 0, "cache").error).to.equal(-EINVAL);
    const beyond = shmemGetFolio(mapping, 2, 3 * PAGE, "write");
    expect(beyond.error).to.equal(0);
    expect(picture(mapping), "not zeroed yet").to.equal("2+1u");
    folioUnlock(sys, beyond.folio);
    folioPut(sys, beyond.folio);
    opened.dispose();
    finish(harness);
  });

  it("fallocate allocates without zeroing, dirty, and grows the file", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: TMPFS_POLICIES.never, size: 0 });
    const { mapping, inode, file } = opened;
    expect(shmemFallocate(mapping, KEEP_SIZE, PAGE, PAGE)).to.equal(0);
    expect([inode.size, picture(mapping)]).to.deep.equal([0, "1+1du"]);
    expect(shmemFallocate(mapping, 0, 0, 2 * PAGE + 1)).to.equal(0);
    expect([inode.size, picture(mapping)], "the page of the first call is zeroed now").to.deep.equal([2 * PAGE + 1, "0+1du 1+1d 2+1du"]);
    const bytes = new Uint8Array(2 * PAGE + 1).fill(9);
    expect(pageCacheRead(file, 0, bytes)).to.equal(2 * PAGE + 1);
    expect(bytes.every((byte) => byte === 0)).to.equal(true);
    expect(shmemFallocate(mapping, PUNCH_HOLE | KEEP_SIZE, PAGE, PAGE)).to.equal(0);
    expect(picture(mapping)).to.equal("0+1du 2+1du");
    expect(shmemFallocate(mapping, 0x10, 0, 1)).to.equal(-EOPNOTSUPP);
    inode.seals = 4;
    expect(shmemFallocate(mapping, 0, 0, 10 * PAGE), "F_SEAL_GROW").to.equal(-EPERM);
    inode.seals = 8;
    expect(shmemFallocate(mapping, PUNCH_HOLE | KEEP_SIZE, 0, PAGE), "F_SEAL_WRITE").to.equal(-EPERM);
    opened.dispose();
    finish(harness);
  });

  it("a full file system: ENOSPC, SIGBUS, and a failed fallocate leaves nothing behind", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: TMPFS_POLICIES.never, size: 8 * PAGE });
    const { mapping, file } = opened;
    let left = 3;
    mapping.charge = (nr) => {
      if (nr > left) return false;
      left -= nr;
      return true;
    };
    expect(shmemFallocate(mapping, 0, 0, 4 * PAGE)).to.equal(-ENOSPC);
    expect([mapping.nrPages, left]).to.deep.equal([0, 3]);
    expect(pageCacheWrite(file, 0, new Uint8Array(5 * PAGE))).to.equal(3 * PAGE);
    expect(pageCacheWrite(file, 3 * PAGE, new Uint8Array(1))).to.equal(-ENOSPC);
    const mm = harness.newMm();
    mapFile(mm, AT, 8 * PAGE, PROT_RW, MAP_SHARED, file);
    expect(harness.touch(mm, AT + 4 * PAGE, "write").signal).to.include({ signo: SIGBUS });
    harness.exit(mm);
    opened.dispose();
    expect(left).to.equal(3);
    finish(harness);
  });

  it("programs of the initramfs run from its pages without a major fault", () => {
    const harness = new MmHarness();
    const opened = createTestFile(harness.sys, { policy: INITRAMFS_POLICY, size: MIB, resident: true });
    const mm = harness.newMm();
    mapFile(mm, AT, MIB, PROT_READ, 2, opened.file);
    harness.touchAll(mm, AT, AT + MIB, "read");
    expect(harness.faults.length, "one per 16 pages").to.equal(16);
    expect(mm.rss[3]).to.equal(256);
    harness.exit(mm);
    opened.dispose();
    finish(harness);
  });

  it("memfd: the file lives as long as its references", () => {
    const harness = new MmHarness();
    const file = shmemFileSetup(harness.sys, "memfd:x", 0);
    expect([file.path, file.inode.nlink, file.mmapOps({ flags: 0 })]).to.deep.equal(["/memfd:x (deleted)", 0, SHMEM_ANON_VM_OPS]);
    pageCacheWrite(file, 0, new Uint8Array(PAGE).fill(3));
    const mm = harness.newMm();
    expect(doMmap(mm, { addr: AT, len: PAGE, prot: PROT_RW, flags: MAP_ANON_SHARED & ~0x20, file, pgoff: 0 })).to.equal(AT as Va);
    expect(file.count).to.equal(2);
    putFile(file);
    expect(harness.readByte(mm, AT + 7)).to.equal(3);
    finish(harness);
  });
});
