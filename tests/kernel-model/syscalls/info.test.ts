/** uname, sysinfo, limits, random numbers, prctl. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <sys/utsname.h>\n#include <sys/sysinfo.h>\n#include <sys/resource.h>\n#include <sys/prctl.h>\n#include <sys/random.h>\n#include <sys/personality.h>\n#include <sys/mman.h>\n#include <sys/stat.h>\n#include <signal.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\nstatic long r(long v){return v==-1?-errno:v;}\n`;

describe("what the machine says of itself", () => {
  it("is Linux 6.12 on aarch64", () => {
    const { stdout } = runSource("info-uname", `${HEAD}int main(void){struct utsname u;uname(&u);sethostname("other",5);struct utsname v;uname(&v);printf("%s %s %s %s %s %s\\n",u.sysname,u.machine,u.release,u.nodename,v.nodename,u.domainname);return 0;}`);
    expect(stdout).to.equal("Linux aarch64 6.12.107 foliolab other (none)\n");
  });

  it("has the memory that it was given", () => {
    const { stdout } = runSource("info-sysinfo", `${HEAD}int main(void){struct sysinfo i;sysinfo(&i);printf("%d %d %d %d %u\\n",i.totalram*i.mem_unit<=128<<20,i.totalram*i.mem_unit>120<<20,i.freeram<i.totalram,i.procs,i.mem_unit);return 0;}`);
    expect(stdout).to.equal("1 1 1 1 1\n");
  });

  it("random numbers come from the seed", () => {
    const source = `${HEAD}int main(void){unsigned char b[8];printf("%ld ",r(getrandom(b,8,0)));for(int i=0;i<8;i++)printf("%02x",b[i]);printf(" %ld %ld\\n",r(getrandom(b,8,64)),r(getrandom((void*)8,8,0)));return 0;}`;
    const draw = (seed: number): string => runSource("info-random", source, { kernel: { seed } }).stdout;
    expect(draw(1)).to.match(/^8 [0-9a-f]{16} -22 -14\n$/);
    expect(draw(1)).to.equal(draw(1));
    expect(draw(1)).to.not.equal(draw(2));
  });
});

describe("limits", () => {
  it("are read, lowered and enforced", () => {
    const { stdout } = runSource(
      "info-limits",
      `${HEAD}#include <fcntl.h>\nint main(void){struct rlimit l;getrlimit(RLIMIT_STACK,&l);printf("%ld %d ",(long)l.rlim_cur,l.rlim_max==RLIM_INFINITY);l=(struct rlimit){5,5};printf("%ld ",r(setrlimit(RLIMIT_NOFILE,&l)));printf("%d ",open("/bin/program",O_RDONLY));printf("%d ",open("/bin/program",O_RDONLY));printf("%ld ",r(open("/bin/program",O_RDONLY)));
l=(struct rlimit){10,5};printf("%ld %ld ",r(setrlimit(RLIMIT_AS,&l)),r(setrlimit(99,&l)));l=(struct rlimit){1<<20,1<<20};setrlimit(RLIMIT_AS,&l);printf("%ld ",r((long)mmap(0,1<<20,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0)));printf("%ld\\n",r(prlimit(99999,RLIMIT_AS,0,&l)));return 0;}`,
    );
    expect(stdout).to.equal("8388608 1 0 3 4 -24 -22 -22 -12 -3\n");
  });

  it("a file may not grow beyond RLIMIT_FSIZE", () => {
    const { stdout } = runSource("info-fsize", `${HEAD}#include <fcntl.h>\nstatic int got;static void h(int s){got=s;}int main(void){signal(SIGXFSZ,h);struct rlimit l={10,10};setrlimit(RLIMIT_FSIZE,&l);int f=open("/w",O_RDWR|O_CREAT,0600);printf("%ld ",r(write(f,"0123456789abcdef",16)));printf("%ld %d\\n",r(write(f,"x",1)),got==SIGXFSZ);return 0;}`);
    expect(stdout).to.equal("10 -27 1\n");
  });
});

describe("prctl and relatives", () => {
  it("names, death signals, flags", () => {
    const { stdout } = runSource(
      "info-prctl",
      `${HEAD}int main(void){char n[16];int v;prctl(PR_GET_NAME,n);printf("%s ",n);prctl(PR_SET_NAME,"a name that is too long");prctl(PR_GET_NAME,n);printf("[%s] ",n);prctl(PR_SET_PDEATHSIG,SIGTERM);prctl(PR_GET_PDEATHSIG,&v);printf("%d %ld ",v,r(prctl(PR_SET_PDEATHSIG,99)));
printf("%d %ld %d ",prctl(PR_GET_DUMPABLE),r(prctl(PR_SET_DUMPABLE,0)),prctl(PR_GET_DUMPABLE));printf("%ld %ld %ld ",r(prctl(PR_SET_NO_NEW_PRIVS,2,0,0,0)),r(prctl(PR_SET_NO_NEW_PRIVS,1,0,0,0)),r(prctl(PR_GET_NO_NEW_PRIVS,0,0,0,0)));printf("%ld %ld %ld ",r(prctl(PR_SET_THP_DISABLE,1,0,0,0)),r(prctl(PR_GET_THP_DISABLE,0,0,0,0)),r(prctl(9999)));printf("%ld\\n",r(prctl(PR_GET_TIMERSLACK)));return 0;}`,
    );
    expect(stdout).to.equal("program [a name that is ] 15 -22 1 0 0 -22 0 1 0 1 -22 50000\n");
  });

  it("memory-deny-write-execute holds", () => {
    const { stdout } = runSource("info-mdwe", `${HEAD}int main(void){char*p=mmap(0,4096,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);printf("%ld %ld ",r(prctl(65,2,0,0,0)),r(prctl(65,1,0,0,0)));printf("%ld %ld %ld\\n",r(prctl(66,0,0,0,0)),r(prctl(65,0,0,0,0)),r(mprotect(p,4096,5)));return 0;}`);
    expect(stdout).to.equal("-22 0 1 -1 -13\n");
  });

  it("umask and personality", () => {
    const { stdout } = runSource("info-umask", `${HEAD}int main(void){printf("%o %o ",umask(0777),umask(022));printf("%x %ld %x\\n",personality(0xffffffff),r(personality(ADDR_NO_RANDOMIZE)),personality(0xffffffff));return 0;}`);
    expect(stdout).to.equal("22 777 0 0 40000\n");
  });
});
