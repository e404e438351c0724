import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <sched.h>\n#include <sys/resource.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n#include <time.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;

describe("scheduling calls", () => {
  it("there is one CPU", () => {
    const { stdout } = runSource("sched-cpus", `${HEAD}int main(void){cpu_set_t s;unsigned c=9,n=9;printf("%ld %ld ",sysconf(_SC_NPROCESSORS_ONLN),r(sched_getaffinity(0,sizeof s,&s)));printf("%d %ld ",CPU_COUNT(&s),r(syscall(SYS_getcpu,&c,&n,0)));printf("%u %u ",c,n);CPU_ZERO(&s);printf("%ld ",r(sched_setaffinity(0,sizeof s,&s)));CPU_SET(0,&s);printf("%ld %ld\\n",r(sched_setaffinity(0,sizeof s,&s)),r(sched_setaffinity(99999,sizeof s,&s)));return 0;}`);
    expect(stdout).to.equal("1 0 1 0 0 0 -22 0 -3\n");
  });

  it("policies: normal ones are accepted, real time needs a privilege", () => {
    const { stdout } = runSource("sched-policy", `${HEAD}int main(void){struct sched_param p={0};printf("%d %ld ",sched_getscheduler(0),r(sched_setscheduler(0,SCHED_BATCH,&p)));p.sched_priority=5;printf("%ld %ld ",r(sched_setscheduler(0,SCHED_FIFO,&p)),r(sched_setscheduler(0,SCHED_OTHER,&p)));printf("%d %d %d ",sched_get_priority_max(SCHED_RR),sched_get_priority_min(SCHED_FIFO),sched_get_priority_max(SCHED_OTHER));printf("%ld ",r(sched_get_priority_max(77)));struct timespec t;printf("%ld %ld\\n",r(sched_rr_get_interval(0,&t)),r(sched_getparam(99999,&p)));return 0;}`);
    expect(stdout).to.equal("0 0 -1 -22 99 1 0 -22 0 -3\n");
  });

  it("nice values are kept and cut to their range", () => {
    const { stdout } = runSource("sched-nice", `${HEAD}int main(void){printf("%d ",getpriority(PRIO_PROCESS,0));setpriority(PRIO_PROCESS,0,5);printf("%d ",getpriority(PRIO_PROCESS,0));setpriority(PRIO_PGRP,0,-100);printf("%d ",getpriority(PRIO_USER,0));printf("%ld %ld\\n",r(setpriority(PRIO_PROCESS,99999,0)),r(getpriority(9,0)));return 0;}`);
    expect(stdout).to.equal("0 5 -20 -3 -22\n");
  });
});
