/** fork, vfork, clone and clone3, against qemu where qemu knows them. */
import { expect } from "chai";
import { expectLikeQemu, runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/wait.h>\n#include <sys/mman.h>\n#include <sys/syscall.h>\n#include <sched.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <errno.h>\n#include <fcntl.h>\n`;

describe("fork and clone", () => {
  it("a child has its own copy of private memory and shares shared memory and file positions", () => {
    expectLikeQemu(
      "fork-memory",
      `${HEAD}static int d=1;int main(void){int*s=mmap(0,4096,3,MAP_SHARED|MAP_ANONYMOUS,-1,0);int*p=malloc(1<<20);p[1000]=5;
int c=fork();if(!c){d=2;p[1000]=6;*s=7;_exit(0);}waitpid(c,0,0);printf("%d %d %d\\n",d,p[1000],*s);return 0;}`,
    );
  });

  it("a tree of processes", () => {
    expectLikeQemu(
      "fork-tree",
      `${HEAD}static int tree(int n){if(!n)return 1;int c[2],s=0,st;for(int i=0;i<2;i++)if(!(c[i]=fork()))_exit(tree(n-1));for(int i=0;i<2;i++){waitpid(c[i],&st,0);s+=WEXITSTATUS(st);}return s;}
int main(void){printf("%d\\n",tree(5));return 0;}`,
    );
  });

  it("vfork: the parent sleeps until exec or exit and sees the child's stores", () => {
    // qemu forks instead.
    const { stdout } = runSource(
      "vfork-order",
      `${HEAD}static volatile int x;int main(int n,char**v){if(n>1)return 9;int st,c=vfork();if(!c){x=1;execl(v[0],v[0],"again",(char*)0);_exit(1);}printf("%d ",x);waitpid(c,&st,0);printf("%d\\n",WEXITSTATUS(st));return 0;}`,
    );
    expect(stdout).to.equal("1 9\n");
  });

  it("raw clone: stack, TLS-less thread, tid words", () => {
    const { stdout } = runSource(
      "clone-raw",
      `${HEAD}static volatile int parent_tid,child_tid=-1,seen;static char stack[65536];
static int f(void*a){seen=(int)(long)a;while(!parent_tid);return 0;}
int main(void){int t=clone(f,stack+sizeof stack,CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID,(void*)42,&parent_tid,0,&child_tid);
int first=child_tid;while(child_tid)syscall(SYS_futex,&child_tid,0,first,0,0,0);printf("%d %d %d\\n",parent_tid==t,seen,child_tid);return 0;}`,
    );
    expect(stdout).to.equal("1 42 0\n");
  });

  it("clone3 makes a process with its own exit signal", () => {
    const { stdout } = runSource(
      "clone3",
      `${HEAD}#include <linux/sched.h>\nstatic volatile int got;static void h(int s){got=s;}
int main(void){signal(SIGUSR1,h);struct clone_args a={.exit_signal=SIGUSR1};int c=syscall(SYS_clone3,&a,sizeof a);if(!c)_exit(4);int st;int w=waitpid(c,&st,__WALL);printf("%d %d %d\\n",w==c,WEXITSTATUS(st),got==SIGUSR1);
a.flags=CLONE_THREAD;printf("%ld %d\\n",syscall(SYS_clone3,&a,sizeof a),errno);printf("%ld %d\\n",syscall(SYS_clone3,&a,8),errno);return 0;}`,
    );
    expect(stdout).to.equal("1 4 1\n-1 22\n-1 22\n");
  });

  it("flags that contradict each other are refused", () => {
    const { stdout } = runSource(
      "clone-flags",
      `${HEAD}int main(void){unsigned long bad[]={CLONE_THREAD,CLONE_SIGHAND,CLONE_NEWNS,CLONE_NEWPID};for(int i=0;i<4;i++)printf("%ld %d\\n",syscall(SYS_clone,bad[i],0,0,0,0),errno);return 0;}`,
    );
    expect(stdout).to.equal("-1 22\n".repeat(4));
  });

  it("unshare gives a thread a file mode mask and descriptors of its own", () => {
    expectLikeQemu(
      "fork-unshare",
      `${HEAD}#include <pthread.h>\n#include <sys/stat.h>\nstatic void*f(void*flags){int e=unshare((long)flags);printf("%d ",e);umask(077);close(1);open("/dev/null",O_WRONLY);return 0;}
static void show(void){printf("%o\\n",umask(022));}int main(void){pthread_t t;setvbuf(stdout,0,_IONBF,0);umask(022);show();pthread_create(&t,0,f,(void*)(long)(CLONE_FS|CLONE_FILES));pthread_join(t,0);show();
pthread_create(&t,0,f,(void*)(long)CLONE_FILES);pthread_join(t,0);show();printf("%d %d\\n",unshare(0x100000),errno);printf("%d\\n",unshare(CLONE_FS|CLONE_FILES));return 0;}`,
    );
  });

  it("unshare of what only a lone thread has to itself, and of namespaces", () => {
    const { stdout } = runSource(
      "fork-unshare-alone",
      `${HEAD}#include <pthread.h>\nstatic void try(int f){int r=unshare(f);printf("%d ",r<0?-errno:r);}static void*f(void*a){try(CLONE_THREAD);try(CLONE_VM);try(CLONE_SIGHAND);try(CLONE_SYSVSEM);return 0;}
int main(void){pthread_t t;try(CLONE_THREAD|CLONE_VM|CLONE_SIGHAND);pthread_create(&t,0,f,0);pthread_join(t,0);try(CLONE_NEWNS);try(CLONE_NEWUSER);return 0;}`,
    );
    expect(stdout).to.equal("0 -22 -22 -22 0 -22 -22 ");
  });

  it("a fork bomb ends at the limit of tasks, not with the lab", () => {
    const run = runSource("fork-bomb", `${HEAD}int main(void){int n=0;for(;;){int c=fork();if(c<0)break;n++;if(!c)pause();}printf("%d %d\\n",n,errno);kill(0,SIGKILL);return 0;}`, { kernel: { maxTasks: 40 } });
    expect(run.outcome).to.include({ kind: "signal", signo: 9 });
  });

  it("a child begins with the parent's mask, handlers, nice value and directory, and with no pending signals", () => {
    expectLikeQemu(
      "fork-inherits",
      `${HEAD}static void h(int s){}int main(void){signal(SIGUSR1,h);sigset_t s,p;sigemptyset(&s);sigaddset(&s,SIGUSR2);sigprocmask(SIG_BLOCK,&s,0);raise(SIGUSR2);
if(!fork()){struct sigaction a;sigaction(SIGUSR1,0,&a);sigprocmask(SIG_BLOCK,0,&s);sigpending(&p);printf("%d %d %d\\n",a.sa_handler==h,sigismember(&s,SIGUSR2),sigismember(&p,SIGUSR2));fflush(stdout);_exit(0);}wait(0);sigpending(&p);printf("%d\\n",sigismember(&p,SIGUSR2));return 0;}`,
    );
  });
});
