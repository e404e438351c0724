/**
 * The WebAssembly engine: guest code becomes functions of WebAssembly modules that run in the memory that holds guest RAM.
 *
 * Needs a PhysicalMemory made with ENGINE_BYTES behind RAM. Exits, trace and counters are those of the reference engine, record for record.
 */
import type { Pa, Pfn, Va } from "../../arch/addr.js";
import { hex } from "../../arch/addr.js";
import { ConfigError, ModelBug } from "../../arch/errors.js";
import type { PhysicalMemory } from "../../memory/physical-memory.js";
import type { Access, Context, Engine, EngineCounters, EngineOptions, EntryOrders, Exit, TraceSink } from "../engine.js";
import { ACCESS_FETCH, ACCESS_READ, ACCESS_WRITE, CONTEXT_WORDS, NO_ORDERS, OWN_DIRTY, PERM_EXEC, PERM_READ, PERM_WRITE } from "../engine.js";
import { areOrders, filterDepths, filterLimits } from "../trace-filter.js";
import { ENCODINGS } from "./a64/encodings.js";
import { MAX_SLICE, readAccount, STOP_BITS_SET, type Account } from "./account.js";
import { addressAt, clearWord, copyWord, isUserAddress, setWord } from "./cell-words.js";
import { CodeCache, type CodePage } from "./code-cache.js";
import { accessesOf } from "./cold/accesses.js";
import { runColdBlock, type ColdBlock } from "./cold/cold-blocks.js";
import { DirectExecution } from "./cold/direct-execution.js";
import { Decoder } from "./decode/decoder.js";
import {
  ACCESS_PC, ACCOUNT, CELLS_END, ENGINE_BYTES, EXCLUSIVE_ADDRESS, EXCLUSIVE_HIGH, EXCLUSIVE_LOW, FAR, FETCH_PAGE, FRONT_EPOCH, HELD_CODE, HELD_DATA, JUMP_EPOCH, PC, REFUSAL, REPLAY, RING,
  RING_COUNT, RING_PCS, RING_RECORDS, RUN_DONE, SITE, STOP_BITS,
} from "./layout.js";
import { createRuntime, LEFT_AT_SITE, LEFT_FOR_JUMP, REFUSED_ALIGNMENT, REFUSED_WRITE, type RuntimeInstance } from "./runtime.js";
import { emptySet, revokeWrite } from "./held-pages.js";
import { SiteTable, type Site } from "./sites.js";
import { CODE_FRAME, NOT_GRANTED, SoftTlb } from "./soft-tlb.js";
import { interpret } from "./soft/interpret.js";
import { WasmRegisters } from "./wasm-registers.js";
import { WritableCounters } from "./writable-counters.js";

const WASM_PAGE = 65536;
/** Instructions of a block at most. */
const MAX_BLOCK = 512;
const VA_LIMIT = 2 ** 48;
const PAGE_SIZES = [4096, 16384, 65536];
/** So often a block is carried out instruction by instruction before it is translated. */
const COLD_RUNS = 32;
/** The decode table is the same for every engine. */
const DECODER = new Decoder(ENCODINGS);
const OPEN_MONITOR = 2n ** 64n - 1n;

/** A run ended inside an instruction that had already made accesses: they were counted then, and are not counted again. */
interface Replay {
  readonly pc: number;
  readonly loads: number;
  readonly stores: number;
}

export interface WasmEngine extends Engine {
  readonly name: "wasm";
  /** Address of the last `translation-miss` or `alignment` exit as FAR_EL1 holds it: 64 bits, with its tag. */
  readonly far: bigint;
}

/** What results do not depend on. */
export interface WasmTuning {
  /** Translate all code as code that runs often; for tests. */
  readonly regionsAtOnce?: boolean;
  /** So often a block is carried out instruction by instruction before it is translated. */
  readonly coldRuns?: number;
}

class Wasm implements WasmEngine {
  readonly name = "wasm";
  readonly registers: WasmRegisters;
  readonly counters: EngineCounters;
  readonly tracePcs: Float64Array | undefined;
  private readonly memory: PhysicalMemory;
  private readonly pageSize: number;
  private readonly words: BigUint64Array;
  private readonly cells: Uint32Array;
  private readonly ring: Uint32Array;
  private readonly softTlb: SoftTlb;
  private readonly code: CodeCache;
  private readonly runtime: RuntimeInstance;
  private readonly direct: DirectExecution;
  private readonly sites = new SiteTable();
  private readonly account: Account = { left: 0, loads: 0, stores: 0 };
  /** The counters, as they are written here. */
  private readonly done = new WritableCounters();
  private sink: TraceSink = () => undefined;
  private sinkError: unknown;
  private sinkFailed = false;
  private stop = false;
  private running = false;
  private disposed = false;
  private replay: Replay | undefined;
  /** The last slice was left by an indirect branch. */
  private arrives = false;
  /** Frame with code that an access wants to write. */
  private codeToWrite: number | undefined;
  /** The page whose code has just been dropped because its own instruction at the PC is going to write it. */
  private ownCode: CodePage | undefined;
  /** The page of code that was entered last, and where it was entered last and the slot there: runs that end at a page fault go on where they were. */
  private lastPage: CodePage | undefined;
  private lastStart = -1;
  private lastSlot = 0;

  constructor(memory: PhysicalMemory, options: EngineOptions, { regionsAtOnce = false, coldRuns = regionsAtOnce ? 0 : COLD_RUNS }: WasmTuning) {
    const { buffer } = memory.memory;
    this.memory = memory;
    this.pageSize = options.pageSize;
    this.words = new BigUint64Array(buffer, memory.bytes, ENGINE_BYTES / 8);
    this.cells = new Uint32Array(buffer, memory.bytes, ENGINE_BYTES / 4);
    this.ring = new Uint32Array(buffer, memory.bytes + RING, 2 * RING_RECORDS);
    const tracePcs = options.tracePcs === true;
    this.tracePcs = tracePcs ? new Float64Array(buffer, memory.bytes + RING_PCS, RING_RECORDS) : undefined;
    const epochs = [FRONT_EPOCH, JUMP_EPOCH].map((cell) => this.words[cell / 8]!);
    this.cells.fill(0, 0, CELLS_END / 4);
    this.words[FRONT_EPOCH / 8] = epochs[0]!;
    this.words[JUMP_EPOCH / 8] = epochs[1]!;
    this.softTlb = new SoftTlb(this.cells, options.pageSize, memory.bytes / options.pageSize);
    const shared = { base: memory.bytes, memoryPages: buffer.byteLength / WASM_PAGE, pageSize: options.pageSize, tracePcs, memory: memory.memory };
    this.code = new CodeCache({
      ...shared,
      ram: memory.u32,
      decoder: DECODER,
      sites: this.sites,
      regionsAtOnce,
      coldRuns,
    });
    // Without a trace nobody sees what the filter holds.
    const depths = options.trace ? filterDepths(options) : { data: 1, code: 1 };
    const [filterLimit, fetchLimit] = options.trace ? filterLimits(options) : [];
    emptySet(this.cells, HELD_DATA);
    emptySet(this.cells, HELD_CODE);
    const runtime = createRuntime(
      { ...shared, trace: options.trace, filterPages: depths.data, fetchPages: depths.code, filterLimit, fetchLimit },
      {
        memory: memory.memory,
        table: this.code.table,
        grant: (page, write) => this.grant(page, write),
        codeOrder: (page) => this.softTlb.codeOrder(page),
        wrote: (page) => {
          this.softTlb.noteWrite(page);
        },
        drain: () => {
          this.drain();
        },
        interpret: (word) => {
          interpret(this.words, DECODER.find(word >>> 0), word >>> 0);
        },
      },
    );
    // The instance's own object has all exports, which makes finding one slow.
    const { exports, enter, unknown, clear, fetch, readNzcv } = runtime;
    this.runtime = { exports, enter, unknown, clear, fetch, readNzcv };
    this.code.connect(exports);
    this.direct = new DirectExecution({ cells: this.cells, accesses: accessesOf(this.runtime.exports), tracePcs });
    this.registers = new WasmRegisters(this.words, this.runtime.readNzcv);
    this.runtime.clear();
    this.openMonitor();
    this.counters = this.done;
  }

  get far(): bigint {
    return this.words[FAR / 8]!;
  }

  private openMonitor(): void {
    this.words[EXCLUSIVE_ADDRESS / 8] = OPEN_MONITOR;
    // What a word load exclusive leaves of them a pair may be compared with.
    this.words[EXCLUSIVE_LOW / 8] = 0n;
    this.words[EXCLUSIVE_HIGH / 8] = 0n;
  }

  // --- the trace -------------------------------------------------------------------------------------------------------

  setTraceSink(sink: TraceSink): void {
    this.between("setTraceSink");
    this.softTlb.changeSink();
    this.sink = sink;
  }

  /** Hands the records to the sink, which may ask for a stop, or throw. */
  private drain(): void {
    const count = this.cells[RING_COUNT / 4]!;
    this.cells[RING_COUNT / 4] = 0;
    if (count === 0 || this.sinkFailed) return;
    this.done.countExit("trace-drain");
    try {
      this.sink(this.ring, count);
    } catch (error) {
      this.sinkFailed = true;
      this.sinkError = error;
    }
    if (this.stop || this.sinkFailed) this.words[STOP_BITS / 8] = BigInt.asUintN(64, STOP_BITS_SET);
  }

  /** Before the page tables may change: all held pages leave, and the records are handed over. */
  private finishTrace(): void {
    copyWord(this.cells, PC, ACCESS_PC);
    this.runtime.clear();
    this.drain();
    clearWord(this.cells, STOP_BITS);
  }

  /** A block starts at the PC, on the page. */
  private fetch(page: number): void {
    if (!setWord(this.cells, FETCH_PAGE, page)) return;
    copyWord(this.cells, PC, ACCESS_PC);
    this.runtime.fetch(this.words[FETCH_PAGE / 8]!);
  }

  // --- the translation cache ---------------------------------------------------------------------------------------------

  /** The front table does not grant the access. */
  private grant(page: number, write: number): number {
    const place = write === 0 ? this.softTlb.grantRead(page) : this.softTlb.grantWrite(page);
    if (place !== CODE_FRAME) return place;
    this.codeToWrite = this.softTlb.frameOf(page);
    return NOT_GRANTED;
  }

  /** The frame may no longer be written without asking. */
  private readonly revokeWrites = (frame: number): void => {
    revokeWrite(this.cells, HELD_DATA, frame * this.pageSize);
  };

  // --- running -------------------------------------------------------------------------------------------------------------

  run(budget: number): Exit {
    this.between("run");
    this.running = true;
    let exit: Exit;
    try {
      exit = this.execute(budget);
      this.finishTrace();
    } finally {
      this.running = false;
    }
    if (exit.reason === "stopped") this.stop = false;
    if (this.sinkFailed) {
      this.sinkFailed = false;
      throw this.sinkError;
    }
    this.done.countExit(exit.reason);
    return exit;
  }

  private execute(budget: number): Exit {
    const { cells } = this;
    const end = this.done.instructions + budget;
    let due = this.replay !== undefined && this.replay.pc === addressAt(this.cells, PC) ? this.replay : undefined;
    const replay = due;
    this.replay = undefined;
    try {
      for (;;) {
        if (this.stop || this.sinkFailed) return { reason: "stopped" };
        const at = addressAt(this.cells, PC);
        if ((cells[PC / 4]! & 3) !== 0) {
          copyWord(this.cells, PC, FAR);
          return { reason: "alignment", va: at };
        }
        const page = Math.floor(at / this.pageSize);
        const codePage = isUserAddress(cells, PC) ? this.codePage(page) : undefined;
        if (codePage === undefined) {
          copyWord(this.cells, PC, FAR);
          return { reason: "translation-miss", va: at, access: ACCESS_FETCH };
        }
        if (this.done.instructions >= end) return { reason: "budget-spent" };
        if (this.code.trim()) {
          this.lastPage = undefined;
          this.softTlb.forbidAllFetches();
          continue;
        }
        let cold: ColdBlock | undefined;
        let slot: number | undefined;
        if (at === this.lastStart && codePage === this.lastPage && !this.arrives) slot = this.lastSlot;
        else {
          if (this.arrives) codePage.arrivals.add(at);
          cold = this.code.coldBlock(codePage, at);
          slot = cold === undefined ? this.code.code(codePage, at) : undefined;
          if (slot !== undefined) {
            this.softTlb.fillJump(at, slot);
            this.lastStart = at;
            this.lastSlot = slot;
          }
        }
        this.fetch(page);
        if (due !== undefined) {
          cells[REPLAY / 4] = due.loads + due.stores;
          this.done.loads -= due.loads;
          this.done.stores -= due.stores;
          due = undefined;
        }
        let exit = slot === undefined ? this.stepCold(cold!, end, replay) : this.step(slot, end, replay);
        while (exit === undefined && this.ownCode !== undefined) exit = this.stepOwnCode(end, replay);
        if (exit !== undefined) return exit;
      }
    } finally {
      cells[REPLAY / 4] = 0;
      clearWord(this.cells, STOP_BITS);
    }
  }

  /** Runs a slice of what is left until `end`; undefined: go on at the PC. */
  private step(slot: number, end: number, replay: Replay | undefined): Exit | undefined {
    const site = this.enter(slot, end - this.done.instructions);
    if (site === undefined) return undefined;
    if (site.kind !== "budget") return this.exitAt(site, replay);
    // Nothing of the block has been done; the rest of the budget may be less than the block.
    const left = end - this.done.instructions;
    if (left <= 0 || this.stop || this.sinkFailed) return undefined;
    const page = this.codePage(Math.floor(site.block.start / this.pageSize))!;
    if (left >= site.block.instructions) {
      this.code.sample(page, site.block.start);
      return undefined;
    }
    return this.step(this.code.cutCode(page, site.block.start, left), end, replay);
  }

  /** Carries out a block, or what the budget leaves of it. */
  private stepCold(block: ColdBlock, end: number, replay: Replay | undefined): Exit | undefined {
    const { instructions, loads, stores, site } = runColdBlock(this.direct, block, end - this.done.instructions);
    this.done.instructions += instructions;
    this.done.loads += loads;
    this.done.stores += stores;
    this.arrives = this.direct.indirect;
    return site === undefined ? undefined : this.exitAt(site, replay);
  }

  /**
   * A block that writes its own page: the rest of it runs as it was before, while the frame may be written, and is forgotten. The next block
   * asks for the page again.
   */
  private stepOwnCode(end: number, replay: Replay | undefined): Exit | undefined {
    const { start, frame } = this.ownCode!;
    this.ownCode = undefined;
    const page = this.code.page(start, frame);
    const pc = addressAt(this.cells, PC);
    const exit = this.step(this.code.cutCode(page, pc, Math.min(end - this.done.instructions, MAX_BLOCK)), end, replay);
    this.dropCode(frame);
    return exit;
  }

  /** The code of a page that may be fetched from. */
  private codePage(page: number): CodePage | undefined {
    const frame = this.softTlb.grantFetch(page, this.revokeWrites);
    if (frame === NOT_GRANTED) return undefined;
    const start = page * this.pageSize;
    const { lastPage } = this;
    if (lastPage?.frame === frame && lastPage.start === start) return lastPage;
    this.lastStart = -1;
    return (this.lastPage = this.code.page(start, frame));
  }

  /** Forgets the code of a frame. True if it had some. */
  private dropCode(frame: number): boolean {
    this.lastPage = undefined;
    return this.code.drop(frame);
  }

  /** Runs one slice, and counts. Returns the site where it was left, with the PC there; undefined: code for the PC is wanted. */
  private enter(slot: number, left: number): Site | undefined {
    const { account, cells } = this;
    const slice = Math.min(left, MAX_SLICE);
    const way = this.runtime.enter(slot, slice);
    readAccount(cells[ACCOUNT / 4]!, cells[ACCOUNT / 4 + 1]!, account);
    this.done.instructions += slice - account.left;
    this.done.loads += account.loads;
    this.done.stores += account.stores;
    this.arrives = way === LEFT_FOR_JUMP;
    if (way !== LEFT_AT_SITE) return undefined;
    const site = this.sites.get(cells[SITE / 4]!);
    if (site === undefined) throw new ModelBug(`wasm engine: no site ${cells[SITE / 4]}`);
    const { block } = site;
    this.done.instructions -= block.instructions - site.index;
    this.done.loads -= block.loads - site.loads;
    this.done.stores -= block.stores - site.stores;
    setWord(this.cells, PC, block.start + 4 * site.index);
    return site;
  }

  /** What leaving at a site other than for the budget means; undefined: go on. */
  private exitAt(site: Site, replay: Replay | undefined): Exit | undefined {
    switch (site.kind) {
      case "svc":
      case "undefined-instruction":
      case "breakpoint":
        return { reason: site.kind };
      default:
        return this.refused(site, replay);
    }
  }

  private refused(site: Site, replay: Replay | undefined): Exit | undefined {
    const done = site.run === undefined ? 0 : this.cells[RUN_DONE / 4]!;
    const loads = site.ownLoads + (site.run === "load" ? done : 0);
    const stores = site.ownStores + (site.run === "store" ? done : 0);
    if (this.codeToWrite !== undefined) {
      // The instruction starts over once the frame is free of code; its accesses count then.
      const page = this.codePage(Math.floor(site.block.start / this.pageSize));
      if (page?.frame === this.codeToWrite) this.ownCode = page;
      this.dropCode(this.codeToWrite);
      this.softTlb.becomeWritable(this.codeToWrite);
      this.codeToWrite = undefined;
      this.done.loads -= site.ownLoads;
      this.done.stores -= site.ownStores;
      return undefined;
    }
    if (site.run === "load") this.done.loads += done;
    else if (site.run === "store") this.done.stores += done;
    const refusal = this.cells[REFUSAL / 4]!;
    const va = addressAt(this.cells, FAR);
    if (refusal === REFUSED_ALIGNMENT) return { reason: "alignment", va };
    const pc = addressAt(this.cells, PC);
    this.replay = { pc, loads, stores };
    if (replay?.pc === pc && this.cells[REPLAY / 4]! > 0) {
      // Refused on the way to where it was refused before: what was counted then stays counted.
      this.done.loads += replay.loads - loads;
      this.done.stores += replay.stores - stores;
      this.replay = replay;
    }
    const access: Access = refusal === REFUSED_WRITE ? ACCESS_WRITE : ACCESS_READ;
    return { reason: "translation-miss", va, access };
  }

  requestStop(): void {
    this.stop = true;
  }

  // --- between runs ------------------------------------------------------------------------------------------------------

  installTranslation(va: Va, pa: Pa, perms: number, orders: EntryOrders = NO_ORDERS): void {
    this.between("installTranslation");
    const { pageSize } = this;
    if (va >= VA_LIMIT || pa % pageSize !== 0 || pa + pageSize > this.memory.bytes || (perms & ~(PERM_READ | PERM_WRITE | PERM_EXEC | OWN_DIRTY)) !== 0 || !areOrders(orders)) {
      throw new ModelBug(`Wasm.installTranslation: va ${hex(va)} pa ${hex(pa)} perms ${perms} orders ${orders.data} ${orders.code}`);
    }
    const page = Math.floor(va / pageSize);
    if ((perms & ~OWN_DIRTY) === 0) this.softTlb.forgetPage(page);
    else this.softTlb.install(page, pa / pageSize, perms, orders);
  }

  invalidatePage(va: Va): void {
    this.between("invalidatePage");
    this.softTlb.forgetPage(Math.floor(va / this.pageSize));
  }

  invalidateRange(start: Va, end: Va): void {
    this.between("invalidateRange");
    if (end <= start) return;
    this.softTlb.forgetRange(Math.floor(start / this.pageSize), Math.ceil(end / this.pageSize) - 1);
  }

  invalidateAll(): void {
    this.between("invalidateAll");
    this.softTlb.forgetAll();
  }

  discardCode(frame: Pfn): void {
    this.between("discardCode");
    if (this.softTlb.holdsCode(frame) && this.dropCode(frame)) this.softTlb.forbidFetches(frame);
  }

  saveContext(into: Context): void {
    this.between("saveContext");
    this.registers.save(into);
  }

  restoreContext(from: Context): void {
    this.between("restoreContext");
    if (from.length !== CONTEXT_WORDS) throw new ModelBug(`Wasm.restoreContext: ${from.length} words`);
    this.registers.restore(from);
    this.openMonitor();
  }

  dispose(): void {
    if (this.disposed) return;
    this.between("dispose");
    this.disposed = true;
    this.code.clear();
  }

  /** The trace sink runs inside `run` and may only ask for a stop. */
  private between(method: string): void {
    if (this.running) throw new ModelBug(`Wasm.${method}: called while the guest runs`);
    if (this.disposed) throw new ModelBug(`Wasm.${method}: the engine has been disposed of`);
  }
}

/**
 * An engine over this guest RAM, which has ENGINE_BYTES behind it. `options.filterPages` and `fetchPages` are the numbers of pages that the trace filter holds;
 * see engine.ts. Throws ConfigError if an option is not possible.
 */
export function createWasmEngine(memory: PhysicalMemory, options: EngineOptions, tuning: WasmTuning = {}): WasmEngine {
  if (!PAGE_SIZES.includes(options.pageSize)) throw new ConfigError(`page size ${options.pageSize} is not one of ${PAGE_SIZES.join(", ")}`);
  filterDepths(options);
  if (memory.memory.buffer.byteLength < memory.bytes + ENGINE_BYTES) throw new ModelBug("wasm engine: no room behind guest RAM");
  return new Wasm(memory, options, tuning);
}
