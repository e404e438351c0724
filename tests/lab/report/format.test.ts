/* Numbers as people read them. */
import { expect } from "chai";
import { bytes, count, percent, ratio, seconds } from "../../../lab/report/format.js";

describe("numbers for people", () => {
  it("groups digits", () => {
    expect(count(1234567)).to.equal("1,234,567");
    expect(count(999)).to.equal("999");
  });

  it("writes bytes with binary units", () => {
    expect([0, 1023, 1024, 1536, 400 * 1024 * 1024, 1.5 * 1024 ** 4].map(bytes)).to.deep.equal(["0 B", "1023 B", "1 KiB", "1.5 KiB", "400 MiB", "1.5 TiB"]);
  });

  it("writes shares, and a dash without a whole", () => {
    expect([percent(1, 3), percent(1, 1000), percent(0, 5), percent(5, 5), percent(1, 0)]).to.deep.equal(["33.3 %", "0.10 %", "0.0 %", "100.0 %", "-"]);
  });

  it("writes ratios, = for equal, and a dash for a base of 0", () => {
    expect([ratio(1, 16), ratio(1, 2), ratio(32, 2), ratio(300, 2), ratio(0, 0), ratio(7, 7), ratio(1, 0), ratio(1, 3000)]).to.deep.equal(["0.063x", "0.50x", "16.0x", "150x", "=", "=", "-", "<.001x"]);
  });

  it("writes seconds with three digits below ten", () => {
    expect([seconds(0.1234), seconds(12.34), seconds(123.4)]).to.deep.equal(["0.123 s", "12.3 s", "123 s"]);
  });
});
