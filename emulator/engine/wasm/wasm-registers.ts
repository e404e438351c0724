/** The registers of the running task, as words behind guest RAM. The flags may be there as operands; they are made when someone asks. */
import type { Context, Registers } from "../engine.js";
import { CONTEXT_WORDS } from "../engine.js";
import { FLAGS_PACKED } from "./flags.js";
import { FLAG_A, FLAG_B, FLAG_KIND, FPCR, FPSR, NZCV, PC, SP, TPIDR_EL0, V0 } from "./layout.js";

/** NZCV of flags of a kind. */
export type MakeNzcv = (kind: number, a: bigint, b: bigint) => number;

export class WasmRegisters implements Registers {
  readonly vectors: BigUint64Array;
  private readonly words: BigUint64Array;
  private readonly makeNzcv: MakeNzcv;

  constructor(words: BigUint64Array, makeNzcv: MakeNzcv) {
    this.words = words;
    this.makeNzcv = makeNzcv;
    this.vectors = words.subarray(V0 / 8, CONTEXT_WORDS);
  }

  x(index: number): bigint {
    return this.words[index]!;
  }
  setX(index: number, value: bigint): void {
    this.words[index] = value;
  }

  get pc(): bigint {
    return this.words[PC / 8]!;
  }
  set pc(value: bigint) {
    this.words[PC / 8] = value;
  }
  get sp(): bigint {
    return this.words[SP / 8]!;
  }
  set sp(value: bigint) {
    this.words[SP / 8] = value;
  }
  get tpidrEl0(): bigint {
    return this.words[TPIDR_EL0 / 8]!;
  }
  set tpidrEl0(value: bigint) {
    this.words[TPIDR_EL0 / 8] = value;
  }

  get nzcv(): number {
    const { words } = this;
    const kind = Number(words[FLAG_KIND / 8]! & 0xffff_ffffn);
    const value = kind === FLAGS_PACKED ? Number(words[FLAG_A / 8]! & 0xffff_ffffn) : this.makeNzcv(kind, words[FLAG_A / 8]!, words[FLAG_B / 8]!) >>> 0;
    this.nzcv = value;
    return value;
  }
  set nzcv(value: number) {
    this.words[FLAG_KIND / 8] = BigInt(FLAGS_PACKED);
    this.words[FLAG_A / 8] = BigInt(value >>> 0);
  }

  get fpcr(): number {
    return Number(this.words[FPCR / 8]!);
  }
  set fpcr(value: number) {
    this.words[FPCR / 8] = BigInt(value >>> 0);
  }
  get fpsr(): number {
    return Number(this.words[FPSR / 8]!);
  }
  set fpsr(value: number) {
    this.words[FPSR / 8] = BigInt(value >>> 0);
  }

  save(into: Context): void {
    into.set(this.words.subarray(0, CONTEXT_WORDS));
    into[NZCV / 8] = BigInt(this.nzcv);
  }
  restore(from: Context): void {
    this.words.set(from);
    this.nzcv = Number(from[NZCV / 8]! & 0xffff_ffffn);
  }
}
