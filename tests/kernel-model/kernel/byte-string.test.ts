/** Byte strings. */
import { expect } from "chai";
import { byteString, bytesOf, cString, utf8String, zeroTerminated } from "../../../kernel-model/kernel/byte-string.js";

describe("byte strings", () => {
  it("keep every byte value", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect([...bytesOf(byteString(all))]).to.deep.equal([...all]);
  });

  it("longer than one piece of the conversion", () => {
    const long = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);
    expect([...bytesOf(byteString(long))]).to.deep.equal([...long]);
  });

  it("of a text: its bytes in UTF-8", () => {
    expect([...bytesOf(utf8String("a\u00e4\u20ac\u{1f600}"))]).to.deep.equal([0x61, 0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
  });

  it("C strings end at the first zero, or with the bytes", () => {
    expect(cString(Uint8Array.of(0x61, 0x62, 0, 0x63))).to.equal("ab");
    expect(cString(Uint8Array.of(0x61, 0x62))).to.equal("ab");
    expect([...zeroTerminated("hé")]).to.deep.equal([0x68, 0xe9, 0]);
  });
});
