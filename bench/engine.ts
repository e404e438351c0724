/**
 * Micro benchmark of an engine without a kernel: what an exit costs, what an access costs, with and without the trace.
 *
 * Run: tsx bench/engine.ts [--engine unicorn] [--runs N]. Each figure is the best of N runs; the machine should be idle.
 */
import { parseArgs } from "node:util";
import type { Pa, Va } from "../emulator/arch/addr.js";
import type { Engine, EngineOptions } from "../emulator/engine/engine.js";
import { createUnicornEngine } from "../emulator/engine/unicorn.js";
import { PhysicalMemory } from "../emulator/memory/physical-memory.js";

const PAGE = 4096;
const CODE = 0x10000;
const DATA = 0x4000_0000;
const MiB = 2 ** 20;
const PERM_RW = 3;
const PERM_RX = 5;

/** Machine code; the assembly stands beside each word. */
const COMPUTE = [
  0xf9400005, // 1: ldr x5, [x0]
  0xf9000405, //    str x5, [x0, #8]
  0x8b0500c6, //    add x6, x6, x5
  0xca0600e7, //    eor x7, x7, x6
  0x91000d08, //    add x8, x8, #3
  0x8a070109, //    and x9, x8, x7
  0xaa06012a, //    orr x10, x9, x6
  0xcb09014b, //    sub x11, x10, x9
  0x9100056c, //    add x12, x11, #1
  0xf1000442, //    subs x2, x2, #1
  0x54fffec1, //    b.ne 1b
  0xd4000001, //    svc #0
];
const SCAN = [
  0xf8408405, // 1: ldr x5, [x0], #8
  0x8b0500c6, //    add x6, x6, x5
  0xf1000442, //    subs x2, x2, #1
  0x54ffffa1, //    b.ne 1b
  0xd4000001, //    svc #0
];
const RANDOM = [
  0xca033463, // 1: eor x3, x3, x3, lsl #13
  0xca431c63, //    eor x3, x3, x3, lsr #7
  0xca034463, //    eor x3, x3, x3, lsl #17
  0x8a010064, //    and x4, x3, x1
  0xf8646805, //    ldr x5, [x0, x4]
  0x8b0500c6, //    add x6, x6, x5
  0xf1000442, //    subs x2, x2, #1
  0x54ffff21, //    b.ne 1b
  0xd4000001, //    svc #0
];
const SVC = [
  0xd4000001, // 1: svc #0
  0x17ffffff, //    b 1b
];

interface Work {
  readonly name: string;
  readonly code: readonly number[];
  readonly iterations: number;
  /** Bytes of data, consecutive from DATA. */
  readonly bytes: number;
}

const WORK: readonly Work[] = [
  { name: "compute: 11 instructions, 2 accesses, one page", code: COMPUTE, iterations: 20e6, bytes: PAGE },
  { name: "scan of 256 MiB", code: SCAN, iterations: (256 * MiB) / 8, bytes: 256 * MiB },
  { name: "random over 256 KiB", code: RANDOM, iterations: 20e6, bytes: MiB / 4 },
  { name: "random over 2 MiB", code: RANDOM, iterations: 60e6, bytes: 2 * MiB },
  { name: "random over 256 MiB", code: RANDOM, iterations: 20e6, bytes: 256 * MiB },
];

type Make = (memory: PhysicalMemory, options: EngineOptions) => Engine;
const ENGINES: Readonly<Record<string, Make>> = { unicorn: createUnicornEngine };

const nowNs = (): number => Number(process.hrtime.bigint());

function load(memory: PhysicalMemory, engine: Engine, code: readonly number[]): void {
  memory.u32.set(code, CODE / 4);
  engine.discardCode((CODE / PAGE) as never);
  engine.installTranslation(CODE as Va, CODE as Pa, PERM_RX);
  engine.registers.pc = BigInt(CODE);
}

const frameOf = (va: number): Pa => (MiB + va - DATA) as Pa;

/** Nanoseconds of the best run, all pages installed beforehand. */
function measure(engine: Engine, work: Work, runs: number): number {
  let best = Infinity;
  for (let run = 0; run <= runs; run++) {
    const { registers } = engine;
    registers.pc = BigInt(CODE);
    registers.setX(0, BigInt(DATA));
    registers.setX(1, BigInt(work.bytes - 8));
    registers.setX(2, BigInt(run === 0 ? 1000 : work.iterations));
    registers.setX(3, 88172645463325252n);
    const start = nowNs();
    const exit = engine.run(Infinity);
    const spent = nowNs() - start;
    if (exit.reason !== "svc") throw new Error(`${work.name}: ${JSON.stringify(exit)}`);
    if (run > 0) best = Math.min(best, spent);
  }
  return best;
}

function throughput(make: Make, runs: number): void {
  for (const [mode, trace, filterPages] of [["trace off", false, 1], ["trace, 1 page held", true, 1], ["trace, 2 pages held", true, 2], ["trace, 4 pages held", true, 4], ["trace, 8 pages held", true, 8]] as const) {
    console.log(`\n${mode}`);
    for (const work of WORK) {
      const memory = new PhysicalMemory(512 * MiB);
      const engine = make(memory, { pageSize: PAGE, trace, filterPages });
      let records = 0;
      engine.setTraceSink((_words, count) => {
        records += count;
      });
      load(memory, engine, work.code);
      for (let va = DATA; va < DATA + work.bytes; va += PAGE) engine.installTranslation(va as Va, frameOf(va), PERM_RW);
      const before = { ...{ i: engine.counters.instructions, a: engine.counters.loads + engine.counters.stores } };
      const best = measure(engine, work, runs);
      const total = 1000 + runs * work.iterations;
      const instructions = ((engine.counters.instructions - before.i) / total) * work.iterations;
      const accesses = ((engine.counters.loads + engine.counters.stores - before.a) / total) * work.iterations;
      console.log(
        `  ${work.name.padEnd(50)} ${((instructions / best) * 1000).toFixed(0).padStart(5)} MIPS ${(best / accesses).toFixed(2).padStart(7)} ns/access` +
          ` ${(records / total).toFixed(3).padStart(7)} records/iteration`,
      );
      engine.dispose();
    }
  }
}

/** Nanoseconds per event of `body`, which handles `count` of them; the best of `runs`. */
function perEvent(name: string, count: number, runs: number, body: () => void): void {
  let best = Infinity;
  for (let run = 0; run < runs; run++) {
    const start = nowNs();
    body();
    best = Math.min(best, nowNs() - start);
  }
  console.log(`  ${name.padEnd(50)} ${(best / count).toFixed(0).padStart(6)} ns`);
}

function exits(make: Make, runs: number): void {
  console.log("\nexits, with trace");
  const memory = new PhysicalMemory(512 * MiB);
  const events = 20_000;
  const engine = make(memory, { pageSize: PAGE, trace: true });
  load(memory, engine, SVC);
  perEvent("svc, resume", events, runs, () => {
    for (let n = 0; n < events; n++) engine.run(Infinity);
  });
  perEvent("svc, X8 read, X0 written, resume", events, runs, () => {
    for (let n = 0; n < events; n++) {
      engine.run(Infinity);
      engine.registers.setX(0, engine.registers.x(8));
    }
  });
  const context = new BigUint64Array(101);
  engine.saveContext(context);
  perEvent("svc, save and restore of a context, resume", events, runs, () => {
    for (let n = 0; n < events; n++) {
      engine.run(Infinity);
      engine.saveContext(context);
      engine.restoreContext(context);
    }
  });
  perEvent("budget of one instruction", events / 10, runs, () => {
    for (let n = 0; n < events / 10; n++) engine.run(1);
  });
  load(memory, engine, SCAN);
  perEvent("translation miss, install, resume (512 accesses)", events, runs, () => {
    engine.invalidateAll();
    engine.installTranslation(CODE as Va, CODE as Pa, PERM_RX);
    engine.registers.pc = BigInt(CODE);
    engine.registers.setX(0, BigInt(DATA));
    engine.registers.setX(2, BigInt((events * PAGE) / 8));
    for (;;) {
      const exit = engine.run(Infinity);
      if (exit.reason !== "translation-miss") break;
      const page = exit.va - (exit.va % PAGE);
      engine.installTranslation(page as Va, frameOf(page), PERM_RW);
    }
  });
  perEvent("install alone", events, runs, () => {
    for (let n = 0; n < events; n++) engine.installTranslation((DATA + n * PAGE) as Va, frameOf(DATA + n * PAGE), PERM_RW);
  });
  perEvent("invalidatePage", events, runs, () => {
    for (let n = 0; n < events; n++) engine.invalidatePage((DATA + n * PAGE) as Va);
  });
  engine.dispose();
  perEvent("engine made and disposed of", 20, runs, () => {
    for (let n = 0; n < 20; n++) make(memory, { pageSize: PAGE, trace: true }).dispose();
  });
}

const { values } = parseArgs({ options: { engine: { type: "string", default: "unicorn" }, runs: { type: "string", default: "5" } } });
const make = ENGINES[values.engine];
if (make === undefined) throw new Error(`no engine ${values.engine}; there is ${Object.keys(ENGINES).join(", ")}`);
exits(make, Number(values.runs));
throughput(make, Number(values.runs));
