/** Memory of another process by its pid. */
import { expect } from "chai";
import { CHECK, runSourceInMachine } from "../../support/namespace.js";

describe("process_vm_readv and process_vm_writev", () => {
  it("copy between vectors, stop at holes, refuse what is not allowed", () => {
    const { stdout } = runSourceInMachine(
      "process-vm",
      `#define _GNU_SOURCE
${CHECK}#include <sys/uio.h>
#include <sys/mman.h>
static char there[100] = "0123456789abcdef";
int main(void) { int go[2]; char c; pipe(go); char *hole = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); memset(hole, 'h', 8192); munmap(hole + 4096, 4096); pid_t p = fork(); if (p == 0) { close(go[1]); read(go[0], &c, 1); puts(there); _exit(0); } memset(there, 0, 100); char a[100] = {0}, b[100] = {0}; struct iovec l[2] = {{a, 3}, {b, 50}}, r[2] = {{there, 5}, {there + 8, 4}};
        CHECK(process_vm_readv(p, l, 2, r, 2, 0)); puts(a); puts(b); struct iovec h = {hole + 4000, 4096}, big = {malloc(5000), 5000}; CHECK(process_vm_readv(p, &big, 1, &h, 1, 0)); h.iov_base = hole + 4096; CHECK(process_vm_readv(p, &big, 1, &h, 1, 0)); CHECK(process_vm_readv(p, l, 2, r, 2, 1)); CHECK(process_vm_readv(4000000, l, 2, r, 2, 0)); CHECK(process_vm_readv(p, l, -1, r, 2, 0)); struct iovec w = {"WRITTEN", 7}, t = {there + 2, 7}; CHECK(process_vm_writev(p, &w, 1, &t, 1, 0)); struct iovec code = {(void *)main, 4}; CHECK(process_vm_writev(p, &w, 1, &code, 1, 0)); close(go[0]); write(go[1], "x", 1); close(go[1]); wait(0); if (fork() == 0) { setuid(5); CHECK(process_vm_readv(getppid(), l, 2, r, 2, 0)); _exit(0); } wait(0); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal("9 |012|3489ab|96 |-1 EFAULT|-1 EINVAL|-1 ESRCH|-1 EINVAL|7 |-1 EFAULT|01WRITTEN9abcdef|-1 EPERM|".split("|"));
  });
});
