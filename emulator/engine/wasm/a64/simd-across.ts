/** Advanced SIMD across lanes, integer, and ADDP (scalar). Arm: DDI 0487 C4.1.95. */
import { I64X2 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import * as lanes from "./simd-lanes.js";
import { addNeighbours } from "./simd-two-misc.js";

/** Pops a vector and pushes one whose lowest element is the operation over its first `count` elements of 2^size bytes. */
function fold(t: Translator, size: number, count: number, opcode: number): void {
  for (let rest = count / 2; rest >= 1; rest /= 2) {
    const value = lanes.keep(t);
    const distance = rest << size;
    t.code.get(value).get(value).get(value).shuffle(Array.from({ length: 16 }, (_, byte) => (byte + distance) % 16)).op(opcode);
  }
}

function row(name: string, U: 0 | 1, opcode: string, opcodes: readonly number[]): Encoding {
  return encoding(name, `0 Q:1 ${U} 01110 size:2 11000 ${opcode} 10 Rn:5 Rd:5` as "0 Q:1 0 01110 size:2 11000 00000 10 Rn:5 Rd:5", (t, { Q, size, Rn, Rd }) => {
    t.getV(Rn);
    fold(t, size, (8 << Q) >> size, opcodes[size]!);
    lanes.setResult(t, Rd, lanes.bitsOf(size));
  }, ({ Q, size }) => size < 2 || (size === 2 && Q === 1));
}

function long(name: string, U: 0 | 1): Encoding {
  return encoding(name, `0 Q:1 ${U} 01110 size:2 11000 00011 10 Rn:5 Rd:5` as "0 Q:1 0 01110 size:2 11000 00011 10 Rn:5 Rd:5", (t, { Q, size, Rn, Rd }) => {
    addNeighbours(t, size, lanes.vector(t, Rn), U === 0);
    fold(t, size + 1, (4 << Q) >> size, lanes.ADD[size + 1]!);
    lanes.setResult(t, Rd, lanes.bitsOf(size + 1));
  }, ({ Q, size }) => size < 2 || (size === 2 && Q === 1));
}

export const SIMD_ACROSS: readonly Encoding[] = [
  long("SADDLV", 0),
  long("UADDLV", 1),
  row("SMAXV", 0, "01010", lanes.MAX_S),
  row("UMAXV", 1, "01010", lanes.MAX_U),
  row("SMINV", 0, "11010", lanes.MIN_S),
  row("UMINV", 1, "11010", lanes.MIN_U),
  row("ADDV", 0, "11011", lanes.ADD),
  encoding("ADDP (scalar)", "01 0 11110 11 11000 11011 10 Rn:5 Rd:5", (t, { Rn, Rd }) => {
    t.getV(Rn);
    fold(t, 3, 2, I64X2.add);
    lanes.setResult(t, Rd, 64);
  }),
];
