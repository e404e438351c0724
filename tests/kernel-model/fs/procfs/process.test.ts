/* /proc/PID as programs read it. */
import { expect } from "chai";
import { CHECK, runSourceInMachine } from "../../../support/namespace.js";

const HEAD = `${CHECK}#include <sys/prctl.h>
static char text[20000];
static char *get(const char *p) { int f = open(p, O_RDONLY), n; memset(text, 0, sizeof text); for (n = 0; f >= 0;) { int r = read(f, text + n, sizeof text - n - 1); if (r <= 0) break; n += r; } close(f); return text; }
static void line(const char *p, const char *start) { get(p); for (char *l = strtok(text, "\\n"); l; l = strtok(0, "\\n")) if (!strncmp(l, start, strlen(start))) puts(l); }
static void follow(const char *p) { char b[200] = {0}; if (readlink(p, b, 199) < 0) printf("%s: %s\\n", p, strerrorname_np(errno)); else printf("%s -> %s\\n", p, b); }
`;

describe("/proc/PID", () => {
  it("status: identity, memory, signals", () => {
    const { stdout } = runSourceInMachine(
      "proc-status",
      `${HEAD}static void h(int s) {} int main(void) { signal(SIGUSR1, h); signal(SIGHUP, SIG_IGN); sigset_t s; sigemptyset(&s); sigaddset(&s, SIGTERM); sigprocmask(SIG_BLOCK, &s, 0); kill(getpid(), SIGTERM); umask(077); prctl(PR_SET_NAME, "renamed");
      for (char **k = (char *[]){"Name", "Umask", "State", "Tgid", "Pid", "PPid", "Uid", "Threads", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CoreDumping", "THP_enabled", 0}; *k; k++) line("/proc/self/status", *k);
      get("/proc/self/status"); long size = 0, rss = 0, anon = 0, file = 0, shmem = 0; sscanf(strstr(text, "VmSize:"), "VmSize: %ld kB", &size); sscanf(strstr(text, "VmRSS:"), "VmRSS: %ld kB", &rss); sscanf(strstr(text, "RssAnon:"), "RssAnon: %ld", &anon); sscanf(strstr(text, "RssFile:"), "RssFile: %ld", &file); sscanf(strstr(text, "RssShmem:"), "RssShmem: %ld", &shmem);
      printf("%d %d\\n", size > rss && rss > 100, rss == anon + file + shmem); return 0; }`,
    );
    expect(stdout.split("\n")).to.deep.equal([
      "Name:\trenamed",
      "Umask:\t0077",
      "State:\tR (running)",
      "Tgid:\t100",
      "Pid:\t100",
      "PPid:\t0",
      "Uid:\t0\t0\t0\t0",
      "Threads:\t1",
      "ShdPnd:\t0000000000004000",
      "SigBlk:\t0000000000004000",
      "SigIgn:\t0000000000000001",
      "SigCgt:\t0000000000000200",
      "CoreDumping:\t0",
      "THP_enabled:\t1",
      "1 1",
      "",
    ]);
  });

  it("stat has 52 fields, statm seven, and both agree with getrusage and maps", () => {
    const { stdout } = runSourceInMachine(
      "proc-stat",
      `${HEAD}#include <sys/resource.h>
int main(void) { int n = 0; long minflt = 0; char name[40]; struct rusage u; get("/proc/self/stat"); sscanf(text, "%*d (%39[^)]", name); char *copy = strdup(text); getrusage(RUSAGE_SELF, &u); for (char *p = strtok(copy, " "); p; p = strtok(0, " ")) if (++n == 10) minflt = atol(p); printf("%d %s %d ", n, name, u.ru_minflt - minflt >= 0 && u.ru_minflt - minflt < 5);
      get("/proc/self/statm"); n = 0; for (char *p = strtok(text, " "); p; p = strtok(0, " ")) n++; printf("%d\\n", n); return 0; }`,
    );
    expect(stdout).to.equal("52 program 1 7\n");
  });

  it("cmdline, environ, auxv, comm", () => {
    const { stdout } = runSourceInMachine(
      "proc-cmdline",
      `${HEAD}#include <sys/auxv.h>
int main(void) { int f = open("/proc/self/cmdline", O_RDONLY), n = read(f, text, 100); for (int i = 0; i < n; i++) putchar(text[i] ? text[i] : '|'); f = open("/proc/self/environ", O_RDONLY); n = read(f, text, 100); for (int i = 0; i < n; i++) putchar(text[i] ? text[i] : '|'); puts("");
      unsigned long a[100]; f = open("/proc/self/auxv", O_RDONLY); n = read(f, a, sizeof a); for (int i = 0; i < n / 8; i += 2) if (a[i] == AT_PAGESZ) printf("%lu %d\\n", a[i + 1], a[n / 8 - 2] == 0);
      f = open("/proc/self/comm", O_RDWR); CHECK(write(f, "a-name-that-is-too-long", 23)); fputs(get("/proc/self/comm"), stdout); char b[20]; prctl(PR_GET_NAME, b); puts(b); return 0; }`,
      { args: ["one", "two words"], env: ["A=1", "B=x y"] },
    );
    expect(stdout).to.equal('/bin/program|one|two words|A=1|B=x y|\n4096 1\nwrite(f, "a-name-that-is-too-long", 23) = 23 \na-name-that-is-\na-name-that-is-\n');
  });

  it("descriptors are links to what is open, and opening one leads there", () => {
    const { stdout } = runSourceInMachine(
      "proc-fd",
      `${HEAD}int main(void) { mkdir("d", 0755); int f = open("d/f", O_CREAT | O_RDWR, 0644), p[2]; write(f, "content", 7); pipe(p); follow("/proc/self/fd/3"); unlink("d/f"); follow("/proc/self/fd/3"); int g = open("/proc/self/fd/3", O_RDONLY); char b[20] = {0}; CHECK(read(g, b, 19)); puts(b); close(g);
      rmdir("d"); readlink("/proc/self/fd/4", b, 19); printf("%d\\n", !strncmp(b, "pipe:[", 6)); int w = open("/proc/self/fd/5", O_WRONLY); write(w, "via", 3); memset(b, 0, 20); read(p[0], b, 9); puts(b); close(w); list("/proc/self/fd"); follow("/proc/self/fd/77"); line("/proc/self/fdinfo/3", "pos"); line("/proc/self/fdinfo/3", "flags"); return 0; }`,
    );
    expect(stdout.split("\n")).to.deep.equal([
      "/proc/self/fd/3 -> /tmp/d/f",
      "/proc/self/fd/3 -> /tmp/d/f (deleted)",
      "read(g, b, 19) = 7 ",
      "content",
      "1",
      "via",
      " ..:4 .:4 0:10 1:10 2:10 3:10 4:10 5:10 6:10",
      "/proc/self/fd/77: ENOENT",
      "pos:\t7",
      "flags:\t0400002",
      "",
    ]);
  });

  it("exe, cwd and root, and what they are after chdir and chroot", () => {
    const { stdout } = runSourceInMachine(
      "proc-links",
      `${HEAD}int main(void) { follow("/proc/self/exe"); follow("/proc/self/cwd"); follow("/proc/self/root"); mkdir("/tmp/jail", 0755); mkdir("/tmp/jail/in", 0755); int p = open("/proc", O_RDONLY); chdir("/tmp/jail/in"); chroot("/tmp/jail"); char b[100] = {0};
      readlinkat(p, "self/cwd", b, 99); puts(b); memset(b, 0, 100); readlinkat(p, "self/root", b, 99); puts(b); CHECK(open("/../../bin/program", O_RDONLY)); CHECK(openat(p, "self/root/in", O_RDONLY)); CHECK(open("/proc/self/root", O_RDONLY)); return 0; }`,
    );
    expect(stdout.split("\n")).to.deep.equal([
      "/proc/self/exe -> /bin/program",
      "/proc/self/cwd -> /tmp",
      "/proc/self/root -> /",
      "/in",
      "/",
      'open("/../../bin/program", O_RDONLY) = -1 ENOENT',
      'openat(p, "self/root/in", O_RDONLY) = 4 ',
      'open("/proc/self/root", O_RDONLY) = -1 ENOENT',
      "",
    ]);
  });

  it("limits as setrlimit left them", () => {
    const { stdout } = runSourceInMachine("proc-limits", `${HEAD}#include <sys/resource.h>\nint main(void) { struct rlimit r = {100, 200}; setrlimit(RLIMIT_NOFILE, &r); line("/proc/self/limits", "Limit"); line("/proc/self/limits", "Max open files"); line("/proc/self/limits", "Max stack size"); return 0; }`);
    expect(stdout).to.equal(
      "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            100                  200                  files     \nMax stack size            8388608              unlimited            bytes     \n",
    );
  });

  it("pagemap refuses odd sizes; clear_refs takes 1 to 5", () => {
    const { stdout } = runSourceInMachine(
      "proc-pagemap",
      `${HEAD}int main(void) { uint64_t e[2]; static char page[8192]; page[0] = page[4096] = 1; int f = open("/proc/self/pagemap", O_RDONLY); CHECK(pread(f, e, 8, (long)page / 4096 * 8)); printf("%d\\n", (int)(e[0] >> 63)); CHECK(pread(f, e, 7, 0)); CHECK(pread(f, e, 8, 4)); CHECK(pread(f, e, 16, (1l << 48) / 4096 * 8 - 8)); CHECK(pread(f, e, 8, (1l << 48) / 4096 * 8));
      int c = open("/proc/self/clear_refs", O_WRONLY); CHECK(write(c, "1", 1)); CHECK(write(c, "9", 1)); CHECK(write(c, "x", 1)); CHECK(read(c, e, 1)); return 0; }`,
    );
    expect(stdout.split("\n").map((text) => text.replace(/^.* = /, ""))).to.deep.equal(["8 ", "1", "-1 EINVAL", "-1 EINVAL", "8 ", "0 ", "1 ", "-1 EINVAL", "-1 EINVAL", "-1 EBADF", ""]);
  });
});
