/** The runtime's cryptographic functions against the same in TypeScript, with random operands. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { I64, TYPE_I64, V128 } from "../../../../emulator/engine/wasm/binary/opcodes.js";
import { CRYPTO_FUNCTIONS, type CryptoFunction, cryptoFunction } from "../../../../emulator/engine/wasm/runtime-crypto.js";
import * as soft from "../../../../emulator/engine/wasm/soft/crypto.js";
import { seededRandom } from "../../../support/seed.js";

/** Where the functions' operands lie, 16 bytes each, and the result behind them. */
const RESULT = 48;

type Words = soft.Words;
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
