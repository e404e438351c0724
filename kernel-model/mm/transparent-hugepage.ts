/**
 * Transparent huge page policy: the knobs of /sys/kernel/mm/transparent_hugepage and the counters per folio size.
 *
 * Knobs are read and written in the text of their files, with Linux's rules and errors. What a policy means for a given area
 * is decided in huge-memory.ts (anonymous) and shmem.ts.
 *
 * Linux: mm/huge_memory.c (sysfs part), mm/shmem.c shmem_enabled_store(), thpsize_shmem_enabled_store(), mm/khugepaged.c
 * khugepaged_attr[].
 */
import type { Order } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Granule } from "../../emulator/arch/granule.js";
import { EINVAL, ERANGE } from "../errno.js";

/** Words in the order in which the file prints them. */
export const THP_ENABLED = ["always", "madvise", "never"] as const;
export const THP_SIZE_ENABLED = ["always", "inherit", "madvise", "never"] as const;
export const THP_DEFRAG = ["always", "defer", "defer+madvise", "madvise", "never"] as const;
export const SHMEM_ENABLED = ["always", "within_size", "advise", "never", "deny", "force"] as const;
export const SHMEM_SIZE_ENABLED = ["always", "inherit", "within_size", "advise", "never"] as const;
export type ThpEnabled = (typeof THP_ENABLED)[number];
export type ThpSizeEnabled = (typeof THP_SIZE_ENABLED)[number];
export type ThpDefrag = (typeof THP_DEFRAG)[number];
export type ShmemEnabled = (typeof SHMEM_ENABLED)[number];
export type ShmemSizeEnabled = (typeof SHMEM_SIZE_ENABLED)[number];

/** Counters of one size, in enum mthp_stat_item order. */
export const MTHP_STATS = [
  "anon_fault_alloc",
  "anon_fault_fallback",
  "anon_fault_fallback_charge",
  "swpout",
  "swpout_fallback",
  "shmem_alloc",
  "shmem_fallback",
  "shmem_fallback_charge",
  "split",
  "split_failed",
  "split_deferred",
  "nr_anon",
  "nr_anon_partially_mapped",
] as const;
export type MthpStat = (typeof MTHP_STATS)[number];
const STAT_INDEX = Object.fromEntries(MTHP_STATS.map((name, index) => [name, index])) as Record<MthpStat, number>;
const ANON_STATS: readonly MthpStat[] = ["anon_fault_alloc", "anon_fault_fallback", "anon_fault_fallback_charge", "split_deferred", "nr_anon", "nr_anon_partially_mapped"];
const FILE_STATS: readonly MthpStat[] = ["shmem_alloc", "shmem_fallback", "shmem_fallback_charge"];
const ANY_STATS: readonly MthpStat[] = ["swpout", "swpout_fallback", "split", "split_failed"];

/** Largest folio of the page cache: MAX_XAS_ORDER, two nodes of the xarray less one bit. */
const MAX_XAS_ORDER = 11;

/** Numbers of khugepaged/; the sleep times are milliseconds. */
export interface KhugepagedKnobs {
  defrag: boolean;
  maxPtesNone: number;
  maxPtesSwap: number;
  maxPtesShared: number;
  pagesToScan: number;
  pagesCollapsed: number;
  fullScans: number;
  scanSleepMillisecs: number;
  allocSleepMillisecs: number;
}

/** One file: its text without the newline, and what a write of `value` (one trailing newline removed) does: 0 or -errno. */
interface Knob {
  readonly show: () => string;
  readonly store?: (value: string) => number;
}

export class TransparentHugepage {
  readonly granule: Granule;
  /** Orders that anonymous folios may have: 2 up to the PMD's. Linux: THP_ORDERS_ALL_ANON. */
  readonly anonOrders: readonly Order[];
  /** Orders that page-cache folios may have. Linux: THP_ORDERS_ALL_FILE_DEFAULT. */
  readonly fileOrders: readonly Order[];
  /** All orders that have a hugepages-<size>kB directory, ascending. */
  readonly orders: readonly Order[];
  readonly pmdOrder: Order;
  /** Top-level policy: what sizes set to "inherit" use. */
  enabled: ThpEnabled = "always";
  defrag: ThpDefrag = "madvise";
  useZeroPage = true;
  shrinkUnderused = true;
  /** Policy of the internal shmem mount: shared anonymous memory and memfd. */
  shmemEnabled: ShmemEnabled = "never";
  readonly khugepaged: KhugepagedKnobs;
  /** Sets of anonymous orders (bit n: order n) by their setting; written by setSizeEnabled(). Linux: huge_anon_orders_always and relatives. */
  ordersAlways = 0;
  ordersMadvise = 0;
  ordersInherit: number;

  private readonly shmemSizes: ShmemSizeEnabled[];
  /** stats[order * MTHP_STATS.length + index]. */
  private readonly stats: Float64Array;
  private readonly knobs: ReadonlyMap<string, Knob>;

  constructor(granule: Granule) {
    this.granule = granule;
    this.pmdOrder = granule.pmdOrder as Order;
    const range = (from: number, to: number): Order[] => Array.from({ length: to - from + 1 }, (_, i) => (from + i) as Order);
    this.anonOrders = range(2, granule.pmdOrder);
    this.fileOrders = range(1, Math.min(MAX_XAS_ORDER, granule.pmdOrder));
    this.orders = range(1, granule.pmdOrder);
    this.ordersInherit = 1 << granule.pmdOrder;
    this.shmemSizes = Array.from({ length: granule.pmdOrder + 1 }, (_, order) => (order === granule.pmdOrder ? "inherit" : "never"));
    this.stats = new Float64Array((granule.pmdOrder + 1) * MTHP_STATS.length);
    const pmdPages = 2 ** granule.pmdOrder;
    this.khugepaged = {
      defrag: true,
      maxPtesNone: pmdPages - 1,
      maxPtesSwap: pmdPages / 8,
      maxPtesShared: pmdPages / 2,
      pagesToScan: pmdPages * 8,
      pagesCollapsed: 0,
      fullScans: 0,
      scanSleepMillisecs: 10000,
      allocSleepMillisecs: 60000,
    };
    this.knobs = this.makeKnobs();
  }

  /** hugepages-<kB>kB/enabled of an anonymous order. */
  sizeEnabled(order: Order): ThpSizeEnabled {
    const bit = 1 << order;
    if ((this.ordersAlways & bit) !== 0) return "always";
    if ((this.ordersInherit & bit) !== 0) return "inherit";
    return (this.ordersMadvise & bit) !== 0 ? "madvise" : "never";
  }

  setSizeEnabled(order: Order, value: ThpSizeEnabled): void {
    if (!this.anonOrders.includes(order)) throw new ModelBug(`setSizeEnabled: no anonymous order ${order} with ${this.granule.name} pages`);
    const bit = 1 << order;
    this.ordersAlways = value === "always" ? this.ordersAlways | bit : this.ordersAlways & ~bit;
    this.ordersMadvise = value === "madvise" ? this.ordersMadvise | bit : this.ordersMadvise & ~bit;
    this.ordersInherit = value === "inherit" ? this.ordersInherit | bit : this.ordersInherit & ~bit;
  }

  /** hugepages-<kB>kB/shmem_enabled. */
  shmemSizeEnabled(order: Order): ShmemSizeEnabled {
    return this.shmemSizes[order]!;
  }

  setShmemSizeEnabled(order: Order, value: ShmemSizeEnabled): void {
    if (!this.fileOrders.includes(order)) throw new ModelBug(`setShmemSizeEnabled: no page-cache order ${order} with ${this.granule.name} pages`);
    this.shmemSizes[order] = value;
  }

  /** Set of shmem orders (bit n: order n) with this setting. With 64K pages the PMD order is in it although no page-cache folio may have it. */
  shmemOrdersWith(value: ShmemSizeEnabled): number {
    return this.orders.reduce((set, order) => (this.shmemSizes[order] === value ? set | (1 << order) : set), 0);
  }

  /** count_mthp_stat(), mod_mthp_stat(): orders without a directory (0, beyond PMD) are not counted. */
  statInc(order: Order, name: MthpStat, delta = 1): void {
    if (order <= 0 || order > this.pmdOrder) return;
    this.stats[order * MTHP_STATS.length + STAT_INDEX[name]]! += delta;
  }

  stat(order: Order, name: MthpStat): number {
    return this.stats[order * MTHP_STATS.length + STAT_INDEX[name]]!;
  }

  /** Name of the directory of a size. */
  directoryOf(order: Order): string {
    return `hugepages-${(this.granule.pageSize * 2 ** order) / 1024}kB`;
  }

  /** Paths of all files below transparent_hugepage/, with their permission bits. */
  files(): { readonly path: string; readonly mode: number }[] {
    return [...this.knobs].map(([path, { store }]) => ({ path, mode: store === undefined ? 0o444 : 0o644 }));
  }

  /** Content of a file, newline included; undefined if there is no such file. */
  get(path: string): string | undefined {
    const knob = this.knobs.get(path);
    return knob === undefined ? undefined : `${knob.show()}\n`;
  }

  /** write() to a file: the number of bytes taken or -errno. Pre: the file exists and may be written. */
  set(path: string, text: string): number {
    const store = this.knobs.get(path)?.store;
    if (store === undefined) throw new ModelBug(`TransparentHugepage.set: ${path} cannot be written`);
    const result = store(text.endsWith("\n") ? text.slice(0, -1) : text);
    return result < 0 ? result : text.length;
  }

  private makeKnobs(): Map<string, Knob> {
    const knobs = new Map<string, Knob>();
    const k = this.khugepaged;
    const pmdPages = 2 ** this.granule.pmdOrder;
    knobs.set("enabled", wordKnob(THP_ENABLED, () => this.enabled, (value) => void (this.enabled = value)));
    knobs.set("defrag", wordKnob(THP_DEFRAG, () => this.defrag, (value) => void (this.defrag = value)));
    knobs.set("use_zero_page", flagKnob(() => this.useZeroPage, (value) => void (this.useZeroPage = value)));
    knobs.set("hpage_pmd_size", { show: () => String(this.granule.pmdSize) });
    knobs.set("shmem_enabled", wordKnob(SHMEM_ENABLED, () => this.shmemEnabled, (value) => this.storeShmemEnabled(value)));
    knobs.set("shrink_underused", boolKnob(() => this.shrinkUnderused, (value) => void (this.shrinkUnderused = value)));
    knobs.set("khugepaged/defrag", flagKnob(() => k.defrag, (value) => void (k.defrag = value)));
    knobs.set("khugepaged/max_ptes_none", numberKnob(() => k.maxPtesNone, (value) => void (k.maxPtesNone = value), 0, pmdPages - 1));
    knobs.set("khugepaged/max_ptes_swap", numberKnob(() => k.maxPtesSwap, (value) => void (k.maxPtesSwap = value), 0, pmdPages - 1));
    knobs.set("khugepaged/max_ptes_shared", numberKnob(() => k.maxPtesShared, (value) => void (k.maxPtesShared = value), 0, pmdPages - 1));
    knobs.set("khugepaged/pages_to_scan", numberKnob(() => k.pagesToScan, (value) => void (k.pagesToScan = value), 1, UINT_MAX));
    knobs.set("khugepaged/pages_collapsed", { show: () => String(k.pagesCollapsed) });
    knobs.set("khugepaged/full_scans", { show: () => String(k.fullScans) });
    knobs.set("khugepaged/scan_sleep_millisecs", numberKnob(() => k.scanSleepMillisecs, (value) => void (k.scanSleepMillisecs = value), 0, UINT_MAX));
    knobs.set("khugepaged/alloc_sleep_millisecs", numberKnob(() => k.allocSleepMillisecs, (value) => void (k.allocSleepMillisecs = value), 0, UINT_MAX));
    for (const order of this.orders) {
      const directory = this.directoryOf(order);
      const anon = this.anonOrders.includes(order);
      const file = this.fileOrders.includes(order);
      if (anon) {
        knobs.set(`${directory}/enabled`, wordKnob(THP_SIZE_ENABLED, () => this.sizeEnabled(order), (value) => void this.setSizeEnabled(order, value)));
      }
      if (file) {
        knobs.set(`${directory}/shmem_enabled`, wordKnob(SHMEM_SIZE_ENABLED, () => this.shmemSizes[order]!, (value) => this.storeShmemSize(order, value)));
      }
      for (const name of [...ANY_STATS, ...(anon ? ANON_STATS : []), ...(file ? FILE_STATS : [])]) {
        knobs.set(`${directory}/stats/${name}`, { show: () => String(this.stat(order, name)) });
      }
    }
    return knobs;
  }

  /** "force" and smaller sizes that inherit it exclude each other. */
  private storeShmemEnabled(value: ShmemEnabled): number {
    if (value === "force" && this.shmemOrdersWith("inherit") !== 1 << this.pmdOrder) return -EINVAL;
    this.shmemEnabled = value;
    return 0;
  }

  private storeShmemSize(order: Order, value: ShmemSizeEnabled): number {
    if (value === "inherit" && this.shmemEnabled === "force" && order !== this.pmdOrder) return -EINVAL;
    this.shmemSizes[order] = value;
    return 0;
  }
}

const UINT_MAX = 2 ** 32 - 1;

/** A choice of words, the active one in brackets. */
function wordKnob<Word extends string>(words: readonly Word[], read: () => Word, write: (value: Word) => number | undefined): Knob {
  return {
    show: () => words.map((word) => (word === read() ? `[${word}]` : word)).join(" "),
    store: (text) => {
      const value = words.find((word) => word === text);
      return value === undefined ? -EINVAL : (write(value) ?? 0);
    },
  };
}

/** A number in decimal, `least` to `most`. Linux: kstrtouint() with every error turned into EINVAL. */
function numberKnob(read: () => number, write: (value: number) => void, least: number, most: number): Knob {
  return {
    show: () => String(read()),
    store: (text) => {
      if (!/^\+?\d+$/.test(text) || Number(text) < least || Number(text) > most) return -EINVAL;
      write(Number(text));
      return 0;
    },
  };
}

/** 0 or 1. Linux: single_hugepage_flag_store(), kstrtoul(). */
function flagKnob(read: () => boolean, write: (value: boolean) => void): Knob {
  return {
    show: () => (read() ? "1" : "0"),
    store: (text) => {
      if (!/^\+?\d+$/.test(text)) return -EINVAL;
      if (BigInt(text.replace("+", "")) >= 2n ** 64n) return -ERANGE;
      if (Number(text) > 1) return -EINVAL;
      write(Number(text) === 1);
      return 0;
    },
  };
}

/** y, n, on, off, 1, 0, t, f: only the first letters count. Linux: kstrtobool(). */
function boolKnob(read: () => boolean, write: (value: boolean) => void): Knob {
  return {
    show: () => (read() ? "1" : "0"),
    store: (text) => {
      const yes = /^(?:[yYtT1]|[oO][nN])/.test(text);
      if (!yes && !/^(?:[nNfF0]|[oO][fF])/.test(text)) return -EINVAL;
      write(yes);
      return 0;
    },
  };
}
