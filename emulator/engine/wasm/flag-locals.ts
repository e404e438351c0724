/** The flags of one function: three local variables, and what is known of their kind while the code is written. */
import type { Code, Local } from "./binary/code.js";
import { I32, I64, TYPE_I32, TYPE_I64 } from "./binary/opcodes.js";
import { emitCondition, emitNzcvOfKind, FLAGS_ADD_32, FLAGS_ADD_64, FLAGS_LOGIC_32, FLAGS_LOGIC_64, FLAGS_PACKED, FLAGS_SUB_32, FLAGS_SUB_64 } from "./flags.js";
import { FLAG_A, FLAG_B, FLAG_KIND, NZCV } from "./layout.js";
import type { Condition } from "./translator.js";

/** The kind is known only when the code runs. */
export const KIND_UNKNOWN = -1;

export class FlagLocals {
  /** Kind at the place where code is being written. */
  kind = KIND_UNKNOWN;
  private readonly code: Code;
  private readonly base: number;
  /** Writes a call of the runtime's `nzcv`. */
  private readonly callNzcv: () => void;
  private locals: { readonly kind: Local; readonly a: Local; readonly b: Local } | undefined;
  private written = false;

  constructor(code: Code, base: number, callNzcv: () => void) {
    this.code = code;
    this.base = base | 0;
    this.callNzcv = callNzcv;
  }

  private get all(): { readonly kind: Local; readonly a: Local; readonly b: Local } {
    return (this.locals ??= { kind: this.code.local(TYPE_I32), a: this.code.local(TYPE_I64), b: this.code.local(TYPE_I64) });
  }

  private setKind(kind: number): void {
    this.kind = kind;
    this.written = true;
    this.code.i32(kind).set(this.all.kind);
  }

  private setOperands(kind: number, a: Local, b: Local | undefined): void {
    this.code.get(a).set(this.all.a);
    if (b !== undefined) this.code.get(b).set(this.all.b);
    this.setKind(kind);
  }

  ofAdd(width: 32 | 64, a: Local, b: Local): void {
    this.setOperands(width === 32 ? FLAGS_ADD_32 : FLAGS_ADD_64, a, b);
  }
  ofSub(width: 32 | 64, a: Local, b: Local): void {
    this.setOperands(width === 32 ? FLAGS_SUB_32 : FLAGS_SUB_64, a, b);
  }
  ofLogic(width: 32 | 64, result: Local): void {
    this.setOperands(width === 32 ? FLAGS_LOGIC_32 : FLAGS_LOGIC_64, result, undefined);
  }

  /** Pops NZCV. */
  set(): void {
    this.code.op(I64.extendI32U).set(this.all.a);
    this.setKind(FLAGS_PACKED);
  }

  /** Makes an unknown kind a known one. */
  private know(): void {
    if (this.kind !== KIND_UNKNOWN) return;
    const { kind, a, b } = this.all;
    this.code.get(kind).get(a).get(b);
    this.callNzcv();
    this.code.op(I64.extendI32U).set(a);
    this.setKind(FLAGS_PACKED);
  }

  /** Pushes NZCV. */
  get(): void {
    this.know();
    const { a, b } = this.all;
    emitNzcvOfKind(this.code, this.kind, a, b);
  }

  condition(condition: Condition): void {
    if (condition >> 1 !== 7) this.know();
    const { a, b } = this.all;
    emitCondition(this.code, condition, this.kind, a, b);
  }

  /** Leaves what is known of the kind as it is: the code may be on one of two ways. */
  publish(): void {
    const { kind, a, b } = this.all;
    this.code.i32(this.base + NZCV);
    if (this.kind === KIND_UNKNOWN) {
      this.code.get(kind).get(a).get(b);
      this.callNzcv();
    }
    else emitNzcvOfKind(this.code, this.kind, a, b);
    this.code.memory(I32.store, 0);
  }

  collect(): void {
    this.code.i32(this.base + NZCV).memory(I32.load, 0);
    this.set();
  }

  /** Writes the code that reads the flags, for the start of the function. */
  enter(code: Code): void {
    if (this.locals === undefined) return;
    const { kind, a, b } = this.locals;
    code.i32(this.base + FLAG_KIND).memory(I32.load, 0).set(kind);
    code.i32(this.base + FLAG_A).memory(I64.load, 0).set(a);
    code.i32(this.base + FLAG_B).memory(I64.load, 0).set(b);
  }

  /** Writes the flags back if the function may have changed them. */
  leave(): void {
    if (this.locals === undefined || !this.written) return;
    const { kind, a, b } = this.locals;
    this.code.i32(this.base + FLAG_KIND).get(kind).memory(I32.store, 0);
    this.code.i32(this.base + FLAG_A).get(a).memory(I64.store, 0);
    this.code.i32(this.base + FLAG_B).get(b).memory(I64.store, 0);
  }
}
