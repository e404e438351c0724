/** The runtime's cryptographic functions against the same in TypeScript, with random operands; and those against the host's library. */
import { createHash } from "node:crypto";
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { I64, TYPE_I64, V128 } from "../../../../emulator/engine/wasm/binary/opcodes.js";
import { CRYPTO_FUNCTIONS, type CryptoFunction, cryptoFunction } from "../../../../emulator/engine/wasm/runtime-crypto.js";
import type { Words } from "../../../../emulator/engine/wasm/soft/sm3-sm4.js";
import * as soft from "../../../support/crypto-rounds.js";
import { seededRandom } from "../../../support/seed.js";

/** Where the functions' operands lie, 16 bytes each, and the result behind them. */
const RESULT = 48;

const REFERENCE: Readonly<Record<CryptoFunction, (d: Words, n: Words, m: Words) => Words>> = {
  aesEncrypt: (d, n) => soft.aesRound(d, n, false),
  aesDecrypt: (d, n) => soft.aesRound(d, n, true),
  aesMixColumns: (d) => soft.aesMixColumns(d, false),
  aesInverseMixColumns: (d) => soft.aesMixColumns(d, true),
  sha1Choose: (d, n, m) => soft.sha1Rounds(d, n, m, "choose"),
  sha1Parity: (d, n, m) => soft.sha1Rounds(d, n, m, "parity"),
  sha1Majority: (d, n, m) => soft.sha1Rounds(d, n, m, "majority"),
  sha256Hash: (d, n, m) => soft.sha256Rounds(d, n, m, false),
  sha256Hash2: (d, n, m) => soft.sha256Rounds(n, d, m, true),
  sha512Hash: (d, n, m) => wide((a, b, c) => soft.sha512Hash(a, b, c), d, n, m),
  sha512Hash2: (d, n, m) => wide((a, b, c) => soft.sha512Hash2(a, b, c), d, n, m),
  multiplyPolynomials: (d, n) => wide((a, b) => soft.multiplyPolynomials(a[0], b[0]), d, n, n),
};

function doublewords(words: Words): soft.Doublewords {
  const [low, high] = new BigUint64Array(Int32Array.from(words).buffer);
  return [low!, high!];
}
function wide(compute: (a: soft.Doublewords, b: soft.Doublewords, c: soft.Doublewords) => soft.Doublewords, d: Words, n: Words, m: Words): Words {
  const [a, b, c, e] = new Int32Array(BigUint64Array.from(compute(doublewords(d), doublewords(n), doublewords(m))).buffer);
  return [a!, b!, c!, e!];
}

describe("the runtime's cryptographic functions", () => {
  const names = Object.keys(CRYPTO_FUNCTIONS) as CryptoFunction[];
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const builder = new ModuleBuilder();
  builder.importMemory("e", "memory", 1);
  for (const name of names) {
    const type = CRYPTO_FUNCTIONS[name];
    const func = builder.func(type, cryptoFunction(name));
    const code = new Code(0);
    code.i32(0);
    type.parameters.forEach((parameter, index) => code.i32(16 * index).memory(parameter === TYPE_I64 ? I64.load : V128.load, 0));
    code.call(func).memory(V128.store, RESULT);
    builder.exportFunction(name, builder.func({ parameters: [], results: [] }, code));
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.finish()), { e: { memory } });
  const view = new Int32Array(memory.buffer);

  for (const name of names) {
    it(`${name} is right`, () => {
      const random = seededRandom(names.indexOf(name));
      for (let run = 0; run < 500; run++) {
        const [d, n, m] = [0, 1, 2].map(() => [0, 1, 2, 3].map(() => random(2 ** 32) | 0) as unknown as Words) as [Words, Words, Words];
        view.set([...d, ...n, ...m]);
        (instance.exports[name] as () => void)();
        expect([...view.slice(RESULT / 4, RESULT / 4 + 4)], `${d.join()} ${n.join()} ${m.join()}`).to.deep.equal(REFERENCE[name](d, n, m).map((word) => word | 0));
      }
    });
  }
});

const words = (values: readonly number[], at: number): Words => [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!];
const hex = (...states: Words[]): string => states.flat().map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
const add = (a: Words, b: Words): Words => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];

/** One padded block of a short message, as big-endian words. */
function block(message: string): number[] {
  const bytes = Buffer.alloc(64);
  bytes.write(message, "latin1");
  bytes[message.length] = 0x80;
  bytes.writeUInt32BE(8 * message.length, 60);
  return Array.from({ length: 16 }, (_, index) => bytes.readInt32BE(4 * index));
}

/** The first 32 bits of the fraction of a root of the first primes. */
function rootFractions(count: number, root: (prime: number) => number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32) | 0);
}

describe("the cryptographic functions in TypeScript", () => {
  it("make SHA-1", () => {
    const schedule = [0, 4, 8, 12].map((at) => words(block("abc"), at));
    const start: Words = [0x6745_2301, 0xefcd_ab89 | 0, 0x98ba_dcfe | 0, 0x1032_5476];
    let state = start;
    let e: Words = [0xc3d2_e1f0 | 0, 0, 0, 0];
    const phases = [["choose", 0x5a82_7999], ["parity", 0x6ed9_eba1], ["majority", 0x8f1b_bcdc | 0], ["parity", 0xca62_c1d6 | 0]] as const;
    for (let round = 0; round < 20; round++) {
      const [kind, constant] = phases[Math.floor(round / 5)]!;
      if (round >= 4) {
        const partial = soft.sha1Schedule0(schedule[0]!, schedule[1]!, schedule[2]!);
        schedule.push(soft.sha1Schedule1(partial, schedule[3]!));
        schedule.shift();
      }
      const next = soft.sha1Fixed(state);
      state = soft.sha1Rounds(state, e, add(schedule[Math.min(round, 3)]!, [constant, constant, constant, constant]), kind);
      e = next;
    }
    const last = hex(add(state, start), [e[0] + (0xc3d2_e1f0 | 0), 0, 0, 0]).slice(0, 40);
    expect(last).to.equal(createHash("sha1").update("abc").digest("hex"));
  });

  it("make SHA-256", () => {
    const constants = rootFractions(64, Math.cbrt);
    const initial = rootFractions(8, Math.sqrt);
    const schedule = [0, 4, 8, 12].map((at) => words(block("abc"), at));
    let abcd = words(initial, 0);
    let efgh = words(initial, 4);
    for (let round = 0; round < 16; round++) {
      if (round >= 4) {
        const partial = soft.sha256Schedule0(schedule[0]!, schedule[1]!);
        schedule.push(soft.sha256Schedule1(partial, schedule[2]!, schedule[3]!));
        schedule.shift();
      }
      const input = add(schedule[Math.min(round, 3)]!, words(constants, 4 * round));
      [abcd, efgh] = [soft.sha256Rounds(abcd, efgh, input, false), soft.sha256Rounds(abcd, efgh, input, true)];
    }
    expect(hex(add(abcd, words(initial, 0)), add(efgh, words(initial, 4)))).to.equal(createHash("sha256").update("abc").digest("hex"));
  });

  it("multiply columns and their inverse", () => {
    // FIPS 197, appendix B, round 1
    const column = 0x305d_bfd4;
    expect(hex(soft.aesMixColumns([column, 0, 0, 0], false))).to.match(/^e5816604/);
    expect(soft.aesMixColumns(soft.aesMixColumns([column, 1, -2, 3], false), true)).to.deep.equal([column, 1, -2, 3]);
  });

  it("multiply polynomials", () => {
    expect(soft.multiplyPolynomials(3n, 7n)).to.deep.equal([9n, 0n]);
    expect(soft.multiplyPolynomials(1n << 63n, 1n << 63n)).to.deep.equal([0n, 1n << 62n]);
  });
});
