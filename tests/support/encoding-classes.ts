/** The encoding classes of A64, and which rows of the decode table belong to each. Arm: DDI 0487 C4.1. */
import type { Encoding } from "../../emulator/engine/wasm/decode/encoding.js";

export interface EncodingClass {
  readonly group: string;
  readonly name: string;
  /** Bits 31 to 0; x: any; trailing x left out. */
  readonly bits: string;
  /** What of the class the engine leaves undefined. */
  readonly missing?: string;
}

const IMMEDIATE = "Data processing, immediate";
const BRANCH = "Branches, exceptions, system";
const LOAD = "Loads and stores";
const REGISTER = "Data processing, register";
const VECTOR = "Floating point and Advanced SIMD";

/** Classes of Armv8.0 to Armv8.5, and what is younger where it has a class of its own. The class with most fixed bits counts. */
export const CLASSES: readonly EncodingClass[] = [
  { group: "Other", name: "Reserved: UDF", bits: "0xx0000", missing: "UDF" },
  { group: "Other", name: "SME", bits: "1xx0000", missing: "all" },
  { group: "Other", name: "SVE", bits: "xxx0010", missing: "all" },

  { group: IMMEDIATE, name: "PC-relative addressing", bits: "xxx10000" },
  { group: IMMEDIATE, name: "Add/subtract", bits: "xxx100010" },
  { group: IMMEDIATE, name: "Add/subtract with tags", bits: "xxx100011", missing: "all (MTE)" },
  { group: IMMEDIATE, name: "Logical", bits: "xxx100100" },
  { group: IMMEDIATE, name: "Move wide", bits: "xxx100101" },
  { group: IMMEDIATE, name: "Bitfield", bits: "xxx100110" },
  { group: IMMEDIATE, name: "Extract", bits: "xxx100111" },

  { group: BRANCH, name: "Conditional branch (immediate)", bits: "0101010x", missing: "BC.cond" },
  { group: BRANCH, name: "Exception generation", bits: "11010100", missing: "HVC, SMC, HLT, DCPS1 to DCPS3: not at EL0" },
  { group: BRANCH, name: "Hints", bits: "11010101000000110010xxxxxxx11111" },
  { group: BRANCH, name: "Barriers", bits: "11010101000000110011xxxxxxx11111", missing: "DSB with nXS" },
  { group: BRANCH, name: "System instructions with a register", bits: "11010101000000110001", missing: "WFET, WFIT" },
  { group: BRANCH, name: "PSTATE", bits: "1101010100000xxx0100xxxxxxx11111", missing: "what is not of EL0, DIT, SSBS, TCO" },
  { group: BRANCH, name: "System instructions", bits: "1101010100x01", missing: "DC CVAP, DC CVADP, DC GVA, CFP, CPP, DVP, and what is not of EL0" },
  { group: BRANCH, name: "System register move", bits: "1101010100x1", missing: "CNTVCT_EL0, CNTFRQ_EL0, RNDR, RNDRRS, DIT, SSBS, TCO, and what is not of EL0" },
  { group: BRANCH, name: "Unconditional branch (register)", bits: "1101011x", missing: "ERET, DRPS: not at EL0" },
  { group: BRANCH, name: "Unconditional branch (immediate)", bits: "x00101" },
  { group: BRANCH, name: "Compare and branch", bits: "x011010" },
  { group: BRANCH, name: "Test and branch", bits: "x011011" },

  { group: LOAD, name: "Advanced SIMD multiple structures", bits: "0x0011000" },
  { group: LOAD, name: "Advanced SIMD multiple structures, post-indexed", bits: "0x0011001" },
  { group: LOAD, name: "Advanced SIMD single structure", bits: "0x0011010" },
  { group: LOAD, name: "Advanced SIMD single structure, post-indexed", bits: "0x0011011" },
  { group: LOAD, name: "Memory tags", bits: "11011001xx1", missing: "all (MTE)" },
  { group: LOAD, name: "Exclusive pair", bits: "1x0010000x1" },
  { group: LOAD, name: "Compare and swap pair", bits: "0x0010000x1" },
  { group: LOAD, name: "Exclusive register", bits: "xx0010000x0" },
  { group: LOAD, name: "Ordered", bits: "xx0010001x0" },
  { group: LOAD, name: "Compare and swap", bits: "xx0010001x1" },
  { group: LOAD, name: "LDAPR/STLR (unscaled immediate)", bits: "xx011001xx0xxxxxxxxx00" },
  { group: LOAD, name: "Load register (literal)", bits: "xx011x00" },
  { group: LOAD, name: "Memory copy and set", bits: "xx011x01xx0xxxxxxxxx01", missing: "all (MOPS)" },
  { group: LOAD, name: "No-allocate pair (offset)", bits: "xx101x000" },
  { group: LOAD, name: "Register pair (post-indexed)", bits: "xx101x001", missing: "STGP" },
  { group: LOAD, name: "Register pair (offset)", bits: "xx101x010", missing: "STGP" },
  { group: LOAD, name: "Register pair (pre-indexed)", bits: "xx101x011", missing: "STGP" },
  { group: LOAD, name: "Register (unscaled immediate)", bits: "xx111x00xx0xxxxxxxxx00" },
  { group: LOAD, name: "Register (immediate post-indexed)", bits: "xx111x00xx0xxxxxxxxx01" },
  { group: LOAD, name: "Register (unprivileged)", bits: "xx111x00xx0xxxxxxxxx10" },
  { group: LOAD, name: "Register (immediate pre-indexed)", bits: "xx111x00xx0xxxxxxxxx11" },
  { group: LOAD, name: "Atomic memory operations", bits: "xx111x00xx1xxxxxxxxx00", missing: "LD64B, ST64B, ST64BV (LS64)" },
  { group: LOAD, name: "Register (register offset)", bits: "xx111x00xx1xxxxxxxxx10" },
  { group: LOAD, name: "Register (pointer authentication)", bits: "xx111x00xx1xxxxxxxxxx1" },
  { group: LOAD, name: "Register (unsigned immediate)", bits: "xx111x01" },

  { group: REGISTER, name: "Data processing (2 source)", bits: "x0x11010110", missing: "PACGA; SUBP, SUBPS, IRG, GMI (MTE); SMAX, UMAX, SMIN, UMIN (CSSC)" },
  { group: REGISTER, name: "Data processing (1 source)", bits: "x1x11010110", missing: "CTZ, CNT, ABS (CSSC)" },
  { group: REGISTER, name: "Logical (shifted register)", bits: "xxx01010" },
  { group: REGISTER, name: "Add/subtract (shifted register)", bits: "xxx01011xx0" },
  { group: REGISTER, name: "Add/subtract (extended register)", bits: "xxx01011xx1" },
  { group: REGISTER, name: "Add/subtract (with carry)", bits: "xxx11010000xxxxx000000" },
  { group: REGISTER, name: "Rotate right into flags", bits: "xxx11010000xxxxxx00001" },
  { group: REGISTER, name: "Evaluate into flags", bits: "xxx11010000xxxxxxx0010" },
  { group: REGISTER, name: "Conditional compare (register)", bits: "xxx11010010xxxxxxxxx0" },
  { group: REGISTER, name: "Conditional compare (immediate)", bits: "xxx11010010xxxxxxxxx1" },
  { group: REGISTER, name: "Conditional select", bits: "xxx11010100" },
  { group: REGISTER, name: "Data processing (3 source)", bits: "xxx11011" },

  { group: VECTOR, name: "Cryptographic AES", bits: "01001110xx10100xxxxx10" },
  { group: VECTOR, name: "Cryptographic three-register SHA", bits: "01011110xx0xxxxx0xxx00" },
  { group: VECTOR, name: "Cryptographic two-register SHA", bits: "01011110xx10100xxxxx10" },
  { group: VECTOR, name: "Scalar copy", bits: "01x11110000xxxxx0xxxx1" },
  { group: VECTOR, name: "Scalar three same FP16", bits: "01x11110x10xxxxx00xxx1" },
  { group: VECTOR, name: "Scalar two-register miscellaneous FP16", bits: "01x11110x111100xxxxx10" },
  { group: VECTOR, name: "Scalar three same extra", bits: "01x11110xx0xxxxx1xxxx1" },
  { group: VECTOR, name: "Scalar two-register miscellaneous", bits: "01x11110xx10000xxxxx10" },
  { group: VECTOR, name: "Scalar pairwise", bits: "01x11110xx11000xxxxx10" },
  { group: VECTOR, name: "Scalar three different", bits: "01x11110xx1xxxxxxxxx00" },
  { group: VECTOR, name: "Scalar three same", bits: "01x11110xx1xxxxxxxxxx1" },
  { group: VECTOR, name: "Scalar shift by immediate", bits: "01x111110xxxxxxxxxxxx1" },
  { group: VECTOR, name: "Scalar by indexed element", bits: "01x11111xxxxxxxxxxxxx0" },
  { group: VECTOR, name: "Table look-up", bits: "0x001110xx0xxxxx0xxx00" },
  { group: VECTOR, name: "Permute", bits: "0x001110xx0xxxxx0xxx10" },
  { group: VECTOR, name: "Extract", bits: "0x101110xx0xxxxx0xxxx0" },
  { group: VECTOR, name: "Copy", bits: "0xx01110000xxxxx0xxxx1" },
  { group: VECTOR, name: "Three same FP16", bits: "0xx01110x10xxxxx00xxx1" },
  { group: VECTOR, name: "Two-register miscellaneous FP16", bits: "0xx01110x111100xxxxx10" },
  { group: VECTOR, name: "Three same extra", bits: "0xx01110xx0xxxxx1xxxx1", missing: "USDOT (I8MM), BFDOT, BFMLAL, BFMMLA (BF16), SMMLA, UMMLA, USMMLA" },
  { group: VECTOR, name: "Two-register miscellaneous", bits: "0xx01110xx10000xxxxx10", missing: "BFCVTN (BF16)" },
  { group: VECTOR, name: "Across lanes", bits: "0xx01110xx11000xxxxx10" },
  { group: VECTOR, name: "Three different", bits: "0xx01110xx1xxxxxxxxx00" },
  { group: VECTOR, name: "Three same", bits: "0xx01110xx1xxxxxxxxxx1" },
  { group: VECTOR, name: "Modified immediate", bits: "0xx0111100000xxxxxxxx1" },
  { group: VECTOR, name: "Shift by immediate", bits: "0xx011110xxxxxxxxxxxx1" },
  { group: VECTOR, name: "By indexed element", bits: "0xx01111xxxxxxxxxxxxx0", missing: "USDOT, SUDOT (I8MM), BFDOT, BFMLAL (BF16)" },
  { group: VECTOR, name: "Cryptographic three-register, imm2", bits: "11001110010xxxxx10" },
  { group: VECTOR, name: "Cryptographic three-register SHA512", bits: "11001110011xxxxx1x00" },
  { group: VECTOR, name: "Cryptographic four-register", bits: "110011100xxxxxxx0" },
  { group: VECTOR, name: "XAR", bits: "11001110100" },
  { group: VECTOR, name: "Cryptographic two-register SHA512", bits: "11001110110000001000" },
  { group: VECTOR, name: "Conversion between FP and fixed point", bits: "x0x11110xx0" },
  { group: VECTOR, name: "Conversion between FP and integer", bits: "x0x11110xx1xxxxx000000" },
  { group: VECTOR, name: "FP data processing (1 source)", bits: "x0x11110xx1xxxxxx10000", missing: "BFCVT (BF16)" },
  { group: VECTOR, name: "FP compare", bits: "x0x11110xx1xxxxxxx1000" },
  { group: VECTOR, name: "FP immediate", bits: "x0x11110xx1xxxxxxxx100" },
  { group: VECTOR, name: "FP conditional compare", bits: "x0x11110xx1xxxxxxxxx01" },
  { group: VECTOR, name: "FP data processing (2 source)", bits: "x0x11110xx1xxxxxxxxx10" },
  { group: VECTOR, name: "FP conditional select", bits: "x0x11110xx1xxxxxxxxx11" },
  { group: VECTOR, name: "FP data processing (3 source)", bits: "x0x11111" },
];

/** Whether the row fixes every bit that the class fixes, to the same value. */
function contains(bits: string, { mask, value }: Encoding): boolean {
  return [...bits].every((bit, i) => bit === "x" || (((mask >>> (31 - i)) & 1) === 1 && String((value >>> (31 - i)) & 1) === bit));
}

const fixed = (bits: string): number => bits.replaceAll("x", "").length;

/** The class of a row: the one with most fixed bits among those that contain it; undefined if there is none. */
export function classOf(row: Encoding): EncodingClass | undefined {
  const candidates = CLASSES.filter(({ bits }) => contains(bits, row));
  return candidates.sort((a, b) => fixed(b.bits) - fixed(a.bits))[0];
}

/** Where the table stands in docs/engine-wasm.md: start, table, end. */
export const TABLE_PLACE = /(<!-- instructions -->\n)([^]*)(<!-- end of instructions -->)/;

/** The lines of the table of docs/engine-wasm.md: one per class, in the order above. */
export function instructionTable(rows: readonly Encoding[]): string[] {
  const names = new Map<string, string[]>();
  const missing = new Map<string, Set<string>>();
  const key = ({ group, name }: EncodingClass): string => `${group} | ${name}`;
  for (const one of CLASSES) {
    names.set(key(one), []);
    const texts = missing.get(key(one)) ?? new Set();
    if (one.missing !== undefined) texts.add(one.missing);
    missing.set(key(one), texts);
  }
  for (const row of rows) {
    const one = classOf(row);
    if (one === undefined) throw new Error(`${row.name}: ${row.pattern} is in no encoding class`);
    names.get(key(one))!.push(row.name);
  }
  const lines = [...names].map(([both, list]) => `| ${both} | ${list.join("; ")} | ${[...missing.get(both)!].join("; ")} |`);
  return ["| group | class | carried out | not carried out |", "|---|---|---|---|", ...lines];
}
