/** futex operations by real threads and processes. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/syscall.h>\n#include <sys/mman.h>\n#include <sys/wait.h>\n#include <linux/futex.h>\n#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n#include <errno.h>\n#include <time.h>\n#include <limits.h>
static long futex(volatile int*a,int op,int v,const void*t,volatile int*b,int v3){long r=syscall(SYS_futex,a,op,v,t,b,v3);return r<0?-errno:r;}
static volatile int w,w2;\n`;

describe("futex", () => {
  it("answers at once: another value, bad addresses, bad operations, no waiters", () => {
    const { stdout } = runSource(
      "futex-errors",
      `${HEAD}int main(void){struct timespec bad={0,-1};
printf("%ld %ld %ld %ld %ld %ld %ld\\n",futex(&w,FUTEX_WAIT,1,0,0,0),futex((int*)((char*)&w+1),FUTEX_WAIT,0,0,0,0),futex((int*)8,FUTEX_WAIT,0,0,0,0),futex(&w,FUTEX_WAIT_BITSET,0,0,0,0),futex(&w,FUTEX_WAIT,0,&bad,0,0),futex(&w,FUTEX_WAKE,1,0,0,0),futex(&w,FUTEX_LOCK_PI,0,0,0,0));return 0;}`,
    );
    expect(stdout).to.equal("-11 -22 -14 -22 -22 0 -38\n");
  });

  it("times out in virtual time, relative and absolute", () => {
    const { stdout } = runSource(
      "futex-timeout",
      `${HEAD}int main(void){struct timespec a,b,t={0,5000000};clock_gettime(CLOCK_MONOTONIC,&a);long r=futex(&w,FUTEX_WAIT_PRIVATE,0,&t,0,0);clock_gettime(CLOCK_MONOTONIC,&b);long ns=(b.tv_sec-a.tv_sec)*1000000000+b.tv_nsec-a.tv_nsec;
printf("%ld %d ",r,ns>=5000000&&ns<5100000);b.tv_sec+=1;printf("%ld ",futex(&w,FUTEX_WAIT_BITSET,0,&b,0,-1));clock_gettime(CLOCK_REALTIME,&b);b.tv_sec-=1;printf("%ld\\n",futex(&w,FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME,0,&b,0,-1));return 0;}`,
    );
    expect(stdout).to.equal("-110 1 -110 -110\n");
  });

  const WAITERS = `static volatile int up;static void*f(void*a){__atomic_fetch_add(&up,1,5);long r=futex(&w,(long)a?FUTEX_WAIT_BITSET:FUTEX_WAIT,0,0,0,(long)a?(int)(long)a:-1);return (void*)r;}
static pthread_t t[4];static void start(int n,long bits){for(int i=0;i<n;i++)pthread_create(t+i,0,f,(void*)(bits?1l<<i:0));while(up<n)sched_yield();usleep(1000);}static int joined(int n){int k=0;void*r;for(int i=0;i<n;i++){pthread_join(t[i],&r);k+=r==0;}return k;}\n`;

  it("wakes as many as asked, and requeues others", () => {
    const { stdout } = runSource(
      "futex-requeue",
      `${HEAD}#include <sched.h>\n${WAITERS}int main(void){start(4,0);printf("%ld ",futex(&w,FUTEX_WAKE,1,0,0,0));printf("%ld ",futex(&w,FUTEX_CMP_REQUEUE,1,(void*)1,&w2,5));printf("%ld ",futex(&w,FUTEX_CMP_REQUEUE,1,(void*)1,&w2,0));
printf("%ld %ld %ld ",futex(&w,FUTEX_WAKE,9,0,0,0),futex(&w2,FUTEX_WAKE,9,0,0,0),futex(&w2,FUTEX_WAKE,9,0,0,0));printf("%d\\n",joined(4));return 0;}`,
    );
    expect(stdout).to.equal("1 -11 2 1 1 0 4\n");
  });

  it("bit sets select waiters", () => {
    const { stdout } = runSource("futex-bitset", `${HEAD}#include <sched.h>\n${WAITERS}int main(void){start(3,1);printf("%ld %ld ",futex(&w,FUTEX_WAKE_BITSET,9,0,0,2),futex(&w,FUTEX_WAKE_BITSET,9,0,0,8));printf("%ld %d\\n",futex(&w,FUTEX_WAKE,9,0,0,0),joined(3));return 0;}`);
    expect(stdout).to.equal("1 0 2 3\n");
  });

  it("FUTEX_WAKE_OP changes the second word and wakes by its old value", () => {
    const { stdout } = runSource(
      "futex-wake-op",
      `${HEAD}int main(void){w2=5;printf("%ld %d ",futex(&w,FUTEX_WAKE_OP,1,(void*)1,&w2,FUTEX_OP(FUTEX_OP_ADD,3,FUTEX_OP_CMP_EQ,5)),w2);futex(&w,FUTEX_WAKE_OP,1,(void*)1,&w2,FUTEX_OP(FUTEX_OP_ANDN,8,FUTEX_OP_CMP_GT,0));printf("%d ",w2);
futex(&w,FUTEX_WAKE_OP,1,(void*)1,&w2,FUTEX_OP(FUTEX_OP_OR|FUTEX_OP_OPARG_SHIFT,4,FUTEX_OP_CMP_LT,0));printf("%d ",w2);futex(&w,FUTEX_WAKE_OP,1,(void*)1,&w2,FUTEX_OP(FUTEX_OP_SET,-7,FUTEX_OP_CMP_NE,0));printf("%d\\n",w2);return 0;}`,
    );
    expect(stdout).to.equal("0 8 0 16 -7\n");
  });

  it("in shared memory it works between processes", () => {
    const { stdout } = runSource(
      "futex-shared",
      `${HEAD}int main(void){volatile int*s=mmap(0,4096,3,MAP_SHARED|MAP_ANONYMOUS,-1,0);int c=fork();if(!c){while(s[0]==0)futex(s,FUTEX_WAIT,0,0,0,0);_exit(s[0]);}usleep(1000);s[0]=9;printf("%ld ",futex(s,FUTEX_WAKE,1,0,0,0));int st;wait(&st);printf("%d\\n",WEXITSTATUS(st));return 0;}`,
    );
    expect(stdout).to.equal("1 9\n");
  });

  it("a signal interrupts; with SA_RESTART the wait goes on", () => {
    const { stdout } = runSource(
      "futex-signal",
      `${HEAD}static volatile int n;static void h(int s){if(++n==2)w=1;}int main(void){struct sigaction a={.sa_handler=h};sigaction(SIGALRM,&a,0);ualarm(1000,0);printf("%ld ",futex(&w,FUTEX_WAIT,0,0,0,0));
a.sa_flags=SA_RESTART;sigaction(SIGALRM,&a,0);ualarm(1000,0);printf("%ld %d\\n",futex(&w,FUTEX_WAIT,0,0,0,0),n);return 0;}`,
    );
    // The restarted call finds the value changed by the handler.
    expect(stdout).to.equal("-4 -11 2\n");
  });
});
