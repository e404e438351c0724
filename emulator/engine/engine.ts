/**
 * What an engine is: a hypervisor for EL0. `run()` executes guest code until an exit that the kernel side handles.
 *
 * An engine knows no policy. It keeps the registers of the running task, a translation cache that the kernel side
 * fills on `translation-miss` and invalidates, and an access trace: a ring of page touches with exact counters beside it.
 */
import type { Pa, Pfn, Va } from "../arch/addr.js";

/** Access kinds of translation misses and trace records. */
export const ACCESS_FETCH = 0;
export const ACCESS_READ = 1;
export const ACCESS_WRITE = 2;
export type Access = typeof ACCESS_FETCH | typeof ACCESS_READ | typeof ACCESS_WRITE;

/** Permissions of a cached translation, as a set of bits. */
export const PERM_READ = 1;
export const PERM_WRITE = 2;
export const PERM_EXEC = 4;
/**
 * Beside these bits: the page is mapped by a descriptor of its own, outside of contiguous runs, so whatever a write does to its dirty state it does to no other page's,
 * and no other page's write does it to this one.
 */
export const OWN_DIRTY = 8;

/** Why `run()` returned. The PC register is exact in every case. */
export type Exit =
  /** SVC executed; the PC stands behind it. */
  | { readonly reason: "svc" }
  /** No cached translation for `va` allows `access`; the PC stands on the instruction, which has not been executed. */
  | { readonly reason: "translation-miss"; readonly va: Va; readonly access: Access }
  /** The instruction budget is used up. */
  | { readonly reason: "budget-spent" }
  /** Undefined at EL0, or a system instruction that traps; the PC stands on it. */
  | { readonly reason: "undefined-instruction" }
  /** BRK; the PC stands on it. */
  | { readonly reason: "breakpoint" }
  /** PC or SP misaligned, or an unaligned exclusive or acquire/release access at `va`; the PC stands on it. */
  | { readonly reason: "alignment"; readonly va: Va }
  /** `requestStop()` was called (Ctrl-C, time-out). */
  | { readonly reason: "stopped" };

/** Exact counts since the engine was made. Restarts after an exit are not counted twice. */
export interface EngineCounters {
  readonly instructions: number;
  readonly loads: number;
  readonly stores: number;
  /** Exits by reason, trace drains included. */
  readonly exits: Readonly<Record<string, number>>;
}

/**
 * Registers of the running task. Values are unsigned 64-bit; `vectors` holds V0 to V31 as pairs of 64-bit words,
 * low word first. Reading and writing is only legal between runs.
 */
export interface Registers {
  /** X0 to X30; `index` 0 to 30. */
  x(index: number): bigint;
  setX(index: number, value: bigint): void;
  pc: bigint;
  sp: bigint;
  /** NZCV in bits 31:28. */
  nzcv: number;
  fpcr: number;
  fpsr: number;
  tpidrEl0: bigint;
  readonly vectors: BigUint64Array;
}

/** A saved register file: opaque to all but the engine kind that made it. 64-bit words, layout of CONTEXT_WORDS. */
export type Context = BigUint64Array;

/** Words of a context: X0-X30, SP, PC, NZCV, FPCR, FPSR, TPIDR_EL0, then V0-V31 as pairs. The same for every engine. */
export const CONTEXT_WORDS = 37 + 64;

/**
 * A trace record: two words, page number bits 31:0; access in bits 1:0, page number bits 39:32 in bits 9:2, held page in bits 17:10.
 *
 * The engine holds a few pages of data and of code, those used last, and does not record their uses (docs/engine.md, "Filter"). It gives each held page a number, data
 * from 1 and code from FIRST_CODE_HELD, and records, in program order:
 * - a touch of a page that is not held, with the number under which it is held from now on. What had this number has left just before. Numbers are given anew in the
 *   order of last use: every page leaves later than all that were used before it, and earlier than all that are used after it.
 * - the first write to a held page that came in by a read, with 0 for the number; unless the page is OWN_DIRTY, and a write to it has been recorded for the same sink
 *   since its translation was installed.
 * - ACCESS_LEAVE: nothing is touched; the held page with this number leaves. So all do before the page tables may change, and some before a page that comes in
 *   under a HeldLimit.
 */
export const RECORD_PAGE_HIGH = 0xff;
export const RECORD_HELD_SHIFT = 10;
export const RECORD_HELD = 0xff;
/** Access of a record that stands for no touch. */
export const ACCESS_LEAVE = 3;
/** The first number of a held page of code. */
export const FIRST_CODE_HELD = 128;

/**
 * Receives trace records in program order, `count` pairs of words.
 * Called from inside `run()` when the ring is full and at every exit before `run()` returns, so that the consumer sees the page
 * tables as they were at the access. It must not touch registers, translations or page tables, except for the
 * hardware's own access-flag and dirty updates.
 */
export type TraceSink = (words: Uint32Array, count: number) => void;

/**
 * What a TLB of several sets allows a trace filter to hold: of the held pages no more than `ways` may lie in entries of one set. The set of a page is (its number
 * >> order) modulo `sets`; the order, log2 of the pages of the TLB's entry for it, comes with the translation. An engine may count neighbours
 * that share an entry more than once.
 */
export interface HeldLimit {
  /** A power of two. */
  readonly sets: number;
  readonly ways: number;
}

export interface EngineOptions {
  /** Page size of the translation cache and of trace records, in bytes: the granule's. */
  readonly pageSize: number;
  /** Trace off: counters only, no records. */
  readonly trace: boolean;
  /**
   * Most recently used data pages, 1 to MAX_FILTER_PAGES, that the trace filter holds. Exact for TLBs whose sets certainly keep that many most
   * recently used entries: up to the ways of the first level under LRU, 1 under every other policy.
   */
  readonly filterPages?: number;
  /** The same for pages of code. */
  readonly fetchPages?: number;
  /** Limits on the held pages of data and of code. Default none. */
  readonly filterLimit?: HeldLimit;
  readonly fetchLimit?: HeldLimit;
  /** Keep the PC of each trace record (`Engine.tracePcs`). Costs time for every record; off unless someone asks who misses. */
  readonly tracePcs?: boolean;
}

/** log2 of the pages of the entry that the TLB of a limit makes of a translation. */
export interface EntryOrders {
  readonly data: number;
  readonly code: number;
}
export const MAX_ENTRY_ORDER = 31;
export const NO_ORDERS: EntryOrders = { data: 0, code: 0 };

export interface Engine {
  readonly name: "unicorn" | "wasm";
  readonly registers: Registers;
  readonly counters: EngineCounters;
  /**
   * With `EngineOptions.tracePcs`: while the sink runs, the PC of the instruction that made each of its records (of a fetch: the first
   * instruction of the block; of ACCESS_LEAVE: of the access that made the page leave, or where the run ended). 0: unknown.
   */
  readonly tracePcs: Float64Array | undefined;

  /** Who gets the records from now on. It has heard of no write yet. Not from inside `run()`. */
  setTraceSink(sink: TraceSink): void;

  /** Execute at most `budget` instructions (Infinity: no bound) and return why it stopped. */
  run(budget: number): Exit;
  /** Ask a run in progress (called from a trace sink or a signal handler between runs) to return `stopped`. */
  requestStop(): void;

  /**
   * Cache the translation of the page that contains `va` to the frame at `pa`. `perms`: PERM_* bits, and OWN_DIRTY. `orders`: what the limits on held pages ask for,
   * 0 to MAX_ENTRY_ORDER each; default 0.
   */
  installTranslation(va: Va, pa: Pa, perms: number, orders?: EntryOrders): void;
  invalidatePage(va: Va): void;
  invalidateRange(start: Va, end: Va): void;
  invalidateAll(): void;
  /** The kernel side has written to or freed this frame: forget code translated from it. */
  discardCode(frame: Pfn): void;

  saveContext(into: Context): void;
  restoreContext(from: Context): void;

  dispose(): void;
}
