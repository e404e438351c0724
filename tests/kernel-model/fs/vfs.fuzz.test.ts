/** Random system calls on files, from a program: whatever it asks for, the machine goes on, ends in order, and loses no frame. */
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { STATIC_THREADS } from "../../support/like-qemu.js";
import { CHECK, runInMachine } from "../../support/namespace.js";
import { seededRandom } from "../../support/seed.js";

const CALLS = 8000;

/* Arguments are small numbers, paths, buffers with odd contents, and edge values. Calls that may wait for ever are asked not to. */
const SOURCE = `${CHECK}#include <sys/resource.h>
static uint64_t state; static uint32_t rnd(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state >> 16; }
static char *buffer, *paths[] = {"a", "b", "d", "d/e", "/tmp/x", "l", ".", "..", "/", "d/../a", "/proc/self/fd/5", "/proc/self/maps", "/proc/self/mem", "/dev/null", "/dev/zero", "/dev/full", "/proc/sys/vm/drop_caches", "/x/f", "/x/g", "/proc/self/cwd", "s", "/dev/urandom", "/proc/self/clear_refs", "/proc/self/pagemap", "/proc/kpageflags", "fifo", ""};
#define PATH ((uint64_t)paths[rnd() % (sizeof paths / sizeof *paths)])
static int calls[] = {5, 8, 11, 14, 17, 19, 20, 21, 23, 24, 25, 29, 32, 33, 34, 35, 36, 37, 38, 43, 44, 45, 46, 47, 48, 49, 50, 52, 53, 54, 55, 56, 56, 56, 57, 59, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 198, 199, 200, 201, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 215, 216, 222, 223, 226, 227, 228, 229, 232, 233, 267, 276, 279, 285, 286, 287, 291, 436, 437, 439, 452};
static uint64_t argument(void) {
  switch (rnd() % 13) { case 0: case 1: case 2: return rnd() % 16; case 3: return PATH; case 4: case 5: return (uint64_t)(buffer + rnd() % 8192); case 6: return -100; case 7: return 0; case 8: return 1ull << (rnd() % 64); case 9: return -(rnd() % 20); case 10: return rnd(); case 11: return (uint64_t)rnd() << 32 | rnd(); default: return rnd() % 3 ? rnd() % 10000 : (rnd() & 0777777); }
}
int main(int argc, char **argv) {
  state = 88172645463325252ull ^ (strtoull(argv[1], 0, 0) * 0x9e3779b97f4a7c15ull); buffer = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct rlimit limit = {64, 64}; setrlimit(RLIMIT_NOFILE, &limit); for (int i = 1; i < 32; i++) if (i != SIGSEGV && i != SIGBUS) signal(i, SIG_IGN);
  for (long i = 0; i < ${CALLS}; i++) {
    if (rnd() % 8 == 0) for (int k = rnd() % 4096, j = 0; j < 64; j++) buffer[k + j] = rnd() % 3 ? 0 : rnd();
    if (rnd() % 16 == 0) strcpy(buffer + rnd() % 4096, (char *)PATH);
    if (rnd() % 32 == 0) *(uint64_t *)(buffer + rnd() % 1000 * 8) = (uint64_t)(buffer + rnd() % 4096);
    int nr = calls[rnd() % (sizeof calls / sizeof *calls)]; uint64_t a = argument(), b = argument(), c = argument(), d = argument(), e = argument(), f = argument();
    switch (nr) {
      case 19: case 59: b = O_NONBLOCK | (b & 1); break; case 24: if (b < 3) continue; break; case 25: if (b == 7 || b == 38) b = 6; break; case 32: b |= 4; break; case 49: if (rnd() % 50) continue; break;
      case 56: a = -100; b = PATH; if (rnd() % 4) c &= ~0200000ull; c |= O_NONBLOCK; break; case 57: case 436: if (a < 3) continue; break;
      case 63: case 67: b = (uint64_t)buffer + rnd() % 4096; c %= 8192; break; case 74: d |= O_NONBLOCK; break; case 85: b |= O_NONBLOCK; break; case 198: case 199: b |= O_NONBLOCK; break;
      case 206: d |= MSG_DONTWAIT; break; case 207: b = (uint64_t)buffer; c %= 8192; d |= MSG_DONTWAIT; break; case 211: case 212: c |= MSG_DONTWAIT; break;
      case 215: case 216: case 226: case 233: if (a < 0x10000000 || a > 0xff0000000000 || (a >= (uint64_t)buffer - 65536 && a < (uint64_t)buffer + 65536) || b > 1 << 20) continue; break;
      case 222: a = 0; c = rnd() % 8; d = rnd() % 4 ? 2 : 34; b = 4096 * (1 + rnd() % 16); break; case 279: b &= 3; break; default: break;
    }
    syscall(nr, a, b, c, d, e, f);
  }
  return 0;
}`;

describe("random calls on files", () => {
  const below = seededRandom();
  for (const [pageSize, rootType] of [["4k", "initramfs"], ["4k", "xfs"], ["16k", "ext4"], ["64k", "xfs"]] as const) {
    it(`${CALLS} with ${pageSize} pages on ${rootType}`, () => {
      const { exit } = runInMachine(compileC("file-fuzz", SOURCE, STATIC_THREADS), {
        args: [String(below(1e9))],
        config: { pageSize, thp: { enabled: "always", sizes: {} } },
        rootType,
        mounts: [{ type: "ext4", directory: "/x", options: "size=16m" }],
        instructions: 5e8,
      });
      // It may have cut off its own stack, or wait for a counter that no one will raise; the machine knows what it came to.
      const kind = "code" in exit ? "exit" : "signal" in exit ? exit.signal : exit.kind;
      expect(kind).to.be.oneOf(["exit", "SIGSEGV", "SIGBUS", "SIGKILL", "deadlock"]);
    });
  }
});
