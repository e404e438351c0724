/** Relaxed SIMD is there once it has been asked for. */
import { expect } from "chai";
import { prepareV8 } from "../../lab/host-v8.js";

describe("relaxed SIMD", () => {
  it("is offered", () => {
    prepareV8();
    // A function of three vectors: f64x2.relaxed_madd.
    const body = [0, 0x20, 0, 0x20, 1, 0x20, 2, 0xfd, 0x87, 0x02, 0x0b];
    const module = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b, 3, 2, 1, 0, 10, body.length + 2, 1, body.length, ...body];
    expect(WebAssembly.validate(Uint8Array.from(module))).to.equal(true);
  });
});
