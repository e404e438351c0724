/**
 * The trace of the Unicorn engine: its filter changes nothing that a TLB sees.
 *
 * Random guest programs of loads and stores, whose true accesses are known because the test has written them. A simulated
 * TLB is fed once with all of them and once with the trace, as engine.ts says that it is read; what it does (misses, first
 * writes to an entry) must be the same list.
 */
import { expect } from "chai";
import fc from "fast-check";
import { createUnicornEngine } from "../../../emulator/engine/unicorn.js";
import type { UnicornEngine } from "../../../emulator/engine/unicorn.js";
import { EngineBench, OWN_DIRTY, R, W } from "../../support/engine-bench.js";
import { LEAVE, type TraceRecord } from "../../support/engine-bench.js";
import { isOfCode, plainTouch, simulate, type TlbShape } from "../../support/filtered-tlb.js";
import { seededAssert } from "../../support/seed.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const CODE = 0x10000;
const DATA = 0x4000_0000;
const PAGE = 4096;
/** Registers that hold addresses: x1 to x24. */
const POINTERS = 24;

/** One access of the random program. `offset` near the end of the page makes it cross. */
interface Step {
  readonly pointer: number;
  readonly kind: "ldr" | "str" | "ldp" | "stp" | "svc";
  readonly cross: boolean;
}

/** A TLB under test. */
interface Policy extends TlbShape {
  readonly name: string;
}

/** Orders of entries, the same for all pages of an entry, by a random number. */
function ordersBy(random: number): (page: number) => number {
  return (page) => [0, 1, 2, 3][(Math.imul(Math.floor(page / 8) + 1, 0x9e3779b1) ^ random) >>> 7 & 3]!;
}

/** A limit on held pages. */
interface Limit extends TlbShape {
  readonly orderOf: (page: number) => number;
}

/** At most `ways` of the pages lie in entries of one set. */
function checkLimit({ sets, ways, orderOf }: Limit, pages: readonly number[]): void {
  const entries = new Set(pages.map((page) => `${Math.floor(page / 2 ** orderOf(page))}:${orderOf(page)}`));
  for (let set = 0; set < sets; set++) expect([...entries].filter((entry) => Number(entry.split(":")[0]) % sets === set).length).to.be.at.most(ways);
}

/** The records of data (of code) follow the rules of the contract: at most `depth` pages are held, each once, and none when the run is over. */
function checkHeld(records: readonly TraceRecord[], depth: number, first: number, limit?: Limit): void {
  const held = new Map<number, { readonly page: number; written: boolean }>();
  for (const { page, access, held: number } of records) {
    if (number === 0) {
      const [entry] = [...held.values()].filter((each) => each.page === page);
      expect([access, entry?.written], `page ${page}`).to.deep.equal([WRITE, false]);
      entry!.written = true;
      continue;
    }
    expect(number, "number").to.be.within(first, first + depth - 1);
    if (access === LEAVE) {
      expect([page, held.delete(number)]).to.deep.equal([0, true]);
      continue;
    }
    // Free numbers come first, but for that of a page that has to leave.
    if (limit === undefined) expect(held.has(number) && held.size < depth).to.equal(false);
    held.delete(number);
    expect([...held.values()].filter((each) => each.page === page)).to.deep.equal([]);
    held.set(number, { page, written: access === WRITE });
    if (limit !== undefined) checkLimit(limit, [...held.values()].map((each) => each.page));
  }
  expect(held.size).to.equal(0);
}

/** Run the steps `rounds` times on an engine; returns the true accesses and the trace. */
function execute(made: EngineBench<UnicornEngine>, steps: readonly Step[], pages: readonly number[], rounds: number, perms = R | W): { truth: TraceRecord[]; trace: TraceRecord[] } {
  const lines: string[] = [];
  const truth: TraceRecord[] = [];
  for (const { pointer, kind, cross } of steps) {
    const register = `x${1 + (pointer % POINTERS)}`;
    const page = DATA / PAGE + pages[pointer % POINTERS]!;
    if (kind === "svc") {
      lines.push("svc #0");
      continue;
    }
    const pair = kind === "ldp" || kind === "stp";
    const access = kind.startsWith("ld") ? READ : WRITE;
    // Pointers stand 16 bytes before the end of their page; [p, #12] crosses in the middle of a word.
    lines.push(pair ? `${kind} x25, x26, [${register}${cross ? ", #8" : ""}]` : `${kind} x25, [${register}${cross ? ", #12" : ""}]`.replace("ldr x25", "ldur x25").replace("str x25", "stur x25"));
    truth.push(plainTouch(page, access));
    if (cross || pair) truth.push(plainTouch(cross ? page + 1 : page, access));
  }
  made.code(CODE, `1: ${lines.join("\n")}\n subs x27, x27, #1\n b.ne 1b\n brk #0`);
  made.set({ 27: rounds });
  for (const [index, page] of pages.entries()) made.set({ [1 + index]: DATA + page * PAGE + PAGE - 16 });
  for (const page of new Set(pages.flatMap((each) => [each, each + 1]))) made.data(DATA + page * PAGE, 1, perms);
  while (made.go().reason === "svc");
  expect(made.engine.registers.x(27)).to.equal(0n);
  return { truth: Array.from({ length: rounds }, () => truth).flat(), trace: made.records.filter((record) => !isOfCode(record)) };
}

const steps = fc.array(
  fc.record({
    pointer: fc.oneof(fc.nat(POINTERS - 1), fc.nat(3)),
    kind: fc.constantFrom("ldr" as const, "ldr" as const, "ldr" as const, "str" as const, "ldp" as const, "stp" as const, "svc" as const),
    cross: fc.boolean(),
  }),
  { minLength: 5, maxLength: 60 },
);
const pages = fc.array(fc.nat(30), { minLength: POINTERS, maxLength: POINTERS });

function withEngine(filterPages: number, body: (made: EngineBench<UnicornEngine>) => void, fetchPages = 1, limit?: Limit): void {
  const limits = limit === undefined ? {} : { filterLimit: limit, fetchLimit: limit };
  const made = new EngineBench((memory) => createUnicornEngine(memory, { pageSize: PAGE, trace: true, filterPages, fetchPages, ...limits }), { bytes: 2 ** 20 });
  if (limit !== undefined) made.orders = (page) => ({ data: limit.orderOf(page), code: limit.orderOf(page) });
  try {
    body(made);
  } finally {
    made.engine.dispose();
  }
}

/** Pages of code, of twelve, and whether the run ends there. */
const hopping = fc.array(fc.tuple(fc.nat(11), fc.boolean()), { minLength: 5, maxLength: 60 });

/** Each hop goes to code of its own on its page. Returns the true fetches and the trace of code. */
function hop(made: EngineBench<UnicornEngine>, hops: readonly (readonly [number, boolean])[]): { truth: TraceRecord[]; trace: TraceRecord[] } {
  const pagesOfCode: string[][] = Array.from({ length: 12 }, () => ["nop"]);
  for (const [index, [page, ends]] of hops.entries()) pagesOfCode[page]!.push(`h${index}: ${ends ? "svc #0\n" : ""}b h${index + 1}`);
  pagesOfCode[0]!.push(`h${hops.length}: brk #0`);
  made.code(CODE, `b h0\n${pagesOfCode.map((lines) => lines.join("\n")).join("\n.balign 4096\n")}`);
  while (made.go().reason === "svc");
  return { truth: [0, ...hops.map(([page]) => page), 0].map((page) => plainTouch(CODE / PAGE + page, FETCH)), trace: made.records.filter(isOfCode) };
}

describe("trace of the unicorn engine", () => {
  // For each depth the TLBs for which engine.ts says that it is exact, down to the smallest.
  const cases: readonly (readonly [depth: number, policies: readonly Policy[]])[] = [
    [1, [{ name: "direct-mapped", sets: 4, ways: 1, tree: false }, { name: "2-way", sets: 3, ways: 2, tree: false }, { name: "2-way tree", sets: 2, ways: 2, tree: true }, { name: "8-way tree", sets: 1, ways: 8, tree: true }, { name: "48 entries", sets: 1, ways: 48, tree: false }]],
    [2, [{ name: "2-way", sets: 4, ways: 2, tree: false }, { name: "2 entries", sets: 1, ways: 2, tree: false }, { name: "3-way", sets: 2, ways: 3, tree: false }]],
    [3, [{ name: "3 entries", sets: 1, ways: 3, tree: false }, { name: "4-way", sets: 2, ways: 4, tree: false }]],
    [4, [{ name: "4-way", sets: 3, ways: 4, tree: false }, { name: "4 entries", sets: 1, ways: 4, tree: false }, { name: "5-way", sets: 4, ways: 5, tree: false }, { name: "48 entries", sets: 1, ways: 48, tree: false }]],
    [8, [{ name: "8-way", sets: 2, ways: 8, tree: false }, { name: "10 entries", sets: 1, ways: 10, tree: false }]],
    [16, [{ name: "16-way", sets: 2, ways: 16, tree: false }, { name: "16 entries", sets: 1, ways: 16, tree: false }, { name: "17 entries", sets: 1, ways: 17, tree: false }]],
    [32, [{ name: "32-way", sets: 2, ways: 32, tree: false }]],
  ];
  for (const [depth, policies] of cases) {
    it(`${depth} filter pages: ${policies.map((policy) => policy.name).join(", ")} see what they would see without`, () => {
      seededAssert(
        fc.property(steps, pages, fc.integer({ min: 1, max: 4 }), (program, layout, rounds) => {
          withEngine(depth, (made) => {
            const { truth, trace } = execute(made, program, layout, rounds);
            checkHeld(trace, depth, 1);
            for (const policy of policies) expect(simulate(policy, trace), policy.name).to.deep.equal(simulate(policy, truth));
          });
        }),
        60,
      );
    });
  }

  for (const [depth, sets, ways] of [[2, 2, 1], [3, 4, 1], [5, 2, 2], [8, 4, 2], [10, 2, 3], [10, 4, 4], [16, 4, 3], [32, 2, 4], [32, 4, 1]] as const) {
    it(`${depth} filter pages, ${ways} in each of ${sets} sets: TLBs of such sets, or of more, see what they would see without`, () => {
      seededAssert(
        fc.property(steps, pages, fc.integer({ min: 1, max: 4 }), fc.integer(), (program, layout, rounds, random) => {
          const limit: Limit = { sets, ways, tree: false, orderOf: ordersBy(random) };
          withEngine(depth, (made) => {
            const { truth, trace } = execute(made, program, layout, rounds);
            checkHeld(trace, depth, 1, limit);
            for (const shape of [limit, { ...limit, ways: ways + 1 }, { ...limit, sets: 2 * sets }, { ...limit, sets: 1, ways: depth }]) {
              expect(simulate(shape, trace), `${shape.sets} x ${shape.ways}`).to.deep.equal(simulate(shape, truth));
            }
          }, 1, limit);
        }),
        60,
      );
    });
  }

  for (const depth of [1, 4, 32]) {
    it(`${depth} filter pages, each with a dirty state of its own: a TLB whose writes mark the tables sees what it would see without, in fewer records`, () => {
      const [small, large]: readonly TlbShape[] = [{ sets: 1, ways: depth, tree: false, marksTables: true }, { sets: 1, ways: depth + 3, tree: false, marksTables: true }];
      let saved = 0;
      seededAssert(
        fc.property(steps, pages, fc.integer({ min: 1, max: 4 }), (program, layout, rounds) => {
          withEngine(depth, (made) => {
            const { truth, trace } = execute(made, program, layout, rounds, R | W | OWN_DIRTY);
            checkHeld(trace, depth, 1);
            for (const shape of [small!, large!]) expect(simulate(shape, trace)).to.deep.equal(simulate(shape, truth));
            const written = trace.filter(({ access, held }) => access === WRITE && held === 0).map(({ page }) => page);
            expect(new Set(written).size, "first writes are recorded once").to.equal(written.length);
            withEngine(depth, (other) => {
              saved += execute(other, program, layout, rounds).trace.length - trace.length;
            });
          });
        }),
        60,
      );
      expect(saved).to.be.greaterThan(0);
    });
  }

  it("a loop over as many pages as the filter holds makes no records", () => {
    for (const [used, expected] of [[4, 4], [5, 500]] as const) {
      withEngine(4, (made) => {
        const registers = Array.from({ length: used }, (_, index) => index + 1);
        made.code(CODE, `1: ${registers.map((register) => `ldr x0, [x${register}]`).join("\n")}\n subs x27, x27, #1\n b.ne 1b\n svc #0`);
        for (const register of registers) {
          made.data(DATA + register * PAGE);
          made.set({ [register]: DATA + register * PAGE });
        }
        made.set({ 27: 1 });
        made.go();
        made.trace = [];
        made.engine.registers.pc = BigInt(CODE);
        made.set({ 27: 100 });
        made.go();
        expect(made.trace.filter((touch) => touch.access === READ).length).to.equal(expected);
      });
    }
  });

  it("records have the number of the page that comes in, in place of the one that was used least recently", () => {
    withEngine(2, (made) => {
      made.data(DATA, 3);
      made.set({ 1: DATA, 2: DATA + PAGE, 3: DATA + 2 * PAGE });
      made.code(CODE, "ldr x0, [x1]\n ldr x0, [x2]\n ldr x0, [x1]\n str x0, [x2]\n ldr x0, [x1]\n ldr x0, [x3]\n svc #0");
      // The second time all is granted.
      made.go();
      made.engine.registers.pc = BigInt(CODE);
      made.records = [];
      made.go();
      const data = DATA / PAGE;
      expect(made.records).to.deep.equal([
        { page: CODE / PAGE, access: FETCH, held: 128 },
        { page: data, access: READ, held: 1 },
        { page: data + 1, access: READ, held: 2 },
        { page: data + 1, access: WRITE, held: 0 },
        { page: data + 2, access: READ, held: 2 },
        { page: 0, access: LEAVE, held: 1 },
        { page: 0, access: LEAVE, held: 2 },
        { page: 0, access: LEAVE, held: 128 },
      ]);
    });
  });

  describe("the test can fail", () => {
    const layout = Array.from({ length: POINTERS }, (_, index) => index * 2);
    const small: Policy = { name: "2 entries", sets: 1, ways: 2, tree: false };
    const reads = (pointers: readonly number[]): Step[] => pointers.map((pointer) => ({ pointer, kind: "ldr", cross: false }));

    it("a filter deeper than the ways loses misses", () => {
      withEngine(4, (made) => {
        const { truth, trace } = execute(made, reads([0, 1, 2]), layout, 4);
        expect(simulate(small, trace).length).to.be.lessThan(simulate(small, truth).length);
      });
    });

    it("a filter that knows a wrong order of an entry holds too many in a set", () => {
      const shape = { sets: 2, ways: 1, tree: false };
      const limit: Limit = { ...shape, orderOf: () => 1 };
      withEngine(4, (made) => {
        const { truth, trace } = execute(made, reads([0, 1, 2]), layout, 4);
        expect(simulate(limit, trace)).to.deep.equal(simulate(limit, truth));
        expect(simulate(shape, trace)).to.include("no victim");
        expect(simulate(shape, trace)).to.not.deep.equal(simulate(shape, truth));
      }, 1, limit);
    });

    it("who finds pages clean again that it has written hears of it no more", () => {
      const written: Step[] = [{ pointer: 0, kind: "ldr", cross: false }, { pointer: 0, kind: "str", cross: false }, ...reads([1, 2, 3])];
      withEngine(1, (made) => {
        const { truth, trace } = execute(made, written, layout, 3, R | W | OWN_DIRTY);
        expect(simulate({ ...small, marksTables: true }, trace)).to.deep.equal(simulate({ ...small, marksTables: true }, truth));
        expect(simulate(small, trace)).to.not.deep.equal(simulate(small, truth));
      });
    });

    it("who does not see pages leave has another order, and other victims", () => {
      withEngine(2, (made) => {
        const { truth, trace } = execute(made, reads([0, 1, 0, 2, 0, 1]), layout, 3);
        expect(simulate(small, trace)).to.deep.equal(simulate(small, truth));
        const blind = trace.filter(({ access }) => access !== LEAVE).map(({ page, access }) => plainTouch(page, access));
        expect(simulate(small, blind)).to.not.deep.equal(simulate(small, truth));
      });
    });
  });

  it("fetches: one record when the page of a block is another than that of the last block", () => {
    withEngine(4, (made) => {
      const far = "\n.balign 4096\n";
      made.code(CODE, `1: nop\n b 2f${far}2: subs x27, x27, #1\n b.eq 3f\n b 1b${far}3: svc #0`);
      made.set({ 27: 3 });
      made.go();
      const pagesFetched = made.trace.filter((touch) => touch.access === FETCH).map((touch) => touch.page - CODE / PAGE);
      expect(pagesFetched).to.deep.equal([0, 1, 0, 1, 0, 1, 2]);
    });
  });

  it("pages of code are held too, and the TLBs see what they would see without", () => {
    seededAssert(
      fc.property(hopping, fc.constantFrom(2, 4, 8), (hops, depth) => {
        withEngine(4, (made) => {
          const { truth, trace } = hop(made, hops);
          checkHeld(trace, depth, 128);
          for (const policy of [
            { name: "two sets", sets: 2, ways: depth, tree: false },
            { name: "one set", sets: 1, ways: depth, tree: false },
            { name: "one set, one more", sets: 1, ways: depth + 1, tree: false },
          ]) {
            const misses = simulate(policy, truth);
            expect(misses.length).to.be.at.least(1);
            expect(simulate(policy, trace), policy.name).to.deep.equal(misses);
          }
        }, depth);
      }),
      60,
    );
  });

  it("pages of code are held under a limit, and the TLBs see what they would see without", () => {
    seededAssert(
      fc.property(hopping, fc.constantFrom(...([[4, 2, 1], [8, 4, 2], [10, 2, 3], [12, 4, 1]] as const)), fc.integer(), (hops, [depth, sets, ways], random) => {
        const limit: Limit = { sets, ways, tree: false, orderOf: ordersBy(random) };
        withEngine(4, (made) => {
          const { truth, trace } = hop(made, hops);
          checkHeld(trace, depth, 128, limit);
          for (const policy of [limit, { ...limit, ways: ways + 1 }, { ...limit, sets: 2 * sets }, { ...limit, sets: 1, ways: depth }]) {
            const misses = simulate(policy, truth);
            expect(misses.length).to.be.at.least(1);
            expect(simulate(policy, trace), `${policy.sets} x ${policy.ways}`).to.deep.equal(misses);
          }
        }, depth, limit);
      }),
      60,
    );
  });

  it("fetches and data stand in program order, and exits start anew", () => {
    withEngine(4, (made) => {
      made.code(CODE, "ldr x0, [x1]\n b 1f\n.balign 4096\n1: str x0, [x2]\n svc #0\n ldr x0, [x1]\n brk #0");
      made.data(DATA, 2);
      made.set({ 1: DATA, 2: DATA + PAGE });
      made.go();
      const code = CODE / PAGE;
      const data = DATA / PAGE;
      // Each miss is an exit: the block starts again and is fetched again.
      expect(made.trace).to.deep.equal([
        { page: code, access: FETCH }, { page: code, access: FETCH }, { page: data, access: READ },
        { page: code + 1, access: FETCH }, { page: code + 1, access: FETCH }, { page: data + 1, access: WRITE },
      ]);
      made.trace = [];
      made.go();
      expect(made.trace).to.deep.equal([{ page: code + 1, access: FETCH }, { page: data, access: READ }]);
    });
  });

  it("a ring that fills up is handed over in order, more than once", () => {
    withEngine(1, (made) => {
      made.code(CODE, "1: ldr x0, [x1]\n ldr x0, [x2]\n subs x27, x27, #1\n b.ne 1b\n svc #0");
      made.data(DATA, 2);
      made.set({ 1: DATA, 2: DATA + PAGE, 27: 20000 });
      const drains = made.engine.counters.exits["trace-drain"]!;
      made.go();
      const reads = made.trace.filter((touch) => touch.access === READ).map((touch) => touch.page - DATA / PAGE);
      expect(reads.length).to.equal(40000);
      expect(reads.every((page, index) => page === index % 2)).to.equal(true);
      expect(made.engine.counters.exits["trace-drain"]! - drains).to.be.greaterThan(4);
    });
  });

  it("off: counters only", () => {
    const made = new EngineBench((memory) => createUnicornEngine(memory, { pageSize: PAGE, trace: false }));
    made.code(CODE, "ldr x0, [x1]\n str x0, [x1]\n svc #0");
    made.data(DATA);
    made.set({ 1: DATA });
    made.go();
    expect(made.trace).to.deep.equal([]);
    expect([made.engine.counters.loads, made.engine.counters.stores, made.engine.counters.instructions]).to.deep.equal([1, 1, 3]);
    made.engine.dispose();
  });
});
