/** Processes by descriptor: open, poll, signal, wait, descriptors of others. */
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";
import { expect } from "chai";

const HEAD = `${CHECK}#include <sys/syscall.h>
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
static long pf_open(int pid, unsigned flags) { return syscall(434, pid, flags); }
static long pf_send(int fd, int sig, void *info, unsigned flags) { return syscall(424, fd, sig, info, flags); }
static long pf_get(int fd, int target, unsigned flags) { return syscall(438, fd, target, flags); }
`;

describe("pidfd", () => {
  it("opens, polls, signals and reports errors", () => {
    expectLikeHost(
      "pidfd",
      `${HEAD}int main(void) { int go[2], st; pipe(go); pid_t c = fork(); if (c == 0) { char b; close(go[1]); read(go[0], &b, 1); _exit(7); } close(go[0]); int f = pf_open(c, 0); CHECK(f > 0); CHECK(fcntl(f, F_GETFD)); struct pollfd p = {f, POLLIN}; CHECK(poll(&p, 1, 0)); CHECK(pf_send(f, 0, 0, 0)); CHECK(pf_send(f, 99, 0, 0)); CHECK(pf_send(f, 0, 0, 8)); CHECK(pf_send(go[1], 0, 0, 0)); CHECK(pf_send(99, 0, 0, 0)); CHECK(pf_open(0, 0)); CHECK(pf_open(c, 1)); CHECK(pf_open(4000000, 0));
        write(go[1], "x", 1); CHECK(poll(&p, 1, -1)); printf("%x\\n", p.revents & POLLIN); CHECK(waitpid(c, &st, 0) == c); printf("%d\\n", WEXITSTATUS(st)); CHECK(pf_send(f, 0, 0, 0)); CHECK(poll(&p, 1, 0)); c = fork(); if (c == 0) for (;;) pause(); f = pf_open(c, 0); CHECK(pf_send(f, SIGTERM, 0, 0)); CHECK(waitpid(c, &st, 0) == c); printf("%d\\n", WTERMSIG(st)); return 0; }`,
    );
  });

  it("waitid by descriptor, clone with a descriptor, descriptors of another process", () => {
    const { stdout } = runSourceInMachine(
      "pidfd-wait",
      `${HEAD}#include <sched.h>
int main(void) { siginfo_t i; int fd = -1, go[2]; char b[8] = {0}; pipe(go); long c = syscall(SYS_clone, 0x1000 | SIGCHLD, 0, &fd, 0, 0); if (c == 0) { char x; CHECK(fd); int f = open("only-here", O_CREAT | O_RDWR, 0600); dup2(f, 50); write(50, "secret", 6); write(go[1], "r", 1); close(go[1]); usleep(50000); _exit(3); } close(go[1]); read(go[0], b, 1); CHECK(fd >= 3); CHECK(fcntl(fd, F_GETFD)); int g = pf_get(fd, 50, 0); CHECK(g > 0); CHECK(pread(g, b, 7, 0)); puts(b); CHECK(pf_get(fd, 49, 0)); CHECK(pf_get(fd, 50, 1)); CHECK(pf_get(go[0], 50, 0));
        CHECK(waitid(P_PIDFD, go[0], &i, WEXITED)); memset(&i, 0, sizeof i); CHECK(waitid(P_PIDFD, fd, &i, WEXITED | WNOHANG)); printf("%d\\n", i.si_pid); CHECK(waitid(P_PIDFD, fd, &i, WEXITED)); printf("%d %d %d\\n", i.si_pid == c, i.si_status, i.si_code); CHECK(waitid(P_PIDFD, fd, &i, WEXITED)); CHECK(pf_get(fd, 1, 0)); c = fork(); if (c == 0) { usleep(1000); _exit(0); } fd = pf_open(c, O_NONBLOCK); CHECK(waitid(P_PIDFD, fd, &i, WEXITED)); usleep(100000); CHECK(waitid(P_PIDFD, fd, &i, WEXITED)); CHECK(syscall(SYS_clone, 0x1000 | SIGCHLD, 0, (int *)8, 0, 0)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      "-1 0|1 |1 |1 |6 |secret|-1 EBADF|-1 EINVAL|-1 EBADF|-1 EBADF|0 |0|0 |1 3 1|-1 ECHILD|-1 ESRCH|-1 EAGAIN|0 |-1 EFAULT|".split("|"),
    );
  });
});
