/** Substitution boxes: entries as published, and that they are permutations. */
import { expect } from "chai";
import { AES_INVERSE_SBOX, AES_SBOX, multiplyField, SM4_SBOX } from "../../../../../emulator/engine/wasm/soft/crypto-boxes.js";

describe("substitution boxes", () => {
  it("hold the entries of FIPS 197 and GB/T 32907", () => {
    expect([AES_SBOX[0x00], AES_SBOX[0x53], AES_SBOX[0xff]]).to.deep.equal([0x63, 0xed, 0x16]);
    expect([AES_INVERSE_SBOX[0x63], AES_INVERSE_SBOX[0xed]]).to.deep.equal([0x00, 0x53]);
    expect([SM4_SBOX[0x00], SM4_SBOX[0xef], SM4_SBOX[0xff]]).to.deep.equal([0xd6, 0x84, 0x48]);
  });

  it("are permutations", () => {
    for (const box of [AES_SBOX, AES_INVERSE_SBOX, SM4_SBOX]) expect(new Set(box).size).to.equal(256);
  });

  it("multiply in the field", () => {
    // FIPS 197, section 4.2: {57} x {83} = {c1}
    expect(multiplyField(0x57, 0x83, 0x11b)).to.equal(0xc1);
    expect([multiplyField(0x57, 2, 0x11b), multiplyField(0xae, 2, 0x11b)]).to.deep.equal([0xae, 0x47]);
  });
});
