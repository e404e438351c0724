/**
 * What the rows of the decode table may use to write the code of one instruction: guest state as values on WebAssembly's stack.
 *
 * Methods named `get...` push, methods named `set...` pop. Register 31 is the zero register, or SP in the `...Sp` forms. An instruction
 * must not set any register before its last `load` or `store`, because each of them may leave the function with the PC on the instruction.
 * The methods that end a block (`branch...`, `exit`) are the last ones that a row calls.
 */
import type { InstructionCode, Local } from "./binary/code.js";
import type { ValueType } from "./binary/opcodes.js";
import type { CryptoFunction } from "./runtime-crypto.js";
import type { FloatFunction } from "./runtime-float.js";

/** Condition codes. Arm: DDI 0487 C1.2.4. */
export type Condition = number;

/** Why a block gives up on its own instruction. */
export type InstructionExit = "svc" | "undefined-instruction" | "breakpoint";

/** What an instruction that is carried out in TypeScript reads and writes, by register number. */
export interface InterpretedOperands {
  readonly vReads?: readonly number[];
  readonly vWrites?: readonly number[];
  /** 31 is left out by the callee: the zero register. */
  readonly xReads?: readonly number[];
  readonly xWrites?: readonly number[];
  /** It reads or writes NZCV. */
  readonly nzcv?: boolean;
}

/** 64-bit cells of the state that are not kept in locals. */
export type StateCell = "fpcr" | "fpsr" | "tpidrEl0" | "exclusiveAddress" | "exclusiveLow" | "exclusiveHigh";

export interface Translator {
  readonly code: InstructionCode;
  /** Address of the instruction. */
  readonly pc: number;
  readonly word: number;

  /** A local for this instruction only; its value at first is anything. */
  temp(type: ValueType): Local;

  /** i64. */
  getX(n: number): void;
  getXSp(n: number): void;
  setX(n: number): void;
  setXSp(n: number): void;
  /** i32; `set` zero-extends. */
  getW(n: number): void;
  getWSp(n: number): void;
  setW(n: number): void;
  setWSp(n: number): void;

  /** v128. */
  getV(n: number): void;
  setV(n: number): void;
  /** f64 or f32 in lane 0; `set` clears the rest of the vector. */
  getD(n: number): void;
  setD(n: number): void;
  getS(n: number): void;
  setS(n: number): void;
  /** The same lanes as i64 or i32. */
  getDBits(n: number): void;
  setDBits(n: number): void;
  getSBits(n: number): void;
  setSBits(n: number): void;

  /** NZCV of `a + b` or `a - b` (width 32: of the low halves), or of the result of a logical instruction (C and V 0). Operands are i64 locals. */
  flagsOfAdd(width: 32 | 64, a: Local, b: Local): void;
  flagsOfSub(width: 32 | 64, a: Local, b: Local): void;
  flagsOfLogic(width: 32 | 64, result: Local): void;
  /** i32 with NZCV in bits 31:28. */
  getNzcv(): void;
  setNzcv(): void;
  /** Pushes NZCV of `a + b` or `a - b` without setting it. */
  nzcvOfAdd(width: 32 | 64, a: Local, b: Local): void;
  nzcvOfSub(width: 32 | 64, a: Local, b: Local): void;
  /** i32, 0 or 1. */
  getCarry(): void;
  /** i32, 0 or 1: whether the condition holds. */
  getCondition(condition: Condition): void;

  /** i64. */
  getState(cell: StateCell): void;
  setState(cell: StateCell): void;

  /**
   * Pushes the i64 at `address + offset` (wrapping at 64 bits, top byte ignored), zero-extended. Counts a load.
   * `aligned`: an address that is no multiple of `bytes`, or of 16, is an alignment fault.
   */
  load(bytes: 1 | 2 | 4 | 8, address: Local, offset: number, aligned?: boolean | 16): void;
  /** Stores the low bytes of the i64 local `value`. Counts a store. */
  store(bytes: 1 | 2 | 4 | 8, address: Local, offset: number, value: Local, aligned?: boolean | 16): void;
  /** On this way through the instruction so many of the loads and stores that its code contains were not made: they are not counted. */
  skippedAccesses(loads: number, stores: number): void;

  /** Two loads, one behind the other, into i64 locals; the same as two calls of `load`, at the cost of one if they lie on one page. */
  loadPair(bytes: 4 | 8, address: Local, offset: number): readonly [Local, Local];
  storePair(bytes: 4 | 8, address: Local, offset: number, first: Local, second: Local): void;

  /**
   * `count` loads of `bytes` each, one behind the other from `address + offset`: what they read, in v128 locals, 16 bytes each in memory
   * order, zeros behind the last. The same as so many calls of `load`, at the cost of one if they lie on one page.
   */
  loadRun(bytes: 1 | 2 | 4 | 8, count: number, address: Local, offset: number): Local[];
  /** As many stores of the v128 locals. */
  storeRun(bytes: 1 | 2 | 4 | 8, count: number, address: Local, offset: number, values: readonly Local[]): void;

  branch(target: number): void;
  /** Pops i32: to `target` if not 0, else to the next instruction. */
  branchIf(target: number): void;
  /** Pops the i64 target. */
  branchIndirect(): void;
  exit(reason: InstructionExit): void;
  /** Ends the block behind this instruction, which goes on at the next one: after barriers that fetches have to see. */
  endBlock(): void;

  /** Carries out the instruction in TypeScript (`soft/`). */
  interpret(operands: InterpretedOperands): void;
  /** Calls a function of the runtime by name; arguments on the stack. */
  callRuntime(name: FloatFunction | CryptoFunction): void;

  /**
   * i32 local with FPCR.RMode and FZ in their places, and FPSR.IXC inverted in its own: 0 if WebAssembly's arithmetic is right for numbers whether the
   * result is exact or not, FPSR_IXC if it is right for exact results only. The translator keeps it up to date.
   */
  floatMode(): Local;
}
