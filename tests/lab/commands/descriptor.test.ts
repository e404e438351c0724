/** foliolab descriptor. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { descriptorDecode, descriptorEncode } from "../../../lab/commands/descriptor.js";

describe("foliolab descriptor", () => {
  it("decodes with and without 0x, as text and as JSON", () => {
    expect(descriptorDecode("00f8000012345f43", {})).to.equal(descriptorDecode("0x00F8_0000_1234_5f43", {}));
    expect((JSON.parse(descriptorDecode("0xf8000012345f43", { json: true })) as { kind: string }).kind).to.equal("page");
  });

  it("minds granule, level, MAIR and 52-bit addresses", () => {
    expect(descriptorDecode("60000040200fc1", { level: "2" })).to.include("block descriptor, level 2");
    expect(descriptorDecode("60000040000fc3", { pageSize: "64k" })).to.include("maps 64k at 0x40000000");
    expect(descriptorDecode("60000040000fc3", { mair: "0x44" })).to.include("Normal, Non-cacheable");
    expect(descriptorDecode("60000040000fc3", { lpa2: true })).to.include("maps 4k at 0xc000040000000");
  });

  it("encodes; --explain and --json add the explanation at the same level", () => {
    expect(descriptorEncode(["page", "pa=0x1000", "af"], {})).to.equal("0x0000000000001403\n");
    expect(descriptorEncode(["table", "pa=0x1000"], {})).to.equal("0x0000000000001003\n");
    expect(descriptorEncode(["table", "pa=0x1000"], { explain: true })).to.include("table descriptor, level 2");
    expect((JSON.parse(descriptorEncode(["block", "pa=0x40000000"], { level: "1", json: true })) as { level: number }).level).to.equal(1);
  });

  it("round trip: what encode prints decode reads", () => {
    const value = descriptorEncode(["page", "pa=0x7654321000", "user", "write", "cont", "af", "ng", "shared", "pxn"], {}).trim();
    const { address, fields } = JSON.parse(descriptorDecode(value, { json: true })) as { address: string; fields: { name: string; value: string }[] };
    expect(address).to.equal("0x7654321000");
    expect(Object.fromEntries(fields.map((field) => [field.name, field.value]))).to.include({ Contiguous: "0x1", DBM: "0x1", nG: "0x1", UXN: "0x0", PXN: "0x1" });
  });

  for (const [what, run, message] of [
    ["a value that is none", () => descriptorDecode("0xgg", {}), /not a 64-bit hexadecimal/],
    ["a value of 65 bits", () => descriptorDecode("1ffffffffffffffff", {}), /not a 64-bit hexadecimal/],
    ["a page size", () => descriptorDecode("0", { pageSize: "8k" }), /--page-size 8k/],
    ["a level", () => descriptorDecode("0", { level: "4" }), /--level 4/],
    ["a level that the granule does not have", () => descriptorDecode("0", { level: "0", pageSize: "64k" }), /levels 1 to 3/],
    ["a MAIR", () => descriptorDecode("0", { mair: "x" }), /--mair x/],
    ["a kind", () => descriptorEncode(["leaf"], {}), /first word/],
  ] as const) {
    it(`refuses ${what} in one line`, () => expect(run).to.throw(ConfigError, message));
  }
});
