/** C structures as bytes. */
import { expect } from "chai";
import { CStruct, clampedSize } from "../../../kernel-model/kernel/c-struct.js";

describe("C structures", () => {
  it("are little endian", () => {
    const bytes = new CStruct(16).setU32(0, 0x11223344).setU16(4, 0x5566).setU8(6, 0x77).setU64(8, 0x0102030405060708n).bytes;
    expect([...bytes]).to.deep.equal([0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x77, 0, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it("read what they wrote, signed and unsigned", () => {
    const struct = new CStruct(16).setU64(0, -5).setU32(8, 0xfffffffe);
    expect(struct.i64(0)).to.equal(-5);
    expect(struct.u64(0)).to.equal(2n ** 64n - 5n);
    expect(struct.i32(8)).to.equal(-2);
    expect(struct.u32(8)).to.equal(0xfffffffe);
  });

  it("write Infinity as RLIM_INFINITY", () => {
    expect(new CStruct(8).setU64(0, Infinity).u64(0)).to.equal(0xffffffffffffffffn);
  });

  it("a view into other bytes starts where they do", () => {
    const whole = Uint8Array.of(9, 9, 1, 0, 0, 0);
    expect(new CStruct(whole.subarray(2)).u32(0)).to.equal(1);
  });

  it("a value no address can have stays above every address and keeps its low bits", () => {
    expect(clampedSize(0xfffffffff123n)).to.equal(0xfffffffff123);
    const clamped = clampedSize(0xffff_ffff_ffff_f123n);
    expect(clamped).to.be.greaterThan(2 ** 48);
    expect(clamped % 4096).to.equal(0x123);
    expect(Number.isSafeInteger(clamped)).to.equal(true);
  });
});
