/**
 * Areas of the vDSO kind: names, frames, and that they are never cut.
 */
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { installSpecialMapping } from "../../../kernel-model/mm/special-mapping.js";
import { areaAt, frameAt, mapAnon, pteAt, testMachine, testMm, touch } from "../../support/areas.js";
import { drawAreas, picture } from "../../support/vma-picture.js";

const P = 4096;
const BASE = 0x5000000000;
const at = (page: number): Va => (BASE + page * P) as Va;
const VM = { READ: 1, EXEC: 4, MAYREAD: 0x10, MAYWRITE: 0x20, MAYEXEC: 0x40, PFNMAP: 0x400, DONTEXPAND: 0x40000 };
const VDSO = VM.READ | VM.EXEC | VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;
const VVAR = VM.READ | VM.MAYREAD | VM.PFNMAP;
const SIGBUS = 0x2;
const NOPAGE = 0x100;

/** Data of one frame below code of two, as the vDSO lies. */
function withVdso() {
  const { sys } = testMachine();
  const mm = testMm(sys);
  const frames = [0, 1, 2].map(() => sys.buddy.allocPages(0 as never)) as Pfn[];
  installSpecialMapping(mm, at(0), 2 * P, VVAR, { name: "[vvar]", frames: [frames[0]!] });
  installSpecialMapping(mm, at(2), 2 * P, VDSO, { name: "[vdso]", frames: frames.slice(1) });
  return { sys, mm, frames };
}

describe("special mappings", () => {
  it("are areas with a name that never merge", () => {
    const { mm } = withVdso();
    expect(drawAreas(mm, BASE, 4)).to.equal(picture("RrXx"));
    expect([...mm.vmas].map(({ specialName }) => specialName)).to.deep.equal(["[vvar]", "[vdso]"]);
    expect(areaAt(mm, at(2)).flags).to.equal(VDSO | VM.DONTEXPAND);
    expect([mm.totalVm, mm.execVm]).to.deep.equal([4, 2]);
    mapAnon(mm, at(4), P, 5);
    expect(mm.vmas.count).to.equal(3);
  });

  it("refuse a range that is taken", () => {
    const { mm } = withVdso();
    expect(installSpecialMapping(mm, at(3), 2 * P, VDSO, { name: "[vdso]", frames: [] })).to.equal(-12);
    expect(mm.totalVm).to.equal(4);
  });

  it("map counted pages, or raw frames", () => {
    const { sys, mm, frames } = withVdso();
    expect(touch(mm, at(3), false) & 0x7f).to.equal(0);
    expect([frameAt(mm, at(3)), mm.rss[0], sys.pages.refcount[frames[2]!]]).to.deep.equal([frames[2], 1, 2]);
    expect(touch(mm, at(0), false)).to.equal(NOPAGE);
    expect([frameAt(mm, at(0)), mm.rss[0], sys.pages.refcount[frames[0]!]]).to.deep.equal([frames[0], 1, 1]);
    // special, read-only, not executable
    expect(pteAt(mm, at(0)) >> 48n).to.equal(0x160n);
    expect(touch(mm, at(0), false), "there already").to.equal(0);
    expect(touch(mm, at(1), false), "beyond the frames").to.equal(SIGBUS);
    doMunmap(mm, at(0), 4 * P);
    expect([mm.rss[0], sys.pages.refcount[frames[2]!], mm.totalVm]).to.deep.equal([0, 1, 0]);
  });

  it("are never cut", () => {
    const { mm } = withVdso();
    expect(doMunmap(mm, at(3), P)).to.equal(-22);
    expect(doMprotect(mm, at(2), P, 1)).to.equal(-22);
    expect(doMprotect(mm, at(2), 2 * P, 1)).to.equal(0);
    expect(drawAreas(mm, BASE, 4)).to.equal(picture("RrRr"));
    expect(doMunmap(mm, at(2), 2 * P)).to.equal(0);
  });

  it("take no lock from mlockall", () => {
    const { mm } = withVdso();
    mm.defFlags = 0x2000;
    installSpecialMapping(mm, at(8), P, VDSO, { name: "[vdso]", frames: [] });
    expect([areaAt(mm, at(8)).flags & 0x2000, mm.lockedVm]).to.deep.equal([0, 0]);
  });
});
