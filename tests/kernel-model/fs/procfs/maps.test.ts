/** /proc/PID/maps: the columns of show_map_vma(), and which name an area gets. */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { EXT4_POLICY, SHM_MNT_POLICY } from "../../../../kernel-model/fs/folio-policies.js";
import type { File } from "../../../../kernel-model/fs/file.js";
import { formatMaps, mapsLine, vmaName } from "../../../../kernel-model/fs/procfs/maps.js";
import { MmHarness } from "../../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_RW } from "../../../support/page-cache.js";

const PROT_NONE = 0;
const PROT_RX = 5;

/** An open description with another path, inode number and device. */
const named = (file: File, path: string, ino: number, dev: number): File => ({ ...file, path, inode: { ...file.inode, ino, dev } });

describe("/proc/PID/maps", () => {
  it("anonymous lines end behind the inode number with a blank", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, 0x5000_0000, 64 * KIB);
    h.anon(mm, 0xffff_8000_0000, 4 * KIB, PROT_NONE);
    h.anon(mm, 0x1_0000, 8 * KIB, PROT_RX);
    expect(formatMaps(mm)).to.equal("00010000-00012000 r-xp 00000000 00:00 0 \n50000000-50010000 rw-p 00000000 00:00 0 \nffff80000000-ffff80001000 ---p 00000000 00:00 0 \n");
    h.close();
  });

  it("file lines carry offset, device and inode; the name starts in column 74", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 256 * KIB });
    const disk = named(file, "/usr/lib/libc.so.6", 123456, 8 * 256 + 17);
    mapFile(mm, 0xffff_8000_0000, 64 * KIB, PROT_READ, MAP_PRIVATE, disk, 64 * KIB);
    mapFile(mm, 0x4000_0000, 4 * KIB, PROT_RW, MAP_SHARED, disk);
    const [shared, hidden] = formatMaps(mm).split("\n") as [string, string];
    expect(shared).to.equal(`${"40000000-40001000 rw-s 00000000 08:11 123456".padEnd(73)}/usr/lib/libc.so.6`);
    expect(hidden).to.equal(`${"ffff80000000-ffff80010000 r--p 00010000 08:11 123456".padEnd(73)}/usr/lib/libc.so.6`);
    h.exit(mm);
    dispose();
    h.close();
  });

  it("a head that is too long for the columns is still followed by a blank", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    mapFile(mm, 0xffff_8000_0000, 4 * KIB, PROT_READ, MAP_PRIVATE, named(file, "/f", 2 ** 53 - 1, 255 * 256 + 255));
    const vma = mm.vmas.lookup(0xffff_8000_0000)!;
    vma.pgoff = 2 ** 38;
    const head = "ffff80000000-ffff80001000 r--p 4000000000000 ff:ff 9007199254740991 ";
    expect(mapsLine(vma)).to.equal(`${head.padEnd(72)} /f`);
    h.exit(mm);
    dispose();
    h.close();
  });

  it("shows pages in bytes: the offset of a 64K page is 10000", () => {
    const h = new MmHarness({ granule: "64k" });
    const mm = h.newMm();
    const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 256 * KIB });
    mapFile(mm, 0x4000_0000, 64 * KIB, PROT_READ, MAP_PRIVATE, file, 64 * KIB);
    expect(formatMaps(mm)).to.match(/^40000000-40010000 r--p 00010000 /);
    h.exit(mm);
    dispose();
    h.close();
  });

  it("'s' is VM_MAYSHARE: a shared mapping without write permission of the file too", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    mapFile(mm, 0x4000_0000, 4 * KIB, PROT_READ, MAP_SHARED, { ...file, writable: false });
    expect(mm.vmas.lookup(0x4000_0000)!.flags & 0x8, "VM_SHARED is not set").to.equal(0);
    expect(formatMaps(mm)).to.match(/^40000000-40001000 r--s /);
    h.exit(mm);
    dispose();
    h.close();
  });
});

describe("/proc/PID/maps: names", () => {
  it("heap and stack are where brk and the stack pointer of exec lie", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const heap = h.anon(mm, 0x1000_0000, 64 * KIB);
    const stack = h.anon(mm, 0x7000_0000, 64 * KIB);
    const other = h.anon(mm, 0x3000_0000, 64 * KIB);
    mm.startBrk = 0x1000_2000 as Va;
    mm.brk = 0x1000_3000 as Va;
    mm.startStack = 0x7000_f000 as Va;
    expect([heap, stack, other].map(vmaName)).to.deep.equal(["[heap]", "[stack]", ""]);
    mm.brk = mm.startBrk = 0x1000_0000 as Va;
    expect(vmaName(heap), "brk is exclusive: an empty heap at its start is none").to.equal("");
    mm.startStack = 0x7001_0000 as Va;
    expect(vmaName(stack), "the end of the stack area counts").to.equal("[stack]");
    h.close();
  });

  it("a name given by prctl shows unless the area is heap or stack", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const areas = [h.anon(mm, 0x1000_0000, 64 * KIB), h.anon(mm, 0x3000_0000, 64 * KIB)];
    for (const vma of areas) vma.anonName = "arena";
    mm.startBrk = 0x1000_0000 as Va;
    mm.brk = 0x1000_1000 as Va;
    expect(areas.map(vmaName)).to.deep.equal(["[heap]", "[anon:arena]"]);
    h.close();
  });

  it("named shared memory, special areas, and line breaks in paths", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const shm = createTestFile(h.sys, { policy: SHM_MNT_POLICY, size: 64 * KIB, nlink: 0 });
    mapFile(mm, 0x3000_0000, 64 * KIB, PROT_RW, MAP_SHARED, named(shm.file, "/dev/zero (deleted)", 3, 1));
    const vma = mm.vmas.lookup(0x3000_0000)!;
    expect(vmaName(vma)).to.equal("/dev/zero (deleted)");
    vma.anonName = "queue";
    expect(vmaName(vma)).to.equal("[anon_shmem:queue]");
    vma.anonName = undefined;
    vma.file = named(shm.file, "/a\nb\\c d", 3, 1);
    expect(vmaName(vma), "only the line break is written in octal").to.equal("/a\\012b\\c d");
    const vdso = h.anon(mm, 0x5000_0000, 4 * KIB);
    vdso.specialName = "[vdso]";
    mm.startStack = 0x5000_0800 as Va;
    expect(vmaName(vdso), "before heap and stack").to.equal("[vdso]");
    h.exit(mm);
    shm.dispose();
    h.close();
  });
});
