/* Timers of CPU time: they run while their process does, and not while it sleeps. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine } from "../../support/kernel-machine.js";

const HEAD = `#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int hits; static volatile int last;
static void count(int s) { hits++; last = s; }
static void spin(long ms) { struct timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); double end = t.tv_sec * 1e3 + t.tv_nsec / 1e6 + ms;
  do { for (volatile int i = 0; i < 1000; i++); clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); } while (t.tv_sec * 1e3 + t.tv_nsec / 1e6 < end); }
`;

function run(name: string, body: string): string {
  const machine = createTestMachine({ files: { "/p": readFileSync(compileC(name, HEAD + body, ["-static", "-pthread", "-O1"])) } });
  machine.kernel.spawn("/p", ["p"], []);
  machine.kernel.run({ instructions: 1e10 });
  const out = machine.stdout();
  expect(machine.shutdown()).to.equal(0);
  return out;
}

describe("timers of CPU time", () => {
  it("ITIMER_VIRTUAL and ITIMER_PROF tick with the process, not with the clock", () => {
    const out = run("cpu-itimers", `
int main(void) {
  signal(SIGVTALRM, count); signal(SIGPROF, count);
  struct itimerval it = {{0, 10000}, {0, 10000}}, old;
  for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
    hits = 0; setitimer(which, &it, 0); usleep(500000); int slept = hits; spin(105);
    getitimer(which, &old); printf("%d: %d asleep, %d awake, signal %d, interval %ld, left %d\\n", which, slept, hits >= 8 && hits <= 11, last, old.it_interval.tv_usec, old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 10000);
    struct itimerval off = {}; setitimer(which, &off, &old); int before = hits; spin(30); getitimer(which, &old);
    printf("off: %d, %ld\\n", hits - before, old.it_value.tv_usec + old.it_interval.tv_usec);
  }
  printf("%d %d\\n", setitimer(3, &it, 0), errno); return 0; }`);
    expect(out).to.equal("1: 0 asleep, 1 awake, signal 26, interval 10000, left 1\noff: 0, 0\n2: 0 asleep, 1 awake, signal 27, interval 10000, left 1\noff: 0, 0\n-1 22\n");
  });

  it("timer_create on the clock of the process and of a thread", () => {
    const out = run("cpu-timers", `
static void *other(void *p) { spin(50); return 0; }
int main(void) {
  signal(SIGUSR1, count); timer_t a, b; struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  struct itimerspec at = {{0, 0}, {0, 20000000}}, left;
  printf("%d", timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &a)); timer_settime(a, 0, &at, 0);
  pthread_t t; pthread_create(&t, 0, other, 0); pthread_join(t, 0); timer_gettime(a, &left);
  printf(" %d after another thread ran, %d left", hits, left.it_value.tv_nsec > 10000000); spin(25); printf(", %d after this one\\n", hits);
  printf("%d", timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &b)); timer_settime(b, 0, &at, 0);
  pthread_create(&t, 0, other, 0); pthread_join(t, 0); printf(" %d\\n", hits);
  timer_delete(a); timer_delete(b); return 0; }`);
    expect(out).to.equal("0 0 after another thread ran, 1 left, 1 after this one\n0 2\n");
  });

  it("system time is what entries cost", () => {
    const out = run("cpu-system", `
int main(void) { struct rusage u; for (int i = 0; i < 100000; i++) getppid(); getrusage(RUSAGE_SELF, &u); printf("%ld %d\\n", u.ru_stime.tv_sec, u.ru_stime.tv_usec >= 20000 && u.ru_stime.tv_usec < 30000); return 0; }`);
    expect(out).to.equal("0 1\n");
  });
});
