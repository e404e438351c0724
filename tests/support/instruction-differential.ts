/**
 * Runs instructions on both engines from the same state and compares everything: exit, registers, vectors, flags, FPSR, memory, counters, trace.
 *
 * A page of code is filled with test cases, each followed by SVC; every case runs from its own random state. What the two engines leave in
 * memory stays for the next case, so memory is random too.
 */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { ACCESS_WRITE, CONTEXT_WORDS, PERM_EXEC, PERM_READ, PERM_WRITE, type Engine, type Exit } from "../../emulator/engine/engine.js";
import { createUnicornEngine } from "../../emulator/engine/unicorn.js";
import type { Encoding } from "../../emulator/engine/wasm/decode/encoding.js";
import { ENGINE_BYTES } from "../../emulator/engine/wasm/layout.js";
import { createWasmEngine, type WasmTuning } from "../../emulator/engine/wasm/wasm-engine.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { differenceByState, knownDifference } from "./known-differences.js";
import { aimAtData, CODE_VA, DATA_PAGES, DATA_VA, isLoadOrStore, PAGE, Random, randomContext, randomWord, vectorWord } from "./random-instructions.js";

export { CODE_VA, DATA_VA, Random, randomContext, randomWord };

const RAM = 1 << 20;
const CODE_PA = 0x10000;
const DATA_PA = 0x20000;
const SVC = 0xd400_0001;
/** No case executes more: a branch may find its way through other cases. */
const BUDGET = 1000;
/** Of a load or store: it moves vector registers. */
const VECTOR_BIT = 1 << 26;
const PC = 32;
/** A case that is run in slices has no more of them. */
const MAX_LEGS = 16;
/** First word of a context that belongs to a vector register. */
const VECTORS = 37;

interface Side {
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  readonly trace: number[];
}

function mapData(engine: Engine, page: number, perms: number): void {
  // Neighbours at virtual addresses are none in RAM.
  const pa = DATA_PA + 2 * PAGE * (DATA_PAGES - page);
  engine.installTranslation((DATA_VA + page * PAGE) as Va, pa as Pa, perms);
}

function inReadOnlyPage(va: number): boolean {
  return va >= DATA_VA + (DATA_PAGES - 1) * PAGE && va < DATA_VA + DATA_PAGES * PAGE;
}

function side(memory: PhysicalMemory, create: (memory: PhysicalMemory, options: { pageSize: number; trace: boolean }) => Engine): Side {
  const engine = create(memory, { pageSize: PAGE, trace: true });
  const trace: number[] = [];
  engine.setTraceSink((words, count) => {
    for (let i = 0; i < 2 * count; i++) trace.push(words[i]!);
  });
  engine.installTranslation(CODE_VA as Va, CODE_PA as Pa, PERM_READ | PERM_EXEC);
  for (let page = 0; page < DATA_PAGES; page++) mapData(engine, page, page === DATA_PAGES - 1 ? PERM_READ : PERM_READ | PERM_WRITE);
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

/** The ways in which the WebAssembly engine may go about code: at once, translated, translated as code that runs often. */
export const TUNINGS: readonly WasmTuning[] = [{ coldRuns: Infinity }, { coldRuns: 0 }, { regionsAtOnce: true }];

export class InstructionDifferential {
  private readonly sides: readonly [Side, Side];
  private readonly random: Random;
  /** The last run ended in a miss. */
  private missed = false;
  private readonly contexts = [new BigUint64Array(CONTEXT_WORDS), new BigUint64Array(CONTEXT_WORDS)] as const;

  /** `tuning`: how the WebAssembly engine goes about it. */
  constructor(random: Random, tuning: WasmTuning = { coldRuns: 0 }) {
    this.random = random;
    this.sides = [side(new PhysicalMemory(RAM), createUnicornEngine), side(new PhysicalMemory(RAM, ENGINE_BYTES), (memory, options) => createWasmEngine(memory, options, tuning))];
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
      for (; last < cases.length && at + cases[last]!.length + 1 < PAGE / 4; last++) {
        starts.push(at);
        for (const { memory } of this.sides) memory.u32.set(cases[last]!, CODE_PA / 4 + at);
        at += cases[last]!.length + 1;
      }
      for (const { engine } of this.sides) engine.discardCode((CODE_PA / PAGE) as Pfn);
      for (let i = first; i < last; i++) {
        const lines = this.runOne(CODE_VA + 4 * starts[i - first]!, contexts?.[i] ?? this.context(cases[i]!));
        if (lines.length > 0) differences.push({ words: cases[i]!, lines });
      }
      first = last;
    }
    return differences;
  }

  private context(words: readonly number[]): BigUint64Array {
    const context = randomContext(this.random);
    for (const word of words) {
      aimAtData(context, word, this.random);
      differenceByState(word)?.avoid?.(context);
    }
    return context;
  }

  /**
   * One case from its state to its end. One in eight is run a few instructions at a time; a store refused by the read-only page is often
   * allowed and started again.
   */
  private runOne(pc: number, context: BigUint64Array): string[] {
    if (this.missed) this.forgetMiss(context);
    context[PC] = BigInt(pc);
    for (const { engine } of this.sides) engine.restoreContext(context);
    const slice = this.random.below(8) === 0 ? 1 + this.random.below(5) : BUDGET;
    let opened = false;
    let lines: string[] = [];
    for (let leg = 0; leg < MAX_LEGS; leg++) {
      const exit = this.runLeg(slice, lines);
      if (lines.length > 0 || exit === undefined) {
        lines = lines.map((line) => `${leg === 0 ? "" : `run ${leg + 1}, `}${line}`);
        break;
      }
      if (exit.reason === "translation-miss" && exit.access === ACCESS_WRITE && !opened && inReadOnlyPage(exit.va) && this.random.below(4) !== 0) {
        opened = true;
        this.protect(PERM_READ | PERM_WRITE);
      } else if (exit.reason !== "budget-spent" || slice === BUDGET) break;
    }
    if (opened) this.protect(PERM_READ);
    return lines;
  }

  /** An engine may take an instruction at the PC of the last miss for its second attempt: lets both do something else, the last SVC of the page. */
  private forgetMiss(context: BigUint64Array): void {
    context[PC] = BigInt(CODE_VA + PAGE - 4);
    for (const { engine } of this.sides) {
      engine.restoreContext(context);
      engine.run(1);
    }
    this.missed = false;
  }

  /** Permissions of the last data page. */
  private protect(perms: number): void {
    for (const { engine } of this.sides) mapData(engine, DATA_PAGES - 1, perms);
  }

  /** Runs both engines on; adds to `lines` what differs. The common exit, or undefined if the case cannot go on. */
  private runLeg(budget: number, lines: string[]): Exit | undefined {
    const exits: Exit[] = [];
    const results = this.sides.map(({ engine, trace }, i) => {
      trace.length = 0;
      const before = [engine.counters.instructions, engine.counters.loads, engine.counters.stores];
      const exit = engine.run(budget);
      exits.push(exit);
      engine.saveContext(this.contexts[i]!);
      const { instructions, loads, stores } = engine.counters;
      return { exit: JSON.stringify(exit), counts: [instructions, loads, stores].map((count, k) => count - before[k]!).join(), trace: trace.join() };
    });
    const [mine, theirs] = [results[0]!, results[1]!];
    const [a, b] = this.contexts;
    const reason = exits[0]!.reason;
    this.missed = reason === "translation-miss";
    // QEMU's translator gives up on some undefined words: then no block has started and no fetch is recorded, and the end of a budget before them is not seen.
    if (reason === "undefined-instruction" && mine.trace === "") theirs.trace = "";
    const early = reason === "undefined-instruction" && exits[1]!.reason === "budget-spent" && a[PC] === b[PC];
    if (early) theirs.exit = mine.exit;
    for (const key of ["exit", "counts", "trace"] as const) if (mine[key] !== theirs[key]) lines.push(`${key}: ${mine[key]} / ${theirs[key]}`);
    const end = reason === "svc" || !this.standsOnVectorLoad() ? CONTEXT_WORDS : VECTORS;
    for (let word = 0; word < end; word++) {
      if (a[word] !== b[word]) lines.push(`${registerName(word)}: ${a[word]!.toString(16)} / ${b[word]!.toString(16)}`);
    }
    this.compareMemory(lines);
    return early ? undefined : exits[0];
  }

  /** A refused SIMD load leaves its target registers UNKNOWN: the reference engine has written those of the accesses before. */
  private standsOnVectorLoad(): boolean {
    const at = Number(this.contexts[0][PC]) - CODE_VA;
    if (at < 0 || at >= PAGE || at % 4 !== 0) return false;
    const word = this.sides[0].memory.u32[(CODE_PA + at) / 4]!;
    return isLoadOrStore(word) && (word & VECTOR_BIT) !== 0;
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
 * `count` random instructions of the rows, in turns, each alone, in all ways of `TUNINGS`. `except`: words that are left out; if
 * not given, those whose difference is known and explained. Returns the differences with their rows' names (the first 20), and how often each row was run.
 */
export function differ(
  rows: readonly Encoding[],
  count: number,
  seed: number,
  except: (word: number) => boolean = (word) => knownDifference(word) !== undefined,
): { readonly differences: string[]; readonly runs: ReadonlyMap<string, number> } {
  const random = new Random(seed);
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
  const part = Math.ceil(cases.length / TUNINGS.length);
  const differences = TUNINGS.flatMap((tuning, index) => {
    const pair = new InstructionDifferential(random, tuning);
    try {
      return pair.run(cases.slice(index * part, (index + 1) * part));
    } finally {
      pair.dispose();
    }
  });
  const text = ({ words, lines }: Difference): string => `${words.map((word) => `${names.get(word) ?? "?"} ${word.toString(16).padStart(8, "0")}`).join("; ")}\n    ${lines.join("\n    ")}`;
  return { differences: differences.map(text).slice(0, 20), runs };
}
