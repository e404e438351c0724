/** Clocks and sleeping in virtual time. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <time.h>\n#include <sys/time.h>\n#include <sys/times.h>\n#include <sys/syscall.h>\n#include <signal.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n#include <string.h>\nstatic long r(long v){return v==-1?-errno:v;}static long ns(struct timespec a,struct timespec b){return (b.tv_sec-a.tv_sec)*1000000000+b.tv_nsec-a.tv_nsec;}\n`;

describe("clocks", () => {
  it("all advance, CPU clocks only while the process executes", () => {
    const { stdout } = runSource(
      "time-clocks",
      `${HEAD}int main(void){int c[]={CLOCK_REALTIME,CLOCK_MONOTONIC,CLOCK_MONOTONIC_RAW,CLOCK_BOOTTIME,CLOCK_TAI,CLOCK_PROCESS_CPUTIME_ID,CLOCK_THREAD_CPUTIME_ID};for(int i=0;i<7;i++){struct timespec a,b;clock_gettime(c[i],&a);usleep(1000000);clock_gettime(c[i],&b);printf("%d",ns(a,b)>=1000000000);printf("%d ",ns(a,b)>0);}puts("");return 0;}`,
    );
    expect(stdout).to.equal("11 11 11 11 11 01 01 \n");
  });

  it("start at the configured time; two runs see the same", () => {
    const source = `${HEAD}int main(void){struct timeval t;gettimeofday(&t,0);printf("%ld %ld %ld\\n",(long)time(0),(long)t.tv_sec,(long)t.tv_usec/1000);return 0;}`;
    const first = runSource("time-epoch", source, { kernel: { epochSeconds: 86400 } });
    expect(first.stdout).to.match(/^86400 86400 0\n$/);
    expect(runSource("time-epoch", source).stdout).to.match(/^1731881708 /);
  });

  it("clocks that do not exist, resolutions, setting", () => {
    const { stdout } = runSource(
      "time-errors",
      `${HEAD}int main(void){struct timespec t;printf("%ld %ld ",r(clock_gettime(99,&t)),r(syscall(SYS_clock_gettime,1,8)));clock_getres(CLOCK_MONOTONIC,&t);printf("%ld ",(long)t.tv_nsec);clock_getres(CLOCK_REALTIME_COARSE,&t);printf("%ld ",(long)t.tv_nsec);printf("%ld %ld ",r(clock_settime(CLOCK_REALTIME,&t)),r(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID,0,&t,0)));
t.tv_nsec=1000000000;printf("%ld %ld\\n",r(nanosleep(&t,0)),r(nanosleep((void*)8,0)));return 0;}`,
    );
    expect(stdout).to.equal("-22 -14 1 4000000 -1 22 -22 -14\n");
  });

  it("sleeping takes virtual time, not the host's", () => {
    const { stdout } = runSource(
      "time-sleep",
      `${HEAD}int main(void){struct timespec a,b,t;clock_gettime(CLOCK_MONOTONIC,&a);sleep(3600);clock_gettime(CLOCK_MONOTONIC,&b);printf("%ld ",ns(a,b)/1000000000);t=b;t.tv_sec+=100;clock_nanosleep(CLOCK_MONOTONIC,TIMER_ABSTIME,&t,0);clock_gettime(CLOCK_MONOTONIC,&a);printf("%ld ",ns(b,a)/1000000000);printf("%d ",clock_nanosleep(CLOCK_MONOTONIC,TIMER_ABSTIME,&b,0));
clock_gettime(CLOCK_REALTIME,&t);t.tv_sec+=5;clock_nanosleep(CLOCK_REALTIME,TIMER_ABSTIME,&t,0);clock_gettime(CLOCK_REALTIME,&b);printf("%ld\\n",ns(t,b)/1000000);return 0;}`,
    );
    expect(stdout).to.equal("3600 100 0 0\n");
  });

  it("times and CPU clocks of others", () => {
    const { stdout } = runSource("time-cpu", `${HEAD}#include <pthread.h>\nint main(void){struct tms t;long a=times(&t);for(volatile int i=0;i<20000000;i++);long b=times(&t);clockid_t c;printf("%d %d ",b>a,t.tms_utime>=b-a-1);printf("%d ",clock_getcpuclockid(getpid(),&c));struct timespec s;printf("%ld %d ",r(clock_gettime(c,&s)),s.tv_nsec>0);pthread_getcpuclockid(pthread_self(),&c);printf("%ld\\n",r(clock_gettime(c,&s)));return 0;}`);
    expect(stdout).to.equal("1 1 0 0 1 0\n");
  });

  it("timers that do not exist", () => {
    const { stdout } = runSource("time-no-timer", `${HEAD}int main(void){struct itimerspec s={0};printf("%ld %ld %ld %ld %ld ",r(syscall(SYS_timer_settime,9,0,&s,0)),r(syscall(SYS_timer_gettime,9,&s)),r(syscall(SYS_timer_delete,9)),r(syscall(SYS_timer_create,77,0,&s)),r(syscall(SYS_timer_getoverrun,1)));struct itimerval v={0};printf("%ld\\n",r(syscall(SYS_setitimer,9,&v,0)));return 0;}`);
    expect(stdout).to.equal("-22 -22 -22 -22 -22 -22\n");
  });
});
