/** Advanced SIMD permute, extract and table lookup: ZIP, UZP, TRN, EXT, TBL, TBX. Arm: DDI 0487 C4.1.95. */
import { I8X16, TYPE_V128, V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { constant, setResult, vector } from "./simd-lanes.js";

/** Element `index` of the result: element numbers from 0 of the first register, from `count` of the second. */
type Permutation = (index: number, count: number) => number;

function permute(name: string, opcode: string, choose: Permutation): Encoding {
  return encoding(name, `0 Q:1 001110 size:2 0 Rm:5 0 ${opcode} 10 Rn:5 Rd:5` as "0 Q:1 001110 size:2 0 Rm:5 0 000 10 Rn:5 Rd:5", (t, { Q, size, Rm, Rn, Rd }) => {
    const bytes = 1 << size;
    const count = (8 << Q) / bytes;
    t.getV(Rn);
    t.getV(Rm);
    t.code.shuffle(Array.from({ length: 16 }, (_, byte) => {
      if (byte >= 8 << Q) return byte;
      const element = choose(Math.floor(byte / bytes), count);
      return (element < count ? 0 : 16) + (element % count) * bytes + (byte % bytes);
    }));
    setResult(t, Rd, 64 << Q);
  }, ({ Q, size }) => !(size === 3 && Q === 0));
}

/** Looks up the bytes of Vm in `len` + 1 registers from Rn on; outside of the table a byte is 0, or with `keepOthers` the one of Rd. */
function table(t: Translator, Q: number, Rm: number, len: number, keepOthers: boolean, Rn: number, Rd: number): void {
  const { code } = t;
  const indices = vector(t, Rm);
  const at = t.temp(TYPE_V128);
  code.get(indices).set(at);
  for (let register = 0; register <= len; register++) {
    t.getV((Rn + register) % 32);
    if (register > 0) {
      // Indices below 0 become large ones: outside, as they should be.
      code.get(at);
      constant(t, 0, 16);
      code.op(I8X16.sub).tee(at).op(I8X16.swizzle).op(V128.or);
    } else code.get(at).op(I8X16.swizzle);
  }
  if (keepOthers) {
    t.getV(Rd);
    code.get(indices);
    constant(t, 0, 16 * (len + 1));
    code.op(I8X16.ltU).op(V128.bitselect);
  }
  setResult(t, Rd, 64 << Q);
}

export const SIMD_PERMUTE: readonly Encoding[] = [
  permute("UZP1", "001", (index, count) => (2 * index) % (2 * count)),
  permute("TRN1", "010", (index, count) => (index & ~1) + (index & 1) * count),
  permute("ZIP1", "011", (index, count) => (index >> 1) + (index & 1) * count),
  permute("UZP2", "101", (index) => 2 * index + 1),
  permute("TRN2", "110", (index, count) => (index & ~1) + 1 + (index & 1) * count),
  permute("ZIP2", "111", (index, count) => count / 2 + (index >> 1) + (index & 1) * count),
  encoding("EXT", "0 Q:1 101110 000 Rm:5 0 imm4:4 0 Rn:5 Rd:5", (t, { Q, Rm, imm4, Rn, Rd }) => {
    t.getV(Rn);
    t.getV(Rm);
    const bytes = 8 << Q;
    t.code.shuffle(Array.from({ length: 16 }, (_, byte) => {
      const from = imm4 + byte;
      return from < bytes ? from : 16 + (from % bytes);
    }));
    setResult(t, Rd, 64 << Q);
  }, ({ Q, imm4 }) => Q === 1 || imm4 < 8),
  encoding("TBL", "0 Q:1 001110 000 Rm:5 0 len:2 0 00 Rn:5 Rd:5", (t, { Q, Rm, len, Rn, Rd }) => {
    table(t, Q, Rm, len, false, Rn, Rd);
  }),
  encoding("TBX", "0 Q:1 001110 000 Rm:5 0 len:2 1 00 Rn:5 Rd:5", (t, { Q, Rm, len, Rn, Rd }) => {
    table(t, Q, Rm, len, true, Rn, Rd);
  }),
];
