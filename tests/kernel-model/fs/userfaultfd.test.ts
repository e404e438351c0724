/* userfaultfd from programs: threads whose faults another thread answers. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine } from "../../support/kernel-machine.js";

const HEAD = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define P 4096
static int fd; static char *m; static char page[P];
static int uffd(int flags, unsigned long features) { int f = syscall(SYS_userfaultfd, flags); struct uffdio_api a = {UFFD_API, features}; return ioctl(f, UFFDIO_API, &a) ? -errno : f; }
static int reg(void *at, long len) { struct uffdio_register r = {{(long)at, len}, UFFDIO_REGISTER_MODE_MISSING}; return ioctl(fd, UFFDIO_REGISTER, &r) ? -errno : (int)r.ioctls; }
static long copy(void *at, char c) { memset(page, c, P); struct uffdio_copy u = {(long)at, (long)page, P, 0}; return ioctl(fd, UFFDIO_COPY, &u) ? -errno : u.copy; }
static long zero(void *at) { struct uffdio_zeropage z = {{(long)at, P}, 0}; return ioctl(fd, UFFDIO_ZEROPAGE, &z) ? -errno : z.zeropage; }
static jmp_buf jump; static void on_bus(int s) { siglongjmp(jump, 1); }
`;

function run(name: string, body: string, memoryBytes = 64 * 2 ** 20): string {
  const machine = createTestMachine({ memoryBytes, files: { "/p": readFileSync(compileC(name, HEAD + body, ["-static", "-pthread", "-O1"])) } });
  machine.kernel.spawn("/p", ["p"], []);
  const outcome = machine.kernel.run({ instructions: 1e9 });
  expect(outcome.kind).to.equal("exit");
  const out = machine.stdout();
  expect(machine.shutdown()).to.equal(0);
  return out;
}

describe("userfaultfd", () => {
  it("another thread fills the pages that a program touches", () => {
    const out = run("uffd-threads", `
static void *answer(void *p) { struct uffd_msg m[2]; for (int i = 0; i < 8; i++) { if (read(fd, m, sizeof m[0]) != 32) return 0; printf("%d %lx %lld|", m[0].event, (long)(m[0].arg.pagefault.address - (long)p), m[0].arg.pagefault.flags); if (i == 3) zero((void *)m[0].arg.pagefault.address); else copy((void *)m[0].arg.pagefault.address, 'a' + i); } return 0; }
int main(void) {
  fd = uffd(0, 0); m = mmap(0, 8 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); printf("%x\\n", reg(m, 8 * P));
  pthread_t t; pthread_create(&t, 0, answer, m); char text[9] = {};
  for (int i = 0; i < 8; i++) { if (i % 2) *(volatile char *)(m + i * P) = 1; text[i] = m[i * P + 5] ? m[i * P + 5] : '0'; }
  pthread_join(t, 0); printf("\\n%s\\n", text); return 0; }`);
    expect(out).to.equal("1c\n18 0 0|18 1000 1|18 2000 0|18 3000 1|18 4000 0|18 5000 1|18 6000 0|18 7000 1|\nabc0efgh\n");
  });

  it("answers with errors where Linux does", () => {
    const out = run("uffd-errors", `
int main(void) {
  fd = syscall(SYS_userfaultfd, 0); printf("%d ", reg(page, P)); struct uffdio_api bad = {0xab, 0}; ioctl(fd, UFFDIO_API, &bad); printf("%d %lld ", errno, bad.api); bad.api = UFFD_API; bad.features = 1ull << 60; printf("%d ", ioctl(fd, UFFDIO_API, &bad)); close(fd);
  printf("%d ", (int)syscall(SYS_userfaultfd, 64)); fd = uffd(O_NONBLOCK, 0); struct uffdio_api again = {UFFD_API, 0}; printf("%d\\n", ioctl(fd, UFFDIO_API, &again));
  m = mmap(0, 8 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); char *s = mmap(0, P, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  printf("%d %d %d ", reg(m + 1, P), reg(m, 0), reg(s, P)); m[P] = 1; reg(m, 4 * P); int first = fd, second = uffd(0, 0); fd = second; printf("%d ", reg(m, P)); fd = first;
  printf("%ld %ld %ld %ld %ld\\n", copy(m, 'x'), copy(m, 'y'), copy(m + P, 'z'), copy(m + 5 * P, 'z'), zero(m + 2 * P));
  char buf[64]; struct pollfd p = {fd, POLLIN}; printf("%ld %d %d %d\\n", (long)read(fd, buf, 64), errno, poll(&p, 1, 0), (int)read(fd, buf, 8));
  printf("%c %d %d\\n", m[9], m[P], m[2 * P]); return 0; }`);
    expect(out).to.equal("-22 22 0 -1 -1 -1\n-22 -22 -22 -16 4096 -17 -17 -2 4096\n-1 11 0 -1\nx 1 0\n");
  });

  it("SIGBUS where no one can wait: by the feature, for the kernel's own accesses, and after the descriptor is gone as before it", () => {
    const out = run("uffd-sigbus", `
int main(void) {
  signal(SIGBUS, on_bus); m = mmap(0, 8 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fd = uffd(0, UFFD_FEATURE_SIGBUS); reg(m, 8 * P); if (!sigsetjmp(jump, 1)) { m[0] = 1; puts("?"); } else puts("bus");
  int pair[2]; pipe(pair); write(pair[1], "abc", 3); printf("%d %d\\n", (int)read(pair[0], m, 3), errno);
  close(fd); m[0] = 7; printf("%d\\n", m[0]);
  fd = uffd(0, 0); reg(m, 8 * P); if (!fork()) { m[P] = 5; _exit(m[P]); } int st; wait(&st); printf("child %d\\n", WEXITSTATUS(st));
  char *n = mremap(m, 8 * P, 8 * P, MREMAP_MAYMOVE | MREMAP_FIXED, m + 64 * P); n[3 * P] = 3; printf("moved %d\\n", n[3 * P]); return 0; }`);
    expect(out).to.equal("bus\n-1 14\n7\nchild 5\nmoved 3\n");
  });

  it("unregistering lets the waiting thread go on with a page of its own", () => {
    const out = run("uffd-unregister", `
static void *touch(void *p) { m[P] = 4; return 0; }
int main(void) {
  fd = uffd(O_NONBLOCK, 0); m = mmap(0, 8 * P, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); reg(m, 8 * P); pthread_t t; pthread_create(&t, 0, touch, 0);
  struct pollfd p = {fd, POLLIN}; printf("%d %d ", poll(&p, 1, 1000), p.revents); struct uffdio_range r = {(long)m, 8 * P}; printf("%d ", ioctl(fd, UFFDIO_UNREGISTER, &r)); pthread_join(t, 0); printf("%d\\n", m[P]); return 0; }`);
    expect(out).to.equal("1 1 0 4\n");
  });
});
