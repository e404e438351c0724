/**
 * Faults on files: fault-around, private and shared writes, whole folios, PMD mappings.
 */
import { expect } from "chai";
import type { Order, Va } from "../../../emulator/arch/addr.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { vmaIsAnonShmem } from "../../../kernel-model/mm/file-fault.js";
import { handleMmFault } from "../../../kernel-model/mm/memory.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { CPU_SINGLE } from "../../support/memory-system.js";
import { MmHarness, type HarnessOptions } from "../../support/mm-harness.js";
import { createTestFile, MAP_PRIVATE, MAP_SHARED, mapFile, patternByte, PROT_READ, PROT_RW, type TestFile } from "../../support/page-cache.js";

const P = 4096;
const BASE = 0x5000000000;
const PMD = 2 ** 21;

interface Opened {
  readonly h: MmHarness;
  readonly mm: MmStruct;
  readonly test: TestFile;
  close(): void;
}

/** A file of `pages` pages, all of it in the page cache, mapped nowhere yet. */
function open(policy: FolioPolicy, pages: number, options: HarnessOptions = {}): Opened {
  const h = new MmHarness(options);
  const test = createTestFile(h.sys, { policy, size: pages * P });
  const warm = h.newMm();
  mapFile(warm, BASE, pages * P, PROT_READ, MAP_SHARED, test.file);
  h.touchAll(warm, BASE, BASE + pages * P, "read");
  h.exit(warm);
  const mm = h.newMm();
  return {
    h,
    mm,
    test,
    close() {
      for (const each of [...h.mms]) h.exit(each);
      test.dispose();
      h.close();
    },
  };
}

/** One letter per page of [0, pages): "." none, "o" old, "Y" young. */
function ages(h: MmHarness, mm: MmStruct, pages: number, at = BASE): string {
  return Array.from({ length: pages }, (_, i) => {
    const pte = h.pte(mm, at + i * P);
    return pte === 0n ? "." : (pte & 0x400n) === 0n ? "o" : "Y";
  }).join("");
}

describe("fault-around", () => {
  it("maps the aligned 64K window, young only where the fault was", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 40);
    mapFile(mm, BASE, 40 * P, PROT_READ, MAP_PRIVATE, test.file);
    h.clear();
    h.touch(mm, BASE + 20 * P, "read");
    expect(ages(h, mm, 40)).to.equal("................" + "ooooYooooooooooo" + "........");
    expect(h.faults.map(({ flags, result }) => [flags, result])).to.deep.equal([[0x1254, 0x100]]);
    expect(h.served).to.deep.equal([{ address: BASE + 20 * P, kind: "fileRead", order: 0 }]);
    expect(h.attributes(mm, BASE + 20 * P)).to.equal(0x0060000000000fc3n);
    close();
  });

  it("maps all of it young on a CPU without hardware access flag", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 16, { cpu: { ...CPU_SINGLE, hardwareAf: false, hardwareDirty: false } });
    mapFile(mm, BASE, 16 * P, PROT_READ, MAP_PRIVATE, test.file);
    h.touch(mm, BASE + 4 * P, "read");
    expect(ages(h, mm, 16)).to.equal("YYYYYYYYYYYYYYYY");
    close();
  });

  it("is cut to the area and to the page table", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 40);
    // Five pages before the end of a page table, from file page 3 on; the area begins inside a window.
    const at = BASE + PMD - 5 * P;
    mapFile(mm, at, 12 * P, PROT_READ, MAP_PRIVATE, test.file, 3 * P);
    h.touch(mm, at + 2 * P, "read");
    expect(ages(h, mm, 12, at)).to.equal("ooYoo.......");
    h.touch(mm, at + 6 * P, "read");
    expect(ages(h, mm, 12, at)).to.equal("ooYoooYooooo");
    close();
  });

  it("is off with a window of one page", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 16);
    h.sys.tunables.faultAroundBytes = P;
    mapFile(mm, BASE, 16 * P, PROT_READ, MAP_PRIVATE, test.file);
    h.clear();
    h.touch(mm, BASE + 4 * P, "read");
    expect(ages(h, mm, 16)).to.equal("....Y...........");
    expect(h.faults[0]!.result, "VM_FAULT_LOCKED").to.equal(0x200);
    close();
  });

  it("makes a contiguous block of an aligned piece of a large folio", () => {
    const { h, mm, test, close } = open(TMPFS_POLICIES.always, 512);
    // One block off: the folio of PMD size cannot be mapped by a PMD entry.
    mapFile(mm, BASE + 65536, 512 * P, PROT_READ, MAP_SHARED, test.file);
    h.touch(mm, BASE + 65536 + 3 * P, "read");
    expect(h.attributes(mm, BASE + 65536)).to.equal(0x0070000000000fc3n);
    expect(h.sys.pgtable.counters.setPtesBlocks).to.be.at.least(1);
    close();
  });
});

describe("private writes to a file", () => {
  it("copy the page at once, without mapping the original", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 16);
    mapFile(mm, BASE, 16 * P, PROT_RW, MAP_PRIVATE, test.file);
    h.clear();
    h.writeByte(mm, BASE + 2 * P, 0xee);
    expect(h.faults.map(({ flags, result }) => [flags, result])).to.deep.equal([[0x1255, 0x200]]);
    expect(h.served.map(({ kind, order }) => [kind, order])).to.deep.equal([["fileCow", 0]]);
    expect(ages(h, mm, 16), "no fault-around for writes").to.equal("..Y.............");
    expect(h.readByte(mm, BASE + 2 * P + 1)).to.equal(patternByte(2 * P + 1));
    expect([...mm.rss]).to.deep.equal([0, 1, 0, 0]);
    expect(test.mapping.dirty.size).to.equal(0);
    close();
  });
});

describe("shared writes to a file", () => {
  it("dirty the folio and map one page", () => {
    const { h, mm, test, close } = open(XFS_POLICY, 16);
    mapFile(mm, BASE, 16 * P, PROT_RW, MAP_SHARED, test.file);
    h.clear();
    h.writeByte(mm, BASE + 2 * P, 0xee);
    expect(h.faults.map(({ result }) => result & ~0x4000)).to.deep.equal([0x200]);
    expect(h.served.map(({ kind }) => kind)).to.deep.equal(["fileWrite"]);
    expect(h.attributes(mm, BASE + 2 * P)).to.equal(0x00e8000000000f43n);
    expect(ages(h, mm, 16)).to.equal("..Y.............");
    expect(test.mapping.dirty.size).to.equal(1);
    expect([...mm.rss]).to.deep.equal([1, 0, 0, 0]);
    close();
  });
});

describe("finish_fault", () => {
  it("maps a whole folio of anonymous shared memory", () => {
    const h = new MmHarness();
    h.sys.thp.setShmemSizeEnabled(4 as Order, "always");
    const mm = h.newMm();
    mapFile(mm, BASE, 40 * P, PROT_RW, MAP_SHARED, undefined);
    expect(vmaIsAnonShmem(mm.vmas.lookup(BASE)!)).to.equal(true);
    h.writeByte(mm, BASE + 20 * P, 1);
    expect(ages(h, mm, 40)).to.equal("................" + "YYYYYYYYYYYYYYYY" + "........");
    expect(mm.rss[3]).to.equal(16);
    h.close();
  });

  it("maps one page of it where the area ends inside the folio", () => {
    const h = new MmHarness();
    h.sys.thp.setShmemSizeEnabled(4 as Order, "always");
    const mm = h.newMm();
    mapFile(mm, BASE, 32 * P, PROT_RW, MAP_SHARED, undefined);
    const child = h.fork(mm);
    h.writeByte(mm, BASE, 1);
    const vma = child.vmas.lookup(BASE)!;
    // The child keeps pages 4 to 31 only.
    vma.start = (BASE + 4 * P) as Va;
    vma.pgoff += 4;
    h.writeByte(child, BASE + 6 * P, 1);
    expect(ages(h, child, 16)).to.equal("......Y.........");
    vma.start = BASE as Va;
    vma.pgoff -= 4;
    h.close();
  });

  it("maps a folio of PMD size by one PMD entry, where the area allows", () => {
    const { h, mm, test, close } = open(TMPFS_POLICIES.always, 512);
    mapFile(mm, BASE, 512 * P, PROT_READ, MAP_SHARED, test.file);
    const before = h.sys.vmstat.get("thp_file_mapped");
    h.touch(mm, BASE + 7 * P, "read");
    expect(h.pmd(mm, BASE) & 3n).to.equal(1n);
    expect(h.sys.vmstat.get("thp_file_mapped") - before).to.equal(1);
    expect(mm.rss[3]).to.equal(512);
    expect(h.sys.vmstat.get("nr_shmem_pmdmapped")).to.equal(1);
    close();
  });

  it("signals accesses behind the end of the file", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 4);
    mapFile(mm, BASE, 8 * P, PROT_READ, MAP_SHARED, test.file);
    const { signal } = h.touch(mm, BASE + 5 * P, "read");
    expect([signal?.signo, signal?.code]).to.deep.equal([7, 2]);
    close();
  });

  it("finds the entry filled by somebody else", () => {
    const { h, mm, test, close } = open(EXT4_POLICY, 1);
    h.sys.tunables.faultAroundBytes = P;
    mapFile(mm, BASE, P, PROT_READ, MAP_SHARED, test.file);
    const vma = mm.vmas.lookup(BASE)!;
    const { ops } = vma;
    let nested = 0;
    vma.ops = {
      name: ops!.name,
      mapPages: () => 0,
      fault(vmf) {
        if (nested++ === 0) expect(handleMmFault(vma, BASE as Va, 0x254) & 0x843).to.equal(0);
        return ops!.fault(vmf);
      },
    };
    expect(handleMmFault(vma, BASE as Va, 0x1254) & 0x100, "VM_FAULT_NOPAGE").to.equal(0x100);
    expect(nested).to.equal(2);
    close();
  });
});
