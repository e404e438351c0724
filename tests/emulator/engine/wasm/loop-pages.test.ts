/** Loops whose pages are in locals: random ones leave the records, counts and registers of the reference engine; budgets and stops end them where they end other code. */
import { expect } from "chai";
import type { Engine, EngineOptions } from "../../../../emulator/engine/engine.js";
import { createUnicornEngine } from "../../../../emulator/engine/unicorn.js";
import { ENGINE_BYTES } from "../../../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../../../emulator/engine/wasm/wasm-engine.js";
import type { PhysicalMemory } from "../../../../emulator/memory/physical-memory.js";
import { EngineBench } from "../../../support/engine-bench.js";
import { seededRandom } from "../../../support/seed.js";

const CODE = 0x10000;
const DATA = 0x4000_0000;
/** A page there has the entry of the page at DATA. */
const FAR = DATA + 1024 * 4096;
/** Pointers run round in windows of so many bytes, of which some share one. */
const WINDOW_BITS = 15;
/** Pages that the windows reach. */
const PAGES = 2 ** (WINDOW_BITS + 1) / 4096 + 2;
const LOOPS = 60;
/** All pages are asked for before: a miss inside a block would make others of it. */
const TOUCH = "3: ldr x10, [x16]\n str x10, [x16]\n add x16, x16, #1, lsl #12\n subs x17, x17, #1\n b.ne 3b\n";
const ACCESSES = [
  "ldr x10, [P]", "ldr x11, [P, #8]", "str x10, [P]", "ldrb w12, [P, #1]", "strh w10, [P, #6]", "ldp x10, x11, [P]", "stp x11, x12, [P, #16]", "ldr q1, [P]", "str q1, [P, #-16]",
  "ldrsw x12, [P], #4", "str x11, [P, #8]!", "ld1 {v2.16b, v3.16b}, [P]", "st1 {v2.8h}, [P]", "ldadd x10, x12, [x4]", "cas x10, x12, [x4]", "ldur x10, [P, #-3]",
] as const;

type Below = (bound: number) => number;

/** Two loops, one inside the other; the outer one reads, too. */
function source(below: Below): string {
  const lines = ["2: mov x0, x22", "1: eor x13, x10, x11"];
  for (let n = 1 + below(6); n > 0; n--) {
    const pointer = `x${1 + below(3)}`;
    lines.push(` ${ACCESSES[below(ACCESSES.length)]!.replaceAll("P", pointer)}`);
    if (below(3) === 0) lines.push(" add x13, x13, x10");
  }
  const strides = below(4) === 0 ? [0, 8, 1000, 4096] : [0, 1, 8, 24, 40, 64];
  for (const n of [1, 2, 3]) lines.push(` add x9, x${n}, #${strides[below(strides.length)]}`, ` and x9, x9, #${2 ** WINDOW_BITS - 1}`, ` orr x${n}, x9, x${22 + n}`);
  lines.push(" subs x0, x0, #1", " b.ne 1b", " ldr x14, [x20]", " subs x21, x21, #1", " b.ne 2b", " svc #0");
  return lines.join("\n");
}

function benchOf(make: (memory: PhysicalMemory) => Engine, behind: number, code: string, start: Readonly<Record<number, number>>): EngineBench<Engine> {
  const made = new EngineBench(make, { behind, bytes: 2 ** 20 });
  made.code(CODE, code);
  // What lies before and behind the windows is reached by offsets.
  made.data(DATA - 4096, PAGES);
  made.set(start);
  return made;
}

function state({ engine, records }: EngineBench<Engine>): unknown {
  const { instructions, loads, stores } = engine.counters;
  return { instructions, loads, stores, pc: engine.registers.pc, x: Array.from({ length: 31 }, (_, n) => engine.registers.x(n)), nrRecords: records.length };
}

function startOf(below: Below): Record<number, number> {
  const window = (): number => DATA + below(2) * 2 ** WINDOW_BITS;
  const inside = (): number => window() + 8 * below(2 ** WINDOW_BITS / 8);
  return { 1: inside(), 2: inside(), 3: inside(), 4: inside(), 20: inside(), 21: 1 + below(5), 22: 200 + below(4000), 23: window(), 24: window(), 25: window(), 16: DATA - 4096, 17: PAGES };
}

describe("loops whose pages are in locals", () => {
  it("random loops on few held pages, in one run and in many", function () {
    this.timeout(120_000);
    const below = seededRandom(31);
    for (let round = 0; round < LOOPS; round++) {
      const code = (below(4) === 0 ? "" : TOUCH) + source(below);
      const start = startOf(below);
      const options: EngineOptions = { pageSize: 4096, trace: true, filterPages: 1 + below(5), ...(below(3) === 0 ? { filterLimit: { sets: 2, ways: 1 + below(3) } } : {}) };
      const reference = benchOf((memory) => createUnicornEngine(memory, options), 0, code, start);
      const made = benchOf((memory) => createWasmEngine(memory, options, { regionsAtOnce: true }), ENGINE_BYTES, code, start);
      const budget = below(2) === 0 ? Infinity : 500 + below(20_000);
      for (let reason = ""; reason !== "svc";) {
        expect(reason).to.be.oneOf(["", "budget-spent"]);
        reason = reference.go(budget).reason;
        expect(made.go(budget).reason, code).to.equal(reason);
        expect(state(made), code).to.deep.equal(state(reference));
      }
      expect(made.records, code).to.deep.equal(reference.records);
      expect(Buffer.from(made.memory.u8.subarray(0, 2 ** 20)).equals(Buffer.from(reference.memory.u8.subarray(0, 2 ** 20))), code).to.equal(true);
      made.engine.dispose();
      reference.engine.dispose();
    }
  });

  it("a stop that is asked for when records are handed over ends the loop where it ends other code", () => {
    const below = seededRandom(32);
    let stops = 0;
    for (let round = 0; round < 6; round++) {
      // In the first loop each page comes in between rounds that look nothing up.
      const body = round === 0 ? `2: mov x0, x22\n1: ldr x10, [x1]\n add x9, x1, #128\n and x9, x9, #${2 ** WINDOW_BITS - 1}\n orr x1, x9, x23\n subs x0, x0, #1\n b.ne 1b\n svc #0` : source(below);
      const code = TOUCH + body;
      const start = { ...startOf(below), 22: round === 0 ? 600_000 : 20_000 };
      const options: EngineOptions = { pageSize: 4096, trace: true, filterPages: 1 };
      const benches = [{ coldRuns: 0 }, { regionsAtOnce: true }].map((tuning) => {
        const made = benchOf((memory) => createWasmEngine(memory, options, tuning), ENGINE_BYTES, code, start);
        made.engine.setTraceSink((_, count) => {
          if (count > 1000) made.engine.requestStop();
        });
        return made;
      });
      for (let reason = ""; reason !== "svc";) {
        expect(reason).to.be.oneOf(["", "stopped"]);
        reason = benches[0]!.go().reason;
        expect(benches[1]!.go().reason, code).to.equal(reason);
        expect(state(benches[1]!), code).to.deep.equal(state(benches[0]!));
        if (reason === "stopped") stops++;
      }
      for (const { engine } of benches) engine.dispose();
    }
    expect(stops).to.be.greaterThan(0);
  });

  /** Records of the reference engine, and of this one. */
  function recordsOf(code: string, filterPages: number, start: Readonly<Record<number, number>>): unknown[] {
    return [createUnicornEngine, (memory: PhysicalMemory, options: EngineOptions) => createWasmEngine(memory, options, { regionsAtOnce: true })].map((create, which) => {
      const made = new EngineBench<Engine>((memory) => create(memory, { pageSize: 4096, trace: true, filterPages }), { behind: which * ENGINE_BYTES, bytes: 2 ** 20 });
      made.code(CODE, TOUCH + code);
      made.data(DATA, PAGES);
      made.data(FAR, PAGES);
      made.set({ ...start, 16: DATA, 17: PAGES });
      expect(made.go().reason).to.equal("svc");
      made.engine.dispose();
      return made.records;
    });
  }

  it("two pages that share an entry of the table", () => {
    // The first goes to the other one's neighbour for a round now and then.
    const code = "ldr x10, [x2]\n ldr x10, [x7]\n1: tst x0, #63\n csel x8, x6, x7, eq\n ldr x10, [x1]\n ldr x10, [x2]\n ldr x11, [x8]\n subs x0, x0, #1\n b.ne 1b\n ldr x14, [x20]\n ldr x14, [x1]\n svc #0";
    for (const filterPages of [2, 3, 4]) {
      const [expected, records] = recordsOf(code, filterPages, { 0: 2000, 1: DATA, 2: FAR, 6: DATA + 0x3000, 7: DATA + 0x1000, 20: DATA + 0x8000 });
      expect(records, `${filterPages} pages`).to.deep.equal(expected);
    }
  });

  it("an access across pages before those that look nothing up", () => {
    // So many rounds read the next page, too, which is the least recent one when the last load needs room.
    const code = "1: cmp x0, x5\n csel x2, x6, x7, hi\n ldr x10, [x1]\n ldr x11, [x2]\n subs x0, x0, #1\n b.ne 1b\n ldr x14, [x20]\n ldr x14, [x1]\n svc #0";
    for (let across = 1; across < 40; across++) {
      const [expected, records] = recordsOf(code, 3, { 0: 100, 1: DATA, 2: DATA, 5: 100 - across, 6: DATA + 0x2ffc, 7: DATA + 0x2000, 20: DATA + 0x8000 });
      expect(records, `${across} rounds`).to.deep.equal(expected);
    }
  });
});
