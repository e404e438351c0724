/**
 * The translator of a region of guest code, one block at least, into one WebAssembly function.
 *
 * Registers live in local variables. The function is left in three ways: at a site (an exit, an access that was refused, the budget), to
 * the function of a known slot on the same guest page, or to an address that is looked up.
 */
import { blockCost } from "./account.js";
import { Code, type Local } from "./binary/code.js";
import { CONTROL, I32, I64, TYPE_EMPTY, TYPE_I32, TYPE_I64, type ValueType } from "./binary/opcodes.js";
import type { Decoder } from "./decode/decoder.js";
import { FlagLocals, KIND_UNKNOWN } from "./flag-locals.js";
import { emitNzcvOfKind, FLAGS_ADD_32, FLAGS_ADD_64, FLAGS_SUB_32, FLAGS_SUB_64 } from "./flags.js";
import { flowGraph } from "./flow-graph.js";
import { FlowWriter } from "./flow-writer.js";
import { ACCOUNT, EXCLUSIVE_ADDRESS, EXCLUSIVE_HIGH, EXCLUSIVE_LOW, FPCR, FPSR, PC, SITE, STOP_BITS, TPIDR_EL0 } from "./layout.js";
import { LoopPages } from "./loop-pages.js";
import { MemoryAccess, type AccessBytes, type AccessHost } from "./memory-access.js";
import { RegisterLocals } from "./register-locals.js";
import { LEFT_AT_SITE, pushUnused, type RuntimeFunction } from "./runtime.js";
import { SiteTable, type BlockAccount, type SiteKind } from "./sites.js";
import { FPCR_FZ, FPCR_RMODE, FPSR_IXC } from "./soft/float.js";
import type { Condition, InstructionExit, InterpretedOperands, StateCell, Translator } from "./translator.js";

const CELLS: Readonly<Record<StateCell, number>> = {
  fpcr: FPCR, fpsr: FPSR, tpidrEl0: TPIDR_EL0, exclusiveAddress: EXCLUSIVE_ADDRESS, exclusiveLow: EXCLUSIVE_LOW, exclusiveHigh: EXCLUSIVE_HIGH,
};

/** Accesses of a loop that gets locals for their pages, at most. */
const MAX_LOOP_ACCESSES = 8;

/** A block of guest code: where it starts, and the instructions that it has. */
export interface BlockRange {
  readonly start: number;
  readonly words: readonly number[];
  /** Blocks of the region that may follow, by number. */
  readonly next: readonly number[];
}

/** What a function is translated with. */
export interface TranslationContext {
  /** Where the cells begin. */
  readonly base: number;
  readonly pageSize: number;
  readonly tracePcs: boolean;
  readonly decoder: Decoder;
  readonly sites: SiteTable;
  /** Number of a function that the module imports. */
  imported(name: RuntimeFunction): number;
  /** Slot of the block that starts at an address of the same page. */
  slot(pc: number): number;
  /** The code runs often: loops are worth more code. */
  readonly hot: boolean;
}

/** Instructions of a loop from one with accesses to the next, the label of the code that starts with them, and the kind of the flags there. */
interface LoopPart {
  readonly from: number;
  readonly to: number;
  slow: number;
  kind: number;
}

export class FunctionTranslator implements Translator, AccessHost {
  readonly code: Code;
  readonly account: Local;
  pc = 0;
  word = 0;
  /** Sites that the function has. */
  readonly siteNumbers: number[] = [];
  private readonly context: TranslationContext;
  private readonly registers: RegisterLocals;
  private readonly flags: FlagLocals;
  private readonly memory: MemoryAccess;
  private readonly flow: FlowWriter;
  private readonly blocks: readonly BlockRange[];
  private readonly numbers: ReadonlyMap<number, number>;
  private readonly entries: readonly number[];
  private readonly pools = new Map<ValueType, Local[]>();
  private used: { readonly type: ValueType; readonly local: Local }[] = [];
  private stateLocal: Local | undefined;
  private modeLocal: Local | undefined;
  private readonly siteLocal: Local;
  private readonly targetLocal: Local;
  private readonly slotLocal: Local;
  private siteLabel = 0;
  private goLabel = 0;
  private jumpLabel = 0;
  private goes = false;
  private jumps = false;
  private ended = false;
  private block: BlockAccount = { start: 0, instructions: 0, loads: 0, stores: 0 };
  index = 0;
  /** The block has accesses that are not always made. */
  private skips = false;
  /** Loops of one block whose pages are in locals. */
  private readonly loops = new Map<number, LoopPages>();
  /** The one whose quick form is being written. */
  private loop: { readonly number: number; readonly quick: number } | undefined;
  private loadsBefore = 0;
  private storesBefore = 0;

  /** `entries`: numbers of the blocks at which the function starts. If there are several the number is its second parameter. */
  constructor(context: TranslationContext, blocks: readonly BlockRange[], entries: readonly number[]) {
    this.context = context;
    this.blocks = blocks;
    this.entries = entries;
    this.numbers = new Map(blocks.map(({ start }, number) => [start, number]));
    this.account = 0;
    this.code = new Code(entries.length > 1 ? 2 : 1);
    if (entries.length > 1) this.stateLocal = 1;
    const { code } = this;
    this.siteLocal = code.local(TYPE_I32);
    this.targetLocal = code.local(TYPE_I64);
    this.slotLocal = code.local(TYPE_I32);
    this.registers = new RegisterLocals(code, context.base);
    this.flags = new FlagLocals(code, context.base, () => {
      this.callRuntime("nzcv");
    });
    this.memory = new MemoryAccess(this);
    this.flow = new FlowWriter({
      code,
      state: () => this.state,
      block: (number) => {
        const loop = this.loops.get(number);
        if (loop === undefined) this.translateBlock(number);
        else this.translateLoop(number, loop);
      },
      enterLoop: (number) => {
        this.loops.get(number)?.enter();
      },
      known: () => this.flags.kind,
      know: (kind) => {
        this.flags.kind = kind;
      },
      unknown: KIND_UNKNOWN,
    });
  }

  private get state(): Local {
    return (this.stateLocal ??= this.code.local(TYPE_I32));
  }

  get base(): number {
    return this.context.base;
  }
  get pageSize(): number {
    return this.context.pageSize;
  }
  get tracePcs(): boolean {
    return this.context.tracePcs;
  }

  // --- the function ------------------------------------------------------------------------------------------------

  /** Translates everything. Returns the code that comes before `code`. */
  translate(): Code {
    const { code } = this;
    this.siteLabel = code.block();
    this.goLabel = code.block();
    this.jumpLabel = code.block();
    this.flow.write(flowGraph(this.blocks.map(({ next }) => next), this.entries, (number) => this.context.hot && this.holdPages(number)));
    code.op(CONTROL.unreachable).end();
    if (this.jumps) {
      this.writeBack();
      pushUnused(code.get(this.targetLocal).get(this.account), "jump").returnCall(this.context.imported("jump"));
    } else code.op(CONTROL.unreachable);
    code.end();
    if (this.goes) {
      this.writeBack();
      code.i32(this.base + PC).get(this.targetLocal).memory(I64.store, 0);
      pushUnused(code.get(this.slotLocal).get(this.account), "go").returnCall(this.context.imported("go"));
    } else code.op(CONTROL.unreachable);
    code.end();
    this.writeBack();
    code.i32(this.base + SITE).get(this.siteLocal).memory(I32.store, 0);
    code.i32(this.base + ACCOUNT).get(this.account).memory(I64.store, 0);
    code.i32(LEFT_AT_SITE);
    const before = new Code(0);
    this.registers.enter(before);
    this.flags.enter(before);
    if (this.modeLocal !== undefined) this.readFloatMode(before);
    return before;
  }

  private writeBack(): void {
    this.registers.leave();
    this.flags.leave();
  }

  private startBlock(number: number): void {
    const { start } = this.blocks[number]!;
    this.block = { start, instructions: 0, loads: 0, stores: 0 };
    this.index = 0;
    this.pc = start;
    this.ended = false;
  }

  private pushStopBits(): Code {
    return this.code.i32(this.base + STOP_BITS).memory(I64.load, 0);
  }

  /** `parts`: where it is entered, and what is known there; `loop`: the accesses are those of the loop. */
  private translateBlock(number: number, parts: readonly LoopPart[] = [], loop?: LoopPages): void {
    const { code, memory } = this;
    const { start, words } = this.blocks[number]!;
    this.startBlock(number);
    const { block } = this;
    code.get(this.account);
    const cost = code.i64Later();
    code.op(I64.add);
    this.pushStopBits().op(I64.or).tee(this.account).i64(0).op(I64.ltS).if(TYPE_EMPTY);
    this.leaveAtSite("budget");
    code.end();
    memory.startBlock(loop);
    this.translateInstructions(words, 0, parts[0]?.from ?? words.length);
    for (const { from, to, kind } of parts) {
      code.end();
      this.flags.kind = kind;
      this.translateInstructions(words, from, to);
    }
    if (!this.ended) this.branch(start + 4 * words.length);
    code.patch(cost, blockCost(block.instructions, block.loads, block.stores));
  }

  private translateInstructions(words: readonly number[], from: number, to: number): void {
    for (let index = from; index < to && !this.ended; index++) {
      const word = words[index]!;
      this.begin(index, word);
      const row = this.context.decoder.find(word);
      // The terminator may write other blocks, so the account is complete before it.
      this.block.instructions++;
      if (row === undefined) this.exit("undefined-instruction");
      else row.translate(this, word);
    }
  }

  // --- loops of one block ------------------------------------------------------------------------------------------

  /** Whether the block, a loop by itself, has accesses that are all made in every round, and few. Then their pages get locals. */
  private holdPages(number: number): boolean {
    const { code, context, account } = this;
    const probe = new FunctionTranslator({ ...context, sites: new SiteTable(), hot: false }, [{ ...this.blocks[number]!, next: [0] }], [0]);
    probe.translate();
    const { block: { instructions, loads, stores }, memory: { accesses }, skips } = probe;
    if (skips || instructions < this.blocks[number]!.words.length || accesses.length === 0 || accesses.length > MAX_LOOP_ACCESSES) return false;
    const { base, pageSize } = context;
    this.loops.set(number, new LoopPages(accesses, { code, base, pageSize, account, cost: blockCost(instructions, loads, stores), time: this.memory.time }));
    return true;
  }

  /** Writes the loop twice (loop-pages.ts); the slow code can be entered at each instruction with accesses. */
  private translateLoop(number: number, pages: LoopPages): void {
    const { code, account } = this;
    const { words } = this.blocks[number]!;
    const parts = [...new Set(pages.accesses.map(({ index }) => index))].map((from, place, all): LoopPart => ({ from, to: all[place + 1] ?? words.length, slow: 0, kind: KIND_UNKNOWN }));
    for (const part of [...parts].reverse()) part.slow = code.block();
    const slow = code.block();
    pages.choose(slow);
    this.pushStopBits().get(account).op(I64.or).set(account);
    const quick = code.loop();
    this.startBlock(number);
    code.get(account).i64(pages.cost).op(I64.add).tee(account).i64(0).op(I64.ltS).if(TYPE_EMPTY);
    this.leaveAtSite("budget");
    code.end();
    this.memory.startLoop(pages);
    this.loop = { number, quick };
    this.translateInstructions(words, 0, parts[0]!.from);
    for (const part of parts) {
      part.kind = this.flags.kind;
      pages.slow = part.slow;
      this.translateInstructions(words, part.from, part.to);
    }
    pages.slow = undefined;
    this.loop = undefined;
    this.flags.kind = KIND_UNKNOWN;
    code.end().end();
    this.translateBlock(number, parts, pages);
  }

  /** Starts the next instruction. */
  private begin(index: number, word: number): void {
    this.pc = this.block.start + 4 * index;
    this.word = word;
    this.index = index;
    this.loadsBefore = this.block.loads;
    this.storesBefore = this.block.stores;
    for (const { type, local } of this.used) this.pools.get(type)?.push(local);
    this.used = [];
  }

  temp(type: ValueType): Local {
    let pool = this.pools.get(type);
    if (pool === undefined) {
      pool = [];
      this.pools.set(type, pool);
    }
    const local = pool.pop() ?? this.code.local(type);
    this.used.push({ type, local });
    return local;
  }

  /** Calls a function of the runtime; its arguments stand on the stack. */
  callRuntime(name: RuntimeFunction): void {
    pushUnused(this.code, name).call(this.context.imported(name));
  }

  // --- ways out ----------------------------------------------------------------------------------------------------

  private leaveAtSite(kind: SiteKind, run?: "load" | "store"): void {
    const { block } = this;
    const executed = kind === "svc" ? 1 : 0;
    const number = this.context.sites.add({
      kind,
      block,
      index: this.index + executed,
      loads: block.loads,
      stores: block.stores,
      ownLoads: block.loads - this.loadsBefore,
      ownStores: block.stores - this.storesBefore,
      run,
    });
    this.siteNumbers.push(number);
    this.code.i32(number).set(this.siteLocal).br(this.siteLabel);
  }

  refuse(run: "load" | "store" | undefined): void {
    this.leaveAtSite("access", run);
  }

  /** To a block: of this function, of this page, or elsewhere. */
  private to(target: number): void {
    const { code, context } = this;
    const number = this.numbers.get(target);
    if (this.loop !== undefined && number === this.loop.number) {
      code.br(this.loop.quick);
      return;
    }
    if (number !== undefined && this.flow.leadsTo(number)) {
      this.flow.branch(number);
      return;
    }
    code.i64(target < 0 ? BigInt(target) : target).set(this.targetLocal);
    if (Math.floor(target / context.pageSize) === Math.floor(this.block.start / context.pageSize)) {
      this.goes = true;
      code.i32(context.slot(target)).set(this.slotLocal).br(this.goLabel);
    } else {
      this.jumps = true;
      code.br(this.jumpLabel);
    }
  }

  branch(target: number): void {
    this.ended = true;
    this.to(target);
  }
  branchIf(target: number): void {
    const { code, flags } = this;
    this.ended = true;
    const next = this.pc + 4;
    if (target === next) {
      code.op(CONTROL.drop);
      this.to(next);
      return;
    }
    const { block, index } = this;
    const known = flags.kind;
    code.if(TYPE_EMPTY);
    this.to(target);
    code.end();
    flags.kind = known;
    this.block = block;
    this.index = index;
    this.to(next);
  }
  branchIndirect(): void {
    this.ended = true;
    this.jumps = true;
    this.code.set(this.targetLocal).br(this.jumpLabel);
  }
  exit(reason: InstructionExit): void {
    this.ended = true;
    this.leaveAtSite(reason);
  }
  endBlock(): void {
    this.branch(this.pc + 4);
  }

  // --- registers ---------------------------------------------------------------------------------------------------

  getX(n: number): void { this.registers.getX(n); }
  getXSp(n: number): void { this.registers.getXSp(n); }
  setX(n: number): void { this.registers.setX(n); }
  setXSp(n: number): void { this.registers.setXSp(n); }
  getW(n: number): void {
    this.registers.getX(n);
    this.code.op(I32.wrapI64);
  }
  getWSp(n: number): void {
    this.registers.getXSp(n);
    this.code.op(I32.wrapI64);
  }
  setW(n: number): void {
    this.code.op(I64.extendI32U);
    this.registers.setX(n);
  }
  setWSp(n: number): void {
    this.code.op(I64.extendI32U);
    this.registers.setXSp(n);
  }
  getV(n: number): void { this.registers.getV(n); }
  setV(n: number): void { this.registers.setV(n); }
  getD(n: number): void { this.registers.getD(n); }
  setD(n: number): void { this.registers.setD(n); }
  getS(n: number): void { this.registers.getS(n); }
  setS(n: number): void { this.registers.setS(n); }
  getDBits(n: number): void { this.registers.getDBits(n); }
  setDBits(n: number): void { this.registers.setDBits(n); }
  getSBits(n: number): void { this.registers.getSBits(n); }
  setSBits(n: number): void { this.registers.setSBits(n); }

  // --- flags -------------------------------------------------------------------------------------------------------

  nzcvOfAdd(width: 32 | 64, a: Local, b: Local): void {
    emitNzcvOfKind(this.code, width === 32 ? FLAGS_ADD_32 : FLAGS_ADD_64, a, b);
  }
  nzcvOfSub(width: 32 | 64, a: Local, b: Local): void {
    emitNzcvOfKind(this.code, width === 32 ? FLAGS_SUB_32 : FLAGS_SUB_64, a, b);
  }
  flagsOfAdd(width: 32 | 64, a: Local, b: Local): void { this.flags.ofAdd(width, a, b); }
  flagsOfSub(width: 32 | 64, a: Local, b: Local): void { this.flags.ofSub(width, a, b); }
  flagsOfLogic(width: 32 | 64, result: Local): void { this.flags.ofLogic(width, result); }
  getNzcv(): void { this.flags.get(); }
  setNzcv(): void { this.flags.set(); }
  getCarry(): void { this.flags.condition(2); }
  getCondition(condition: Condition): void { this.flags.condition(condition); }

  getState(cell: StateCell): void {
    this.code.i32(this.base + CELLS[cell]).memory(I64.load, 0);
  }
  setState(cell: StateCell): void {
    const value = this.temp(TYPE_I64);
    this.code.set(value).i32(this.base + CELLS[cell]).get(value).memory(I64.store, 0);
    if (cell === "fpcr" || cell === "fpsr") this.readFloatMode(this.code);
  }

  // --- memory ------------------------------------------------------------------------------------------------------

  load(bytes: AccessBytes, address: Local, offset: number, aligned: boolean | 16 = false): void {
    this.memory.load(bytes, address, offset, aligned);
    this.block.loads++;
  }
  store(bytes: AccessBytes, address: Local, offset: number, value: Local, aligned: boolean | 16 = false): void {
    this.memory.store(bytes, address, offset, value, aligned);
    this.block.stores++;
  }
  skippedAccesses(loads: number, stores: number): void {
    this.skips = true;
    this.code.get(this.account).i64(-blockCost(0, loads, stores)).op(I64.add).set(this.account);
  }
  loadPair(bytes: 4 | 8, address: Local, offset: number): readonly [Local, Local] {
    const pair = this.memory.loadPair(bytes, address, offset);
    this.block.loads += 2;
    return pair;
  }
  storePair(bytes: 4 | 8, address: Local, offset: number, first: Local, second: Local): void {
    this.memory.storePair(bytes, address, offset, first, second);
    this.block.stores += 2;
  }
  loadRun(bytes: AccessBytes, count: number, address: Local, offset: number): Local[] {
    const vectors = this.memory.loadRun(bytes, count, address, offset);
    this.block.loads += count;
    return vectors;
  }
  storeRun(bytes: AccessBytes, count: number, address: Local, offset: number, values: readonly Local[]): void {
    this.memory.storeRun(bytes, count, address, offset, values);
    this.block.stores += count;
  }

  // --- TypeScript and the runtime ----------------------------------------------------------------------------------

  interpret(operands: InterpretedOperands): void {
    const { xReads = [], xWrites = [], vReads = [], vWrites = [], nzcv = false } = operands;
    this.registers.publish(xReads, vReads);
    if (nzcv) this.flags.publish();
    this.code.i32(this.word);
    this.callRuntime("interpret");
    this.registers.collect(xWrites, vWrites);
    if (nzcv) this.flags.collect();
    if (vReads.length + vWrites.length > 0) this.readFloatMode(this.code);
  }
  floatMode(): Local {
    return (this.modeLocal ??= this.code.local(TYPE_I32));
  }
  /** Reads the mode again, where it may have changed. */
  private readFloatMode(code: Code): void {
    const mode = this.floatMode();
    code.i32(this.base + FPCR).memory(I32.load, 0).i32(FPCR_RMODE | FPCR_FZ).op(I32.and);
    code.i32(this.base + FPSR).memory(I32.load, 0).i32(-1).op(I32.xor).i32(FPSR_IXC).op(I32.and).op(I32.or).set(mode);
  }
}
