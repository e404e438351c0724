/** Delivery of signals, against qemu where it is deterministic there. */
import { expect } from "chai";
import { expectLikeQemu, runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <signal.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\n#include <setjmp.h>\n#include <sys/wait.h>\n#include <sys/mman.h>\n#include <sys/syscall.h>\n#include <ucontext.h>\n#include <stdlib.h>\n`;

describe("signal delivery", () => {
  it("one-shot handlers, masks during handlers, SA_NODEFER", () => {
    expectLikeQemu(
      "signal-flags",
      `${HEAD}static int depth,most,count;static void h(int s){count++;if(++depth>most)most=depth;if(count<4)raise(s);depth--;}
int main(void){struct sigaction a={.sa_handler=h};sigaction(SIGUSR1,&a,0);raise(SIGUSR1);printf("%d %d ",count,most);
count=most=0;a.sa_flags=SA_NODEFER;sigaction(SIGUSR1,&a,0);raise(SIGUSR1);printf("%d %d ",count,most);
count=9;a.sa_flags=SA_RESETHAND;sigaction(SIGUSR2,&a,0);raise(SIGUSR2);sigaction(SIGUSR2,0,&a);printf("%d\\n",a.sa_handler==SIG_DFL);return 0;}`,
    );
  });

  it("blocked signals wait; standard ones once, real-time ones each time and in order", () => {
    expectLikeQemu(
      "signal-queue",
      `${HEAD}static void h(int s,siginfo_t*i,void*u){char b[32];int n=snprintf(b,32,"%d:%d ",s==SIGRTMIN?100:s,i->si_value.sival_int);write(1,b,n);}
int main(void){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(SIGUSR1,&a,0);sigaction(SIGRTMIN,&a,0);sigset_t s;sigfillset(&s);sigprocmask(SIG_SETMASK,&s,0);
union sigval v;for(int i=1;i<4;i++){v.sival_int=i;sigqueue(getpid(),SIGRTMIN,v);sigqueue(getpid(),SIGUSR1,v);}sigemptyset(&s);sigprocmask(SIG_SETMASK,&s,0);puts("");return 0;}`,
    );
  });

  it("faults carry code and address; a handler may repair them", () => {
    expectLikeQemu(
      "signal-fault",
      `${HEAD}static char*page;static void h(int s,siginfo_t*i,void*u){printf("%d %d %d\\n",s,i->si_code,(char*)i->si_addr==page+100);mprotect(page,65536,3);}
int main(void){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(SIGSEGV,&a,0);page=mmap(0,65536,0,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);page[100]=5;printf("%d\\n",page[100]);
mprotect(page,65536,PROT_READ);page[100]=6;printf("%d\\n",page[100]);return 0;}`,
    );
  });

  it("the core bit of a wait status follows RLIMIT_CORE and dumpable", () => {
    const { stdout } = runSource(
      "signal-core",
      `${HEAD}#include <sys/resource.h>\n#include <sys/prctl.h>\nstatic void t(long soft,int dumpable,int s){fflush(stdout);if(!fork()){struct rlimit r={soft,RLIM_INFINITY};setrlimit(RLIMIT_CORE,&r);prctl(PR_SET_DUMPABLE,dumpable,0,0,0);raise(s);_exit(0);}int st;wait(&st);printf("%x ",st);}
int main(void){fflush(stdout);if(!fork())abort();int st;wait(&st);printf("%x ",st);t(0,1,SIGSEGV);t(4095,1,SIGSEGV);t(4096,1,SIGSEGV);t(1<<20,0,SIGSEGV);t(1<<20,1,SIGTERM);puts("");return 0;}`,
    );
    expect(stdout).to.equal("6 b b 8b b f \n");
  });

  it("unmapped memory has code SEGV_MAPERR; a blocked or ignored fault kills", () => {
    const { stdout } = runSource(
      "signal-forced",
      `${HEAD}static sigjmp_buf j;static void h(int s,siginfo_t*i,void*u){printf("%d %lx\\n",i->si_code,(long)i->si_addr);siglongjmp(j,1);}
int main(void){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(SIGSEGV,&a,0);if(!sigsetjmp(j,1))*(volatile int*)0x123456789abc=1;fflush(stdout);
for(int k=0;k<2;k++){int c=fork(),st;if(!c){if(k)signal(SIGSEGV,SIG_IGN);else{sigset_t s;sigfillset(&s);sigprocmask(SIG_SETMASK,&s,0);}*(volatile int*)8=1;_exit(0);}waitpid(c,&st,0);printf("%d\\n",WTERMSIG(st));}return 0;}`,
    );
    expect(stdout).to.equal("1 123456789abc\n11\n11\n");
  });

  it("a handler on the alternate stack survives a stack overflow", () => {
    expectLikeQemu(
      "signal-altstack",
      `${HEAD}static char alt[32768];static sigjmp_buf j;static volatile int on;static void h(int s){char x;on=&x>alt&&&x<alt+sizeof alt;stack_t t;sigaltstack(0,&t);on+=2*(t.ss_flags==SS_ONSTACK);siglongjmp(j,1);}
static int f(int n){volatile char b[4096];b[0]=n;return f(n+1)+b[0];}
int main(void){stack_t t={.ss_sp=alt,.ss_size=sizeof alt};sigaltstack(&t,0);struct sigaction a={.sa_handler=h,.sa_flags=SA_ONSTACK};sigaction(SIGSEGV,&a,0);if(!sigsetjmp(j,1))f(0);printf("%d\\n",on);
t.ss_size=100;printf("%d %d\\n",sigaltstack(&t,0),errno==ENOMEM);return 0;}`,
    );
  });

  it("without an alternate stack the overflow kills", () => {
    const { outcome } = runSource("signal-overflow", `${HEAD}static void h(int s){_exit(1);}static int f(int n){volatile char b[4096];b[0]=n;return f(n+1)+b[0];}int main(void){signal(SIGSEGV,h);return f(0);}`);
    expect(outcome).to.include({ kind: "signal", signo: 11 });
  });

  it("interrupted calls: read restarts or fails, pause and nanosleep never restart", () => {
    const { stdout } = runSource(
      "signal-restart",
      `${HEAD}#include <time.h>\nstatic int n;static void h(int s){n++;}int main(void){struct sigaction a={.sa_handler=h,.sa_flags=SA_RESTART};sigaction(SIGALRM,&a,0);
ualarm(1000,0);printf("%d %d ",pause(),errno==EINTR);struct timespec t={1,0},r={0};ualarm(1000,0);printf("%d %d %d ",nanosleep(&t,&r),errno==EINTR,r.tv_nsec>900000000);
int c=fork();if(!c){usleep(5000);_exit(7);}int st;ualarm(1000,0);printf("%d %d ",waitpid(c,&st,0)==c,WEXITSTATUS(st));a.sa_flags=0;sigaction(SIGALRM,&a,0);c=fork();if(!c){usleep(5000);_exit(7);}ualarm(1000,0);printf("%d %d %d\\n",waitpid(c,&st,0),errno==EINTR,n);return 0;}`,
    );
    expect(stdout).to.equal("-1 1 -1 1 1 1 7 -1 1 4\n");
  });

  it("a nanosleep stopped and continued goes on for the rest", () => {
    const { stdout } = runSource(
      "signal-restart-block",
      `${HEAD}#include <time.h>\nint main(void){int c=fork();if(!c){struct timespec t={1,0},a,b;clock_gettime(CLOCK_MONOTONIC,&a);int r=nanosleep(&t,0);clock_gettime(CLOCK_MONOTONIC,&b);printf("%d %d\\n",r,b.tv_sec-a.tv_sec<3);fflush(stdout);_exit(0);}
usleep(100000);kill(c,SIGSTOP);usleep(100000);kill(c,SIGCONT);waitpid(c,0,0);return 0;}`,
    );
    expect(stdout).to.equal("0 1\n");
  });

  it("sigsuspend and sigtimedwait", () => {
    expectLikeQemu(
      "signal-wait",
      `${HEAD}static volatile int got;static void h(int s){got=s;}int main(void){signal(SIGUSR1,h);sigset_t b,e,o;sigemptyset(&b);sigaddset(&b,SIGUSR1);sigaddset(&b,SIGUSR2);sigprocmask(SIG_BLOCK,&b,0);sigemptyset(&e);
raise(SIGUSR1);printf("%d ",got);int r=sigsuspend(&e);sigprocmask(SIG_BLOCK,0,&o);printf("%d %d %d %d ",r,errno==EINTR,got==SIGUSR1,sigismember(&o,SIGUSR1));
raise(SIGUSR2);siginfo_t i;sigset_t w;sigemptyset(&w);sigaddset(&w,SIGUSR2);printf("%d %d ",sigwaitinfo(&w,&i)==SIGUSR2,i.si_pid==getpid());struct timespec t={0,1000};printf("%d %d\\n",sigtimedwait(&w,&i,&t),errno==EAGAIN);return 0;}`,
    );
  });

  it("a signal to a process goes to a thread that does not block it", () => {
    const { stdout } = runSource(
      "signal-thread",
      `${HEAD}#include <pthread.h>\nstatic volatile int who;static volatile int ready;static void h(int s){who=syscall(SYS_gettid);}static void*f(void*a){sigset_t s;sigemptyset(&s);sigaddset(&s,SIGUSR1);pthread_sigmask(SIG_UNBLOCK,&s,0);ready=syscall(SYS_gettid);while(!who)usleep(100);return 0;}
int main(void){signal(SIGUSR1,h);sigset_t s;sigemptyset(&s);sigaddset(&s,SIGUSR1);pthread_sigmask(SIG_BLOCK,&s,0);pthread_t t;pthread_create(&t,0,f,0);while(!ready)usleep(100);kill(getpid(),SIGUSR1);pthread_join(t,0);printf("%d ",who==ready);
who=0;signal(SIGUSR2,h);pthread_kill(pthread_self(),SIGUSR2);printf("%d\\n",who==getpid());return 0;}`,
    );
    expect(stdout).to.equal("1 1\n");
  });

  it("default actions: ignore, terminate, stop", () => {
    expectLikeQemu(
      "signal-default",
      `${HEAD}int main(void){int sigs[]={SIGCHLD,SIGURG,SIGWINCH,SIGCONT,SIGHUP,SIGPIPE,SIGALRM,SIGTERM,SIGUSR1,SIGVTALRM,SIGPROF,SIGIO,40};for(int i=0;i<13;i++){int c=fork(),st;if(!c){raise(sigs[i]);_exit(0);}waitpid(c,&st,0);printf("%d ",WIFSIGNALED(st)?WTERMSIG(st):0);}
int c=fork(),st;if(!c){raise(SIGSTOP);_exit(1);}waitpid(c,&st,WUNTRACED);printf("%d\\n",WIFSTOPPED(st));kill(c,SIGKILL);waitpid(c,&st,0);return 0;}`,
    );
  });
});
