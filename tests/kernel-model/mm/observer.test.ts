/** What the mm tells its listeners: names of calls and fault kinds, and that each is told at the fault that Linux names so. */
import { expect } from "chai";
import type { CpuFeatures } from "../../../emulator/arch/cpu-features.js";
import { EXT4_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { CONTPTE_CALLS, FAULT_KINDS, type MmObserver } from "../../../kernel-model/mm/observer.js";
import { CPU_SINGLE } from "../../support/memory-system.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, KIB, mapFile, MAP_PRIVATE, MAP_SHARED, PROT_RW } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x1000_0000;
const NO_HARDWARE: CpuFeatures = { ...CPU_SINGLE, hardwareAf: false, hardwareDirty: false };

/** Linux: arch/arm64/mm/contpte.c, without the prefix contpte_ and the words ptep_, and_, try_ where the model drops them. */
const CONTPTE_FUNCTIONS: Readonly<Record<string, string>> = {
  __contpte_try_fold: "tryFold",
  __contpte_try_unfold: "tryUnfold",
  contpte_set_ptes: "setPtes",
  contpte_clear_full_ptes: "clearFullPtes",
  contpte_get_and_clear_full_ptes: "getAndClearFullPtes",
  contpte_wrprotect_ptes: "wrprotectPtes",
  contpte_ptep_set_access_flags: "setAccessFlags",
  contpte_ptep_test_and_clear_young: "testClearYoung",
  contpte_ptep_clear_flush_young: "clearFlushYoung",
  contpte_clear_young_dirty_ptes: "clearYoungDirty",
  contpte_try_unfold_partial: "unfoldPartial",
};

/** Fault kinds told by `access` alone. */
function kinds(h: MmHarness, access: () => void): string[] {
  h.served.length = 0;
  access();
  return h.served.map(({ kind }) => kind);
}

describe("observer", () => {
  it("counted calls are the functions of the contpte layer", () => {
    expect([...CONTPTE_CALLS].sort()).to.deep.equal(Object.values(CONTPTE_FUNCTIONS).sort());
    expect(new Set(FAULT_KINDS).size).to.equal(FAULT_KINDS.length);
  });

  it("anonymous memory: read, write after it, write, write after fork by both sides", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, 64 * KIB);
    expect(kinds(h, () => h.touch(mm, BASE, "read"))).to.deep.equal(["anonRead"]);
    expect(kinds(h, () => h.touch(mm, BASE, "write")), "do_wp_page() of the zero page").to.deep.equal(["wpCopy"]);
    expect(kinds(h, () => h.touch(mm, BASE + P, "write"))).to.deep.equal(["anonWrite"]);
    const child = h.fork(mm);
    expect(kinds(h, () => h.touch(child, BASE + P, "write"))).to.deep.equal(["wpCopy"]);
    expect(kinds(h, () => h.touch(mm, BASE + P, "write")), "the last user takes the page over").to.deep.equal(["wpReuse"]);
    expect(kinds(h, () => h.touch(mm, BASE + P, "write")), "nothing to do").to.deep.equal([]);
    h.close();
  });

  it("files: do_read_fault, do_cow_fault, do_shared_fault", () => {
    const h = new MmHarness();
    h.sys.tunables.faultAroundBytes = P;
    const mm = h.newMm();
    const disk = createTestFile(h.sys, { policy: EXT4_POLICY, size: 64 * KIB });
    mapFile(mm, 0x2000_0000, 64 * KIB, PROT_RW, MAP_PRIVATE, disk.file);
    mapFile(mm, 0x3000_0000, 64 * KIB, PROT_RW, MAP_SHARED, disk.file);
    expect(kinds(h, () => h.touch(mm, 0x2000_0000, "read"))).to.deep.equal(["fileRead"]);
    expect(kinds(h, () => h.touch(mm, 0x2000_0000 + P, "write"))).to.deep.equal(["fileCow"]);
    expect(kinds(h, () => h.touch(mm, 0x3000_0000, "write"))).to.deep.equal(["fileWrite"]);
    h.exit(mm);
    disk.dispose();
    h.close();
  });

  it("access flag and dirty state by software, where the CPU has no hardware updates", () => {
    const h = new MmHarness({ cpu: NO_HARDWARE });
    const mm = h.newMm();
    const vma = h.anon(mm, BASE, 64 * KIB);
    h.touch(mm, BASE, "write");
    const { pgtable } = h.sys;
    const ptep = (): Parameters<typeof pgtable.rawGet>[0] => pgtable.pteOffset(h.pmd(mm, BASE), vma.start);
    pgtable.ptepTestAndClearYoung(vma, vma.start, ptep());
    expect(kinds(h, () => h.touch(mm, BASE, "read"))).to.deep.equal(["accessFlag"]);
    expect((h.pte(mm, BASE) >> 10n) & 1n, "AF").to.equal(1n);
    h.close();
  });

  it("one fault is told in order: abort, entry, what it served, exit", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, 64 * KIB);
    const told: string[] = [];
    const note = (name: keyof MmObserver) => (): void => void told.push(name);
    h.sys.observer = { abort: note("abort"), faultEnter: note("faultEnter"), faultExit: note("faultExit"), faultServed: note("faultServed"), contpteConvert: note("contpteConvert"), contpteCall: note("contpteCall"), mmExit: note("mmExit") };
    h.touch(mm, BASE, "write");
    expect(told.filter((name) => !name.startsWith("contpte"))).to.deep.equal(["abort", "faultEnter", "faultServed", "faultExit"]);
    told.length = 0;
    h.exit(mm);
    expect(told.filter((name) => name === "mmExit"), "told once, before anything is unmapped").to.deep.equal(["mmExit"]);
    expect(told[0]).to.equal("mmExit");
    h.close();
  });

  it("a fault carries the address as it was, its ESR, flags and result", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, BASE, 64 * KIB);
    h.touch(mm, BASE + 0x123, "write");
    // FAULT_FLAG_WRITE | ALLOW_RETRY | KILLABLE | USER | INTERRUPTIBLE | VMA_LOCK
    expect(h.faults.map(({ address, flags, result }) => [address, flags, result])).to.deep.equal([[BASE + 0x123, 0x1255, 0]]);
    // ESR: data abort from EL0, write, translation fault; the level is that of the first missing table.
    expect((h.faults[0]!.esr & ~3) >>> 0).to.equal(0x92000044);
    h.close();
  });
});
