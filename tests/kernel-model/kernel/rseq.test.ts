/** Restartable sequences: what the kernel writes into a thread's area and when, and critical sections that are interrupted. */
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { runGuest } from "../../support/kernel-machine.js";
import { runSource } from "../../support/like-qemu.js";

/**
 * struct rseq and struct rseq_cs of include/uapi/linux/rseq.h, typed in. The C library registers an area of its own for the main thread;
 * threads made by clone() with CLONE_VM have none, so tests that need a free thread use one. `off()` takes the library's registration back.
 */
const HEAD = `#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/rseq.h>
#include <sched.h>
#include <signal.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct area { unsigned cpu_id_start, cpu_id; unsigned long cs; unsigned flags, node_id, mm_cid; } __attribute__((aligned(32)));
struct section { unsigned version, flags; unsigned long start, length, abort; } __attribute__((aligned(32)));
#define SIG 0xd428bc00u
static struct area a; static char pad[32];
static long call(void *p, unsigned len, int flags, unsigned sig) { long r = syscall(SYS_rseq, p, len, flags, sig); return r == -1 ? -errno : r; }
static void off(void) { if (__rseq_size) { char *p = (char *)__builtin_thread_pointer() + __rseq_offset; for (unsigned n = 32; n <= 64; n += 32) if (!call(p, n, 1, SIG)) return; _exit(99); } }
`;

/** A section that spins until the byte at x1 is not zero, with its abort handler: returns 1 if aborted. */
const SPIN = `static struct section s;
static volatile char stop;
static int spin(unsigned sig_ok) { int r;
 __asm__ volatile("adr x9,1f\\n str x9,[%1,#8]\\n adr x10,2f\\n sub x10,x10,x9\\n str x10,[%1,#16]\\n"
  "cbz %w3,5f\\n adr x9,3f\\n b 6f\\n5: adr x9,4f\\n6: str x9,[%1,#24]\\n str %1,[%2,#8]\\n"
  "1: ldrb w9,[%4]\\n cbz w9,1b\\n2: mov %w0,#0\\n b 7f\\n"
  ".inst 0xd428bc00\\n3: mov %w0,#1\\n b 7f\\n .inst 0x12345678\\n4: mov %w0,#2\\n7:\\n"
  : "=&r"(r) : "r"(&s), "r"(&a), "r"(sig_ok), "r"(&stop) : "x9", "x10", "memory"); return r; }
static void tick(int n) { }
`;

const run = (name: string, body: string, more = ""): string => {
  const { stdout, outcome } = runSource(`rseq-${name}`, `${HEAD}${more}int main(void){off();${body}\nfflush(stdout);return 0;}`);
  expect(outcome).to.deep.equal({ kind: "exit", code: 0 });
  return stdout;
};

describe("rseq: the area", () => {
  it("is written on return from registration and reset by unregistering", () => {
    const out = run(
      "area",
      `a.cpu_id=77;a.node_id=78;a.mm_cid=79;a.cs=0x1234;
printf("%ld ",call(&a,32,0,SIG));printf("%u %u %u %u %lu\\n",a.cpu_id_start,a.cpu_id,a.node_id,a.mm_cid,a.cs);
a.cpu_id_start=5;printf("%ld ",call(&a,32,1,SIG));printf("%u %x %u %u\\n",a.cpu_id_start,a.cpu_id,a.node_id,a.mm_cid);`,
    );
    expect(out, "one CPU; RSEQ_CPU_ID_UNINITIALIZED is -1").to.equal("0 0 0 0 0 0\n0 0 ffffffff 0 0\n");
  });

  it("is written again after the thread was switched out, and not before", () => {
    const out = run("switch", `call(&a,32,0,SIG);a.cpu_id=7;getppid();printf("%u ",a.cpu_id);usleep(1000);printf("%u\\n",a.cpu_id);`);
    expect(out).to.equal("7 0\n");
  });

  it("is written before a signal handler runs", () => {
    const out = run("signal", `call(&a,32,0,SIG);signal(SIGUSR1,h);a.cpu_id=7;raise(SIGUSR1);printf("%u\\n",seen);`, `static unsigned seen=99;static void h(int n){seen=a.cpu_id;}`);
    expect(out).to.equal("0\n");
  });

  it("that cannot be written any more kills the thread with SIGSEGV", () => {
    const { outcome } = runSource("rseq-gone", `${HEAD}int main(void){off();char*p=mmap(0,4096,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);call(p,32,0,SIG);munmap(p,4096);usleep(1000);return 0;}`);
    expect(outcome).to.include({ kind: "signal", signo: 11 });
  });
});

describe("rseq: who has a registration", () => {
  it("a forked child inherits it: its copy of the area is brought up to date, the parent's too after it waited", () => {
    const out = run("fork", `call(&a,32,0,SIG);a.cpu_id=7;int c=fork();if(!c){printf("%u %ld ",a.cpu_id,call(&a,32,0,SIG));fflush(stdout);_exit(0);}waitpid(c,0,0);printf("%u\\n",a.cpu_id);`);
    expect(out, "-EBUSY: registered already").to.equal("0 -16 0\n");
  });

  it("a thread made with CLONE_VM has none", () => {
    const out = run(
      "thread",
      `call(&a,32,0,SIG);static char stack[65536];clone(f,stack+sizeof stack,CLONE_VM|SIGCHLD,0);int st;wait(&st);printf("%ld %u\\n",got,b.cpu_id);`,
      `static struct area b={.cpu_id=9};static long got=1;static int f(void*x){got=call(&b,32,0,SIG);return 0;}`,
    );
    expect(out).to.equal("0 0\n");
  });

  it("a new program has none", () => {
    // The new program's C library registers its own area: that it may shows that none was left.
    const program = compileC("rseq-exec", `${HEAD}int main(int n,char**v){if(n>1){printf("%d\\n",__rseq_size>0);return 0;}off();call(&a,32,0,SIG);execl("/bin/program","p","again",(char*)0);return 1;}`);
    expect(runGuest(program).stdout).to.equal("1\n");
  });
});

describe("rseq: critical sections", () => {
  /** Runs `body` beside a process that computes as long as its parent lives: with a short quantum each preempts the other. */
  const preempted = (name: string, body: string): ReturnType<typeof runGuest> => {
    const program = compileC(`rseq-${name}`, `${HEAD}${SPIN}int main(void){off();call(&a,32,0,SIG);int m=getpid(),c=fork();if(!c){while(getppid()==m)for(volatile int i=0;i<500;i++);_exit(0);}${body}\nfflush(stdout);kill(c,SIGKILL);return 0;}`);
    return runGuest(program, [], { kernel: { quantum: 2000 }, instructions: 5e6 });
  };

  it("preempted inside: continues at the abort address, and the pointer is cleared", () => {
    expect(preempted("abort", `printf("%d %lu\\n",spin(1),a.cs);`).stdout).to.equal("1 0\n");
  });

  it("left without interruption: the pointer stays until the next switch clears it", () => {
    expect(preempted("done", `stop=1;printf("%d ",spin(1));usleep(1000);printf("%lu\\n",a.cs);`).stdout).to.match(/^[01] 0\n$/);
  });

  it("an abort address without the signature kills with SIGSEGV", () => {
    expect(preempted("signature", `printf("%d\\n",spin(0));`)).to.deep.include({ stdout: "" }).and.to.have.nested.property("outcome.signo", 11);
  });

  it("flags, in the section or in the area, kill: no flag is supported any more", () => {
    expect(preempted("cs-flags", `s.flags=1;spin(1);`)).to.have.nested.property("outcome.signo", 11);
    expect(preempted("area-flags", `a.flags=4;spin(1);`)).to.have.nested.property("outcome.signo", 11);
  });

  it("another version kills", () => {
    expect(preempted("version", `s.version=1;spin(1);`)).to.have.nested.property("outcome.signo", 11);
  });

  it("a pointer outside user memory, and an abort address inside the section, kill", () => {
    expect(preempted("pointer", `a.cs=1ul<<60;for(;;);`)).to.have.nested.property("outcome.signo", 11);
    expect(preempted("inside", `s.start=0x400000;s.length=0x1000;s.abort=0x400800;a.cs=(unsigned long)&s;for(;;);`)).to.have.nested.property("outcome.signo", 11);
    expect(preempted("null", `s.start=0x400000;s.length=0x1000;s.abort=0;a.cs=(unsigned long)&s;for(;;);`)).to.have.nested.property("outcome.signo", 11);
  });

  it("interrupted by a signal: the handler returns to the abort address", () => {
    const program = compileC("rseq-alarm", `${HEAD}#include <sys/time.h>\n${SPIN}int main(void){off();call(&a,32,0,SIG);signal(SIGALRM,tick);struct itimerval t={{0,0},{0,1000}};setitimer(ITIMER_REAL,&t,0);printf("%d\\n",spin(1));return 0;}`);
    expect(runGuest(program, [], { instructions: 50e6 }).stdout).to.equal("1\n");
  });
});
