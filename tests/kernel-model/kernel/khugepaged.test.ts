/* khugepaged's time: it works while a program sleeps, and does not keep a machine going in which all wait. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine } from "../../support/kernel-machine.js";

const SOURCE = `#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char *m = mmap((void *)(1ul << 30), 1 << 21, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); memset(m, 7, 1 << 21); madvise(m, 1 << 21, MADV_HUGEPAGE);
  sleep(15); int sum = 0; for (int i = 0; i < 1 << 21; i += 4096) sum += m[i]; printf("%d\\n", sum); fflush(stdout); if (argc > 1) pause(); return 0; }`;

describe("the thread khugepaged", () => {
  for (const waits of [false, true]) {
    it(waits ? "ends in a deadlock as without it" : "collapses what a sleeping program has marked", () => {
      const machine = createTestMachine({ files: { "/p": readFileSync(compileC("khugepaged", SOURCE)) } });
      machine.sys.thp.set("enabled", "madvise");
      machine.kernel.spawn("/p", waits ? ["p", "x"] : ["p"], []);
      expect(machine.kernel.run({ instructions: 1e8 }).kind).to.equal(waits ? "deadlock" : "exit");
      expect(machine.stdout()).to.equal("3584\n");
      expect(machine.sys.thp.khugepaged.pagesCollapsed).to.equal(1);
      expect(machine.shutdown()).to.equal(0);
    });
  }
});
