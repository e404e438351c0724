/** System calls on processes. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/wait.h>\n#include <sys/syscall.h>\n#include <sys/mman.h>\n#include <linux/sched.h>\n#include <fcntl.h>\n#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <errno.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;

describe("process system calls", () => {
  it("arguments that are refused", () => {
    const { stdout } = runSource(
      "proc-errors",
      `${HEAD}int main(void){int st;printf("%ld %ld %ld ",r(waitpid(-1,&st,0)),r(waitpid(-1,&st,0x100)),r(waitid(P_ALL,0,0,0)));printf("%ld %ld ",r(waitid(9,0,0,WEXITED)),r(waitid(P_PID,-1,0,WEXITED)));
printf("%ld %ld ",r(syscall(SYS_clone3,8,88)),r(syscall(SYS_clone3,&st,1l<<20)));char big[200]={0};((long*)big)[4]=17;big[150]=1;printf("%ld ",r(syscall(SYS_clone3,big,200)));printf("%ld\\n",r(syscall(SYS_execveat,-100,"/bin/program",0,0,99)));return 0;}`,
    );
    expect(stdout).to.equal("-10 -22 -22 -22 -22 -14 -7 -7 -22\n");
  });

  it("set_tid_address returns the thread and takes the word", () => {
    const { stdout } = runSource("proc-tid", `${HEAD}#include <sys/prctl.h>\nint main(void){static int w;int*p;printf("%d ",(int)syscall(SYS_set_tid_address,&w)==getpid());prctl(40,&p);printf("%d\\n",p==&w);return 0;}`);
    expect(stdout).to.equal("1 1\n");
  });

  it("status and usage go to user memory, a bad address is an error", () => {
    const { stdout } = runSource("proc-wait-fault", `${HEAD}int main(void){if(!fork())_exit(3);printf("%ld ",r(wait4(-1,(void*)8,0,0)));if(!fork())_exit(4);siginfo_t i;memset(&i,0xff,sizeof i);waitid(P_ALL,0,&i,WEXITED);printf("%d %d %d ",i.si_status,i.si_code,i.si_errno);printf("%ld\\n",r(waitid(P_ALL,0,&i,WEXITED)));return 0;}`);
    expect(stdout).to.equal("-14 4 1 0 -10\n");
  });

  it("waitid WNOHANG without a result clears the record", () => {
    const { stdout } = runSource("proc-wnohang", `${HEAD}int main(void){int c=fork();if(!c)pause();siginfo_t i;i.si_pid=7;printf("%ld ",r(waitid(P_PID,c,&i,WEXITED|WNOHANG)));printf("%d\\n",i.si_pid);kill(c,SIGKILL);return 0;}`);
    expect(stdout).to.equal("0 0\n");
  });

  it("execveat by descriptor and relative to a directory", () => {
    const { stdout } = runSource(
      "proc-execveat",
      `${HEAD}int main(int c,char**v){if(c>1){printf("%s ",v[1]);return 0;}for(int k=0;k<3;k++){int p=fork();if(!p){char*a[]={v[0],(char*[]){"fd","dir","abs"}[k],0};char*e[]={0};
if(k==0)syscall(SYS_execveat,open("/bin/program",O_RDONLY),"",a,e,AT_EMPTY_PATH);if(k==1)syscall(SYS_execveat,open("/bin",O_RDONLY|O_DIRECTORY),"program",a,e,0);if(k==2)syscall(SYS_execveat,-100,"/bin/program",a,e,0);_exit(1);}int st;waitpid(p,&st,0);printf("%d ",st);fflush(stdout);}puts("");return 0;}`,
    );
    expect(stdout.replace(/\s+/g, " ").trim().split(" ").sort()).to.deep.equal(["0", "0", "0", "abs", "dir", "fd"]);
  });

  it("an environment of many strings arrives whole", () => {
    const env = Array.from({ length: 500 }, (_, i) => `V${i}=${"x".repeat(i)}`);
    const { stdout } = runSource("proc-environ", `${HEAD}extern char**environ;int main(int c,char**v){if(c==1){execl(v[0],v[0],"again",(char*)0);return 1;}int n=0;long s=0;for(char**e=environ;*e;e++){n++;s+=strlen(*e);}printf("%d %ld\\n",n,s);return 0;}`, { env });
    expect(stdout).to.equal(`500 ${env.join("").length}\n`);
  });
});
