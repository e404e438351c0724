/**
 * The stage-1 table walk at EL0: one loop for all granules and levels over descriptors in guest memory.
 *
 * The functional road (the kernel side filling the engine's translation cache) and the studied road (a TLB miss of the model)
 * are the same loop; they differ in whether the hardware's own descriptor updates are made.
 *
 * Arm: DDI 0487 D8.2 (translation process), D8.3 (descriptors), D8.4 (permissions), D8.5 (AF and dirty state), D8.7.1 (contiguous
 * bit), D8.15 (fault priority: translation, address size, access flag, permission).
 */
import type { Asid, Pa, Va } from "../arch/addr.js";
import { frameOfWords } from "../arch/descriptor.js";
import * as descriptor from "../arch/descriptor.js";
import type { FaultKind } from "../arch/esr.js";
import type { Granule, Level } from "../arch/granule.js";
import * as engine from "../engine/engine.js";
import type { Access } from "../engine/engine.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";

// Constants of this module: V8 folds them into the code, while it loads and checks an imported one at every use.
const { HI_APTABLE0, HI_APTABLE1, HI_CONTIGUOUS, HI_DBM, HI_UXN, HI_UXNTABLE, LO_AF, LO_AP1, LO_AP2, LO_NG, LO_TABLE, LO_VALID } = descriptor;
const { ACCESS_FETCH, ACCESS_WRITE, PERM_EXEC, PERM_READ, PERM_WRITE } = engine;

/** Everything outside the tables that a TTBR0 translation depends on. A change of any field is a new record. */
export interface TranslationRegime {
  readonly granule: Granule;
  /** TTBR0_EL1: the table of the granule's start level. */
  readonly ttbr0: Pa;
  readonly asid: Asid;
  /** TCR_EL1.HA: hardware sets the access flag. */
  readonly ha: boolean;
  /** TCR_EL1.HD: hardware clears AP[2] where DBM is set. Only with `ha`. */
  readonly hd: boolean;
  /** TCR_EL1.IPS in bits: a larger output address is an address size fault. */
  readonly oaBits: number;
}

/** How far one descriptor reaches. */
export type SizeClass = "page" | "contiguous-pages" | "block" | "contiguous-blocks";

/**
 * Outcome of a walk; reused from walk to walk. With `fault` other than "none" only `fault`, `level`, `firstLevel` and
 * `descriptorIndex` mean anything.
 */
export interface WalkResult {
  fault: "none" | FaultKind;
  /** Level of the leaf, or of the descriptor that faulted. */
  level: Level;
  /** Level of the first descriptor fetched: levels firstLevel to level were fetched, once each, unless `fetched` is false. */
  firstLevel: Level;
  /** False if the walk ended before any fetch: an address outside the TTBR0 range. */
  fetched: boolean;
  /** Position of the last descriptor fetched, in 8-byte words from physical address 0. */
  descriptorIndex: number;
  /** The leaf as it stands in memory after the walk: low and high word. */
  lo: number;
  hi: number;
  /** Output address of the byte asked for. */
  pa: number;
  /** Output frame (pa / page size) of the granule page asked for. */
  frame: number;
  /**
   * PERM_* that EL0 has here. Write includes what the hardware would make writable by itself (HD and DBM); all of it is subject to
   * the table attributes APTable and UXNTable.
   */
  perms: number;
  /** A write needs no descriptor update: AP[2] is clear, or this very walk was a write and has cleared it. */
  dirty: boolean;
  /** nG clear: valid in every ASID. */
  global: boolean;
  /** Bit 52 set where runs exist. */
  contiguous: boolean;
  /** log2 of the pages that the leaf alone maps, and that the run or leaf maps: what a TLB may hold as one entry. */
  leafOrder: number;
  unitOrder: number;
  /** Hardware updates due on this walk; made in memory if side effects were asked for. */
  setAf: boolean;
  setDirty: boolean;
  /**
   * Tables that the walk went through: index [n] is the level-n table's address / 8, for n from firstLevel to level. The walk
   * begins at entry [firstLevel], so whoever calls `walkPage` fills that one in (`startAtRoot`, or a walk cache).
   */
  readonly tableIndex: Int32Array;
  /** What the table descriptors above the level-n table forbid: HI_UXNTABLE, HI_APTABLE0, HI_APTABLE1 bits. */
  readonly tableForbids: Int32Array;
}

export interface WalkOptions {
  /**
   * True: make the hardware updates, to the one descriptor walked. False: change nothing, and treat AF = 0 (with HA) and
   * read-only with DBM (with HD) as what they would become.
   */
  readonly sideEffects: boolean;
  /** Where to write the outcome; a new record without it. */
  readonly into?: WalkResult;
}

/** Powers of two up to 2^52: the run-time's own power function is a call. */
const POWERS = Float64Array.from({ length: 53 }, (_, bits) => 2 ** bits);

const FORBIDS = HI_UXNTABLE | HI_APTABLE0 | HI_APTABLE1;

export function newWalkResult(): WalkResult {
  return {
    fault: "translation",
    level: 0,
    firstLevel: 0,
    fetched: false,
    descriptorIndex: 0,
    lo: 0,
    hi: 0,
    pa: 0.5,
    frame: 0,
    perms: 0,
    dirty: false,
    global: false,
    contiguous: false,
    leafOrder: 0,
    unitOrder: 0,
    setAf: false,
    setDirty: false,
    tableIndex: new Int32Array(4),
    tableForbids: new Int32Array(4),
  };
}

/**
 * Translate `at` for `access` at EL0.
 * Pre: `at` is untagged. An address beyond the regime's width is a level-0 translation fault, as the hardware reports it.
 */
export function walk(mem: PhysicalMemory, regime: TranslationRegime, at: Va, access: Access, options: WalkOptions): WalkResult {
  const result = options.into ?? newWalkResult();
  const { granule } = regime;
  if (at >= POWERS[granule.vaBits]!) {
    result.fault = "translation";
    result.level = 0;
    result.firstLevel = 0;
    result.fetched = false;
    return result;
  }
  if (regime.ttbr0 >= mem.bytes) {
    result.fault = "external-abort";
    result.level = granule.startLevel;
    result.firstLevel = granule.startLevel;
    result.fetched = false;
    return result;
  }
  const page = Math.floor(at / granule.pageSize);
  const offset = at - page * granule.pageSize;
  const high = Math.floor(page / 2 ** 32);
  startAtRoot(regime, result);
  walkPage(mem, regime, (page - high * 2 ** 32) | 0, high, access, options.sideEffects, result);
  if (result.fault === "none") result.pa += offset;
  return result;
}

/** Let the next `walkPage` begin at the start-level table of the regime. */
export function startAtRoot(regime: TranslationRegime, result: WalkResult): void {
  const level = regime.granule.startLevel;
  result.firstLevel = level;
  result.tableIndex[level] = regime.ttbr0 / 8;
  result.tableForbids[level] = 0;
}

/** The page number in two words (below 2^36), shifted right by `order` bits (0 to 35): the low word of the result. */
export function shiftPage(lo: number, hi: number, order: number): number {
  // Level 0 of the 16K granule is 33 bits above the page.
  return order < 32 ? ((hi << 1) << (31 - order)) | (lo >>> order) : hi >>> (order - 32);
}

/**
 * The walk proper, for a page number in words (`pageLo` any 32-bit integer, `pageHi` below 16), beginning at level
 * `result.firstLevel`. Allocates nothing.
 * Pre: the first table lies in RAM.
 */
export function walkPage(mem: PhysicalMemory, regime: TranslationRegime, pageLo: number, pageHi: number, access: Access, sideEffects: boolean, result: WalkResult): void {
  const { granule } = regime;
  const { pageShift, levels } = granule;
  const { u32 } = mem;
  const { tableIndex, tableForbids } = result;
  let level = result.firstLevel;
  let table = tableIndex[level]!;
  let forbids = tableForbids[level]!;
  result.fetched = true;
  for (;;) {
    const geometry = levels[level]!;
    const order = geometry.shift - pageShift;
    const index = table + (shiftPage(pageLo, pageHi, order) & (geometry.entries - 1));
    const lo = u32[index * 2]!;
    const hi = u32[index * 2 + 1]!;
    result.level = level;
    result.descriptorIndex = index;
    if ((lo & LO_VALID) === 0) {
      result.fault = "translation";
      return;
    }
    const typed = (lo & LO_TABLE) !== 0;
    if (!typed || level === 3) {
      if (typed ? level === 3 : geometry.leaf && level < 3) finish(regime, u32, lo, hi, order, forbids, pageLo, access, sideEffects, result);
      else result.fault = "translation";
      return;
    }
    const next = frameOfWords(lo, hi, pageShift) * granule.pageSize;
    if (next >= POWERS[regime.oaBits]!) {
      result.fault = "address-size";
      return;
    }
    level = (level + 1) as Level;
    if (next >= mem.bytes) {
      result.level = level;
      result.fault = "external-abort";
      return;
    }
    table = next / 8;
    forbids |= hi & FORBIDS;
    tableIndex[level] = table;
    tableForbids[level] = forbids;
  }
}

/** Leaf part of the walk: faults in the order of their priority, then the hardware updates, then the outcome. */
function finish(regime: TranslationRegime, u32: Uint32Array, lo: number, hi: number, order: number, forbids: number, pageLo: number, access: Access, sideEffects: boolean, result: WalkResult): void {
  const { granule } = regime;
  const geometry = granule.levels[result.level]!;
  // Address bits of a block below its size are RES0: the page inside the block comes from the virtual address.
  const raw = frameOfWords(lo, hi, granule.pageShift);
  const frame = order === 0 ? raw : raw - (raw % POWERS[order]!) + (pageLo & ((1 << order) - 1));
  const address = frame * granule.pageSize;
  if (address >= POWERS[regime.oaBits]!) {
    result.fault = "address-size";
    return;
  }
  const setAf = (lo & LO_AF) === 0;
  if (setAf && !regime.ha) {
    result.fault = "access-flag";
    return;
  }
  const el0 = (lo & LO_AP1) !== 0 && (forbids & HI_APTABLE0) === 0;
  const readOnly = (lo & LO_AP2) !== 0;
  const hardwareWritable = readOnly && regime.hd && (hi & HI_DBM) !== 0;
  const write = el0 && (!readOnly || hardwareWritable) && (forbids & HI_APTABLE1) === 0;
  const execute = (hi & HI_UXN) === 0 && (forbids & HI_UXNTABLE) === 0;
  const perms = (el0 ? PERM_READ : 0) | (write ? PERM_WRITE : 0) | (execute ? PERM_EXEC : 0);
  const needed = access === ACCESS_WRITE ? PERM_WRITE : access === ACCESS_FETCH ? PERM_EXEC : PERM_READ;
  if ((perms & needed) === 0) {
    result.fault = "permission";
    return;
  }
  const setDirty = readOnly && access === ACCESS_WRITE;
  let updated = lo;
  if (sideEffects && (setAf || setDirty)) {
    updated = (setAf ? lo | LO_AF : lo) & (setDirty ? ~LO_AP2 : -1);
    u32[result.descriptorIndex * 2] = updated;
  }
  const contiguous = (hi & HI_CONTIGUOUS) !== 0 && geometry.contEntries > 0;
  result.fault = "none";
  result.lo = updated | 0;
  result.hi = hi | 0;
  result.pa = address;
  result.frame = frame;
  result.perms = perms;
  result.dirty = !readOnly || setDirty;
  result.global = (lo & LO_NG) === 0;
  result.contiguous = contiguous;
  result.leafOrder = order;
  result.unitOrder = contiguous ? order + (31 - Math.clz32(geometry.contEntries)) : order;
  result.setAf = setAf;
  result.setDirty = setDirty;
}

/** Size class of a successful walk. */
export function sizeClass(result: WalkResult): SizeClass {
  if (result.level === 3) return result.contiguous ? "contiguous-pages" : "page";
  return result.contiguous ? "contiguous-blocks" : "block";
}

/** Address of the last descriptor that the walk fetched. Pre: `result.fetched`. */
export function descriptorAddress(result: WalkResult): Pa {
  return (result.descriptorIndex * 8) as Pa;
}

/** The leaf of a successful walk as one value. */
export function descriptorOf(result: WalkResult): bigint {
  return (BigInt(result.hi >>> 0) << 32n) | BigInt(result.lo >>> 0);
}
