/** MAIR attribute bytes: every one of the 256 encodings has a kind, the common ones their Arm names. */
import { expect } from "chai";
import { attributeIndex, MEMORY_TYPE_NAMES, mairAttribute, memoryType } from "../../../emulator/validate/memory-attributes.js";

describe("memory attributes", () => {
  it("names the types that Linux uses", () => {
    expect(memoryType(0xff)).to.deep.equal({ kind: "normal", text: "Normal, Write-Back Read-Allocate Write-Allocate" });
    expect(memoryType(0x44)).to.deep.equal({ kind: "normal", text: "Normal, Non-cacheable" });
    expect(memoryType(0xf0).text).to.match(/^Tagged Normal/);
    expect([0x00, 0x04, 0x08, 0x0c].map((byte) => memoryType(byte).text)).to.deep.equal(["Device-nGnRnE", "Device-nGnRE", "Device-nGRE", "Device-GRE"]);
  });

  it("tells inner from outer, transient and write-through", () => {
    expect(memoryType(0x4f).text).to.equal("Normal, Inner Write-Back Read-Allocate Write-Allocate, Outer Non-cacheable");
    expect(memoryType(0xbb).text).to.equal("Normal, Write-Through Read-Allocate Write-Allocate");
    expect(memoryType(0x77).text).to.equal("Normal, Write-Back Transient Read-Allocate Write-Allocate");
    expect(memoryType(0x88).text).to.equal("Normal, Write-Through no allocation");
  });

  it("knows the encodings that are UNPREDICTABLE: 0000dd1x, and oooo0000 but 0x40, 0xa0, 0xf0", () => {
    const reserved = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => memoryType(byte).kind === "reserved");
    const expected = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => (byte < 16 ? (byte & 2) !== 0 : byte % 16 === 0 && ![0x40, 0xa0, 0xf0].includes(byte)));
    expect(reserved).to.deep.equal(expected);
  });

  it("finds an attribute by index, and an index by name", () => {
    const mair = 0x04_00_44_f0_ffn;
    expect([0, 1, 2, 3, 4, 7].map((index) => mairAttribute(mair, index))).to.deep.equal([0xff, 0xf0, 0x44, 0x00, 0x04, 0x00]);
    expect(["normal", "tagged", "nc", "device-ngnrne", "Device-nGnRE"].map((name) => attributeIndex(mair, name))).to.deep.equal([0, 1, 2, 3, 4]);
    expect(attributeIndex(mair, "device-gre")).to.equal(undefined);
    expect(attributeIndex(mair, "write-back")).to.equal(undefined);
    expect(MEMORY_TYPE_NAMES).to.have.length(7);
  });
});
