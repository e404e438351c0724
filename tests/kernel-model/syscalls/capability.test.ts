/** capget and capset, and what changes of ids do to the sets. */
import { expect } from "chai";
import { CHECK, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/syscall.h>
#include <sys/prctl.h>
static uint32_t h[2], d[6];
static long get(void) { h[0] = 0x20080522; h[1] = 0; return syscall(90, h, d); }
static long set(uint32_t e, uint32_t p, uint32_t i) { h[0] = 0x20080522; h[1] = 0; memset(d, 0, sizeof d); d[0] = e; d[1] = p; d[2] = i; return syscall(91, h, d); }
static void show(void) { get(); printf("%x:%x %x:%x %x:%x\\n", d[3], d[0], d[4], d[1], d[5], d[2]); }
`;

describe("capabilities", () => {
  it("versions, sets of root, sets that only shrink", () => {
    const { stdout } = runSourceInMachine(
      "capabilities",
      `${HEAD}int main(void) { h[0] = 7; CHECK(syscall(90, h, 0)); printf("%x\\n", h[0]); h[0] = 7; CHECK(syscall(90, h, d)); h[0] = 0x20080522; h[1] = 4000000; CHECK(syscall(90, h, d)); h[1] = -1; CHECK(syscall(90, h, d)); CHECK(syscall(90, 8, d)); show(); CHECK(set(2, 1, 0)); CHECK(set(1, 3, 0)); show(); CHECK(set(1, 7, 0)); CHECK(set(2, 2, 1)); show(); CHECK(prctl(PR_CAPBSET_READ, 40)); CHECK(prctl(PR_CAPBSET_READ, 41)); CHECK(prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)); CHECK(prctl(PR_CAP_AMBIENT, 2, 1, 0, 0)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      "0 |20080522|-1 EINVAL|-1 ESRCH|-1 EINVAL|-1 EFAULT|1ff:ffffffff 1ff:ffffffff 0:0|-1 EPERM|0 |0:1 0:3 0:0|-1 EPERM|0 |0:2 0:2 0:1|1 |-1 EINVAL|0 |-1 EPERM|".split("|"),
    );
  });

  it("go with the last root id unless they are kept, and come back with execve", () => {
    const { stdout } = runSourceInMachine(
      "capabilities-ids",
      `${HEAD}int main(int n, char **v) { if (n > 1) { show(); return 0; } if (fork() == 0) { setuid(5); show(); _exit(0); } wait(0); if (fork() == 0) { setresuid(-1, 5, -1); show(); setresuid(-1, 0, -1); show(); _exit(0); } wait(0); if (fork() == 0) { prctl(PR_SET_KEEPCAPS, 1); setuid(5); show(); CHECK(set(2, 2, 0)); show(); execl("/proc/self/exe", v[0], "x", (char *)0); } wait(0); set(0, 0, 0); show(); fflush(0); execl("/proc/self/exe", v[0], "x", (char *)0); return 1; }`,
    );
    const full = "1ff:ffffffff";
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      [`0:0 0:0 0:0`, `0:0 ${full} 0:0`, `${full} ${full} 0:0`, `0:0 ${full} 0:0`, "0 ", "0:2 0:2 0:0", "0:0 0:0 0:0", "0:0 0:0 0:0", `${full} ${full} 0:0`, ""],
    );
  });
});
