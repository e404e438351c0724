/** System calls that make, move and remove names, compared with a real kernel. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

describe("system calls on names", () => {
  it("make, link, move and remove as a real kernel does", () => {
    expectLikeHost(
      "namei-basic",
      `${CHECK}int main(void) {
        umask(022); struct stat s; int f = open("f", O_CREAT | O_RDWR, 0666);
        CHECK(mkdir("d", 0777)); CHECK(mkdir("d", 0777)); CHECK(mkdir("d/e/", 0700)); CHECK(mkdir("x/y", 0700)); CHECK(mkdir("f/y", 0700)); CHECK(mkdir("", 0700)); CHECK(mkdir((char *)8, 0700));
        stat("d", &s); printf("%o %ld\\n", s.st_mode, (long)s.st_nlink); CHECK(symlink("d/e", "l")); CHECK(symlink("", "l2")); CHECK(symlink("x", "l"));
        CHECK(link("f", "d/g")); CHECK(link("d", "h")); CHECK(link("f", "d/g")); CHECK(linkat(AT_FDCWD, "l", AT_FDCWD, "ll", 0)); CHECK(linkat(AT_FDCWD, "l", AT_FDCWD, "lf", AT_SYMLINK_FOLLOW)); CHECK(linkat(AT_FDCWD, "f", AT_FDCWD, "q", 0x8000));
        CHECK(rename("d/g", "l/h")); list("."); list("d"); list("l");
        CHECK(rename("d", "d/e/x")); CHECK(rename("d/e", "d")); CHECK(rename("f", "d")); CHECK(rename("d", "f")); CHECK(rename("none", "x")); CHECK(rename("f", "f")); CHECK(rename("f", "l/h"));
        fstat(f, &s); printf("links %ld\\n", (long)s.st_nlink);
        CHECK(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_NOREPLACE)); CHECK(renameat2(AT_FDCWD, "f", AT_FDCWD, "l", RENAME_EXCHANGE)); CHECK(renameat2(AT_FDCWD, "f", AT_FDCWD, "nope", RENAME_EXCHANGE)); CHECK(renameat2(AT_FDCWD, "f", AT_FDCWD, "z", RENAME_NOREPLACE | RENAME_EXCHANGE)); CHECK(renameat2(AT_FDCWD, "f", AT_FDCWD, "z", 64)); list(".");
        CHECK(unlink("d")); CHECK(rmdir("l")); CHECK(rmdir("d")); CHECK(rmdir("d/.")); CHECK(rmdir("d/e/..")); CHECK(unlink("none")); CHECK(unlink("l/")); CHECK(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR)); CHECK(unlinkat(AT_FDCWD, "d/e/h", 0)); CHECK(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR)); CHECK(unlinkat(AT_FDCWD, "d", 4));
        int d = open("d", O_RDONLY | O_DIRECTORY); CHECK(mkdirat(d, "in", 0755)); CHECK(mkdirat(f, "in", 0755)); CHECK(mkdirat(99, "in", 0755)); CHECK(unlinkat(d, "in", AT_REMOVEDIR)); CHECK(rmdir("d")); CHECK(mkdirat(d, "late", 0755)); CHECK(openat(d, "late", O_CREAT | O_RDWR, 0644));
        list("."); return 0; }`,
    );
  });

  it("an unnamed file gets a name through its descriptor", () => {
    expectLikeHost(
      "namei-tmpfile",
      `${CHECK}int main(void) { char p[40]; int f = open(".", O_TMPFILE | O_RDWR, 0600); struct stat s; write(f, "abc", 3); fstat(f, &s); printf("%ld %o\\n", (long)s.st_nlink, s.st_mode);
        sprintf(p, "/proc/self/fd/%d", f); CHECK(linkat(AT_FDCWD, p, AT_FDCWD, "named", AT_SYMLINK_FOLLOW)); fstat(f, &s); printf("%ld\\n", (long)s.st_nlink); list("."); char b[9] = {0}; int g = open("named", O_RDONLY); read(g, b, 8); puts(b); return 0; }`,
    );
  });

  it("fifos are made and wait for both ends", () => {
    expectLikeHost(
      "namei-fifo",
      `${CHECK}static void h(int s) {} int main(void) { CHECK(mkfifo("p", 0600)); CHECK(open("p", O_WRONLY | O_NONBLOCK)); char b[9] = {0};
        if (fork() == 0) { int w = open("p", O_WRONLY); write(w, "through", 7); _exit(0); } int r = open("p", O_RDONLY); while (read(r, b + strlen(b), 8 - strlen(b)) > 0); puts(b); wait(0); close(r);
        int n = open("p", O_RDONLY | O_NONBLOCK); CHECK(read(n, b, 8)); struct pollfd f = {n, POLLIN}; CHECK(poll(&f, 1, 0)); int w = open("p", O_WRONLY | O_NONBLOCK); CHECK(read(n, b, 8)); CHECK(write(w, "x", 1)); CHECK(poll(&f, 1, 0)); close(w); CHECK(read(n, b, 8)); CHECK(read(n, b, 8)); CHECK(poll(&f, 1, 0)); printf("%x\\n", f.revents); close(n);
        struct sigaction a = {.sa_handler = h}; sigaction(SIGALRM, &a, 0); ualarm(20000, 0); CHECK(open("p", O_RDONLY)); return 0; }`,
    );
  });

  it("root makes device nodes; file systems end at their mounts", () => {
    const { stdout } = runSourceInMachine(
      "namei-mounts",
      `${CHECK}#include <sys/sysmacros.h>
int main(void) { struct stat s; CHECK(mknod("null", S_IFCHR | 0600, makedev(1, 3))); CHECK(open("null", O_RDWR)); stat("null", &s); printf("%d %d\\n", major(s.st_rdev), minor(s.st_rdev)); CHECK(mknod("dir", S_IFDIR | 0700, 0)); CHECK(mknod("odd", 0150000, 0)); CHECK(mknod("plain", 0644, 0));
      CHECK(link("plain", "/dev/shm/x")); CHECK(rename("plain", "/dev/shm/x")); CHECK(rename("/dev/shm", "/dev/x")); CHECK(rmdir("/dev/shm")); CHECK(unlink("/tmp")); CHECK(mkdir("/proc/x", 0755)); CHECK(open("/sys/x", O_CREAT, 0644)); CHECK(mkdir("/ro/x", 0755)); CHECK(open("/ro/x", O_CREAT, 0644)); CHECK(rmdir("/ro")); return 0; }`,
      { mounts: [{ type: "tmpfs", directory: "/ro", options: "ro" }] },
    );
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(
      "0 |3 |1 3|-1 EPERM|-1 EINVAL|0 |-1 EXDEV|-1 EXDEV|-1 EBUSY|-1 EBUSY|-1 EISDIR|-1 EPERM|-1 EPERM|-1 EROFS|-1 EROFS|-1 EBUSY|".split("|"),
    );
  });
});
