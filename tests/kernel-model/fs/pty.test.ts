/** Pseudo-terminals as programs see them. */
import { CHECK, expectLikeHost } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <termios.h>
#include <pty.h>
static int m, s; static char b[300]; static char name[40];
static void show(int fd) { memset(b, 0, sizeof b); long n = read(fd, b, 200); printf("%ld:", n); for (long i = 0; i < n; i++) printf(b[i] < 32 ? "<%d>" : "%c", b[i]); puts(n < 0 ? strerrorname_np(errno) : ""); }
static void type(const char *text) { CHECK(write(m, text, strlen(text))); }
static void start(void) { m = posix_openpt(O_RDWR | O_NOCTTY); CHECK(m >= 0); CHECK(grantpt(m)); CHECK(unlockpt(m)); strcpy(name, ptsname(m)); s = open(name, O_RDWR | O_NOCTTY); CHECK(s >= 0); }
`;

describe("pseudo-terminals", () => {
  it("lines are edited, echoed, converted; end of file; raw bytes", () => {
    expectLikeHost(
      "pty-lines",
      `${HEAD}int main(void) { struct termios t; struct stat a; start(); CHECK(isatty(s)); CHECK(isatty(m)); CHECK(strcmp(ttyname(s), name)); CHECK(fstat(s, &a)); printf("%o %d\\n", a.st_mode & S_IFMT, (int)(a.st_rdev >> 8)); type("hello\\r"); show(s); show(m); type("abx\\177c\\n"); show(s); show(m); type("one two\\027three\\n"); show(s); show(m); type("gone\\025kept\\n"); show(s); show(m); type("a\\nb\\n"); show(s); show(s); show(m); type("no newline\\004"); show(s); type("\\004"); show(s); show(m); CHECK(write(s, "out\\n", 4)); show(m); fcntl(s, F_SETFL, O_NONBLOCK); show(s); type("long line\\n"); CHECK(read(s, b, 4)); show(s);
        tcgetattr(s, &t); t.c_lflag &= ~(ECHO); tcsetattr(s, TCSANOW, &t); type("secret\\n"); show(s); fcntl(m, F_SETFL, O_NONBLOCK); show(m); cfmakeraw(&t); tcsetattr(s, TCSAFLUSH, &t); type("r\\r\\003"); show(s); CHECK(write(s, "x\\n", 2)); show(m); int n; type("12345"); CHECK(ioctl(s, FIONREAD, &n)); printf("%d\\n", n); CHECK(tcflush(s, TCIFLUSH)); show(s); struct pollfd p[2] = {{s, POLLIN | POLLOUT}, {m, POLLIN}}; CHECK(poll(p, 2, 0)); printf("%x %x\\n", p[0].revents, p[1].revents); return 0; }`,
    );
  });

  it("keys signal the foreground, sizes signal changes, the end of either side shows", () => {
    expectLikeHost(
      "pty-sessions",
      `${HEAD}static volatile int got; static void h(int n) { got = n; } static void pass(void) { usleep(50000); }
int main(void) { struct winsize w = {25, 80}, v; int go[2], st; pipe(go); start(); CHECK(ioctl(m, TIOCSWINSZ, &w)); CHECK(ioctl(s, TIOCGWINSZ, &v)); printf("%d %d\\n", v.ws_row, v.ws_col); pid_t c = fork(); if (c == 0) { struct sigaction a = {.sa_handler = h}; sigaction(SIGINT, &a, 0); sigaction(SIGWINCH, &a, 0); sigaction(SIGHUP, &a, 0); close(m); CHECK(setsid() > 0); CHECK(open("/dev/tty", O_RDWR)); CHECK(ioctl(s, TIOCSCTTY, 0)); int t = open("/dev/tty", O_RDWR); CHECK(t > 0); CHECK(tcgetpgrp(t) == getpid()); fflush(stdout); write(go[1], "1", 1); CHECK(read(t, b, 9)); printf("%d\\n", got); write(go[1], "2", 1); CHECK(read(t, b, 9)); printf("%d\\n", got); write(go[1], "3", 1); while (got != SIGHUP) usleep(1000); CHECK(read(s, b, 9)); CHECK(write(s, "x", 1)); _exit(5); }
        read(go[0], b, 1); pass(); write(m, "\\003", 1); read(go[0], b, 1); pass(); w.ws_col = 99; ioctl(m, TIOCSWINSZ, &w); read(go[0], b, 1); close(s); close(m); CHECK(waitpid(c, &st, 0) == c); printf("%d\\n", WEXITSTATUS(st)); start(); close(s); show(m); s = open(name, O_RDWR | O_NOCTTY); CHECK(write(s, "back", 4)); show(m); close(m); show(s); CHECK(access(name, F_OK)); CHECK(ioctl(s, TIOCGWINSZ, &v)); return 0; }`,
    );
  });
});
