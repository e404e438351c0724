/** System calls on memory. */
import { expect } from "chai";
import { expectLikeQemu, runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <sys/mman.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n#include <string.h>\n#include <stdlib.h>\n#include <sys/syscall.h>\n#include <fcntl.h>\nstatic long r(long v){return v==-1?-errno:v;}static long P;\n`;

describe("memory system calls", () => {
  it("map, write, unmap, brk", () => {
    expectLikeQemu(
      "mem-basic",
      `${HEAD}int main(void){P=sysconf(_SC_PAGESIZE);char*a=mmap(0,3*P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);a[0]=1;a[2*P]=3;printf("%ld ",r(munmap(a+P,P)));printf("%d %d ",a[0],a[2*P]);char*b=mmap(a+P,P,3,MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,-1,0);printf("%d %d ",b==a+P,b[0]);
char*h=sbrk(0);printf("%d ",sbrk(1<<20)==h);h[100]=1;printf("%d\\n",brk(h)==0);return 0;}`,
    );
  });

  it("arguments that are refused", () => {
    const { stdout } = runSource(
      "mem-errors",
      `${HEAD}int main(void){P=sysconf(_SC_PAGESIZE);char*a=mmap(0,4*P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);
printf("%ld ",r(syscall(SYS_mmap,0,P,3,MAP_PRIVATE,-1,0)));printf("%ld ",r(syscall(SYS_mmap,0,P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,1)));printf("%ld ",r(syscall(SYS_mmap,0,0,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0)));printf("%ld ",r(syscall(SYS_mmap,0,-1l,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0)));printf("%ld ",r(syscall(SYS_mmap,0,P,3,MAP_ANONYMOUS,-1,0)));
printf("%ld ",r(syscall(SYS_mmap,a,P,3,MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE,-1,0)));printf("%ld ",r(syscall(SYS_mmap,a+1,P,3,MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED,-1,0)));
printf("%ld %ld %ld ",r(munmap(a+1,P)),r(munmap(a,0)),r(mprotect(a+1,P,1)));printf("%ld ",r(mprotect((void*)(1l<<47),P,1)));printf("%ld ",r(madvise(a,P,99)));printf("%ld ",r((long)mremap(a,P,2*P,0)));printf("%ld\\n",r(msync(a,P,MS_SYNC|MS_ASYNC)));return 0;}`,
    );
    expect(stdout).to.equal("-9 -22 -22 -12 -22 -17 -22 -22 -22 -22 -12 -22 -12 -22\n");
  });

  it("mincore tells touched pages from others", () => {
    const { stdout } = runSource(
      "mem-mincore",
      `${HEAD}int main(void){P=sysconf(_SC_PAGESIZE);char*a=mmap(0,5*P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);unsigned char v[5];a[P]=a[3*P]=1;printf("%ld ",r(mincore(a,5*P,v)));for(int i=0;i<5;i++)printf("%d",v[i]);munmap(a+4*P,P);
printf(" %ld %ld %ld %ld\\n",r(mincore(a,5*P,v)),r(mincore(a+1,P,v)),r(mincore(a,P,(void*)8)),r(syscall(SYS_mincore,1l<<60,P,v)));return 0;}`,
    );
    expect(stdout).to.equal("0 01010 -12 -22 -14 -12\n");
  });

  it("locking faults memory in; flags are checked", () => {
    const { stdout } = runSource(
      "mem-mlock",
      `${HEAD}int main(void){P=sysconf(_SC_PAGESIZE);char*a=mmap(0,4*P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);unsigned char v[4];printf("%ld ",r(mlock(a+10,2*P)));mincore(a,4*P,v);printf("%d%d%d%d ",v[0],v[1],v[2],v[3]);printf("%ld %ld %ld ",r(munlock(a,4*P)),r(mlock2(a,P,8)),r(mlock2(a,P,MLOCK_ONFAULT)));printf("%ld %ld\\n",r(mlockall(0)),r(munlockall()));return 0;}`,
    );
    expect(stdout).to.equal("0 1110 0 -22 0 -22 0\n");
  });

  it("advice, protection, moving", () => {
    expectLikeQemu(
      "mem-advice",
      `${HEAD}int main(void){P=65536;char*a=mmap(0,4*P,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);memset(a,7,4*P);madvise(a+P,P,MADV_DONTNEED);printf("%d %d %d ",a[P-1],a[P],a[2*P]);char*b=mremap(a,4*P,16*P,MREMAP_MAYMOVE);printf("%d %d %d ",b[0],b[3*P],b[4*P]);printf("%ld %ld\\n",r(mprotect(b,P,1)),r(munmap(b,16*P)));return 0;}`,
    );
  });

  it("a file that is not open for reading cannot be mapped", () => {
    const { stdout } = runSource("mem-file", `${HEAD}int main(void){int f=open("/w",O_WRONLY|O_CREAT,0600);write(f,"x",1);printf("%ld ",r((long)mmap(0,4096,1,MAP_PRIVATE,f,0)));f=open("/w",O_RDONLY);printf("%ld ",r((long)mmap(0,4096,3,MAP_SHARED,f,0)));char*p=mmap(0,4096,3,MAP_PRIVATE,f,0);printf("%c\\n",p[0]);return 0;}`);
    expect(stdout).to.equal("-13 -13 x\n");
  });
});
