/** eventfd, timerfd, signalfd and memfd as programs see them. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

describe("descriptors for things that are no files", () => {
  it("eventfd", () => {
    expectLikeHost(
      "eventfd",
      `${CHECK}#include <sys/eventfd.h>
int main(void) { uint64_t v; int e = eventfd(3, EFD_NONBLOCK), s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC); CHECK(read(e, &v, 8)); CHECK(v); CHECK(read(e, &v, 8)); v = 5; CHECK(write(e, &v, 8)); CHECK(write(e, &v, 7)); CHECK(read(e, &v, 4)); v = -1; CHECK(write(e, &v, 8)); v = -2; CHECK(write(e, &v, 8)); CHECK(read(s, &v, 8)); CHECK(v); CHECK(read(s, &v, 8)); CHECK(read(s, &v, 8)); CHECK(eventfd(0, 77)); CHECK(lseek(e, 0, SEEK_SET)); CHECK(fcntl(s, F_GETFD));
        int b = eventfd(0, 0); if (fork() == 0) { usleep(20000); v = 9; write(b, &v, 8); _exit(0); } CHECK(read(b, &v, 8)); CHECK(v); struct pollfd p = {b, POLLIN | POLLOUT}; CHECK(poll(&p, 1, 0)); printf("%x\\n", p.revents); return 0; }`,
    );
  });

  it("timerfd, in virtual time", () => {
    const { stdout } = runSourceInMachine(
      "timerfd",
      `${CHECK}#include <sys/timerfd.h>
#include <time.h>
int main(void) { uint64_t v = 0; struct itimerspec i = {{0, 2000000}, {0, 5000000}}, o; struct timespec n; int t = timerfd_create(CLOCK_MONOTONIC, 0), r = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
        CHECK(timerfd_settime(t, 0, &i, 0)); CHECK(read(t, &v, 8)); CHECK(v); usleep(10100); CHECK(timerfd_gettime(t, &o)); printf("%ld %d\\n", o.it_interval.tv_nsec, o.it_value.tv_nsec > 0 && o.it_value.tv_nsec <= 2000000); CHECK(read(t, &v, 8)); CHECK(v); memset(&i, 0, sizeof i); CHECK(timerfd_settime(t, 0, &i, &o)); printf("%ld\\n", o.it_interval.tv_nsec);
        clock_gettime(CLOCK_REALTIME, &n); i.it_value.tv_sec = n.tv_sec + 1; CHECK(timerfd_settime(r, TFD_TIMER_ABSTIME, &i, 0)); CHECK(read(r, &v, 8)); usleep(1100000); CHECK(read(r, &v, 8)); CHECK(v); CHECK(timerfd_create(99, 0)); CHECK(timerfd_create(1, 3)); CHECK(timerfd_settime(0, 0, &i, 0)); i.it_value.tv_nsec = -1; CHECK(timerfd_settime(t, 0, &i, 0)); CHECK(timerfd_gettime(99, &o)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal("0 |8 |1 |0 |2000000 1|8 |5 |0 |2000000|0 |-1 EAGAIN|8 |1 |-1 EINVAL|-1 EINVAL|-1 EINVAL|-1 EINVAL|-1 EBADF|".split("|"));
  });

  it("signalfd", () => {
    expectLikeHost(
      "signalfd",
      `${CHECK}#include <sys/signalfd.h>
int main(void) { sigset_t s; struct signalfd_siginfo i[3]; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigaddset(&s, SIGCHLD); sigprocmask(SIG_BLOCK, &s, 0); int f = signalfd(-1, &s, SFD_NONBLOCK); CHECK(read(f, i, sizeof i)); kill(getpid(), SIGUSR1); kill(getpid(), SIGUSR1); struct pollfd p = {f, POLLIN}; CHECK(poll(&p, 1, 0)); CHECK(read(f, i, sizeof i)); printf("%d %d\\n", i[0].ssi_signo, i[0].ssi_pid == getpid()); CHECK(read(f, i, 100)); CHECK(poll(&p, 1, 0));
        fcntl(f, F_SETFL, 0); if (fork() == 0) { usleep(20000); _exit(5); } CHECK(read(f, i, sizeof i[0])); printf("%d %d %d\\n", i[0].ssi_signo, i[0].ssi_status, i[0].ssi_code); wait(0); sigdelset(&s, SIGUSR1); CHECK(signalfd(f, &s, 0) == f); kill(getpid(), SIGUSR1); CHECK(poll(&p, 1, 0)); CHECK(signalfd(99, &s, 0)); CHECK(signalfd(0, &s, 0)); return 0; }`,
    );
  });

  it("memfd: named, mappable, gone with its last user", () => {
    expectLikeHost(
      "memfd",
      `${CHECK}int main(void) { char b[60] = {0}, l[60] = {0}; struct stat s; int m = memfd_create("a name", MFD_CLOEXEC); CHECK(fcntl(m, F_GETFD)); CHECK(ftruncate(m, 10000)); fstat(m, &s); printf("%ld %o %ld\\n", (long)s.st_size, s.st_mode, (long)s.st_nlink); char *p = mmap(0, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0); strcpy(p + 5000, "shared"); CHECK(pread(m, b, 6, 5000)); puts(b); sprintf(l, "/proc/self/fd/%d", m); memset(b, 0, 60); readlink(l, b, 59); puts(b); int n = open(l, O_RDONLY); CHECK(pread(n, b, 6, 5000)); close(m); close(n); puts(p + 5000); if (fork() == 0) { p[5000] = 'S'; _exit(0); } wait(0); puts(p + 5000);
        CHECK(memfd_create("x", 0x100)); CHECK(memfd_create("x", MFD_HUGETLB | 0x100)); CHECK(memfd_create((char *)8, 0)); char big[300]; memset(big, 'x', 299); big[299] = 0; CHECK(memfd_create(big, 0)); big[249] = 0; CHECK(memfd_create(big, 0) > 0); return 0; }`,
    );
  });
});
