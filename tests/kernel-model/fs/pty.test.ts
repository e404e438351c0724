/** Pseudo-terminals as programs see them. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const HEAD = `${CHECK}#include <termios.h>
#include <pty.h>
static int m, s; static char b[300]; static char name[40];
static void show(int fd) { memset(b, 0, sizeof b); long n = read(fd, b, 200); printf("%ld:", n); for (long i = 0; i < n; i++) printf(b[i] < 32 ? "<%d>" : "%c", b[i]); puts(n < 0 ? strerrorname_np(errno) : ""); }
static void type(const char *text) { CHECK(write(m, text, strlen(text))); }
static void start(void) { m = posix_openpt(O_RDWR | O_NOCTTY); CHECK(m >= 0); CHECK(grantpt(m)); CHECK(unlockpt(m)); strcpy(name, ptsname(m)); s = open(name, O_RDWR | O_NOCTTY); CHECK(s >= 0); }
`;

const TERMIOS_LINES = [
  "s >= 0 = 1 ",
  "ioctl(s, TCGETS2, &x) = 0 ",
  "500 5 bf 8a3b 0 1 38400 38400",
  "ioctl(s, 0x5405, &o) = 0 ",
  "500 5 bf 8a3b 0 3 1",
  "ioctl(s, 0x5406, &o) = 0 ",
  "ioctl(s, TCGETS2, &x) = 0 ",
  "500 5 bf 8a39 0 3 38400 38400",
  "ioctl(s, TCGETS2, &t) = 0 ",
  "ioctl(s, TCSETS2, &t) = 0 ",
  "ioctl(s, TCGETS2, &x) = 0 ",
  "500 5 10b0 8a39 0 3 12345 12345",
  "ioctl(s, TCSETSW2, &t) = 0 ",
  "ioctl(s, TCGETS2, &x) = 0 ",
  "500 5 d10b0 8a39 0 3 9600 12345",
  "ioctl(s, TCGETS, &n) = 0 ",
  "ioctl(s, TCSETS, &n) = 0 ",
  "ioctl(s, TCGETS2, &x) = 0 ",
  "500 5 10b2 8a39 0 3 115200 115200",
  'write(m, "abcdef", 6) = 6 ',
  "ioctl(s, TCGETS2, &t) = 0 ",
  "ioctl(s, TCSETSF2, &t) = 0 ",
  "read(s, name, 9) = -1 EAGAIN",
  "ioctl(s, TCGETS2, &x) = 0 ",
  "500 5 10b2 8a31 0 3 115200 115200",
  "ioctl(s, TCGETS2, (void *)8) = -1 EFAULT",
  "ioctl(s, TCSETS2, (void *)8) = -1 EFAULT",
  "ioctl(s, 0x5406, (void *)8) = -1 EFAULT",
  "",
];

describe("pseudo-terminals", () => {
  it("lines are edited, echoed, converted; end of file; raw bytes", () => {
    expectLikeHost(
      "pty-lines",
      `${HEAD}int main(void) { struct termios t; struct stat a; start(); CHECK(isatty(s)); CHECK(isatty(m)); CHECK(strcmp(ttyname(s), name)); CHECK(fstat(s, &a)); printf("%o %d\\n", a.st_mode & S_IFMT, (int)(a.st_rdev >> 8)); type("hello\\r"); show(s); show(m); type("abx\\177c\\n"); show(s); show(m); type("one two\\027three\\n"); show(s); show(m); type("gone\\025kept\\n"); show(s); show(m); type("a\\nb\\n"); show(s); show(s); show(m); type("no newline\\004"); show(s); type("\\004"); show(s); show(m); CHECK(write(s, "out\\n", 4)); show(m); fcntl(s, F_SETFL, O_NONBLOCK); show(s); type("long line\\n"); CHECK(read(s, b, 4)); show(s);
        tcgetattr(s, &t); t.c_lflag &= ~(ECHO); tcsetattr(s, TCSANOW, &t); type("secret\\n"); show(s); fcntl(m, F_SETFL, O_NONBLOCK); show(m); cfmakeraw(&t); tcsetattr(s, TCSAFLUSH, &t); type("r\\r\\003"); show(s); CHECK(write(s, "x\\n", 2)); show(m); int n; type("12345"); poll(&(struct pollfd){s, POLLIN}, 1, 1000); CHECK(ioctl(s, FIONREAD, &n)); printf("%d\\n", n); CHECK(tcflush(s, TCIFLUSH)); show(s); struct pollfd p[2] = {{s, POLLIN | POLLOUT}, {m, POLLIN}}; CHECK(poll(p, 2, 0)); printf("%x %x\\n", p[0].revents, p[1].revents); return 0; }`,
    );
  });

  it("settings in the three forms of the ABI, speeds by code and by number", () => {
    // qemu-aarch64 does not know termios2: the lines are those of the same program on Linux/x86-64, whose forms are the same.
    const source = `${CHECK}#include <asm/termbits.h>
struct old { unsigned short iflag, oflag, cflag, lflag; unsigned char line, cc[8]; };
static int m, s; static struct termios2 t; static struct old o; static struct termios n;
static void show(void) { struct termios2 x; memset(&x, 0x55, sizeof x); CHECK(ioctl(s, TCGETS2, &x)); printf("%x %x %x %x %d %d %u %u\\n", x.c_iflag, x.c_oflag, x.c_cflag, x.c_lflag, x.c_line, x.c_cc[VMIN], x.c_ispeed, x.c_ospeed); }
int main(void) { int u = 0; char name[40]; m = open("/dev/ptmx", O_RDWR | O_NOCTTY); ioctl(m, 0x40045431, &u); ioctl(m, 0x80045430, &u); sprintf(name, "/dev/pts/%d", u); s = open(name, O_RDWR | O_NOCTTY); CHECK(s >= 0); show();
        CHECK(ioctl(s, 0x5405, &o)); printf("%x %x %x %x %d %d %d\\n", o.iflag, o.oflag, o.cflag, o.lflag, o.line, o.cc[0], o.cc[6]);
        o.lflag &= ~ICANON; o.cc[VMIN] = 3; CHECK(ioctl(s, 0x5406, &o)); show(); CHECK(ioctl(s, TCGETS2, &t)); t.c_cflag = (t.c_cflag & ~CBAUD) | BOTHER; t.c_ospeed = 12345; CHECK(ioctl(s, TCSETS2, &t)); show(); t.c_cflag |= B9600 << IBSHIFT; CHECK(ioctl(s, TCSETSW2, &t)); show();
        CHECK(ioctl(s, TCGETS, &n)); n.c_cflag = (n.c_cflag & ~(CBAUD | CIBAUD)) | B115200; CHECK(ioctl(s, TCSETS, &n)); show(); CHECK(write(m, "abcdef", 6)); poll(&(struct pollfd){s, POLLIN}, 1, 1000); CHECK(ioctl(s, TCGETS2, &t)); t.c_lflag &= ~ECHO; CHECK(ioctl(s, TCSETSF2, &t)); fcntl(s, F_SETFL, O_NONBLOCK); CHECK(read(s, name, 9)); show();
        CHECK(ioctl(s, TCGETS2, (void *)8)); CHECK(ioctl(s, TCSETS2, (void *)8)); CHECK(ioctl(s, 0x5406, (void *)8)); return 0; }`;
    const { stdout } = runSourceInMachine("pty-termios", source);
    expect(stdout.split("\n")).to.deep.equal(TERMIOS_LINES);
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
