/** Whether the host's relaxed multiply-add is taken for a fused one. */
import { setFlagsFromString } from "node:v8";
import { expect } from "chai";
import { hostFusesMultiplyAdd } from "../../../../emulator/engine/wasm/host-float.js";

describe("the host's multiply-add", () => {
  it("is the same every time", () => {
    // Node 20 has it behind a flag; a core without the instruction may round twice.
    if (!hostFusesMultiplyAdd()) setFlagsFromString("--experimental-wasm-relaxed-simd");
    const first = hostFusesMultiplyAdd();
    expect(Array.from({ length: 5 }, () => hostFusesMultiplyAdd())).to.deep.equal(Array.from({ length: 5 }, () => first));
  });
});
