/** Lanes, flags and conditions in the register words. */
import { expect } from "chai";
import { CONTEXT_WORDS } from "../../../../../emulator/engine/engine.js";
import { conditionHolds, lane, lanes, readNzcv, readX, setLanes, withFloat, writeNzcv, writeX } from "../../../../../emulator/engine/wasm/soft/registers.js";

describe("the register words", () => {
  it("hold vectors as lanes of any width", () => {
    const words = new BigUint64Array(CONTEXT_WORDS).fill(~0n);
    setLanes(words, 3, 16, [1n, 2n, 3n, 4n, 5n]);
    expect([words[37 + 6], words[37 + 7]]).to.deep.equal([0x0004_0003_0002_0001n, 5n]);
    expect([lane(words, 3, 2, 32), lane(words, 3, 1, 64), lane(words, 3, 3, 8)]).to.deep.equal([5n, 5n, 0n]);
    expect(lanes(words, 3, 16, 64)).to.deep.equal([1n, 2n, 3n, 4n]);
  });

  it("have a zero register", () => {
    const words = new BigUint64Array(CONTEXT_WORDS);
    writeX(words, 31, 7n);
    writeX(words, 30, 8n);
    expect([words[31], readX(words, 31), readX(words, 30)]).to.deep.equal([0n, 0n, 8n]);
  });

  it("gather exceptions in FPSR and read FPCR", () => {
    const words = new BigUint64Array(CONTEXT_WORDS);
    words[34] = 3n << 22n;
    words[35] = 1n << 27n;
    expect(withFloat(words, (env) => {
      env.raise(16);
      return env.rounding;
    })).to.equal(3);
    expect(words[35]).to.equal((1n << 27n) | 16n);
  });

  it("decide conditions", () => {
    const words = new BigUint64Array(CONTEXT_WORDS);
    writeNzcv(words, 0x6000_0000);
    const nzcv = readNzcv(words);
    const holding = Array.from({ length: 16 }, (_, condition) => condition).filter((condition) => conditionHolds(nzcv, condition));
    // Z and C: EQ, CS, PL, VC, LS, GE, LE, AL, NV
    expect(holding).to.deep.equal([0, 2, 5, 7, 9, 10, 13, 14, 15]);
  });
});
