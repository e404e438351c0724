/** Loads and stores of SIMD and floating-point registers, one register and pairs. Arm: DDI 0487 C4.1.94. */
import { TYPE_I64, TYPE_V128 } from "../binary/opcodes.js";
import { I64, I64X2 } from "../binary/opcodes.js";
import type { Local } from "../binary/code.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { signed } from "./operands.js";

/** The base register, or SP, in a local. */
export function base(t: Translator, Rn: number): Local {
  const address = t.temp(TYPE_I64);
  t.getXSp(Rn);
  t.code.set(address);
  return address;
}

/** Writes `address` plus a number back to the base register. */
function writeBack(t: Translator, Rn: number, address: Local, offset: number): void {
  t.code.get(address).i64(offset).op(I64.add);
  t.setXSp(Rn);
}

const BYTES = [1, 2, 4, 8] as const;

/** Loads 2^scale bytes, 1 to 16, to a vector register. */
function loadRegister(t: Translator, scale: number, Rt: number, address: Local, offset: number): void {
  const bytes = BYTES[scale];
  if (bytes === undefined) {
    t.code.get(t.loadRun(8, 2, address, offset)[0]!);
    t.setV(Rt);
  } else {
    t.load(bytes, address, offset);
    t.setDBits(Rt);
  }
}

function storeRegister(t: Translator, scale: number, Rt: number, address: Local, offset: number): void {
  const bytes = BYTES[scale];
  if (bytes === undefined) {
    const value = t.temp(TYPE_V128);
    t.getV(Rt);
    t.code.set(value);
    t.storeRun(8, 2, address, offset, [value]);
  } else {
    const value = t.temp(TYPE_I64);
    t.getDBits(Rt);
    t.code.set(value);
    t.store(bytes, address, offset, value);
  }
}

/** opc<1> and size: log2 of the bytes. */
function scaleOf(size: number, opc: number): number {
  return size + 4 * (opc >> 1);
}

/** opc<1> with a size other than 0 is unallocated. */
function allocated({ size, opc }: { readonly size: number; readonly opc: number }): boolean {
  return opc < 2 || size === 0;
}

function access(t: Translator, size: number, opc: number, Rt: number, address: Local, offset: number): void {
  if ((opc & 1) === 1) loadRegister(t, scaleOf(size, opc), Rt, address, offset);
  else storeRegister(t, scaleOf(size, opc), Rt, address, offset);
}

/** Both registers in memory order, as one run of accesses. */
function accessPair(t: Translator, opc: number, L: number, Rt: number, Rt2: number, address: Local, offset: number): void {
  const { code } = t;
  if (L === 1) {
    if (opc === 2) {
      const [first, second] = t.loadRun(8, 4, address, offset);
      code.get(first!);
      t.setV(Rt);
      code.get(second!);
      t.setV(Rt2);
      return;
    }
    const [both] = t.loadRun(opc === 0 ? 4 : 8, 2, address, offset);
    if (opc === 0) {
      code.get(both!).lane(I64X2.extractLane, 0).i64(0xffff_ffff).op(I64.and);
      t.setDBits(Rt);
      code.get(both!).lane(I64X2.extractLane, 0).i64(32).op(I64.shrU);
      t.setDBits(Rt2);
    } else {
      code.get(both!).lane(I64X2.extractLane, 0);
      t.setDBits(Rt);
      code.get(both!).lane(I64X2.extractLane, 1);
      t.setDBits(Rt2);
    }
    return;
  }
  const first = t.temp(TYPE_V128);
  t.getV(Rt);
  if (opc === 2) {
    const second = t.temp(TYPE_V128);
    code.set(first);
    t.getV(Rt2);
    code.set(second);
    t.storeRun(8, 4, address, offset, [first, second]);
    return;
  }
  t.getV(Rt2);
  code.shuffle(opc === 0 ? [0, 1, 2, 3, 16, 17, 18, 19, 0, 1, 2, 3, 16, 17, 18, 19] : [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
  code.set(first);
  t.storeRun(opc === 0 ? 4 : 8, 2, address, offset, [first]);
}

const ONE_REGISTER: readonly Encoding[] = [
  encoding("LDR (literal, SIMD&FP)", "opc:2 011 1 00 imm19:19 Rt:5", (t, { opc, imm19, Rt }) => {
    const address = t.temp(TYPE_I64);
    t.code.i64(t.pc + 4 * signed(imm19, 19)).set(address);
    loadRegister(t, 2 + opc, Rt, address, 0);
  }, ({ opc }) => opc !== 3),
  encoding("LDUR/STUR (SIMD&FP)", "size:2 111 1 00 opc:2 0 imm9:9 00 Rn:5 Rt:5", (t, { size, opc, imm9, Rn, Rt }) => {
    access(t, size, opc, Rt, base(t, Rn), signed(imm9, 9));
  }, allocated),
  encoding("LDR/STR (post-index, SIMD&FP)", "size:2 111 1 00 opc:2 0 imm9:9 01 Rn:5 Rt:5", (t, { size, opc, imm9, Rn, Rt }) => {
    const address = base(t, Rn);
    access(t, size, opc, Rt, address, 0);
    writeBack(t, Rn, address, signed(imm9, 9));
  }, allocated),
  encoding("LDR/STR (pre-index, SIMD&FP)", "size:2 111 1 00 opc:2 0 imm9:9 11 Rn:5 Rt:5", (t, { size, opc, imm9, Rn, Rt }) => {
    const address = base(t, Rn);
    access(t, size, opc, Rt, address, signed(imm9, 9));
    writeBack(t, Rn, address, signed(imm9, 9));
  }, allocated),
  encoding("LDR/STR (register, SIMD&FP)", "size:2 111 1 00 opc:2 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5", (t, { size, opc, Rm, option, S, Rn, Rt }) => {
    const address = t.temp(TYPE_I64);
    t.getXSp(Rn);
    if ((option & 1) === 1) t.getX(Rm);
    else {
      t.getW(Rm);
      t.code.op(option === 2 ? I64.extendI32U : I64.extendI32S);
    }
    if (S === 1) t.code.i64(scaleOf(size, opc)).op(I64.shl);
    t.code.op(I64.add).set(address);
    access(t, size, opc, Rt, address, 0);
  }, (fields) => allocated(fields) && (fields.option & 2) !== 0),
  encoding("LDR/STR (unsigned offset, SIMD&FP)", "size:2 111 1 01 opc:2 imm12:12 Rn:5 Rt:5", (t, { size, opc, imm12, Rn, Rt }) => {
    access(t, size, opc, Rt, base(t, Rn), imm12 << scaleOf(size, opc));
  }, allocated),
];

const PAIRS: readonly Encoding[] = [
  encoding("LDNP/STNP (SIMD&FP)", "opc:2 101 1 000 L:1 imm7:7 Rt2:5 Rn:5 Rt:5", (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
    accessPair(t, opc, L, Rt, Rt2, base(t, Rn), signed(imm7, 7) * (4 << opc));
  }, ({ opc }) => opc !== 3),
  encoding("LDP/STP (post-index, SIMD&FP)", "opc:2 101 1 001 L:1 imm7:7 Rt2:5 Rn:5 Rt:5", (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
    const address = base(t, Rn);
    accessPair(t, opc, L, Rt, Rt2, address, 0);
    writeBack(t, Rn, address, signed(imm7, 7) * (4 << opc));
  }, ({ opc }) => opc !== 3),
  encoding("LDP/STP (signed offset, SIMD&FP)", "opc:2 101 1 010 L:1 imm7:7 Rt2:5 Rn:5 Rt:5", (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
    accessPair(t, opc, L, Rt, Rt2, base(t, Rn), signed(imm7, 7) * (4 << opc));
  }, ({ opc }) => opc !== 3),
  encoding("LDP/STP (pre-index, SIMD&FP)", "opc:2 101 1 011 L:1 imm7:7 Rt2:5 Rn:5 Rt:5", (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
    const address = base(t, Rn);
    accessPair(t, opc, L, Rt, Rt2, address, signed(imm7, 7) * (4 << opc));
    writeBack(t, Rn, address, signed(imm7, 7) * (4 << opc));
  }, ({ opc }) => opc !== 3),
];

export const SIMD_LOADS_STORES: readonly Encoding[] = [...ONE_REGISTER, ...PAIRS];
