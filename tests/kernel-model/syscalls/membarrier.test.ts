/** membarrier: commands, registrations, what fork and exec do to them. */
import { expect } from "chai";
import { CHECK, runSourceInMachine } from "../../support/namespace.js";

describe("membarrier", () => {
  it("serves barriers to who registered for them", () => {
    const { stdout } = runSourceInMachine(
      "membarrier",
      `${CHECK}#include <sys/syscall.h>
static long mb(int c, unsigned f) { return syscall(283, c, f, 0); }
int main(int n, char **v) { if (n > 1) { CHECK(mb(8, 0)); CHECK(mb(512, 0)); return 0; } CHECK(mb(0, 0)); CHECK(mb(0, 1)); CHECK(mb(1, 0)); CHECK(mb(2, 0)); CHECK(mb(8, 0)); CHECK(mb(16, 0)); CHECK(mb(8, 0)); CHECK(mb(32, 0)); CHECK(mb(512, 0)); CHECK(mb(64, 0)); CHECK(mb(32, 0)); CHECK(mb(128, 1)); CHECK(mb(256, 0)); CHECK(mb(128, 1)); CHECK(mb(128, 2)); CHECK(mb(512, 0)); CHECK(mb(3, 0)); if (fork() == 0) { CHECK(mb(8, 0)); execl("/proc/self/exe", v[0], "x", (char *)0); } wait(0); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      "1023 |-1 EINVAL|0 |0 |-1 EPERM|0 |0 |-1 EPERM|16 |0 |0 |-1 EPERM|0 |0 |-1 EINVAL|336 |-1 EINVAL|0 |-1 EPERM|0 |".split("|"),
    );
  });
});
