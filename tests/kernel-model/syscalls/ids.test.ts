/** Identifiers of processes and users. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <unistd.h>\n#include <sys/fsuid.h>\n#include <sys/types.h>\n#include <sys/wait.h>\n#include <sys/syscall.h>\n#include <sys/mman.h>\n#include <grp.h>\n#include <stdio.h>\n#include <errno.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;

describe("identifiers", () => {
  it("processes, threads, groups, sessions", () => {
    const { stdout } = runSource(
      "ids-process",
      `${HEAD}int main(void){int p=getpid();printf("%d %d %d %d %d ",p,getppid(),getpgrp()==p,getsid(0)==p,(int)syscall(SYS_gettid)==p);int c=fork();if(!c){printf("%d %d %d ",getppid()==p,getpgrp()==p,setsid()==getpid());printf("%ld %d ",r(setpgid(0,0)),getsid(0)==getpid());fflush(stdout);_exit(0);}
printf("%ld %ld ",r(getpgid(99999)),r(getsid(99999)));fflush(stdout);wait(0);printf("%ld %ld\\n",r(setsid()),r(setpgid(1,1)));return 0;}`,
    );
    expect(stdout).to.equal("100 1 1 1 1 -3 -3 100 1 1 1 1 1 1 1 -1 1 -1 -3\n");
  });

  it("root may take any user; others only what they have", () => {
    const { stdout } = runSource(
      "ids-user",
      `${HEAD}int main(void){uid_t a,b,c;printf("%ld ",r(setresuid(-1,1000,2000)));getresuid(&a,&b,&c);printf("%d %d %d ",a,b,c);printf("%ld ",r(setresuid(5,-1,-1)));printf("%ld %d ",r(seteuid(2000)),geteuid());printf("%ld %d ",r(setreuid(-1,0)),geteuid());printf("%ld ",r(setuid(7)));getresuid(&a,&b,&c);printf("%d %d %d ",a,b,c);printf("%ld %ld\\n",r(setuid(0)),r(setgid(5)));return 0;}`,
    );
    expect(stdout).to.equal("0 0 1000 2000 -1 0 2000 0 0 0 7 7 7 -1 -1\n");
  });

  it("supplementary groups and file system ids", () => {
    const { stdout } = runSource("ids-groups", `${HEAD}int main(void){gid_t g[4]={5,6};printf("%ld ",r(setgroups(2,g)));g[0]=g[1]=0;printf("%d %d %d ",getgroups(0,g),getgroups(4,g),g[1]);printf("%ld ",r(getgroups(1,g)));printf("%d %d ",setfsuid(9),setfsuid(-1));printf("%ld\\n",r(setgroups(70000,g)));return 0;}`);
    expect(stdout).to.equal("0 2 2 6 -22 0 9 -22\n");
  });

  it("a user who is not root loses the privilege to lock memory", () => {
    const { stdout } = runSource("ids-privilege", `${HEAD}int main(void){char*p=mmap(0,16<<20,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);printf("%ld ",r(mlock(p,16<<20)));munlock(p,16<<20);setuid(1000);printf("%ld %ld\\n",r(mlock(p,16<<20)),r(mlock(p,4096)));return 0;}`);
    expect(stdout).to.equal("0 -12 0\n");
  });
});
