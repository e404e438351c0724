/**
 * Carries out what rows of the decode table write, instruction by instruction of WebAssembly, as they write it.
 *
 * Code between `if` and `end` that is not to run is skipped: nothing in it has an effect. There are no branches and no floating point: rows
 * that use them are not carried out here.
 */
import { ModelBug } from "../../../arch/errors.js";
import type { InstructionCode, Local } from "../binary/code.js";
import { OPERATIONS, VALUE_WORDS } from "./operations.js";
import { LANE_OPERATIONS, laneViews, VECTOR_OPERATIONS, type VectorStack } from "./vector-operations.js";

/** Values that an instruction may have on the stack, and in locals. */
const VALUES = 64;
/** More than any `end` takes back. */
const ABANDONED = 2 ** 20;
const TWO_32 = 2 ** 32;

export class DirectCode implements InstructionCode, VectorStack {
  readonly words = new Int32Array(VALUES * VALUE_WORDS);
  /** The locals; a local is the number of its first word. */
  readonly locals = new Int32Array(VALUES * VALUE_WORDS);
  top = 0;
  readonly lanes = laneViews(this.words);
  private freeLocal = 0;
  /** Ifs that have to end before anything has an effect again. */
  private skipped = 0;

  /** Starts an instruction: no values, no locals. */
  begin(): void {
    this.top = 0;
    this.freeLocal = 0;
    this.skipped = 0;
  }

  /** Nothing of the instruction has an effect any more. */
  abandon(): void {
    this.skipped = ABANDONED;
  }

  /** What is written now is not to run. */
  get skips(): boolean {
    return this.skipped !== 0;
  }

  local(): Local {
    const local = this.freeLocal;
    this.freeLocal += VALUE_WORDS;
    return local;
  }

  /** Pushes an i64. */
  push(low: number, high: number): void {
    const { words, top } = this;
    words[top] = low;
    words[top + 1] = high;
    this.top = top + VALUE_WORDS;
  }

  /** Takes a value from the stack; returns where its words are. */
  pop(): number {
    return (this.top -= VALUE_WORDS);
  }

  op(opcode: number): this {
    if (this.skipped !== 0) return this;
    const operation = OPERATIONS[opcode] ?? VECTOR_OPERATIONS.get(opcode) ?? this.absent(`opcode 0x${opcode.toString(16)}`);
    operation(this);
    return this;
  }

  get(local: Local): this {
    if (this.skipped !== 0) return this;
    const { words, locals, top } = this;
    words[top] = locals[local]!;
    words[top + 1] = locals[local + 1]!;
    words[top + 2] = locals[local + 2]!;
    words[top + 3] = locals[local + 3]!;
    this.top = top + VALUE_WORDS;
    return this;
  }

  set(local: Local): this {
    if (this.skipped !== 0) return this;
    this.top -= VALUE_WORDS;
    this.keep(local, this.top);
    return this;
  }

  tee(local: Local): this {
    if (this.skipped === 0) this.keep(local, this.top - VALUE_WORDS);
    return this;
  }

  private keep(local: Local, at: number): void {
    const { words, locals } = this;
    locals[local] = words[at]!;
    locals[local + 1] = words[at + 1]!;
    locals[local + 2] = words[at + 2]!;
    locals[local + 3] = words[at + 3]!;
  }

  i32(value: number): this {
    if (this.skipped === 0) this.push(value, 0);
    return this;
  }

  i64(value: bigint | number): this {
    if (this.skipped !== 0) return this;
    if (typeof value === "number") this.push(value, Math.floor(value / TWO_32));
    else this.push(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
    return this;
  }

  v128(low: bigint, high: bigint): this {
    if (this.skipped !== 0) return this;
    const { words, top } = this;
    this.i64(low);
    words[top + 2] = Number(BigInt.asIntN(32, high));
    words[top + 3] = Number(BigInt.asIntN(32, high >> 32n));
    return this;
  }

  lane(opcode: number, index: number): this {
    if (this.skipped !== 0) return this;
    const operation = LANE_OPERATIONS.get(opcode) ?? this.absent(`lane opcode 0x${opcode.toString(16)}`);
    operation(this, index);
    return this;
  }

  shuffle(lanes: readonly number[]): this {
    if (this.skipped !== 0) return this;
    const second = this.pop();
    const first = 4 * (second - VALUE_WORDS);
    // Lanes of the second vector are numbered behind those of the first, and lie there.
    const { u8 } = this.lanes;
    u8.set(lanes.map((lane) => u8[first + lane]!), first);
    return this;
  }

  if(): number {
    if (this.skipped !== 0) this.skipped++;
    else if (this.words[this.pop()] === 0) this.skipped = 1;
    return 0;
  }

  else(): this {
    if (this.skipped < 2) this.skipped = 1 - this.skipped;
    return this;
  }

  end(): this {
    if (this.skipped !== 0) this.skipped--;
    return this;
  }

  private absent(what: string): never {
    throw new ModelBug(`wasm engine: ${what} cannot be carried out at once`);
  }
  f32(): this {
    return this.absent("f32.const");
  }
  f64(): this {
    return this.absent("f64.const");
  }
  block(): number {
    return this.absent("block");
  }
  loop(): number {
    return this.absent("loop");
  }
  br(): this {
    return this.absent("br");
  }
  brIf(): this {
    return this.absent("br_if");
  }
}
