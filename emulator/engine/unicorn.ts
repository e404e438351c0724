/**
 * The reference engine: Unicorn 2.1.4 behind a Rust addon (native/), which maps guest RAM by pointer.
 *
 * The addon serves every load and store of translated code from its own translation cache and filters the trace there;
 * this file is the door: registers as shared words, exits as values. docs/engine.md describes both halves.
 *
 * Arm: DDI 0487 D1 (EL0), K1 (UNPREDICTABLE).
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Pa, Pfn, Va } from "../arch/addr.js";
import { hex } from "../arch/addr.js";
import { ConfigError, ModelBug } from "../arch/errors.js";
import type { PhysicalMemory } from "../memory/physical-memory.js";
import { EXECUTED_HWCAP, EXECUTED_HWCAP2 } from "./hwcap.js";
import type { Access, Context, Engine, EngineCounters, EngineOptions, EntryOrders, Exit, Registers, TraceSink } from "./engine.js";
import { CONTEXT_WORDS, NO_ORDERS, OWN_DIRTY, PERM_EXEC, PERM_READ, PERM_WRITE } from "./engine.js";
import { areOrders, filterDepths, filterLimits } from "./trace-filter.js";

/** The class that the addon exports. */
interface NativeEngine {
  runner(): (budget: number, drain: (count: number) => void) => number;
  applyQueue(): void;
  invalidateRange(first: number, last: number): void;
  invalidateAll(): void;
  changeSink(): void;
  discardCode(frame: number): void;
  readRegisters(groups: number): void;
  dispose(): void;
}

/** The class behind validate/oracle.ts; both are described in native/src/oracle.rs. */
export interface NativeOracle {
  map(at: number, memory: ArrayBuffer, offset: number, bytes: number): void;
  translate(words: ArrayBuffer, count: number): void;
}

interface Addon {
  readonly NativeOracle: new () => NativeOracle;
  readonly NativeEngine: new (ram: ArrayBuffer, words: ArrayBuffer, ring: ArrayBuffer, pageSize: number, trace: boolean, filterPages: number, fetchPages: number, limits: readonly number[], pcs?: ArrayBuffer) => NativeEngine;
}

// Words of the shared buffer, as in native/src/shared.rs.
const SP = 31;
const PC = 32;
const NZCV = 33;
const FPCR = 34;
const FPSR = 35;
const TPIDR_EL0 = 36;
const VECTORS = 37;
const FAR = CONTEXT_WORDS;
const ACCESS = CONTEXT_WORDS + 1;
const STOP = CONTEXT_WORDS + 2;
const DIRTY = CONTEXT_WORDS + 3;
const INSTRUCTIONS = CONTEXT_WORDS + 4;
const LOADS = CONTEXT_WORDS + 5;
const STORES = CONTEXT_WORDS + 6;
const DRAINS = CONTEXT_WORDS + 7;
/** Changes of translations that wait for the next run: their number, then two floats each. */
const QUEUE_COUNT = CONTEXT_WORDS + 8;
const QUEUE = CONTEXT_WORDS + 9;
const QUEUE_ENTRIES = 64;
const WORDS = QUEUE + 2 * QUEUE_ENTRIES;

/** Groups of registers that are read from Unicorn when they are first asked for after a run. */
const GENERAL_GROUP = 1;
const SYSTEM_GROUP = 2;
const VECTOR_GROUP = 4;
const ALL_GROUPS = GENERAL_GROUP | SYSTEM_GROUP | VECTOR_GROUP;
/** Not a group: the registers are another task's. Opens the exclusive monitor, as the return from an exception does. */
const OTHER_TASK = 8;

/** Exits by the addon's numbers. */
const REASONS = ["svc", "translation-miss", "budget-spent", "undefined-instruction", "breakpoint", "alignment", "stopped"] as const;

/** Trace records that the ring holds. More do not fit the host's first-level cache twice over; fewer cost calls. */
const RING_RECORDS = 8192;
/** Pages that the trace filter holds if the options do not say. */
const PAGE_SIZES = [4096, 16384, 65536];
const VA_LIMIT = 2 ** 48;

export interface UnicornEngine extends Engine {
  readonly name: "unicorn";
  readonly registers: Registers;
  /** Address of the last `translation-miss` or `alignment` exit as FAR_EL1 holds it: 64 bits, with its tag. */
  readonly far: bigint;
  readonly hwcap: number;
  readonly hwcap2: number;
}

/** Load the addon. A missing one is a set-up error, said with its cure. */
export function loadAddon(): Addon {
  const require = createRequire(import.meta.url);
  const here = dirname(fileURLToPath(import.meta.url));
  // The addon stays beside its sources; this code runs there, compiled in dist/emulator/engine/, or bundled in dist/bundle/.
  const places = [".", "../../../emulator/engine", "../../emulator/engine"].map((way) => join(here, way, "native"));
  let cause: unknown;
  for (const place of places) {
    try {
      return require(join(place, "foliolab-engine.node")) as Addon;
    } catch (error) {
      cause = error;
      if ((error as { readonly code?: string }).code !== "MODULE_NOT_FOUND") break;
    }
  }
  throw new ConfigError(`the Unicorn addon cannot be loaded; build it with \`make native\` (${String(cause).split("\n", 1)[0] ?? ""})`);
}

/** The registers of the running task as views of the shared words. Groups are read from Unicorn only when asked for. */
class SharedRegisters implements Registers {
  private readonly native: NativeEngine;
  private readonly words: BigUint64Array;
  private readonly vectorWords: BigUint64Array;
  /** Groups whose words are current. */
  private valid = ALL_GROUPS;

  constructor(native: NativeEngine, words: BigUint64Array) {
    this.native = native;
    this.words = words;
    this.vectorWords = words.subarray(VECTORS, CONTEXT_WORDS);
  }

  /** After a run only these groups are in the words; PC always is. */
  setValid(groups: number): void {
    this.valid = groups;
  }

  private need(groups: number): void {
    const missing = groups & ~this.valid;
    if (missing === 0) return;
    this.native.readRegisters(missing);
    this.valid |= missing;
  }

  private write(group: number, word: number, value: bigint): void {
    this.need(group);
    this.words[word] = value;
    this.words[DIRTY]! |= BigInt(group);
  }

  x(index: number): bigint {
    this.need(GENERAL_GROUP);
    return this.words[index]!;
  }

  setX(index: number, value: bigint): void {
    this.write(GENERAL_GROUP, index, value);
  }

  get pc(): bigint {
    return this.words[PC]!;
  }

  set pc(value: bigint) {
    this.words[PC] = value;
  }

  get sp(): bigint {
    this.need(GENERAL_GROUP);
    return this.words[SP]!;
  }

  set sp(value: bigint) {
    this.write(GENERAL_GROUP, SP, value);
  }

  private get32(word: number): number {
    this.need(SYSTEM_GROUP);
    return Number(this.words[word]!);
  }

  get nzcv(): number {
    return this.get32(NZCV);
  }

  set nzcv(value: number) {
    this.write(SYSTEM_GROUP, NZCV, BigInt(value >>> 0));
  }

  get fpcr(): number {
    return this.get32(FPCR);
  }

  set fpcr(value: number) {
    this.write(SYSTEM_GROUP, FPCR, BigInt(value >>> 0));
  }

  get fpsr(): number {
    return this.get32(FPSR);
  }

  set fpsr(value: number) {
    this.write(SYSTEM_GROUP, FPSR, BigInt(value >>> 0));
  }

  get tpidrEl0(): bigint {
    this.need(SYSTEM_GROUP);
    return this.words[TPIDR_EL0]!;
  }

  set tpidrEl0(value: bigint) {
    this.write(SYSTEM_GROUP, TPIDR_EL0, value);
  }

  /** The words may be written through the view, so they count as written once it is handed out. */
  get vectors(): BigUint64Array {
    this.need(VECTOR_GROUP);
    this.words[DIRTY]! |= BigInt(VECTOR_GROUP);
    return this.vectorWords;
  }

  save(into: Context): void {
    this.need(ALL_GROUPS);
    into.set(this.words.subarray(0, CONTEXT_WORDS));
  }

  restore(from: Context): void {
    this.words.set(from);
    this.words[DIRTY] = BigInt(ALL_GROUPS | OTHER_TASK);
    this.valid = ALL_GROUPS;
  }
}

class Unicorn implements UnicornEngine {
  readonly name = "unicorn";
  readonly hwcap = EXECUTED_HWCAP;
  readonly hwcap2 = EXECUTED_HWCAP2;
  readonly registers: SharedRegisters;
  readonly counters: EngineCounters;
  readonly tracePcs: Float64Array | undefined;
  private readonly native: NativeEngine;
  private readonly enter: (budget: number, drain: (count: number) => void) => number;
  private readonly memory: PhysicalMemory;
  private readonly pageSize: number;
  private readonly words: BigUint64Array;
  private readonly floats: Float64Array;
  private readonly ring: Uint32Array;
  private readonly exits: Record<string, number> = { "trace-drain": 0 };
  private readonly drain: (count: number) => void;
  private sink: TraceSink;
  private running = false;
  private disposed = false;

  constructor(addon: Addon, memory: PhysicalMemory, options: EngineOptions) {
    const shared = new ArrayBuffer(WORDS * 8);
    this.memory = memory;
    this.pageSize = options.pageSize;
    this.words = new BigUint64Array(shared);
    this.floats = new Float64Array(shared);
    this.ring = new Uint32Array(2 * RING_RECORDS);
    const { data, code } = filterDepths(options);
    const limits = filterLimits(options).flatMap((limit) => [limit?.sets ?? 0, limit?.ways ?? 0]);
    const ring = this.ring.buffer as ArrayBuffer;
    if (options.tracePcs === true) {
      this.tracePcs = new Float64Array(RING_RECORDS);
      this.native = new addon.NativeEngine(memory.memory.buffer, shared, ring, options.pageSize, options.trace, data, code, limits, this.tracePcs.buffer as ArrayBuffer);
    } else {
      this.tracePcs = undefined;
      this.native = new addon.NativeEngine(memory.memory.buffer, shared, ring, options.pageSize, options.trace, data, code, limits);
    }
    this.enter = this.native.runner();
    this.registers = new SharedRegisters(this.native, this.words);
    this.native.readRegisters(ALL_GROUPS);
    this.sink = () => undefined;
    this.drain = (count) => {
      this.sink(this.ring, count);
    };
    const { floats, exits } = this;
    this.counters = {
      get instructions() {
        return floats[INSTRUCTIONS]!;
      },
      get loads() {
        return floats[LOADS]!;
      },
      get stores() {
        return floats[STORES]!;
      },
      get exits() {
        exits["trace-drain"] = floats[DRAINS]!;
        return exits;
      },
    };
  }

  setTraceSink(sink: TraceSink): void {
    this.between("setTraceSink");
    this.native.changeSink();
    this.sink = sink;
  }

  run(budget: number): Exit {
    this.between("run");
    this.running = true;
    let number: number;
    try {
      number = this.enter(budget, this.drain);
    } catch (error) {
      // What the sink threw passes through; the addon's own errors are bugs of the model.
      if (error instanceof Error && (error as { readonly code?: string }).code === "GenericFailure") throw new ModelBug(`Unicorn.run: ${error.message}`);
      throw error;
    } finally {
      this.running = false;
      this.registers.setValid(0);
    }
    const reason = REASONS[number];
    if (reason === undefined) throw new ModelBug(`Unicorn.run: exit ${number} at pc ${hex(this.registers.pc)}`);
    this.exits[reason] = (this.exits[reason] ?? 0) + 1;
    switch (reason) {
      case "svc":
        this.registers.setValid(GENERAL_GROUP);
        return { reason };
      case "translation-miss":
        return { reason, va: this.faultAddress(), access: Number(this.words[ACCESS]!) as Access };
      case "alignment":
        return { reason, va: this.faultAddress() };
      default:
        return { reason };
    }
  }

  get far(): bigint {
    return this.words[FAR]!;
  }

  /**
   * The faulting address without its tag. Arm: D8.8.1, TBI: bits 63:56 are copies of bit 55. At and above 2^48 there are no
   * user pages; such an address is not always a multiple of its own precision as a number: `far` has the bits.
   */
  private faultAddress(): Va {
    return Number(BigInt.asUintN(64, BigInt.asIntN(56, this.words[FAR]!))) as Va;
  }

  requestStop(): void {
    this.words[STOP] = 1n;
  }

  installTranslation(va: Va, pa: Pa, perms: number, orders: EntryOrders = NO_ORDERS): void {
    this.between("installTranslation");
    const { pageSize } = this;
    if (va >= VA_LIMIT || pa % pageSize !== 0 || pa + pageSize > this.memory.bytes || (perms & ~(PERM_READ | PERM_WRITE | PERM_EXEC | OWN_DIRTY)) !== 0 || !areOrders(orders)) {
      throw new ModelBug(`Unicorn.installTranslation: va ${hex(va)} pa ${hex(pa)} perms ${perms} orders ${orders.data} ${orders.code}`);
    }
    if ((perms & ~OWN_DIRTY) === 0) this.queue(Math.floor(va / pageSize), 0);
    else this.queue(Math.floor(va / pageSize), (pa / pageSize) * 2 ** 14 + ((orders.code << 9) | (orders.data << 4) | perms));
  }

  invalidatePage(va: Va): void {
    this.between("invalidatePage");
    this.queue(Math.floor(va / this.pageSize), 0);
  }

  /** `packed`: frame * 2^14 + order for code * 2^9 + order for data * 16 + permissions with OWN_DIRTY, or 0 to forget the page. Applied before anything that depends on it. */
  private queue(page: number, packed: number): void {
    const { floats } = this;
    const count = floats[QUEUE_COUNT]!;
    floats[QUEUE + 2 * count] = page;
    floats[QUEUE + 2 * count + 1] = packed;
    floats[QUEUE_COUNT] = count + 1;
    if (count + 1 === QUEUE_ENTRIES) this.native.applyQueue();
  }

  invalidateRange(start: Va, end: Va): void {
    this.between("invalidateRange");
    if (end <= start) return;
    this.native.invalidateRange(Math.floor(start / this.pageSize), Math.ceil(end / this.pageSize) - 1);
  }

  invalidateAll(): void {
    this.between("invalidateAll");
    this.native.invalidateAll();
  }

  discardCode(frame: Pfn): void {
    this.between("discardCode");
    this.native.discardCode(frame);
  }

  saveContext(into: Context): void {
    this.between("saveContext");
    this.registers.save(into);
  }

  restoreContext(from: Context): void {
    this.between("restoreContext");
    if (from.length !== CONTEXT_WORDS) throw new ModelBug(`Unicorn.restoreContext: ${from.length} words`);
    this.registers.restore(from);
  }

  dispose(): void {
    if (this.disposed) return;
    this.between("dispose");
    this.disposed = true;
    this.native.dispose();
  }

  /** The trace sink runs inside `run` and may only ask for a stop. */
  private between(method: string): void {
    if (this.running) throw new ModelBug(`Unicorn.${method}: called while the guest runs`);
    if (this.disposed) throw new ModelBug(`Unicorn.${method}: the engine has been disposed of`);
  }
}

/**
 * An engine over this guest RAM. `options.filterPages` and `fetchPages` are the numbers of pages that the trace filter holds; see engine.ts.
 * Throws ConfigError if the addon is missing or an option is not possible.
 */
export function createUnicornEngine(memory: PhysicalMemory, options: EngineOptions): UnicornEngine {
  if (!PAGE_SIZES.includes(options.pageSize)) throw new ConfigError(`page size ${options.pageSize} is not one of ${PAGE_SIZES.join(", ")}`);
  return new Unicorn(loadAddon(), memory, options);
}
