/** Loads and stores of general registers: one register or a pair, in all addressing modes. Arm: DDI 0487 C4.1.94. */
import type { Local } from "../binary/code.js";
import { I64, TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { getExtended, localX, localXSp, signed, WORD_MASK } from "./operands.js";

export type Bytes = 1 | 2 | 4 | 8;
const BYTES = [1, 2, 4, 8] as const;

export function bytesOf(size: number): Bytes {
  return BYTES[size]!;
}

/** A load and a store have `opc` 1 and 0; 2 and 3 sign-extend to 64 and 32 bits. */
function isLegal(size: number, opc: number): boolean {
  return opc < 2 || (opc === 2 ? size < 3 : size < 2);
}

/** Extends the loaded i64 on the stack as `opc` says. */
export function extendLoaded(t: Translator, size: number, opc: number): void {
  if (opc < 2) return;
  t.code.op([I64.extend8S, I64.extend16S, I64.extend32S][size]!);
  if (opc === 3) t.code.i64(WORD_MASK).op(I64.and);
}

/** One access at `base + offset`; the base register becomes `base + writeback` if that is given. */
export function access(t: Translator, size: number, opc: number, base: Local, offset: number, register: number, n: number, writeback?: number): void {
  const bytes = bytesOf(size);
  const newBase = (): void => {
    if (writeback === undefined) return;
    t.code.get(base).i64(writeback).op(I64.add);
    t.setXSp(n);
  };
  if (opc === 0) {
    t.store(bytes, base, offset, localX(t, register));
    newBase();
    return;
  }
  t.load(bytes, base, offset);
  extendLoaded(t, size, opc);
  t.setX(register);
  newBase();
}

/** Two accesses, the second `bytes` behind the first. */
function accessPair(t: Translator, opc: number, load: boolean, base: Local, offset: number, first: number, second: number, n: number, writeback?: number): void {
  const bytes = opc === 2 ? 8 : 4;
  if (load) {
    const [low, high] = t.loadPair(bytes, base, offset);
    // Of one register twice the first word stays.
    for (const [value, register] of [[high, second], [low, first]] as const) {
      t.code.get(value);
      if (opc === 1) t.code.op(I64.extend32S);
      t.setX(register);
    }
  } else {
    const low = localX(t, first);
    const high = localX(t, second);
    t.storePair(bytes, base, offset, low, high);
  }
  if (writeback !== undefined) {
    t.code.get(base).i64(writeback).op(I64.add);
    t.setXSp(n);
  }
}

const pairBytes = (opc: number): number => (opc === 2 ? 8 : 4);

/** No LDPSW for stores, no third size. */
const isPair = ({ opc, L }: { readonly opc: number; readonly L: number }): boolean => opc !== 3 && (opc !== 1 || L === 1);

const REGISTER = "size:2 111 0 00 opc:2";

export const LOADS_STORES: readonly Encoding[] = [
  encoding(
    "LDR, STR (unsigned offset)",
    "size:2 111 0 01 opc:2 imm12:12 Rn:5 Rt:5",
    (t, { size, opc, imm12, Rn, Rt }) => {
      access(t, size, opc, localXSp(t, Rn), imm12 * bytesOf(size), Rt, Rn);
    },
    ({ size, opc }) => isLegal(size, opc),
  ),
  encoding(
    "LDUR, STUR",
    `${REGISTER} 0 imm9:9 00 Rn:5 Rt:5`,
    (t, { size, opc, imm9, Rn, Rt }) => {
      access(t, size, opc, localXSp(t, Rn), signed(imm9, 9), Rt, Rn);
    },
    ({ size, opc }) => isLegal(size, opc),
  ),
  encoding(
    "LDTR, STTR",
    `${REGISTER} 0 imm9:9 10 Rn:5 Rt:5`,
    (t, { size, opc, imm9, Rn, Rt }) => {
      access(t, size, opc, localXSp(t, Rn), signed(imm9, 9), Rt, Rn);
    },
    ({ size, opc }) => isLegal(size, opc),
  ),
  encoding(
    "LDR, STR (post-index)",
    `${REGISTER} 0 imm9:9 01 Rn:5 Rt:5`,
    (t, { size, opc, imm9, Rn, Rt }) => {
      access(t, size, opc, localXSp(t, Rn), 0, Rt, Rn, signed(imm9, 9));
    },
    ({ size, opc }) => isLegal(size, opc),
  ),
  encoding(
    "LDR, STR (pre-index)",
    `${REGISTER} 0 imm9:9 11 Rn:5 Rt:5`,
    (t, { size, opc, imm9, Rn, Rt }) => {
      const offset = signed(imm9, 9);
      access(t, size, opc, localXSp(t, Rn), offset, Rt, Rn, offset);
    },
    ({ size, opc }) => isLegal(size, opc),
  ),
  encoding(
    "LDR, STR (register offset)",
    `${REGISTER} 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5`,
    (t, { size, opc, Rm, option, S, Rn, Rt }) => {
      const address = t.temp(TYPE_I64);
      t.getXSp(Rn);
      getExtended(t, Rm, option, S === 1 ? size : 0);
      t.code.op(I64.add).set(address);
      access(t, size, opc, address, 0, Rt, Rn);
    },
    ({ size, opc, option }) => isLegal(size, opc) && (option & 2) !== 0,
  ),
  encoding(
    "LDR (literal)",
    "opc:2 011 0 00 imm19:19 Rt:5",
    (t, { opc, imm19, Rt }) => {
      const address = t.temp(TYPE_I64);
      t.code.i64(t.pc + 4 * signed(imm19, 19)).set(address);
      const size = opc === 1 ? 3 : 2;
      t.load(bytesOf(size), address, 0);
      extendLoaded(t, size, opc === 2 ? 2 : 1);
      t.setX(Rt);
    },
    ({ opc }) => opc !== 3,
  ),

  encoding("PRFM (unsigned offset)", "11 111 0 01 10 imm12:12 Rn:5 Rt:5", () => undefined),
  encoding("PRFUM", "11 111 0 00 10 0 imm9:9 00 Rn:5 Rt:5", () => undefined),
  encoding(
    "PRFM (register offset)",
    "11 111 0 00 10 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5",
    () => undefined,
    ({ option }) => (option & 2) !== 0,
  ),
  encoding("PRFM (literal)", "11 011 0 00 imm19:19 Rt:5", () => undefined),

  encoding(
    "LDP, STP (signed offset)",
    "opc:2 101 0 010 L:1 imm7:7 Rt2:5 Rn:5 Rt:5",
    (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
      accessPair(t, opc, L === 1, localXSp(t, Rn), signed(imm7, 7) * pairBytes(opc), Rt, Rt2, Rn);
    },
    isPair,
  ),
  encoding(
    "LDNP, STNP",
    "opc:2 101 0 000 L:1 imm7:7 Rt2:5 Rn:5 Rt:5",
    (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
      accessPair(t, opc, L === 1, localXSp(t, Rn), signed(imm7, 7) * pairBytes(opc), Rt, Rt2, Rn);
    },
    ({ opc }) => (opc & 1) === 0,
  ),
  encoding(
    "LDP, STP (post-index)",
    "opc:2 101 0 001 L:1 imm7:7 Rt2:5 Rn:5 Rt:5",
    (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
      accessPair(t, opc, L === 1, localXSp(t, Rn), 0, Rt, Rt2, Rn, signed(imm7, 7) * pairBytes(opc));
    },
    isPair,
  ),
  encoding(
    "LDP, STP (pre-index)",
    "opc:2 101 0 011 L:1 imm7:7 Rt2:5 Rn:5 Rt:5",
    (t, { opc, L, imm7, Rt2, Rn, Rt }) => {
      const offset = signed(imm7, 7) * pairBytes(opc);
      accessPair(t, opc, L === 1, localXSp(t, Rn), offset, Rt, Rt2, Rn, offset);
    },
    isPair,
  ),
];
