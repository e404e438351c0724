/* vmsplice: pages go into a pipe as they are, not as copies. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine } from "../../support/kernel-machine.js";

const SOURCE = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  int p[2]; pipe(p); char *m = mmap(0, 32 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); memset(m, 'a', 32 * 4096); struct iovec v = {m + 100, 32 * 4096 - 100}; static char got[70000];
  printf("%ld ", (long)vmsplice(p[1], &v, 1, 0)); printf("%ld %d ", (long)vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK), errno == EAGAIN);
  m[200] = 'b'; printf("%c ", (read(p[0], got, 150), got[100]));
  if (!fork()) { m[300] = 'c'; _exit(0); } wait(0); m[301] = 'd'; munmap(m, 32 * 4096);
  printf("%ld ", (long)read(p[0], got, sizeof got)); printf("%c%c\\n", got[50], got[51]); return 0; }`;

describe("vmsplice", () => {
  it("fills the pipe and returns; stores are seen until the page is someone else's", () => {
    const machine = createTestMachine({ files: { "/p": readFileSync(compileC("vmsplice", SOURCE)) } });
    machine.kernel.spawn("/p", ["p"], []);
    machine.kernel.run({ instructions: 1e8 });
    expect(machine.stdout()).to.equal("65436 -1 1 b 65286 aa\n");
    expect(machine.shutdown()).to.equal(0);
  });
});
