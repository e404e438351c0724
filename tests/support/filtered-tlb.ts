/**
 * A TLB that is fed with the trace of an engine, as simple as can be: what a consumer of trace records has to do, and what it then sees.
 *
 * Fed with all accesses of a program, which hold nothing, it is a plain TLB. Entries are of 2^order pages each, by their page; it is tagged by these.
 */
import { LEAVE, type TraceRecord } from "./engine-bench.js";

export interface TlbShape {
  readonly sets: number;
  readonly ways: number;
  /** Victims by tree-PLRU (`ways` is a power of two), else by true LRU. */
  readonly tree: boolean;
  /** Order of the entry for a page. Default 0. */
  readonly orderOf?: (page: number) => number;
  /** What a write marks is kept in the tables: an entry comes in dirty if its page has been written. Default: entries come in clean. */
  readonly marksTables?: boolean;
}

const FETCH = 0;
const WRITE = 2;
const FIRST_CODE = 128;

/** Whether the record is of code. */
export function isOfCode({ access, held }: TraceRecord): boolean {
  return access === FETCH || held >= FIRST_CODE;
}

/** A touch of a page that no filter holds. */
export function plainTouch(page: number, access: number): TraceRecord {
  return { page, access, held: 0 };
}

interface Entry {
  /** First page; -1 for none. */
  page: number;
  dirty: boolean;
  used: number;
  pinned: boolean;
}

/** What the TLB does with records of one kind: `miss` and `dirty` with the name of the record, in order. */
export function simulate<Kind extends TraceRecord>({ sets, ways, tree, orderOf = () => 0, marksTables = false }: TlbShape, records: readonly Kind[], name: (record: Kind) => string = ({ page }) => String(page)): string[] {
  const events: string[] = [];
  const state = Array.from({ length: sets }, () => ({
    entries: Array.from({ length: ways }, (): Entry => ({ page: -1, dirty: false, used: 0, pinned: false })),
    bits: new Array<number>(ways).fill(0),
  }));
  const held = new Map<number, number>();
  const marked = new Set<number>();
  let clock = 0;
  const setOf = (page: number): (typeof state)[number] => state[Math.floor(page / 2 ** orderOf(page)) % sets]!;
  const firstOf = (page: number): number => page - (page % 2 ** orderOf(page));
  const use = (page: number, pinned: boolean): void => {
    const { entries, bits } = setOf(page);
    const way = entries.findIndex((entry) => entry.page === firstOf(page));
    if (way < 0) {
      events.push(`lost ${page}`);
      return;
    }
    Object.assign(entries[way]!, { used: ++clock, pinned });
    for (let node = way + ways - 1; node > 0; ) {
      const parent = Math.floor((node - 1) / 2);
      bits[parent] = node === 2 * parent + 1 ? 1 : 0;
      node = parent;
    }
  };
  const victimOf = ({ entries, bits }: (typeof state)[number]): Entry => {
    if (tree) {
      // Node n has children 2n+1 and 2n+2; its bit names the half that is the victim's.
      let node = 0;
      while (node < ways - 1) node = 2 * node + 1 + bits[node]!;
      return entries[node - (ways - 1)]!;
    }
    const free = entries.filter(({ pinned }) => !pinned);
    if (free.length === 0) events.push("no victim");
    const used = Math.min(...(free.length === 0 ? entries : free).map((entry) => entry.used));
    return entries.find((entry) => entry.used === used && (free.length === 0 || !entry.pinned))!;
  };
  for (const record of records) {
    const { page, access } = record;
    const left = held.get(record.held);
    if (left !== undefined) {
      held.delete(record.held);
      use(left, [...held.values()].some((page) => firstOf(page) === firstOf(left)));
    }
    if (access === LEAVE) continue;
    const comesIn = record.held !== 0;
    const set = setOf(page);
    if (!set.entries.some((entry) => entry.page === firstOf(page))) {
      events.push(`miss ${name(record)}`);
      Object.assign(victimOf(set), { page: firstOf(page), dirty: marksTables && marked.has(page) });
    }
    use(page, comesIn || [...held.values()].some((each) => firstOf(each) === firstOf(page)));
    if (comesIn) held.set(record.held, page);
    const entry = set.entries.find((each) => each.page === firstOf(page))!;
    if (access === WRITE && !entry.dirty) {
      entry.dirty = true;
      marked.add(page);
      events.push(`dirty ${name(record)}`);
    }
  }
  return events;
}
