/** Registers as words behind RAM. */
import { expect } from "chai";
import { CONTEXT_WORDS } from "../../../../emulator/engine/engine.js";
import { FLAG_A, FLAG_B, FLAG_KIND } from "../../../../emulator/engine/wasm/layout.js";
import { WasmRegisters } from "../../../../emulator/engine/wasm/wasm-registers.js";

describe("registers of the wasm engine", () => {
  const words = new BigUint64Array(1024);
  const asked: [number, bigint, bigint][] = [];
  const registers = new WasmRegisters(words, (kind, a, b) => {
    asked.push([kind, a, b]);
    return 0x6000_0000;
  });

  it("are the words themselves", () => {
    registers.setX(30, 5n);
    registers.pc = 0x400000n;
    registers.sp = 0xffff_0000n;
    registers.fpcr = 0x0040_0000;
    registers.vectors[3] = 9n;
    expect([words[30], words[32], words[31], words[34], words[37 + 3]]).to.deep.equal([5n, 0x400000n, 0xffff_0000n, 0x0040_0000n, 9n]);
    words[36] = 77n;
    expect(registers.tpidrEl0).to.equal(77n);
  });

  it("flags that lie there as operands are made once when they are asked for", () => {
    words[FLAG_KIND / 8] = 1n;
    words[FLAG_A / 8] = 10n;
    words[FLAG_B / 8] = 10n;
    expect(registers.nzcv).to.equal(0x6000_0000);
    expect(registers.nzcv).to.equal(0x6000_0000);
    expect(asked).to.deep.equal([[1, 10n, 10n]]);
    registers.nzcv = 0x9000_0000;
    expect(registers.nzcv).to.equal(0x9000_0000);
  });

  it("a context that was saved comes back, flags included", () => {
    registers.nzcv = 0xa000_0000;
    const saved = new BigUint64Array(CONTEXT_WORDS);
    registers.save(saved);
    expect(saved[33]).to.equal(0xa000_0000n);
    registers.nzcv = 0;
    registers.setX(30, 0n);
    registers.restore(saved);
    expect([registers.nzcv, registers.x(30)]).to.deep.equal([0xa000_0000, 5n]);
  });
});
