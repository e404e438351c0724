/** The system call rseq: which registrations it takes and which it refuses, with the errno of kernel/rseq.c. */
import { expect } from "chai";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#define SIG 0xd428bc00u
static char a[128] __attribute__((aligned(64)));
static long call(void *p, unsigned len, int flags, unsigned sig) { long r = syscall(SYS_rseq, p, len, flags, sig); return r == -1 ? -errno : r; }
static void off(void) { if (__rseq_size) { char *p = (char *)__builtin_thread_pointer() + __rseq_offset; for (unsigned n = 32; n <= 64; n += 32) if (!call(p, n, 1, SIG)) return; _exit(99); } }
`;

/** Results of calls, one per line of the list. */
function results(name: string, calls: readonly string[], before = ""): number[] {
  const { stdout } = runSource(`sys-rseq-${name}`, `${HEAD}int main(void){off();${before}${calls.map((call) => `printf("%ld ",${call});`).join("")}return 0;}`);
  return stdout.trim().split(" ").map(Number);
}

const EPERM = -1;
const EFAULT = -14;
const EBUSY = -16;
const EINVAL = -22;

describe("rseq system call", () => {
  it("registers, registers not twice, unregisters", () => {
    expect(results("twice", ["call(a,32,0,SIG)", "call(a,32,0,SIG)", "call(a,32,0,1)", "call(a+32,32,0,SIG)", "call(a,64,0,SIG)", "call(a,32,1,SIG)", "call(a,32,1,SIG)", "call(a,64,0,SIG)"])).to.deep.equal([0, EBUSY, EPERM, EINVAL, EINVAL, 0, EINVAL, 0]);
  });

  it("unregisters only what was registered: address, length, then signature", () => {
    expect(results("unregister", ["call(a,32,1,SIG)", "call(a,32,0,SIG)", "call(a+32,32,1,SIG)", "call(a,64,1,SIG)", "call(a,32,1,5)", "call(a,32,3,SIG)", "call(a,32,1,SIG)"])).to.deep.equal([EINVAL, 0, EINVAL, EINVAL, EPERM, EINVAL, 0]);
  });

  it("wants 32 bytes at least, aligned to 32, and no flags", () => {
    expect(results("shape", ["call(a,31,0,SIG)", "call(a,0,0,SIG)", "call(a+16,32,0,SIG)", "call(a+16,64,0,SIG)", "call(a,32,2,SIG)", "call(a,33,0,SIG)"])).to.deep.equal([EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, 0]);
  });

  it("wants memory that can be read, and written if a stale section is to be cleared", () => {
    const calls = ["call((void*)0,32,0,SIG)", "call((void*)(1ul<<62),32,0,SIG)", "call((void*)-32l,32,0,SIG)", "call(p,32,0,SIG)", "call(r,32,0,SIG)"];
    const before = `char*p=mmap(0,4096,0,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);char*r=mmap(0,4096,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);r[8]=1;mprotect(r,4096,1);`;
    expect(results("fault", calls, before)).to.deep.equal([EFAULT, EFAULT, EFAULT, EFAULT, EFAULT]);
  });
});
