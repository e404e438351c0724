/**
 * Where the engine's own data lie: behind guest RAM, in the same WebAssembly memory.
 *
 * All offsets are relative to the end of RAM. The register words have the layout of a saved context (CONTEXT_WORDS of ../engine.ts).
 */
import { CONTEXT_WORDS } from "../engine.js";

export const X0 = 0;
export const SP = 31 * 8;
export const PC = 32 * 8;
/** i32: NZCV, but only around calls of TypeScript; else the flags are what FLAG_KIND says. */
export const NZCV = 33 * 8;
export const FPCR = 34 * 8;
export const FPSR = 35 * 8;
export const TPIDR_EL0 = 36 * 8;
export const V0 = 37 * 8;
const AFTER_CONTEXT = CONTEXT_WORDS * 8;
export const EXCLUSIVE_ADDRESS = AFTER_CONTEXT;
export const EXCLUSIVE_LOW = AFTER_CONTEXT + 8;
export const EXCLUSIVE_HIGH = AFTER_CONTEXT + 16;

/** i64: what a slice has left and has done, as it was when translated code was left (account.ts). */
export const ACCOUNT = AFTER_CONTEXT + 24;
/** i32: where in the code it was left. */
export const SITE = AFTER_CONTEXT + 32;
/** i32: why an access was refused. */
export const REFUSAL = AFTER_CONTEXT + 36;
/** i64: address of the access that was refused. */
export const FAR = AFTER_CONTEXT + 40;

/** i32: records in the ring. */
export const RING_COUNT = AFTER_CONTEXT + 68;
/** i32: accesses of a restarted instruction that come before the one that was refused. */
export const REPLAY = AFTER_CONTEXT + 76;
/** i64: bits to set in the account to stop at the next block; 0: none. */
export const STOP_BITS = AFTER_CONTEXT + 80;
/** i64: page of the last block, or -1. */
export const FETCH_PAGE = AFTER_CONTEXT + 88;
/** i64, in bits 63:48: tags with another number are void. */
export const FRONT_EPOCH = AFTER_CONTEXT + 96;
export const JUMP_EPOCH = AFTER_CONTEXT + 104;
/** The flags: i32 kind, and two i64 operands (flags.ts). */
export const FLAG_KIND = AFTER_CONTEXT + 112;
export const FLAG_A = AFTER_CONTEXT + 120;
export const FLAG_B = AFTER_CONTEXT + 128;
/** i64: PC of the access being made, if someone wants to know. */
export const ACCESS_PC = AFTER_CONTEXT + 136;

/** Bytes of an access across two pages. */
export const SCRATCH = AFTER_CONTEXT + 144;
/** i32: accesses of a run that were made before one was refused. */
export const RUN_DONE = AFTER_CONTEXT + 152;
/** Bytes of a run that is not on one page: at most four vectors, and what the last of its parts writes behind itself. */
export const RUN = AFTER_CONTEXT + 160;
/** i32: the time of accesses that TypeScript makes, counted down (runtime-filter.ts). */
export const CLOCK = AFTER_CONTEXT + 240;

/** The pages that the filter holds (held-pages.ts), of data and of code. */
export const HELD_DATA = 0x1000;
export const HELD_CODE = 0xa000;

// Of a page that the filter holds, above its place: it comes in by a write; no write of it need be recorded while it is held; and it may be written without asking.
export const BY_WRITE_BIT = 1n << 32n;
export const HEARD_BIT = 1n << 33n;
export const WRITTEN_BIT = 1n << 34n;

/** Behind the cells, which are cleared when an engine is made. */
export const CELLS_END = 0x14000;
/** Trace records of 8 bytes, and the PC of each as a float. */
export const RING = 0x20000;
export const RING_RECORDS = 8192;
export const RING_PCS = 0x30000;
/**
 * Front table of the translation cache: i64 page number with the epoch; i32 place, with FRONT_* bits below it; i32 the bits above its place of a page that comes
 * in by a read, with FRONT_UNHEARD.
 */
export const FRONT = 0x40000;
export const FRONT_ENTRIES = 131072;
/** The page may be written; orders of its entries for data and for code (EntryOrders). */
export const FRONT_WRITE = 1;
export const FRONT_DATA_SHIFT = 1;
export const FRONT_CODE_SHIFT = 6;
export const FRONT_ORDER = 31;
export const FRONT_PLACE = -0x800;
/** The next write that is recorded is the first of the page that the trace sink hears of, and ends that others have to be. */
export const FRONT_UNHEARD = 1;
/** log2 of the bytes of an entry of the jump cache or the front table. */
export const ENTRY_SHIFT = 4;

/** Jump cache: i64 PC with the epoch, i32 slot. Where a PC stands: `jumpPlace` of soft-tlb.ts, and `jump` of the runtime. */
export const JUMP_CACHE = FRONT + (FRONT_ENTRIES << ENTRY_SHIFT);
export const JUMP_ENTRIES = 65536;
/** Bits of the PC from here up are folded onto the ones below. */
export const JUMP_FOLD = 18;

/** Bytes that the engine needs behind RAM: whole pages of WebAssembly. */
export const ENGINE_BYTES = JUMP_CACHE + (JUMP_ENTRIES << ENTRY_SHIFT);

/** Base of no page: no address without its top byte reaches it. */
export const NO_PAGE = 1n << 60n;
/** Number of no page of code. */
export const NO_FETCH_PAGE = 2n ** 64n - 1n;
export const EPOCH_SHIFT = 48n;
