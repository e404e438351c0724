/**
 * Guest state as rows of the decode table see it while their instruction is carried out at once, instead of translated.
 *
 * The registers are the cells behind RAM, so there is nothing to write back. Accesses go through the runtime, as those of translated code do.
 */
import { ModelBug } from "../../../arch/errors.js";
import type { Local } from "../binary/code.js";
import { I64 } from "../binary/opcodes.js";
import { emitCondition, emitNzcvOfKind, FLAGS_ADD_32, FLAGS_ADD_64, FLAGS_LOGIC_32, FLAGS_LOGIC_64, FLAGS_PACKED, FLAGS_SUB_32, FLAGS_SUB_64 } from "../flags.js";
import { ACCESS_PC, EXCLUSIVE_ADDRESS, EXCLUSIVE_HIGH, EXCLUSIVE_LOW, FLAG_A, FLAG_B, FLAG_KIND, FPCR, FPSR, PC, RUN, TPIDR_EL0, V0 } from "../layout.js";
import type { AccessBytes } from "../memory-access.js";
import { NOWHERE } from "../runtime-filter.js";
import type { Condition, InstructionExit, StateCell, Translator } from "../translator.js";
import type { Accesses } from "./accesses.js";
import { DirectCode } from "./direct-code.js";
import { VALUE_WORDS } from "./operations.js";

const STATE: Readonly<Record<StateCell, number>> = {
  fpcr: FPCR / 4, fpsr: FPSR / 4, tpidrEl0: TPIDR_EL0 / 4, exclusiveAddress: EXCLUSIVE_ADDRESS / 4, exclusiveLow: EXCLUSIVE_LOW / 4, exclusiveHigh: EXCLUSIVE_HIGH / 4,
};
const VECTOR_BYTES = 16;
const TWO_32 = 2 ** 32;
/** Bits 63:56 and bit 55 of an address, in its upper word. Arm: AArch64.BranchAddr. */
const TAG = 0xff00_0000;
const TOP_OF_ADDRESS = 0x0080_0000;

function alignmentOf(bytes: AccessBytes, aligned: boolean | 16): number {
  return aligned === false ? 0 : aligned === true ? bytes : aligned;
}

export interface DirectOptions {
  /** The cells behind RAM. */
  readonly cells: Uint32Array;
  readonly accesses: Accesses;
  /** Note the PC of each access. */
  readonly tracePcs: boolean;
}

export class DirectExecution implements Translator {
  readonly code = new DirectCode();
  pc = 0;
  word = 0;
  /** The instruction has set the PC; or it was refused an access, or is an exit. */
  ended = false;
  /** It branched to an address in a register. */
  indirect = false;
  exitReason: InstructionExit | undefined;
  /** An access was refused: one of a run, or one alone. */
  refused: "load" | "store" | "single" | undefined;
  /** Accesses that the instruction has made. */
  loads = 0;
  stores = 0;
  private readonly cells: Uint32Array;
  private readonly memory: DataView;
  private readonly accesses: Accesses;
  private readonly tracePcs: boolean;

  constructor({ cells, accesses, tracePcs }: DirectOptions) {
    this.cells = cells;
    this.memory = new DataView(cells.buffer);
    this.accesses = accesses;
    this.tracePcs = tracePcs;
  }

  beginBlock(): void {
    this.indirect = false;
    this.exitReason = undefined;
    this.refused = undefined;
  }

  /** Starts the next instruction. */
  begin(pc: number, word: number): void {
    this.pc = pc;
    this.word = word;
    this.ended = false;
    this.loads = 0;
    this.stores = 0;
    this.code.begin();
  }

  /** Where the block goes on. */
  setPc(target: number): void {
    this.cells[PC / 4] = target;
    this.cells[PC / 4 + 1] = Math.floor(target / TWO_32);
  }

  temp(): Local {
    return this.code.local();
  }

  // --- registers ---------------------------------------------------------------------------------------------------

  private pushCell(at: number): void {
    if (!this.code.skips) this.code.push(this.cells[at]!, this.cells[at + 1]!);
  }
  private popCell(at: number): void {
    const { code, cells } = this;
    if (code.skips) return;
    const value = code.pop();
    cells[at] = code.words[value]!;
    cells[at + 1] = code.words[value + 1]!;
  }

  getX(n: number): void {
    if (n === 31) this.code.i64(0);
    else this.pushCell(2 * n);
  }
  getXSp(n: number): void {
    this.pushCell(2 * n);
  }
  setX(n: number): void {
    if (n !== 31) this.popCell(2 * n);
    else if (!this.code.skips) this.code.pop();
  }
  setXSp(n: number): void {
    this.popCell(2 * n);
  }
  // An i32 is the low word of an i64.
  getW(n: number): void {
    this.getX(n);
  }
  getWSp(n: number): void {
    this.getXSp(n);
  }
  private clearUpperWord(): void {
    const { code } = this;
    if (!code.skips) code.words[code.top - VALUE_WORDS + 1] = 0;
  }
  setW(n: number): void {
    this.clearUpperWord();
    this.setX(n);
  }
  setWSp(n: number): void {
    this.clearUpperWord();
    this.setXSp(n);
  }

  getV(n: number): void {
    const { code, cells } = this;
    if (code.skips) return;
    const at = V0 / 4 + 4 * n;
    const { words, top } = code;
    for (let word = 0; word < VALUE_WORDS; word++) words[top + word] = cells[at + word]!;
    code.top = top + VALUE_WORDS;
  }
  setV(n: number): void {
    const { code, cells } = this;
    if (code.skips) return;
    const at = V0 / 4 + 4 * n;
    const value = code.pop();
    for (let word = 0; word < VALUE_WORDS; word++) cells[at + word] = code.words[value + word]!;
  }
  // Lane 0 stands in the low words, whatever it is taken for.
  getD(n: number): void {
    this.getV(n);
  }
  getS(n: number): void {
    this.getV(n);
  }
  getDBits(n: number): void {
    this.getV(n);
  }
  getSBits(n: number): void {
    this.getV(n);
  }
  private setLane(n: number, count: number): void {
    const { code } = this;
    if (!code.skips) code.words.fill(0, code.top - VALUE_WORDS + count, code.top);
    this.setV(n);
  }
  setD(n: number): void {
    this.setLane(n, 2);
  }
  setS(n: number): void {
    this.setLane(n, 1);
  }
  setDBits(n: number): void {
    this.setLane(n, 2);
  }
  setSBits(n: number): void {
    this.setLane(n, 1);
  }

  // --- flags -------------------------------------------------------------------------------------------------------

  private setFlags(kind: number, a: Local, b: Local): void {
    const { cells } = this;
    const { skips, locals } = this.code;
    if (skips) return;
    cells[FLAG_KIND / 4] = kind;
    cells[FLAG_A / 4] = locals[a]!;
    cells[FLAG_A / 4 + 1] = locals[a + 1]!;
    cells[FLAG_B / 4] = locals[b]!;
    cells[FLAG_B / 4 + 1] = locals[b + 1]!;
  }
  private flagOperand(at: number): Local {
    const local = this.code.local();
    this.pushCell(at);
    this.code.set(local);
    return local;
  }
  flagsOfAdd(width: 32 | 64, a: Local, b: Local): void {
    this.setFlags(width === 32 ? FLAGS_ADD_32 : FLAGS_ADD_64, a, b);
  }
  flagsOfSub(width: 32 | 64, a: Local, b: Local): void {
    this.setFlags(width === 32 ? FLAGS_SUB_32 : FLAGS_SUB_64, a, b);
  }
  flagsOfLogic(width: 32 | 64, result: Local): void {
    this.setFlags(width === 32 ? FLAGS_LOGIC_32 : FLAGS_LOGIC_64, result, result);
  }
  getNzcv(): void {
    emitNzcvOfKind(this.code, this.cells[FLAG_KIND / 4]!, this.flagOperand(FLAG_A / 4), this.flagOperand(FLAG_B / 4));
  }
  setNzcv(): void {
    this.clearUpperWord();
    this.popCell(FLAG_A / 4);
    if (!this.code.skips) this.cells[FLAG_KIND / 4] = FLAGS_PACKED;
  }
  nzcvOfAdd(width: 32 | 64, a: Local, b: Local): void {
    emitNzcvOfKind(this.code, width === 32 ? FLAGS_ADD_32 : FLAGS_ADD_64, a, b);
  }
  nzcvOfSub(width: 32 | 64, a: Local, b: Local): void {
    emitNzcvOfKind(this.code, width === 32 ? FLAGS_SUB_32 : FLAGS_SUB_64, a, b);
  }
  getCarry(): void {
    this.getCondition(2);
  }
  getCondition(condition: Condition): void {
    emitCondition(this.code, condition, this.cells[FLAG_KIND / 4]!, this.flagOperand(FLAG_A / 4), this.flagOperand(FLAG_B / 4));
  }

  getState(cell: StateCell): void {
    this.pushCell(STATE[cell]);
  }
  setState(cell: StateCell): void {
    this.popCell(STATE[cell]);
  }

  // --- memory ------------------------------------------------------------------------------------------------------

  /** Leaves address + offset in the words `at` and `at + 1` above the stack. */
  private address(address: Local, offset: number): number {
    const { code } = this;
    code.get(address);
    if (offset !== 0) code.i64(offset).op(I64.add);
    return code.pop();
  }

  private notePc(): void {
    if (!this.tracePcs) return;
    this.cells[ACCESS_PC / 4] = this.pc;
    this.cells[ACCESS_PC / 4 + 1] = Math.floor(this.pc / TWO_32);
  }

  private refuse(what: "load" | "store" | "single"): void {
    this.refused = what;
    this.ended = true;
    this.code.abandon();
  }

  load(bytes: AccessBytes, address: Local, offset: number, aligned: boolean | 16 = false): void {
    const { code, memory } = this;
    if (code.skips) return;
    const at = this.address(address, offset);
    this.notePc();
    const place = this.accesses.load(code.words[at]!, code.words[at + 1]!, bytes, alignmentOf(bytes, aligned));
    if (place === NOWHERE) {
      this.refuse("single");
      return;
    }
    this.loads++;
    const from = place >>> 0;
    if (bytes === 8) code.push(memory.getInt32(from, true), memory.getInt32(from + 4, true));
    else code.push(bytes === 4 ? memory.getInt32(from, true) : bytes === 2 ? memory.getUint16(from, true) : memory.getUint8(from), 0);
  }

  store(bytes: AccessBytes, address: Local, offset: number, value: Local, aligned: boolean | 16 = false): void {
    const { code } = this;
    if (code.skips) return;
    const at = this.address(address, offset);
    this.notePc();
    const refused = this.accesses.store(code.words[at]!, code.words[at + 1]!, bytes, alignmentOf(bytes, aligned), code.locals[value]!, code.locals[value + 1]!);
    if (refused !== 0) this.refuse("single");
    else this.stores++;
  }

  skippedAccesses(): void {
    // Only those that are made are counted.
  }

  /** Reads `total` bytes of a run into words of the locals, zeros behind them. */
  private readRun(bytes: AccessBytes, total: number, address: Local, offset: number): Local[] {
    const { code, memory } = this;
    const vectors = Array.from({ length: Math.ceil(total / VECTOR_BYTES) }, () => code.local());
    if (code.skips) return vectors;
    const at = this.address(address, offset);
    this.notePc();
    const place = this.accesses.loadRun(code.words[at]!, code.words[at + 1]!, bytes, total);
    if (place === NOWHERE) {
      this.refuse("load");
      return vectors;
    }
    this.loads += total / bytes;
    const from = place >>> 0;
    for (const [index, vector] of vectors.entries()) {
      for (let word = 0; word < VALUE_WORDS; word++) {
        const byte = index * VECTOR_BYTES + 4 * word;
        code.locals[vector + word] = byte < total ? memory.getInt32(from + byte, true) : 0;
      }
    }
    return vectors;
  }

  loadPair(bytes: 4 | 8, address: Local, offset: number): readonly [Local, Local] {
    const { code } = this;
    const [both] = this.readRun(bytes, 2 * bytes, address, offset);
    const second = code.local();
    const { locals } = code;
    locals[second] = locals[both! + bytes / 4]!;
    locals[second + 1] = bytes === 8 ? locals[both! + 3]! : 0;
    if (bytes === 4) locals[both! + 1] = 0;
    return [both!, second];
  }

  loadRun(bytes: AccessBytes, count: number, address: Local, offset: number): Local[] {
    return this.readRun(bytes, bytes * count, address, offset);
  }

  private writeRun(bytes: AccessBytes, total: number, address: Local, offset: number): void {
    const { code } = this;
    const at = this.address(address, offset);
    this.notePc();
    if (this.accesses.storeRun(code.words[at]!, code.words[at + 1]!, bytes, total) === NOWHERE) this.refuse("store");
    else this.stores += total / bytes;
  }

  storePair(bytes: 4 | 8, address: Local, offset: number, first: Local, second: Local): void {
    const { cells } = this;
    const { skips, locals } = this.code;
    if (skips) return;
    const run = RUN / 4;
    cells[run] = locals[first]!;
    cells[run + 1] = locals[bytes === 8 ? first + 1 : second]!;
    if (bytes === 8) {
      cells[run + 2] = locals[second]!;
      cells[run + 3] = locals[second + 1]!;
    }
    this.writeRun(bytes, 2 * bytes, address, offset);
  }

  storeRun(bytes: AccessBytes, count: number, address: Local, offset: number, values: readonly Local[]): void {
    const { cells } = this;
    const { skips, locals } = this.code;
    if (skips) return;
    for (const [index, value] of values.entries()) cells.set(locals.subarray(value, value + VALUE_WORDS), RUN / 4 + VALUE_WORDS * index);
    this.writeRun(bytes, bytes * count, address, offset);
  }

  // --- ways out ----------------------------------------------------------------------------------------------------

  branch(target: number): void {
    if (this.code.skips) return;
    this.ended = true;
    this.setPc(target);
  }
  branchIf(target: number): void {
    const { code } = this;
    if (!code.skips) this.branch(code.words[code.pop()] !== 0 ? target : this.pc + 4);
  }
  branchIndirect(): void {
    const { code } = this;
    this.popCell(PC / 4);
    if (code.skips) return;
    const high = this.cells[PC / 4 + 1]!;
    if ((high & TOP_OF_ADDRESS) === 0) this.cells[PC / 4 + 1] = high & ~TAG;
    this.ended = true;
    this.indirect = true;
  }
  exit(reason: InstructionExit): void {
    this.ended = true;
    this.exitReason = reason;
  }
  endBlock(): void {
    this.branch(this.pc + 4);
  }

  interpret(): void {
    this.absent("interpret");
  }
  callRuntime(): void {
    this.absent("callRuntime");
  }
  floatMode(): Local {
    return this.absent("floatMode");
  }
  private absent(what: string): never {
    throw new ModelBug(`wasm engine: ${what} at ${this.pc.toString(16)} cannot be carried out at once`);
  }
}
