/** Cryptographic instructions: AES, SHA-1, SHA-2, SHA-3, SM3, SM4, products of polynomials. Arm: DDI 0487 C4.1.95. */
import { I64X2, V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import * as crypto from "../soft/crypto.js";
import { elements, setElements } from "../soft/vector.js";
import type { Translator } from "../translator.js";
import { keep } from "./simd-lanes.js";

function words(registers: BigUint64Array, n: number): crypto.Words {
  const [a, b, c, d] = elements(registers, n, 2, 4, true).map(Number) as [number, number, number, number];
  return [a, b, c, d];
}
function setWords(registers: BigUint64Array, n: number, values: crypto.Words): void {
  setElements(registers, n, 2, values.map((value) => BigInt(value | 0)));
}
function doublewords(registers: BigUint64Array, n: number): crypto.Doublewords {
  const [low, high] = elements(registers, n, 3, 2, false);
  return [low!, high!];
}

const TWO = "0100111000101000 000000 Rn:5 Rd:5";
const THREE = "01011110000 Rm:5 000000 Rn:5 Rd:5";

/** A row of two registers, or a row of three, that works on 32-bit words in TypeScript. The destination is read as well. */
function two(name: string, bits: string, compute: (d: crypto.Words, n: crypto.Words) => crypto.Words): Encoding {
  return encoding(name, `${bits} Rn:5 Rd:5` as typeof TWO, (t, { Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rn, Rd }) => {
    setWords(registers, Rd, compute(words(registers, Rd), words(registers, Rn)));
  });
}
function three(name: string, before: string, after: string, compute: (d: crypto.Words, n: crypto.Words, m: crypto.Words) => crypto.Words): Encoding {
  return encoding(name, `${before} Rm:5 ${after} Rn:5 Rd:5` as typeof THREE, (t, { Rm, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rm, Rn, Rd }) => {
    setWords(registers, Rd, compute(words(registers, Rd), words(registers, Rn), words(registers, Rm)));
  });
}
/** The same on 64-bit words. */
function three64(name: string, before: string, after: string, compute: (d: crypto.Doublewords, n: crypto.Doublewords, m: crypto.Doublewords) => crypto.Doublewords): Encoding {
  return encoding(name, `${before} Rm:5 ${after} Rn:5 Rd:5` as typeof THREE, (t, { Rm, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rm, Rn, Rd }) => {
    setElements(registers, Rd, 3, compute(doublewords(registers, Rd), doublewords(registers, Rn), doublewords(registers, Rm)));
  });
}

const AES: readonly Encoding[] = [
  two("AESE", "0100111000 10100 00100 10", (d, n) => crypto.aesRound(d, n, false)),
  two("AESD", "0100111000 10100 00101 10", (d, n) => crypto.aesRound(d, n, true)),
  two("AESMC", "0100111000 10100 00110 10", (_d, n) => crypto.aesMixColumns(n, false)),
  two("AESIMC", "0100111000 10100 00111 10", (_d, n) => crypto.aesMixColumns(n, true)),
];

const SHA: readonly Encoding[] = [
  three("SHA1C", "01011110 00 0", "0 000 00", (d, n, m) => crypto.sha1Rounds(d, n, m, "choose")),
  three("SHA1P", "01011110 00 0", "0 001 00", (d, n, m) => crypto.sha1Rounds(d, n, m, "parity")),
  three("SHA1M", "01011110 00 0", "0 010 00", (d, n, m) => crypto.sha1Rounds(d, n, m, "majority")),
  three("SHA1SU0", "01011110 00 0", "0 011 00", crypto.sha1Schedule0),
  three("SHA256H", "01011110 00 0", "0 100 00", (d, n, m) => crypto.sha256Rounds(d, n, m, false)),
  // The state's halves change places: Rd holds efgh.
  three("SHA256H2", "01011110 00 0", "0 101 00", (d, n, m) => crypto.sha256Rounds(n, d, m, true)),
  three("SHA256SU1", "01011110 00 0", "0 110 00", crypto.sha256Schedule1),
  two("SHA1H", "01011110 00 10100 00000 10", (_d, n) => crypto.sha1Fixed(n)),
  two("SHA1SU1", "01011110 00 10100 00001 10", crypto.sha1Schedule1),
  two("SHA256SU0", "01011110 00 10100 00010 10", crypto.sha256Schedule0),
  three64("SHA512H", "11001110 011", "1 000 00", crypto.sha512Hash),
  three64("SHA512H2", "11001110 011", "1 000 01", crypto.sha512Hash2),
  three64("SHA512SU1", "11001110 011", "1 000 10", crypto.sha512Schedule1),
  encoding("SHA512SU0", "11001110110 00000 1000 00 Rn:5 Rd:5", (t, { Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rn, Rd }) => {
    setElements(registers, Rd, 3, crypto.sha512Schedule0(doublewords(registers, Rd), doublewords(registers, Rn)));
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

const SM: readonly Encoding[] = [
  encoding("SM3SS1", "11001110010 Rm:5 0 Ra:5 Rn:5 Rd:5", (t, { Rm, Ra, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Ra], vWrites: [Rd] });
  }, undefined, (registers, { Rm, Ra, Rn, Rd }) => {
    setWords(registers, Rd, crypto.sm3Ss1(words(registers, Rn), words(registers, Rm), words(registers, Ra)));
  }),
  encoding("SM3TT1A/1B/2A/2B", "11001110010 Rm:5 10 imm2:2 opcode:2 Rn:5 Rd:5", (t, { Rm, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm, Rd], vWrites: [Rd] });
  }, undefined, (registers, { Rm, imm2, opcode, Rn, Rd }) => {
    const word = words(registers, Rm)[imm2]!;
    setWords(registers, Rd, crypto.sm3Round(words(registers, Rd), words(registers, Rn), word, opcode >= 2, (opcode & 1) === 1));
  }),
  three("SM3PARTW1", "11001110 011", "1 100 00", crypto.sm3Schedule1),
  three("SM3PARTW2", "11001110 011", "1 100 01", crypto.sm3Schedule2),
  three("SM4EKEY", "11001110 011", "1 100 10", (_d, n, m) => crypto.sm4Rounds(n, m, true)),
  two("SM4E", "11001110 110 00000 1000 01", (d, n) => crypto.sm4Rounds(d, n, false)),
];

const POLYNOMIALS: readonly Encoding[] = [
  encoding("PMULL (doublewords)", "0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5", (t, { Rm, Rn, Rd }) => {
    t.interpret({ vReads: [Rn, Rm], vWrites: [Rd] });
  }, undefined, (registers, { Q, Rm, Rn, Rd }) => {
    setElements(registers, Rd, 3, crypto.multiplyPolynomials(doublewords(registers, Rn)[Q]!, doublewords(registers, Rm)[Q]!));
  }),
];

export const SIMD_CRYPTO: readonly Encoding[] = [...AES, ...SHA, ...SHA3, ...SM, ...POLYNOMIALS];
