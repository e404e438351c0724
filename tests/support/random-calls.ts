/**
 * A guest that makes random system calls, and what may become of it: any end, but no exception of the model and no lost frame.
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { NotModelled } from "../../emulator/arch/errors.js";
import { compileC } from "./guest.js";
import { createTestMachine } from "./kernel-machine.js";

/** Arguments: seed, number of calls. Numbers and arguments are drawn from what calls like to stumble over. */
const SOURCE = `#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static unsigned long state;
static unsigned long draw(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
static char buffer[65536], *maps[8];
static void handler(int s) {}
static unsigned long argument(void)
{
	switch (draw() % 16) {
	case 0: return 0;
	case 1: return -1ul;
	case 2: case 3: return draw() % 16;
	case 4: return 1ul << (draw() % 64);
	case 5: return (unsigned long)buffer + draw() % 60000;
	case 6: return (unsigned long)buffer;
	case 7: return draw() % 70000;
	case 8: return (unsigned long)maps[draw() % 8];
	case 9: return -(draw() % 200);
	case 10: return draw();
	case 11: return (unsigned long)"/bin/program";
	case 12: return (unsigned long)"/d/a";
	case 13: return 4096 * (draw() % 64);
	case 14: return (unsigned long)maps[draw() % 8] + 4096 * (draw() % 32);
	default: return draw() % 1024;
	}
}
int main(int c, char **v)
{
	int n = atoi(v[2]);
	state = strtoul(v[1], 0, 10) * 0x9e3779b97f4a7c15ul + 1;
	for (int i = 1; i < 32; i++) if (i != SIGSEGV && i != SIGBUS && i != SIGILL) signal(i, handler);
	for (int i = 0; i < 8; i++) maps[i] = mmap(0, 1 << 17, 3, (i & 1 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 65536; i++) buffer[i] = draw();
	alarm(3);
	for (int i = 0; i < n; i++) {
		unsigned nr = draw() % 470;
		if (nr == SYS_exit || nr == SYS_exit_group || nr == SYS_rt_sigreturn) continue;
		if ((nr == SYS_clone3 || nr == SYS_kill || nr == SYS_tkill || nr == SYS_tgkill || nr == SYS_clone) && draw() % 8) continue;
		if (nr == SYS_clone) {
			if (!syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) { state += 99; n = i + 20; }
			continue;
		}
		if (draw() % 5 == 0) for (int k = 0; k < 64; k++) buffer[draw() % 65536] = draw();
		if (draw() % 7 == 0) for (unsigned long *q = (void *)(buffer + draw() % 8000 * 8), k = 0; k < 12; k++) q[k] = argument();
		syscall(nr, argument(), argument(), argument(), argument(), argument(), argument());
	}
	return 0;
}
`;

/** Run seeds [from, to). What the model does not know may end a run; nothing else may be thrown. Returns the ends by kind. */
export function runRandomCalls(from: number, to: number, calls = 400): Readonly<Record<string, number>> {
  const program = readFileSync(compileC("random-calls", SOURCE));
  const ends: Record<string, number> = {};
  for (let seed = from; seed < to; seed++) {
    const machine = createTestMachine({
      granule: (["4k", "16k", "64k"] as const)[seed % 3]!,
      memoryBytes: 48 * 2 ** 20,
      files: { "/bin/program": program, "/d/a": new Uint8Array(30_000) },
      kernel: { quantum: 20_000, maxTasks: 30, seed },
    });
    let end: string;
    try {
      machine.kernel.spawn("/bin/program", ["program", String(seed), String(calls)], []);
      end = machine.kernel.run({ instructions: 2e7 }).kind;
    } catch (error) {
      if (!(error instanceof NotModelled)) throw new Error(`random calls, seed ${seed}`, { cause: error });
      end = "not modelled";
    }
    ends[end] = (ends[end] ?? 0) + 1;
    const leaked = machine.shutdown();
    if (end !== "not modelled") expect(leaked, `frames leaked by seed ${seed}`).to.equal(0);
  }
  return ends;
}
