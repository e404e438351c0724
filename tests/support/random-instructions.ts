/**
 * Random instructions of the decode table, and register files that make something of them: interesting numbers, data addresses in base
 * registers, registers that instructions of a sequence share.
 */
import { CONTEXT_WORDS } from "../../emulator/engine/engine.js";
import type { Encoding, FieldPlace } from "../../emulator/engine/wasm/decode/encoding.js";

export const PAGE = 4096;
export const CODE_VA = 0x40_0000;
/** Four pages, the last read-only; nothing is mapped behind them. */
export const DATA_VA = 0x50_0000;
export const DATA_PAGES = 4;

const FPCR_BITS = 0x07c8_0000;
const FPSR_BITS = 0x0800_009f;

/** A small generator of random numbers with a seed (mulberry32). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** 32 bits, unsigned. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  bits64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }
}

const INTEGERS = [0n, 1n, 2n, 7n, 63n, 64n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn];
/** Zeros, ones, smallest and largest numbers, infinities, NaNs quiet and signalling. */
const DOUBLES = [
  0n, 1n << 63n, 0x3ff0_0000_0000_0000n, 0xbff0_0000_0000_0000n, 0x4000_0000_0000_0000n, 1n, 0x000f_ffff_ffff_ffffn, 0x0010_0000_0000_0000n, 0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n, 0x7ff8_0000_0000_1234n, 0x7ff0_0000_0000_0001n, 0xfff4_0000_0000_5678n, 0x43e0_0000_0000_0000n, 0x41df_ffff_ffc0_0000n, 0x3fe0_0000_0000_0000n, 0x4330_0000_0000_0000n,
];
const SINGLES = [
  0n, 0x8000_0000n, 0x3f80_0000n, 0xbf80_0000n, 0x4000_0000n, 1n, 0x007f_ffffn, 0x0080_0000n, 0x7f7f_ffffn, 0x7f80_0000n, 0xff80_0000n, 0x7fc0_0000n, 0x7fc0_1234n, 0x7f80_0001n, 0xffa0_5678n, 0x4f00_0000n, 0x3f00_0000n, 0x4b00_0000n,
];
const HALVES = [0n, 0x8000n, 0x3c00n, 0xbc00n, 1n, 0x03ffn, 0x0400n, 0x7bffn, 0x7c00n, 0xfc00n, 0x7e00n, 0x7e12n, 0x7c01n, 0xfd56n, 0x3800n];

function integer(random: Random): bigint {
  switch (random.below(7)) {
    case 0:
    case 1:
      return BigInt(DATA_VA + random.below(DATA_PAGES * PAGE + 64) - 32);
    case 2:
      return BigInt(CODE_VA + 4 * random.below(PAGE / 4));
    case 3:
    case 4:
      return random.pick(INTEGERS);
    case 5:
      return BigInt(random.next() >>> random.below(32));
    default:
      return random.bits64();
  }
}

/** A 64-bit word of a vector or of memory: a number of some format, special or ordinary, or random bits. */
export function vectorWord(random: Random): bigint {
  const single = (): bigint => (random.below(2) === 0 ? random.pick(SINGLES) : BigInt(random.next()));
  switch (random.below(5)) {
    case 0:
      return random.pick(DOUBLES);
    case 1:
      return (single() << 32n) | single();
    case 2:
      return Array.from({ length: 4 }, () => random.pick(HALVES)).reduce((word, half) => (word << 16n) | half, 0n);
    case 3: {
      // A number of ordinary size.
      const exponent = BigInt(1023 - 40 + random.below(80));
      return (BigInt(random.below(2)) << 63n) | (exponent << 52n) | (random.bits64() & 0x000f_ffff_ffff_ffffn);
    }
    default:
      return random.bits64();
  }
}

/** A random register file; the PC is set by the harness. */
export function randomContext(random: Random): BigUint64Array {
  const words = new BigUint64Array(CONTEXT_WORDS);
  for (let n = 0; n < 32; n++) words[n] = integer(random);
  words[33] = BigInt(random.next() & 0xf000_0000) & 0xf000_0000n;
  words[34] = random.below(2) === 0 ? 0n : BigInt((random.next() & FPCR_BITS) >>> 0);
  words[35] = random.below(2) === 0 ? 0x10n : BigInt((random.next() & FPSR_BITS) >>> 0);
  words[36] = random.bits64();
  for (let n = 37; n < CONTEXT_WORDS; n++) words[n] = vectorWord(random);
  return words;
}

function bits(word: number, low: number, width: number): number {
  return (word >>> low) & (2 ** width - 1);
}

/** A load or store? Arm: DDI 0487 C4.1, op0 x1x0. */
export function isLoadOrStore(word: number): boolean {
  return bits(word, 27, 1) === 1 && bits(word, 25, 1) === 0;
}

/** Its address is in bits 4:0, and that of a load or store in bits 9:5. Arm: DDI 0487 C5.3.15. */
function isDcZva(word: number): boolean {
  return bits(word, 5, 27) === 0xd50b_7420 >>> 5;
}

/** What a load or store adds to its base register; for a register offset a small number is put into the index register. */
function offsetOf(word: number, words: BigUint64Array, random: Random): number {
  if (bits(word, 27, 3) !== 7) return 0;
  const vector = bits(word, 26, 1) === 1;
  const size = bits(word, 30, 2) + (vector && bits(word, 23, 1) === 1 ? 4 : 0);
  if (bits(word, 24, 2) === 1) return bits(word, 10, 12) * 2 ** size;
  if (bits(word, 24, 2) !== 0 || bits(word, 21, 1) === 0 || bits(word, 10, 2) !== 2) return 0;
  const index = bits(word, 16, 5);
  if (index !== 31 && index !== bits(word, 5, 5)) words[index] = BigInt.asUintN(64, BigInt(random.below(64) - 32));
  return 0;
}

/** Lets the base register of a load, a store or DC ZVA point at data, often near the end of a page, sometimes with a tag. */
export function aimAtData(words: BigUint64Array, word: number, random: Random): void {
  const zeroes = isDcZva(word);
  if ((!isLoadOrStore(word) && !zeroes) || random.below(8) === 0) return;
  const places = [
    () => random.below(DATA_PAGES * PAGE),
    () => PAGE * (1 + random.below(DATA_PAGES)) - random.below(80),
    () => 16 * random.below((PAGE / 16) * (DATA_PAGES - 1)),
    () => 16 * random.below((PAGE / 16) * (DATA_PAGES - 1)),
  ];
  const address = DATA_VA + random.pick(places)() - offsetOf(word, words, random);
  const tag = random.below(8) === 0 ? BigInt(random.below(256)) << 56n : 0n;
  words[bits(word, zeroes ? 0 : 5, 5)] = BigInt.asUintN(64, BigInt(address)) | tag;
}

const isRegister = ({ name, width }: FieldPlace): boolean => width === 5 && /^R[a-z]\d?$/.test(name);
const isImmediate = ({ name }: FieldPlace): boolean => name.startsWith("imm");
/** Offsets of branches and literals: 4 times the field, from the PC. */
const isDistance = ({ name }: FieldPlace): boolean => name === "imm14" || name === "imm19" || name === "imm26";

/** How often a row has its turn: more often the more bits choose what it does, registers and immediates not counted. */
export function turns(row: Encoding): number {
  return 3 + row.fields.reduce((sum, field) => sum + (isRegister(field) || isImmediate(field) ? 0 : field.width), 0);
}

function fieldValue(field: FieldPlace, registers: readonly number[], random: Random): number {
  const size = 2 ** field.width;
  if (isRegister(field)) return random.pick(registers);
  if (isDistance(field) && random.below(2) === 0) return (size + random.below(64) - 32) % size;
  if (isImmediate(field) && random.below(4) === 0) return random.pick([0, 1, size - 1, size / 2, size / 2 - 1]);
  return random.next() % size;
}

const ALL_REGISTERS = Array.from({ length: 32 }, (_, n) => n);

/** A random word of a row of the decode table; undefined if none was found that is legal. Register fields are taken from `registers`. */
export function randomWord(row: Encoding, random: Random, registers: readonly number[] = ALL_REGISTERS): number | undefined {
  for (let attempt = 0; attempt < 256; attempt++) {
    // One instruction in four names few registers, so that source and target are the same.
    const few = attempt < 128 && random.below(4) === 0 ? [random.pick(registers), random.pick(registers), 31] : registers;
    let word = row.value;
    for (const field of row.fields) word += fieldValue(field, attempt < 128 ? few : registers, random) * 2 ** field.low;
    // Rows that ask for much are found by plain bits.
    if (attempt >= 192) word = ((random.next() & ~row.mask) | row.value) >>> 0;
    if (row.legal(word)) return word;
  }
  return undefined;
}

/** Registers that the instructions of a sequence share, and those that address memory in it, 31 being SP. */
const SHARED = [0, 1, 2, 3, 4, 31];
const BASES = [20, 21, 22, 31];

/** Counts the rounds of a loop; nothing else in a sequence writes it. */
const COUNTER = 25;

/** A word that works on few registers; loads and stores have base registers of their own. */
function sharedWord(rows: readonly Encoding[], random: Random): number {
  for (;;) {
    const word = randomWord(random.pick(rows), random, SHARED);
    if (word !== undefined) return isLoadOrStore(word) ? ((word & ~0x3e0) | (random.pick(BASES) << 5)) >>> 0 : word;
  }
}

/** A conditional branch over `distance` instructions, itself included: on a flag, a register or a bit. */
function branchOver(distance: number, random: Random): number {
  const register = random.pick(SHARED);
  const words = [0x5400_0000 | (distance << 5) | random.below(16), 0x3400_0000 | (random.below(2) << 31) | (random.below(2) << 24) | (distance << 5) | register, 0x3600_0000 | (random.below(2) << 31) | (random.below(2) << 24) | (random.below(32) << 19) | (distance << 5) | register];
  return random.pick(words) >>> 0;
}

/** 2 to 8 instructions that share registers; some are skipped by conditional branches, or all of them are a loop of 1 to 6 rounds. */
export function randomSequence(rows: readonly Encoding[], random: Random): number[] {
  const length = 2 + random.below(7);
  const words = Array.from({ length }, () => sharedWord(rows, random));
  if (random.below(3) === 0) {
    const at = random.below(length - 1);
    words[at] = branchOver(1 + random.below(length - at), random);
  }
  if (random.below(3) !== 0) return words;
  // MOVZ counter; body; SUBS or SUB counter; B.NE or CBNZ to the body.
  const back = (0x7_ffff & -(length + 1)) << 5;
  const [step, branch] = random.below(2) === 0 ? [0xf100_0400, 0x5400_0001 | back] : [0xd100_0400, 0xb500_0000 | back | COUNTER];
  return [0xd280_0000 | ((1 + random.below(6)) << 5) | COUNTER, ...words, step | (COUNTER << 5) | COUNTER, branch].map((word) => word >>> 0);
}
