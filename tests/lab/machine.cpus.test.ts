/* --cpus: several CPUs with TLBs of their own, broadcast TLB maintenance, results that do not depend on their number. */
import { expect } from "chai";
import { compileC } from "../support/guest.js";
import { labRun } from "../support/lab-run.js";

const THREADS = ["-static", "-pthread", "-O2"];

const SOURCE = `#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; static long sum; static char *shared; static volatile int cpus[64];
static void *work(void *p) {
  long id = (long)p; unsigned cpu;
  for (int r = 0; r < 6; r++) {
    char *mine = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < 1 << 20; i += 4096) mine[i] = id;
    for (long i = 0; i < 3000; i++) { pthread_mutex_lock(&lock); sum += shared[i * 64 % (1 << 18)] + mine[i * 64] / 100 + 1; pthread_mutex_unlock(&lock); }
    munmap(mine, 1 << 20); getcpu(&cpu, 0); cpus[cpu] = 1; sched_yield();
  }
  return 0;
}
int main(int argc, char **argv) {
  long n = atoi(argv[1]); pthread_t t[16]; cpu_set_t set; int seen = 0;
  shared = mmap(0, 1 << 18, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (long i = 0; i < n; i++) pthread_create(t + i, 0, work, (void *)i);
  for (long i = 0; i < n; i++) pthread_join(t[i], 0);
  for (int i = 0; i < 64; i++) seen += cpus[i];
  CPU_ZERO(&set); CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set); sched_setaffinity(0, sizeof set, &set); sched_yield();
  printf("%ld, %d CPUs seen of %ld, now on %d\\n", sum, seen, sysconf(_SC_NPROCESSORS_ONLN), sched_getcpu()); return 0;
}`;

describe("several CPUs", function () {
  const run = async (cpus: number, seed = 1, check = false) => labRun(compileC("cpus", SOURCE, THREADS), ["4"], { cpus, seed, check, thp: { enabled: "never", sizes: { 65536: "always" } } });

  it("threads spread over them and compute the same", async () => {
    for (const cpus of [1, 2, 4, 7]) {
      const { result, stdout } = await run(cpus);
      expect(stdout).to.equal(`72000, ${Math.min(cpus, 4)} CPUs seen of ${cpus}, now on ${cpus - 1}\n`);
      expect(result.memory.leakedFrames).to.equal(0);
      expect(result.cpus.length).to.equal(cpus);
    }
  });

  it("counts of the CPUs add up to those of the run", async () => {
    const { result } = await run(3);
    const sum = (of: (cpu: (typeof result.cpus)[number]) => number): number => result.cpus.reduce((all, cpu) => all + of(cpu), 0);
    expect(sum(({ instructions }) => instructions)).to.equal(result.execution.instructions);
    expect(sum(({ loads, stores }) => loads + stores)).to.equal(result.execution.loads + result.execution.stores);
    expect(sum(({ tlb }) => tlb["neoverse-n1"]!.l1d.misses)).to.equal(result.tlb["neoverse-n1"]!.l1d.misses);
    expect(sum(({ tlb }) => tlb["neoverse-n1"]!.l1d.accesses)).to.equal(result.execution.loads + result.execution.stores);
    for (const { tlb } of result.cpus) expect(tlb["neoverse-n1"]!.walks).to.be.greaterThan(0);
  });

  it("a broadcast TLBI reaches every other CPU", async () => {
    const cpus = 4;
    const { result } = await run(cpus);
    for (const [op, issued] of Object.entries(result.tlbi.ops)) {
      const received = result.cpus.reduce((sum, { tlbiReceived }) => sum + (tlbiReceived[op] ?? 0), 0);
      expect(received, op).to.equal(issued * (cpus - 1));
    }
  });

  it("the same seed gives the same result, and --check finds nothing", async () => {
    const strip = ({ result }: Awaited<ReturnType<typeof run>>): unknown => ({ ...result, execution: { ...result.execution, seconds: 0 } });
    expect(strip(await run(3, 5))).to.deep.equal(strip(await run(3, 5)));
    expect((await run(3, 5, true)).stdout).to.match(/^72000,/);
  });
});
