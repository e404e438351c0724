/**
 * The translation cache: virtual page -> frame and permissions, and what each frame is used for.
 *
 * Leaf tables of 512 pages hold all that was installed. In front of them stands a direct-mapped table in linear memory that translated
 * code asks by itself; its tags carry an epoch, so that it is emptied in one step. A frame is untouched, CODE or WRITABLE as in the reference
 * engine (native/src/frames.rs): a write grant to a CODE frame first drops its code, an exec grant to a WRITABLE frame withdraws all write grants.
 */
import { NO_ORDERS, OWN_DIRTY, PERM_EXEC, PERM_READ, PERM_WRITE, type EntryOrders } from "../engine.js";
import { ENTRY_SHIFT, FRONT, FRONT_CODE_SHIFT, FRONT_DATA_SHIFT, FRONT_ENTRIES, FRONT_EPOCH, FRONT_ORDER, FRONT_UNHEARD, FRONT_WRITE, HEARD_BIT, JUMP_CACHE, JUMP_ENTRIES, JUMP_EPOCH, JUMP_FOLD, WRITTEN_BIT } from "./layout.js";

/** Set in an entry whose page may stand in the jump cache. */
const FETCHED = 8;
const FRAME_SHIFT = 4;
const LEAF_PAGES = 512;
/** In a leaf, behind the entries: the orders of each page, as they stand in the front table. */
const ORDERS = LEAF_PAGES;
/** Behind these: the number of the last trace sink that a write of the page has been recorded for since it was installed, NO_SINK, or NOT_OWN. */
const HEARD = 2 * LEAF_PAGES;
const LEAF_WORDS = 3 * LEAF_PAGES;
const NO_SINK = 0;
/** The page's dirty state is not its own: all writes that may change it are recorded. */
const NOT_OWN = 0xffff_ffff;
/** In the last word of an entry of the front table: no write of the page need be recorded; and it may be written without asking. */
const COMES_IN_HEARD = Number(HEARD_BIT >> 32n);
const COMES_IN_WRITTEN = Number(WRITTEN_BIT >> 32n);
const LAST_EPOCH = 0xffff;
const WORDS_PER_ENTRY = (1 << ENTRY_SHIFT) / 4;

const CODE = 1;
const WRITABLE = 2;

/** Answers of `grantWrite` and others that are no place. */
export const NOT_GRANTED = -1;
export const CODE_FRAME = -2;

/** page % LEAF_PAGES; page numbers have up to 36 bits, and the remainder of doubles is slow. */
function placeInLeaf(page: number): number {
  return (page >>> 0) % LEAF_PAGES;
}

/** Number of the entry of the jump cache for an address. */
function jumpPlace(pc: number): number {
  const word = pc >>> 0;
  return ((word >>> 2) ^ (word >>> JUMP_FOLD)) & (JUMP_ENTRIES - 1);
}

export class SoftTlb {
  private readonly leaves = new Map<number, Uint32Array>();
  private readonly frames: Uint8Array;
  /** Words of the engine's data. */
  private readonly cells: Uint32Array;
  private readonly pageSize: number;
  private frontEpoch = 0;
  private jumpEpoch = 0;
  private sink = NO_SINK + 1;
  private readonly fetched = new Set<number>();
  /** Addresses of each page that were put into the jump cache. */
  private readonly jumps = new Map<number, Set<number>>();

  /** The memory may have served another engine: its epochs are over. */
  constructor(cells: Uint32Array, pageSize: number, frames: number) {
    this.cells = cells;
    this.frontEpoch = cells[FRONT_EPOCH / 4 + 1]! >>> 16;
    this.jumpEpoch = cells[JUMP_EPOCH / 4 + 1]! >>> 16;
    this.pageSize = pageSize;
    this.frames = new Uint8Array(frames);
    this.emptyFront();
    this.emptyJumps();
  }

  // --- the tables in linear memory -----------------------------------------------------------------------------------

  private emptyFront(): void {
    const { cells } = this;
    if (this.frontEpoch === LAST_EPOCH) {
      cells.fill(0, FRONT / 4, FRONT / 4 + FRONT_ENTRIES * WORDS_PER_ENTRY);
      this.frontEpoch = 0;
    }
    this.frontEpoch++;
    cells[FRONT_EPOCH / 4 + 1] = this.frontEpoch << 16;
  }

  /** Forgets all that the jump cache holds. */
  private emptyJumps(): void {
    const { cells } = this;
    if (this.jumpEpoch === LAST_EPOCH) {
      cells.fill(0, JUMP_CACHE / 4, JUMP_CACHE / 4 + JUMP_ENTRIES * WORDS_PER_ENTRY);
      this.jumpEpoch = 0;
    }
    this.jumpEpoch++;
    cells[JUMP_EPOCH / 4 + 1] = this.jumpEpoch << 16;
    this.jumps.clear();
  }

  private frontEntry(page: number): number {
    return FRONT / 4 + ((page >>> 0) % FRONT_ENTRIES) * WORDS_PER_ENTRY;
  }

  private fillFront(page: number, leaf: Uint32Array, frame: number, write: boolean): void {
    const { cells } = this;
    const at = this.frontEntry(page);
    const low = page >>> 0;
    const high = (Math.floor(page / 2 ** 32) | (this.frontEpoch << 16)) >>> 0;
    const mayWrite = write ? FRONT_WRITE : cells[at] === low && cells[at + 1] === high ? cells[at + 2]! & FRONT_WRITE : 0;
    cells[at] = low;
    cells[at + 1] = high;
    cells[at + 2] = frame * this.pageSize + leaf[ORDERS + placeInLeaf(page)]! + mayWrite;
    const heard = leaf[HEARD + placeInLeaf(page)]!;
    cells[at + 3] = heard === NOT_OWN ? 0 : heard !== this.sink ? FRONT_UNHEARD : mayWrite === 0 ? COMES_IN_HEARD : COMES_IN_HEARD | COMES_IN_WRITTEN;
  }

  private clearFront(page: number): void {
    const { cells } = this;
    const at = this.frontEntry(page);
    if (cells[at] === page >>> 0) cells[at + 1] = 0;
  }

  /** The jump cache leads from the address to the slot. */
  fillJump(pc: number, slot: number): void {
    const { cells } = this;
    const at = JUMP_CACHE / 4 + jumpPlace(pc) * WORDS_PER_ENTRY;
    cells[at] = pc >>> 0;
    cells[at + 1] = Math.floor(pc / 2 ** 32) | (this.jumpEpoch << 16);
    cells[at + 2] = slot;
    const page = Math.floor(pc / this.pageSize);
    const known = this.jumps.get(page);
    if (known === undefined) this.jumps.set(page, new Set([pc]));
    else known.add(pc);
  }

  /** The jump cache leads nowhere on the page. */
  private clearJumps(page: number): void {
    const { cells } = this;
    for (const pc of this.jumps.get(page) ?? []) {
      const at = JUMP_CACHE / 4 + jumpPlace(pc) * WORDS_PER_ENTRY;
      if (cells[at] === pc >>> 0) cells[at + 1] = 0;
    }
    this.jumps.delete(page);
  }

  // --- grants ----------------------------------------------------------------------------------------------------------

  private find(page: number): number {
    return this.leaves.get(Math.floor(page / LEAF_PAGES))?.[placeInLeaf(page)] ?? 0;
  }

  private ordersOf(page: number): number {
    return this.leaves.get(Math.floor(page / LEAF_PAGES))?.[ORDERS + placeInLeaf(page)] ?? 0;
  }

  /** Order of the entry for a page of code. The front table knows it from now on, if the page may be read. */
  codeOrder(page: number): number {
    this.grantRead(page);
    return (this.ordersOf(page) >>> FRONT_CODE_SHIFT) & FRONT_ORDER;
  }

  /** Place of a page that may be read; NOT_GRANTED. */
  grantRead(page: number): number {
    const leaf = this.leaves.get(Math.floor(page / LEAF_PAGES));
    if (leaf === undefined) return NOT_GRANTED;
    const entry = leaf[placeInLeaf(page)]!;
    if ((entry & PERM_READ) === 0) return NOT_GRANTED;
    const frame = entry >>> FRAME_SHIFT;
    this.fillFront(page, leaf, frame, false);
    return frame * this.pageSize;
  }

  /** Place of a page that may be written; NOT_GRANTED; CODE_FRAME: `frameOf` holds code that has to be dropped first. */
  grantWrite(page: number): number {
    const leaf = this.leaves.get(Math.floor(page / LEAF_PAGES));
    if (leaf === undefined) return NOT_GRANTED;
    const entry = leaf[placeInLeaf(page)]!;
    if ((entry & PERM_WRITE) === 0) return NOT_GRANTED;
    const frame = entry >>> FRAME_SHIFT;
    if (this.frames[frame] === CODE) return CODE_FRAME;
    this.frames[frame] = WRITABLE;
    this.fillFront(page, leaf, frame, true);
    return frame * this.pageSize;
  }

  /** A write of the page has been recorded, which may be written and whose dirty state is its own. */
  noteWrite(page: number): void {
    const leaf = this.leaves.get(Math.floor(page / LEAF_PAGES))!;
    leaf[HEARD + placeInLeaf(page)] = this.sink;
    this.fillFront(page, leaf, leaf[placeInLeaf(page)]! >>> FRAME_SHIFT, true);
  }

  /** Another trace sink, which has heard of no write, hears all that follows. */
  changeSink(): void {
    this.sink++;
    this.emptyFront();
  }

  frameOf(page: number): number {
    return this.find(page) >>> FRAME_SHIFT;
  }

  /** The code of the frame has been dropped because it is going to be written. */
  becomeWritable(frame: number): void {
    this.frames[frame] = WRITABLE;
    this.forbidFetches(frame);
  }

  holdsCode(frame: number): boolean {
    return this.frames[frame] === CODE;
  }

  /** Frame that may be fetched from; NOT_GRANTED. `revoked` is told the frame if it could be written until now. */
  grantFetch(page: number, revoked: (frame: number) => void): number {
    const entry = this.find(page);
    if ((entry & PERM_EXEC) === 0) return NOT_GRANTED;
    const frame = entry >>> FRAME_SHIFT;
    if ((entry & FETCHED) === 0) {
      if (this.frames[frame] === WRITABLE) {
        this.emptyFront();
        revoked(frame);
      }
      this.frames[frame] = CODE;
      this.leaves.get(Math.floor(page / LEAF_PAGES))![placeInLeaf(page)] = entry | FETCHED;
      this.fetched.add(page);
    }
    return frame;
  }

  /** The page has to be asked for again before it is fetched from. */
  private forbidFetch(page: number): void {
    const leaf = this.leaves.get(Math.floor(page / LEAF_PAGES));
    if (leaf !== undefined) leaf[placeInLeaf(page)]! &= ~FETCHED;
    this.fetched.delete(page);
    this.clearJumps(page);
  }

  /** The same for all pages of the frame, whose code has been dropped. */
  forbidFetches(frame: number): void {
    for (const page of [...this.fetched]) if (this.frameOf(page) === frame) this.forbidFetch(page);
  }

  /** The same for all pages: all code has been dropped. */
  forbidAllFetches(): void {
    for (const page of [...this.fetched]) this.forbidFetch(page);
    this.emptyJumps();
  }

  // --- what the kernel side does ---------------------------------------------------------------------------------------

  /** `perms`: PERM_* bits, at least one, and OWN_DIRTY. */
  install(page: number, frame: number, perms: number, { data, code }: EntryOrders = NO_ORDERS): void {
    const number = Math.floor(page / LEAF_PAGES);
    let leaf = this.leaves.get(number);
    if (leaf === undefined) {
      leaf = new Uint32Array(LEAF_WORDS);
      this.leaves.set(number, leaf);
    }
    const before = leaf[placeInLeaf(page)]!;
    leaf[placeInLeaf(page)] = (frame << FRAME_SHIFT) | (perms & ~OWN_DIRTY);
    leaf[HEARD + placeInLeaf(page)] = (perms & OWN_DIRTY) === 0 ? NOT_OWN : NO_SINK;
    leaf[ORDERS + placeInLeaf(page)] = (data << FRONT_DATA_SHIFT) | (code << FRONT_CODE_SHIFT);
    this.clearFront(page);
    if ((before & FETCHED) !== 0) this.forbidFetch(page);
  }

  forgetPage(page: number): void {
    const leaf = this.leaves.get(Math.floor(page / LEAF_PAGES));
    const before = leaf?.[placeInLeaf(page)] ?? 0;
    if (leaf === undefined || before === 0) return;
    leaf[placeInLeaf(page)] = 0;
    this.clearFront(page);
    if ((before & FETCHED) !== 0) this.forbidFetch(page);
  }

  /** Forgets the pages `first` to `last`, both included. */
  forgetRange(first: number, last: number): void {
    const firstLeaf = Math.floor(first / LEAF_PAGES);
    const lastLeaf = Math.floor(last / LEAF_PAGES);
    const touched: number[] = [];
    if (lastLeaf - firstLeaf < this.leaves.size) {
      for (let number = firstLeaf; number <= lastLeaf; number++) if (this.leaves.has(number)) touched.push(number);
    } else for (const number of this.leaves.keys()) if (number >= firstLeaf && number <= lastLeaf) touched.push(number);
    for (const number of touched) {
      const leaf = this.leaves.get(number)!;
      const start = Math.max(first, number * LEAF_PAGES);
      const end = Math.min(last, number * LEAF_PAGES + LEAF_PAGES - 1);
      for (let page = start; page <= end; page++) {
        const entry = leaf[placeInLeaf(page)]!;
        if (entry === 0) continue;
        leaf[placeInLeaf(page)] = 0;
        this.clearFront(page);
        if ((entry & FETCHED) !== 0) this.forbidFetch(page);
      }
      if (end - start + 1 === LEAF_PAGES) this.leaves.delete(number);
    }
  }

  forgetAll(): void {
    this.leaves.clear();
    this.fetched.clear();
    this.emptyFront();
    this.emptyJumps();
  }
}
