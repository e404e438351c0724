/* The calls of memory policies, from a program. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine } from "../../support/kernel-machine.js";

const SOURCE = `#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static long call(long n, long a, long b, long c, long d, long e, long f) { long r = syscall(n, a, b, c, d, e, f); return r < 0 ? -errno : r; }
#define C(n, a, b, c, d, e, f) printf("%ld ", call(SYS_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
int main(void) {
  unsigned long mask = 1, two = 2, far = 1ul << 16, big[4] = {}, got = 9; int mode = 9, status[3] = {9, 9, 9};
  char *p = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); p[0] = 5; void *pages[] = {p, p + 4096, (void *)8};
  C(mbind, p, 8192, 4, 0, 0x7ff, 2); C(mbind, p, 8192, 2, &mask, 64, 0); C(mbind, p, 8192, 2, &two, 64, 0); C(mbind, p, 8192, 2, &far, 64, 0); C(mbind, p, 8192, 2, 1, 64, 0); C(mbind, p, 1 << 20, 0, 0, 0, 0); puts("mbind");
  C(set_mempolicy, 2, &mask, 64, 0, 0, 0); C(get_mempolicy, &mode, &got, 64, 0, 0, 0); printf("%d %ld ", mode, got); C(set_mempolicy, 2, &two, 64, 0, 0, 0); C(set_mempolicy, 0, 0, 0, 0, 0, 0);
  C(get_mempolicy, &mode, &got, 64, 0, 0, 0); printf("%d %ld ", mode, got); C(get_mempolicy, 0, &got, 64, 0, 4, 0); printf("%ld ", got); C(get_mempolicy, &mode, 0, 0, p, 3, 0); printf("%d ", mode); C(get_mempolicy, &mode, &got, 3, 0, 0, 0); puts("policy");
  C(migrate_pages, 0, 64, &mask, &mask, 0, 0); C(migrate_pages, 77, 64, &mask, &mask, 0, 0); C(move_pages, 0, 3, pages, 0, status, 0); printf("%d %d %d ", status[0], status[1], status[2]); int nodes[] = {0, 1}; C(move_pages, 0, 1, pages, nodes, status, 2); C(move_pages, 0, 2, pages, nodes, status, 2); printf("%d ", p[0]); puts("move"); return 0; }`;

describe("memory policy calls", () => {
  it("answer as a machine with one node", () => {
    const machine = createTestMachine({ files: { "/p": readFileSync(compileC("mempolicy", SOURCE)) } });
    machine.kernel.spawn("/p", ["p"], []);
    machine.kernel.run({ instructions: 1e8 });
    expect(machine.stdout().split("\n")).to.deep.equal(["0 0 -22 -22 -14 -14 mbind", "0 0 2 1 -22 0 0 0 0 0 1 0 0 -22 policy", "0 -3 0 0 -2 -14 0 -19 5 move", ""]);
    expect(machine.shutdown()).to.equal(0);
  });
});
