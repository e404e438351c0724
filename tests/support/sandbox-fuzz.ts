/**
 * A guest that looks for a way out: random calls on names that lead, or seem to lead, outside of what it is shown. A secret lies beside the
 * directories it sees, and every access of the lab to the host's files is recorded.
 */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openHostDirectory } from "../../lab/host-files.js";
import { compileC } from "./guest.js";
import { recordHostFiles } from "./host-recorder.js";
import { CHECK, runInMachine } from "./namespace.js";

const SECRET = "canary: this text is not for the guest";

const SOURCE = `${CHECK}#include <sys/resource.h>
static uint64_t state; static uint32_t rnd(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state >> 16; }
static char top[256], text[65536], made[4096];
static const char *names[] = {"a", "b", "d", "d/e", "link", "up", "out", "abs", "hard", "..", ".", "", "../..", "../secret", "d/../../secret", "secret", "x/../../secret"};
static const char *roots[] = {"", "/", "/rw/", "/ro/", "/rw/d/", "/proc/self/root/", "/proc/self/cwd/", "/proc/self/fd/3/", "/proc/self/fd/5/../", "/proc/1/root/", "/proc/self/root/../../", "/rw/up/", "/rw/out/", "/ro/out/", "/../../../", "/dev/fd/4/"};
static char *path(void) {
  if (rnd() % 9 == 0) snprintf(made, sizeof made, "%s/%s", top, names[rnd() % (sizeof names / sizeof *names)]);
  else snprintf(made, sizeof made, "%s%s", roots[rnd() % (sizeof roots / sizeof *roots)], names[rnd() % (sizeof names / sizeof *names)]);
  return strdup(made);
}
static void look(int fd) { if (fd < 0) return; long n = pread(fd, text, sizeof text, 0); if (n > 0 && memmem(text, n, "canary:", 7)) { printf("LEAK\\n"); exit(9); } }
int main(int argc, char **argv) {
  state = 88172645463325252ull ^ (strtoull(argv[1], 0, 0) * 0x9e3779b97f4a7c15ull); strcpy(top, argv[2]); long calls = atol(argv[3]);
  struct rlimit limit = {40, 40}; setrlimit(RLIMIT_NOFILE, &limit); for (int i = 1; i < 32; i++) signal(i, SIG_IGN);
  open("/rw", O_RDONLY | O_DIRECTORY); open("/ro", O_RDONLY | O_DIRECTORY); open("/", O_PATH);
  for (long i = 0; i < calls; i++) {
    char *a = path(), *b = path(); int dir = rnd() % 4 ? AT_FDCWD : (int)(rnd() % 12), fd = -1; struct stat st;
    switch (rnd() % 20) {
      case 0: case 1: case 2: fd = openat(dir, a, O_RDONLY | O_NONBLOCK | (rnd() % 4 ? 0 : O_NOFOLLOW)); break;
      case 3: fd = openat(dir, a, O_RDWR | O_NONBLOCK | (rnd() % 2 ? O_CREAT : 0) | (rnd() % 4 ? 0 : O_TRUNC), 0666); if (fd > 2 && rnd() % 2) pwrite(fd, "overwritten", 11, 0); break;
      case 4: symlinkat(a, dir, b); break; case 5: linkat(dir, a, AT_FDCWD, b, rnd() % 2 ? AT_SYMLINK_FOLLOW : 0); break; case 6: renameat(dir, a, AT_FDCWD, b); break; case 7: renameat2(dir, a, AT_FDCWD, b, RENAME_EXCHANGE); break;
      case 8: unlinkat(dir, a, rnd() % 3 ? 0 : AT_REMOVEDIR); break; case 9: mkdirat(dir, a, 0777); break; case 10: truncate(a, rnd() % 100); break; case 11: chdir(a); break;
      case 12: fstatat(dir, a, &st, 0); break; case 13: readlinkat(dir, a, text, sizeof text); break; case 14: chmod(a, 0777); break; case 15: if (rnd() % 8 == 0) chroot(a); break;
      case 16: { int d = openat(dir, a, O_RDONLY | O_DIRECTORY); if (d > 2) { syscall(SYS_getdents64, d, text, 4096); close(d); } break; } case 17: utimensat(dir, a, 0, 0); break; case 18: fd = open(a, O_PATH); break;
      default: { char *m; fd = openat(dir, a, O_RDONLY | O_NONBLOCK); if (fd > 2 && (m = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0)) != MAP_FAILED) { if (!fstat(fd, &st) && st.st_size >= 7 && memmem(m, 64, "canary:", 7)) { printf("LEAK\\n"); exit(9); } munmap(m, 4096); } }
    }
    look(fd); if (fd > 2 && rnd() % 8) close(fd); free(a); free(b);
    if (i % 64 == 0) for (int k = 6; k < 40; k++) close(k);
  }
  return 0;
}`;

/** One guest per seed of [from, to). Throws if one of them, or the lab for it, reaches anything outside. Returns accesses to the host. */
export function lookForAWayOut(from: number, to: number, calls: number): number {
  const program = compileC("sandbox-fuzz", SOURCE);
  let accesses = 0;
  // The lab's own files, the engine above all, are loaded before anyone watches.
  runInMachine(program, { args: ["1", "/", "0"], config: { memory: 64 * 2 ** 20 } });
  for (let seed = from; seed < to; seed++) {
    const top = realpathSync(mkdtempSync(join(tmpdir(), "foliolab-sandbox-")));
    try {
      const [root, rw, ro, outside] = ["root", "rw", "ro", "outside"].map((name) => join(top, name)) as [string, string, string, string];
      for (const folder of [root, join(rw, "d"), join(ro, "d"), outside]) mkdirSync(folder, { recursive: true });
      for (const place of [join(top, "secret"), join(outside, "secret")]) writeFileSync(place, SECRET);
      for (const folder of [root, rw, ro]) {
        for (const name of ["a", "b"]) writeFileSync(join(folder, name), "open to the guest");
        symlinkSync("../secret", join(folder, "link"));
        symlinkSync("..", join(folder, "up"));
        symlinkSync(outside, join(folder, "out"));
        symlinkSync(join(top, "secret"), join(folder, "abs"));
      }
      const state = (): unknown => [readdirSync(top).sort(), readdirSync(outside), readFileSync(join(top, "secret"), "latin1"), readFileSync(join(outside, "secret"), "latin1"), statSync(join(top, "secret")).mode, statSync(outside).mtimeMs, readdirSync(ro).sort(), readdirSync(root).sort()];
      const before = state();
      const view = {
        root: openHostDirectory(root, { writable: false }),
        directories: [
          { directory: "/rw", host: openHostDirectory(rw, { writable: true }) },
          { directory: "/ro", host: openHostDirectory(ro, { writable: false }) },
        ],
      };
      let said = "";
      const { calls: made, outside: wrong } = recordHostFiles([root, rw, ro, program], () => {
        said = runInMachine(program, { view, args: [String(seed), top, String(calls)], instructions: 5e8, config: { memory: 64 * 2 ** 20 } }).stdout;
      });
      accesses += made;
      expect(wrong, `seed ${seed}`).to.deep.equal([]);
      expect(said, `seed ${seed}`).to.not.contain("LEAK");
      expect(state(), `seed ${seed}`).to.deep.equal(before);
    } finally {
      rmSync(top, { recursive: true, force: true });
    }
  }
  return accesses;
}
