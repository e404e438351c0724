/** epoll: level, edge, one shot, errors and waits. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/epoll.h>
#include <sys/eventfd.h>
static int ep; static struct epoll_event out[8];
static int ctl(int op, int fd, uint32_t events, uint64_t data) { struct epoll_event e = {events, {.u64 = data}}; return epoll_ctl(ep, op, fd, &e); }
static void show(int n) { printf("%d:", n); for (int i = 0; i < n; i++) printf(" %x/%d", out[i].events, (int)out[i].data.u64); puts(""); }
static void drain(void) { show(epoll_wait(ep, out, 8, 0)); }
`;

describe("epoll", () => {
  it("level, edge and one shot", () => {
    expectLikeHost(
      "epoll-modes",
      `${HEAD}int main(void) { int a[2], b[2]; char c; uint64_t v = 1; ep = epoll_create1(0); pipe(a); pipe(b); int e = eventfd(0, 0); CHECK(ctl(EPOLL_CTL_ADD, a[0], EPOLLIN, 1)); CHECK(ctl(EPOLL_CTL_ADD, b[0], EPOLLIN | EPOLLET, 2)); CHECK(ctl(EPOLL_CTL_ADD, e, EPOLLIN | EPOLLONESHOT, 3)); drain();
        write(a[1], "x", 1); drain(); drain(); read(a[0], &c, 1); drain(); write(b[1], "x", 1); drain(); drain(); write(b[1], "y", 1); drain(); write(e, &v, 8); drain(); write(e, &v, 8); drain(); CHECK(ctl(EPOLL_CTL_MOD, e, EPOLLIN | EPOLLONESHOT, 4)); drain(); drain();
        CHECK(ctl(EPOLL_CTL_ADD, a[1], EPOLLOUT, 5)); drain(); CHECK(ctl(EPOLL_CTL_DEL, a[1], 0, 0)); close(a[1]); drain(); close(a[0]); drain(); close(b[1]); drain(); drain(); return 0; }`,
    );
  });

  it("errors", () => {
    expectLikeHost(
      "epoll-errors",
      `${HEAD}int main(void) { int p[2], f = open("f", O_CREAT | O_RDWR, 0600); pipe(p); ep = epoll_create1(EPOLL_CLOEXEC); CHECK(fcntl(ep, F_GETFD)); CHECK(epoll_create1(1)); CHECK(epoll_create(0)); CHECK(ctl(EPOLL_CTL_ADD, f, EPOLLIN, 0)); CHECK(ctl(EPOLL_CTL_ADD, 99, EPOLLIN, 0)); CHECK(ctl(EPOLL_CTL_ADD, ep, EPOLLIN, 0)); CHECK(ctl(EPOLL_CTL_MOD, p[0], EPOLLIN, 0)); CHECK(ctl(EPOLL_CTL_DEL, p[0], EPOLLIN, 0)); CHECK(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0)); CHECK(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0)); CHECK(ctl(7, p[0], EPOLLIN, 0)); CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], (void *)8)); CHECK(epoll_ctl(f, EPOLL_CTL_ADD, p[1], out)); CHECK(epoll_wait(ep, out, 0, 0)); CHECK(epoll_wait(ep, out, -1, 0)); CHECK(epoll_wait(f, out, 1, 0)); CHECK(epoll_wait(99, out, 1, 0)); write(p[1], "x", 1); CHECK(epoll_wait(ep, (void *)8, 1, 0)); int q = epoll_create1(0), z = ep; CHECK(ctl(EPOLL_CTL_ADD, q, EPOLLIN, 0)); ep = q; CHECK(ctl(EPOLL_CTL_ADD, z, EPOLLIN, 0)); int d = dup(p[0]); ep = z; CHECK(ctl(EPOLL_CTL_ADD, d, EPOLLIN, 9)); close(p[0]); show(epoll_wait(ep, out, 8, 0) > 0); return 0; }`,
    );
  });

  it("waits for a child, for a time, for a signal under its own mask", () => {
    const { stdout } = runSourceInMachine(
      "epoll-wait",
      `${HEAD}#include <time.h>
static int got; static void h(int s) { got++; } static long ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000 + t.tv_nsec / 1000000; }
int main(void) { int p[2]; pipe(p); ep = epoll_create1(0); ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1); if (fork() == 0) { usleep(5000); write(p[1], "x", 1); _exit(0); } show(epoll_wait(ep, out, 8, -1)); wait(0); char c; read(p[0], &c, 1); long a = ms(); show(epoll_wait(ep, out, 8, 300)); printf("%ld\\n", ms() - a); struct timespec t = {0, 50000000}; a = ms(); show(syscall(441, ep, out, 8, &t, 0, 8)); printf("%ld\\n", ms() - a);
        signal(SIGUSR1, h); sigset_t b, e; sigemptyset(&b); sigemptyset(&e); sigaddset(&b, SIGUSR1); sigprocmask(SIG_BLOCK, &b, 0); raise(SIGUSR1); CHECK(epoll_pwait(ep, out, 8, -1, &e)); printf("%d\\n", got); raise(SIGUSR1); CHECK(epoll_wait(ep, out, 8, 0)); printf("%d\\n", got); write(p[1], "x", 1); CHECK(epoll_pwait(ep, out, 8, 0, &e)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["1: 1/1", "0:", "300", "0:", "50", "-1 EINTR", "1", "0 ", "1", "1 ", ""]);
  });
});
