/** /proc/PID/smaps and smaps_rollup: labels, columns and sums of __show_smap(). */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { EXT4_POLICY, SHM_MNT_POLICY } from "../../../../kernel-model/fs/folio-policies.js";
import { formatSmaps, formatSmapsRollup } from "../../../../kernel-model/fs/procfs/smaps.js";
import { doMadvise } from "../../../../kernel-model/mm/madvise.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, MAP_SHARED, PROT_RW } from "../../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x4000_0000;

/** Values of the area that starts at `start`, by label; only those that are not 0. */
function fields(mm: MmStruct, start: number): Record<string, number> {
  const lines = formatSmaps(mm).split("\n");
  const from = lines.findIndex((line) => line.startsWith(start.toString(16).padStart(8, "0")));
  return nonZero(lines.slice(from + 1, from + 25));
}

function nonZero(lines: readonly string[]): Record<string, number> {
  const pairs = lines.flatMap((line) => {
    const match = /^(\w+): +(\d+) kB$/.exec(line);
    return match === null || match[2] === "0" || /PageSize|^Size/.test(line) ? [] : [[match[1]!, Number(match[2])] as const];
  });
  return Object.fromEntries(pairs);
}

const vmFlags = (mm: MmStruct): string[] => [...formatSmaps(mm).matchAll(/^VmFlags: (.*)$/gm)].map(([, flags]) => flags!);

describe("/proc/PID/smaps", () => {
  it("what is swapped out: whole for one process, shares for several", () => {
    const h = new MmHarness({ swapBytes: 2 ** 24 });
    const mm = h.newMm();
    h.anon(mm, BASE, 6 * P);
    h.touchAll(mm, BASE, BASE + 6 * P, "write");
    doMadvise(mm, BASE as Va, 4 * P, 21);
    const swapped = (of: MmStruct): (number | undefined)[] => [fields(of, BASE)["Rss"], fields(of, BASE)["Swap"], fields(of, BASE)["SwapPss"]];
    expect(swapped(mm)).to.deep.equal([8, 16, 16]);
    const child = h.fork(mm);
    expect(swapped(child)).to.deep.equal([8, 16, 8]);
    const grandchild = h.fork(mm);
    expect(swapped(grandchild), "a third of each page, rounded down at the end").to.deep.equal([8, 16, 5]);
    h.close();
  });

  it("an area in full, as the kernel prints it", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    h.anon(mm, BASE, 64 * KIB);
    h.touchAll(mm, BASE, BASE + 3 * P, "write");
    expect(formatSmaps(mm)).to.equal(
      [
        "40000000-40010000 rw-p 00000000 00:00 0 ",
        "Size:                 64 kB",
        "KernelPageSize:        4 kB",
        "MMUPageSize:           4 kB",
        "Rss:                  12 kB",
        "Pss:                  12 kB",
        "Pss_Dirty:            12 kB",
        "Shared_Clean:          0 kB",
        "Shared_Dirty:          0 kB",
        "Private_Clean:         0 kB",
        "Private_Dirty:        12 kB",
        "Referenced:           12 kB",
        "Anonymous:            12 kB",
        "KSM:                   0 kB",
        "LazyFree:              0 kB",
        "AnonHugePages:         0 kB",
        "ShmemPmdMapped:        0 kB",
        "FilePmdMapped:         0 kB",
        "Shared_Hugetlb:        0 kB",
        "Private_Hugetlb:       0 kB",
        "Swap:                  0 kB",
        "SwapPss:               0 kB",
        "Locked:                0 kB",
        "THPeligible:           0",
        "VmFlags: rd wr mr mw me ac ",
        "",
      ].join("\n"),
    );
    h.close();
  });

  it("pages shared by fork: a third of each counts for three, private again after a copy", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    h.anon(mm, BASE, 64 * KIB);
    h.touchAll(mm, BASE, BASE + 3 * P, "write");
    const child = h.fork(mm);
    h.fork(mm);
    // Each page counts (4096 << 12) / 3, rounded down: three of them are one unit less than 4 KiB.
    expect(fields(mm, BASE)).to.deep.equal({ Rss: 12, Pss: 3, Pss_Dirty: 3, Shared_Dirty: 12, Referenced: 12, Anonymous: 12 });
    h.touch(child, BASE, "write");
    // One page alone (4096), two shared by three: 4096 + 2 * 1365 bytes. fork made the child's entries old; the copy is young.
    expect(fields(child, BASE)).to.deep.equal({ Rss: 12, Pss: 6, Pss_Dirty: 6, Shared_Dirty: 8, Private_Dirty: 4, Referenced: 4, Anonymous: 12 });
    h.close();
  });

  it("the zero page counts for nothing", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    h.anon(mm, BASE, 64 * KIB);
    h.touch(mm, BASE, "read");
    expect(fields(mm, BASE)).to.deep.equal({});
    h.close();
  });

  it("pages of files are clean until written; a private copy is anonymous", () => {
    const h = new MmHarness();
    h.sys.tunables.faultAroundBytes = P;
    const mm = h.newMm();
    const disk = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    mapFile(mm, BASE, 64 * KIB, PROT_RW, MAP_PRIVATE, disk.file);
    h.touch(mm, BASE, "read");
    expect(fields(mm, BASE)).to.deep.equal({ Rss: 4, Pss: 4, Private_Clean: 4, Referenced: 4 });
    h.touch(mm, BASE + P, "write");
    expect(fields(mm, BASE)).to.deep.equal({ Rss: 8, Pss: 8, Pss_Dirty: 4, Private_Clean: 4, Private_Dirty: 4, Referenced: 8, Anonymous: 4 });
    h.exit(mm);
    disk.dispose();
    h.close();
  });

  it("blocks show as AnonHugePages; the area says that it may have them", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, 2 * PMD);
    h.touch(mm, BASE, "write");
    expect(fields(mm, BASE)).to.deep.equal({ Rss: 2048, Pss: 2048, Pss_Dirty: 2048, Private_Dirty: 2048, Referenced: 2048, Anonymous: 2048, AnonHugePages: 2048 });
    expect(formatSmaps(mm)).to.match(/^THPeligible: {11}1$/m);
    h.fork(mm);
    expect(fields(mm, BASE)).to.deep.equal({ Rss: 2048, Pss: 1024, Pss_Dirty: 1024, Shared_Dirty: 2048, Referenced: 2048, Anonymous: 2048, AnonHugePages: 2048 });
    h.close();
  });

  it("locked areas lock what is resident", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 64 * KIB);
    h.touch(mm, BASE, "write");
    vma.flags |= 0x2000;
    expect(fields(mm, BASE)).to.include({ Locked: 4 });
    vma.flags &= ~0x2000;
    h.close();
  });

  it("flags are two letters each, in the order of their bits", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 64 * KIB);
    const { flags } = vma;
    // show_smap_vma_flags()
    const letters: readonly (readonly [number, string])[] = [[0, "rd"], [1, "wr"], [2, "ex"], [3, "sh"], [4, "mr"], [5, "mw"], [6, "me"], [7, "ms"], [8, "gd"], [10, "pf"], [13, "lo"], [14, "io"], [15, "sr"], [16, "rr"], [17, "dc"], [18, "de"], [19, "lf"], [20, "ac"], [21, "nr"], [25, "wf"], [26, "dd"], [28, "mm"], [29, "hg"], [30, "nh"], [31, "mg"]];
    for (const [bit, name] of letters) {
      vma.flags = 1 << bit;
      expect(vmFlags(mm), `bit ${bit}`).to.deep.equal([`${name} `]);
    }
    vma.flags = 0x3;
    vma.droppable = true;
    vma.sealed = true;
    expect(vmFlags(mm)).to.deep.equal(["rd wr dp sl "]);
    vma.flags = flags;
    vma.droppable = vma.sealed = false;
    h.close();
  });

  it("sizes follow the granule", () => {
    const h = new MmHarness({ granule: "64k" });
    const mm = h.newMm();
    h.anon(mm, BASE, 2 ** 20);
    h.touch(mm, BASE, "write");
    expect(formatSmaps(mm)).to.match(/^KernelPageSize: {7}64 kB\nMMUPageSize: {10}64 kB$/m);
    expect(fields(mm, BASE).Rss! % 64).to.equal(0);
    h.close();
  });
});

describe("/proc/PID/smaps_rollup", () => {
  it("sums all areas under one head and splits Pss by kind", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "never");
    h.sys.tunables.faultAroundBytes = P;
    const mm = h.newMm();
    const disk = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    const shm = createTestFile(h.sys, { policy: SHM_MNT_POLICY, size: 64 * KIB, nlink: 0 });
    h.anon(mm, BASE, 64 * KIB);
    mapFile(mm, 0x5000_0000, 64 * KIB, PROT_RW, MAP_PRIVATE, disk.file);
    mapFile(mm, 0x6000_0000, 64 * KIB, PROT_RW, MAP_SHARED, shm.file);
    h.touchAll(mm, BASE, BASE + 5 * P, "write");
    h.touchAll(mm, 0x5000_0000, 0x5000_0000 + 2 * P, "read");
    h.touchAll(mm, 0x6000_0000, 0x6000_0000 + 3 * P, "write");
    const text = formatSmapsRollup(mm);
    expect(text.split("\n")[0]).to.equal(`${"40000000-60010000 ---p 00000000 00:00 0".padEnd(73)}[rollup]`);
    expect(text).not.to.match(/^(Size|VmFlags|THPeligible)/m);
    expect(nonZero(text.split("\n"))).to.deep.equal({ Rss: 40, Pss: 40, Pss_Dirty: 32, Pss_Anon: 20, Pss_File: 8, Pss_Shmem: 12, Private_Clean: 8, Private_Dirty: 32, Referenced: 40, Anonymous: 20 });
    h.exit(mm);
    disk.dispose();
    shm.dispose();
    h.close();
  });

  it("of an address space without areas is all zeros", () => {
    const h = new MmHarness();
    const text = formatSmapsRollup(h.newMm());
    expect(text.split("\n")[0]).to.equal(`${"00000000-00000000 ---p 00000000 00:00 0".padEnd(73)}[rollup]`);
    expect(nonZero(text.split("\n"))).to.deep.equal({});
    expect(text.match(/ kB$/gm)).to.have.length(22);
    h.close();
  });
});
