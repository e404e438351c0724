/** Functions of guest code: loops, conditions and calls inside one function compute what they should; flags live across blocks. */
import { expect } from "chai";
import { ENGINE_BYTES } from "../../../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../../../emulator/engine/wasm/wasm-engine.js";
import { EngineBench } from "../../../support/engine-bench.js";

function result(source: string, registers: Record<number, number | bigint>, index: number): number {
  const made = new EngineBench((memory) => createWasmEngine(memory, { pageSize: 4096, trace: false }), { behind: ENGINE_BYTES, bytes: 2 ** 20 });
  made.code(0x10000, source);
  made.data(0x18000);
  made.set(registers);
  expect(made.go().reason).to.equal("svc");
  const value = made.x(index);
  made.engine.dispose();
  return value;
}

describe("translated functions", () => {
  it("flags set in one block and read in others", () => {
    // x0 counts up to x1 by 1; the comparison is read by three branches.
    expect(result("1: cmp x0, x1\n b.hi 3f\n b.eq 2f\n add x0, x0, #1\n b 1b\n2: add x2, x2, #1\n3: cset x3, eq\n add x2, x2, x3\n svc #0", { 0: 0, 1: 300_000 }, 2)).to.equal(2);
  });

  it("a loop that is entered in its middle", () => {
    expect(result("mov x0, #0\n b 2f\n1: add x0, x0, #1\n tbnz x2, #63, 3f\n2: sub x1, x1, #1\n cbnz x1, 1b\n3: svc #0", { 1: 400_001 }, 0)).to.equal(400_000);
  });

  it("a loop that writes a register only on one of its ways", () => {
    expect(result("1: tbz x1, #0, 2f\n mov x0, x1\n2: subs x1, x1, #1\n b.ne 1b\n svc #0", { 1: 300_000 }, 0)).to.equal(1);
  });

  it("recursion", () => {
    // The sum of 1 to 200, one call a number.
    expect(result("mov x29, x1\n bl 1f\n svc #0\n1: cbz x0, 2f\n str x30, [x29], #8\n add x2, x2, x0\n sub x0, x0, #1\n bl 1b\n ldr x30, [x29, #-8]!\n2: ret", { 0: 200, 1: 0x18000 }, 2)).to.equal(20_100);
  });
});
