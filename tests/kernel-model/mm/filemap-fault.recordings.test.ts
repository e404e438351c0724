/**
 * The file_mmap program of the recordings, replayed access by access on the page cache and the fault handler: every fault, its flags
 * and its result, folio orders and contpte work must be as on real Linux.
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import type { Pfn, Va } from "../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../emulator/arch/granule.js";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import { EXT4_POLICY, TMPFS_POLICIES, XFS_POLICY } from "../../../kernel-model/fs/folio-policies.js";
import { genericFadvise } from "../../../kernel-model/mm/fadvise.js";
import { pageCacheWrite } from "../../../kernel-model/mm/filemap-io.js";
import { folioMapcount } from "../../../kernel-model/mm/folio.js";
import { doMunmap } from "../../../kernel-model/mm/munmap.js";
import { filemapWriteAndWait } from "../../../kernel-model/mm/page-writeback.js";
import { CPU_SINGLE } from "../../support/memory-system.js";
import { MmHarness } from "../../support/mm-harness.js";
import { createTestFile, expectNoPageCache, mapFile, MIB } from "../../support/page-cache.js";

interface FaultRun {
  readonly first: number;
  readonly stride: number;
  readonly count: number;
  readonly what: string;
}

interface Expected {
  readonly prog: string;
  readonly cfg: string;
  readonly step: string;
  readonly minflt: number;
  readonly majflt: number;
  readonly faults: number;
  readonly aborts: number;
  readonly contpte: Readonly<Record<string, number>>;
  readonly sum: { readonly pages_by_order: Readonly<Record<string, number>> };
  readonly fltlog: readonly (readonly [number, number, number, string, string, string, number])[];
  /** [first page, pages, PTE, PMD or "0", order, index, folio mapcount, page mapcount, refcount, gt flags, ...] */
  readonly runs: readonly (readonly [number, number, string, string, number, number, number, number, number, number])[];
}

const BASE = 0x50_0000_0000;
/** The recording harness keeps its buffers here, which is why upper page tables exist already. */
const HARNESS_BUFFER = 0x60_0000_0000;
const PROT_READ = 1;
const PROT_RW = 3;
const PROT_RX = 5;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const VM_RAND_READ = 0x10000;
const VM_HUGEPAGE = 0x20000000;
const POSIX_FADV_DONTNEED = 4;
/** Fault logs of the recordings stop after this many groups. */
const MAX_GROUPS = 1500;

/** A recorded machine: page size and CPU. */
interface Machine {
  readonly granule: GranuleName;
  readonly core: "neoverse-n1" | "cortex-a72";
  /** FEAT_HAFDBS. */
  readonly hafdbs: boolean;
  readonly cfgs: readonly string[];
}

const MACHINES: readonly Machine[] = [
  { granule: "4k", core: "neoverse-n1", hafdbs: true, cfgs: ["off", "all"] },
  { granule: "16k", core: "neoverse-n1", hafdbs: true, cfgs: ["off", "all"] },
  { granule: "64k", core: "neoverse-n1", hafdbs: true, cfgs: ["off", "all"] },
  { granule: "4k", core: "cortex-a72", hafdbs: false, cfgs: ["off"] },
];

function records({ granule, core }: Machine): readonly Expected[] {
  const url = new URL(`../../../golden/linux-6.12/${granule}-${core}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { records: Expected[] }).records;
}

function expandLog(log: Expected["fltlog"]): string[] {
  const lines: string[] = [];
  const runs = log.map(([first, stride, count, esr, flags, ret]): FaultRun => ({ first, stride, count, what: `esr ${esr} flags ${flags} ret ${ret}` }));
  for (const { first, stride, count, what } of runs) for (let i = 0; i < count; i++) lines.push(`page ${first + i * stride} ${what}`);
  return lines;
}

/** Without the output address. */
function attributes(descriptor: bigint): string {
  return (descriptor & ~0x0000_ffff_ffff_f000n).toString(16);
}

/** One line per page: descriptor, folio order, map counts, and of the folio's flags what does not depend on LRU lists. */
function layoutLine(pte: bigint, pmd: bigint, order: number, folioMapcount: number, pageMapcount: number, flags: number): string {
  return `${attributes(pte)} ${attributes(pmd)} order ${order} mapped ${folioMapcount}/${pageMapcount} flags ${flags & ~(64 | 16 | 8)}`;
}

function expandLayout(runs: Expected["runs"]): string[] {
  return runs.flatMap(([, pages, pte, pmd, order, , folioMapcount, pageMapcount, , flags]) =>
    Array.from({ length: pages }, () => layoutLine(BigInt(`0x${pte}`), BigInt(`0x${pmd}`), order, folioMapcount, pageMapcount, flags)),
  );
}

/** gt flags of a page from the flags of its folio and its own. Bits of page.ts retyped. */
function gtFlags(folioFlags: number, pageFlags: number): number {
  const bit = (flags: number, from: number, to: number): number => ((flags & (1 << from)) !== 0 ? to : 0);
  return bit(folioFlags, 11, 1) | bit(pageFlags, 12, 2) | bit(folioFlags, 3, 4) | bit(folioFlags, 6, 32) | bit(folioFlags, 2, 256);
}

interface FileSystemCase {
  readonly name: string;
  readonly policy: FolioPolicy;
  /** The program drops the page cache before each mapping. */
  readonly drop: boolean;
}

const FILE_SYSTEMS: readonly FileSystemCase[] = [
  { name: "xfs", policy: XFS_POLICY, drop: true },
  { name: "ext4", policy: EXT4_POLICY, drop: true },
  { name: "tmpfs_always", policy: TMPFS_POLICIES.always, drop: false },
];

/** prog/file_mmap.c. Returns the number of steps compared. */
function replay(machine: Machine, fs: FileSystemCase, cfg: string): number {
  const { granule, core, hafdbs } = machine;
  const cpu = { ...CPU_SINGLE, hardwareAf: hafdbs, hardwareDirty: hafdbs };
  const harness = new MmHarness({ granule, cpu, memoryMib: granule === "64k" ? 512 : 256 });
  const { sys } = harness;
  if (cfg === "all") {
    sys.thp.enabled = "always";
    for (const order of sys.thp.anonOrders) sys.thp.setSizeEnabled(order, "always");
    for (const order of sys.thp.fileOrders) sys.thp.setShmemSizeEnabled(order, "always");
  }
  const { pageSize: ps, contPteSize: cb } = sys.granule;
  const length = cb === 65536 ? 4 * MIB : 8 * cb;
  const mm = harness.newMm();
  mapFile(mm, HARNESS_BUFFER, ps, PROT_RW, MAP_PRIVATE, undefined);
  harness.touch(mm, HARNESS_BUFFER, "write");
  const opened = createTestFile(sys, { policy: fs.policy, size: 0 });
  const { file, mapping } = opened;
  for (let at = 0; at < length; at += 65536) expect(pageCacheWrite(file, at, new Uint8Array(65536).fill(7))).to.equal(65536);

  const golden = new Map(records(machine).flatMap((r) => (r.prog === `file_mmap:${fs.name}` && r.cfg === cfg ? [[r.step, r] as const] : [])));
  const { counters } = sys.pgtable;
  let compared = 0;
  const layoutAt = (at: number): { readonly line: string; readonly order: number } => {
    const { pages, pgtable } = sys;
    const entry = harness.pmd(mm, at);
    const pmd = (entry & 3n) === 1n ? entry : 0n;
    const pte = pmd === 0n ? harness.pte(mm, at) : 0n;
    if (((pmd | pte) & 1n) === 0n) return { line: layoutLine(pte, 0n, -1, 0, 0, 0), order: -1 };
    const page = pmd === 0n ? pgtable.ptePfn(pte) : pgtable.pmdPfn(pmd) + Math.floor((at % sys.granule.pmdSize) / ps);
    const folio = pages.head(page as Pfn);
    const flags = gtFlags(pages.flags[folio]!, pages.flags[page]!);
    const order = pages.folioOrder(folio);
    return { line: layoutLine(pte, pmd, order, folioMapcount(sys, folio), pages.mapcount[page]!, flags), order };
  };
  const step = (name: string, at: number, bytes: number, work: () => void): void => {
    harness.clear();
    sys.current = { minFlt: 0, majFlt: 0 };
    const before = { ...counters };
    work();
    harness.check();
    const want = golden.get(name);
    if (want === undefined) throw new Error(`no record of file_mmap:${fs.name} ${cfg} ${name}`);
    const where = `${granule} ${core} ${fs.name} ${cfg} ${name}`;
    const log = harness.faults.map(
      ({ address, esr, flags, result }) => `page ${Math.floor((address - at) / ps)} esr ${esr.toString(16)} flags ${flags.toString(16)} ret ${result.toString(16)}`,
    );
    const wantLog = expandLog(want.fltlog);
    const complete = want.fltlog.length < MAX_GROUPS;
    expect(complete ? log : log.slice(0, wantLog.length), `${where}: fault log`).to.deep.equal(wantLog);
    const layout = Array.from({ length: bytes / ps }, (_, i) => layoutAt(at + i * ps));
    const orders: Record<string, number> = {};
    for (const { order } of layout) if (order >= 0) orders[order] = (orders[order] ?? 0) + 1;
    expect(orders, `${where}: pages by order`).to.deep.equal(want.sum.pages_by_order);
    expect(layout.map(({ line }) => line), `${where}: layout`).to.deep.equal(expandLayout(want.runs));
    expect({ ...sys.current, faults: harness.faults.length, aborts: harness.aborts }, where).to.deep.equal({
      minFlt: want.minflt,
      majFlt: want.majflt,
      faults: want.faults,
      aborts: want.aborts,
    });
    const contpte = { fold: counters.fold - before.fold, unfold: counters.unfold - before.unfold };
    expect(contpte, `${where}: contpte`).to.deep.equal({ fold: want.contpte["fold"] ?? 0, unfold: want.contpte["unfold"] ?? 0 });
    compared++;
  };
  const drop = (): void => {
    if (!fs.drop) return;
    filemapWriteAndWait(mapping);
    expect(genericFadvise(file, 0, 0, POSIX_FADV_DONTNEED)).to.equal(0);
    expect(mapping.nrPages).to.equal(0);
  };
  const touch = (at: number, kind: "read" | "write"): void => void expect(harness.touch(mm, at, kind).signal).to.equal(undefined);
  const everyPage = (at: number, kind: "read" | "write", bytes = length): void => void harness.touchAll(mm, at, at + bytes, kind);
  const page5 = (at: number, kind: "read" | "write"): void => {
    for (let i = 5 * ps; i < length; i += cb) touch(at + i, kind);
  };
  const unmap = (at: number, bytes = length): void => void expect(doMunmap(mm, at as Va, bytes)).to.equal(0);
  const advise = (at: number, flag: number): void => {
    mm.vmas.lookup(at)!.flags |= flag;
  };

  drop();
  let p = mapFile(mm, BASE, length, PROT_RW, MAP_PRIVATE, file);
  step("private_r_seq", p, length, () => everyPage(p, "read"));
  step("private_r_again", p, length, () => everyPage(p, "read"));
  step("private_w_page5_of_blocks", p, length, () => page5(p, "write"));
  step("private_munmap", p, length, () => unmap(p));
  drop();
  p = mapFile(mm, BASE, length, PROT_RX, MAP_PRIVATE, file);
  step("exec_r_seq", p, length, () => everyPage(p, "read"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE, length, PROT_RW, MAP_SHARED, file);
  step("shared_r_seq", p, length, () => everyPage(p, "read"));
  step("shared_w_page5_of_blocks", p, length, () => page5(p, "write"));
  step("shared_w_seq", p, length, () => everyPage(p, "write"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE, length, PROT_RW, MAP_SHARED, file);
  step("shared_w_first", p, length, () => everyPage(p, "write"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + ps, length, PROT_READ, MAP_PRIVATE, file);
  step("va_plus_1page_r_seq", p, length, () => everyPage(p, "read"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length - cb, PROT_READ, MAP_PRIVATE, file, cb);
  step("va_off_plus_1block_r_seq", p, length - cb, () => everyPage(p, "read", length - cb));
  unmap(p, length - cb);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_READ, MAP_PRIVATE, file);
  step("va_plus_1block_r_seq", p, length, () => everyPage(p, "read"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_RW, MAP_SHARED, file);
  step("va_plus_1block_shared_w_seq", p, length, () => everyPage(p, "write"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_RW, MAP_PRIVATE, file);
  everyPage(p, "read");
  step("va_plus_1block_private_cow_page5", p, length, () => page5(p, "write"));
  step("va_plus_1block_private_cow_all", p, length, () => everyPage(p, "write"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_RW, MAP_PRIVATE, file);
  step("va_plus_1block_private_w_first", p, length, () => everyPage(p, "write"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_READ, MAP_PRIVATE, file);
  advise(p, VM_HUGEPAGE);
  step("va_plus_1block_hugepage_advice_r_seq", p, length, () => everyPage(p, "read"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_READ, MAP_PRIVATE, file);
  advise(p, VM_RAND_READ);
  step("va_plus_1block_random_advice_r_seq", p, length, () => everyPage(p, "read"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_READ, MAP_PRIVATE, file);
  step("va_plus_1block_r_page5_of_blocks", p, length, () => page5(p, "read"));
  unmap(p);
  drop();
  p = mapFile(mm, BASE + cb, length, PROT_READ, MAP_PRIVATE, file);
  step("va_plus_1block_r_down", p, length, () => {
    for (let i = length; i > 0; i -= ps) touch(p + i - ps, "read");
  });
  unmap(p);
  expect(file.count, "references to the file").to.equal(1);
  opened.dispose();
  harness.close();
  expectNoPageCache(sys);
  return compared;
}

describe("file mappings as recorded on real Linux", () => {
  for (const machine of MACHINES) {
    for (const fs of FILE_SYSTEMS) {
      for (const cfg of machine.cfgs) {
        it(`${machine.granule} ${machine.core} ${fs.name} ${cfg}`, () => {
          expect(replay(machine, fs, cfg)).to.equal(20);
        });
      }
    }
  }
});
