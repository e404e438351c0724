/** Opcodes: numbers of the specification, each once. */
import { expect } from "chai";
import { CONTROL, F32, F32X4, F64, F64X2, I16X8, I32, I32X4, I64, I64X2, I8X16, MEMORY, V128 } from "../../../../../emulator/engine/wasm/binary/opcodes.js";

describe("opcodes", () => {
  it("no two instructions have one number", () => {
    const seen = new Map<number, string>();
    for (const [group, table] of Object.entries({ CONTROL, I32, I64, F32, F64, MEMORY, V128, I8X16, I16X8, I32X4, I64X2, F32X4, F64X2 })) {
      for (const [name, number] of Object.entries(table)) {
        expect(seen.get(number), `${group}.${name}`).to.equal(undefined);
        seen.set(number, `${group}.${name}`);
      }
    }
  });

  it("some of each page of the specification", () => {
    expect([I32.add, I64.rotr, F32.copysign, F64.reinterpretI64, I64.extend32S]).to.deep.equal([0x6a, 0x8a, 0x98, 0xbf, 0xc4]);
    expect([I8X16.shuffle, I16X8.mul, I32X4.dotI16x8S, I64X2.extmulHighI32x4U, F32X4.pmax, F64X2.nearest]).to.deep.equal([0xfd0d, 0xfd95, 0xfdba, 0xfddf, 0xfdeb, 0xfd94]);
  });
});
