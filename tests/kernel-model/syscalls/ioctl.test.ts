/** ioctls that every file answers. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

describe("ioctl", () => {
  it("flags of descriptors and descriptions", () => {
    expectLikeHost(
      "ioctl-flags",
      `${CHECK}int main(void) { int on = 1, off = 0, p[2], n = -1, s[2], f = open("f", O_CREAT | O_RDWR, 0600); pipe(p); socketpair(AF_UNIX, SOCK_STREAM, 0, s); CHECK(ioctl(p[0], FIOCLEX)); CHECK(fcntl(p[0], F_GETFD)); CHECK(ioctl(p[0], FIONCLEX)); CHECK(fcntl(p[0], F_GETFD)); CHECK(ioctl(p[0], FIONBIO, &on)); CHECK(fcntl(p[0], F_GETFL)); CHECK(ioctl(p[0], FIONBIO, &off)); CHECK(fcntl(p[0], F_GETFL)); CHECK(ioctl(s[0], FIOASYNC, &on)); CHECK(fcntl(s[0], F_GETFL) & O_ASYNC); CHECK(ioctl(s[0], FIOASYNC, &off)); CHECK(fcntl(s[0], F_GETFL) & O_ASYNC); CHECK(ioctl(f, FIOASYNC, &off));
        write(f, "12345678", 8); CHECK(ioctl(f, FIONREAD, &n)); printf("%d\\n", n); lseek(f, 3, SEEK_SET); CHECK(ioctl(f, FIONREAD, &n)); printf("%d\\n", n); write(p[1], "abc", 3); CHECK(ioctl(p[0], FIONREAD, &n)); printf("%d\\n", n); write(s[1], "abcd", 4); CHECK(ioctl(s[0], FIONREAD, &n)); printf("%d\\n", n); CHECK(ioctl(99, FIONREAD, &n)); CHECK(ioctl(f, TIOCGWINSZ, &n)); return 0; }`,
    );
  });

  it("sizes, blocks, clones, bad addresses", () => {
    const { stdout } = runSourceInMachine(
      "ioctl-files",
      `${CHECK}int main(void) { long long q = -1; int n = -1, p[2], f = open("f", O_CREAT | O_RDWR, 0600); pipe(p); write(f, "x", 1); CHECK(ioctl(f, 0x5460, &q)); printf("%lld\\n", q); CHECK(ioctl(p[0], 0x5460, &q)); CHECK(ioctl(f, 2, &n)); printf("%d\\n", n); CHECK(ioctl(f, 0x40049409, 0)); CHECK(ioctl(p[0], 0x40049409, 0)); CHECK(ioctl(f, 0xc020660b, 0)); CHECK(ioctl(f, FIOASYNC, &f)); CHECK(ioctl(f, FIONBIO, 8)); CHECK(ioctl(f, FIONREAD, 8)); CHECK(ioctl(f, 0x12345678, 0)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal("0 |4096|-1 ENOTTY|0 |4096|-1 EOPNOTSUPP|-1 ENOTTY|-1 EOPNOTSUPP|-1 ENOTTY|-1 EFAULT|-1 EFAULT|-1 ENOTTY|".split("|"));
  });
});
