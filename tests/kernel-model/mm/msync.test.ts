/**
 * msync: what is written back, and what holes and arguments lead to.
 */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { doMmap } from "../../../kernel-model/mm/mmap.js";
import { doMsync } from "../../../kernel-model/mm/msync.js";
import { areaAt, mapAnon, pteAt, testMachine, testMm, touch } from "../../support/areas.js";
import { createTestFile } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const [ENOMEM, EBUSY, EINVAL] = [-12, -16, -22];
const [ASYNC, INVALIDATE, SYNC] = [1, 2, 4];

describe("msync", () => {
  it("writes back the pages of the range of shared mappings", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    doMmap(mm, { addr: at(0), len: 4 * P, prot: 3, flags: 0x11, file, pgoff: 2 });
    for (const page of [0, 1, 2, 3]) touch(mm, at(page));
    expect([...mapping.dirty].sort((a, b) => a - b)).to.deep.equal([2, 3, 4, 5]);
    expect(doMsync(mm, at(1), 2 * P - 1, SYNC)).to.equal(0);
    expect([...mapping.dirty].sort((a, b) => a - b)).to.deep.equal([2, 5]);
    // The next write must fault again.
    expect([0, 1].map((page) => (pteAt(mm, at(page)) >> 51n) & 1n)).to.deep.equal([1n, 0n]);
    expect(doMsync(mm, at(0), 4 * P, ASYNC)).to.equal(0);
    expect([...mapping.dirty].sort((a, b) => a - b)).to.deep.equal([2, 5]);
  });

  it("leaves private mappings alone", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    doMmap(mm, { addr: at(0), len: P, prot: 3, flags: 0x11, file, pgoff: 0 });
    doMmap(mm, { addr: at(4), len: P, prot: 3, flags: 0x12, file, pgoff: 0 });
    touch(mm, at(0));
    expect(doMsync(mm, at(4), P, SYNC)).to.equal(0);
    expect(mapping.dirty.size).to.equal(1);
  });

  it("goes over holes and tells of them, unless it has nothing to do", () => {
    const { sys } = testMachine();
    const mm = testMm(sys);
    const { file, mapping } = createTestFile(sys, { policy: EXT4_POLICY, size: 8 * P });
    mapAnon(mm, at(0), P);
    doMmap(mm, { addr: at(2), len: 2 * P, prot: 3, flags: 0x11, file, pgoff: 0 });
    touch(mm, at(3));
    expect(doMsync(mm, at(0), 3 * P, SYNC)).to.equal(ENOMEM);
    expect(mapping.dirty.size, "page 3 is not in the range").to.equal(1);
    expect(doMsync(mm, at(0), 4 * P, SYNC)).to.equal(ENOMEM);
    expect(mapping.dirty.size).to.equal(0);
    expect(doMsync(mm, at(0), 4 * P, ASYNC)).to.equal(ENOMEM);
    expect(doMsync(mm, at(1), P, SYNC)).to.equal(ENOMEM);
    expect(doMsync(mm, at(9), P, SYNC)).to.equal(ENOMEM);
    expect(doMsync(mm, at(2), 2 * P, SYNC)).to.equal(0);
  });

  it("checks its arguments", () => {
    const mm = testMm(testMachine().sys);
    mapAnon(mm, at(0), P);
    expect(doMsync(mm, (at(0) + 1) as Va, P, SYNC)).to.equal(EINVAL);
    expect(doMsync(mm, at(0), P, 8)).to.equal(EINVAL);
    expect(doMsync(mm, at(0), P, ASYNC | SYNC)).to.equal(EINVAL);
    expect(doMsync(mm, at(5), 0, SYNC)).to.equal(0);
    expect(doMsync(mm, at(0), P, 0)).to.equal(0);
    areaAt(mm, at(0)).flags |= 0x2000;
    expect(doMsync(mm, at(0), P, INVALIDATE | SYNC)).to.equal(EBUSY);
  });
});
