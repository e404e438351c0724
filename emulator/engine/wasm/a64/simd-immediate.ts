/** Advanced SIMD modified immediate: MOVI, MVNI, ORR, BIC, FMOV. Arm: DDI 0487 C4.1.95, J1 (AdvSIMDExpandImm, VFPExpandImm). */
import { V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import { setResult } from "./simd-lanes.js";

/** The 64-bit word of cmode 0xxx to 1110; op 1 inverts it where it is not part of the selection. */
function expand(cmode: number, op: number, imm8: number): bigint {
  const byte = BigInt(imm8);
  if (cmode < 8) return (byte << BigInt(8 * (cmode >> 1))) * 0x1_0000_0001n;
  if (cmode < 12) return (byte << BigInt(8 * ((cmode >> 1) & 1))) * 0x1_0001_0001_0001n;
  if (cmode === 12) return ((byte << 8n) | 0xffn) * 0x1_0000_0001n;
  if (cmode === 13) return ((byte << 16n) | 0xffffn) * 0x1_0000_0001n;
  if (op === 0) return byte * 0x0101_0101_0101_0101n;
  let word = 0n;
  for (let bit = 0; bit < 8; bit++) if (((imm8 >> bit) & 1) === 1) word |= 0xffn << BigInt(8 * bit);
  return word;
}

/** Bits of the exponent, and where the six lowest bits of the immediate lie, by the bits of a number. */
const FORMATS = { 16: { exponent: 5, low: 6n }, 32: { exponent: 8, low: 19n }, 64: { exponent: 11, low: 48n } } as const;

/** A 64-bit word that repeats a floating-point number: sign, the opposite of bit 6, bit 6 again and again, bits 5 to 0, zeros. */
function expandFloat(imm8: number, bits: 16 | 32 | 64): bigint {
  const { exponent, low } = FORMATS[bits];
  const repeats = BigInt(exponent - 3);
  const bit6 = (imm8 >> 6) & 1;
  const head = (BigInt(2 * (imm8 >> 7) + 1 - bit6) << repeats) | (bit6 === 1 ? (1n << repeats) - 1n : 0n);
  let word = ((head << 6n) | BigInt(imm8 & 63)) << low;
  for (let width = BigInt(bits); width < 64n; width *= 2n) word |= word << width;
  return word;
}

export const SIMD_IMMEDIATE: readonly Encoding[] = [
  encoding("MOVI/MVNI/ORR/BIC (vector, immediate)", "0 Q:1 op:1 0111100000 abc:3 cmode:4 01 defgh:5 Rd:5", (t, { Q, op, abc, cmode, defgh, Rd }) => {
    const word = expand(cmode, op, abc * 32 + defgh);
    if (cmode < 12 && (cmode & 1) === 1) {
      t.getV(Rd);
      t.code.v128(word, word).op(op === 1 ? V128.andnot : V128.or);
      setResult(t, Rd, 64 << Q);
      return;
    }
    const value = op === 1 && cmode !== 14 ? ~word : word;
    t.code.v128(value, Q === 1 ? value : 0n);
    t.setV(Rd);
  }, ({ cmode }) => cmode !== 15),
  encoding("FMOV (vector, immediate)", "0 Q:1 op:1 0111100000 abc:3 1111 01 defgh:5 Rd:5", (t, { Q, op, abc, defgh, Rd }) => {
    const word = expandFloat(abc * 32 + defgh, op === 1 ? 64 : 32);
    t.code.v128(word, Q === 1 ? word : 0n);
    t.setV(Rd);
  }, ({ Q, op }) => op === 0 || Q === 1),
  encoding("FMOV (vector, immediate, half precision)", "0 Q:1 0 0111100000 abc:3 1111 11 defgh:5 Rd:5", (t, { Q, abc, defgh, Rd }) => {
    const word = expandFloat(abc * 32 + defgh, 16);
    t.code.v128(word, Q === 1 ? word : 0n);
    t.setV(Rd);
  }),
];
