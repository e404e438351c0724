/** The checker over a machine without defects: silent through everything the mm does. */
import { expect } from "chai";
import type { Asid, Pa, Va } from "../../../emulator/arch/addr.js";
import { ModelBug } from "../../../emulator/arch/errors.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import { corePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import { place, type Violation } from "../../../emulator/validate/rule.js";
import { doMadvise } from "../../../kernel-model/mm/madvise.js";
import { doMprotect } from "../../../kernel-model/mm/mprotect.js";
import { doMremap } from "../../../kernel-model/mm/mremap.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { attachChecker, type Checker } from "../../../lab/observers/checker.js";
import { CPU_RANGE, CPU_SINGLE } from "../../support/memory-system.js";
import { MmHarness } from "../../support/mm-harness.js";
import { seededRandom } from "../../support/seed.js";

const BASE = 0x5000000000;
const PROT = { none: 0, r: 1, rw: 3 } as const;

interface Watched {
  readonly h: MmHarness;
  readonly checker: Checker;
  readonly found: string[];
}

function watched(name: GranuleName, contpte = true, range = false): Watched {
  const h = new MmHarness({ granule: name, contpte, cpu: range ? CPU_RANGE : CPU_SINGLE });
  const order = Math.log2(h.sys.granule.contPtes);
  for (const known of h.sys.thp.anonOrders) h.sys.thp.setSizeEnabled(known, known === order || known === order - 1 ? "always" : "never");
  const found: string[] = [];
  const report = (violation: Violation): void => void found.push(`${violation.rule.id} ${place(violation)}: ${violation.detail}`);
  const checker = attachChecker({ sys: h.sys, sink: h.sink, mms: () => h.mms, fullEvery: 50, report });
  return { h, checker, found };
}

describe("checker", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    it(`is silent while a process maps, writes, forks, protects and unmaps (${name})`, () => {
      const { h, checker, found } = watched(name);
      const { contPteSize, pageSize } = h.sys.granule;
      const mm = h.newMm();
      const done = (): void => checker.returnToUser();
      h.anon(mm, BASE, 4 * contPteSize);
      done();
      h.touchAll(mm, BASE, BASE + 3 * contPteSize, "write");
      done();
      expect(doMprotect(mm, (BASE + pageSize) as Va, pageSize, PROT.r)).to.equal(0);
      done();
      const child = h.fork(mm);
      done();
      h.touch(child, BASE + 5 * pageSize, "write");
      done();
      h.touch(mm, BASE + contPteSize, "write");
      done();
      h.exit(child);
      done();
      expect(doMprotect(mm, BASE as Va, 2 * contPteSize, PROT.none)).to.equal(0);
      done();
      expect(doMprotect(mm, BASE as Va, 2 * contPteSize, PROT.rw)).to.equal(0);
      done();
      expect(doMunmap(mm, (BASE + 3 * pageSize) as Va, contPteSize)).to.equal(0);
      done();
      h.exit(mm);
      done();
      expect(found).to.deep.equal([]);
      expect(checker.counts.calls).to.be.greaterThan(20);
      expect(checker.counts.full).to.be.greaterThan(0);
    });
  }

  for (const [name, contpte, range] of [["4k", true, false], ["4k", true, true], ["4k", false, false], ["64k", true, true]] as const) {
    it(`is silent through random operations (${name}, contpte ${contpte ? "on" : "off"}, ${range ? "range" : "single"} TLBI)`, () => {
      const { h, checker, found } = watched(name, contpte, range);
      const { contPteSize, pageSize } = h.sys.granule;
      const random = seededRandom(77);
      const span = 6 * contPteSize;
      const mms = [h.newMm()];
      for (let i = 0; i < 250 && found.length === 0; i++) {
        const mm = mms[random(mms.length)]!;
        const at = BASE + random(span / pageSize) * pageSize;
        const bytes = Math.min(BASE + span - at, (1 + random(random(2) === 0 ? 3 : 2 * h.sys.granule.contPtes)) * pageSize);
        switch (random(11)) {
          case 0:
          case 1:
            h.anon(mm, at, bytes);
            break;
          case 2:
            expect(doMunmap(mm, at as Va, bytes)).to.equal(0);
            break;
          case 3:
            doMprotect(mm, at as Va, bytes, [PROT.none, PROT.r, PROT.rw][random(3)]!);
            break;
          case 4:
            if (mms.length < 3) mms.push(h.fork(mm));
            break;
          case 5:
            if (mms.length > 1) h.exit(mms.splice(mms.indexOf(mm), 1)[0]!);
            break;
          case 6:
            /* MADV_DONTNEED, FREE, COLD, POPULATE_WRITE */
            doMadvise(mm, at as Va, bytes, [4, 8, 20, 23][random(4)]!);
            break;
          case 7:
            /* MREMAP_MAYMOVE | MREMAP_FIXED */
            doMremap(mm, { addr: at as Va, oldLen: bytes, newLen: bytes, flags: 3, newAddr: (BASE + 2 ** 30 + random(span / pageSize) * pageSize) as Va });
            break;
          default:
            for (let page = at; page < at + bytes; page += pageSize) h.touch(mm, page, random(3) === 0 ? "read" : "write");
        }
        checker.returnToUser();
      }
      expect(found).to.deep.equal([]);
      h.close();
    });
  }

  it("is silent while page tables move, collapse into blocks, and split", () => {
    const { h, checker, found } = watched("4k");
    const mm = h.newMm();
    const PMD = 2 ** 21;
    h.anon(mm, BASE, 4 * PMD);
    h.touchAll(mm, BASE, BASE + 2 * PMD, "write");
    checker.returnToUser();
    expect(doMremap(mm, { addr: BASE as Va, oldLen: PMD, newLen: PMD, flags: 3, newAddr: (BASE + 2 ** 32) as Va })).to.equal(BASE + 2 ** 32);
    checker.returnToUser();
    /* MADV_COLLAPSE */
    expect(doMadvise(mm, (BASE + PMD) as Va, PMD, 25)).to.equal(0);
    checker.returnToUser();
    expect(h.pmd(mm, BASE + PMD) & 3n, "a block").to.equal(1n);
    expect(doMprotect(mm, (BASE + PMD + 4096) as Va, 4096, PROT.r)).to.equal(0);
    checker.returnToUser();
    expect(h.pmd(mm, BASE + PMD) & 3n, "a table again").to.equal(3n);
    h.touchAll(mm, BASE + 2 ** 32, BASE + 2 ** 32 + PMD, "write");
    expect(doMunmap(mm, (BASE + PMD) as Va, PMD)).to.equal(0);
    checker.returnToUser();
    expect(found).to.deep.equal([]);
    h.close();
  });

  it("T-STUDIED: entries of a studied TLB that a TLBI should have removed", () => {
    const h = new MmHarness();
    const found: string[] = [];
    const mmu = new Mmu({ core: corePreset("neoverse-n1"), memory: h.sys.memory, granule: h.sys.granule, updatesDescriptors: true, seed: 1 });
    // The sink of this machine does not reach the TLB model.
    const checker = attachChecker({ sys: h.sys, sink: h.sink, mmus: [mmu], report: ({ rule }) => void found.push(rule.id) });
    const mm = h.newMm();
    const { cpu, granule } = h.sys;
    h.anon(mm, BASE, 65536);
    h.touchAll(mm, BASE, BASE + 65536, "write");
    mmu.setRegime({ granule, ttbr0: mm.pgd, asid: (mm.contextId % 65536) as Asid, ha: cpu.hardwareAf, hd: cpu.hardwareDirty, oaBits: 48 });
    const page = BASE / 4096;
    // Page number 31:0, then page number 35:32 << 2 | write.
    mmu.consume(Uint32Array.of(page % 2 ** 32, (Math.floor(page / 2 ** 32) << 2) | 2), 1);
    checker.returnToUser();
    expect(found).to.deep.equal([]);
    expect(doMprotect(mm, BASE as Va, 4096, PROT.r)).to.equal(0);
    checker.returnToUser();
    expect(new Set(found)).to.deep.equal(new Set(["T-STUDIED"]));
  });

  it("throws a ModelBug that names rule and place, unless told otherwise", () => {
    const h = new MmHarness();
    const checker = attachChecker({ sys: h.sys, sink: h.sink });
    const mm = h.newMm();
    h.anon(mm, BASE, 4096);
    h.touch(mm, BASE, "write");
    checker.returnToUser();
    h.sys.pages.flags[h.frame(mm, BASE)]! &= ~(1 << 12);
    expect(doMprotect(mm, BASE as Va, 4096, PROT.r)).to.equal(0);
    expect(doMprotect(mm, BASE as Va, 4096, PROT.rw)).to.equal(0);
    h.sys.pgtable.ptepSetAccessFlags(mm.vmas.lookup(BASE)!, BASE as Va, h.sys.pgtable.pteOffset(h.pmd(mm, BASE), BASE as Va), h.pte(mm, BASE) | (1n << 51n), true);
    expect(() => checker.returnToUser()).to.throw(ModelBug, /^check: L-COW va 0x5000000000 level 3/);
  });

  it("is told by the processor when EL0 runs and which tables it runs with", () => {
    const h = new MmHarness();
    const calls: string[] = [];
    const processor = {
      run: (budget: number) => (calls.push(`run ${budget}`), { kind: "svc" as const }),
      setAddressSpace: (root: Pa, asid: Asid) => void calls.push(`${root} ${asid}`),
    };
    const found: string[] = [];
    const checker = attachChecker({ sys: h.sys, sink: h.sink, processor, report: ({ rule }) => void found.push(rule.id) });
    processor.setAddressSpace(0x1000 as Pa, 3 as Asid);
    expect(processor.run(5)).to.deep.equal({ kind: "svc" });
    processor.setAddressSpace(0x2000 as Pa, 3 as Asid);
    expect(calls).to.deep.equal(["4096 3", "run 5", "8192 3"]);
    expect(checker.counts.returns).to.equal(1);
    expect(found).to.deep.equal(["T-ASID-REUSE"]);
  });
});
