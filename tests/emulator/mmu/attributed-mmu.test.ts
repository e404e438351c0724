/**
 * Attribution changes nothing and loses nothing: the hierarchy counts what it counts alone, every miss is handed over once, with its PC, its
 * entry and its cause. The causes are checked against a reference that keeps lists of pages.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import { AttributedMmu } from "../../../emulator/mmu/attributed-mmu.js";
import type { Miss } from "../../../emulator/mmu/attributed-mmu.js";
import { corePreset, parseCore } from "../../../emulator/mmu/cores.js";
import type { CorePreset } from "../../../emulator/mmu/cores.js";
import { Mmu } from "../../../emulator/mmu/mmu.js";
import type { Tlb } from "../../../emulator/mmu/tlb.js";
import { exactFilterPages } from "../../../emulator/mmu/tlb-policy.js";
import type { Tlbi } from "../../../emulator/mmu/tlbi.js";
import { seededAssert } from "../../support/seed.js";
import { TraceFilter, plainTrace } from "../../support/filtered-trace.js";
import { PageTables } from "./page-table-builder.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const CONT = 1n << 52n;
/** Writable, executable at EL0, clean (AP[2] set, DBM set), AF set. */
const CLEAN = 0x0028_0000_0000_0fc3n;
const ZERO = { instructions: 0, loads: 0, stores: 0 };

interface Bench {
  readonly mmu: Mmu;
  readonly attributed: AttributedMmu;
  readonly misses: Miss[];
  readonly marks: { readonly page: number; readonly pc: number; readonly walkCycles: number }[];
}

function make(tables: PageTables, core: CorePreset): Bench {
  const g = granule(tables.granuleName, tables.vaBits);
  const mmu = new Mmu({ core, memory: tables.memory, granule: g, updatesDescriptors: true, seed: 1, fastAfter: 0 });
  const misses: Miss[] = [];
  const marks: Bench["marks"] = [];
  const pcs = Float64Array.from({ length: 4096 }, (_, i) => 0x40_0000 + 4 * i);
  const attributed = new AttributedMmu({
    mmu,
    granule: g,
    pcs: () => pcs,
    missed: (miss) => misses.push({ ...miss }),
    marked: (page, pc, walkCycles) => marks.push({ page, pc, walkCycles }),
  });
  attributed.setRegime(tables.regime());
  return { mmu, attributed, misses, marks };
}

function words(records: readonly (readonly [page: number, access: number])[]): Uint32Array {
  return Uint32Array.from(records.flatMap(([page, access]) => [page % 2 ** 32, Math.floor(page / 2 ** 32) * 4 + access]));
}

/** 64 single pages, 4 runs of 16 pages (page 64 on), one 2 MiB block (page 512 on). */
function mapped(): PageTables {
  const tables = new PageTables("4k", 48, 64 * 2 ** 20);
  for (let page = 0; page < 64; page++) tables.map(page * 4096, 3, CLEAN | BigInt(0x80_0000 + ((page * 5) % 64) * 4096));
  for (let page = 64; page < 128; page++) tables.map(page * 4096, 3, CLEAN | CONT | BigInt(0x90_0000 + page * 4096));
  tables.map(512 * 4096, 2, (CLEAN & ~2n) | 0x200_0000n);
  return tables;
}

/** A small machine: everything happens within a few hundred touches. */
const SMALL = parseCore(
  JSON.stringify({ name: "small", base: "neoverse-n1", l1d: { entries: 8, ways: 2 }, l1i: { entries: 4, ways: "full" }, l2: [{ entries: 16, ways: 4 }] }),
);

describe("AttributedMmu", () => {
  it("hands over each miss with page, PC, access, entry and cost", () => {
    const { attributed, misses, marks, mmu } = make(mapped(), corePreset("neoverse-n1"));
    attributed.consume(words([[3, READ], [70, READ], [71, WRITE], [600, FETCH], [3, READ], [3, WRITE]]), 6);
    expect(misses.map(({ page, pc, access, kind, order, cause, walked }) => [page, pc - 0x40_0000, access, kind, order, cause, walked])).to.deep.equal([
      [3, 0, READ, "page", 0, "cold", true],
      [70, 4, READ, "contiguous", 4, "cold", true],
      [600, 12, FETCH, "block", 9, "cold", true],
    ]);
    expect(marks.map(({ page, pc }) => [page, pc - 0x40_0000])).to.deep.equal([[71, 8], [3, 20]]);
    const cycles = [...misses, ...marks].reduce((sum, { walkCycles }) => sum + walkCycles, 0);
    expect(cycles).to.equal(mmu.stats(ZERO).walkCycles);
  });

  it("an entry of a structure that splits blocks is a splinter, neighbours in one entry are coalesced", () => {
    const pages = make(mapped(), corePreset("qemu"));
    pages.attributed.consume(words([[600, READ], [70, READ]]), 2);
    expect(pages.misses.map(({ kind, order }) => [kind, order])).to.deep.equal([["splintered", 0], ["page", 0]]);
    const tables = new PageTables();
    for (let page = 0; page < 4; page++) tables.map(page * 4096, 3, CLEAN | BigInt(0x80_0000 + page * 4096));
    const coalescing = make(tables, parseCore(JSON.stringify({ name: "grouping", base: "neoverse-n1", l1d: { coalescedPages: 4 } })));
    coalescing.attributed.consume(words([[1, READ], [2, READ]]), 2);
    expect(coalescing.misses.map(({ kind, cause }) => [kind, cause])).to.deep.equal([["coalesced", "cold"]]);
  });

  it("L1 and L2 have causes of their own", () => {
    const { attributed, misses } = make(mapped(), SMALL);
    const round = Array.from({ length: 12 }, (_, page) => [page, READ] as const);
    attributed.consume(words([...round, ...round]), 24);
    const again = misses.slice(12);
    expect(again.length).to.be.greaterThan(0);
    for (const { cause, walked } of again) {
      expect(walked).to.equal(false);
      expect(cause).to.equal("capacity");
    }
  });

  it("a change of ASID on a core that cannot tell them apart invalidates", () => {
    const tables = mapped();
    const { attributed, misses } = make(tables, corePreset("qemu"));
    attributed.consume(words([[3, READ]]), 1);
    attributed.setRegime(tables.regime({ asid: 2 }));
    attributed.setRegime(tables.regime({ asid: 1 }));
    attributed.consume(words([[3, READ]]), 1);
    expect(misses.map(({ cause }) => cause)).to.deep.equal(["cold", "invalidated"]);
  });

  it("random touches and maintenance: counts as alone, causes as the reference says", () => {
    const page = fc.oneof(fc.nat(15), fc.nat(127), fc.integer({ min: 512, max: 1023 }));
    const step = fc.oneof(
      { weight: 12, arbitrary: fc.record({ touches: fc.array(fc.tuple(page, fc.constantFrom(FETCH, READ, READ, WRITE)), { minLength: 1, maxLength: 40 }) }) },
      { weight: 3, arbitrary: fc.record({ first: page, nr: fc.constantFrom(1, 1, 16, 200), op: fc.constantFrom("vale1is" as const, "vae1is" as const, "rvale1is" as const, "aside1is" as const), level: fc.constantFrom(undefined, undefined, 3 as const) }) },
      { weight: 1, arbitrary: fc.record({ asid: fc.constantFrom(1, 2) }) },
    );
    seededAssert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom("small", "qemu", "cortex-a76", "cortex-a72"), (steps, name) => {
        const core = name === "small" ? SMALL : corePreset(name);
        const [alone, watched] = [mapped(), mapped()];
        const plain = new Mmu({ core, memory: alone.memory, granule: granule("4k", 48), updatesDescriptors: true, seed: 1, fastAfter: 0 });
        plain.setRegime(alone.regime());
        const { mmu, attributed, misses, marks } = make(watched, core);
        const reference = new Reference(mmu.l1d, core.l1d.entries);
        const expected: string[] = [];
        for (const each of steps) {
          if ("touches" in each) {
            for (const touch of each.touches) {
              const expectCause = touch[1] === FETCH ? undefined : reference.before(touch[0]);
              attributed.consume(words([touch]), 1);
              if (touch[1] !== FETCH) reference.after(touch[0]);
              if (expectCause !== undefined) expected.push(expectCause);
            }
            plain.consume(words(each.touches), each.touches.length);
          } else if ("asid" in each) {
            const flushed = core.flushOnAsidChange && reference.asid !== each.asid;
            reference.maintain(() => attributed.setRegime(watched.regime({ asid: each.asid })), () => flushed);
            reference.asid = each.asid;
            plain.setRegime(alone.regime({ asid: each.asid }));
          } else {
            const { first, nr, op, level } = each;
            const operation: Tlbi = { op, asid: reference.asid as Asid, start: (first * 4096) as Va, end: ((first + (op === "rvale1is" ? nr : 1)) * 4096) as Va, level };
            reference.maintain(
              () => attributed.tlbi(operation),
              (entry) => core.maintenanceFlushesL1 || (entry.asid === operation.asid && (op === "aside1is" || (entry.end * 4096 > operation.start && entry.start * 4096 < operation.end && (level === undefined || level === entry.level)))),
            );
            plain.tlbi(operation);
          }
        }
        expect(mmu.stats(ZERO)).to.deep.equal(plain.stats(ZERO));
        expect([...mmu.l1d]).to.deep.equal([...plain.l1d]);
        const stats = plain.stats(ZERO);
        expect(misses.filter(({ access }) => access === FETCH).length).to.equal(stats.l1i.misses);
        expect(misses.filter(({ access }) => access !== FETCH).length).to.equal(stats.l1d.misses);
        expect(misses.filter(({ walked }) => walked).length).to.equal(stats.walks - stats.updateWalks);
        expect([...misses, ...marks].reduce((sum, { walkCycles }) => sum + walkCycles, 0)).to.equal(stats.walkCycles);
        if (core.l1d.coalescedPages === 1) expect(misses.filter(({ access }) => access !== FETCH).map(({ cause }) => cause)).to.deep.equal(expected);
      }),
      150,
    );
  });

  it("a filtered trace: the same misses with the same causes as with every access", () => {
    const page = fc.oneof(fc.nat(9), fc.nat(127), fc.integer({ min: 512, max: 1023 }));
    const touches = fc.array(fc.record({ page, access: fc.constantFrom(FETCH, READ, READ, WRITE) }), { minLength: 1, maxLength: 60 });
    const step = fc.record({ touches, maintain: fc.boolean(), first: page, asid: fc.constantFrom(1, 1, 2) });
    seededAssert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.constantFrom("small", "cortex-a76", "cortex-a35", "qemu"), (steps, name) => {
        const core = name === "small" ? SMALL : corePreset(name);
        const filter = new TraceFilter({ data: exactFilterPages(core.l1d), code: exactFilterPages(core.l1i) });
        const [all, less] = [mapped(), mapped()].map((tables) => ({ tables, ...make(tables, core) })) as [ReturnType<typeof make> & { tables: PageTables }, ReturnType<typeof make> & { tables: PageTables }];
        for (const each of steps) {
          for (const [rig, trace] of [[all, plainTrace(each.touches)], [less, filter.trace(each.touches)]] as const) rig.attributed.consume(trace, trace.length / 2);
          if (!each.maintain) continue;
          const leaving = filter.leave();
          less.attributed.consume(leaving, leaving.length / 2);
          for (const { attributed, tables } of [all, less]) {
            attributed.tlbi({ op: "vale1is", asid: 1 as Asid, start: (each.first * 4096) as Va, end: ((each.first + 1) * 4096) as Va, level: undefined });
            attributed.setRegime(tables.regime({ asid: each.asid }));
          }
        }
        const shown = ({ misses }: typeof all): string[] => misses.map(({ pc: _, ...miss }) => JSON.stringify(miss));
        expect(shown(less)).to.deep.equal(shown(all));
        expect(less.mmu.stats(ZERO)).to.deep.equal(all.mmu.stats(ZERO));
      }),
      150,
    );
  });
});

interface Held {
  readonly asid: number;
  readonly start: number;
  readonly end: number;
  readonly level: number;
}

/** Causes by lists: what the structure holds is read out before and after, the fully associative one is a list, the most recent last. */
class Reference {
  asid = 1;
  private list: Held[] = [];
  /** Per address space and page: how its last entry went, "held" while it has one or was evicted. */
  private readonly history = new Map<string, "held" | "taken">();

  constructor(
    private readonly tlb: Tlb,
    private readonly entries: number,
  ) {}

  private contents(): Held[] {
    return [...this.tlb].map(({ asid, start, end, level }) => ({ asid, start: start / 4096, end: end / 4096, level }));
  }

  private covers(page: number): (entry: Held) => boolean {
    return ({ asid, start, end }) => asid === this.asid && page >= start && page < end;
  }

  /** The cause if touching the page misses. */
  before(page: number): string | undefined {
    if (this.contents().some(this.covers(page))) return undefined;
    const history = this.history.get(`${this.asid}/${page}`);
    if (history === undefined) return "cold";
    if (history === "taken") return "invalidated";
    return this.list.some(this.covers(page)) ? "conflict" : "capacity";
  }

  after(page: number): void {
    const entry = this.list.find(this.covers(page)) ?? this.contents().find(this.covers(page))!;
    this.list = [...this.list.filter((other) => other !== entry), entry].slice(-this.entries);
    const real = this.contents().find(this.covers(page))!;
    for (let each = real.start; each < real.end; each++) this.history.set(`${this.asid}/${each}`, "held");
  }

  maintain(act: () => void, matches: (entry: Held) => boolean): void {
    const before = this.contents();
    act();
    const left = new Set(this.contents().map((entry) => JSON.stringify(entry)));
    const gone = [...before.filter((entry) => !left.has(JSON.stringify(entry))), ...this.list.filter(matches)];
    this.list = this.list.filter((entry) => !matches(entry));
    for (const { asid, start, end } of gone) {
      for (let page = start; page < end; page++) if (this.history.has(`${asid}/${page}`)) this.history.set(`${asid}/${page}`, "taken");
    }
  }
}
