/** pipe2, splice, tee, sendfile and copy_file_range, compared with a real kernel. */
import { CHECK, expectLikeHost } from "../../support/namespace.js";

describe("pipes and transfers", () => {
  it("pipe2: capacity, atomicity, end of file, SIGPIPE", () => {
    expectLikeHost(
      "pipe-basic",
      `${CHECK}static int got; static void h(int s) { got = s; }
int main(void) { static char big[200000]; int p[2]; char b[10] = {0}; CHECK(pipe2(p, O_NONBLOCK)); CHECK(read(p[0], b, 9)); CHECK(write(p[1], "abc", 3)); CHECK(read(p[0], b, 9)); puts(b); CHECK(write(p[1], big, 65536)); CHECK(write(p[1], b, 1)); CHECK(read(p[0], big, 100)); CHECK(write(p[1], b, 1)); CHECK(read(p[0], big, 4000)); CHECK(write(p[1], big, 4097)); CHECK(write(p[1], big, 4096));
        int n; ioctl(p[0], FIONREAD, &n); printf("%d\\n", n); CHECK(lseek(p[0], 0, SEEK_SET)); CHECK(pread(p[0], b, 1, 0)); CHECK(read(p[1], b, 1)); CHECK(write(p[0], b, 1)); CHECK(ftruncate(p[1], 0)); CHECK(fsync(p[0])); struct stat s; fstat(p[0], &s); printf("%o\\n", s.st_mode);
        signal(SIGPIPE, h); close(p[0]); CHECK(write(p[1], b, 1)); printf("signal %d\\n", got); struct pollfd f = {p[1], POLLOUT}; CHECK(poll(&f, 1, 0)); printf("%x\\n", f.revents);
        CHECK(pipe2(p, 1)); CHECK(pipe2((int *)8, 0)); CHECK(pipe2(p, O_CLOEXEC)); CHECK(fcntl(p[0], F_GETFD)); close(p[1]); CHECK(read(p[0], b, 1)); CHECK(write(p[0], "", 0)); return 0; }`,
    );
  });

  it("blocking: a writer goes on as the reader drains, and is interrupted in between", () => {
    expectLikeHost(
      "pipe-blocking",
      `${CHECK}static void h(int s) {} int main(void) { static char big[300000]; int p[2], st; pipe(p);
        if (fork() == 0) { close(p[1]); long sum = 0, n; while ((n = read(p[0], big, 7777)) > 0) sum += n; printf("child %ld\\n", sum); exit(0); }
        close(p[0]); CHECK(write(p[1], big, sizeof big)); close(p[1]); wait(&st);
        pipe(p); struct sigaction a = {.sa_handler = h}; sigaction(SIGALRM, &a, 0); ualarm(50000, 0); CHECK(write(p[1], big, sizeof big)); ualarm(20000, 0); CHECK(write(p[1], big, 5)); return 0; }`,
    );
  });

  it("packets with O_DIRECT", () => {
    expectLikeHost("pipe-packets", `${CHECK}int main(void) { int p[2]; char b[20]; pipe2(p, O_DIRECT | O_NONBLOCK); write(p[1], "abcdef", 6); write(p[1], "gh", 2); CHECK(read(p[0], b, 3)); CHECK(read(p[0], b, 20)); CHECK(read(p[0], b, 20)); return 0; }`);
  });

  it("splice, tee, vmsplice", () => {
    expectLikeHost(
      "pipe-splice",
      `${CHECK}#include <sys/uio.h>
int main(void) { int p[2], q[2]; char b[40] = {0}; pipe(p); pipe(q); int f = open("f", O_CREAT | O_RDWR, 0600), g = open("g", O_CREAT | O_RDWR | O_APPEND, 0600); write(f, "0123456789", 10); off_t o = 2; loff_t at = 2;
        CHECK(splice(f, &at, p[1], 0, 5, 0)); printf("%ld\\n", (long)at); CHECK(tee(p[0], q[1], 3, 0)); CHECK(read(q[0], b, 20)); puts(b); memset(b, 0, 40); CHECK(splice(p[0], 0, q[1], 0, 100, 0)); CHECK(read(q[0], b, 20)); puts(b);
        write(p[1], "xyz", 3); at = 20; CHECK(splice(p[0], 0, f, &at, 3, 0)); struct stat s; fstat(f, &s); printf("%ld %ld\\n", (long)at, (long)s.st_size); CHECK(splice(f, 0, g, 0, 1, 0)); CHECK(splice(p[0], &at, q[1], 0, 1, 0)); CHECK(splice(p[0], 0, p[1], 0, 1, 0)); CHECK(splice(p[0], 0, q[1], 0, 1, SPLICE_F_NONBLOCK)); CHECK(splice(p[0], 0, q[1], 0, 1, 64)); CHECK(tee(f, q[1], 1, 0)); write(p[1], "q", 1); CHECK(splice(p[0], 0, g, 0, 1, 0)); CHECK(splice(99, 0, g, 0, 1, 0)); CHECK(splice(p[1], 0, q[1], 0, 1, 0));
        struct iovec v[2] = {{"ab", 2}, {"cde", 3}}; CHECK(vmsplice(q[1], v, 2, 0)); CHECK(read(q[0], b, 20)); close(p[1]); read(p[0], b, 9); CHECK(splice(p[0], 0, q[1], 0, 5, 0)); return 0; }`,
    );
  });

  it("sendfile and copy_file_range", () => {
    expectLikeHost(
      "pipe-sendfile",
      `${CHECK}#include <sys/sendfile.h>
int main(void) { char b[40] = {0}; int p[2]; pipe(p); int f = open("f", O_CREAT | O_RDWR, 0600), g = open("g", O_CREAT | O_RDWR, 0600), a = open("h", O_CREAT | O_WRONLY | O_APPEND, 0600), r = open("f", O_RDONLY), d = open(".", O_RDONLY); write(f, "0123456789", 10);
        off_t o = 3; CHECK(sendfile(g, f, &o, 4)); printf("%ld %ld\\n", (long)o, (long)lseek(f, 0, SEEK_CUR)); lseek(f, 8, SEEK_SET); CHECK(sendfile(p[1], f, 0, 100)); CHECK(read(p[0], b, 20)); puts(b); CHECK(sendfile(g, f, 0, 1)); CHECK(sendfile(a, f, 0, 1)); CHECK(sendfile(r, f, 0, 1)); CHECK(sendfile(g, p[0], &o, 1)); CHECK(sendfile(g, 99, 0, 1)); o = -1; CHECK(sendfile(g, f, &o, 1));
        loff_t x = 1, y = 20; CHECK(copy_file_range(f, &x, g, &y, 5, 0)); printf("%ld %ld\\n", (long)x, (long)y); memset(b, 0, 40); pread(g, b, 39, 20); puts(b); x = 0; y = 2; CHECK(copy_file_range(f, &x, f, &y, 5, 0)); CHECK(copy_file_range(f, &x, p[1], 0, 5, 0)); CHECK(copy_file_range(d, 0, g, 0, 5, 0)); CHECK(copy_file_range(f, 0, r, 0, 5, 0)); CHECK(copy_file_range(f, 0, a, 0, 5, 0)); CHECK(copy_file_range(f, 0, g, 0, 5, 1)); x = 100; CHECK(copy_file_range(f, &x, g, 0, 5, 0)); return 0; }`,
    );
  });
});
