/**
 * The recorded programs of golden/prog, replayed on the mm alone: what their harness measures is measured here in the same way.
 */
import { readFileSync } from "node:fs";
import type { Order, Pfn, Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { granule, type GranuleName } from "../../emulator/arch/granule.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import { goldenSizes } from "../../lab/golden/plan.js";
import type { GoldenRecord, Run } from "../../lab/golden/record.js";
import { CPU_SINGLE } from "./memory-system.js";
import { type LoggedFault, MmHarness } from "./mm-harness.js";

/** GTBUF of golden/prog/gt.h. */
const BUFFERS = 0x6000000000;
const OA = 0x0000_ffff_ffff_f000n;
const CPU_NO_HAFDBS: CpuFeatures = { ...CPU_SINGLE, hardwareAf: false, hardwareDirty: false };

/** Names of the model's calls -> names of the recording. */
const COUNTERS: Readonly<Record<string, string>> = {
  tryFold: "try_fold",
  tryUnfold: "try_unfold",
  fold: "fold",
  unfold: "unfold",
  setPtes: "contpte_set_ptes",
  clearFullPtes: "clear_full_ptes",
  getAndClearFullPtes: "get_and_clear_full_ptes",
  wrprotectPtes: "wrprotect_ptes",
  setAccessFlags: "set_access_flags",
  testClearYoung: "test_clear_young",
  clearYoungDirty: "clear_young_dirty",
  unfoldPartial: "unfold_partial",
};

const FOLIO_COUNTERS = ["anon_fault_alloc", "anon_fault_fallback", "split", "split_failed", "split_deferred", "nr_anon", "nr_anon_partially_mapped"] as const;
/** Not thp_zero_page_alloc: the recorded machines had their huge zero folio already. */
const EVENTS = ["pgfault", "thp_fault_alloc", "thp_fault_fallback", "thp_split_page", "thp_split_pmd", "thp_deferred_split_page"] as const;

/** Counters that changed, with their change. */
function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).flatMap(([name, value]) => (value === before[name] ? [] : [[name, value - before[name]!]])));
}

/** gt flags that the model's page flags stand for: ANON, EXCLUSIVE, DIRTY, SWAPBACKED, SPECIAL, UPTODATE. */
const GT_ANON = 1;
const GT_EXCLUSIVE = 2;
const GT_DIRTY = 4;
const GT_SWAPBACKED = 32;
const GT_SPECIAL = 128;
const GT_UPTODATE = 256;
const PG_UPTODATE = 1 << 2;
const PG_DIRTY = 1 << 3;
const PG_SWAPBACKED = 1 << 6;
const PG_ANON = 1 << 11;
const PG_ANON_EXCLUSIVE = 1 << 12;

/** All records of one recording, by program, configuration and step. */
export function loadGolden(file: string): readonly GoldenRecord[] {
  const text = readFileSync(new URL(`../../golden/linux-6.12/${file}.json`, import.meta.url), "utf8");
  return (JSON.parse(text) as { records: GoldenRecord[] }).records;
}

/** What one page of the window looks like to the recording device. */
interface Entry {
  pte: bigint;
  pmd: bigint;
  order: number;
  index: number;
  mapcount: number;
  pageMapcount: number;
  flags: number;
}

export class GtProgram {
  readonly harness: MmHarness;
  readonly mm: MmStruct;
  readonly PS: number;
  readonly CB: number;
  /** "1 MiB" and "4 MiB" of the recordings. */
  readonly R1M: number;
  readonly R4M: number;
  readonly records: GoldenRecord[] = [];
  private readonly name: string;
  private readonly cfg: string;
  private from = 0;
  private length = 0;
  private before = { minFlt: 0, majFlt: 0 };
  private folioCounters: Record<string, number> = {};
  private events: Record<string, number> = {};

  constructor(file: string, name: string, cfg: string) {
    const page = file.slice(0, file.indexOf("-")) as GranuleName;
    const cpu = file.endsWith("cortex-a72") ? CPU_NO_HAFDBS : CPU_SINGLE;
    this.harness = new MmHarness({ granule: page, vaBits: page === "16k" ? 47 : 48, cpu, memoryMib: { "4k": 256, "16k": 512, "64k": 2048 }[page], poison: false });
    this.name = name;
    this.cfg = cfg;
    const { sys } = this.harness;
    const { pageSize, contPteSize } = sys.granule;
    this.PS = pageSize;
    this.CB = contPteSize;
    this.R1M = page === "4k" ? 2 ** 20 : 4 * contPteSize;
    this.R4M = page === "4k" ? 2 ** 22 : 8 * contPteSize;
    for (const order of sys.thp.anonOrders) sys.thp.setSizeEnabled(order, "never");
    for (const [bytes, mode] of goldenSizes(cfg, granule(page))) sys.thp.setSizeEnabled(Math.log2(bytes / pageSize) as Order, mode);
    this.mm = this.harness.newMm();
    // The harness of the programs has its buffers here; that decides at which level a first touch finds no table.
    this.anon(BUFFERS, this.PS);
    this.write(BUFFERS);
  }

  /** gt_anon() */
  anon(at: number, bytes: number, prot = 3, flags = 0x32): number {
    this.harness.anon(this.mm, at, bytes, prot, flags);
    return at;
  }

  write(at: number, mm = this.mm): void {
    this.access(mm, at, "write");
  }

  read(at: number, mm = this.mm): void {
    this.access(mm, at, "read");
  }

  private access(mm: MmStruct, at: number, kind: "read" | "write"): void {
    const { signal } = this.harness.touch(mm, at, kind);
    if (signal !== undefined) throw new Error(`${kind} at 0x${at.toString(16)} ends in signal ${signal.signo}`);
  }

  wSeq(at: number, bytes: number, mm = this.mm): void {
    for (let i = 0; i < bytes; i += this.PS) this.write(at + i, mm);
  }

  rSeq(at: number, bytes: number, mm = this.mm): void {
    for (let i = 0; i < bytes; i += this.PS) this.read(at + i, mm);
  }

  /** gt_begin(); `mm`: the process that measures. */
  begin(at: number, bytes: number, mm = this.mm): void {
    this.from = at;
    this.length = bytes;
    this.harness.clear();
    this.before = { minFlt: mm.minFlt, majFlt: mm.majFlt };
    this.folioCounters = this.readFolioCounters();
    this.events = this.readEvents();
  }

  /** gt_end() */
  end(step: string, mm = this.mm): void {
    const { harness } = this;
    const inside = (address: number): boolean => address >= this.from && address < this.from + this.length;
    const faults = harness.faults.filter(({ address }) => inside(address));
    const contpte: Record<string, number> = {};
    for (const { address, call } of harness.contpte) {
      const name = COUNTERS[call];
      if (name !== undefined && inside(address)) contpte[name] = (contpte[name] ?? 0) + 1;
    }
    const entries = this.entries(mm);
    this.records.push({
      prog: this.name,
      cfg: this.cfg,
      step,
      page: this.PS,
      va: this.from.toString(16),
      len: this.length,
      minflt: mm.minFlt - this.before.minFlt,
      majflt: mm.majFlt - this.before.majFlt,
      faults: faults.length,
      aborts: faults.filter(({ esr }) => esr !== 0).length,
      contpte,
      mthp: difference(this.folioCounters, this.readFolioCounters()),
      vmstat: difference(this.events, this.readEvents()),
      fltlog: this.faultLog(faults),
      sum: this.sum(entries),
      runs: this.runs(entries),
    });
  }

  /** Counters of the folio sizes, named as the harness of the programs prints them. */
  private readFolioCounters(): Record<string, number> {
    const { thp } = this.harness.sys;
    const counters: Record<string, number> = {};
    for (const order of thp.orders) for (const name of FOLIO_COUNTERS) counters[`${(this.PS * 2 ** order) / 1024}kB/${name}`] = thp.stat(order, name);
    return counters;
  }

  private readEvents(): Record<string, number> {
    return Object.fromEntries(EVENTS.map((name) => [name, this.harness.sys.vmstat.get(name)]));
  }

  private faultLog(faults: readonly LoggedFault[]): (number | string)[][] {
    interface Group {
      first: number;
      stride: number;
      count: number;
      last: number;
      key: string;
      cells: readonly [string, string, string];
    }
    const groups: Group[] = [];
    for (const { address, esr, flags, result } of faults) {
      const page = Math.floor((address - this.from) / this.PS);
      const cells = [esr.toString(16), flags.toString(16), result.toString(16)] as const;
      const key = cells.join();
      const group = groups.at(-1);
      if (group !== undefined && group.key === key && (group.count === 1 || page - group.last === group.stride)) {
        if (group.count === 1) group.stride = page - group.first;
        group.count++;
        group.last = page;
      } else {
        groups.push({ first: page, stride: 0, count: 1, last: page, key, cells });
      }
    }
    return groups.slice(0, 1500).map(({ first, stride, count, cells }) => [first, count > 1 ? stride : 0, count, ...cells, 1]);
  }

  /** What the kernel module's page-table walk sees. */
  private entries(mm: MmStruct): Entry[] {
    const { harness } = this;
    const { sys } = harness;
    const { pages, granule: g } = sys;
    const list: Entry[] = [];
    const nr = Math.min(this.length / this.PS, 2 ** 16);
    for (let i = 0; i < nr; i++) {
      const at = this.from + i * this.PS;
      const pmd = harness.pmd(mm, at);
      const leaf = (pmd & 3n) === 1n;
      const pte = leaf ? 0n : harness.pte(mm, at);
      const entry: Entry = { pte, pmd: leaf ? pmd : 0n, order: -1, index: 0, mapcount: 0, pageMapcount: 0, flags: 0 };
      list.push(entry);
      const value = leaf ? pmd : pte;
      if (value === 0n || (value & (1n | (1n << 11n))) === 0n) continue;
      const page = Number((value & OA) / BigInt(this.PS)) + (leaf ? Math.floor((at % g.pmdSize) / this.PS) : 0);
      const folio = pages.head(page as Pfn);
      const folioFlags = pages.flags[folio]!;
      const special = !leaf && (pte & (1n << 56n)) !== 0n;
      entry.order = pages.order[folio]!;
      entry.index = page - folio;
      if (!special) {
        entry.mapcount = entry.order > 0 ? pages.largeMapcount[folio]! : pages.mapcount[folio]!;
        entry.pageMapcount = pages.mapcount[page]!;
      }
      const exclusive = pages.flags[leaf ? folio : page]! & PG_ANON_EXCLUSIVE;
      entry.flags =
        (special ? GT_SPECIAL : 0) |
        ((folioFlags & PG_ANON) !== 0 ? GT_ANON | (exclusive !== 0 ? GT_EXCLUSIVE : 0) : 0) |
        ((folioFlags & PG_DIRTY) !== 0 ? GT_DIRTY : 0) |
        ((folioFlags & PG_SWAPBACKED) !== 0 ? GT_SWAPBACKED : 0) |
        ((folioFlags & PG_UPTODATE) !== 0 ? GT_UPTODATE : 0);
      // The zero page is an ordinary reserved page of the kernel image.
      if (special) entry.flags = GT_SPECIAL;
    }
    return list;
  }

  private runs(entries: readonly Entry[]): Run[] {
    return entries.map((e, i) => [i, 1, e.pte.toString(16), e.pmd.toString(16), e.order, e.index, e.mapcount, e.pageMapcount, 0, e.flags, "0", "0"]);
  }

  private sum(entries: readonly Entry[]): Record<string, unknown> {
    const bit = (value: bigint, n: bigint): boolean => ((value >> n) & 1n) === 1n;
    const total = { present: 0, zero: 0, cont_ptes: 0, cont_blocks: 0, bad_cont_blocks: 0, pmd_leaf_pages: 0, young: 0, dbm: 0, rdonly: 0, hw_dirty: 0, sw_dirty: 0, anon: 0, anon_excl: 0 };
    const orders: Record<string, number> = {};
    for (const e of entries) {
      const leaf = e.pmd !== 0n;
      const value = leaf ? e.pmd : e.pte;
      if (!bit(value, 0n)) continue;
      total.present++;
      if (leaf) total.pmd_leaf_pages++;
      if ((e.flags & GT_SPECIAL) !== 0) total.zero++;
      orders[e.order] = (orders[e.order] ?? 0) + 1;
      if (!leaf && bit(value, 52n)) total.cont_ptes++;
      if (bit(value, 10n)) total.young++;
      if (bit(value, 51n)) total.dbm++;
      if (bit(value, 7n)) total.rdonly++;
      if (bit(value, 51n) && !bit(value, 7n)) total.hw_dirty++;
      if (bit(value, 55n)) total.sw_dirty++;
      if ((e.flags & GT_EXCLUSIVE) !== 0) total.anon_excl++;
      if ((e.flags & GT_ANON) !== 0) total.anon++;
    }
    this.countBlocks(entries, total);
    return { pages: entries.length, ...total, pages_by_order: orders };
  }

  private countBlocks(entries: readonly Entry[], total: { cont_blocks: number; bad_cont_blocks: number }): void {
    const nr = this.CB / this.PS;
    const attributes = ~(OA | (1n << 10n) | (1n << 7n) | (1n << 55n));
    for (let at = Math.ceil(this.from / this.CB) * this.CB; at + this.CB <= this.from + entries.length * this.PS; at += this.CB) {
      const block = entries.slice((at - this.from) / this.PS, (at - this.from) / this.PS + nr);
      const cont = block.filter(({ pte, pmd }) => pmd === 0n && (pte & 1n) !== 0n && ((pte >> 52n) & 1n) === 1n).length;
      if (cont === nr) {
        total.cont_blocks++;
        const first = block[0]!.pte;
        const sound = block.every(({ pte }, i) => (pte & OA) === (first & OA) + BigInt(i * this.PS) && (pte & attributes) === (first & attributes));
        if (!sound || (first & OA) % BigInt(this.CB) !== 0n) total.bad_cont_blocks++;
      } else if (cont > 0) {
        total.bad_cont_blocks++;
      }
    }
  }
}

/** The address range [at, at + bytes) as a Va, for calls of the mm. */
export function va(at: number): Va {
  return at as Va;
}
