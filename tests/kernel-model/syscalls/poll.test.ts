/** poll and select. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <poll.h>\n#include <sys/select.h>\n#include <signal.h>\n#include <unistd.h>\n#include <fcntl.h>\n#include <time.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\n#include <sys/syscall.h>\n#include <sys/wait.h>\nstatic long r(long v){return v==-1?-errno:v;}static volatile int n;static void h(int s){n++;}\n`;

describe("poll and select", () => {
  it("report files that are always ready, closed descriptors and ignored ones", () => {
    const { stdout } = runSource(
      "poll-basic",
      `${HEAD}int main(void){int f=open("/bin/program",O_RDONLY);struct pollfd p[3]={{f,POLLIN|POLLOUT},{99,POLLIN},{-1,POLLIN}};printf("%ld %x %x %x ",r(poll(p,3,0)),p[0].revents,p[1].revents,p[2].revents);fd_set a,b;FD_ZERO(&a);FD_ZERO(&b);FD_SET(f,&a);FD_SET(f,&b);printf("%ld %d %d ",r(select(f+1,&a,&b,0,0)),FD_ISSET(f,&a),FD_ISSET(f,&b));
FD_SET(99,&a);struct timeval t={0,0};printf("%ld %ld ",r(select(100,&a,0,0,&t)),r(select(-1,0,0,0,&t)));printf("%ld %ld\\n",r(syscall(SYS_ppoll,8,1,0,0,8)),r(syscall(SYS_ppoll,p,1l<<20,0,0,8)));return 0;}`,
    );
    expect(stdout).to.equal("2 5 20 0 2 1 1 -9 -22 -14 -22\n");
  });

  it("time out in virtual time", () => {
    const { stdout } = runSource(
      "poll-timeout",
      `${HEAD}static long ms(void){struct timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return t.tv_sec*1000+t.tv_nsec/1000000;}int main(void){long a=ms();printf("%ld ",r(poll(0,0,700)));printf("%ld ",ms()-a);a=ms();struct timeval t={2,0};printf("%ld ",r(select(0,0,0,0,&t)));printf("%ld %ld\\n",ms()-a,(long)t.tv_sec);return 0;}`,
    );
    expect(stdout).to.match(/^0 70[01] 0 200[01] 0\n$/);
  });

  it("are interrupted by signals, with their own mask while they wait", () => {
    const { stdout } = runSource(
      "poll-signal",
      `${HEAD}int main(void){signal(SIGALRM,h);ualarm(1000,0);printf("%ld %d ",r(poll(0,0,-1)),n);sigset_t b,e,o;sigemptyset(&b);sigaddset(&b,SIGUSR1);sigemptyset(&e);sigprocmask(SIG_BLOCK,&b,0);signal(SIGUSR1,h);raise(SIGUSR1);printf("%d ",n);printf("%ld ",r(ppoll(0,0,0,&e)));printf("%d ",n);sigprocmask(SIG_BLOCK,0,&o);printf("%d ",sigismember(&o,SIGUSR1));
struct timespec t={0,0};printf("%ld ",r(ppoll(0,0,&t,&e)));sigprocmask(SIG_BLOCK,0,&o);printf("%d ",sigismember(&o,SIGUSR1));raise(SIGUSR1);printf("%ld %d\\n",r(pselect(0,0,0,0,0,&e)),n);return 0;}`,
    );
    expect(stdout).to.equal("-4 1 1 -4 2 1 0 1 -4 3\n");
  });
});
