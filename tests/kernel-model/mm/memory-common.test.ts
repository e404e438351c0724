/**
 * Small steps that fault handlers share.
 */
import { expect } from "chai";
import type { Order, Pa, Pfn, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import { copyPage, folioPrealloc, isCowMapping, maybeMkwrite, mmCounter, pteRangeNone, vmNormalPage } from "../../../kernel-model/mm/memory-common.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, MAP_SHARED, mapFile, PROT_READ } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const SPECIAL = 1n << 56n;

describe("vm_normal_page", () => {
  it("is the frame of an ordinary entry and none for the zero page", () => {
    const h = new MmHarness();
    const vma = h.anon(h.newMm(), BASE, P);
    expect(vmNormalPage(vma, 0x00e8000000345f43n)).to.equal(0x345);
    expect(vmNormalPage(vma, BigInt(h.sys.zeroPfn * P) | 0x0160000000000fc3n)).to.equal(-1);
    expect(() => vmNormalPage(vma, 0x345000n | SPECIAL)).to.throw(ModelBug, "special entry");
    vma.flags |= 0x400;
    expect(vmNormalPage(vma, 0x345000n | SPECIAL), "a raw frame of a PFN map").to.equal(-1);
    vma.flags &= ~0x400;
    h.close();
  });
});

describe("what an area allows", () => {
  it("copies writes where it is private and may be written", () => {
    expect([0x20, 0x28, 0x0, 0x8].map(isCowMapping)).to.deep.equal([true, false, false, false]);
  });

  it("makes an entry writable only where the area is", () => {
    const h = new MmHarness();
    const vma = h.anon(h.newMm(), BASE, P);
    const clean = 0x0060000000000fc3n;
    expect(maybeMkwrite(clean, vma)).to.equal(clean | (1n << 51n));
    vma.flags &= ~2;
    expect(maybeMkwrite(clean, vma)).to.equal(clean);
    vma.flags |= 2;
    h.close();
  });

  it("counts pages by kind", () => {
    const h = new MmHarness();
    const folio = folioAlloc(h.sys, 0 as Order);
    expect(mmCounter(h.sys, folio)).to.equal(0);
    h.sys.pages.set(folio, 1 << 6);
    expect(mmCounter(h.sys, folio)).to.equal(3);
    h.sys.pages.set(folio, 1 << 11);
    expect(mmCounter(h.sys, folio)).to.equal(1);
    folioPut(h.sys, folio);
    h.close();
  });
});

describe("pages for faults", () => {
  it("are zeroed if wanted, and uptodate", () => {
    const h = new MmHarness();
    const folio = folioPrealloc(h.sys, true, 0);
    expect(h.sys.memory.slice((folio * P) as Pa, P).every((byte) => byte === 0), "poisoned before").to.equal(true);
    expect(h.sys.pages.test(folio, 1 << 2)).to.equal(true);
    folioPut(h.sys, folio);
    h.close();
  });

  it("take clean page cache when nothing is free", () => {
    const h = new MmHarness();
    const test = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * P });
    const mm = h.newMm();
    mapFile(mm, BASE, 64 * P, PROT_READ, MAP_SHARED, test.file);
    h.touchAll(mm, BASE, BASE + 64 * P, "read");
    h.exit(mm);
    const cached = test.mapping.nrPages;
    const held: Pfn[] = [];
    for (let page = folioAlloc(h.sys, 0 as Order); page !== -1; page = folioAlloc(h.sys, 0 as Order)) held.push(page);
    const folio = folioPrealloc(h.sys, false, 0);
    expect(folio).to.be.at.least(0);
    expect(test.mapping.nrPages).to.be.below(cached);
    for (const page of [...held, folio]) folioPut(h.sys, page);
    test.dispose();
    h.close();
  });

  it("are copied with a word to the engine", () => {
    const written: Pfn[] = [];
    const h = new MmHarness({ frameWritten: (page) => void written.push(page) });
    const from = folioPrealloc(h.sys, true, 0);
    const to = folioPrealloc(h.sys, false, 0);
    h.sys.memory.u8[from * P + 77] = 5;
    written.length = 0;
    copyPage(h.sys, to, from);
    expect([h.sys.memory.u8[to * P + 77], written]).to.deep.equal([5, [to]]);
    folioPut(h.sys, from);
    folioPut(h.sys, to);
    h.close();
  });

  it("go only where no entry is", () => {
    const h = new MmHarness();
    h.sys.thp.enabled = "never";
    const mm = h.newMm();
    h.anon(mm, BASE, 8 * P);
    h.touch(mm, BASE + 4 * P, "read");
    const { pgtable } = h.sys;
    const ptep = pgtable.pteOffset(pgtable.pmdpGet(pgtable.pmdOffset(mm, BASE as Va)), BASE as Va);
    expect([pteRangeNone(h.sys, ptep, 4), pteRangeNone(h.sys, ptep, 5), pteRangeNone(h.sys, (ptep + 5 * 8) as Pa, 3)]).to.deep.equal([true, false, true]);
    h.close();
  });
});
