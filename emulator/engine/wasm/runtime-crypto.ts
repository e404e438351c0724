/**
 * Functions of the runtime module for cryptography: rounds of AES, SHA-1 and SHA-2, the product of polynomials. WebAssembly has none of them.
 *
 * Parameters are the operands in the order d, n, m; the result is the new destination. Arm: DDI 0487 C7.2, J1.
 */
import { Code, type Local } from "./binary/code.js";
import { I32, I32X4, I64, I64X2, I8X16, TYPE_I32, TYPE_I64, TYPE_V128, V128 } from "./binary/opcodes.js";
import { AES_INVERSE_SBOX, AES_SBOX } from "./soft/crypto-boxes.js";

const ONE = { parameters: [TYPE_V128], results: [TYPE_V128] } as const;
const TWO = { parameters: [TYPE_V128, TYPE_V128], results: [TYPE_V128] } as const;
const THREE = { parameters: [TYPE_V128, TYPE_V128, TYPE_V128], results: [TYPE_V128] } as const;

export const CRYPTO_FUNCTIONS = {
  aesEncrypt: TWO,
  aesDecrypt: TWO,
  aesMixColumns: ONE,
  aesInverseMixColumns: ONE,
  sha1Choose: THREE,
  sha1Parity: THREE,
  sha1Majority: THREE,
  sha256Hash: THREE,
  sha256Hash2: THREE,
  sha512Hash: THREE,
  sha512Hash2: THREE,
  /** (n, m) -> the 128-bit product. */
  multiplyPolynomials: { parameters: [TYPE_I64, TYPE_I64], results: [TYPE_V128] },
} as const;
export type CryptoFunction = keyof typeof CRYPTO_FUNCTIONS;

const BYTES = Array.from({ length: 16 }, (_, index) => index);

function bytesConstant(code: Code, bytes: ArrayLike<number>): void {
  const word = (from: number): bigint => {
    let value = 0n;
    for (let index = 7; index >= 0; index--) value = (value << 8n) | BigInt(bytes[from + index]!);
    return value;
  };
  code.v128(word(0), word(8));
}

/** Byte `index` of the state comes from this one: row r (index modulo 4) is turned by r columns. */
function shiftedRow(index: number, decrypt: boolean): number {
  return (index + (decrypt ? -4 : 4) * (index % 4) + 64) % 16;
}

/** The substitution looks each byte up in 16 tables of 16: an index is inside of one of them only, and outside reads 0. */
function aesRound(decrypt: boolean): Code {
  const code = new Code(2);
  const box = decrypt ? AES_INVERSE_SBOX : AES_SBOX;
  const index = code.local(TYPE_V128);
  code.get(0).get(1).op(V128.xor).tee(0).get(0).shuffle(BYTES.map((byte) => shiftedRow(byte, decrypt))).set(index);
  for (let table = 0; table < 16; table++) {
    bytesConstant(code, box.subarray(16 * table, 16 * table + 16));
    code.get(index);
    if (table > 0) {
      bytesConstant(code, BYTES.map(() => 16));
      code.op(I8X16.sub).tee(index).op(I8X16.swizzle).op(V128.or);
    } else code.op(I8X16.swizzle);
  }
  return code;
}

/** Pops a vector and pushes its bytes doubled in the field of AES. */
function doubleBytes(code: Code, scratch: Local): void {
  code.tee(scratch).get(scratch).op(I8X16.add).get(scratch).v128(0n, 0n).op(I8X16.ltS);
  bytesConstant(code, BYTES.map(() => 0x1b));
  code.op(V128.and).op(V128.xor);
}

function aesMixColumns(decrypt: boolean): Code {
  const code = new Code(1);
  const scratch = code.local(TYPE_V128);
  const turned = (rows: number): void => {
    code.get(0).get(0).shuffle(BYTES.map((byte) => (byte & ~3) + ((byte + rows) & 3)));
  };
  if (decrypt) {
    // The inverse is the same after adding 4 times the sum of every second byte to each.
    turned(2);
    code.get(0).op(V128.xor);
    doubleBytes(code, scratch);
    doubleBytes(code, scratch);
    code.get(0).op(V128.xor).set(0);
  }
  const next = code.local(TYPE_V128);
  turned(1);
  code.tee(next).get(0).op(V128.xor);
  doubleBytes(code, scratch);
  code.get(next).op(V128.xor);
  turned(2);
  code.op(V128.xor);
  turned(3);
  return code.op(V128.xor);
}

/** Operations of the width that a hash works with. */
interface Width {
  readonly type: typeof TYPE_I32 | typeof TYPE_I64;
  readonly op: typeof I32 | typeof I64;
  readonly lanes: typeof I32X4 | typeof I64X2;
  readonly count: number;
}
const W32: Width = { type: TYPE_I32, op: I32, lanes: I32X4, count: 4 };
const W64: Width = { type: TYPE_I64, op: I64, lanes: I64X2, count: 2 };

function lanesOf(code: Code, { type, lanes, count }: Width, vector: Local): Local[] {
  return Array.from({ length: count }, (_, lane) => {
    const local = code.local(type);
    code.get(vector).lane(lanes.extractLane, lane).set(local);
    return local;
  });
}

function pushLanes(code: Code, { lanes }: Width, locals: readonly Local[]): Code {
  code.get(locals[0]!).op(lanes.splat);
  for (let lane = 1; lane < locals.length; lane++) code.get(locals[lane]!).lane(lanes.replaceLane, lane);
  return code;
}

function push(code: Code, { type }: Width, value: number): void {
  if (type === TYPE_I32) code.i32(value);
  else code.i64(value);
}

/** The sum over {0, 1} of x turned right by three numbers. */
function turns(code: Code, width: Width, x: Local, by: readonly [number, number, number]): void {
  by.forEach((bits, index) => {
    code.get(x);
    push(code, width, bits);
    code.op(width.op.rotr);
    if (index > 0) code.op(width.op.xor);
  });
}

function choose(code: Code, { op }: Width, x: Local, y: Local, z: Local): void {
  code.get(y).get(z).op(op.xor).get(x).op(op.and).get(z).op(op.xor);
}
function parity(code: Code, { op }: Width, x: Local, y: Local, z: Local): void {
  code.get(x).get(y).op(op.xor).get(z).op(op.xor);
}
function majority(code: Code, { op }: Width, x: Local, y: Local, z: Local): void {
  code.get(x).get(y).op(op.and).get(x).get(y).op(op.or).get(z).op(op.and).op(op.or);
}

function sha1(mix: typeof choose): Code {
  const code = new Code(3);
  let [a, b, c, d] = lanesOf(code, W32, 0) as [Local, Local, Local, Local];
  const words = lanesOf(code, W32, 2);
  let e = code.local(TYPE_I32);
  code.get(1).lane(I32X4.extractLane, 0).set(e);
  for (const word of words) {
    code.get(a).i32(5).op(I32.rotl);
    mix(code, W32, b, c, d);
    code.op(I32.add).get(e).op(I32.add).get(word).op(I32.add).set(e);
    code.get(b).i32(30).op(I32.rotl).set(b);
    [a, b, c, d, e] = [e, a, b, c, d];
  }
  return pushLanes(code, W32, [a, b, c, d]);
}

/** Both halves of the state are d and n; SHA256H2 has efgh in d. Its new value takes nothing of abcd but the words themselves. */
function sha256(second: boolean): Code {
  const code = new Code(3);
  let [a, b, c, d] = lanesOf(code, W32, second ? 1 : 0) as [Local, Local, Local, Local];
  let [e, f, g, h] = lanesOf(code, W32, second ? 0 : 1) as [Local, Local, Local, Local];
  const words = lanesOf(code, W32, 2);
  for (const word of words) {
    code.get(h);
    turns(code, W32, e, [6, 11, 25]);
    code.op(I32.add);
    choose(code, W32, e, f, g);
    code.op(I32.add).get(word).op(I32.add).tee(h).get(d).op(I32.add).set(d);
    if (!second) {
      code.get(h);
      turns(code, W32, a, [2, 13, 22]);
      code.op(I32.add);
      majority(code, W32, a, b, c);
      code.op(I32.add).set(h);
    }
    [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
  }
  return pushLanes(code, W32, second ? [e, f, g, h] : [a, b, c, d]);
}

function sha512(second: boolean): Code {
  const code = new Code(3);
  const [d0, d1] = lanesOf(code, W64, 0) as [Local, Local];
  const [n0, n1] = lanesOf(code, W64, 1) as [Local, Local];
  const [m0, m1] = lanesOf(code, W64, 2) as [Local, Local];
  code.get(d1);
  if (second) {
    turns(code, W64, m0, [28, 34, 39]);
    code.op(I64.add);
    majority(code, W64, n0, m1, m0);
  } else {
    turns(code, W64, m1, [14, 18, 41]);
    code.op(I64.add);
    choose(code, W64, m1, n0, n1);
  }
  code.op(I64.add).set(d1);
  code.get(d0);
  if (second) {
    turns(code, W64, d1, [28, 34, 39]);
    code.op(I64.add);
    majority(code, W64, d1, m0, m1);
  } else {
    const e = code.local(TYPE_I64);
    code.get(d1).get(m0).op(I64.add).set(e);
    turns(code, W64, e, [14, 18, 41]);
    code.op(I64.add);
    choose(code, W64, e, m1, n0);
  }
  code.op(I64.add).set(d0);
  return pushLanes(code, W64, [d0, d1]);
}

/** Pops i64 and pushes its bits in reverse order. */
function reverseBits(code: Code, scratch: Local): void {
  const steps = [[1, 0x5555_5555_5555_5555n], [2, 0x3333_3333_3333_3333n], [4, 0x0f0f_0f0f_0f0f_0f0fn], [8, 0x00ff_00ff_00ff_00ffn], [16, 0x0000_ffff_0000_ffffn]] as const;
  for (const [shift, mask] of steps) {
    code.set(scratch);
    code.get(scratch).i64(shift).op(I64.shrU).i64(mask).op(I64.and);
    code.get(scratch).i64(mask).op(I64.and).i64(shift).op(I64.shl).op(I64.or);
  }
  code.i64(32).op(I64.rotl);
}

/**
 * Pushes the low 64 bits of the product of polynomials, from ordinary products of every fourth bit: the sums of bits that meet stay inside of
 * the three bits between, but for the sum of 16 in the highest place, which is lost above.
 */
function lowProduct(code: Code, x: Local, y: Local): void {
  const parts = (value: Local): Local[] => [0, 1, 2, 3].map((bit) => {
    const part = code.local(TYPE_I64);
    code.get(value).i64(0x1111_1111_1111_1111n << BigInt(bit)).op(I64.and).set(part);
    return part;
  });
  const xs = parts(x);
  const ys = parts(y);
  for (let bit = 0; bit < 4; bit++) {
    for (let part = 0; part < 4; part++) {
      code.get(xs[part]!).get(ys[(bit - part + 4) % 4]!).op(I64.mul);
      if (part > 0) code.op(I64.xor);
    }
    code.i64(0x1111_1111_1111_1111n << BigInt(bit)).op(I64.and);
    if (bit > 0) code.op(I64.or);
  }
}

function multiplyPolynomials(): Code {
  const code = new Code(2);
  const scratch = code.local(TYPE_I64);
  lowProduct(code, 0, 1);
  code.op(I64X2.splat);
  // Of the reversed numbers the low half is the reversed high half, one place further.
  for (const operand of [0, 1]) {
    code.get(operand);
    reverseBits(code, scratch);
    code.set(operand);
  }
  lowProduct(code, 0, 1);
  reverseBits(code, scratch);
  return code.i64(1).op(I64.shrU).lane(I64X2.replaceLane, 1);
}

/** The body of a function. */
export function cryptoFunction(name: CryptoFunction): Code {
  switch (name) {
    case "aesEncrypt":
      return aesRound(false);
    case "aesDecrypt":
      return aesRound(true);
    case "aesMixColumns":
      return aesMixColumns(false);
    case "aesInverseMixColumns":
      return aesMixColumns(true);
    case "sha1Choose":
      return sha1(choose);
    case "sha1Parity":
      return sha1(parity);
    case "sha1Majority":
      return sha1(majority);
    case "sha256Hash":
      return sha256(false);
    case "sha256Hash2":
      return sha256(true);
    case "sha512Hash":
      return sha512(false);
    case "sha512Hash2":
      return sha512(true);
    case "multiplyPolynomials":
      return multiplyPolynomials();
  }
}
