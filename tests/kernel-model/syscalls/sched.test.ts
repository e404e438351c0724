/** Scheduling calls. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <sched.h>\n#include <sys/resource.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n#include <time.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;

describe("scheduling calls", () => {
  it("there is one CPU", () => {
    const { stdout } = runSource("sched-cpus", `${HEAD}int main(void){cpu_set_t s;unsigned c=9,n=9;printf("%ld %ld ",sysconf(_SC_NPROCESSORS_ONLN),r(sched_getaffinity(0,sizeof s,&s)));printf("%d %ld ",CPU_COUNT(&s),r(syscall(SYS_getcpu,&c,&n,0)));printf("%u %u ",c,n);CPU_ZERO(&s);printf("%ld ",r(sched_setaffinity(0,sizeof s,&s)));CPU_SET(0,&s);printf("%ld %ld\\n",r(sched_setaffinity(0,sizeof s,&s)),r(sched_setaffinity(99999,sizeof s,&s)));return 0;}`);
    expect(stdout).to.equal("1 0 1 0 0 0 -22 0 -3\n");
  });

  it("policies are kept, real time is for the privileged", () => {
    const { stdout } = runSource("sched-policy", `${HEAD}int main(void){struct sched_param p={0};printf("%d %ld %d ",sched_getscheduler(0),r(sched_setscheduler(0,SCHED_BATCH,&p)),sched_getscheduler(0));p.sched_priority=5;printf("%ld ",r(sched_setscheduler(0,SCHED_OTHER,&p)));printf("%ld %d ",r(sched_setscheduler(0,SCHED_FIFO|SCHED_RESET_ON_FORK,&p)),sched_getscheduler(0)-SCHED_RESET_ON_FORK);p.sched_priority=0;printf("%ld %d ",r(sched_getparam(0,&p)),p.sched_priority);p.sched_priority=100;printf("%ld ",r(sched_setparam(0,&p)));setresuid(5,5,5);p.sched_priority=6;printf("%ld ",r(sched_setparam(0,&p)));p.sched_priority=4;printf("%ld\\n",r(sched_setparam(0,&p)));return 0;}`);
    expect(stdout).to.equal("0 0 3 -22 0 1 0 5 -22 -1 0\n");
  });

  it("bounds of priorities, intervals, tasks that do not exist", () => {
    const { stdout } = runSource("sched-bounds", `${HEAD}int main(void){struct sched_param p={0};printf("%d %d %d ",sched_get_priority_max(SCHED_RR),sched_get_priority_min(SCHED_FIFO),sched_get_priority_max(SCHED_OTHER));printf("%ld ",r(sched_get_priority_max(77)));struct timespec t;printf("%ld %ld\\n",r(sched_rr_get_interval(0,&t)),r(sched_getparam(99999,&p)));return 0;}`);
    expect(stdout).to.equal("99 1 0 -22 0 -3\n");
  });

  const SPIN = "static volatile long n;static void spin(void){for(long i=0;i<3000000;i++)n++;}\n#include <sys/wait.h>\n";
  it("a real-time task is not preempted by a normal one, whose turn comes when it sleeps; children do not inherit with the flag", () => {
    const body = (policy: string): string => `${HEAD}${SPIN}int main(void){struct sched_param p={.sched_priority=${policy === "0" ? 0 : 7}};r(sched_setscheduler(0,${policy},&p));if(!fork()){printf("child %d ",sched_getscheduler(0));fflush(stdout);_exit(0);}spin();printf("parent ");fflush(stdout);wait(0);return 0;}`;
    expect(runSource("sched-fifo", body("SCHED_FIFO|SCHED_RESET_ON_FORK")).stdout).to.equal("parent child 0 ");
    expect(runSource("sched-other", body("0")).stdout).to.equal("child 0 parent ");
  });

  it("a woken real-time task runs before a normal one has used up its slice", () => {
    const source = `${HEAD}int main(void){struct sched_param p={.sched_priority=7};int f[2];char c;pipe(f);if(!fork()){sched_setscheduler(0,SCHED_FIFO,&p);read(f[0],&c,1);printf("woken ");fflush(stdout);_exit(0);}usleep(1000);write(f[1],&c,1);printf("waker\\n");return 0;}`;
    expect(runSource("sched-wake", source).stdout).to.equal("woken waker\n");
  });

  it("nice values are kept and cut to their range", () => {
    const { stdout } = runSource("sched-nice", `${HEAD}int main(void){printf("%d ",getpriority(PRIO_PROCESS,0));setpriority(PRIO_PROCESS,0,5);printf("%d ",getpriority(PRIO_PROCESS,0));setpriority(PRIO_PGRP,0,-100);printf("%d ",getpriority(PRIO_USER,0));printf("%ld %ld\\n",r(setpriority(PRIO_PROCESS,99999,0)),r(getpriority(9,0)));return 0;}`);
    expect(stdout).to.equal("0 5 -20 -3 -22\n");
  });
});
