/* The root of /proc: processes, self, and the files of the machine. */
import { expect } from "chai";
import { CHECK, createTestNamespace, runSourceInMachine } from "../../../support/namespace.js";

const HEAD = `${CHECK}#include <pthread.h>
#include <sys/prctl.h>
static void show(const char *p) { char b[4000] = {0}; int f = open(p, O_RDONLY); if (f < 0) { printf("%s: %s\\n", p, strerrorname_np(errno)); return; } read(f, b, 3999); fputs(b, stdout); close(f); }
static void follow(const char *p) { char b[200] = {0}; if (readlink(p, b, 199) < 0) printf("%s: %s\\n", p, strerrorname_np(errno)); else printf("%s -> %s\\n", p, b); }
`;

describe("/proc", () => {
  it("without a kernel there are no processes, and files that need one say so", () => {
    const t = createTestNamespace();
    expect(t.list("/proc")).to.include.members(["self", "meminfo", "vmstat", "kpageflags", "sys"]).and.not.include("gt");
    expect(() => t.read("/proc/uptime")).to.throw("-5");
    expect(() => t.open("/proc/1")).to.throw("-2");
    t.close();
  });

  it("processes come and go; threads are found and not listed", () => {
    const { stdout } = runSourceInMachine(
      "procfs-list",
      `${HEAD}static void pids(void) { DIR *d = opendir("/proc"); struct dirent *e; while ((e = readdir(d))) if (e->d_name[0] >= '0' && e->d_name[0] <= '9') printf("%s ", e->d_name); puts(""); closedir(d); }
static void *thread(void *x) { char p[60]; int t = syscall(SYS_gettid); printf("thread %d\\n", t); pids(); list("/proc/self/task"); sprintf(p, "/proc/%d/status", t); CHECK(access(p, R_OK)); follow("/proc/thread-self"); return 0; }
int main(void) { pids(); int c = fork(); if (!c) pause(); pids(); char p[60]; sprintf(p, "/proc/%d/comm", c); show(p); kill(c, 9); usleep(1000); pids(); wait(0); pids(); CHECK(access(p, R_OK));
  pthread_t t; pthread_create(&t, 0, thread, 0); pthread_join(t, 0); follow("/proc/self"); show("/proc/999/comm"); show("/proc/0"); show("/proc/00100"); return 0; }`,
    );
    expect(stdout.split("\n")).to.deep.equal([
      "100 ",
      "100 101 ",
      "program",
      "100 101 ",
      "100 ",
      "access(p, R_OK) = -1 ENOENT",
      "thread 102",
      "100 ",
      " ..:4 .:4 100:4 102:4",
      "access(p, R_OK) = 0 ",
      "/proc/thread-self -> 100/task/102",
      "/proc/self -> 100",
      "/proc/999/comm: ENOENT",
      "/proc/0: ENOENT",
      "/proc/00100: ENOENT",
      "",
    ]);
  });

  it("kpageflags and kpagecount: whole words, up to the end of memory", () => {
    const t = createTestNamespace();
    for (const name of ["kpageflags", "kpagecount"]) {
      const file = t.open(`/proc/${name}`);
      const frames = t.sys.pages.nr;
      const read = (offset: number, length: number): number => file.ops.read!(file, new Uint8Array(length), offset);
      expect([read(0, 64), read((frames - 2) * 8, 64), read(frames * 8, 64), read(3, 8), read(0, 9)], name).to.deep.equal([64, 16, 0, -22, -22]);
    }
    t.close();
  });

  it("a directory that is looked up twice is one inode", () => {
    const { stdout } = runSourceInMachine("procfs-inode", `${HEAD}int main(void) { struct stat a, b; stat("/proc/self", &a); stat("/proc/100", &b); printf("%d ", a.st_ino == b.st_ino); stat("/proc/self/task/100", &a); stat("/proc/self/task/100", &b); printf("%d\\n", a.st_ino == b.st_ino); return 0; }`);
    expect(stdout).to.equal("1 1\n");
  });

  it("the recording device exists where the machine has one", () => {
    const source = `${HEAD}int main(void) { int f = open("/proc/gt", O_RDWR); printf("%d ", f); CHECK(ioctl(f, 0x6703)); CHECK(ioctl(f, 0x1234)); return 0; }`;
    expect(runSourceInMachine("procfs-gt", source, { recordingDevice: true }).stdout).to.equal("3 ioctl(f, 0x6703) = 0 \nioctl(f, 0x1234) = -1 ENOTTY\n");
    expect(runSourceInMachine("procfs-gt", source).stdout).to.match(/^-1 /);
  });
});
