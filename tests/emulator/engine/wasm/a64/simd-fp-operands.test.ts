/** Lanes by fields, and operations lane by lane on the register words. */
import { expect } from "chai";
import { accumulateLanes, isShape, mapLanes, reduceLanes, shapeOf, truth, zipLanes, zipPairs } from "../../../../../emulator/engine/wasm/a64/simd-fp-operands.js";
import { CONTEXT_WORDS } from "../../../../../emulator/engine/engine.js";
import { lanes, setLanes } from "../../../../../emulator/engine/wasm/soft/registers.js";

describe("lanes of vector floating point", () => {
  const shape = shapeOf({ Q: 0, sz: 0 });
  function words(): BigUint64Array {
    const made = new BigUint64Array(CONTEXT_WORDS);
    setLanes(made, 1, 32, [1n, 2n, 3n, 4n]);
    setLanes(made, 2, 32, [10n, 20n, 30n, 40n]);
    return made;
  }

  it("have a shape by fields", () => {
    const shapes = [{ Q: 1 }, { Q: 0, sz: 0 }, { Q: 1, sz: 1 }, {}, { sz: 1 }].map(shapeOf);
    expect(shapes.map(({ format, count }) => [format.width, count])).to.deep.equal([[16, 8], [32, 2], [64, 2], [16, 1], [64, 1]]);
    expect([isShape({ Q: 0, sz: 1 }), isShape({ sz: 1 }), isShape({ Q: 0 })]).to.deep.equal([false, true, true]);
    expect([truth(shape.format, true), truth(shape.format, false)]).to.deep.equal([0xffff_ffffn, 0n]);
  });

  it("are mapped, zipped, taken as neighbours, accumulated, reduced", () => {
    const made = words();
    mapLanes(made, shape, 1, 3, (_env, _format, a) => a + 1n);
    zipLanes(made, shape, 1, 2, 4, (_env, _format, a, b) => a + b);
    zipPairs(made, shape, 1, 2, 5, (_env, _format, a, b) => a * 100n + b);
    accumulateLanes(made, shape, 1, 5n, 2, (_env, _format, d, a, b) => d + a * b);
    expect([3, 4, 5, 2].map((n) => lanes(made, n, 32, 128))).to.deep.equal([[2n, 3n, 0n, 0n], [11n, 22n, 0n, 0n], [102n, 1020n, 0n, 0n], [15n, 30n, 0n, 0n]]);
    const order: bigint[][] = [];
    reduceLanes(made, shapeOf({ Q: 1, sz: 0 }), 1, 6, (_env, _format, a, b) => {
      order.push([a, b]);
      return a + b;
    });
    expect([order, lanes(made, 6, 32, 128)]).to.deep.equal([[[1n, 2n], [3n, 4n], [3n, 7n]], [10n, 0n, 0n, 0n]]);
  });
});
