/**
 * The translator of one basic block into one WebAssembly function: guest registers live in the state behind RAM.
 */
import { ModelBug } from "../../arch/errors.js";
import { Code, type Local } from "./binary/code.js";
import { F32, F64, F64X2, F32X4, I16X8, I32, I32X4, I64, I64X2, I8X16, TYPE_EMPTY, TYPE_I32, TYPE_I64, V128, type ValueType } from "./binary/opcodes.js";
import { EXCLUSIVE_ADDRESS, EXCLUSIVE_HIGH, EXCLUSIVE_LOW, FPCR, FPSR, LOADS, NZCV, PC, SP, STORES, TPIDR_EL0, V0, X0 } from "./layout.js";
import type { Condition, InstructionExit, InterpretedOperands, StateCell, Translator } from "./translator.js";

/** What a translated function returns. */
export const GO_ON = 0;
export const EXIT_SVC = 1;
export const EXIT_MISS = 2;
export const EXIT_UNDEFINED = 3;
export const EXIT_BREAKPOINT = 4;
export const EXIT_ALIGNMENT = 5;

const EXITS: Readonly<Record<InstructionExit, number>> = { svc: EXIT_SVC, "undefined-instruction": EXIT_UNDEFINED, breakpoint: EXIT_BREAKPOINT };
const CELLS: Readonly<Record<StateCell, number>> = {
  fpcr: FPCR, fpsr: FPSR, tpidrEl0: TPIDR_EL0, exclusiveAddress: EXCLUSIVE_ADDRESS, exclusiveLow: EXCLUSIVE_LOW, exclusiveHigh: EXCLUSIVE_HIGH,
};

/** Functions that a block imports, by name. `place`: host address of (address, bytes, write, alignment), or -1 alignment, -2 refused. */
export interface Imports {
  readonly place: number;
  readonly interpret: number;
  readonly runtime: Readonly<Record<string, number>>;
}

export class BlockTranslator implements Translator {
  readonly code = new Code(0);
  pc = 0;
  word = 0;
  ended = false;
  loads = 0;
  stores = 0;
  private readonly base: number;
  private readonly imports: Imports;
  private readonly free = new Map<ValueType, Local[]>();
  private used: { type: ValueType; local: Local }[] = [];

  constructor(base: number, imports: Imports) {
    this.base = base | 0;
    this.imports = imports;
  }

  /** Starts the next instruction. */
  begin(pc: number, word: number): void {
    this.pc = pc;
    this.word = word;
    for (const { type, local } of this.used) this.free.get(type)?.push(local);
    this.used = [];
  }

  temp(type: ValueType): Local {
    let pool = this.free.get(type);
    if (pool === undefined) {
      pool = [];
      this.free.set(type, pool);
    }
    const local = pool.pop() ?? this.code.local(type);
    this.used.push({ type, local });
    return local;
  }

  private read(opcode: number, offset: number): void {
    this.code.i32(this.base).memory(opcode, offset);
  }

  private write(opcode: number, type: ValueType, offset: number): void {
    const value = this.temp(type);
    this.code.set(value).i32(this.base).get(value).memory(opcode, offset);
  }

  getX(n: number): void {
    if (n === 31) this.code.i64(0);
    else this.read(I64.load, X0 + 8 * n);
  }
  getXSp(n: number): void {
    this.read(I64.load, X0 + 8 * n);
  }
  setX(n: number): void {
    if (n === 31) this.code.op(0x1a);
    else this.write(I64.store, TYPE_I64, X0 + 8 * n);
  }
  setXSp(n: number): void {
    this.write(I64.store, TYPE_I64, n === 31 ? SP : X0 + 8 * n);
  }
  getW(n: number): void {
    this.getX(n);
    this.code.op(I32.wrapI64);
  }
  getWSp(n: number): void {
    this.getXSp(n);
    this.code.op(I32.wrapI64);
  }
  setW(n: number): void {
    this.code.op(I64.extendI32U);
    this.setX(n);
  }
  setWSp(n: number): void {
    this.code.op(I64.extendI32U);
    this.setXSp(n);
  }

  getV(n: number): void {
    this.read(V128.load, V0 + 16 * n);
  }
  setV(n: number): void {
    this.write(V128.store, 0x7b, V0 + 16 * n);
  }
  getD(n: number): void {
    this.read(F64.load, V0 + 16 * n);
  }
  setD(n: number): void {
    const value = this.temp(0x7c);
    this.code.set(value).v128(0n, 0n).get(value).lane(F64X2.replaceLane, 0);
    this.setV(n);
  }
  getS(n: number): void {
    this.read(F32.load, V0 + 16 * n);
  }
  setS(n: number): void {
    const value = this.temp(0x7d);
    this.code.set(value).v128(0n, 0n).get(value).lane(F32X4.replaceLane, 0);
    this.setV(n);
  }
  getDBits(n: number): void {
    this.read(I64.load, V0 + 16 * n);
  }
  setDBits(n: number): void {
    const value = this.temp(TYPE_I64);
    this.code.set(value).v128(0n, 0n).get(value).lane(I64X2.replaceLane, 0);
    this.setV(n);
  }
  getSBits(n: number): void {
    this.read(I32.load, V0 + 16 * n);
  }
  setSBits(n: number): void {
    const value = this.temp(TYPE_I32);
    this.code.set(value).v128(0n, 0n).get(value).lane(I32X4.replaceLane, 0);
    this.setV(n);
  }

  /** Pushes NZCV from N (i32 0/1 expressions written by the callbacks). */
  private compose(n: () => void, z: () => void, c: () => void, v: () => void): void {
    const { code } = this;
    n();
    code.i32(31).op(I32.shl);
    z();
    code.i32(30).op(I32.shl).op(I32.or);
    c();
    code.i32(29).op(I32.shl).op(I32.or);
    v();
    code.i32(28).op(I32.shl).op(I32.or);
  }

  private narrow(width: 32 | 64, from: Local): Local {
    if (width === 64) return from;
    const low = this.temp(TYPE_I64);
    this.code.get(from).i64(0xffff_ffff).op(I64.and).set(low);
    return low;
  }

  private nzcv(width: 32 | 64, first: Local, second: Local, subtract: boolean): void {
    const { code } = this;
    const a = this.narrow(width, first);
    const b = this.narrow(width, second);
    const top = BigInt(width - 1);
    const result = this.temp(TYPE_I64);
    code.get(a).get(b).op(subtract ? I64.sub : I64.add);
    if (width === 32) code.i64(0xffff_ffff).op(I64.and);
    code.set(result);
    const bit = (): void => {
      code.i64(top).op(I64.shrU).op(I32.wrapI64).i32(1).op(I32.and);
    };
    this.compose(
      () => {
        code.get(result);
        bit();
      },
      () => code.get(result).op(I64.eqz),
      () => (subtract ? code.get(a).get(b).op(I64.geU) : code.get(result).get(a).op(I64.ltU)),
      () => {
        code.get(a).get(result).op(I64.xor);
        if (subtract) code.get(a).get(b).op(I64.xor);
        else code.get(b).get(result).op(I64.xor);
        code.op(I64.and);
        bit();
      },
    );
  }
  nzcvOfAdd(width: 32 | 64, a: Local, b: Local): void {
    this.nzcv(width, a, b, false);
  }
  nzcvOfSub(width: 32 | 64, a: Local, b: Local): void {
    this.nzcv(width, a, b, true);
  }
  flagsOfAdd(width: 32 | 64, a: Local, b: Local): void {
    this.nzcv(width, a, b, false);
    this.setNzcv();
  }
  flagsOfSub(width: 32 | 64, a: Local, b: Local): void {
    this.nzcv(width, a, b, true);
    this.setNzcv();
  }
  flagsOfLogic(width: 32 | 64, result: Local): void {
    const zero = this.temp(TYPE_I64);
    this.code.i64(0).set(zero);
    this.nzcv(width, result, zero, false);
    this.setNzcv();
  }
  getNzcv(): void {
    this.read(I32.load, NZCV);
  }
  setNzcv(): void {
    this.write(I32.store, TYPE_I32, NZCV);
  }
  private flag(bit: number): void {
    this.getNzcv();
    this.code.i32(bit).op(I32.shrU).i32(1).op(I32.and);
  }
  getCarry(): void {
    this.flag(29);
  }
  getCondition(condition: Condition): void {
    const { code } = this;
    const differ = (): void => {
      this.flag(31);
      this.flag(28);
      code.op(I32.ne);
    };
    switch (condition >> 1) {
      case 0:
        this.flag(30);
        break;
      case 1:
        this.flag(29);
        break;
      case 2:
        this.flag(31);
        break;
      case 3:
        this.flag(28);
        break;
      case 4:
        this.flag(29);
        this.flag(30);
        code.op(I32.gtU);
        break;
      case 5:
        differ();
        code.op(I32.eqz);
        break;
      case 6:
        differ();
        this.flag(30);
        code.op(I32.or).op(I32.eqz);
        break;
      default:
        code.i32(1);
        return;
    }
    if ((condition & 1) !== 0) code.op(I32.eqz);
  }

  getState(cell: StateCell): void {
    this.read(I64.load, CELLS[cell]);
  }
  setState(cell: StateCell): void {
    this.write(I64.store, TYPE_I64, CELLS[cell]);
  }

  private leave(exit: number, pc: number): void {
    this.code.i32(this.base).i64(pc).memory(I64.store, PC).i32(exit).return();
  }

  /** Leaves the host address in a local, or leaves the function. */
  private place(bytes: number, address: Local, offset: number, write: boolean, aligned: boolean | 16): Local {
    const { code } = this;
    const host = this.temp(TYPE_I32);
    code.get(address).i64(offset).op(I64.add).i32(bytes).i32(Number(write)).i32(aligned === true ? bytes : Number(aligned)).call(this.imports.place).tee(host);
    code.i32(-2).op(I32.geU);
    code.if(TYPE_EMPTY);
    code.i32(this.base).i64(this.pc).memory(I64.store, PC);
    code.i32(EXIT_ALIGNMENT).i32(EXIT_MISS).get(host).i32(-1).op(I32.eq).op(0x1b).return();
    code.end();
    return host;
  }
  load(bytes: 1 | 2 | 4 | 8, address: Local, offset: number, aligned: boolean | 16 = false): void {
    const host = this.place(bytes, address, offset, false, aligned);
    this.code.get(host).memory({ 1: I64.load8U, 2: I64.load16U, 4: I64.load32U, 8: I64.load }[bytes], 0);
    this.loads++;
  }
  store(bytes: 1 | 2 | 4 | 8, address: Local, offset: number, value: Local, aligned: boolean | 16 = false): void {
    const host = this.place(bytes, address, offset, true, aligned);
    this.code.get(host).get(value).memory({ 1: I64.store8, 2: I64.store16, 4: I64.store32, 8: I64.store }[bytes], 0);
    this.stores++;
  }
  skippedAccesses(loads: number, stores: number): void {
    for (const [cell, count] of [[LOADS, loads], [STORES, stores]] as const) {
      this.code.i32(this.base).i32(this.base).memory(I64.load, cell).i64(count).op(I64.sub).memory(I64.store, cell);
    }
  }

  loadRun(bytes: 1 | 2 | 4 | 8, count: number, address: Local, offset: number): Local[] {
    const { code } = this;
    const element = this.temp(TYPE_I64);
    const vectors: Local[] = [];
    for (let at = 0; at < bytes * count; at += bytes) {
      if (at % 16 === 0) {
        vectors.push(this.temp(0x7b));
        code.v128(0n, 0n).set(vectors.at(-1)!);
      }
      const vector = vectors.at(-1)!;
      this.load(bytes, address, offset + at);
      code.set(element).get(vector).get(element);
      if (bytes !== 8) code.op(I32.wrapI64);
      code.lane({ 1: I8X16.replaceLane, 2: I16X8.replaceLane, 4: I32X4.replaceLane, 8: I64X2.replaceLane }[bytes], (at % 16) / bytes).set(vector);
    }
    return vectors;
  }
  storeRun(bytes: 1 | 2 | 4 | 8, count: number, address: Local, offset: number, values: readonly Local[]): void {
    const { code } = this;
    const element = this.temp(TYPE_I64);
    for (let at = 0; at < bytes * count; at += bytes) {
      code.get(values[Math.floor(at / 16)]!);
      code.lane({ 1: I8X16.extractLaneU, 2: I16X8.extractLaneU, 4: I32X4.extractLane, 8: I64X2.extractLane }[bytes], (at % 16) / bytes);
      if (bytes !== 8) code.op(I64.extendI32U);
      code.set(element);
      this.store(bytes, address, offset + at, element);
    }
  }

  branch(target: number): void {
    this.leave(GO_ON, target);
    this.ended = true;
  }
  branchIf(target: number): void {
    this.code.if(TYPE_EMPTY);
    this.leave(GO_ON, target);
    this.code.end();
    this.leave(GO_ON, this.pc + 4);
    this.ended = true;
  }
  branchIndirect(): void {
    this.write(I64.store, TYPE_I64, PC);
    this.code.i32(GO_ON).return();
    this.ended = true;
  }
  exit(reason: InstructionExit): void {
    this.leave(EXITS[reason], reason === "svc" ? this.pc + 4 : this.pc);
    this.ended = true;
  }
  endBlock(): void {
    this.branch(this.pc + 4);
  }

  interpret(_operands: InterpretedOperands): void {
    this.code.i32(this.word).call(this.imports.interpret);
  }
  callRuntime(name: string): void {
    const number = this.imports.runtime[name];
    if (number === undefined) throw new ModelBug(`wasm engine: the runtime has no ${name}`);
    this.code.call(number);
  }
}
