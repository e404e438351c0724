/** System calls on signals. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <signal.h>\n#include <sys/syscall.h>\n#include <sys/wait.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\nstatic long r(long v){return v==-1?-errno:v;}\nstatic void h(int s){}\n`;

describe("signal system calls", () => {
  it("arguments that are refused", () => {
    const { stdout } = runSource(
      "sig-errors",
      `${HEAD}int main(void){long a[4]={0};printf("%ld %ld %ld %ld ",r(syscall(SYS_rt_sigaction,99,a,0,8)),r(syscall(SYS_rt_sigaction,SIGKILL,a,0,8)),r(syscall(SYS_rt_sigaction,10,8,0,8)),r(syscall(SYS_rt_sigaction,10,a,0,4)));
printf("%ld %ld ",r(syscall(SYS_rt_sigprocmask,7,a,0,8)),r(syscall(SYS_rt_sigprocmask,0,8,0,8)));printf("%ld %ld %ld %ld %ld ",r(kill(getpid(),99)),r(kill(99999,0)),r(kill(getpid(),0)),r(kill(-77777,0)),r(kill(-1,0)));
printf("%ld %ld %ld %ld ",r(syscall(SYS_tgkill,getpid(),getpid(),0)),r(syscall(SYS_tgkill,getpid(),99999,0)),r(syscall(SYS_tgkill,-1,1,0)),r(syscall(SYS_tkill,0,1)));printf("%ld\\n",r(syscall(SYS_rt_sigsuspend,a,4)));return 0;}`,
    );
    expect(stdout).to.equal("-22 -22 -14 -22 -22 -14 -22 -3 0 -3 -3 0 -3 -22 -22 -22\n");
  });

  it("old actions, masks and pending sets are reported; SIGKILL and SIGSTOP stay unblocked", () => {
    const { stdout } = runSource(
      "sig-report",
      `${HEAD}int main(void){struct sigaction a={.sa_handler=h,.sa_flags=SA_RESTART},o;sigaddset(&a.sa_mask,SIGUSR2);sigaction(SIGUSR1,&a,0);sigaction(SIGUSR1,0,&o);printf("%d %d %d ",o.sa_handler==h,(o.sa_flags&SA_RESTART)!=0,sigismember(&o.sa_mask,SIGUSR2));
sigset_t s,old;sigfillset(&s);sigprocmask(SIG_SETMASK,&s,0);sigprocmask(SIG_BLOCK,0,&old);printf("%d %d ",sigismember(&old,SIGKILL),sigismember(&old,SIGTERM));raise(SIGTERM);sigpending(&s);printf("%d %d\\n",sigismember(&s,SIGTERM),sigismember(&s,SIGINT));return 0;}`,
    );
    expect(stdout).to.equal("1 1 1 0 1 1 0\n");
  });

  it("ignoring a signal drops what is pending", () => {
    const { stdout } = runSource("sig-ignore-pending", `${HEAD}int main(void){sigset_t s;sigemptyset(&s);sigaddset(&s,SIGUSR1);sigprocmask(SIG_BLOCK,&s,0);raise(SIGUSR1);signal(SIGUSR1,SIG_IGN);sigpending(&s);printf("%d\\n",sigismember(&s,SIGUSR1));return 0;}`);
    expect(stdout).to.equal("0\n");
  });

  it("nobody can pretend to be the kernel to another process", () => {
    const { stdout } = runSource("sig-pretend", `${HEAD}int main(void){int c=fork();if(!c)pause();siginfo_t i={.si_signo=10,.si_code=1};printf("%ld ",r(syscall(SYS_rt_sigqueueinfo,c,10,&i)));i.si_code=SI_QUEUE;printf("%ld ",r(syscall(SYS_rt_sigqueueinfo,c,10,&i)));int st;waitpid(c,&st,0);printf("%d %ld\\n",WTERMSIG(st),r(syscall(SYS_rt_tgsigqueueinfo,1,1,10,&i)));return 0;}`);
    expect(stdout).to.equal("-1 0 10 -3\n");
  });

  it("users may only signal their own processes", () => {
    const { stdout } = runSource("sig-permission", `${HEAD}int main(void){int c=fork();if(!c)pause();setuid(1000);printf("%ld ",r(kill(c,SIGTERM)));int d=fork();if(!d)pause();printf("%ld ",r(kill(d,SIGTERM)));int st;waitpid(d,&st,0);printf("%d\\n",WTERMSIG(st));return 0;}`);
    expect(stdout).to.equal("-1 0 15\n");
  });

  it("a process group gets a signal together", () => {
    const { stdout } = runSource("sig-group", `${HEAD}int main(void){signal(SIGUSR1,SIG_IGN);int n=0,st;for(int i=0;i<3;i++)if(!fork()){signal(SIGUSR1,SIG_DFL);pause();}usleep(1000);kill(0,SIGUSR1);while(wait(&st)>0)n+=WTERMSIG(st)==SIGUSR1;printf("%d\\n",n);return 0;}`);
    expect(stdout).to.equal("3\n");
  });

  it("restart_syscall without anything to restart", () => {
    expect(runSource("sig-restart", `${HEAD}int main(void){printf("%ld\\n",r(syscall(SYS_restart_syscall)));return 0;}`).stdout).to.equal("-4\n");
  });
});
