/** Hints, barriers, flag manipulation and the system registers that EL0 sees. Arm: DDI 0487 C4.1.93, C5, D23. */
import { I32, I64, TYPE_I32, TYPE_I64, TYPE_V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";

function nothing(): void {
  // A hint, or a barrier where accesses happen in order anyway.
}

const N = 31;
const Z = 30;
const C = 29;
const V = 28;

/** Sets the flags from the old ones, which `make` gets bit by bit in i32 locals, 0 or 1, and pushes back as NZCV. */
function remakeFlags(t: Translator, make: (flag: (bit: number) => void) => void): void {
  const flags = t.temp(TYPE_I32);
  t.getNzcv();
  t.code.set(flags);
  make((bit) => {
    t.code.get(flags).i32(bit).op(I32.shrU).i32(1).op(I32.and);
  });
  t.setNzcv();
}

/** Bytes that DC ZVA zeroes: 4 << DCZID_EL0.BS. */
const ZVA_BLOCK = 64;
const WORDS = ZVA_BLOCK / 8;

/**
 * DC ZVA: a store of one byte at the address as given, so that a fault reports that one, and then the aligned block around it, which lies on the
 * same page and cannot fault. Counted as one store. Arm: DDI 0487 C5.3.15.
 */
function zeroBlock(t: Translator, { Rt }: { readonly Rt: number }): void {
  const { code } = t;
  const address = t.temp(TYPE_I64);
  const zero = t.temp(TYPE_I64);
  const zeros = t.temp(TYPE_V128);
  t.getX(Rt);
  code.set(address).i64(0).set(zero).v128(0n, 0n).set(zeros);
  t.store(1, address, 0, zero);
  code.get(address).i64(-ZVA_BLOCK).op(I64.and).set(address);
  t.storeRun(8, WORDS, address, 0, [zeros, zeros, zeros, zeros]);
  t.skippedAccesses(0, WORDS);
}

/** A system register by op0, op1, CRn, CRm, op2 in the order of the instruction's bits 20:5. */
function mrs(name: string, register: string, push: (t: Translator) => void): Encoding {
  return encoding(`MRS ${name}`, `11010101001 ${register} Rt:5` as const, (t, { Rt }: { readonly Rt: number }) => {
    push(t);
    t.setX(Rt);
  });
}
function msr(name: string, register: string, pop: (t: Translator) => void): Encoding {
  return encoding(`MSR ${name}`, `11010101000 ${register} Rt:5` as const, (t, { Rt }: { readonly Rt: number }) => {
    t.getX(Rt);
    pop(t);
  });
}

const NZCV = "11 011 0100 0010 000";
const FPCR = "11 011 0100 0100 000";
const FPSR = "11 011 0100 0100 001";
const TPIDR_EL0 = "11 011 1101 0000 010";
const TPIDRRO_EL0 = "11 011 1101 0000 011";
const CTR_EL0 = "11 011 0000 0000 001";
const DCZID_EL0 = "11 011 0000 0000 111";
const PMUSERENR_EL0 = "11 011 1001 1110 000";

export const SYSTEM: readonly Encoding[] = [
  encoding("HINT", "11010101000000110010 CRm:4 op2:3 11111", nothing),
  encoding("CLREX", "11010101000000110011 CRm:4 010 11111", (t) => {
    t.code.i64(-1);
    t.setState("exclusiveAddress");
  }),
  encoding("DSB", "11010101000000110011 CRm:4 100 11111", nothing),
  encoding("DMB", "11010101000000110011 CRm:4 101 11111", nothing),
  encoding("ISB", "11010101000000110011 CRm:4 110 11111", (t) => {
    t.endBlock();
  }),
  encoding("SB", "11010101000000110011 0000 111 11111", (t) => {
    t.endBlock();
  }),

  encoding("CFINV", "11010101000000000100 0000 000 11111", (t) => {
    t.getNzcv();
    t.code.i32(1 << C).op(I32.xor);
    t.setNzcv();
  }),
  encoding("XAFLAG", "11010101000000000100 0000 001 11111", (t) => {
    remakeFlags(t, (flag) => {
      const { code } = t;
      flag(C);
      flag(Z);
      code.op(I32.or).op(I32.eqz).i32(N).op(I32.shl);
      flag(Z);
      flag(C);
      code.op(I32.and).i32(Z).op(I32.shl).op(I32.or);
      flag(C);
      flag(Z);
      code.op(I32.or).i32(C).op(I32.shl).op(I32.or);
      flag(Z);
      flag(C);
      code.op(I32.gtU).i32(V).op(I32.shl).op(I32.or);
    });
  }),
  encoding("AXFLAG", "11010101000000000100 0000 010 11111", (t) => {
    remakeFlags(t, (flag) => {
      const { code } = t;
      flag(Z);
      flag(V);
      code.op(I32.or).i32(Z).op(I32.shl);
      flag(C);
      flag(V);
      code.op(I32.gtU).i32(C).op(I32.shl).op(I32.or);
    });
  }),

  mrs("NZCV", NZCV, (t) => {
    t.getNzcv();
    t.code.op(I64.extendI32U);
  }),
  msr("NZCV", NZCV, (t) => {
    t.code.op(I32.wrapI64).i32(-0x1000_0000).op(I32.and);
    t.setNzcv();
  }),
  mrs("FPCR", FPCR, (t) => {
    t.getState("fpcr");
  }),
  msr("FPCR", FPCR, (t) => {
    t.code.i64(0x07ff_0000).op(I64.and);
    t.setState("fpcr");
  }),
  mrs("FPSR", FPSR, (t) => {
    t.getState("fpsr");
  }),
  msr("FPSR", FPSR, (t) => {
    t.code.i64(0xf800_009fn).op(I64.and);
    t.setState("fpsr");
  }),
  mrs("TPIDR_EL0", TPIDR_EL0, (t) => {
    t.getState("tpidrEl0");
  }),
  msr("TPIDR_EL0", TPIDR_EL0, (t) => {
    t.setState("tpidrEl0");
  }),
  mrs("TPIDRRO_EL0", TPIDRRO_EL0, (t) => {
    t.code.i64(0);
  }),
  mrs("CTR_EL0", CTR_EL0, (t) => {
    t.code.i64(0x8444_c004n);
  }),
  // BS 4: blocks of 64 bytes; DZP 0.
  mrs("DCZID_EL0", DCZID_EL0, (t) => {
    t.code.i64(4);
  }),
  mrs("PMUSERENR_EL0", PMUSERENR_EL0, (t) => {
    t.code.i64(0);
  }),

  // Cache maintenance: translated code is coherent with all stores.
  encoding("IC IVAU", "11010101000 01 011 0111 0101 001 Rt:5", nothing),
  encoding("DC CVAC", "11010101000 01 011 0111 1010 001 Rt:5", nothing),
  encoding("DC CVAU", "11010101000 01 011 0111 1011 001 Rt:5", nothing),
  encoding("DC CIVAC", "11010101000 01 011 0111 1110 001 Rt:5", nothing),
  encoding("DC ZVA", "11010101000 01 011 0111 0100 001 Rt:5", zeroBlock),
];
