/* Sizes as people write them. */
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { parseSize } from "../../lab/size.js";

describe("parseSize", () => {
  const cases: readonly [string, number][] = [
    ["0", 0],
    ["4096", 4096],
    ["64k", 65536],
    ["64K", 65536],
    ["64kB", 65536],
    ["64KiB", 65536],
    ["2m", 2097152],
    ["1g", 1073741824],
    [" 3m ", 3145728],
  ];
  for (const [text, bytes] of cases) {
    it(`reads "${text}" as ${bytes} bytes`, () => {
      expect(parseSize("--memory", text)).to.equal(bytes);
    });
  }

  for (const text of ["", "k", "1.5g", "-1", "64x", "1 0", "99999999999999999999", "0x10"]) {
    it(`refuses "${text}" and names the option`, () => {
      expect(() => parseSize("--memory", text)).to.throw(ConfigError, `--memory ${text}:`);
    });
  }
});
