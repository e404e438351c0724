/**
 * Guest registers as local variables of one function: read at its start, written back where it is left.
 *
 * Only the registers that the code mentions get a local, so the code that reads them is written last and comes first.
 */
import type { Code, Local } from "./binary/code.js";
import { CONTROL, F32X4, F64X2, I32X4, I64, I64X2, TYPE_F32, TYPE_F64, TYPE_I32, TYPE_I64, TYPE_V128, V128 } from "./binary/opcodes.js";
import { V0, X0 } from "./layout.js";

const SP = 31;

export class RegisterLocals {
  private readonly code: Code;
  private readonly base: number;
  /** Locals of X0 to X30 and SP, and of V0 to V31. */
  private readonly general: (Local | undefined)[] = [];
  private readonly vectors: (Local | undefined)[] = [];
  private readonly generalWritten = new Set<number>();
  private readonly vectorsWritten = new Set<number>();
  private readonly scratch = new Map<number, Local>();

  /** `base`: where the cells begin. */
  constructor(code: Code, base: number) {
    this.code = code;
    this.base = base | 0;
  }

  private x(n: number): Local {
    return (this.general[n] ??= this.code.local(TYPE_I64));
  }

  private v(n: number): Local {
    return (this.vectors[n] ??= this.code.local(TYPE_V128));
  }

  private writeX(n: number): void {
    this.generalWritten.add(n);
    this.code.set(this.x(n));
  }

  getX(n: number): void {
    if (n === 31) this.code.i64(0);
    else this.code.get(this.x(n));
  }
  getXSp(n: number): void {
    this.code.get(this.x(n));
  }
  setX(n: number): void {
    if (n === 31) this.code.op(CONTROL.drop);
    else this.writeX(n);
  }
  setXSp(n: number): void {
    this.writeX(n);
  }

  getV(n: number): void {
    this.code.get(this.v(n));
  }
  setV(n: number): void {
    this.vectorsWritten.add(n);
    this.code.set(this.v(n));
  }
  getD(n: number): void {
    this.code.get(this.v(n)).lane(F64X2.extractLane, 0);
  }
  getS(n: number): void {
    this.code.get(this.v(n)).lane(F32X4.extractLane, 0);
  }
  getDBits(n: number): void {
    this.code.get(this.v(n)).lane(I64X2.extractLane, 0);
  }
  getSBits(n: number): void {
    this.code.get(this.v(n)).lane(I32X4.extractLane, 0);
  }

  /** Sets lane 0 from the stack and clears the rest. */
  private setLane(n: number, type: typeof TYPE_I32 | typeof TYPE_I64 | typeof TYPE_F32 | typeof TYPE_F64, replaceLane: number): void {
    let value = this.scratch.get(type);
    if (value === undefined) {
      value = this.code.local(type);
      this.scratch.set(type, value);
    }
    this.code.set(value).v128(0n, 0n).get(value).lane(replaceLane, 0);
    this.setV(n);
  }
  setD(n: number): void {
    this.setLane(n, TYPE_F64, F64X2.replaceLane);
  }
  setS(n: number): void {
    this.setLane(n, TYPE_F32, F32X4.replaceLane);
  }
  setDBits(n: number): void {
    this.setLane(n, TYPE_I64, I64X2.replaceLane);
  }
  setSBits(n: number): void {
    this.setLane(n, TYPE_I32, I32X4.replaceLane);
  }

  private readCell(code: Code, opcode: number, offset: number, into: Local): void {
    code.i32(this.base + offset).memory(opcode, 0).set(into);
  }

  private writeCell(opcode: number, offset: number, from: Local): void {
    this.code.i32(this.base + offset).get(from).memory(opcode, 0);
  }

  /** Puts the values of these registers where TypeScript reads them. 31 among `xs`: none. */
  publish(xs: readonly number[], vs: readonly number[]): void {
    for (const n of xs) if (n !== SP) this.writeCell(I64.store, X0 + 8 * n, this.x(n));
    for (const n of vs) this.writeCell(V128.store, V0 + 16 * n, this.v(n));
  }

  /** Takes the values of these registers from where TypeScript has written them. */
  collect(xs: readonly number[], vs: readonly number[]): void {
    for (const n of xs) {
      if (n === SP) continue;
      this.generalWritten.add(n);
      this.readCell(this.code, I64.load, X0 + 8 * n, this.x(n));
    }
    for (const n of vs) {
      this.vectorsWritten.add(n);
      this.readCell(this.code, V128.load, V0 + 16 * n, this.v(n));
    }
  }

  /** Writes the code that reads the registers, for the start of the function. */
  enter(code: Code): void {
    for (const [n, local] of this.general.entries()) if (local !== undefined) this.readCell(code, I64.load, X0 + 8 * n, local);
    for (const [n, local] of this.vectors.entries()) if (local !== undefined) this.readCell(code, V128.load, V0 + 16 * n, local);
  }

  /** Writes back every register that the function may have changed. To be called when all other code is there. */
  leave(): void {
    for (const n of this.generalWritten) this.writeCell(I64.store, X0 + 8 * n, this.x(n));
    for (const n of this.vectorsWritten) this.writeCell(V128.store, V0 + 16 * n, this.v(n));
  }
}

