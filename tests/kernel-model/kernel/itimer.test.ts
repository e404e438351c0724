/** Interval timers and POSIX timers. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <signal.h>\n#include <time.h>\n#include <sys/time.h>\n#include <sys/wait.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n#include <string.h>\n#include <sys/syscall.h>\nstatic volatile int n,sum;static void h(int s,siginfo_t*i,void*u){n++;sum+=i->si_value.sival_int;}static void on(int s){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(s,&a,0);}\n`;

describe("interval timers", () => {
  it("setitimer repeats, reads back and stops; alarm is the same timer", () => {
    const { stdout } = runSource(
      "itimer-real",
      `${HEAD}int main(void){on(SIGALRM);struct itimerval t={{0,2000},{0,1000}},o;setitimer(ITIMER_REAL,&t,0);while(n<3)pause();getitimer(ITIMER_REAL,&o);printf("%ld %d ",(long)o.it_interval.tv_usec,o.it_value.tv_usec<=2000);
memset(&t,0,sizeof t);setitimer(ITIMER_REAL,&t,&o);int k=n;usleep(100000);printf("%d %d ",n==k,o.it_interval.tv_usec==2000);alarm(10);printf("%d\\n",alarm(0));return 0;}`,
    );
    expect(stdout).to.equal("2000 1 1 1 10\n");
  });

  it("POSIX timers carry their value, count overruns and can be deleted", () => {
    const { stdout } = runSource(
      "itimer-posix",
      `${HEAD}int main(void){on(SIGUSR1);struct sigevent e={.sigev_notify=SIGEV_SIGNAL,.sigev_signo=SIGUSR1,.sigev_value.sival_int=5};timer_t t;timer_create(CLOCK_MONOTONIC,&e,&t);struct itimerspec s={{0,1000000},{0,1000000}},o;timer_settime(t,0,&s,0);while(n<3)pause();
timer_gettime(t,&o);printf("%d %d %d ",sum,o.it_interval.tv_nsec==1000000,o.it_value.tv_nsec<=1000000);printf("%d ",timer_getoverrun(t)>=0);timer_delete(t);n=0;usleep(10000);printf("%d %d\\n",n,timer_delete(t)==-1&&errno==EINVAL);return 0;}`,
    );
    expect(stdout).to.equal("15 1 1 1 0 1\n");
  });

  it("absolute times, timers without a signal, for one thread", () => {
    const { stdout } = runSource(
      "itimer-absolute",
      `${HEAD}int main(void){on(SIGRTMIN);struct timespec now;clock_gettime(CLOCK_REALTIME,&now);struct sigevent e={.sigev_notify=SIGEV_THREAD_ID,.sigev_signo=SIGRTMIN};((int*)&e)[4]=syscall(SYS_gettid);timer_t t;printf("%d ",timer_create(CLOCK_REALTIME,&e,&t));now.tv_sec+=3;struct itimerspec s={{0,0},now};timer_settime(t,TIMER_ABSTIME,&s,0);pause();struct timespec b;clock_gettime(CLOCK_REALTIME,&b);printf("%d %d ",n,(int)(b.tv_sec-now.tv_sec));
e.sigev_notify=SIGEV_NONE;timer_t u;printf("%d ",timer_create(CLOCK_MONOTONIC,&e,&u));struct itimerspec q={{0,0},{0,1000}},o;timer_settime(u,0,&q,0);usleep(10);timer_gettime(u,&o);printf("%ld %d\\n",(long)o.it_value.tv_nsec,n);return 0;}`,
    );
    expect(stdout).to.equal("0 1 0 0 0 1\n");
  });

  it("a child inherits no timer, exec keeps the real one", () => {
    const { stdout } = runSource(
      "itimer-exec",
      `${HEAD}int main(int c,char**v){if(c>1){struct itimerval o;getitimer(ITIMER_REAL,&o);printf("%d\\n",o.it_value.tv_sec>50);return 0;}alarm(100);if(!fork())_exit(alarm(0));int st;wait(&st);printf("%d ",st);fflush(stdout);execl(v[0],v[0],"x",(char*)0);return 1;}`,
    );
    expect(stdout).to.equal("0 1\n");
  });
});
