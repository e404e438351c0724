/**
 * Exclusives, acquire and release, and atomic read-modify-write.
 *
 * There is one core, so an access is as ordered and as atomic as it is an instruction. As in the reference engine a store exclusive compares
 * address and value with those of the load exclusive, an atomic is a load and a store, and exclusives and atomics have to be aligned.
 * Arm: DDI 0487 B2.12, C3.2.6 to C3.2.14.
 */
import type { Local } from "../binary/code.js";
import { CONTROL, I64, TYPE_EMPTY, TYPE_I64 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { bytesOf, extendLoaded } from "./loads-stores.js";
import { localX, localXSp, signed, WORD_MASK } from "./operands.js";

function zeroExtend(t: Translator, size: number): void {
  if (size < 3) t.code.i64((1n << BigInt(8 << size)) - 1n).op(I64.and);
}

function loadLocal(t: Translator, size: number, address: Local, offset: number, aligned: boolean | 16): Local {
  const local = t.temp(TYPE_I64);
  t.load(bytesOf(size), address, offset, aligned);
  t.code.set(local);
  return local;
}

/** A local with the low halves of registers `low` and `high`, one behind the other. */
function concatenate(t: Translator, low: number, high: number): Local {
  const local = t.temp(TYPE_I64);
  t.getX(high);
  t.code.i64(32).op(I64.shl);
  t.getW(low);
  t.code.op(I64.extendI32U).op(I64.or).set(local);
  return local;
}

/** Splits an i64 local into two W registers; `high` is written last. */
function split(t: Translator, value: Local, low: number, high: number): void {
  t.code.get(value).i64(WORD_MASK).op(I64.and);
  t.setX(low);
  t.code.get(value).i64(32).op(I64.shrU);
  t.setX(high);
}

/** Closes the monitor: the address and what was read there. */
function closeMonitor(t: Translator, address: Local, low: Local): void {
  t.code.get(low);
  t.setState("exclusiveLow");
  t.code.get(address);
  t.setState("exclusiveAddress");
}

/**
 * A store exclusive: `attempt` makes the accesses if the address is the monitor's, and leaves in the local whether they failed;
 * `loads` and `stores` are what it contains.
 */
function storeExclusive(t: Translator, address: Local, status: number, loads: number, stores: number, attempt: (failed: Local) => void): void {
  const { code } = t;
  const failed = t.temp(TYPE_I64);
  t.getState("exclusiveAddress");
  code.get(address).op(I64.eq);
  code.if(TYPE_EMPTY);
  attempt(failed);
  code.else();
  t.skippedAccesses(loads, stores);
  code.i64(1).set(failed);
  code.end();
  code.i64(-1);
  t.setState("exclusiveAddress");
  code.get(failed);
  t.setX(status);
}

/** Stores `value` if memory holds what the monitor remembers, else what memory holds. */
function storeIfUnchanged(t: Translator, size: number, address: Local, value: Local, failed: Local): void {
  const { code } = t;
  const expected = t.temp(TYPE_I64);
  const next = t.temp(TYPE_I64);
  t.getState("exclusiveLow");
  code.set(expected);
  const old = loadLocal(t, size, address, 0, true);
  code.get(value).get(old).get(old).get(expected);
  zeroExtend(t, size);
  code.op(I64.eq).op(CONTROL.select).set(next);
  t.store(bytesOf(size), address, 0, next);
  // After a wider load exclusive the bytes may agree and the value not.
  code.get(old).get(expected).op(I64.ne).op(I64.extendI32U).set(failed);
}

/** Stores two doublewords if memory holds what the monitor remembers. */
function storePairIfUnchanged(t: Translator, address: Local, low: Local, high: Local, failed: Local): void {
  const { code } = t;
  const oldLow = loadLocal(t, 3, address, 0, 16);
  const oldHigh = loadLocal(t, 3, address, 8, false);
  code.get(oldLow);
  t.getState("exclusiveLow");
  code.op(I64.xor).get(oldHigh);
  t.getState("exclusiveHigh");
  code.op(I64.xor).op(I64.or).i64(0).op(I64.ne).op(I64.extendI32U).tee(failed).op(I64.eqz);
  code.if(TYPE_EMPTY);
  t.store(8, address, 0, low);
  t.store(8, address, 8, high);
  code.else();
  t.skippedAccesses(0, 2);
  code.end();
}

/** Pushes what an atomic writes, from what it read and its operand. */
type Combine = (t: Translator, size: number, old: Local, operand: Local) => void;

function simple(opcode: number): Combine {
  return (t, _size, old, operand) => {
    t.code.get(old).get(operand).op(opcode);
  };
}

/** The one of the two that compares as `opcode` says, as numbers of the access's size. */
function choose(opcode: number, isSigned: boolean): Combine {
  return (t, size, old, operand) => {
    const extend = (local: Local): void => {
      t.code.get(local);
      if (size === 3) return;
      if (isSigned) t.code.op([I64.extend8S, I64.extend16S, I64.extend32S][size]!);
      else zeroExtend(t, size);
    };
    t.code.get(old).get(operand);
    extend(old);
    extend(operand);
    t.code.op(opcode).op(CONTROL.select);
  };
}

/** LDADD to LDUMIN by their opcode. */
const ATOMICS: readonly { readonly name: string; readonly combine: Combine }[] = [
  { name: "LDADD", combine: simple(I64.add) },
  {
    name: "LDCLR",
    combine: (t, _size, old, operand) => {
      t.code.get(old).get(operand).i64(-1).op(I64.xor).op(I64.and);
    },
  },
  { name: "LDEOR", combine: simple(I64.xor) },
  { name: "LDSET", combine: simple(I64.or) },
  { name: "LDSMAX", combine: choose(I64.gtS, true) },
  { name: "LDSMIN", combine: choose(I64.ltS, true) },
  { name: "LDUMAX", combine: choose(I64.gtU, false) },
  { name: "LDUMIN", combine: choose(I64.ltU, false) },
];

function atomic(t: Translator, size: number, n: number, operand: number, target: number, combine: Combine): void {
  const address = localXSp(t, n);
  const value = localX(t, operand);
  const next = t.temp(TYPE_I64);
  const old = loadLocal(t, size, address, 0, true);
  combine(t, size, old, value);
  t.code.set(next);
  t.store(bytesOf(size), address, 0, next);
  t.code.get(old);
  t.setX(target);
}

function atomicRow(opcode: "000" | "001" | "010" | "011" | "100" | "101" | "110" | "111"): Encoding {
  const { name, combine } = ATOMICS[parseInt(opcode, 2)]!;
  return encoding(name, `size:2 111 0 00 A:1 R:1 1 Rs:5 0 ${opcode} 00 Rn:5 Rt:5`, (t, { size, Rs, Rn, Rt }) => {
    atomic(t, size, Rn, Rs, Rt, combine);
  });
}

const EXCLUSIVE = "001000 0";
const ORDERED = "001000 1";

export const LOADS_STORES_EXCLUSIVE: readonly Encoding[] = [
  encoding("STXR, STLXR", `size:2 ${EXCLUSIVE} 0 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5`, (t, { size, Rs, Rn, Rt }) => {
    const address = localXSp(t, Rn);
    const value = localX(t, Rt);
    storeExclusive(t, address, Rs, 1, 1, (failed) => {
      storeIfUnchanged(t, size, address, value, failed);
    });
  }),
  encoding("LDXR, LDAXR", `size:2 ${EXCLUSIVE} 1 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5`, (t, { size, Rn, Rt }) => {
    const address = localXSp(t, Rn);
    const value = loadLocal(t, size, address, 0, true);
    closeMonitor(t, address, value);
    t.code.get(value);
    t.setX(Rt);
  }),
  encoding("STXP, STLXP", `1 sz:1 ${EXCLUSIVE} 0 1 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5`, (t, { sz, Rs, Rt2, Rn, Rt }) => {
    const address = localXSp(t, Rn);
    if (sz === 0) {
      const value = concatenate(t, Rt, Rt2);
      storeExclusive(t, address, Rs, 1, 1, (failed) => {
        storeIfUnchanged(t, 3, address, value, failed);
      });
      return;
    }
    const low = localX(t, Rt);
    const high = localX(t, Rt2);
    storeExclusive(t, address, Rs, 2, 2, (failed) => {
      storePairIfUnchanged(t, address, low, high, failed);
    });
  }),
  encoding("LDXP, LDAXP", `1 sz:1 ${EXCLUSIVE} 1 1 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5`, (t, { sz, Rt2, Rn, Rt }) => {
    const address = localXSp(t, Rn);
    if (sz === 0) {
      const value = loadLocal(t, 3, address, 0, true);
      closeMonitor(t, address, value);
      split(t, value, Rt, Rt2);
      return;
    }
    const low = loadLocal(t, 3, address, 0, 16);
    const high = loadLocal(t, 3, address, 8, false);
    t.code.get(high);
    t.setState("exclusiveHigh");
    closeMonitor(t, address, low);
    t.code.get(low);
    t.setX(Rt);
    t.code.get(high);
    t.setX(Rt2);
  }),

  encoding("STLR, STLLR", `size:2 ${ORDERED} 0 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5`, (t, { size, Rn, Rt }) => {
    const address = localXSp(t, Rn);
    t.store(bytesOf(size), address, 0, localX(t, Rt));
  }),
  encoding("LDAR, LDLAR", `size:2 ${ORDERED} 1 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5`, (t, { size, Rn, Rt }) => {
    t.load(bytesOf(size), localXSp(t, Rn), 0);
    t.setX(Rt);
  }),
  encoding("LDAPR", "size:2 111 0 00 1 0 1 11111 1 100 00 Rn:5 Rt:5", (t, { size, Rn, Rt }) => {
    t.load(bytesOf(size), localXSp(t, Rn), 0);
    t.setX(Rt);
  }),
  encoding(
    "LDAPUR, STLUR",
    "size:2 011001 opc:2 0 imm9:9 00 Rn:5 Rt:5",
    (t, { size, opc, imm9, Rn, Rt }) => {
      const address = localXSp(t, Rn);
      if (opc === 0) {
        t.store(bytesOf(size), address, signed(imm9, 9), localX(t, Rt));
        return;
      }
      t.load(bytesOf(size), address, signed(imm9, 9));
      extendLoaded(t, size, opc);
      t.setX(Rt);
    },
    ({ size, opc }) => opc < 2 || (opc === 2 ? size < 3 : size < 2),
  ),

  encoding("CAS", `size:2 ${ORDERED} L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5`, (t, { size, Rs, Rn, Rt }) => {
    const address = localXSp(t, Rn);
    const expected = localX(t, Rs);
    const value = localX(t, Rt);
    const next = t.temp(TYPE_I64);
    const old = loadLocal(t, size, address, 0, true);
    t.code.get(value).get(old).get(old).get(expected);
    zeroExtend(t, size);
    t.code.op(I64.eq).op(CONTROL.select).set(next);
    t.store(bytesOf(size), address, 0, next);
    t.code.get(old);
    t.setX(Rs);
  }),
  encoding(
    "CASP",
    `0 sz:1 ${EXCLUSIVE} L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5`,
    (t, { sz, Rs, Rn, Rt }) => {
      const { code } = t;
      const address = localXSp(t, Rn);
      const next = t.temp(TYPE_I64);
      if (sz === 0) {
        const expected = concatenate(t, Rs, Rs + 1);
        const value = concatenate(t, Rt, Rt + 1);
        const old = loadLocal(t, 3, address, 0, true);
        code.get(value).get(old).get(old).get(expected).op(I64.eq).op(CONTROL.select).set(next);
        t.store(8, address, 0, next);
        split(t, old, Rs, Rs + 1);
        return;
      }
      const [expectedLow, expectedHigh, low, high] = [localX(t, Rs), localX(t, Rs + 1), localX(t, Rt), localX(t, Rt + 1)];
      const oldLow = loadLocal(t, 3, address, 0, 16);
      const oldHigh = loadLocal(t, 3, address, 8, false);
      const differs = t.temp(TYPE_I64);
      code.get(oldLow).get(expectedLow).op(I64.xor).get(oldHigh).get(expectedHigh).op(I64.xor).op(I64.or).set(differs);
      const choice = (old: Local, value: Local): Local => {
        const local = t.temp(TYPE_I64);
        code.get(old).get(value).get(differs).i64(0).op(I64.ne).op(CONTROL.select).set(local);
        return local;
      };
      t.store(8, address, 0, choice(oldLow, low));
      t.store(8, address, 8, choice(oldHigh, high));
      code.get(oldLow);
      t.setX(Rs);
      code.get(oldHigh);
      t.setX(Rs + 1);
    },
    ({ Rs, Rt }) => ((Rs | Rt) & 1) === 0,
  ),

  atomicRow("000"),
  atomicRow("001"),
  atomicRow("010"),
  atomicRow("011"),
  atomicRow("100"),
  atomicRow("101"),
  atomicRow("110"),
  atomicRow("111"),
  encoding("SWP", "size:2 111 0 00 A:1 R:1 1 Rs:5 1 000 00 Rn:5 Rt:5", (t, { size, Rs, Rn, Rt }) => {
    atomic(t, size, Rn, Rs, Rt, (same, _size, _old, operand) => {
      same.code.get(operand);
    });
  }),
];
