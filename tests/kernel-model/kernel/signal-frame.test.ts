/** siginfo layouts and the signal frame, looked at by a handler. */
import { expect } from "chai";
import { altStackFlags, decodeSigInfo, encodeSigInfo, onSigStack } from "../../../kernel-model/kernel/signal-frame.js";
import { runSource } from "../../support/like-qemu.js";

const HEAD = `#define _GNU_SOURCE\n#include <signal.h>\n#include <ucontext.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <string.h>\n#include <stdlib.h>\n#include <asm/sigcontext.h>\n#include <sys/mman.h>\n`;
const u32 = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

describe("siginfo", () => {
  it("of a fault: address at 16", () => {
    const bytes = encodeSigInfo({ signo: 11, errno: 0, code: 2, addr: 0x1234n });
    expect(bytes.length).to.equal(128);
    expect([u32(bytes, 0), u32(bytes, 4), u32(bytes, 8), u32(bytes, 16)]).to.deep.equal([11, 0, 2, 0x1234]);
  });

  it("of a child: pid, uid, status, times", () => {
    const bytes = encodeSigInfo({ signo: 17, errno: 0, code: 1, pid: 5, uid: 6, status: 7, utime: 8, stime: 9 });
    expect([16, 20, 24, 32, 40].map((at) => u32(bytes, at))).to.deep.equal([5, 6, 7, 8, 9]);
  });

  it("of a timer and of a queued signal", () => {
    expect([16, 20, 24].map((at) => u32(encodeSigInfo({ signo: 14, errno: 0, code: -2, timerId: 3, overrun: 2, value: 99n }), at))).to.deep.equal([3, 2, 99]);
    const queued = encodeSigInfo({ signo: 34, errno: 0, code: -1, pid: 4, uid: 5, value: 77n });
    expect(decodeSigInfo(queued, 34)).to.include({ signo: 34, code: -1, pid: 4, uid: 5, value: 77n });
  });
});

describe("alternate stack", () => {
  const stack = { sp: 0x1000n, size: 0x800n, flags: 0 };
  it("its top belongs to it, its bottom does not", () => {
    expect([0x1000n, 0x1001n, 0x1800n, 0x1801n].map((sp) => onSigStack(stack, sp))).to.deep.equal([false, true, true, false]);
    expect(altStackFlags(stack, 0x1400n)).to.equal(1);
    expect(altStackFlags(stack, 0x9000n)).to.equal(0);
    expect(altStackFlags({ sp: 0n, size: 0n, flags: 2 }, 0x1400n)).to.equal(2);
    expect(onSigStack({ ...stack, flags: 0x80000000 }, 0x1400n), "SS_AUTODISARM").to.equal(false);
  });
});

describe("rt_sigframe", () => {
  it("holds all registers, and what the handler changes comes back", () => {
    const { stdout } = runSource(
      "frame-registers",
      `${HEAD}static unsigned long seen[31];static struct fpsimd_context fp;static unsigned long pc,sp,flags;
static void h(int s,siginfo_t*i,void*v){ucontext_t*u=v;memcpy(seen,u->uc_mcontext.regs,sizeof seen);pc=u->uc_mcontext.pc;sp=u->uc_mcontext.sp;flags=u->uc_mcontext.pstate;memcpy(&fp,u->uc_mcontext.__reserved,sizeof fp);
u->uc_mcontext.regs[5]=0x5555;u->uc_mcontext.pc+=4;((struct fpsimd_context*)u->uc_mcontext.__reserved)->vregs[9]=((__uint128_t)7<<64)|8;}
int main(void){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(SIGILL,&a,0);unsigned long here,x5,lo,hi,nzcv,trap;
__asm__ volatile("mov x9,sp\\n mov x3,#0x33\\n mov x28,#0x28\\n movi v9.16b,#9\\n movi v31.16b,#0x31\\n cmp xzr,xzr\\n adr x4,1f\\n1: .inst 0\\n mrs %4,nzcv\\n mov %0,x9\\n mov %1,x5\\n umov %2,v9.d[0]\\n umov %3,v9.d[1]\\n mov %5,x4":"=r"(here),"=r"(x5),"=r"(lo),"=r"(hi),"=r"(nzcv),"=r"(trap)::"x3","x4","x5","x9","x28","v9","v31","cc","memory");
printf("%lx %lx %d %d %lx\\n",seen[3],seen[28],pc==trap,sp==here,flags>>28);printf("%x %u %lx %lx\\n",fp.head.magic,fp.head.size,(unsigned long)fp.vregs[9],(unsigned long)(fp.vregs[31]>>64));printf("%lx %lx %lx %lx\\n",x5,lo,hi,nzcv>>28);return 0;}`,
    );
    expect(stdout).to.equal("33 28 1 1 6\n46508001 528 909090909090909 3131313131313131\n5555 8 7 6\n");
  });

  it("has the documented shape: aligned, frame record on top, siginfo and ucontext as arguments", () => {
    const { stdout } = runSource(
      "frame-shape",
      `${HEAD}static volatile int ok;static void h(int s,siginfo_t*i,void*v){ucontext_t*u=v;unsigned long fp=(unsigned long)__builtin_frame_address(0);unsigned long*rec=*(unsigned long**)fp;
ok=((unsigned long)i%16==0)|((char*)v-(char*)i==128)<<1|((char*)&u->uc_mcontext-(char*)v==176)<<2|(rec[1]==u->uc_mcontext.regs[30])<<3|(rec[0]==u->uc_mcontext.regs[29])<<4|((char*)rec-(char*)i==4688)<<5|(u->uc_mcontext.fault_address==0x40)<<6;}
static void g(int s,siginfo_t*i,void*v){h(s,i,v);((ucontext_t*)v)->uc_mcontext.pc+=4;}
int main(void){struct sigaction a={.sa_sigaction=g,.sa_flags=SA_SIGINFO};sigaction(SIGSEGV,&a,0);*(volatile int*)0x40=1;printf("%d\\n",ok&0x47);a.sa_sigaction=h;sigaction(SIGUSR1,&a,0);raise(SIGUSR1);printf("%x\\n",ok);return 0;}`,
    );
    expect(stdout).to.equal("71\n7f\n");
  });

  it("a fault adds an ESR record", () => {
    const { stdout } = runSource(
      "frame-esr",
      `${HEAD}static volatile unsigned long esr;static void h(int s,siginfo_t*i,void*v){ucontext_t*u=v;struct _aarch64_ctx*c=(void*)u->uc_mcontext.__reserved;for(;c->magic;c=(void*)((char*)c+c->size))if(c->magic==ESR_MAGIC)esr=((struct esr_context*)c)->esr;u->uc_mcontext.pc+=4;}
int main(void){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(SIGSEGV,&a,0);*(volatile int*)0x40=1;printf("%lx\\n",esr&~3ul);return 0;}`,
    );
    expect(stdout).to.equal("92000044\n");
  });

  it("damaged frames kill with SIGSEGV instead of giving privileges", () => {
    for (const damage of ["u->uc_mcontext.pstate=5", "*(int*)u->uc_mcontext.__reserved=0", "((int*)u->uc_mcontext.__reserved)[1]=8"]) {
      const { outcome } = runSource("frame-damage", `${HEAD}static void h(int s,siginfo_t*i,void*v){ucontext_t*u=v;${damage};}int main(void){struct sigaction a={.sa_sigaction=h,.sa_flags=SA_SIGINFO};sigaction(SIGUSR1,&a,0);raise(SIGUSR1);return 0;}`);
      expect(outcome, damage).to.include({ kind: "signal", signo: 11 });
    }
  });

  it("a stack that cannot hold the frame is a segmentation fault", () => {
    const { outcome } = runSource("frame-no-stack", `${HEAD}static void h(int s){}int main(void){signal(SIGUSR1,h);int p=getpid();register long x0 __asm__("x0")=p;register long x1 __asm__("x1")=SIGUSR1;register long x8 __asm__("x8")=129;__asm__ volatile("mov sp,%3\\n svc #0"::"r"(x0),"r"(x1),"r"(x8),"r"(0x1000l));return 0;}`);
    expect(outcome).to.include({ kind: "signal", signo: 11 });
  });
});
