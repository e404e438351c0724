/** Instructions that TypeScript carries out. */
import { expect } from "chai";
import { ModelBug } from "../../../../../emulator/arch/errors.js";
import { encoding } from "../../../../../emulator/engine/wasm/decode/encoding.js";
import { interpret } from "../../../../../emulator/engine/wasm/soft/interpret.js";

describe("interpret", () => {
  const row = encoding("X", "00000000 00000000 000000 Rn:5 Rd:5", () => undefined, undefined, (words, { Rn, Rd }) => {
    words[Rd] = words[Rn]! + 1n;
  });

  it("hands the fields of the instruction to its row", () => {
    const words = new BigUint64Array(101);
    words[3] = 41n;
    interpret(words, row, (3 << 5) | 7);
    expect(words[7]).to.equal(42n);
  });

  it("a row without a meaning is a bug of the model", () => {
    expect(() => {
      interpret(new BigUint64Array(101), encoding("Y", "Rd:32", () => undefined), 5);
    }).to.throw(ModelBug, /5/);
    expect(() => {
      interpret(new BigUint64Array(101), undefined, 5);
    }).to.throw(ModelBug);
  });
});
