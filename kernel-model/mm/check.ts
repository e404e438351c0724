/**
 * Invariants of page tables and of everything that is counted beside them. Callable after any step; throws ModelBug.
 *
 * The numbers in messages: 1 uniform PTE_CONT, 2 complete blocks, 3 contiguous and aligned frames, 4 uniform protections, 7 one
 * folio per block, 9 gathered flags agree, 10 copy-on-write safety, 11 never PTE_CONT, 12 sane encoding, 13 accounting.
 *
 * Linux: the rules behind arch/arm64/mm/contpte.c, mm/page_table_check.c, mm/memory.c check_mm(), DEBUG_VM in mm/rmap.c.
 * Arm: DDI 0487 D8.7.1 (duties of software for contiguous runs).
 */
import type { Order, Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Level } from "../../emulator/arch/granule.js";
import {
  pmdTable,
  pteCont,
  pteIsSwap,
  pteMkclean,
  pteMkold,
  ptePgprot,
  ptePresent,
  pteProtnone,
  pteSpecial,
  pteSwpExclusive,
  pteToPhys,
  pteUserExec,
  pteValid,
  pteValidCont,
  pteWrite,
  swpOffset,
} from "../arch/arm64/pte.js";
import { PTE_NG, PTE_PXN, PTE_RDONLY, PTE_VALID, PTE_WRITE } from "../arch/arm64/pgtable-prot.js";
import { lruOf, lruStat, NR_LRU_LISTS } from "./lruvec.js";
import type { MemorySystem } from "./memory-system.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS, type MmStruct, NR_MM_COUNTERS } from "./mm-struct.js";
import { NO_PFN, PG_ANON, PG_ANON_EXCLUSIVE, PG_BUDDY, PG_HEAD, PG_LRU, PG_RESERVED, PG_SWAPBACKED, PG_SWAPCACHE, PG_TABLE, PG_TAIL } from "./page.js";
import type { SwapInfo } from "./swapfile.js";
import { VM_EXEC, VM_SHARED, VM_WRITE } from "./vma.js";

/** Bits of a swap entry of area 0: the mark of an exclusive page, and the slot. */
const SWAP_ENTRY_BITS = (1n << 2n) | (((1n << 50n) - 1n) << 12n);

/** A maximal run of entries of one level with equal attributes whose frames (or swap slots) follow each other. */
export interface PageTableRange {
  readonly start: Va;
  /** Exclusive. */
  readonly end: Va;
  /** 3: pages, 2: blocks. */
  readonly level: Level;
  /** All bits but the address; of a swap entry, type and flags. */
  readonly attributes: bigint;
  /** Present: address of the first frame. Swap: the first slot. */
  readonly target: number;
}

/** Called with each entry of level 3 or leaf of level 2 that is not empty. `entry`: its physical address. */
type LeafVisitor = (level: Level, addr: number, entry: Pa, value: bigint) => void;

/** The tables of the mm below the start level, and every non-empty leaf entry in address order. */
function walkLeaves(mm: MmStruct, leaf: LeafVisitor, table: (level: Level, at: Pa) => void): void {
  const { granule, pgtable } = mm.sys;
  const visit = (level: Level, at: Pa, base: number): void => {
    const { entries, size } = granule.levels[level]!;
    for (let index = 0; index < entries; index++) {
      const entry = (at + index * 8) as Pa;
      if (pgtable.rawIsNone(entry)) continue;
      const value = pgtable.rawGet(entry);
      const addr = base + index * size;
      if (level === 3 || (level === 2 && !pmdTable(value))) {
        leaf(level, addr, entry, value);
        continue;
      }
      if (!pmdTable(value)) fail(12, mm, addr, `level-${level} entry ${hex(value)} is not a table`);
      const next = pteToPhys(value);
      table((level + 1) as Level, next);
      visit((level + 1) as Level, next, addr);
    }
  };
  visit(granule.startLevel, mm.pgd, 0);
}

/** The page table as ranges, for comparison and for dumps in the manner of ptdump. */
export function flattenPageTable(mm: MmStruct): PageTableRange[] {
  const { granule } = mm.sys;
  const ranges: PageTableRange[] = [];
  walkLeaves(
    mm,
    (level, addr, _entry, value) => {
      const { size } = granule.levels[level]!;
      const swap = !ptePresent(value);
      const target = swap ? swpOffset(value) : pteToPhys(value);
      const attributes = swap ? value & 0xfffn : ptePgprot(value);
      const last = ranges.at(-1);
      const length = last === undefined ? 0 : last.end - last.start;
      if (last?.end === addr && last.level === level && last.attributes === attributes && last.target + (swap ? length / size : length) === target) {
        ranges[ranges.length - 1] = { ...last, end: (addr + size) as Va };
      } else {
        ranges.push({ start: addr as Va, end: (addr + size) as Va, level, attributes, target });
      }
    },
    () => undefined,
  );
  return ranges;
}

/** What the entries of one or more mms add up to. */
interface Tally {
  /** Level-3 entries per frame, and level-2 entries per folio head; undefined: not wanted. */
  readonly pteMaps: Int32Array | undefined;
  readonly pmdMaps: Int32Array | undefined;
  /** Page-table pages below the start level. */
  tables: number;
  /** Entries per slot of the swap area; undefined: not wanted. */
  readonly swapEntries: Int32Array | undefined;
}

/** Check one address space: structure of tables, blocks and entries, RSS and pgtables_bytes. */
export function checkMm(mm: MmStruct): void {
  tallyMm(mm, { pteMaps: undefined, pmdMaps: undefined, tables: 0, swapEntries: undefined });
}

/**
 * Check the whole system. `mms`: every live address space. Beyond checkMm: map counts, references, exclusivity, anonymous
 * folios per size, mapped pages, page-table pages, and the free lists against the frames.
 */
export function checkSystem(sys: MemorySystem, mms: readonly MmStruct[]): void {
  const { pages, vmstat } = sys;
  const tally: Tally = { pteMaps: new Int32Array(pages.nr), pmdMaps: new Int32Array(pages.nr), tables: 0, swapEntries: new Int32Array(sys.swap?.max ?? 0) };
  for (const mm of mms) tallyMm(mm, tally);
  expectEqual(vmstat.get("nr_page_table_pages"), tally.tables, "nr_page_table_pages");
  checkFreeLists(sys);
  checkFolios(sys, tally);
  checkLru(sys);
  if (sys.swap !== undefined) checkSwap(sys, sys.swap, tally.swapEntries!);
}

function tallyMm(mm: MmStruct, tally: Tally): void {
  const { sys } = mm;
  const { pages, granule, hugeMemory } = sys;
  const rss = new Int32Array(NR_MM_COUNTERS);
  const seen = new Set<number>();
  let tables = 0;
  const table = (level: Level, at: Pa): void => {
    const frame = (at / granule.pageSize) as Pfn;
    if (seen.has(frame)) fail(13, mm, at, `frame ${frame} is a table twice`);
    seen.add(frame);
    if (frame >= pages.nr || !pages.test(frame, PG_TABLE)) fail(13, mm, at, `level-${level} table in frame ${frame}, which holds no table`);
    tables++;
    if (level === 2) tables += hugeMemory.deposited.get(frame)?.length ?? 0;
  };
  table(granule.startLevel, mm.pgd);
  tables = granule.startLevel === 2 ? tables - 1 : 0;
  let groupEnd = 0;
  walkLeaves(
    mm,
    (level, addr, entry, value) => {
      checkEntry(mm, level, addr, value, rss, tally);
      if (level !== 3 || entry < groupEnd) return;
      groupEnd = checkGroup(mm, addr, entry);
    },
    table,
  );
  tally.tables += tables;
  if (mm.pgtablesBytes !== tables * granule.pageSize) fail(13, mm, 0, `pgtables_bytes ${mm.pgtablesBytes}, tables hold ${tables * granule.pageSize}`);
  for (let kind = 0; kind < NR_MM_COUNTERS; kind++) {
    if (mm.rss[kind] !== rss[kind]) fail(13, mm, 0, `rss counter ${kind} is ${mm.rss[kind]}, entries say ${rss[kind]}`);
  }
}

/** One present or swap entry: encoding, its area, its frame; adds it to the sums. */
function checkEntry(mm: MmStruct, level: Level, addr: number, value: bigint, rss: Int32Array, tally: Tally): void {
  const { sys } = mm;
  const { pages, granule, zeroPfn, hugeMemory } = sys;
  if (pteIsSwap(value)) {
    checkSwapEntry(mm, addr, value, tally);
    rss[MM_SWAPENTS]!++;
    return;
  }
  checkEncoding(mm, level, addr, value);
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined) return fail(12, mm, addr, `entry ${hex(value)} outside every area`);
  if (pteWrite(value) && (vma.flags & VM_WRITE) === 0) fail(10, mm, addr, `entry ${hex(value)} writable in an area that is not`);
  if (pteValid(value) && pteUserExec(value) && (vma.flags & VM_EXEC) === 0) fail(12, mm, addr, `entry ${hex(value)} executable in an area that is not`);
  const page = (pteToPhys(value) / granule.pageSize) as Pfn;
  if (pteSpecial(value)) {
    if (pteCont(value)) fail(11, mm, addr, `special entry ${hex(value)} is contiguous`);
    return;
  }
  if (page === zeroPfn) fail(12, mm, addr, "the zero page is mapped without PTE_SPECIAL");
  if (level === 2 && page === hugeMemory.hugeZeroPfn) return;
  if (page >= pages.nr) return fail(12, mm, addr, `frame ${page} does not exist`);
  const folio = pages.head(page);
  const folioFlags = pages.flags[folio]!;
  if ((folioFlags & (PG_BUDDY | PG_TABLE)) !== 0 || pages.refcount[folio]! <= 0) fail(13, mm, addr, `frame ${page} is not a page in use (flags ${hex(folioFlags)})`);
  const nr = level === 2 ? granule.ptrsPerTable : 1;
  if (level === 2 && (page !== folio || pages.folioOrder(folio) < granule.pmdOrder)) fail(7, mm, addr, `block maps frame ${page} of a folio of order ${pages.folioOrder(folio)}`);
  const anon = (folioFlags & PG_ANON) !== 0;
  if (anon && (vma.flags & VM_SHARED) !== 0) fail(10, mm, addr, `anonymous page ${page} in a shared area`);
  if (anon && pteWrite(value) && !pages.test(page, PG_ANON_EXCLUSIVE)) fail(10, mm, addr, `page ${page} writable but not exclusive`);
  if (!anon && pteWrite(value) && (vma.flags & VM_SHARED) === 0) fail(10, mm, addr, `page ${page} of a file writable in a private area`);
  rss[anon ? MM_ANONPAGES : (folioFlags & PG_SWAPBACKED) !== 0 ? MM_SHMEMPAGES : MM_FILEPAGES]! += nr;
  if (level === 3 && tally.pteMaps !== undefined) tally.pteMaps[page]!++;
  if (level === 2 && tally.pmdMaps !== undefined) tally.pmdMaps[folio]!++;
}

/** A swap entry: no bit but the slot's and the exclusive mark's, and a slot that is in use. */
function checkSwapEntry(mm: MmStruct, addr: number, value: bigint, tally: Tally): void {
  const { swap } = mm.sys;
  const slot = swpOffset(value);
  if ((value & ~SWAP_ENTRY_BITS) !== 0n) fail(12, mm, addr, `swap entry ${hex(value)} has more than a slot and its mark`);
  if (swap === undefined || slot === 0 || slot >= swap.max) return fail(12, mm, addr, `swap entry ${hex(value)}: there is no slot ${slot}`);
  if (swap.count(slot) === 0) fail(13, mm, addr, `slot ${slot} is not in use`);
  if (pteSwpExclusive(value) && swap.count(slot) > 1) fail(10, mm, addr, `slot ${slot} is exclusive and used ${swap.count(slot)} times`);
  const vma = mm.vmas.lookup(addr);
  if (vma === undefined || (vma.flags & VM_SHARED) !== 0) fail(12, mm, addr, `swap entry ${hex(value)} outside private areas`);
  if (tally.swapEntries !== undefined) tally.swapEntries[slot]!++;
}

/** Every folio that is said to be on a list is on that of its flags and its cgroup, and the sizes add up. */
function checkLru(sys: MemorySystem): void {
  const { pages, lru, memcgs, vmstat, buddy } = sys;
  let listed = 0;
  for (let list = 0; list < NR_LRU_LISTS; list++) {
    let total = 0;
    for (let memcg = 0; memcg < memcgs.names.length; memcg++) {
      let size = 0;
      for (const folio of lru.folios(memcg, list)) {
        if (!pages.test(folio, PG_LRU) || lruOf(pages.flags[folio]!) !== list || pages.memcg[folio] !== memcg) throw new ModelBug(`checkSystem: folio ${folio} is on list ${list} of cgroup ${memcg} with flags ${hex(pages.flags[folio]!)}`);
        size += pages.folioNrPages(folio);
        listed++;
      }
      expectEqual(lru.size(memcg, list), size, `pages on list ${list} of cgroup ${memcg}`);
      total += size;
    }
    expectEqual(vmstat.get(lruStat(list)), total, lruStat(list));
  }
  let flagged = 0;
  for (let page = 0; page < pages.nr; page++) if (buddy.allocationOrder(page as Pfn) >= 0 && pages.test(page as Pfn, PG_LRU)) flagged++;
  expectEqual(flagged, listed, "folios on LRU lists");
}

/** Counts of slots against entries, the swap cache against folios, and the area's own sums. */
function checkSwap(sys: MemorySystem, swap: SwapInfo, entries: Int32Array): void {
  const { pages, vmstat } = sys;
  swap.check();
  const waiting = new Set(swap.slotsWaiting);
  let cached = 0;
  for (let slot = 1; slot < swap.max; slot++) {
    expectEqual(swap.count(slot), entries[slot]!, `entries of slot ${slot}`);
    const folio = swap.cache[slot]! as Pfn;
    if (swap.hasCache(slot) !== (folio !== NO_PFN || waiting.has(slot))) throw new ModelBug(`checkSystem: slot ${slot} and the swap cache disagree`);
    if (folio === NO_PFN) continue;
    cached++;
    const index = slot - pages.swap[folio]!;
    if (!pages.test(folio, PG_SWAPCACHE) || index < 0 || index >= pages.folioNrPages(folio)) throw new ModelBug(`checkSystem: slot ${slot} has folio ${folio}, which has not it`);
    if (swap.count(slot) > 0 && pages.test((folio + index) as Pfn, PG_ANON_EXCLUSIVE)) throw new ModelBug(`checkSystem: invariant 10: page ${folio + index} is exclusive, and entries use its slot ${slot}`);
  }
  expectEqual(vmstat.get("nr_swapcached"), cached, "nr_swapcached");
}

/** Bits that no user entry may lack or have. */
function checkEncoding(mm: MmStruct, level: Level, addr: number, value: bigint): void {
  if ((value & (PTE_NG | PTE_PXN)) !== (PTE_NG | PTE_PXN)) fail(12, mm, addr, `entry ${hex(value)} lacks nG or PXN`);
  if ((value & PTE_WRITE) === 0n && (value & PTE_RDONLY) === 0n) fail(12, mm, addr, `entry ${hex(value)} is neither WRITE nor RDONLY`);
  if (level === 3 && (value & PTE_VALID) === 0n && !pteProtnone(value)) fail(12, mm, addr, `invalid entry ${hex(value)} is present but not PROT_NONE`);
  if (level === 3 && (value & 2n) === 0n) fail(12, mm, addr, `entry ${hex(value)} lacks the page type`);
  if (level === 2 && pteCont(value)) fail(11, mm, addr, `block ${hex(value)} is contiguous`);
  if (pteCont(value) && !mm.sys.pgtable.contpte) fail(11, mm, addr, `entry ${hex(value)} is contiguous with contpte off`);
}

/** The aligned group of entries that contains `entry`. Returns the address where the group ends. */
function checkGroup(mm: MmStruct, addr: number, entry: Pa): number {
  const { pgtable, pages, granule } = mm.sys;
  const n = granule.contPtes;
  const first = entry - (entry % (n * 8));
  const base = addr - ((entry - first) / 8) * granule.pageSize;
  const end = first + n * 8;
  const values = Array.from({ length: n }, (_, i) => pgtable.rawGet((first + i * 8) as Pa));
  if (!values.some(pteValidCont)) return end;
  values.forEach((value, i) => {
    const at = base + i * granule.pageSize;
    if (pteValid(value) && !pteCont(value)) fail(1, mm, at, `entry ${i} ${hex(value)} is not contiguous, its neighbours are`);
    if (!pteValid(value)) fail(2, mm, at, `entry ${i} ${hex(value)} of a contiguous block is invalid`);
  });
  const phys = pteToPhys(values[0]!);
  if (phys % granule.contPteSize !== 0) fail(3, mm, base, `block begins at ${hex(BigInt(phys))}`);
  const expected = ptePgprot(pteMkold(pteMkclean(values[0]!)));
  const folio = pages.head((phys / granule.pageSize) as Pfn);
  if (folio + pages.folioNrPages(folio) < phys / granule.pageSize + n) fail(7, mm, base, `block reaches beyond folio ${folio} of order ${pages.folioOrder(folio)}`);
  values.forEach((value, i) => {
    const at = base + i * granule.pageSize;
    if (pteToPhys(value) !== phys + i * granule.pageSize) fail(3, mm, at, `entry ${i} ${hex(value)} does not follow ${hex(values[0]!)}`);
    if (ptePgprot(pteMkold(pteMkclean(value))) !== expected) fail(4, mm, at, `entry ${i} ${hex(value)} differs from ${hex(values[0]!)}`);
  });
  const { counters } = pgtable;
  const loads = counters.ptepGetLoads;
  const low = pgtable.ptepGet(first as Pa);
  const high = pgtable.ptepGet((end - 8) as Pa);
  counters.ptepGetLoads = loads;
  if (ptePgprot(low) !== ptePgprot(high)) fail(9, mm, base, `gathered ${hex(low)} at one end, ${hex(high)} at the other`);
  return end;
}

/** Free blocks are aligned, disjoint, merged as far as they go, and add up to what the allocator says. */
function checkFreeLists(sys: MemorySystem): void {
  const { pages, buddy } = sys;
  const free = new Uint8Array(pages.nr);
  let nrFree = 0;
  for (let order = 0; order <= buddy.maxOrder; order++) {
    const nr = 1 << order;
    let blocks = 0;
    for (const block of buddy.freeBlocks(order as Order)) {
      blocks++;
      if (block % nr !== 0 || !pages.test(block, PG_BUDDY) || pages.order[block] !== order) throw new ModelBug(`checkSystem: free block ${block} of order ${order} is misshapen`);
      for (let page: number = block; page < block + nr; page++) {
        if (free[page] !== 0) throw new ModelBug(`checkSystem: frame ${page} is free twice`);
        if (pages.refcount[page] !== 0 || pages.mapcount[page] !== 0 || buddy.allocationOrder(page as Pfn) >= 0) {
          throw new ModelBug(`checkSystem: free frame ${page} has ${pages.refcount[page]} references, ${pages.mapcount[page]} mappings`);
        }
        free[page] = 1;
      }
      const twin = block % (2 * nr) === 0 ? block + nr : block - nr;
      if (order < buddy.maxOrder && twin < pages.nr && pages.test(twin as Pfn, PG_BUDDY) && pages.order[twin] === order) {
        throw new ModelBug(`checkSystem: free blocks ${block} and ${twin} of order ${order} are not merged`);
      }
    }
    expectEqual(buddy.freeCount(order as Order), blocks, `free blocks of order ${order}`);
    nrFree += blocks * nr;
  }
  expectEqual(buddy.nrFree, nrFree, "free pages");
  let allocated = 0;
  for (let page = 0; page < pages.nr; page++) {
    const order = buddy.allocationOrder(page as Pfn);
    if (order >= 0) allocated += 1 << order;
  }
  expectEqual(buddy.nrManaged - nrFree, allocated, "allocated pages");
}

/** Map counts, references and sums of every folio in use. */
function checkFolios(sys: MemorySystem, { pteMaps, pmdMaps }: Tally): void {
  const { pages, buddy, thp, vmstat } = sys;
  const nrAnon = new Map<number, number>();
  let anonMapped = 0;
  let fileMapped = 0;
  for (let frame = 0; frame < pages.nr; frame++) {
    const folio = frame as Pfn;
    const order = buddy.allocationOrder(folio);
    if (order < 0 || pages.test(folio, PG_TABLE | PG_RESERVED)) continue;
    const nr = 1 << order;
    const large = pages.test(folio, PG_HEAD);
    if (pages.folioOrder(folio) !== order || large !== order > 0) throw new ModelBug(`checkSystem: folio ${folio} has order ${pages.folioOrder(folio)}, its allocation ${order}`);
    let pteTotal = 0;
    let mappedPages = 0;
    for (let page: number = folio; page < folio + nr; page++) {
      expectEqual(pages.mapcount[page]!, pteMaps![page]!, `map count of page ${page}`);
      pteTotal += pteMaps![page]!;
      if (pteMaps![page]! > 0) mappedPages++;
      if (page !== folio && (!pages.test(page as Pfn, PG_TAIL) || pages.head(page as Pfn) !== folio)) throw new ModelBug(`checkSystem: page ${page} is not a tail of folio ${folio}`);
      const exclusive = pages.test(page as Pfn, PG_ANON_EXCLUSIVE);
      const maps = pteMaps![page]! + pmdMaps![folio]!;
      if (exclusive && maps > 1) throw new ModelBug(`checkSystem: invariant 10: page ${page} is exclusive and mapped ${maps} times`);
    }
    const total = pteTotal + pmdMaps![folio]!;
    if (large) {
      expectEqual(pages.entireMapcount[folio]!, pmdMaps![folio]!, `entire map count of folio ${folio}`);
      expectEqual(pages.largeMapcount[folio]!, total, `map count of folio ${folio}`);
      expectEqual(pages.nrPagesMapped[folio]!, mappedPages, `mapped pages of folio ${folio}`);
    }
    if (pages.refcount[folio]! < total + (pages.test(folio, PG_SWAPCACHE) ? nr : 0)) throw new ModelBug(`checkSystem: invariant 13: folio ${folio} has ${pages.refcount[folio]} references, ${total} mappings`);
    const mapped = pmdMaps![folio]! > 0 ? nr : mappedPages;
    if (pages.test(folio, PG_ANON)) {
      anonMapped += mapped;
      if (large) nrAnon.set(order, (nrAnon.get(order) ?? 0) + 1);
    } else {
      fileMapped += mapped;
    }
  }
  for (const order of thp.orders) expectEqual(thp.stat(order, "nr_anon"), nrAnon.get(order) ?? 0, `nr_anon of order ${order}`);
  expectEqual(vmstat.get("nr_anon_pages"), anonMapped, "nr_anon_pages");
  expectEqual(vmstat.get("nr_mapped"), fileMapped, "nr_mapped");
}

function expectEqual(counted: number, found: number, what: string): void {
  if (counted !== found) throw new ModelBug(`checkSystem: invariant 13: ${what} is counted as ${counted}, found ${found}`);
}

function fail(invariant: number, mm: MmStruct, addr: number, what: string): never {
  throw new ModelBug(`check: invariant ${invariant}: mm ${mm.id} at 0x${addr.toString(16)}: ${what}`);
}

function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`;
}
