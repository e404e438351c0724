/* RLIMIT_CPU: two seconds of virtual time are two thousand million instructions. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine } from "../../support/kernel-machine.js";

const SOURCE = `
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
static void say(int s) { static const char text[] = "soft\\n"; write(1, text, 5); }
int main(void) { signal(SIGXCPU, say); struct rlimit l = {1, 2}; setrlimit(RLIMIT_CPU, &l); for (volatile long i = 0;; i++); }`;

describe("RLIMIT_CPU", () => {
  it("SIGXCPU at the soft limit, SIGKILL at the hard one", () => {
    const machine = createTestMachine({ files: { "/p": readFileSync(compileC("cpu-limit", SOURCE)) } });
    machine.kernel.spawn("/p", ["p"], []);
    expect(machine.kernel.run({ instructions: 1e10 })).to.include({ kind: "signal", signo: 9 });
    expect(machine.stdout()).to.equal("soft\n");
    expect(machine.kernel.clock.elapsed).to.be.within(2e9, 2.1e9);
    expect(machine.shutdown()).to.equal(0);
  });
});
