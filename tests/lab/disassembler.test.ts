/* Capstone decodes the instructions that crash reports show. */
import { expect } from "chai";
import { va } from "../../emulator/arch/addr.js";
import { loadDisassembler } from "../../lab/disassembler.js";

describe("disassembler", () => {
  const cases: readonly [number, string][] = [
    [0xd4000001, "svc #0"],
    [0xf9000020, "str x0, [x1]"],
    [0xa94007e0, "ldp x0, x1, [sp]"],
    [0xd65f03c0, "ret"],
    [0x14000004, "b #0x1010"],
    [0x00000000, ".inst 0x00000000"],
    [0xffffffff, ".inst 0xffffffff"],
  ];
  for (const [word, text] of cases) {
    it(`shows 0x${word.toString(16).padStart(8, "0")} as ${text}`, async () => {
      const shown = (await loadDisassembler()).one(word, va(0x1000));
      expect(shown).to.equal(text);
    });
  }
});
