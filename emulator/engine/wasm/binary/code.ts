/**
 * The body of one WebAssembly function, written instruction by instruction.
 *
 * Methods return the object, so that a line of code reads as a line of the text format. Nothing is checked here: the host's validator
 * does that when the module is compiled.
 */
import { Bytes, PADDED_64 } from "./bytes.js";
import { CONTROL, F32, F64, I32, I64, I8X16, TYPE_EMPTY, V128, type ValueType } from "./opcodes.js";

/** Number of a local variable of the function; parameters come first. */
export type Local = number;

/** What an instruction of the guest is made of, on WebAssembly's stack: written to a function (`Code`), or carried out at once (`cold/direct-code.ts`). */
export interface InstructionCode {
  op(opcode: number): this;
  get(local: Local): this;
  set(local: Local): this;
  tee(local: Local): this;
  i32(value: number): this;
  i64(value: bigint | number): this;
  f32(value: number): this;
  f64(value: number): this;
  v128(low: bigint, high: bigint): this;
  lane(opcode: number, index: number): this;
  shuffle(lanes: readonly number[]): this;
  block(type?: ValueType | typeof TYPE_EMPTY): number;
  loop(type?: ValueType | typeof TYPE_EMPTY): number;
  if(type?: ValueType | typeof TYPE_EMPTY): number;
  else(): this;
  end(): this;
  br(label: number): this;
  brIf(label: number): this;
}

export class Code implements InstructionCode {
  private readonly bytes = new Bytes();
  private readonly types: ValueType[] = [];
  private readonly parameters: number;
  private depth = 0;

  /** `parameters`: number of the function's parameters. */
  constructor(parameters: number) {
    this.parameters = parameters;
  }

  /** A new local variable, 0 at first. */
  local(type: ValueType): Local {
    this.types.push(type);
    return this.parameters + this.types.length - 1;
  }

  /** Any instruction without immediates: arithmetic, comparisons, conversions, `drop`, `select`, `return`. */
  op(opcode: number): this {
    if (opcode >= 0x10000) {
      this.bytes.byte(opcode >>> 16);
      this.bytes.unsigned(opcode & 0xffff);
    } else if (opcode >= 0x100) {
      this.bytes.byte(opcode >>> 8);
      this.bytes.unsigned(opcode & 0xff);
    } else this.bytes.byte(opcode);
    return this;
  }

  get(local: Local): this {
    this.bytes.byte(CONTROL.localGet);
    this.bytes.unsigned(local);
    return this;
  }

  set(local: Local): this {
    this.bytes.byte(CONTROL.localSet);
    this.bytes.unsigned(local);
    return this;
  }

  tee(local: Local): this {
    this.bytes.byte(CONTROL.localTee);
    this.bytes.unsigned(local);
    return this;
  }

  /** An i32 constant, of which only the low 32 bits count. */
  i32(value: number): this {
    this.bytes.byte(I32.const);
    this.bytes.signed(value | 0);
    return this;
  }

  i64(value: bigint | number): this {
    this.bytes.byte(I64.const);
    this.bytes.signed64(value);
    return this;
  }

  /** An i64 constant whose value comes later, by `patch` with the number that this returns. */
  i64Later(): number {
    this.bytes.byte(I64.const);
    const at = this.bytes.length;
    for (let byte = 0; byte < PADDED_64; byte++) this.bytes.byte(0);
    return at;
  }

  patch(at: number, value: bigint): void {
    this.bytes.patch64(at, value);
  }

  f32(value: number): this {
    this.bytes.byte(F32.const);
    this.bytes.append(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  f64(value: number): this {
    this.bytes.byte(F64.const);
    this.bytes.append(new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  /** A vector constant of two 64-bit words, low word first. */
  v128(low: bigint, high: bigint): this {
    this.op(V128.const);
    this.bytes.append(new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, low), BigInt.asUintN(64, high)).buffer));
    return this;
  }

  /** A load or store at the address on the stack plus `offset`. No alignment is promised. */
  memory(opcode: number, offset: number): this {
    this.op(opcode);
    this.bytes.byte(0);
    this.bytes.unsigned(offset);
    return this;
  }

  /** extract_lane or replace_lane. */
  lane(opcode: number, index: number): this {
    this.op(opcode);
    this.bytes.byte(index);
    return this;
  }

  /** i8x16.shuffle of the two vectors on the stack: 16 byte numbers, 0 to 15 of the first, 16 to 31 of the second. */
  shuffle(lanes: readonly number[]): this {
    this.op(I8X16.shuffle);
    for (const lane of lanes) this.bytes.byte(lane);
    return this;
  }

  call(func: number): this {
    this.bytes.byte(CONTROL.call);
    this.bytes.unsigned(func);
    return this;
  }

  /** Tail call. */
  returnCall(func: number): this {
    this.bytes.byte(CONTROL.returnCall);
    this.bytes.unsigned(func);
    return this;
  }

  /** Call of the function of `type` whose number in table 0 is on the stack, above its arguments. */
  callIndirect(type: number): this {
    this.bytes.byte(CONTROL.callIndirect);
    this.bytes.unsigned(type);
    this.bytes.byte(0);
    return this;
  }

  /** Tail call of the function of `type` whose number in table 0 is on the stack, above its arguments. */
  returnCallIndirect(type: number): this {
    this.bytes.byte(CONTROL.returnCallIndirect);
    this.bytes.unsigned(type);
    this.bytes.byte(0);
    return this;
  }

  private open(opcode: number, type: ValueType | typeof TYPE_EMPTY): number {
    this.bytes.byte(opcode);
    this.bytes.byte(type);
    return this.depth++;
  }

  /** Opens a block and returns its label; `br(label)` leads behind its end. */
  block(type: ValueType | typeof TYPE_EMPTY = TYPE_EMPTY): number {
    return this.open(CONTROL.block, type);
  }

  /** Opens a loop and returns its label; `br(label)` leads to its start. */
  loop(type: ValueType | typeof TYPE_EMPTY = TYPE_EMPTY): number {
    return this.open(CONTROL.loop, type);
  }

  /** Opens an if and returns its label; `br(label)` leads behind its end. */
  if(type: ValueType | typeof TYPE_EMPTY = TYPE_EMPTY): number {
    return this.open(CONTROL.if, type);
  }

  else(): this {
    this.bytes.byte(CONTROL.else);
    return this;
  }

  /** Closes the innermost block, loop or if. */
  end(): this {
    this.bytes.byte(CONTROL.end);
    this.depth--;
    return this;
  }

  br(label: number): this {
    this.bytes.byte(CONTROL.br);
    this.bytes.unsigned(this.depth - 1 - label);
    return this;
  }

  brIf(label: number): this {
    this.bytes.byte(CONTROL.brIf);
    this.bytes.unsigned(this.depth - 1 - label);
    return this;
  }

  /** Branches to the label with the number on the stack, or to `otherwise`. */
  brTable(labels: readonly number[], otherwise: number): this {
    this.bytes.byte(CONTROL.brTable);
    this.bytes.unsigned(labels.length);
    for (const label of labels) this.bytes.unsigned(this.depth - 1 - label);
    this.bytes.unsigned(this.depth - 1 - otherwise);
    return this;
  }

  return(): this {
    this.bytes.byte(CONTROL.return);
    return this;
  }

  /** Bytes written so far, locals not counted. */
  get size(): number {
    return this.bytes.length;
  }

  /** The local variables as the binary format declares them. */
  private declarations(): Bytes {
    // Up to 64 bytes an array is cheap to make.
    const bytes = new Bytes(64);
    const { types } = this;
    let runs = 0;
    for (let at = 0; at < types.length; at++) if (types[at] !== types[at - 1]) runs++;
    bytes.unsigned(runs);
    for (let start = 0, end = 0; start < types.length; start = end) {
      while (end < types.length && types[end] === types[start]) end++;
      bytes.unsigned(end - start);
      bytes.byte(types[start]!);
    }
    return bytes;
  }

  /** Writes the function's entry in the code section. `before`: code that comes first and uses the same locals. */
  appendTo(into: Bytes, before?: Code): void {
    const locals = this.declarations();
    into.unsigned(locals.length + (before?.bytes.length ?? 0) + this.bytes.length + 1);
    into.append(locals.view());
    if (before !== undefined) into.append(before.bytes.view());
    into.append(this.bytes.view());
    into.byte(CONTROL.end);
  }
}
