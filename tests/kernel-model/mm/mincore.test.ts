/**
 * mincore of mapped pages, blocks, page cache and the initramfs.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY, INITRAMFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMincore } from "../../../kernel-model/mm/mincore.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { mapAnon, testMachine, testMm, touch, touchRange } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;

/** The vector as digits, or the error. */
function incore(mm: MmStruct, page: number, nr: number): string | number {
  const result = doMincore(mm, at(page), nr);
  return typeof result === "number" ? result : result.join("");
}

describe("mincore", () => {
  it("tells mapped pages of anonymous memory, whatever their protection", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, at(0), 6 * P);
    touch(mm, at(1));
    touch(mm, at(2), false);
    touch(mm, at(4));
    doMprotect(mm, at(4), P, 0);
    expect(incore(mm, 0, 4)).to.equal("0110");
    expect(incore(mm, 4, 1)).to.equal("1");
  });

  it("of what is swapped out, tells what the swap cache has", () => {
    const { sys } = testMachine({ swapBytes: 2 ** 24 });
    const mm = testMm(sys);
    mapAnon(mm, at(0), 4 * P);
    touchRange(mm, at(0), 4 * P);
    doMadvise(mm, at(1), 3 * P, 21);
    expect(incore(mm, 0, 4)).to.equal("1000");
    doMadvise(mm, at(2), P, 3);
    expect(incore(mm, 0, 4)).to.equal("1010");
  });

  it("stops at the end of the area", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, at(0), 2 * P);
    mapAnon(mm, at(2), 2 * P, 1);
    expect(incore(mm, 1, 10)).to.equal("0");
    expect(incore(mm, 9, 1)).to.equal(-12);
  });

  it("tells blocks", () => {
    const mm = testMm(testMachine({ hugepages: true }).sys);
    mapAnon(mm, BASE, 2 ** 22);
    touch(mm, BASE);
    expect(incore(mm, 510, 4)).to.equal("1100");
  });

  it("looks into the page cache for what is not mapped", () => {
    const { sys } = testMachine();
    const mm = testMm(sys, { privileged: true });
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 64 * P });
    doMmap(mm, { addr: at(0), len: 8 * P, prot: 3, flags: 0x12, file, pgoff: 8 });
    expect(incore(mm, 0, 8)).to.equal("00000000");
    touch(mm, at(3), false);
    for (const index of [...mapping.pages.keys()]) expect(incore(mm, index - 8, 1), `index ${index}`).to.equal(index >= 8 && index < 16 ? "1" : -12);
    mapping.pages.forEach((folio, index) => index === 12 && sys.pages.clear(folio, 1 << 2));
    const shown = incore(mm, 0, 8) as string;
    expect(shown[3]).to.equal("1");
  });

  it("knows that the initramfs is in memory from the start", () => {
    const { sys } = testMachine();
    const mm = testMm(sys, { privileged: true });
    const { file } = createTestFile(sys, { policy: INITRAMFS_POLICY, size: 3 * P, resident: true });
    doMmap(mm, { addr: at(0), len: 4 * P, prot: 1, flags: 0x12, file, pgoff: 0 });
    expect(incore(mm, 0, 4)).to.equal("1110");
  });

  it("hides the page cache of files that the caller could not write", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    Object.assign(file, { writable: false });
    doMmap(mm, { addr: at(0), len: 4 * P, prot: 1, flags: 0x12, file, pgoff: 0 });
    expect(incore(mm, 0, 4)).to.equal("1111");
    touchRange(mm, at(0), P, false);
    expect(incore(mm, 0, 2)).to.equal("11");
  });
});
