/**
 * Two threads that fault a given number of times, in small areas and large ones: no frame may be lost, and a repetition must give the same JSON
 * but for the seconds.
 */
import { expect } from "chai";
import { DEFAULT_CONFIG, namedConfig } from "../../lab/config.js";
import { compileC } from "./guest.js";
import { labRun } from "./lab-run.js";

const SOURCE = `#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
static long wanted, page; static long done[2];
static long faults(void) { struct rusage u; getrusage(RUSAGE_THREAD, &u); return u.ru_minflt; }
/* Map, write every page, give some back, protect, write again, unmap. */
static void round_of(long bytes) {
  char *m = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (long i = 0; i < bytes; i += page) m[i] = i;
  madvise(m + bytes / 4, bytes / 4, MADV_DONTNEED); volatile char sum = 0; for (long i = 0; i < bytes / 2; i += page) sum += m[i];
  mprotect(m, bytes / 2, PROT_READ); mprotect(m, bytes / 2, PROT_READ | PROT_WRITE); for (long i = 0; i < bytes; i += page) m[i]++;
  munmap(m, bytes);
}
static void *work(void *p) { long id = (long)p; for (long i = 0; faults() < wanted; i++) round_of(i % 256 == 0 ? 4 << 20 : 16 * page); done[id] = faults() >= wanted; return 0; }
int main(int argc, char **argv) {
  wanted = atol(argv[1]) / 2; page = sysconf(_SC_PAGESIZE); pthread_t t[2];
  for (long i = 0; i < 2; i++) pthread_create(t + i, 0, work, (void *)i);
  for (long i = 0; i < 2; i++) pthread_join(t[i], 0);
  printf("%ld\\n", done[0] + done[1]); return 0; }`;

/** Runs it twice under a named configuration. Throws if the runs differ, leak, or fault too little. */
export async function twoThreadsFault(name: string, faults: number): Promise<void> {
  const run = async (): Promise<unknown> => {
    const { result, stdout } = await labRun(compileC("fault-runs", SOURCE, ["-static", "-pthread", "-O1"]), [String(faults)], { ...namedConfig(DEFAULT_CONFIG, name), memory: 512 * 2 ** 20 });
    expect(stdout).to.equal("2\n");
    expect(result.exit).to.deep.equal({ code: 0 });
    expect(result.memory.leakedFrames).to.equal(0);
    expect(result.faults.minor).to.be.at.least(faults);
    return JSON.stringify({ ...result, execution: { ...result.execution, seconds: 0 } });
  };
  expect(await run()).to.equal(await run());
}
