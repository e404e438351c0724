/** /proc/PID/pagemap: the bits of Documentation/admin-guide/mm/pagemap.rst for each kind of page. */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../../kernel-model/fs/folio-policies.js";
import { readPagemap } from "../../../../kernel-model/fs/procfs/pagemap.js";
import { doMadvise } from "../../../../kernel-model/mm/madvise.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, PROT_RW } from "../../../support/page-cache.js";

const P = 4096;
const PMD = 2 ** 21;
const BASE = 0x4000_0000;
const EXCLUSIVE = 1n << 56n;
const FILE = 1n << 61n;
const PRESENT = 1n << 63n;
const PFN = (1n << 55n) - 1n;

function entries(mm: MmStruct, at: number, nr: number): bigint[] {
  const into = new BigUint64Array(nr).fill(0xdeadn);
  readPagemap(mm, at / mm.sys.granule.pageSize, into);
  return [...into];
}

const flags = (list: readonly bigint[]): bigint[] => list.map((entry) => entry & ~PFN);

describe("/proc/PID/pagemap", () => {
  it("anonymous pages: frame, present, exclusive; holes and untouched pages are 0", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, 4 * P);
    h.touch(mm, BASE + P, "write");
    h.touch(mm, BASE + 3 * P, "write");
    const list = entries(mm, BASE - P, 7);
    expect(list).to.deep.equal([0n, 0n, BigInt(h.frame(mm, BASE + P)) | PRESENT | EXCLUSIVE, 0n, BigInt(h.frame(mm, BASE + 3 * P)) | PRESENT | EXCLUSIVE, 0n, 0n]);
    h.close();
  });

  it("a swapped-out page: bit 62, area and slot; not present, not exclusive", () => {
    const h = new MmHarness({ swapBytes: 2 ** 24 });
    const mm = h.newMm();
    h.anon(mm, BASE, 2 * P);
    h.touchAll(mm, BASE, BASE + 2 * P, "write");
    doMadvise(mm, BASE as Va, P, 21);
    const slot = h.pte(mm, BASE) >> 12n;
    expect(entries(mm, BASE, 2)).to.deep.equal([(1n << 62n) | (slot << 5n), BigInt(h.frame(mm, BASE + P)) | PRESENT | EXCLUSIVE]);
    h.close();
  });

  it("the zero page is present, of no file, and not exclusive", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "read");
    expect(entries(mm, BASE, 1)).to.deep.equal([BigInt(h.sys.zeroPfn) | PRESENT]);
    h.close();
  });

  it("fork ends the exclusiveness for both, a copy restores it for both", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    const child = h.fork(mm);
    expect([...flags(entries(mm, BASE, 1)), ...flags(entries(child, BASE, 1))]).to.deep.equal([PRESENT, PRESENT]);
    h.touch(child, BASE, "write");
    expect([...flags(entries(mm, BASE, 1)), ...flags(entries(child, BASE, 1))]).to.deep.equal([PRESENT | EXCLUSIVE, PRESENT | EXCLUSIVE]);
    h.close();
  });

  it("file pages carry bit 61, their private copies do not", () => {
    const h = new MmHarness();
    h.sys.tunables.faultAroundBytes = P;
    const mm = h.newMm();
    const { file, dispose } = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    mapFile(mm, BASE, 4 * P, PROT_RW, MAP_PRIVATE, file);
    h.touch(mm, BASE, "read");
    h.touch(mm, BASE + P, "write");
    expect(flags(entries(mm, BASE, 3))).to.deep.equal([PRESENT | FILE | EXCLUSIVE, PRESENT | EXCLUSIVE, 0n]);
    h.exit(mm);
    dispose();
    h.close();
  });

  it("exclusive is per page, not per folio", () => {
    const h = new MmHarness();
    h.sys.thp.set("hugepages-64kB/enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, 16 * P);
    h.touch(mm, BASE, "write");
    const child = h.fork(mm);
    h.touch(child, BASE + 2 * P, "write");
    const list = flags(entries(mm, BASE, 16));
    expect(list.map((entry) => (entry & EXCLUSIVE) !== 0n)).to.deep.equal(Array.from({ length: 16 }, (_, i) => i === 2));
    h.close();
  });

  it("pages of a block, from its middle too", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "write");
    const first = entries(mm, BASE, 1)[0]! & PFN;
    expect(first % 512n).to.equal(0n);
    expect(entries(mm, BASE + 510 * P, 3)).to.deep.equal([(first + 510n) | PRESENT | EXCLUSIVE, (first + 511n) | PRESENT | EXCLUSIVE, 0n]);
    h.close();
  });

  it("the huge zero folio shows as a file page: pmd_page() is asked, not vm_normal_page_pmd()", () => {
    const h = new MmHarness();
    h.sys.thp.set("enabled", "always");
    const mm = h.newMm();
    h.anon(mm, BASE, PMD);
    h.touch(mm, BASE, "read");
    expect(entries(mm, BASE + P, 1)).to.deep.equal([BigInt(h.sys.hugeMemory.hugeZeroPfn + 1) | PRESENT | FILE]);
    h.close();
  });
});
