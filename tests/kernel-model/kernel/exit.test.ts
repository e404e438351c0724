/** exit and wait, against qemu where qemu knows them. */
import { expect } from "chai";
import { expectLikeQemu, runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/wait.h>\n#include <sys/resource.h>\n#include <sys/prctl.h>\n#include <sys/syscall.h>\n#include <pthread.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <errno.h>\n`;

describe("exit and wait", () => {
  it("status words: exit codes, signals, core dumps", () => {
    expectLikeQemu(
      "wait-status",
      `${HEAD}int main(void){int st;for(int i=0;i<4;i++){int c=fork();if(!c){if(i==0)_exit(300);if(i==1)raise(SIGTERM);if(i==2)raise(SIGKILL);abort();}
pid_t w=waitpid(c,&st,0);printf("%d %d %d %d\\n",w==c,WIFEXITED(st)?WEXITSTATUS(st):-1,WIFSIGNALED(st)?WTERMSIG(st):-1,WIFSIGNALED(st));}
printf("%d %d\\n",wait(&st),errno);return 0;}`,
    );
  });

  it("WNOHANG, waiting for anyone, process groups, siginfo of waitid", () => {
    const { stdout } = runSource(
      "wait-kinds",
      `${HEAD}int main(void){int c=fork();if(!c){pause();}
printf("%d ",waitpid(c,0,WNOHANG));setpgid(c,c);kill(c,SIGTERM);siginfo_t i;memset(&i,0,sizeof i);
printf("%d ",waitid(P_PGID,c,&i,WEXITED|WNOWAIT));printf("%d %d %d %d ",i.si_pid==c,i.si_code,i.si_status,i.si_signo);
printf("%d ",waitpid(-c,0,0)==c);printf("%d %d\\n",waitpid(-1,0,0),errno);return 0;}`,
    );
    expect(stdout).to.equal("0 0 1 2 15 17 1 -1 10\n");
  });

  it("stopping and continuing are reported once", () => {
    const { stdout } = runSource(
      "wait-stop",
      `${HEAD}int main(void){int st,c=fork();if(!c){raise(SIGSTOP);_exit(3);}
waitpid(c,&st,WUNTRACED);printf("%d %d ",WIFSTOPPED(st),WSTOPSIG(st)==SIGSTOP);printf("%d ",waitpid(c,&st,WUNTRACED|WNOHANG));kill(c,SIGCONT);
waitpid(c,&st,WCONTINUED);printf("%d ",WIFCONTINUED(st));waitpid(c,&st,0);printf("%d\\n",WEXITSTATUS(st));return 0;}`,
    );
    expect(stdout).to.equal("1 1 0 1 3\n");
  });

  it("children of a parent that ignores SIGCHLD leave no zombie", () => {
    expectLikeQemu("autoreap", `${HEAD}int main(void){signal(SIGCHLD,SIG_IGN);if(!fork())_exit(1);printf("%d %d\\n",wait(0),errno==ECHILD);return 0;}`);
  });

  it("orphans go to a subreaper", () => {
    const { stdout } = runSource(
      "subreaper",
      `${HEAD}int main(void){prctl(PR_SET_CHILD_SUBREAPER,1);int me=getpid();if(!fork()){if(!fork()){usleep(1000);_exit(getppid()==me?7:8);}_exit(0);}
int st,n=0,s=0;while(wait(&st)>0){n++;s+=WEXITSTATUS(st);}printf("%d %d\\n",n,s);return 0;}`,
    );
    expect(stdout).to.equal("2 7\n");
  });

  it("exit_group ends all threads; a leader that leaves first leaves the process alive", () => {
    const run = runSource("leader-exit", `${HEAD}static void*f(void*a){usleep(1000);printf("thread\\n");fflush(stdout);_exit(6);}int main(void){pthread_t t;pthread_create(&t,0,f,0);syscall(SYS_exit,1);}`);
    expect([run.stdout, run.outcome]).to.deep.equal(["thread\n", { kind: "exit", code: 6 }]);
    const many = runSource("exit-group", `${HEAD}static void*f(void*a){for(;;);}int main(void){pthread_t t;for(int i=0;i<5;i++)pthread_create(&t,0,f,0);usleep(10);return 2;}`);
    expect(many.outcome).to.deep.equal({ kind: "exit", code: 2 });
  });

  it("robust mutexes: the next owner learns that the last one died", () => {
    // qemu knows no robust lists.
    const { stdout } = runSource(
      "robust",
      `${HEAD}static pthread_mutex_t m;static void*f(void*a){pthread_mutex_lock(&m);return 0;}
int main(void){pthread_mutexattr_t a;pthread_mutexattr_init(&a);pthread_mutexattr_setrobust(&a,PTHREAD_MUTEX_ROBUST);pthread_mutex_init(&m,&a);pthread_t t;pthread_create(&t,0,f,0);pthread_join(t,0);
int r=pthread_mutex_lock(&m);printf("%d ",r==EOWNERDEAD);pthread_mutex_consistent(&m);pthread_mutex_unlock(&m);printf("%d\\n",pthread_mutex_lock(&m));return 0;}`,
    );
    expect(stdout).to.equal("1 0\n");
  });

  it("a waiter of a robust mutex is woken by the death", () => {
    const { stdout } = runSource(
      "robust-waiter",
      `${HEAD}static pthread_mutex_t m;static void*f(void*a){pthread_mutex_lock(&m);usleep(1000);return 0;}static void*g(void*a){printf("%d\\n",pthread_mutex_lock(&m)==EOWNERDEAD);return 0;}
int main(void){pthread_mutexattr_t a;pthread_mutexattr_init(&a);pthread_mutexattr_setrobust(&a,PTHREAD_MUTEX_ROBUST);pthread_mutex_init(&m,&a);pthread_t t,u;pthread_create(&t,0,f,0);usleep(100);pthread_create(&u,0,g,0);pthread_join(t,0);pthread_join(u,0);return 0;}`,
    );
    expect(stdout).to.equal("1\n");
  });

  it("rusage counts faults of the process, of its children, and of execs", () => {
    const { stdout } = runSource(
      "rusage",
      `${HEAD}int main(void){struct rusage a,b,c;char*p=malloc(1<<22);getrusage(RUSAGE_SELF,&a);for(int i=0;i<1<<22;i+=4096)p[i]=1;getrusage(RUSAGE_SELF,&b);
int pid=fork(),st;if(!pid){for(int i=0;i<1<<21;i+=4096)p[i]=2;_exit(0);}struct rusage w;wait4(pid,&st,0,&w);getrusage(RUSAGE_CHILDREN,&c);
printf("%d %d %d %d\\n",(int)(b.ru_minflt-a.ru_minflt)>=1023&&(int)(b.ru_minflt-a.ru_minflt)<1030,w.ru_minflt>=512&&w.ru_minflt<560,c.ru_minflt==w.ru_minflt,b.ru_maxrss>4096&&b.ru_maxrss<8192);return 0;}`,
    );
    expect(stdout).to.equal("1 1 1 1\n");
  });
});
