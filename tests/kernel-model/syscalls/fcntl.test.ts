/** fcntl and flock: locks, pipe sizes, seals. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

describe("fcntl and flock", () => {
  it("record locks: conflicts, waiting, splitting, and their end with any close", () => {
    expectLikeHost(
      "fcntl-posix",
      `${CHECK}static struct flock fl(int type, int start, int len) { struct flock l = {type, SEEK_SET, start, len, 0}; return l; }
static void child(void (*run)(int), int f) { fflush(stdout); if (fork() == 0) { run(f); exit(0); } wait(0); }
static void probe(int f) { for (int i = 0; i < 40; i += 5) { struct flock l = fl(F_WRLCK, i, 1); fcntl(f, F_GETLK, &l); printf("%d:%d:%ld:%ld:%d ", i, l.l_type, (long)l.l_start, (long)l.l_len, l.l_type == F_UNLCK || l.l_pid == getppid()); } puts(""); }
static void refuse(int f) { struct flock l = fl(F_WRLCK, 12, 1); CHECK(fcntl(f, F_SETLK, &l)); l = fl(F_RDLCK, 22, 1); CHECK(fcntl(f, F_SETLK, &l)); l = fl(F_WRLCK, 22, 1); CHECK(fcntl(f, F_SETLK, &l)); }
int main(void) { int f = open("f", O_CREAT | O_RDWR, 0600), r = open("f", O_RDONLY); struct flock l = fl(F_WRLCK, 10, 10); CHECK(fcntl(f, F_SETLK, &l)); l = fl(F_RDLCK, 20, 0); CHECK(fcntl(f, F_SETLK, &l)); child(probe, f); child(refuse, f); l = fl(F_UNLCK, 14, 2); CHECK(fcntl(f, F_SETLK, &l)); child(probe, f);
        l = fl(F_WRLCK, 0, 1); CHECK(fcntl(r, F_SETLK, &l)); l = fl(9, 0, 1); CHECK(fcntl(f, F_SETLK, &l)); l = fl(F_RDLCK, -1, 1); CHECK(fcntl(f, F_SETLK, &l)); l = fl(F_RDLCK, 30, -5); CHECK(fcntl(f, F_SETLK, &l)); child(probe, f); CHECK(fcntl(f, F_SETLK, (void *)8)); CHECK(fcntl(99, F_SETLK, &l));
        int p[2]; char c; pipe(p); fflush(stdout); if (fork() == 0) { l = fl(F_WRLCK, 10, 1); write(p[1], "", 1); CHECK(fcntl(f, F_SETLKW, &l)); exit(0); } read(p[0], &c, 1); usleep(20000); puts("unlock"); fflush(stdout); close(r); wait(0); child(probe, f); return 0; }`,
    );
  });

  it("locks of open descriptions", () => {
    expectLikeHost(
      "fcntl-ofd",
      `${CHECK}int main(void) { int f = open("f", O_CREAT | O_RDWR, 0600), g = open("f", O_RDWR), d = dup(f); struct flock l = {F_WRLCK, SEEK_SET, 0, 10, 0}; CHECK(fcntl(f, F_OFD_SETLK, &l)); CHECK(fcntl(d, F_OFD_SETLK, &l)); CHECK(fcntl(g, F_OFD_SETLK, &l)); CHECK(fcntl(g, F_OFD_GETLK, &l)); printf("%d %d\\n", l.l_type, l.l_pid); l.l_pid = 5; l.l_type = F_WRLCK; CHECK(fcntl(f, F_OFD_SETLK, &l)); close(f); l.l_pid = 0; l.l_type = F_RDLCK; CHECK(fcntl(g, F_OFD_SETLK, &l)); close(d); CHECK(fcntl(g, F_OFD_SETLK, &l)); return 0; }`,
    );
  });

  it("flock: shared, exclusive, converted, inherited", () => {
    expectLikeHost(
      "fcntl-flock",
      `${CHECK}#include <sys/file.h>
int main(void) { int f = open("f", O_CREAT | O_RDWR, 0600), g = open("f", O_RDONLY); CHECK(flock(f, LOCK_SH)); CHECK(flock(g, LOCK_SH | LOCK_NB)); CHECK(flock(f, LOCK_EX | LOCK_NB)); CHECK(flock(g, LOCK_EX | LOCK_NB)); CHECK(flock(g, LOCK_UN)); CHECK(flock(f, LOCK_EX)); CHECK(flock(f, 77)); CHECK(flock(99, LOCK_SH));
        fflush(stdout); int p[2]; char c; pipe(p); if (fork() == 0) { close(f); int h = open("f", O_RDWR); CHECK(flock(h, LOCK_EX | LOCK_NB)); write(p[1], "", 1); CHECK(flock(h, LOCK_EX)); exit(0); } read(p[0], &c, 1); usleep(20000); puts("closing"); fflush(stdout); close(f); wait(0); return 0; }`,
    );
  });

  it("pipe sizes, flags and owners", () => {
    expectLikeHost(
      "fcntl-pipe",
      `${CHECK}int main(void) { int p[2], f = open("f", O_CREAT | O_RDWR, 0600), o = open("f", O_PATH); pipe(p); CHECK(fcntl(p[0], F_GETPIPE_SZ)); CHECK(fcntl(p[1], F_SETPIPE_SZ, 5000)); CHECK(fcntl(p[1], F_GETPIPE_SZ)); write(p[1], "x", 1); CHECK(fcntl(p[1], F_SETPIPE_SZ, 1)); CHECK(fcntl(f, F_GETPIPE_SZ)); CHECK(fcntl(f, F_SETFL, O_APPEND | O_NONBLOCK)); printf("%x\\n", fcntl(f, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE)); CHECK(fcntl(o, F_SETFL, 0)); CHECK(fcntl(o, F_GETFD)); CHECK(fcntl(f, F_SETOWN, getpid())); CHECK(fcntl(f, F_GETOWN) == getpid()); CHECK(fcntl(f, F_GETSIG)); CHECK(fcntl(f, 999)); CHECK(fcntl(f, F_DUPFD, 30)); CHECK(fcntl(f, F_DUPFD, -1)); return 0; }`,
    );
  });

  it("seals of memory files", () => {
    expectLikeHost(
      "fcntl-seals",
      `${CHECK}int main(void) { int m = memfd_create("x", MFD_ALLOW_SEALING), n = memfd_create("y", 0); char *p, b[4]; ftruncate(m, 8192); CHECK(fcntl(m, F_GET_SEALS)); CHECK(fcntl(n, F_GET_SEALS)); CHECK(fcntl(n, F_ADD_SEALS, F_SEAL_WRITE)); p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0); CHECK(fcntl(m, F_ADD_SEALS, F_SEAL_WRITE)); munmap(p, 4096); CHECK(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK)); CHECK(ftruncate(m, 4096)); CHECK(ftruncate(m, 9000)); CHECK(fcntl(m, F_ADD_SEALS, F_SEAL_GROW)); CHECK(ftruncate(m, 9001)); CHECK(pwrite(m, "x", 1, 9000)); CHECK(pwrite(m, "x", 1, 8999)); CHECK(fallocate(m, 0, 0, 9001));
        CHECK(fcntl(m, F_ADD_SEALS, F_SEAL_WRITE)); CHECK(pwrite(m, "x", 1, 0)); CHECK(pread(m, b, 1, 0)); CHECK(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0)); CHECK(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, m, 0) != MAP_FAILED); p = mmap(0, 4096, PROT_READ, MAP_SHARED, m, 0); CHECK(mprotect(p, 4096, PROT_READ | PROT_WRITE)); CHECK(fallocate(m, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)); CHECK(fcntl(m, F_ADD_SEALS, F_SEAL_SEAL)); CHECK(fcntl(m, F_ADD_SEALS, F_SEAL_SHRINK)); CHECK(fcntl(m, F_GET_SEALS)); CHECK(fcntl(m, F_ADD_SEALS, 0x1000)); CHECK(fcntl(open("/bin/sh", O_RDONLY), F_ADD_SEALS, F_SEAL_WRITE)); return 0; }`,
      { view: { files: [{ path: "/bin/sh", contents: { size: 1, read: (_, into) => into.fill(0) }, mode: 0o755 }] } },
    );
  });

  it("files of a tmpfs are sealed against seals, files of a disk have none", () => {
    const { stdout } = runSourceInMachine("fcntl-noseals", `${CHECK}int main(void) { int f = open("/tmp/f", O_CREAT | O_RDWR, 0600), g = open("/x/f", O_CREAT | O_RDWR, 0600); CHECK(fcntl(f, F_GET_SEALS)); CHECK(fcntl(f, F_ADD_SEALS, F_SEAL_GROW)); CHECK(fcntl(g, F_GET_SEALS)); return 0; }`, {
      mounts: [{ type: "xfs", directory: "/x", options: "" }],
    });
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["1 ", "-1 EPERM", "-1 EINVAL", ""]);
  });
});
