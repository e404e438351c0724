/** LEB128 and growing. */
import { expect } from "chai";
import { Bytes } from "../../../../../emulator/engine/wasm/binary/bytes.js";

function bytesOf(write: (bytes: Bytes) => void): number[] {
  const bytes = new Bytes(1);
  write(bytes);
  return [...bytes.view()];
}

describe("bytes", () => {
  it("unsigned numbers: seven bits a byte, low ones first", () => {
    const cases: readonly [number, number[]][] = [[0, [0]], [127, [0x7f]], [128, [0x80, 1]], [624485, [0xe5, 0x8e, 0x26]], [0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]]];
    for (const [value, expected] of cases) expect(bytesOf((b) => b.unsigned(value))).to.deep.equal(expected);
  });

  it("signed numbers end where the sign is clear", () => {
    const cases: readonly [number, number[]][] = [[0, [0]], [63, [0x3f]], [64, [0xc0, 0]], [-1, [0x7f]], [-64, [0x40]], [-65, [0xbf, 0x7f]], [-123456, [0xc0, 0xbb, 0x78]], [0x8000_0000, [0x80, 0x80, 0x80, 0x80, 0x78]]];
    for (const [value, expected] of cases) expect(bytesOf((b) => b.signed(value)), String(value)).to.deep.equal(expected);
  });

  it("64 bits, given signed or unsigned", () => {
    const ones = [0x7f];
    expect(bytesOf((b) => b.signed64(-1n))).to.deep.equal(ones);
    expect(bytesOf((b) => b.signed64(0xffff_ffff_ffff_ffffn))).to.deep.equal(ones);
    expect(bytesOf((b) => b.signed64(1n << 63n))).to.deep.equal([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]);
    expect(bytesOf((b) => b.signed64(0x1_0000_0000n))).to.deep.equal([0x80, 0x80, 0x80, 0x80, 0x10]);
  });

  it("grows as far as it is written, and starts over", () => {
    const bytes = new Bytes(2);
    bytes.append(Uint8Array.from({ length: 1000 }, (_, i) => i));
    bytes.byte(7);
    expect(bytes.length).to.equal(1001);
    expect(bytes.view()[999]).to.equal(999 & 255);
    bytes.clear();
    bytes.byte(9);
    expect([...bytes.view()]).to.deep.equal([9]);
  });
});
