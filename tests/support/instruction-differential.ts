/**
 * Runs instructions on both engines from the same state and compares everything: exit, registers, vectors, flags, FPSR, memory, counters, trace.
 *
 * A page of code is filled with test cases, each followed by SVC; every case runs from its own random state. What the two engines leave in
 * memory stays for the next case, so memory is random too.
 */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { CONTEXT_WORDS, PERM_EXEC, PERM_READ, PERM_WRITE, type Engine, type Exit } from "../../emulator/engine/engine.js";
import { createUnicornEngine } from "../../emulator/engine/unicorn.js";
import type { Encoding } from "../../emulator/engine/wasm/decode/encoding.js";
import { ENGINE_BYTES } from "../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../emulator/engine/wasm/wasm-engine.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";

const PAGE = 4096;
const RAM = 1 << 20;
const CODE_PA = 0x10000;
export const CODE_VA = 0x40_0000;
const DATA_PA = 0x20000;
/** Four pages, the last read-only; nothing is mapped behind them. */
export const DATA_VA = 0x50_0000;
const DATA_PAGES = 4;
const SVC = 0xd400_0001;
/** No case executes more: a branch may find its way through other cases. */
const BUDGET = 1000;

const FPCR_BITS = 0x07c8_0000;
const FPSR_BITS = 0x0800_009f;

/** A small generator of random numbers with a seed (mulberry32). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** 32 bits, unsigned. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  bits64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}

const INTEGERS = [0n, 1n, 2n, 7n, 63n, 64n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];
/** Zeros, ones, smallest and largest numbers, infinities, NaNs quiet and signalling. */
const DOUBLES = [
  0n, 1n << 63n, 0x3ff0_0000_0000_0000n, 0xbff0_0000_0000_0000n, 0x4000_0000_0000_0000n, 1n, 0x000f_ffff_ffff_ffffn, 0x0010_0000_0000_0000n, 0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n, 0x7ff8_0000_0000_1234n, 0x7ff0_0000_0000_0001n, 0xfff4_0000_0000_5678n, 0x43e0_0000_0000_0000n, 0x41df_ffff_ffc0_0000n, 0x3fe0_0000_0000_0000n, 0x4330_0000_0000_0000n,
];
const SINGLES = [
  0n, 0x8000_0000n, 0x3f80_0000n, 0xbf80_0000n, 0x4000_0000n, 1n, 0x007f_ffffn, 0x0080_0000n, 0x7f7f_ffffn, 0x7f80_0000n, 0xff80_0000n, 0x7fc0_0000n, 0x7fc0_1234n, 0x7f80_0001n, 0xffa0_5678n, 0x4f00_0000n, 0x3f00_0000n, 0x4b00_0000n,
];
const HALVES = [0n, 0x8000n, 0x3c00n, 0xbc00n, 1n, 0x03ffn, 0x0400n, 0x7bffn, 0x7c00n, 0xfc00n, 0x7e00n, 0x7e12n, 0x7c01n, 0xfd56n, 0x3800n];

function integer(random: Random): bigint {
  switch (random.below(6)) {
    case 0:
    case 1:
      return BigInt(DATA_VA + random.below(DATA_PAGES * PAGE + 64) - 32);
    case 2:
      return BigInt(DATA_VA + PAGE * random.below(DATA_PAGES) + 8 * random.below(PAGE / 8));
    case 3:
      return random.pick(INTEGERS);
    case 4:
      return BigInt(random.next() >>> random.below(32));
    default:
      return random.bits64();
  }
}

function vectorWord(random: Random): bigint {
  const single = (): bigint => (random.below(2) === 0 ? random.pick(SINGLES) : BigInt(random.next()));
  switch (random.below(5)) {
    case 0:
      return random.pick(DOUBLES);
    case 1:
      return (single() << 32n) | single();
    case 2:
      return Array.from({ length: 4 }, () => random.pick(HALVES)).reduce((word, half) => (word << 16n) | half, 0n);
    case 3: {
      // A number of ordinary size.
      const exponent = BigInt(1023 - 40 + random.below(80));
      return (BigInt(random.below(2)) << 63n) | (exponent << 52n) | (random.bits64() & 0x000f_ffff_ffff_ffffn);
    }
    default:
      return random.bits64();
  }
}

/** A random register file; the PC is set by the harness. */
export function randomContext(random: Random): BigUint64Array {
  const words = new BigUint64Array(CONTEXT_WORDS);
  for (let n = 0; n < 32; n++) words[n] = integer(random);
  words[33] = BigInt(random.next() & 0xf000_0000) & 0xf000_0000n;
  words[34] = random.below(2) === 0 ? 0n : BigInt((random.next() & FPCR_BITS) >>> 0);
  words[35] = random.below(2) === 0 ? 0x10n : BigInt((random.next() & FPSR_BITS) >>> 0);
  words[36] = random.bits64();
  for (let n = 37; n < CONTEXT_WORDS; n++) words[n] = vectorWord(random);
  return words;
}

/** A random word of a row of the decode table; undefined if none was found that is legal. */
export function randomWord(row: Encoding, random: Random): number | undefined {
  for (let attempt = 0; attempt < 256; attempt++) {
    const word = ((random.next() & ~row.mask) | row.value) >>> 0;
    if (row.legal(word)) return word;
  }
  return undefined;
}

interface Side {
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  readonly trace: number[];
}

function side(memory: PhysicalMemory, create: (memory: PhysicalMemory, options: { pageSize: number; trace: boolean }) => Engine): Side {
  const engine = create(memory, { pageSize: PAGE, trace: true });
  const trace: number[] = [];
  engine.setTraceSink((words, count) => {
    for (let i = 0; i < 2 * count; i++) trace.push(words[i]!);
  });
  engine.installTranslation(CODE_VA as Va, CODE_PA as Pa, PERM_READ | PERM_EXEC);
  for (let page = 0; page < DATA_PAGES; page++) {
    // Neighbours at virtual addresses are none in RAM.
    const pa = DATA_PA + 2 * PAGE * (DATA_PAGES - page);
    engine.installTranslation((DATA_VA + page * PAGE) as Va, pa as Pa, page === DATA_PAGES - 1 ? PERM_READ : PERM_READ | PERM_WRITE);
  }
  return { memory, engine, trace };
}

export interface Difference {
  readonly words: readonly number[];
  /** "what: unicorn / wasm", one line each. */
  readonly lines: readonly string[];
}

const NAMES = [...Array.from({ length: 31 }, (_, n) => `X${n}`), "SP", "PC", "NZCV", "FPCR", "FPSR", "TPIDR_EL0"];

function registerName(word: number): string {
  return NAMES[word] ?? `V${(word - 37) >> 1}.D[${(word - 37) & 1}]`;
}

function exitText(exit: Exit): string {
  return JSON.stringify(exit);
}

export class InstructionDifferential {
  private readonly sides: readonly [Side, Side];
  private readonly random: Random;
  private readonly contexts = [new BigUint64Array(CONTEXT_WORDS), new BigUint64Array(CONTEXT_WORDS)] as const;

  constructor(random: Random) {
    this.random = random;
    this.sides = [side(new PhysicalMemory(RAM), createUnicornEngine), side(new PhysicalMemory(RAM, ENGINE_BYTES), createWasmEngine)];
    const [a, b] = this.sides;
    for (let word = DATA_PA / 8; word < DATA_PA / 8 + (2 * PAGE * (DATA_PAGES + 1)) / 8; word++) {
      const value = vectorWord(random);
      a.memory.u64[word] = value;
      b.memory.u64[word] = value;
    }
  }

  /**
   * Runs each case, a few instructions, from a random state, or from `contexts` where given. Returns what differs; afterwards both
   * sides are equal again.
   */
  run(cases: readonly (readonly number[])[], contexts?: readonly BigUint64Array[]): Difference[] {
    const differences: Difference[] = [];
    for (let first = 0; first < cases.length; ) {
      const starts: number[] = [];
      let at = 0;
      let last = first;
      for (const { memory } of this.sides) memory.u32.fill(SVC, CODE_PA / 4, (CODE_PA + PAGE) / 4);
      for (; last < cases.length && at + cases[last]!.length + 1 <= PAGE / 4; last++) {
        starts.push(at);
        for (const { memory } of this.sides) memory.u32.set(cases[last]!, CODE_PA / 4 + at);
        at += cases[last]!.length + 1;
      }
      for (const { engine } of this.sides) engine.discardCode((CODE_PA / PAGE) as never);
      for (let i = first; i < last; i++) {
        const lines = this.runOne(CODE_VA + 4 * starts[i - first]!, contexts?.[i] ?? randomContext(this.random));
        if (lines.length > 0) differences.push({ words: cases[i]!, lines });
      }
      first = last;
    }
    return differences;
  }

  private runOne(pc: number, context: BigUint64Array): string[] {
    context[32] = BigInt(pc);
    const results = this.sides.map(({ engine, trace }, i) => {
      trace.length = 0;
      const before = [engine.counters.instructions, engine.counters.loads, engine.counters.stores];
      engine.restoreContext(context);
      const exit = engine.run(BUDGET);
      engine.saveContext(this.contexts[i]!);
      const { instructions, loads, stores } = engine.counters;
      return { exit: exitText(exit), counts: [instructions, loads, stores].map((count, k) => count - before[k]!).join(), trace: trace.join() };
    });
    const [mine, theirs] = [results[0]!, results[1]!];
    const lines: string[] = [];
    for (const key of ["exit", "counts", "trace"] as const) if (mine[key] !== theirs[key]) lines.push(`${key}: ${mine[key]} / ${theirs[key]}`);
    const [a, b] = this.contexts;
    for (let word = 0; word < CONTEXT_WORDS; word++) {
      if (a[word] !== b[word]) lines.push(`${registerName(word)}: ${a[word]!.toString(16)} / ${b[word]!.toString(16)}`);
    }
    this.compareMemory(lines);
    return lines;
  }

  private compareMemory(lines: string[]): void {
    const bytes = 2 * PAGE * (DATA_PAGES + 1);
    const [a, b] = this.sides.map(({ memory }) => Buffer.from(memory.memory.buffer, DATA_PA, bytes)) as [Buffer, Buffer];
    if (a.equals(b)) return;
    for (let at = 0; at < bytes; at += 8) {
      const [x, y] = [a.readBigUInt64LE(at), b.readBigUInt64LE(at)];
      if (x !== y) lines.push(`[${(DATA_PA + at).toString(16)}]: ${x.toString(16)} / ${y.toString(16)}`);
    }
    a.copy(b);
  }

  dispose(): void {
    for (const { engine } of this.sides) engine.dispose();
  }
}

/**
 * `count` random instructions of the rows, in turns, each alone. `except` names words whose difference is known and explained.
 * Returns the differences with their rows' names (the first 20), and how often each row was run.
 */
export function differ(rows: readonly Encoding[], count: number, seed: number, except: (word: number) => boolean = () => false): { readonly differences: string[]; readonly runs: ReadonlyMap<string, number> } {
  const random = new Random(seed);
  const pair = new InstructionDifferential(random);
  const runs = new Map<string, number>();
  const names = new Map<number, string>();
  const cases: number[][] = [];
  for (let i = 0; cases.length < count && i < 2 * count + 100; i++) {
    const row = rows[i % rows.length]!;
    const word = randomWord(row, random);
    if (word === undefined || except(word)) continue;
    runs.set(row.name, (runs.get(row.name) ?? 0) + 1);
    names.set(word, row.name);
    cases.push([word]);
  }
  try {
    const differences = pair.run(cases).map(({ words, lines }) => `${words.map((word) => `${names.get(word) ?? "?"} ${word.toString(16).padStart(8, "0")}`).join("; ")}\n    ${lines.join("\n    ")}`);
    return { differences: differences.slice(0, 20), runs };
  } finally {
    pair.dispose();
  }
}
