/* Filling pages and handing areas over, at the level of mm. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { Userfaultfd } from "../../../kernel-model/mm/userfaultfd-context.js";
import { mfillAtomic, registerRange, releaseUserfaultfd, unregisterRange } from "../../../kernel-model/mm/userfaultfd.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000 as Va;
const VM_UFFD_MISSING = 0x200;
const at = (page: number): Va => (BASE + page * P) as Va;

function armed() {
  const h = new MmHarness();
  const mm = h.newMm();
  h.anon(mm, BASE, 8 * P);
  const uffd = new Userfaultfd(mm);
  uffd.features = 0;
  expect(registerRange(uffd, at(2), at(6))).to.equal(0);
  return { h, mm, uffd };
}

describe("userfaultfd and mm", () => {
  it("registering splits areas, unregistering joins them", () => {
    const { h, mm, uffd } = armed();
    const areas = (): string[] => [...mm.vmas].map(({ start, end, flags }) => `${(start - BASE) / P}-${(end - BASE) / P}${(flags & VM_UFFD_MISSING) === 0 ? "" : "u"}`);
    expect(areas()).to.deep.equal(["0-2", "2-6u", "6-8"]);
    expect(unregisterRange(uffd, at(4), at(8))).to.equal(0);
    expect(areas()).to.deep.equal(["0-2", "2-4u", "4-8"]);
    releaseUserfaultfd(uffd);
    expect(areas()).to.deep.equal(["0-8"]);
    h.close();
  });

  it("a copied page is dirty, writable where the area is, and accounted", () => {
    const { h, mm } = armed();
    expect(mfillAtomic(mm, at(2), 2 * P, (distance) => new Uint8Array(P).fill(distance === 0 ? 5 : 6))).to.equal(2 * P);
    expect([h.readByte(mm, at(2) + 9), h.readByte(mm, at(3)), mm.rss[1]]).to.deep.equal([5, 6, 2]);
    expect(h.attributes(mm, at(2))).to.equal(0x00e8000000000f43n);
    expect(mfillAtomic(mm, at(4), P)).to.equal(P);
    expect(h.frame(mm, at(4))).to.equal(h.sys.zeroPfn);
    h.check();
    h.close();
  });

  it("stops at the first page that cannot be filled", () => {
    const { h, mm } = armed();
    mfillAtomic(mm, at(3), P);
    expect(mfillAtomic(mm, at(2), 3 * P)).to.equal(P);
    expect(mfillAtomic(mm, at(3), P)).to.equal(-17);
    expect(mfillAtomic(mm, at(4), P, () => -14)).to.equal(-14);
    expect([mfillAtomic(mm, at(5), 2 * P), mfillAtomic(mm, at(0), P)]).to.deep.equal([-2, -2]);
    h.close();
  });
});
