/**
 * PCs beside the trace of the Unicorn engine: every miss of a TLB is put down to the very instruction that made the access.
 *
 * Random guest programs whose accesses, and the instructions that make them, are known because the test has written them.
 */
import { expect } from "chai";
import fc from "fast-check";
import { createUnicornEngine } from "../../../emulator/engine/unicorn.js";
import type { UnicornEngine } from "../../../emulator/engine/unicorn.js";
import { decodeRecord, EngineBench, type TraceRecord } from "../../support/engine-bench.js";
import { isOfCode, plainTouch, simulate } from "../../support/filtered-tlb.js";
import { seededAssert } from "../../support/seed.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const CODE = 0x10000;
const DATA = 0x4000_0000;
const PAGE = 4096;
const POINTERS = 20;

interface TouchOf extends TraceRecord {
  readonly pc: number;
}

/** Misses and first writes of a fully associative LRU of `entries` pages, as `kind page@pc`. */
function eventsOf(entries: number, records: readonly TouchOf[]): string[] {
  return simulate({ sets: 1, ways: entries, tree: false }, records.filter((record) => !isOfCode(record)), ({ page, pc }) => `${page}@${pc.toString(16)}`);
}

function withEngine(filterPages: number, tracePcs: boolean, body: (made: EngineBench<UnicornEngine>, touches: TouchOf[]) => void): void {
  const made = new EngineBench((memory) => createUnicornEngine(memory, { pageSize: PAGE, trace: true, filterPages, tracePcs }), { bytes: 2 ** 20 });
  const touches: TouchOf[] = [];
  const { engine } = made;
  engine.setTraceSink((words, count) => {
    for (let i = 0; i < count; i++) {
      touches.push({ ...decodeRecord(words[2 * i]!, words[2 * i + 1]!), pc: engine.tracePcs?.[i] ?? NaN });
    }
  });
  try {
    body(made, touches);
  } finally {
    engine.dispose();
  }
}

const steps = fc.array(
  fc.record({
    pointer: fc.nat(POINTERS - 1),
    kind: fc.constantFrom("ldr", "ldr", "str", "ldp", "stp", "ldrb", "strh", "ldr q", "ldxr", "ldadd", "dc zva", "nop", "svc"),
    cross: fc.boolean(),
  }),
  { minLength: 5, maxLength: 60 },
);
const pages = fc.array(fc.nat(30), { minLength: POINTERS, maxLength: POINTERS });

/** Text of one instruction and the accesses that it makes (page 0 or 1 behind the pointer's). Pointers stand 16 bytes before a page's end. */
function instruction(kind: string, register: string, cross: boolean): { readonly text: string; readonly accesses: readonly (readonly [page: 0 | 1, access: number])[] } {
  const second = cross ? 1 : 0;
  switch (kind) {
    case "ldr":
    case "str": {
      const access = kind === "ldr" ? READ : WRITE;
      const text = cross ? `${kind === "ldr" ? "ldur" : "stur"} x25, [${register}, #12]` : `${kind} x25, [${register}]`;
      return { text, accesses: cross ? [[0, access], [1, access]] : [[0, access]] };
    }
    case "ldp":
    case "stp": {
      const access = kind === "ldp" ? READ : WRITE;
      return { text: `${kind} x25, x26, [${register}${cross ? ", #8" : ""}]`, accesses: [[0, access], [second, access]] };
    }
    case "ldrb":
      return { text: `ldrb w25, [${register}, #${cross ? 16 : 0}]`, accesses: [[second, READ]] };
    case "strh":
      return { text: `strh w25, [${register}, #${cross ? 16 : 0}]`, accesses: [[second, WRITE]] };
    case "ldr q":
      return { text: `ldr q3, [${register}]`, accesses: [[0, READ]] };
    case "ldxr":
      return { text: `ldxr x25, [${register}]`, accesses: [[0, READ]] };
    case "ldadd":
      return { text: `ldadd x26, x25, [${register}]`, accesses: [[0, READ], [0, WRITE]] };
    case "dc zva":
      return { text: `dc zva, ${register}`, accesses: [[0, WRITE]] };
    case "svc":
      return { text: "svc #0", accesses: [] };
    default:
      return { text: "nop", accesses: [] };
  }
}

describe("PCs of trace records", () => {
  for (const [filterPages, entries] of [[1, 1], [1, 6], [4, 4], [4, 9]] as const) {
    it(`${filterPages} filter pages: every miss and first write of ${entries} entries has the PC of its instruction`, () => {
      seededAssert(
        fc.property(steps, pages, fc.integer({ min: 1, max: 4 }), (program, layout, rounds) => {
          withEngine(filterPages, true, (made, touches) => {
            const lines: string[] = [];
            const truth: TouchOf[] = [];
            program.forEach(({ pointer, kind, cross }, i) => {
              const { text, accesses } = instruction(kind, `x${1 + pointer}`, cross);
              lines.push(text);
              for (const [behind, access] of accesses) truth.push({ ...plainTouch(DATA / PAGE + layout[pointer]! + behind, access), pc: CODE + 4 * i });
            });
            made.code(CODE, `1: ${lines.join("\n")}\n subs x27, x27, #1\n b.ne 1b\n brk #0`);
            made.set({ 27: rounds });
            for (const [index, page] of layout.entries()) made.set({ [1 + index]: DATA + page * PAGE + PAGE - 16 });
            for (const page of new Set(layout.flatMap((each) => [each, each + 1]))) made.data(DATA + page * PAGE);
            while (made.go().reason === "svc");
            expect(made.engine.registers.x(27)).to.equal(0n);
            const all = Array.from({ length: rounds }, () => truth).flat();
            expect(eventsOf(entries, touches)).to.deep.equal(eventsOf(entries, all));
          });
        }),
        60,
      );
    });
  }

  it("a fetch carries the first instruction of the block, above 4 GiB too", () => {
    withEngine(4, true, (made, touches) => {
      const high = 0xffff_8000_0000;
      made.code(high, "nop\n b 1f\n.balign 4096\n nop\n1: nop\n svc #0");
      made.go();
      const fetches = touches.filter(({ access }) => access === FETCH).map(({ page, pc }) => [page, pc]);
      // The first block twice: it starts again after the miss on its own page has been answered.
      expect(fetches.at(0)).to.deep.equal([high / PAGE, high]);
      expect(fetches.at(-1)).to.deep.equal([high / PAGE + 1, high + PAGE + 4]);
    });
  });

  it("execution goes on unchanged: sums over pages are the same with and without PCs", () => {
    const run = (tracePcs: boolean): { readonly sum: bigint; readonly instructions: number; readonly loads: number } => {
      let result = { sum: 0n, instructions: 0, loads: 0 };
      withEngine(1, tracePcs, (made) => {
        made.code(CODE, "1: ldr x3, [x1]\n add x1, x1, #2040\n add x2, x2, x3\n str x2, [x1]\n bl 2f\n subs x4, x4, #1\n b.ne 1b\n svc #0\n2: ldr x5, [x6]\n add x2, x2, x5\n ret");
        const at = made.data(DATA, 40);
        for (let i = 0; i < 40 * PAGE; i++) made.memory.u8[at + i] = (i * 7) & 255;
        made.set({ 1: DATA, 2: 0, 4: 60, 6: DATA + 39 * PAGE });
        expect(made.go().reason).to.equal("svc");
        result = { sum: made.engine.registers.x(2), instructions: made.engine.counters.instructions, loads: made.engine.counters.loads };
      });
      return result;
    };
    expect(run(true)).to.deep.equal(run(false));
  });

  it("are absent unless asked for", () => {
    withEngine(4, false, (made) => {
      expect(made.engine.tracePcs).to.equal(undefined);
    });
  });
});
