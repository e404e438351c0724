/**
 * The WebAssembly engine: guest code becomes functions of WebAssembly modules that run in the memory that holds guest RAM.
 *
 * Needs a PhysicalMemory made with ENGINE_BYTES behind RAM.
 */
import type { Pa, Pfn, Va } from "../../arch/addr.js";
import { ModelBug } from "../../arch/errors.js";
import type { PhysicalMemory } from "../../memory/physical-memory.js";
import type { Access, Context, Engine, EngineCounters, EngineOptions, Exit, Registers, TraceSink } from "../engine.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, CONTEXT_WORDS, PERM_EXEC, PERM_READ, PERM_WRITE } from "../engine.js";
import { ENCODINGS } from "./a64/encodings.js";
import { ModuleBuilder } from "./binary/module.js";
import { TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import { BlockTranslator, EXIT_ALIGNMENT, EXIT_BREAKPOINT, EXIT_MISS, EXIT_SVC, EXIT_UNDEFINED, GO_ON } from "./block-translator.js";
import { Decoder } from "./decode/decoder.js";
import { ENGINE_BYTES, EXCLUSIVE_ADDRESS, LOADS, PC, STORES } from "./layout.js";
import { interpret } from "./soft/interpret.js";

const MAX_BLOCK = 64;
const WASM_PAGE = 65536;

interface Block {
  readonly run: () => number;
  readonly start: number;
  readonly length: number;
  /** Accesses before each instruction, and of the whole block. */
  readonly loads: readonly number[];
  readonly stores: readonly number[];
}

class WasmEngine implements Engine {
  readonly name = "wasm";
  readonly tracePcs = undefined;
  readonly registers: Registers;
  private readonly memory: PhysicalMemory;
  private readonly pageSize: number;
  private readonly words: BigUint64Array;
  private readonly decoder = new Decoder(ENCODINGS);
  private readonly pages = new Map<number, { pa: number; perms: number }>();
  private blocks = new Map<number, Block>();
  private stop = false;
  private far = 0n;
  private farAccess: Access = ACCESS_FETCH;
  private instructions = 0;
  private loads = 0;
  private stores = 0;
  private readonly exits: Record<string, number> = { "trace-drain": 0 };

  constructor(memory: PhysicalMemory, options: EngineOptions) {
    this.memory = memory;
    this.pageSize = options.pageSize;
    this.words = new BigUint64Array(memory.memory.buffer, memory.bytes, ENGINE_BYTES / 8);
    const { words } = this;
    const cell = (index: number): { get: () => bigint; set: (value: bigint) => void } => ({
      get: () => words[index]!,
      set: (value) => {
        words[index] = value;
      },
    });
    const small = (index: number): { get: () => number; set: (value: number) => void } => ({
      get: () => Number(words[index]!),
      set: (value) => {
        words[index] = BigInt(value >>> 0);
      },
    });
    this.registers = Object.defineProperties({} as Registers, {
      x: { value: (n: number) => words[n]! },
      setX: {
        value: (n: number, value: bigint) => {
          words[n] = value;
        },
      },
      sp: cell(31),
      pc: cell(32),
      nzcv: small(33),
      fpcr: small(34),
      fpsr: small(35),
      tpidrEl0: cell(36),
      vectors: { value: words.subarray(37, CONTEXT_WORDS) },
    });
  }

  get counters(): EngineCounters {
    return this as unknown as EngineCounters;
  }

  setTraceSink(_sink: TraceSink): void {
    // No trace yet.
  }

  private place(address: bigint, bytes: number, write: number, aligned: number): number {
    const va = Number(BigInt.asUintN(56, address));
    if (aligned !== 0 && va % aligned !== 0) {
      this.far = address;
      return -1;
    }
    const page = this.pages.get(Math.floor(va / this.pageSize));
    const offset = va % this.pageSize;
    if (page === undefined || (page.perms & (write !== 0 ? PERM_WRITE : PERM_READ)) === 0) {
      this.far = BigInt(va);
      this.farAccess = write !== 0 ? ACCESS_WRITE : ACCESS_READ;
      return -2;
    }
    if (offset + bytes > this.pageSize) throw new ModelBug("across pages");
    return page.pa + offset;
  }

  private translate(start: number): Block | undefined {
    const page = this.pages.get(Math.floor(start / this.pageSize));
    if (page === undefined || (page.perms & PERM_EXEC) === 0) return undefined;
    const module = new ModuleBuilder();
    const place = module.importFunction("e", "place", { parameters: [TYPE_I64, TYPE_I32, TYPE_I32, TYPE_I32], results: [TYPE_I32] });
    const soft = module.importFunction("e", "interpret", { parameters: [TYPE_I32], results: [] });
    module.importMemory("e", "memory", this.memory.memory.buffer.byteLength / WASM_PAGE);
    const t = new BlockTranslator(this.memory.bytes, { place, interpret: soft, runtime: {} });
    const loads: number[] = [];
    const stores: number[] = [];
    let length = 0;
    do {
      const pc = start + 4 * length;
      const word = this.memory.u32[(page.pa + (pc % this.pageSize)) / 4]!;
      loads.push(t.loads);
      stores.push(t.stores);
      t.begin(pc, word);
      const row = this.decoder.find(word);
      if (row === undefined) t.exit("undefined-instruction");
      else row.translate(t, word);
      length++;
      if (!t.ended && (length === MAX_BLOCK || (start + 4 * length) % this.pageSize === 0)) t.endBlock();
    } while (!t.ended);
    loads.push(t.loads);
    stores.push(t.stores);
    t.code.i32(0);
    module.exportFunction("f", module.func({ parameters: [], results: [TYPE_I32] }, t.code));
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), {
      e: {
        memory: this.memory.memory,
        place: (address: bigint, bytes: number, write: number, aligned: number) => this.place(address, bytes, write, aligned),
        interpret: (word: number) => {
          interpret(this.words, this.decoder.find(word >>> 0), word >>> 0);
        },
      },
    });
    return { run: instance.exports["f"] as () => number, start, length, loads, stores };
  }

  run(budget: number): Exit {
    const exit = this.loop(budget);
    this.exits[exit.reason] = (this.exits[exit.reason] ?? 0) + 1;
    return exit;
  }

  private loop(budget: number): Exit {
    const end = this.instructions + budget;
    for (;;) {
      if (this.stop) {
        this.stop = false;
        return { reason: "stopped" };
      }
      if (this.instructions >= end) return { reason: "budget-spent" };
      const pc = Number(this.words[PC / 8]!);
      if (pc % 4 !== 0) return { reason: "alignment", va: pc as Va };
      let block = this.blocks.get(pc);
      if (block === undefined) {
        block = this.translate(pc);
        if (block === undefined) return { reason: "translation-miss", va: pc as Va, access: ACCESS_FETCH };
        this.blocks.set(pc, block);
      }
      const exit = block.run();
      const now = Number(this.words[PC / 8]!);
      const done = exit === GO_ON || exit === EXIT_SVC ? block.length : (now - block.start) / 4;
      this.instructions += done;
      this.loads += block.loads[done]! + Number(BigInt.asIntN(64, this.words[LOADS / 8]!));
      this.stores += block.stores[done]! + Number(BigInt.asIntN(64, this.words[STORES / 8]!));
      this.words[LOADS / 8] = 0n;
      this.words[STORES / 8] = 0n;
      switch (exit) {
        case GO_ON:
          break;
        case EXIT_SVC:
          return { reason: "svc" };
        case EXIT_MISS:
          return { reason: "translation-miss", va: Number(this.far) as Va, access: this.farAccess };
        case EXIT_UNDEFINED:
          return { reason: "undefined-instruction" };
        case EXIT_BREAKPOINT:
          return { reason: "breakpoint" };
        case EXIT_ALIGNMENT:
          return { reason: "alignment", va: Number(this.far) as Va };
        default:
          throw new ModelBug(`wasm engine: exit ${exit}`);
      }
    }
  }

  requestStop(): void {
    this.stop = true;
  }
  installTranslation(va: Va, pa: Pa, perms: number): void {
    this.pages.set(Math.floor(va / this.pageSize), { pa, perms });
    this.blocks.clear();
  }
  invalidatePage(va: Va): void {
    this.pages.delete(Math.floor(va / this.pageSize));
    this.blocks.clear();
  }
  invalidateRange(start: Va, end: Va): void {
    for (const page of [...this.pages.keys()]) if (page * this.pageSize >= start && page * this.pageSize < end) this.pages.delete(page);
    this.blocks.clear();
  }
  invalidateAll(): void {
    this.pages.clear();
    this.blocks.clear();
  }
  discardCode(_frame: Pfn): void {
    this.blocks.clear();
  }
  saveContext(into: Context): void {
    into.set(this.words.subarray(0, CONTEXT_WORDS));
  }
  restoreContext(from: Context): void {
    this.words.set(from);
    this.words[EXCLUSIVE_ADDRESS / 8] = 0xffff_ffff_ffff_ffffn;
  }
  dispose(): void {
    this.blocks.clear();
  }
}

/** An engine over this guest RAM. */
export function createWasmEngine(memory: PhysicalMemory, options: EngineOptions): Engine {
  return new WasmEngine(memory, options);
}
