/* Standard streams: bytes in and out, and what a terminal answers. */
import { expect } from "chai";
import { CHECK, createTestNamespace, runSourceInMachine } from "../../support/namespace.js";

const ENOTTY = 25;
const [TCGETS, TCGETS2, TCSETS2, TIOCGWINSZ] = [0x5401, 0x802c542a, 0x402c542b, 0x5413];

describe("standard streams", () => {
  it("are ends of pipes over the lab's sources and sinks", () => {
    const t = createTestNamespace({ input: "line one\nline two\n" });
    const [stdin, stdout, stderr] = t.namespace.standardStreams;
    const into = new Uint8Array(9);
    expect([stdin.ops.read!(stdin, into, 0), String.fromCharCode(...into)]).to.deep.equal([9, "line one\n"]);
    expect([stdin.ops.read!(stdin, into, 0), stdin.ops.read!(stdin, into, 0), stdin.ops.read!(stdin, into, 0)]).to.deep.equal([9, 0, 0]);
    stdout.ops.write!(stdout, new Uint8Array([104, 105]), 0);
    stderr.ops.write!(stderr, new Uint8Array([33]), 0);
    expect(t.output).to.deep.equal({ stdout: "hi", stderr: "!" });
    expect([stdin.readable, stdin.writable, stdout.readable, stdout.writable]).to.deep.equal([true, false, false, true]);
    expect([stdin.inode.mode & 0o170000, stdin.ops.seekable, stdin.ops.ioctl]).to.deep.equal([0o010000, false, undefined]);
    t.close();
  });

  it("input is not read before it is asked for", () => {
    const t = createTestNamespace({ input: "abc" });
    const [stdin] = t.namespace.standardStreams;
    expect(stdin.ops.poll!(stdin) & 1).to.equal(1);
    expect(stdin.ops.read!(stdin, new Uint8Array(0), 0)).to.equal(0);
    const into = new Uint8Array(3);
    expect([stdin.ops.read!(stdin, into, 0), [...into]]).to.deep.equal([3, [97, 98, 99]]);
    t.close();
  });

  it("a sink keeps what it was given although the guest reuses its buffer", () => {
    const t = createTestNamespace();
    const [, stdout] = t.namespace.standardStreams;
    const bytes = new Uint8Array([65]);
    stdout.ops.write!(stdout, bytes, 0);
    bytes[0] = 66;
    expect(t.output.stdout).to.equal("A");
    t.close();
  });

  it("at a terminal: sizes, settings, and /dev/tty", () => {
    const source = `${CHECK}#include <termios.h>
int main(void) {
  struct winsize w; struct termios a, b; struct stat s;
  CHECK(isatty(0) + isatty(1) + isatty(2)); CHECK(ioctl(1, TIOCGWINSZ, &w)); printf("%d x %d\\n", w.ws_row, w.ws_col);
  CHECK(tcgetattr(0, &a)); printf("%d %d %d\\n", !!(a.c_lflag & ICANON), !!(a.c_lflag & ECHO), a.c_cc[VINTR]);
  a.c_lflag &= ~ECHO; CHECK(tcsetattr(0, TCSANOW, &a)); tcgetattr(1, &b); printf("%d\\n", !!(b.c_lflag & ECHO));
  CHECK(tcgetpgrp(0) == getpgrp()); CHECK(open("/dev/tty", O_RDWR)); fstat(0, &s); printf("%o %s\\n", s.st_mode & S_IFMT, ttyname(0) ? "named" : "no name");
  char line[20] = {0}; CHECK(read(0, line, 19)); fputs(line, stdout); return 0;
}`;
    const { stdout } = runSourceInMachine("console-tty", source, { terminal: { rows: 50, columns: 132 }, input: "typed\n" });
    expect(stdout.split("\n")).to.deep.equal([
      "isatty(0) + isatty(1) + isatty(2) = 3 ",
      "ioctl(1, TIOCGWINSZ, &w) = 0 ",
      "50 x 132",
      "tcgetattr(0, &a) = 0 ",
      "1 1 3",
      "tcsetattr(0, TCSANOW, &a) = 0 ",
      "0",
      "tcgetpgrp(0) == getpgrp() = 1 ",
      'open("/dev/tty", O_RDWR) = 3 ',
      "20000 no name",
      "read(0, line, 19) = 6 ",
      "typed",
      "",
    ]);
  });

  it("a terminal knows no other ioctl", () => {
    const t = createTestNamespace({ terminal: { rows: 1, columns: 2 } });
    const [stdin] = t.namespace.standardStreams;
    const user = { read: (_: unknown, size: number) => new Uint8Array(size), write: () => 0 };
    expect([TCGETS, TCGETS2, TCSETS2, TIOCGWINSZ, 0x1234].map((command) => stdin.ops.ioctl!(stdin, command, 0 as never, user))).to.deep.equal([0, 0, 0, 0, -ENOTTY]);
    t.close();
  });
});
