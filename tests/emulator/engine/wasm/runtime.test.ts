/**
 * The runtime of the WebAssembly engine: random programs make the same records, exits and counts as on the reference engine.
 *
 * Loads, stores, pairs, exclusives and vectors over some pages, at their ends too; loops long enough to become regions; slices of random length;
 * pages that come and go between them; code that goes from page to page; limits on the held pages by the sets of their entries, of random orders. Records are compared whole, with the numbers of held pages.
 */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import type { Engine, EngineOptions } from "../../../../emulator/engine/engine.js";
import { createUnicornEngine } from "../../../../emulator/engine/unicorn.js";
import { ENGINE_BYTES } from "../../../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../../../emulator/engine/wasm/wasm-engine.js";
import type { PhysicalMemory } from "../../../../emulator/memory/physical-memory.js";
import { EngineBench, OWN_DIRTY, R, W, X } from "../../../support/engine-bench.js";
import { Random } from "../../../support/instruction-differential.js";
import { runSeed } from "../../../support/seed.js";

const CODE = 0x10ff0;
const DATA = 0x4000_0000;
const PAGES = 10;
/** Pages that are used at random: more than a filter holds. */
const FAR = 0x5000_0000;
const FAR_PAGES = 64;

const BODY = [
  "ldr x20, [xP]", "str x20, [xP, #8]", "ldp x20, x21, [xP]", "stp x20, x21, [xP, #-16]", "ldrb w20, [xP, #3]", "strh w20, [xP, #2]", "ldr q0, [xP]", "str q0, [xP, #16]",
  "ld2 {v0.8h, v1.8h}, [xP]", "st1 {v0.16b, v1.16b}, [xP]", "and x22, xP, #-8\n ldxr x20, [x22]\n stxr w23, x20, [x22]", "and x22, xP, #-8\n ldadd x20, x21, [x22]",
  "tbz x20, #2, 9f\n ldr x21, [xP]\n9:", "cmp x20, x21\n b.hi 9f\n str x20, [xP]\n9:", "bl 8f",
  "add x26, x26, x26, lsl #3\n add x26, x26, #77\n ubfx x22, x26, #9, #6\n add x22, x28, x22, lsl #12\n ldr x20, [x22]\n tbz x26, #16, 9f\n str x21, [x22]\n9:",
];

/** A program of some loops, on two pages of code. */
function program(random: Random): string {
  const lines: string[] = [];
  for (let loop = 0; loop < 3; loop++) {
    lines.push(` movz x19, #${1 + random.below(400)}`, `${10 + loop}:`);
    for (let n = 0; n < 2 + random.below(6); n++) lines.push(random.pick(BODY).replaceAll("xP", `x${1 + random.below(12)}`));
    lines.push(` add x${1 + random.below(12)}, x13, x19, lsl #${random.below(5)}`, ` subs x19, x19, #1`, ` b.ne ${10 + loop}b`);
  }
  return `${lines.join("\n")}\n svc #0\n8: add x24, x24, #1\n ldr x25, [x14]\n ret`;
}

type HeldOptions = Pick<EngineOptions, "filterPages" | "fetchPages" | "filterLimit" | "fetchLimit">;

/** Orders of entries at random, the same for all pages of an entry. */
function randomOrders(seed: number): (page: number) => { readonly data: number; readonly code: number } {
  const order = (page: number, kind: number): number => {
    const block = Math.imul(Math.floor(page / 8) + kind, 0x9e3779b1) ^ seed;
    return [0, 0, 1, 2, 3][(block >>> 9) % 5]!;
  };
  return (page) => ({ data: order(page, 0), code: order(page, 77) });
}

/** What an engine does with the program: exits, records and counts, in order. */
function history(make: (memory: PhysicalMemory, options: EngineOptions) => Engine, behind: number, source: string, seed: number, held: HeldOptions): string[] {
  const random = new Random(seed);
  const made = new EngineBench((memory) => make(memory, { pageSize: 4096, trace: true, ...held }), { behind, bytes: 2 ** 20 });
  made.orders = randomOrders(seed);
  made.code(CODE - 0xff0, `.zero 0xff0\n${source}`, R | X);
  made.engine.registers.pc = BigInt(CODE);
  for (let page = 0; page < PAGES; page++) made.data(DATA + page * 4096, 1, R | W | (random.below(2) * OWN_DIRTY));
  for (let page = 0; page < FAR_PAGES; page++) made.data(FAR + page * 4096, 1, R | W | (random.below(2) * OWN_DIRTY));
  made.set({ 28: FAR });
  for (let n = 1; n <= 14; n++) made.set({ [n]: DATA + 64 + 4096 * random.below(PAGES - 2) + (random.below(2) === 0 ? 4096 - random.below(40) : 8 * random.below(400)) });
  const events: string[] = [];
  for (let slice = 0; slice < 200; slice++) {
    const exit = made.go(random.below(3) === 0 ? 1 + random.below(5) : random.below(3000));
    events.push(`${JSON.stringify(exit)} ${made.engine.registers.pc} ${made.engine.registers.nzcv} ${Object.values(made.misses).map(({ va, access }) => `${va}:${access}`).join()}`);
    events.push(`${made.engine.counters.instructions} ${made.engine.counters.loads} ${made.engine.counters.stores}`);
    events.push(made.records.map(({ page, access, held }) => `${page}:${access}:${held}`).join(" "));
    made.records.length = 0;
    if (exit.reason === "svc") break;
    if (random.below(4) === 0) made.engine.invalidatePage((DATA + 4096 * random.below(PAGES)) as Va);
    if (random.below(12) === 0) made.engine.invalidateAll();
    if (random.below(12) === 0) made.changeSink();
  }
  for (let n = 0; n < 31; n++) events.push(`x${n} ${made.engine.registers.x(n)}`);
  made.engine.dispose();
  return events;
}

/** Pages of code, more than a filter holds. Each uses a page of data and goes on with a page of code, both at random. */
const HOP_PAGES = 64;
const HOPS = `${Array.from({ length: HOP_PAGES }, () => "add x26, x26, x26, lsl #3\n add x26, x26, #77\n ubfx x22, x26, #9, #6\n add x22, x28, x22, lsl #12\n ubfx x21, x26, #20, #6\n add x21, x29, x21, lsl #12\n ldr x20, [x21]\n tbz x26, #16, 1f\n str x20, [x21, #8]\n1: subs x27, x27, #1\n b.eq 9f\n br x22\n.balign 4096").join("\n")}\n9: svc #0`;

/** The records of a program that hops, run in parts of random length, some of which are several slices. */
function hops(make: (memory: PhysicalMemory, options: EngineOptions) => Engine, behind: number, seed: number, held: HeldOptions): string[] {
  const random = new Random(seed);
  const made = new EngineBench((memory) => make(memory, { pageSize: 4096, trace: true, ...held }), { behind, bytes: 2 ** 20 });
  made.orders = randomOrders(seed);
  made.code(CODE & ~0xfff, HOPS);
  for (let page = 0; page < FAR_PAGES; page++) made.data(FAR + page * 4096, 1, R | W | (random.below(2) * OWN_DIRTY));
  made.set({ 26: 1 + random.below(2 ** 30), 27: 40_000, 28: CODE & ~0xfff, 29: FAR });
  while (made.go(random.below(8) === 0 ? 1 + random.below(20) : random.below(random.below(4) === 0 ? 400_000 : 9000)).reason !== "svc");
  made.engine.dispose();
  return made.records.map(({ page, access, held }) => `${page}:${access}:${held}`);
}

describe("runtime of the wasm engine", () => {
  for (const [pages, sets, ways] of [[1, 1, 99], [2, 1, 99], [5, 1, 99], [32, 1, 99], [1, 2, 1], [4, 2, 1], [10, 4, 1], [10, 32, 5], [12, 4, 4], [32, 2, 3], [32, 16, 2], [32, 512, 1]] as const) {
    it(`the reference engine's records of data and code on many pages, ${pages} of them held, ${ways} in each of ${sets} sets`, () => {
      const seed = runSeed() + pages;
      const limit = { sets, ways };
      const held = { filterPages: pages, fetchPages: pages, filterLimit: limit, fetchLimit: limit };
      const reference = hops(createUnicornEngine, 0, seed, held);
      expect(reference.length).to.be.greaterThan(20_000);
      for (const coldRuns of [0, Infinity]) {
        const records = hops((memory, options) => createWasmEngine(memory, options, { coldRuns }), ENGINE_BYTES, seed, held);
        const differs = records.findIndex((record, index) => record !== reference[index]);
        expect(records.slice(differs - 20, differs + 5), `seed ${seed}, record ${differs}`).to.deep.equal(reference.slice(differs - 20, differs + 5));
        expect(records.length).to.equal(reference.length);
      }
    });
  }

  const most: readonly HeldOptions[] = [
    ...[[1, 1], [2, 32], [4, 1], [8, 2], [32, 32]].map(([filterPages, fetchPages]) => ({ filterPages: filterPages!, fetchPages: fetchPages! })),
    { filterPages: 10, fetchPages: 3, filterLimit: { sets: 4, ways: 2 } },
    { filterPages: 10, fetchPages: 10, filterLimit: { sets: 32, ways: 5 }, fetchLimit: { sets: 2, ways: 1 } },
  ];
  for (const held of most) {
    it(`the reference engine's records, ${JSON.stringify(held)}`, () => {
      const seed = runSeed() + held.filterPages!;
      const random = new Random(seed);
      for (let round = 0; round < 6; round++) {
        const source = program(random);
        const now = random.next();
        const reference = history(createUnicornEngine, 0, source, now, held);
        for (const coldRuns of [0, Infinity]) {
          const wasm = history((memory, options) => createWasmEngine(memory, options, { coldRuns }), ENGINE_BYTES, source, now, held);
          expect(wasm, `seed ${seed} round ${round}\n${source}`).to.deep.equal(reference);
        }
      }
    });
  }
});
