/* Wire format, against bytes worked out by hand from the encoding guide. */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { ProtoWriter } from "../../../lab/perfetto/protobuf.js";

const hex = (writer: ProtoWriter): string => Buffer.from(writer.bytes()).toString("hex");

describe("ProtoWriter", () => {
  it("writes varints in groups of seven bits, the lowest first", () => {
    expect(hex(new ProtoWriter().uint(1, 0))).to.equal("0800");
    expect(hex(new ProtoWriter().uint(1, 150))).to.equal("089601");
    expect(hex(new ProtoWriter().uint(16, 127))).to.equal("80017f");
    // 2^53 - 1: seven groups of ones and four bits.
    expect(hex(new ProtoWriter().uint(1, Number.MAX_SAFE_INTEGER))).to.equal("08ffffffffffffff0f");
    expect(hex(new ProtoWriter().uint(1, 2 ** 32))).to.equal("088080808010");
  });

  it("writes text as UTF-8 with its length, booleans as 0 and 1", () => {
    expect(hex(new ProtoWriter().text(2, "testing"))).to.equal("120774657374696e67");
    expect(hex(new ProtoWriter().text(1, "ä"))).to.equal("0a02c3a4");
    expect(hex(new ProtoWriter().bool(3, true).bool(4, false))).to.equal("18012000");
  });

  it("nests messages to any depth", () => {
    const writer = new ProtoWriter().message(1, (a) => {
      a.uint(1, 5);
      a.message(2, (b) => b.message(3, (c) => c.text(1, "x")));
      a.message(2, (b) => b.uint(1, 1));
    });
    expect(hex(writer)).to.equal("0a0d" + "0805" + "1205" + "1a03" + "0a0178" + "1202" + "0801");
  });

  it("grows, and starts anew when cleared", () => {
    const writer = new ProtoWriter();
    for (let i = 0; i < 1000; i++) writer.text(1, "abcdefgh");
    expect(writer.bytes().length).to.equal(10_000);
    expect(Buffer.from(writer.bytes()).toString("latin1")).to.equal("\n\x08abcdefgh".repeat(1000));
    writer.clear();
    expect(hex(writer.uint(1, 1))).to.equal("0801");
  });

  it("refuses what is no unsigned integer", () => {
    for (const value of [-1, 0.5, 2 ** 53, NaN]) expect(() => new ProtoWriter().uint(1, value), String(value)).to.throw(ModelBug);
  });
});
