/**
 * The TLB hierarchy once more, as plainly as it can be said: arrays of entry objects, searched from end to end. The real one must
 * agree with it entry by entry and count by count.
 */
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";

export interface RefEntry {
  kind: "page" | "coalesced" | "table";
  asid: number;
  global: boolean;
  /** log2 of the pages covered, and page number >> order. */
  order: number;
  unit: number;
  level: number;
  /** Size of the one descriptor. */
  leafOrder: number;
  frame: number;
  dirty: boolean;
  perms: number;
  /** Valid pages of a coalesced entry. */
  pages: Set<number>;
}

interface RefPolicy {
  used(set: number, way: number, isFill: boolean): void;
  gone(set: number, way: number): void;
  victim(set: number): number;
}

/** Stamps: the victim has the oldest. */
class StampPolicy implements RefPolicy {
  private clock = 0;
  private readonly stamps = new Map<string, number>();
  constructor(private readonly ways: number, private readonly onHit: boolean) {}
  used(set: number, way: number, isFill: boolean): void {
    if (isFill || this.onHit) this.stamps.set(`${set}/${way}`, ++this.clock);
  }
  gone(): void {}
  victim(set: number): number {
    let best = 0;
    for (let way = 1; way < this.ways; way++) if (this.stamps.get(`${set}/${way}`)! < this.stamps.get(`${set}/${best}`)!) best = way;
    return best;
  }
}

/** Halving the ways until one is left, each time away from the half used last. */
class TreePolicy implements RefPolicy {
  private readonly goRight = new Map<string, boolean>();
  private readonly span: number;
  constructor(private readonly ways: number) {
    let span = 1;
    while (span < ways) span *= 2;
    this.span = span;
  }
  used(set: number, way: number): void {
    let low = 0;
    let high = this.span;
    while (high - low > 1) {
      const middle = (low + high) / 2;
      const right = way >= middle;
      this.goRight.set(`${set}:${low}-${high}`, !right);
      if (right) low = middle;
      else high = middle;
    }
  }
  gone(): void {}
  victim(set: number): number {
    let low = 0;
    let high = this.span;
    while (high - low > 1) {
      const middle = (low + high) / 2;
      if (this.goRight.get(`${set}:${low}-${high}`) === true && middle < this.ways) low = middle;
      else high = middle;
    }
    return low;
  }
}

class NotRecentlyUsed implements RefPolicy {
  private readonly marks = new Map<number, boolean[]>();
  constructor(private readonly ways: number) {}
  private of(set: number): boolean[] {
    let marks = this.marks.get(set);
    if (marks === undefined) this.marks.set(set, (marks = Array<boolean>(this.ways).fill(false)));
    return marks;
  }
  used(set: number, way: number): void {
    const marks = this.of(set);
    marks[way] = true;
    if (!marks.every(Boolean)) return;
    marks.fill(false);
    marks[way] = this.ways > 1;
  }
  gone(set: number, way: number): void {
    this.of(set)[way] = false;
  }
  victim(set: number): number {
    return this.of(set).indexOf(false);
  }
}

class XorshiftPolicy implements RefPolicy {
  private state: number;
  constructor(private readonly ways: number, seed: number) {
    this.state = (seed ^ 0x9e3779b9) | 0 || 1;
  }
  used(): void {}
  gone(): void {}
  victim(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % this.ways;
  }
}

function policy(name: TlbSpec["policy"], ways: number, seed: number): RefPolicy {
  if (name === "lru") return new StampPolicy(ways, true);
  if (name === "fifo") return new StampPolicy(ways, false);
  if (name === "tree-plru") return new TreePolicy(ways);
  if (name === "nru") return new NotRecentlyUsed(ways);
  return new XorshiftPolicy(ways, seed);
}

/** Lookup order: ordinary entries of one ASID by size, then global ones, then coalesced ones. */
const rank = (entry: RefEntry): number => (entry.kind === "coalesced" ? 200 : 0) + (entry.global ? 100 : 0) + entry.order;

export class ReferenceTlb {
  readonly sets: (RefEntry | undefined)[][];
  readonly ways: number;
  asid = 0;
  private readonly policy: RefPolicy;
  private readonly held: number[];

  constructor(readonly spec: TlbSpec, private readonly pageSize: number, seed: number) {
    this.ways = spec.ways === "full" ? spec.entries : spec.ways;
    this.sets = Array.from({ length: spec.entries / this.ways }, () => Array<RefEntry | undefined>(this.ways).fill(undefined));
    this.policy = policy(spec.policy, this.ways, seed);
    this.held = spec.pageSizes.filter((bytes) => bytes >= pageSize).map((bytes) => Math.log2(bytes / pageSize));
  }

  private *all(): Generator<[number, number, RefEntry]> {
    for (const [set, ways] of this.sets.entries()) for (const [way, entry] of ways.entries()) if (entry !== undefined) yield [set, way, entry];
  }

  private hit(test: (entry: RefEntry) => boolean): RefEntry | undefined {
    const hits = [...this.all()].filter(([, , entry]) => (entry.global || entry.asid === this.asid) && test(entry)).sort((a, b) => rank(a[2]) - rank(b[2]));
    if (hits.length === 0) return undefined;
    const [set, way, entry] = hits[0]!;
    this.policy.used(set, way, false);
    return entry;
  }

  lookup(page: number): RefEntry | undefined {
    return this.hit((entry) => entry.kind !== "table" && covers(entry, page));
  }

  findTable(page: number, order: number): RefEntry | undefined {
    return this.hit((entry) => entry.kind === "table" && entry.order === order && covers(entry, page));
  }

  orderFor(unitOrder: number, leafOrder: number): number {
    if (this.spec.splinter === "page") return this.held.includes(0) ? 0 : -1;
    const limit = this.spec.contiguous === "whole" ? unitOrder : Math.min(unitOrder, leafOrder);
    return Math.max(-1, ...this.held.filter((order) => order <= limit));
  }

  insert(entry: RefEntry): void {
    const set = entry.unit % this.sets.length;
    const ways = this.sets[set]!;
    const same = ways.findIndex((other) => other !== undefined && other.kind === "coalesced" && entry.kind === "coalesced" && other.unit === entry.unit && other.global === entry.global && (entry.global || other.asid === entry.asid));
    if (same >= 0) {
      ways[same] = entry;
      this.policy.used(set, same, false);
      return;
    }
    const free = ways.indexOf(undefined);
    const way = free >= 0 ? free : this.policy.victim(set);
    ways[way] = entry;
    this.policy.used(set, way, true);
  }

  remove(test: (entry: RefEntry) => boolean): void {
    for (const [set, way, entry] of [...this.all()]) {
      if (!test(entry)) continue;
      this.sets[set]![way] = undefined;
      this.policy.gone(set, way);
    }
  }

  dropPage(entry: RefEntry, page: number): void {
    entry.pages.delete(page);
    if (entry.pages.size === 0) this.remove((other) => other === entry);
  }

  tlbi(operation: Tlbi): void {
    if (operation.op === "vmalle1is") this.remove(() => true);
    else if (operation.op === "aside1is") this.remove((entry) => !entry.global && entry.asid === operation.asid);
    else {
      const lastOnly = operation.op === "vale1is" || operation.op === "rvale1is";
      for (const [, , entry] of [...this.all()]) {
        if (!entry.global && entry.asid !== operation.asid) continue;
        if (entry.kind === "table" && lastOnly) continue;
        if (operation.level !== undefined && !(entry.kind === "table" ? entry.level < operation.level : entry.level === operation.level)) continue;
        const touches = (start: number, end: number): boolean => end * this.pageSize > operation.start && start * this.pageSize < operation.end;
        if (entry.kind === "coalesced") {
          for (const page of [...entry.pages]) if (touches(page, page + 1)) this.dropPage(entry, page);
        } else if (touches(entry.unit * 2 ** entry.order, (entry.unit + 1) * 2 ** entry.order)) {
          this.remove((other) => other === entry);
        }
      }
    }
  }

  /** Everything in it, as text in a fixed order. */
  contents(): string[] {
    return [...this.all()]
      .flatMap(([, , entry]) =>
        (entry.kind === "coalesced" ? [...entry.pages].map((page) => [page, page + 1] as const) : [[entry.unit * 2 ** entry.order, (entry.unit + 1) * 2 ** entry.order] as const]).map(([start, end]) =>
          describeEntry(entry.kind === "table", entry.global ? -1 : entry.asid, start, end, entry.level, entry.frame + (entry.kind === "coalesced" ? start - entry.unit * 2 ** entry.order : 0), entry.dirty, entry.perms),
        ),
      )
      .sort();
  }
}

export function describeEntry(table: boolean, asid: number, start: number, end: number, level: number, frame: number, dirty: boolean, perms: number): string {
  return `${table ? "table" : "leaf"} asid ${asid} pages ${start}-${end} level ${level} frame ${frame} ${table ? "" : dirty ? "dirty" : "clean"} perms ${perms}`;
}

function covers(entry: RefEntry, page: number): boolean {
  if (entry.kind === "coalesced") return entry.pages.has(page);
  return Math.floor(page / 2 ** entry.order) === entry.unit;
}
