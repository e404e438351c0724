/* `make selftests` as a whole. Needs Debian's package mirror, or SELFTESTS_LINUX. */
import { spawnSync } from "node:child_process";
import { expect } from "chai";

describe("the kernel's mm selftests", () => {
  it("have no failure that real Linux does not have", function () {
    this.timeout(0);
    const { status, stdout, stderr } = spawnSync("make", ["selftests"], { encoding: "utf8", maxBuffer: 2 ** 28 });
    expect(status, `${stdout}\n${stderr}`).to.equal(0);
  });
});
