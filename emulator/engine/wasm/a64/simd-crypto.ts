/** Cryptographic instructions: AES, SHA-1, SHA-2, SHA-3, SM3, SM4, products of polynomials. Arm: DDI 0487 C4.1.95. */
import type { Local } from "../binary/code.js";
import { I32X4, I64X2, V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import * as sm from "../soft/sm3-sm4.js";
import { elements, setElements } from "../soft/vector.js";
import type { CryptoFunction } from "../runtime-crypto.js";
import type { Translator } from "../translator.js";
import { bitsOf, clearAbove, keep, SHL, SHR_U, vector } from "./simd-lanes.js";

function words(registers: BigUint64Array, n: number): sm.Words {
  const [a, b, c, d] = elements(registers, n, 2, 4, true).map(Number) as [number, number, number, number];
  return [a, b, c, d];
}
function setWords(registers: BigUint64Array, n: number, values: sm.Words): void {
  setElements(registers, n, 2, values.map((value) => BigInt(value | 0)));
}

const TWO = "0100111000101000 000000 Rn:5 Rd:5";
const THREE = "01011110000 Rm:5 000000 Rn:5 Rd:5";

/** A row of two registers, or of three, whose new destination `emit` pushes. */
function two(name: string, bits: string, emit: (t: Translator, Rn: number, Rd: number) => void): Encoding {
  return encoding(name, `${bits} Rn:5 Rd:5` as typeof TWO, (t, { Rn, Rd }) => {
    emit(t, Rn, Rd);
    t.setV(Rd);
  });
}
function three(name: string, before: string, after: string, emit: (t: Translator, Rm: number, Rn: number, Rd: number) => void): Encoding {
  return encoding(name, `${before} Rm:5 ${after} Rn:5 Rd:5` as typeof THREE, (t, { Rm, Rn, Rd }) => {
    emit(t, Rm, Rn, Rd);
    t.setV(Rd);
  });
}

/** A function of the runtime on the source, on destination and source, or on all three registers. */
function ofSource(name: CryptoFunction): (t: Translator, Rn: number) => void {
  return (t, Rn) => {
    t.getV(Rn);
    t.callRuntime(name);
  };
}
function ofBoth(name: CryptoFunction): (t: Translator, Rn: number, Rd: number) => void {
  return (t, Rn, Rd) => {
    t.getV(Rd);
    t.getV(Rn);
    t.callRuntime(name);
  };
}
function ofAll(name: CryptoFunction): (t: Translator, Rm: number, Rn: number, Rd: number) => void {
  return (t, Rm, Rn, Rd) => {
    t.getV(Rd);
    t.getV(Rn);
    t.getV(Rm);
    t.callRuntime(name);
  };
}

const AES: readonly Encoding[] = [
  two("AESE", "0100111000 10100 00100 10", ofBoth("aesEncrypt")),
  two("AESD", "0100111000 10100 00101 10", ofBoth("aesDecrypt")),
  two("AESMC", "0100111000 10100 00110 10", ofSource("aesMixColumns")),
  two("AESIMC", "0100111000 10100 00111 10", ofSource("aesInverseMixColumns")),
];

/** The elements of 32 bits with these numbers, 0 to 3 of the first vector on the stack, 4 to 7 of the second. */
function pick(t: Translator, numbers: readonly [number, number, number, number]): void {
  t.code.shuffle(numbers.flatMap((number) => [4 * number, 4 * number + 1, 4 * number + 2, 4 * number + 3]));
}

/** Pushes a local with its elements of 2^size bytes turned right. */
function turned(t: Translator, size: 2 | 3, value: Local, bits: number): void {
  t.code.get(value).i32(bits).op(SHR_U[size]).get(value).i32(bitsOf(size) - bits).op(SHL[size]).op(V128.or);
}

/** Pushes the sum over {0, 1} of a vector turned by two numbers and shifted right by a third. */
function sigma(t: Translator, size: 2 | 3, value: Local, first: number, second: number, shift: number): void {
  turned(t, size, value, first);
  turned(t, size, value, second);
  t.code.op(V128.xor).get(value).i32(shift).op(SHR_U[size]).op(V128.xor);
}

/** SHA1SU1: the lowest new word is part of the highest one. */
function sha1Schedule1(t: Translator, Rn: number, Rd: number): void {
  const { code } = t;
  t.getV(Rn);
  code.v128(0n, 0n);
  pick(t, [1, 2, 3, 4]);
  t.getV(Rd);
  code.op(V128.xor);
  const sum = keep(t);
  turned(t, 2, sum, 31);
  const next = keep(t);
  code.v128(0n, 0n).get(next);
  pick(t, [0, 0, 0, 4]);
  const lowest = keep(t);
  turned(t, 2, lowest, 31);
  code.get(next).op(V128.xor);
}

function sha256Schedule0(t: Translator, Rn: number, Rd: number): void {
  t.getV(Rd);
  t.getV(Rn);
  pick(t, [1, 2, 3, 4]);
  const words = keep(t);
  t.getV(Rd);
  sigma(t, 2, words, 7, 18, 3);
  t.code.op(I32X4.add);
}

/** SHA256SU1: the upper half of the words needs the lower half of the result. */
function sha256Schedule1(t: Translator, Rm: number, Rn: number, Rd: number): void {
  const { code } = t;
  t.getV(Rd);
  t.getV(Rn);
  t.getV(Rm);
  pick(t, [1, 2, 3, 4]);
  code.op(I32X4.add);
  const sums = keep(t);
  t.getV(Rm);
  code.v128(0n, 0n);
  pick(t, [2, 3, 4, 4]);
  const low = keep(t);
  code.get(sums);
  sigma(t, 2, low, 17, 19, 10);
  code.op(I32X4.add);
  const half = keep(t);
  code.v128(0n, 0n).get(half);
  pick(t, [0, 0, 4, 5]);
  const high = keep(t);
  code.get(half);
  sigma(t, 2, high, 17, 19, 10);
  code.op(I32X4.add);
}

const SHA: readonly Encoding[] = [
  three("SHA1C", "01011110 00 0", "0 000 00", ofAll("sha1Choose")),
  three("SHA1P", "01011110 00 0", "0 001 00", ofAll("sha1Parity")),
  three("SHA1M", "01011110 00 0", "0 010 00", ofAll("sha1Majority")),
  three("SHA1SU0", "01011110 00 0", "0 011 00", (t, Rm, Rn, Rd) => {
    t.getV(Rd);
    t.getV(Rn);
    pick(t, [2, 3, 4, 5]);
    t.getV(Rd);
    t.getV(Rm);
    t.code.op(V128.xor).op(V128.xor);
  }),
  three("SHA256H", "01011110 00 0", "0 100 00", ofAll("sha256Hash")),
  three("SHA256H2", "01011110 00 0", "0 101 00", ofAll("sha256Hash2")),
  three("SHA256SU1", "01011110 00 0", "0 110 00", sha256Schedule1),
  two("SHA1H", "01011110 00 10100 00000 10", (t, Rn) => {
    t.getV(Rn);
    const word = keep(t);
    turned(t, 2, word, 2);
    clearAbove(t, 32);
  }),
  two("SHA1SU1", "01011110 00 10100 00001 10", sha1Schedule1),
  two("SHA256SU0", "01011110 00 10100 00010 10", sha256Schedule0),
  three("SHA512H", "11001110 011", "1 000 00", ofAll("sha512Hash")),
  three("SHA512H2", "11001110 011", "1 000 01", ofAll("sha512Hash2")),
  three("SHA512SU1", "11001110 011", "1 000 10", (t, Rm, Rn, Rd) => {
    const words = vector(t, Rn);
    t.getV(Rd);
    t.getV(Rm);
    t.code.op(I64X2.add);
    sigma(t, 3, words, 19, 61, 6);
    t.code.op(I64X2.add);
  }),
  two("SHA512SU0", "11001110 110 00000 1000 00", (t, Rn, Rd) => {
    t.getV(Rd);
    t.getV(Rn);
    pick(t, [2, 3, 4, 5]);
    const words = keep(t);
    t.getV(Rd);
    sigma(t, 3, words, 1, 8, 7);
    t.code.op(I64X2.add);
  }),
];

/** Pops a vector and pushes it with its 64-bit words turned left. */
function turnLeft(t: Translator, bits: number): void {
  const value = keep(t);
  t.code.get(value).i32(bits).op(I64X2.shl).get(value).i32(64 - bits).op(I64X2.shrU).op(V128.or);
}

const SHA3: readonly Encoding[] = [
  encoding("EOR3", "11001110000 Rm:5 0 Ra:5 Rn:5 Rd:5", (t, { Rm, Ra, Rn, Rd }) => {
    t.getV(Rn);
    t.getV(Rm);
    t.code.op(V128.xor);
    t.getV(Ra);
    t.code.op(V128.xor);
    t.setV(Rd);
  }),
  encoding("BCAX", "11001110001 Rm:5 0 Ra:5 Rn:5 Rd:5", (t, { Rm, Ra, Rn, Rd }) => {
    t.getV(Rn);
    t.getV(Rm);
    t.getV(Ra);
    t.code.op(V128.andnot).op(V128.xor);
    t.setV(Rd);
  }),
  encoding("RAX1", "11001110011 Rm:5 1 000 11 Rn:5 Rd:5", (t, { Rm, Rn, Rd }) => {
    t.getV(Rm);
    turnLeft(t, 1);
    t.getV(Rn);
    t.code.op(V128.xor);
    t.setV(Rd);
  }),
  encoding("XAR", "11001110100 Rm:5 imm6:6 Rn:5 Rd:5", (t, { Rm, imm6, Rn, Rd }) => {
    t.getV(Rn);
    t.getV(Rm);
    t.code.op(V128.xor);
    if (imm6 !== 0) turnLeft(t, 64 - imm6);
    t.setV(Rd);
  }),
];

/** SM3 and SM4 on 32-bit words in TypeScript. */
function softTwo(name: string, bits: string, compute: (d: sm.Words, n: sm.Words) => sm.Words): Encoding {
  return encoding(name, `${bits} Rn:5 Rd:5` as typeof TWO, (t, { Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rn, Rd }) => {
    setWords(registers, Rd, compute(words(registers, Rd), words(registers, Rn)));
  });
}
function softThree(name: string, before: string, after: string, compute: (d: sm.Words, n: sm.Words, m: sm.Words) => sm.Words): Encoding {
  return encoding(name, `${before} Rm:5 ${after} Rn:5 Rd:5` as typeof THREE, (t, { Rm, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rm, Rn, Rd }) => {
    setWords(registers, Rd, compute(words(registers, Rd), words(registers, Rn), words(registers, Rm)));
  });
}

const SM: readonly Encoding[] = [
  encoding("SM3SS1", "11001110010 Rm:5 0 Ra:5 Rn:5 Rd:5", (t, { Rm, Ra, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Ra], vWrites: [Rd] });
  }, undefined, (registers, { Rm, Ra, Rn, Rd }) => {
    setWords(registers, Rd, sm.sm3Ss1(words(registers, Rn), words(registers, Rm), words(registers, Ra)));
  }),
  encoding("SM3TT1A/1B/2A/2B", "11001110010 Rm:5 10 imm2:2 opcode:2 Rn:5 Rd:5", (t, { Rm, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rm, imm2, opcode, Rn, Rd }) => {
    const word = words(registers, Rm)[imm2]!;
    setWords(registers, Rd, sm.sm3Round(words(registers, Rd), words(registers, Rn), word, opcode >= 2, (opcode & 1) === 1));
  }),
  softThree("SM3PARTW1", "11001110 011", "1 100 00", sm.sm3Schedule1),
  softThree("SM3PARTW2", "11001110 011", "1 100 01", sm.sm3Schedule2),
  softThree("SM4EKEY", "11001110 011", "1 100 10", (_d, n, m) => sm.sm4Rounds(n, m, true)),
  softTwo("SM4E", "11001110 110 00000 1000 01", (d, n) => sm.sm4Rounds(d, n, false)),
];

const POLYNOMIALS: readonly Encoding[] = [
  encoding("PMULL (doublewords)", "0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5", (t, { Q, Rm, Rn, Rd }) => {
    for (const register of [Rn, Rm]) {
      t.getV(register);
      t.code.lane(I64X2.extractLane, Q);
    }
    t.callRuntime("multiplyPolynomials");
    t.setV(Rd);
  }),
];

export const SIMD_CRYPTO: readonly Encoding[] = [...AES, ...SHA, ...SHA3, ...SM, ...POLYNOMIALS];
