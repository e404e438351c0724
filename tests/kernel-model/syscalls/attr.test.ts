/** System calls that change mode, owner, times and size, compared with a real kernel. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

describe("system calls on attributes", () => {
  it("mode and times", () => {
    expectLikeHost(
      "attr-mode",
      `${CHECK}#include <sys/time.h>
int main(void) { struct stat s; int f = open("f", O_CREAT | O_RDWR, 0600); symlink("f", "l"); symlink("none", "dangling");
        CHECK(chmod("l", 0640)); CHECK(fchmod(f, 04755)); stat("f", &s); printf("%o\\n", s.st_mode); CHECK(chmod("dangling", 0600)); CHECK(syscall(SYS_fchmodat, 99, "f", 0600)); CHECK(fchmod(99, 0));
        struct timespec t[2] = {{100, 5}, {200, 999999999}}; CHECK(utimensat(AT_FDCWD, "f", t, 0)); stat("f", &s); printf("%ld.%09ld %ld.%09ld\\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec, (long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
        t[0].tv_nsec = UTIME_OMIT; t[1].tv_sec = 300; CHECK(futimens(f, t)); stat("f", &s); printf("%ld %ld\\n", (long)s.st_atim.tv_sec, (long)s.st_mtim.tv_sec); t[1].tv_nsec = UTIME_NOW; CHECK(futimens(f, t)); stat("f", &s); printf("%d\\n", s.st_mtim.tv_sec > 1700000000 && s.st_atim.tv_sec == 100);
        CHECK(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW)); t[1].tv_nsec = 1000000000; CHECK(utimensat(AT_FDCWD, "f", t, 0)); CHECK(utimensat(AT_FDCWD, "none", t, 0)); CHECK(utimensat(99, "f", 0, 0)); t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT; CHECK(utimensat(AT_FDCWD, "none", t, 0)); CHECK(syscall(SYS_utimensat, AT_FDCWD, "f", 8, 0)); return 0; }`,
    );
  });

  it("fchmodat2 sees the link itself, and refuses what it does not know", () => {
    const { stdout } = runSourceInMachine(
      "attr-fchmodat2",
      `${CHECK}int main(void) { struct stat s; int f = open("f", O_CREAT | O_RDWR, 0600); symlink("f", "l"); CHECK(syscall(452, AT_FDCWD, "l", 0640, 0)); CHECK(syscall(452, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW)); CHECK(syscall(452, AT_FDCWD, "f", 0600, 0x4000)); CHECK(syscall(452, f, "", 0644, AT_EMPTY_PATH)); stat("f", &s); printf("%o\\n", s.st_mode); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["0 ", "-1 EOPNOTSUPP", "-1 EINVAL", "0 ", "100644", ""]);
  });

  it("sizes: truncation by name and by descriptor, limits on both", () => {
    expectLikeHost(
      "attr-truncate",
      `${CHECK}#include <sys/resource.h>
static void h(int s) { printf("signal %d\\n", s); }
int main(void) { struct stat s; signal(SIGXFSZ, h); int f = open("f", O_CREAT | O_RDWR, 0600), r = open("f", O_RDONLY); mkdir("d", 0700); write(f, "0123456789", 10);
        CHECK(truncate("f", 5)); CHECK(truncate("f", 8)); char b[20]; memset(b, 'x', 20); CHECK(pread(f, b, 20, 0)); printf("%c%d%d\\n", b[4], b[5], b[7]); CHECK(truncate("f", -1)); CHECK(truncate("d", 0)); CHECK(truncate("none", 0)); CHECK(truncate("", 0)); CHECK(ftruncate(r, 0)); CHECK(ftruncate(99, 0)); CHECK(ftruncate(f, -5));
        struct rlimit l = {1000, 1000}; setrlimit(RLIMIT_FSIZE, &l); CHECK(truncate("f", 1001)); CHECK(truncate("f", 1000)); CHECK(pwrite(f, "abc", 3, 999)); CHECK(pwrite(f, "abc", 3, 1000)); CHECK(ftruncate(f, 1001)); CHECK(ftruncate(f, 900)); CHECK(fallocate(f, 0, 0, 1001)); CHECK(fallocate(f, 0, 0, 1000)); CHECK(fallocate(f, 3, 0, 4096)); fstat(f, &s); printf("%ld\\n", (long)s.st_size); return 0; }`,
    );
  });

  it("owners, which root may change; set-id bits go then", () => {
    const { stdout } = runSourceInMachine(
      "attr-owner",
      `${CHECK}int main(void) { struct stat s; int f = open("f", O_CREAT | O_RDWR, 0600); symlink("f", "l"); chmod("f", 06755); CHECK(chown("l", 5, -1)); stat("f", &s); printf("%d %d %o\\n", s.st_uid, s.st_gid, s.st_mode); CHECK(lchown("l", 7, 8)); lstat("l", &s); printf("%d %d\\n", s.st_uid, s.st_gid); chmod("f", 02640); CHECK(fchown(f, -1, 9)); fstat(f, &s); printf("%d %d %o\\n", s.st_uid, s.st_gid, s.st_mode);
      mkdir("d", 0755); chmod("d", 02755); CHECK(chown("d", 1, 1)); stat("d", &s); printf("%o\\n", s.st_mode); CHECK(chown("none", 1, 1)); CHECK(chown("/ro", 1, 1)); CHECK(chmod("/ro", 0777)); CHECK(fchownat(AT_FDCWD, "f", 1, 1, 4)); return 0; }`,
      { mounts: [{ type: "tmpfs", directory: "/ro", options: "ro" }] },
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal("0 |5 0 100755|0 |7 8|0 |5 9 102640|0 |42755|-1 ENOENT|-1 EROFS|-1 EROFS|-1 EINVAL|".split("|"));
  });

  it("extended attributes: none are stored", () => {
    const { stdout } = runSourceInMachine(
      "attr-xattr",
      `${CHECK}#include <sys/xattr.h>
int main(void) { char b[9]; int f = open("f", O_CREAT | O_RDWR, 0600); CHECK(setxattr("f", "user.a", "x", 1, 0)); CHECK(getxattr("f", "user.a", b, 9)); CHECK(fgetxattr(f, "security.capability", b, 9)); CHECK(listxattr("f", b, 9)); CHECK(lremovexattr("f", "user.a")); CHECK(getxattr("none", "user.a", b, 9)); CHECK(getxattr("f", "bogus", b, 9)); CHECK(fsetxattr(99, "user.a", "x", 1, 0)); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal("-1 EOPNOTSUPP|-1 ENODATA|-1 ENODATA|0 |-1 ENODATA|-1 ENOENT|-1 EOPNOTSUPP|-1 EBADF|".split("|"));
  });
});

describe("files that programs run from", () => {
  it("are busy: no write, no truncation, no exec of what is being written", () => {
    const { stdout } = runSourceInMachine(
      "attr-busy",
      `${CHECK}int main(int argc, char **argv) { if (argc > 1) { puts("ran"); return 0; } static char b[2000000]; int n, r = open("/bin/program", O_RDONLY), w = open("copy", O_CREAT | O_WRONLY, 0755); while ((n = read(r, b, sizeof b)) > 0) write(w, b, n);
      CHECK(open("/bin/program", O_WRONLY)); CHECK(open("/bin/program", O_RDWR | O_TRUNC)); CHECK(truncate("/bin/program", 0)); CHECK(execl("copy", "copy", "x", (char *)0)); close(w); if (fork() == 0) execl("copy", "copy", "x", (char *)0); wait(0); CHECK(open("copy", O_WRONLY) > 0); CHECK(unlink("/bin/program")); CHECK(rename("copy", "/tmp/program")); return 0; }`,
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["-1 ETXTBSY", "-1 ETXTBSY", "-1 ETXTBSY", "-1 ETXTBSY", "ran", "1 ", "0 ", "0 ", ""]);
  });
});
