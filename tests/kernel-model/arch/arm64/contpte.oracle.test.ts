/**
 * Random sequences of ptep operations against a model that knows pages and blocks but no bits, with the page-table checker after
 * every step; and the same sequences with contpte on and off.
 */
import { expect } from "chai";
import type { Pa, Pfn, Va } from "../../../../emulator/arch/addr.js";
import type { GranuleName } from "../../../../emulator/arch/granule.js";
import { checkMm } from "../../../../kernel-model/mm/check.js";
import type { MemorySystem } from "../../../../kernel-model/mm/memory-system.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import type { Vma } from "../../../../kernel-model/mm/vma.js";
import { seededRandom } from "../../../support/seed.js";
import { CPU_RANGE, testAnonFolio, testMm, testPte, testSystem, testVma } from "../../../support/memory-system.js";

const N: Readonly<Record<GranuleName, number>> = { "4k": 16, "16k": 128, "64k": 32 };
const PAGE: Readonly<Record<GranuleName, number>> = { "4k": 4096, "16k": 16384, "64k": 65536 };
const BASE = 0x5000000000;
const BLOCKS = 3;

const AF = 0x400n;
const RDONLY = 0x80n;
const WRITE = 1n << 51n;
const CONT = 1n << 52n;
const DIRTY = 1n << 55n;
/** User, inner shareable, nG, PXN, UXN, page; neither AF nor write nor dirty. */
const PLAIN = 0x0060000000000bc3n;

/** One mapped page as a person would describe it. */
interface PageState {
  readonly frame: number;
  readonly write: boolean;
  young: boolean;
  dirty: boolean;
}

/** What the entry of this state may look like: hardware and software dirtiness are one. */
function encode({ frame, write, young, dirty }: PageState, page: number): bigint {
  let pte = PLAIN | BigInt(frame * page);
  if (young) pte |= AF;
  if (write) pte |= WRITE;
  if (dirty) pte |= DIRTY;
  if (write && dirty) pte &= ~RDONLY;
  return pte;
}

function isDirty(pte: bigint): boolean {
  return (pte & DIRTY) !== 0n || (pte & (WRITE | RDONLY)) === WRITE;
}

/** The rules of the contpte layer in terms of pages and blocks. */
class Oracle {
  readonly pages: (PageState | undefined)[];
  readonly folded: boolean[];

  constructor(
    readonly n: number,
    readonly contpte: boolean,
    /** First frame of the folio that a frame belongs to, and its length. */
    readonly folioOf: (frame: number) => { first: number; nr: number },
  ) {
    this.pages = new Array<PageState | undefined>(BLOCKS * n).fill(undefined);
    this.folded = new Array<boolean>(BLOCKS).fill(false);
  }

  block(page: number): (PageState | undefined)[] {
    const first = page - (page % this.n);
    return this.pages.slice(first, first + this.n);
  }

  /** Repaint: all pages of the block share young and dirty from now on. */
  private convert(page: number, folded: boolean): void {
    const states = this.block(page).filter((state) => state !== undefined);
    const young = states.some((state) => state.young);
    const dirty = states.some((state) => state.dirty);
    for (const state of states) {
      state.young = young;
      state.dirty = dirty;
    }
    this.folded[Math.floor(page / this.n)] = folded;
  }

  unfold(page: number): void {
    if (this.folded[Math.floor(page / this.n)]) this.convert(page, false);
  }

  unfoldPartial(page: number, nr: number): void {
    if (page % this.n !== 0 || nr < this.n) this.unfold(page);
    if ((page + nr) % this.n !== 0) this.unfold(page + nr - 1);
  }

  setOne(page: number, state: PageState): void {
    this.unfold(page);
    this.pages[page] = { ...state };
    if (!this.contpte || page % this.n !== this.n - 1 || state.frame % this.n !== this.n - 1) return;
    const folio = this.folioOf(state.frame);
    if (folio.first > state.frame - (this.n - 1) || folio.first + folio.nr <= state.frame) return;
    const uniform = this.block(page).every((other, i) => other !== undefined && other.frame === state.frame - this.n + 1 + i && other.write === state.write);
    if (uniform) this.convert(page, true);
  }

  setRange(page: number, state: PageState, nr: number): void {
    for (let i = 0; i < nr; i++) this.pages[page + i] = { ...state, frame: state.frame + i };
    for (let at = page; at + this.n <= page + nr; at++) {
      if (this.contpte && at % this.n === 0 && (state.frame + at - page) % this.n === 0) this.folded[at / this.n] = true;
    }
  }

  clear(page: number, nr: number): void {
    if (nr === 1) this.unfold(page);
    else this.unfoldPartial(page, nr);
    for (let i = 0; i < nr; i++) {
      this.pages[page + i] = undefined;
      this.folded[Math.floor((page + i) / this.n)] = false;
    }
  }

  wrprotect(page: number, nr: number): void {
    if (nr === 1) this.unfold(page);
    else this.unfoldPartial(page, nr);
    for (let i = 0; i < nr; i++) this.pages[page + i] = { ...this.pages[page + i]!, write: false };
  }

  /** Pages that share their flags with this one. */
  flagGroup(page: number): PageState[] {
    return this.folded[Math.floor(page / this.n)] ? (this.block(page) as PageState[]) : [this.pages[page]!];
  }

  clearFlags(page: number, nr: number, young: boolean, dirty: boolean): void {
    for (let i = 0; i < nr; i++) {
      for (const state of this.flagGroup(page + i)) {
        if (young) state.young = false;
        if (dirty) state.dirty = false;
      }
    }
  }

  setAccessFlags(page: number, { write, dirty }: { write: boolean; dirty: boolean }): void {
    const state = this.pages[page]!;
    if (state.write !== write) this.unfold(page);
    for (const other of this.flagGroup(page)) {
      other.young = true;
      other.dirty ||= dirty;
    }
    this.pages[page] = { ...this.pages[page]!, write: state.write || write };
  }

  gather(page: number): { young: boolean; dirty: boolean } {
    const group = this.flagGroup(page);
    return { young: group.some((state) => state.young), dirty: group.some((state) => state.dirty) };
  }
}

/** The machine that follows the oracle. */
class Subject {
  readonly sys: MemorySystem;
  readonly mm: MmStruct;
  readonly vma: Vma;
  readonly ptep: Pa;
  readonly folios: readonly { first: Pfn; nr: number }[];
  readonly page: number;

  constructor(name: GranuleName, contpte: boolean) {
    const { sys } = testSystem({ granule: name, cpu: CPU_RANGE, contpte });
    this.sys = sys;
    this.page = PAGE[name];
    this.mm = testMm(sys);
    this.vma = testVma(this.mm, BASE, BASE + BLOCKS * N[name] * this.page, 0x73);
    this.ptep = testPte(this.mm, BASE);
    const order = Math.log2(N[name]);
    this.folios = [order + 1, order, order - 1, 0].map((o) => ({ first: testAnonFolio(sys, o), nr: 1 << o }));
  }

  va(page: number): Va {
    return (BASE + page * this.page) as Va;
  }

  at(page: number): Pa {
    return (this.ptep + page * 8) as Pa;
  }

  raw(page: number): bigint {
    return this.sys.pgtable.rawGet(this.at(page));
  }

  /** Young, dirty, write, frame and contiguous as memory has them. */
  decode(page: number): (PageState & { cont: boolean }) | undefined {
    const pte = this.raw(page);
    if (pte === 0n) return undefined;
    const write = (pte & WRITE) !== 0n;
    return {
      frame: Number(pte & 0x3fffffffff000n) / this.page,
      write,
      young: (pte & AF) !== 0n,
      dirty: isDirty(pte),
      cont: (pte & CONT) !== 0n,
    };
  }
}

type Random = (bound: number) => number;

/** Longest run of present pages from `page` whose frames follow each other in one folio, or of absent ones. */
function runLength(oracle: Oracle, page: number): number {
  const first = oracle.pages[page];
  let nr = 1;
  while (page + nr < oracle.pages.length) {
    const next = oracle.pages[page + nr];
    if (first === undefined ? next !== undefined : next === undefined || next.frame !== first.frame + nr || oracle.folioOf(next.frame).first !== oracle.folioOf(first.frame).first) break;
    nr++;
  }
  return nr;
}

/** One random operation on both; returns its description. Flags are cleared by `clears` only. */
function step(random: Random, oracle: Oracle, s: Subject, clears: boolean): string {
  const { pgtable } = s.sys;
  const { mm, vma } = s;
  const total = oracle.pages.length;
  const whole = random(3) === 0;
  const page = whole ? oracle.n * random(BLOCKS) : random(total);
  const run = runLength(oracle, page);
  const nr = whole || random(3) === 0 ? run : 1 + random(run);
  const state = oracle.pages[page];
  if (state === undefined) {
    const folio = s.folios[random(s.folios.length)]!;
    const congruent = page % oracle.n < folio.nr ? page % oracle.n : 0;
    const skip = random(2) === 0 ? congruent : random(folio.nr);
    const length = Math.min(nr, folio.nr - skip);
    const fresh: PageState = { frame: folio.first + skip, write: random(2) === 0, young: random(2) === 0, dirty: random(2) === 0 };
    if (random(3) > 0 && length > 1) {
      pgtable.setPtes(mm, s.va(page), s.at(page), encode(fresh, s.page), length);
      oracle.setRange(page, fresh, length);
      return `setPtes ${page}x${length}`;
    }
    for (let i = 0; i < length; i++) {
      const one = { ...fresh, frame: fresh.frame + i, young: random(2) === 0 };
      pgtable.setPteAt(mm, s.va(page + i), s.at(page + i), encode(one, s.page));
      oracle.setOne(page + i, one);
    }
    return `setPteAt ${page}..${page + length}`;
  }
  switch (random(clears ? 9 : 6)) {
    case 0:
      pgtable.clearFullPtes(mm, s.va(page), s.at(page), nr, false);
      oracle.clear(page, nr);
      return `clearFullPtes ${page}x${nr}`;
    case 1: {
      pgtable.wrprotectPtes(mm, s.va(page), s.at(page), nr);
      oracle.wrprotect(page, nr);
      return `wrprotectPtes ${page}x${nr}`;
    }
    case 2: {
      const write = state.write || random(2) === 0;
      const dirty = write && random(2) === 0;
      const gathered = oracle.gather(page);
      const entry = encode({ ...state, write, young: true, dirty: dirty || gathered.dirty }, s.page);
      pgtable.ptepSetAccessFlags(vma, s.va(page), s.at(page), entry, true);
      oracle.setAccessFlags(page, { write, dirty: dirty || gathered.dirty });
      return `ptepSetAccessFlags ${page}`;
    }
    case 3: {
      /* mprotect: clear and set each page of a run. */
      const write = random(2) === 0;
      for (let i = 0; i < nr; i++) {
        const old = pgtable.ptepModifyProtStart(vma, s.va(page + i), s.at(page + i));
        oracle.unfold(page + i);
        const before = oracle.pages[page + i]!;
        oracle.clear(page + i, 1);
        const next = { ...before, write };
        pgtable.ptepModifyProtCommit(vma, s.va(page + i), s.at(page + i), old, encode(next, s.page));
        oracle.setOne(page + i, next);
      }
      return `mprotect ${page}x${nr} ${write}`;
    }
    case 4: {
      /* The CPU sets AF, or dirty where WRITE allows it, in one entry of the block. */
      const dirty = state.write && random(2) === 0;
      const entry = s.raw(page) | AF;
      pgtable.rawSet(s.at(page), dirty ? entry & ~RDONLY : entry);
      state.young = true;
      state.dirty ||= dirty;
      return `hardware ${page} ${dirty}`;
    }
    case 5: {
      const got = pgtable.getAndClearFullPtes(mm, s.va(page), s.at(page), nr, false);
      const expected = oracle.pages.slice(page, page + nr).map((_, i) => oracle.gather(page + i));
      expect((got & AF) !== 0n, "young gathered").to.equal(expected.some(({ young }) => young));
      oracle.clear(page, nr);
      return `getAndClearFullPtes ${page}x${nr}`;
    }
    case 6: {
      const young = pgtable.ptepTestAndClearYoung(vma, s.va(page), s.at(page));
      expect(young).to.equal(oracle.gather(page).young);
      oracle.clearFlags(page, 1, true, false);
      return `ptepTestAndClearYoung ${page}`;
    }
    case 7: {
      const young = pgtable.ptepClearFlushYoung(vma, s.va(page), s.at(page));
      expect(young).to.equal(oracle.gather(page).young);
      oracle.clearFlags(page, 1, true, false);
      return `ptepClearFlushYoung ${page}`;
    }
    default: {
      const clear = { young: true, dirty: random(2) === 0 };
      pgtable.clearYoungDirtyPtes(vma, s.va(page), s.at(page), nr, clear);
      oracle.clearFlags(page, nr, true, clear.dirty);
      return `clearYoungDirtyPtes ${page}x${nr} ${clear.dirty}`;
    }
  }
}

/** Entries, gathered values and the checker agree with the oracle. */
function compare(oracle: Oracle, s: Subject): void {
  let present = 0;
  oracle.pages.forEach((state, page) => {
    const found = s.decode(page);
    const cont = oracle.folded[Math.floor(page / oracle.n)]!;
    const same =
      state === undefined
        ? found === undefined
        : found?.frame === state.frame && found.write === state.write && found.young === state.young && found.dirty === state.dirty && found.cont === cont;
    if (!same) expect(found, `page ${page}`).to.deep.equal(state && { ...state, cont });
    if (state === undefined) return;
    present++;
    if (page % 5 !== 0) return;
    const gathered = s.sys.pgtable.ptepGet(s.at(page));
    const { young, dirty } = oracle.gather(page);
    if (((gathered & AF) !== 0n) !== young || isDirty(gathered) !== dirty) expect.fail(`gathered ${page}: young ${young}, dirty ${dirty}, got 0x${gathered.toString(16)}`);
  });
  s.mm.rss[1] = present;
  checkMm(s.mm);
}

describe("contpte: random operations", () => {
  for (const name of ["4k", "16k", "64k"] as const) {
    for (const contpte of [true, false]) {
      it(`agree with the oracle (${name}, contpte ${contpte ? "on" : "off"})`, () => {
        const random = seededRandom(2);
        let folds = 0;
        const rounds = name === "16k" ? 4 : 12;
        // Long enough that blocks were folded, however the dice fall; a layer that never folds still fails.
        for (let round = 0; round < rounds || (contpte && folds === 0 && round < 60); round++) {
          const s = new Subject(name, contpte);
          const oracle = new Oracle(N[name], contpte, (frame) => s.folios.find(({ first, nr }) => frame >= first && frame < first + nr)!);
          const history: string[] = [];
          for (let i = 0; i < 120; i++) {
            history.push(step(random, oracle, s, true));
            try {
              compare(oracle, s);
            } catch (error) {
              throw new Error(`after ${history.slice(-8).join("; ")}: ${String(error)}`, { cause: error });
            }
          }
          folds += s.sys.pgtable.counters.fold + s.sys.pgtable.counters.setPtesBlocks;
        }
        expect(folds > 0, "blocks were folded").to.equal(contpte);
      });
    }

    it(`give the same pages with and without the layer, and never lose young or dirty (${name})`, () => {
      const rounds = name === "16k" ? 3 : 10;
      for (let round = 0; round < rounds; round++) {
        const subjects = [true, false].map((contpte) => {
          const random = seededRandom(100 + round);
          const s = new Subject(name, contpte);
          const oracle = new Oracle(N[name], contpte, (frame) => s.folios.find(({ first, nr }) => frame >= first && frame < first + nr)!);
          for (let i = 0; i < 60; i++) step(random, oracle, s, false);
          return s;
        });
        const [on, off] = subjects as [Subject, Subject];
        for (let page = 0; page < BLOCKS * N[name]; page++) {
          const [a, b] = [on.decode(page), off.decode(page)];
          expect(a && [a.frame, a.write], `round ${round} page ${page}`).to.deep.equal(b && [b.frame, b.write]);
          const gathered = on.sys.pgtable.ptepGet(on.at(page));
          if (b?.young) expect((gathered & AF) !== 0n, `young of page ${page}`).to.equal(true);
          if (b?.dirty) expect(isDirty(gathered), `dirty of page ${page}`).to.equal(true);
        }
      }
    });
  }
});
