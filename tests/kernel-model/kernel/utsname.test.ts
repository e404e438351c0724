/* What uname tells. */
import { expect } from "chai";
import { UTS_MACHINE, UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from "../../../kernel-model/kernel/utsname.js";

describe("name of the kernel", () => {
  it("is that of the pinned version on arm64; programs parse the first two numbers", () => {
    expect([UTS_SYSNAME, UTS_MACHINE]).to.deep.equal(["Linux", "aarch64"]);
    expect(UTS_RELEASE).to.match(/^6\.12\.\d+$/);
    expect(UTS_VERSION).to.match(/^#1 SMP/);
  });
});
