/** Decoding of the futex calls. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <sys/syscall.h>\n#include <linux/futex.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <errno.h>\n#include <time.h>\nstatic long r(long v){return v==-1?-errno:v;}static int w;\n`;

describe("futex system calls", () => {
  it("operations and flags that do not go together", () => {
    const { stdout } = runSource("sys-futex", `${HEAD}int main(void){struct timespec t={0,1};printf("%ld %ld %ld %ld\\n",r(syscall(SYS_futex,&w,FUTEX_WAIT|FUTEX_CLOCK_REALTIME,0,&t)),r(syscall(SYS_futex,&w,99,0,0)),r(syscall(SYS_futex,&w,FUTEX_WAIT,0,8)),r(syscall(SYS_futex,&w,FUTEX_REQUEUE,-1,1,&w)));return 0;}`);
    expect(stdout).to.equal("-38 -38 -14 -22\n");
  });

  it("robust lists are kept per thread", () => {
    const { stdout } = runSource("sys-robust", `${HEAD}int main(void){static long head[3];void*p;unsigned long n;printf("%ld %ld ",r(syscall(SYS_set_robust_list,head,8)),r(syscall(SYS_set_robust_list,head,24)));head[0]=(long)head;printf("%ld %d %lu ",r(syscall(SYS_get_robust_list,0,&p,&n)),p==head,n);printf("%ld\\n",r(syscall(SYS_get_robust_list,99999,&p,&n)));return 0;}`);
    expect(stdout).to.equal("-22 0 0 1 24 -3\n");
  });
});
