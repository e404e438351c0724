/** The main loop: how runs end, scheduling, exclusive accesses across switches. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { branch, exitCode, programOf } from "../../support/elf-builder.js";
import { compileC } from "../../support/guest.js";
import { createTestMachine, runGuest } from "../../support/kernel-machine.js";
import { runSource, STATIC_THREADS } from "../../support/like-qemu.js";

const SPIN = programOf(branch(0));

describe("kernel: how a run ends", () => {
  it("with the program's status", () => {
    const machine = createTestMachine({ files: { "/p": programOf(...exitCode(77)) } });
    expect(machine.kernel.spawn("/p", ["p"], [])).to.equal(100);
    expect(machine.kernel.run({ instructions: Infinity })).to.deep.equal({ kind: "exit", code: 77 });
    expect(machine.shutdown()).to.equal(0);
  });

  it("with the budget, and goes on where it stopped", () => {
    const machine = createTestMachine({ files: { "/p": SPIN } });
    machine.kernel.spawn("/p", ["p"], []);
    expect(machine.kernel.run({ instructions: 1000 })).to.deep.equal({ kind: "budget-spent" });
    const before = machine.kernel.clock.elapsed;
    expect(machine.kernel.run({ instructions: 5000 })).to.deep.equal({ kind: "budget-spent" });
    expect(machine.kernel.clock.elapsed - before).to.equal(5000);
    expect(machine.shutdown()).to.equal(0);
  });

  it("pauses between two traps or jumps of time, and the guest cannot tell", () => {
    const program = readFileSync(compileC("kernel-pause", `#include <signal.h>\n#include <sys/time.h>\n#include <unistd.h>\nint main(int c,char**v){struct itimerval t={{0,1000},{0,1000}};int n=0;
if(c>1){signal(SIGALRM,SIG_IGN);setitimer(ITIMER_REAL,&t,0);pause();}for(int i=0;i<50;i++)n+=getppid()>0;return n;}`, STATIC_THREADS));
    const start = (...args: string[]) => {
      const machine = createTestMachine({ files: { "/p": program } });
      machine.kernel.spawn("/p", ["p", ...args], []);
      return machine;
    };
    const [whole, parts, idle] = [start(), start(), start("wait")];
    expect(whole.kernel.run({ instructions: 1e8 })).to.deep.equal({ kind: "exit", code: 50 });
    let calls = 1;
    while (parts.kernel.run({ instructions: 1e8, pause: () => true }).kind === "budget-spent") calls++;
    expect(calls).to.be.greaterThan(50);
    expect([parts.kernel.clock.elapsed, parts.kernel.contextSwitches]).to.deep.equal([whole.kernel.clock.elapsed, whole.kernel.contextSwitches]);
    let left = 1000;
    expect(idle.kernel.run({ instructions: 1e8, pause: () => --left === 0 }), "nothing but a timer that wakes nobody").to.deep.equal({ kind: "budget-spent" });
    for (const machine of [whole, parts, idle]) expect(machine.shutdown()).to.equal(0);
  });

  it("by Ctrl-C: the report says who sent the signal", () => {
    const machine = createTestMachine({ files: { "/p": SPIN } });
    machine.kernel.spawn("/p", ["p"], []);
    machine.kernel.run({ instructions: 100 });
    machine.kernel.interrupt(2);
    const outcome = machine.kernel.run({ instructions: 100 });
    expect(outcome).to.include({ kind: "signal", signo: 2 });
    expect(outcome).to.have.nested.property("report.reason", "SIGINT sent by the kernel");
    expect(machine.shutdown()).to.equal(0);
  });

  it("in a deadlock: everyone and what they wait for is named", () => {
    const run = runSource("deadlock", `#include <pthread.h>\nstatic pthread_mutex_t m=PTHREAD_MUTEX_INITIALIZER;static void*f(void*a){pthread_mutex_lock(&m);return 0;}\nint main(void){pthread_t t;pthread_mutex_lock(&m);pthread_create(&t,0,f,0);pthread_join(t,0);}`);
    expect(run.outcome.kind).to.equal("deadlock");
    expect(run.outcome).to.have.property("waiting").with.length(2);
    expect(JSON.stringify(run.outcome)).to.match(/futex at 0x/);
  });

  const crash = (body: string) => runSource("crash-report", `int main(int c,char**v){${body}}`);
  it("by a fault: pc, address, reason and registers", () => {
    const run = crash(`__asm__ volatile("movz x7, #0x1234\\n mov x0, #0x5000\\n str xzr, [x0]"); return 0;`);
    expect(run.outcome).to.deep.include({ kind: "signal", signo: 11 });
    const report = run.outcome.kind === "signal" ? run.outcome.report! : undefined;
    expect(report!.faultAddress).to.equal(0x5000);
    expect(report!.reason).to.equal("SIGSEGV: address not mapped at 0x5000");
    expect(report!.x[7]).to.equal(0x1234n);
    expect(report!.instruction).to.equal(0xf900001f);
    expect(report!.esr! & 0x40, "WnR").to.equal(0x40);
  });

  it("by an undefined instruction, a breakpoint, a write to read-only memory", () => {
    const ends = [`__asm__ volatile(".inst 0");`, `__asm__ volatile("brk #1");`, `*(volatile char*)main=0;`].map((body) => {
      const { outcome } = crash(`${body} return 0;`);
      return outcome.kind === "signal" ? [outcome.signo, outcome.report!.code, outcome.report!.reason.replace(/0x[0-9a-f]+/, "ADDRESS")] : outcome;
    });
    expect(ends).to.deep.equal([
      [4, 1, "SIGILL: undefined instruction at ADDRESS"],
      [5, 1, "SIGTRAP: breakpoint at ADDRESS"],
      [11, 2, "SIGSEGV: access not permitted at ADDRESS"],
    ]);
  });

  it("by no breakpoint that the machine's hook takes", () => {
    const seen: [number, number][] = [];
    const onBreakpoint = (pc: number, immediate: number): boolean => seen.push([pc % 4, immediate]) > 0 && immediate !== 0xffff;
    const body = `__asm__ volatile("brk #7\\n brk #0x1234" ::: "memory"); __asm__ volatile("brk #0xffff"); return 3;`;
    const { outcome } = runSource("breakpoints", `int main(int c,char**v){${body}}`, { kernel: { onBreakpoint } });
    expect(seen).to.deep.equal([[0, 7], [0, 0x1234], [0, 0xffff]]);
    expect(outcome).to.deep.include({ kind: "signal", signo: 5 });
  });

  it("children that outlive the first process run to their end", () => {
    const run = runSource("orphan", `#include <unistd.h>\n#include <stdio.h>\nint main(void){if(!fork()){sleep(1);printf("parent %d\\n",getppid());fflush(stdout);}return 3;}`);
    expect(run).to.deep.include({ stdout: "parent 1\n", outcome: { kind: "exit", code: 3 } });
  });

  it("children that never end are ended ten seconds of virtual time later", () => {
    const run = runSource("daemon", `#include <unistd.h>\nint main(void){if(!fork())for(;;)sleep(1);return 3;}`);
    expect(run.outcome).to.deep.equal({ kind: "exit", code: 3 });
  });
});

describe("kernel: scheduling", () => {
  const counter = compileC(
    "two-spinners",
    `#include <pthread.h>\n#include <stdio.h>\nstatic volatile long n[2];static void*f(void*a){for(int i=0;i<(a?300000:150000);i++)n[(long)a]++;return 0;}
int main(void){pthread_t t;pthread_create(&t,0,f,(void*)1);f(0);printf("%d\\n",n[1]>0&&n[1]<300000);pthread_join(t,0);printf("%ld %ld\\n",n[0],n[1]);}`,
    STATIC_THREADS,
  );

  it("preempts: both run before either has ended", () => {
    expect(runGuest(counter, [], { kernel: { quantum: 10_000 } }).stdout).to.equal("1\n150000 300000\n");
  });

  it("the same seed gives the same run; other seeds other switches", () => {
    const switches = (seed: number): number => {
      const machine = createTestMachine({ files: { "/p": readFileSync(counter) }, kernel: { quantum: 5000, jitter: true, seed } });
      machine.kernel.spawn("/p", ["p"], []);
      machine.kernel.run({ instructions: 2e7 });
      const { elapsed } = machine.kernel.clock;
      const { contextSwitches } = machine.kernel;
      machine.shutdown();
      return contextSwitches * 1e9 + elapsed;
    };
    expect(switches(1)).to.equal(switches(1));
    expect(new Set([1, 2, 3, 4, 5, 6].map(switches)).size).to.be.greaterThan(1);
  });

  it("another task's exclusive access between a task's load and store makes the store fail", () => {
    const program = compileC(
      "exclusive-monitor",
      `#include <pthread.h>\n#include <stdio.h>\nstatic volatile int lock,inside;static long n,bad;
static void acquire(void){int t,s;do{__asm__ volatile("1: ldaxr %w0,[%2]\\n cbnz %w0,1b\\n stxr %w1,%w3,[%2]":"=&r"(t),"=&r"(s):"r"(&lock),"r"(1):"memory");}while(s);}
static void release(void){__asm__ volatile("stlr wzr,[%0]"::"r"(&lock):"memory");}
static void*f(void*a){for(int i=0;i<1000;i++){acquire();bad+=inside;inside=1;n++;for(volatile int k=0;k<7;k++);inside=0;release();}return 0;}
int main(void){pthread_t t[4];for(int i=0;i<4;i++)pthread_create(t+i,0,f,0);for(int i=0;i<4;i++)pthread_join(t[i],0);printf("%ld %ld\\n",n,bad);}`,
      STATIC_THREADS,
    );
    for (const seed of [1, 2, 3]) expect(runGuest(program, [], { kernel: { quantum: 25, jitter: true, seed } }).stdout).to.equal("4000 0\n");
  });

  it("a pool of threads gives the right result for a hundred seeds", () => {
    const program = compileC(
      "pool",
      `#include <pthread.h>\n#include <stdio.h>\n#define N 64\nstatic pthread_mutex_t m=PTHREAD_MUTEX_INITIALIZER;static pthread_cond_t more=PTHREAD_COND_INITIALIZER,room=PTHREAD_COND_INITIALIZER;
static int q[4],head,count,done;static long sum;
static void*worker(void*a){for(;;){pthread_mutex_lock(&m);while(!count&&!done)pthread_cond_wait(&more,&m);if(!count){pthread_mutex_unlock(&m);return 0;}
 int x=q[head];head=(head+1)%4;count--;pthread_cond_signal(&room);pthread_mutex_unlock(&m);long s=0;for(int i=0;i<=x;i++)s+=i;__atomic_fetch_add(&sum,s,__ATOMIC_SEQ_CST);}}
int main(void){pthread_t t[3];for(int i=0;i<3;i++)pthread_create(t+i,0,worker,0);
 for(int i=0;i<N;i++){pthread_mutex_lock(&m);while(count==4)pthread_cond_wait(&room,&m);q[(head+count++)%4]=i;pthread_cond_signal(&more);pthread_mutex_unlock(&m);}
 pthread_mutex_lock(&m);done=1;pthread_cond_broadcast(&more);pthread_mutex_unlock(&m);for(int i=0;i<3;i++)pthread_join(t[i],0);printf("%ld\\n",sum);}`,
      STATIC_THREADS,
    );
    for (let seed = 1; seed <= 100; seed++) {
      const run = runGuest(program, [], { memoryBytes: 64 * 2 ** 20, kernel: { quantum: 150, jitter: true, seed } });
      expect([run.stdout, run.leaked], `seed ${seed}`).to.deep.equal(["43680\n", 0]);
    }
  });

  it("a task that only calls does not keep others waiting for more than a quantum", () => {
    const run = runSource("yielding", `#include <sched.h>\n#include <pthread.h>\n#include <stdio.h>\nstatic volatile int go;static void*f(void*a){go=1;return 0;}\nint main(void){pthread_t t;pthread_create(&t,0,f,0);long n=0;while(!go){sched_yield();n++;}printf("%d\\n",n<3);pthread_join(t,0);}`);
    expect(run.stdout).to.equal("1\n");
  });
});

describe("kernel: what it is not asked to do", () => {
  it("unknown system calls return -ENOSYS and are counted by name", () => {
    const run = runSource("nosys", `#include <unistd.h>\n#include <errno.h>\n#include <sys/syscall.h>\n#include <stdio.h>\nint main(void){long a=syscall(SYS_bpf,0,0,0);int e=errno;long b=syscall(5000);printf("%ld %d %ld %d\\n",a,e,b,errno);}`);
    expect(run.stdout).to.equal("-1 38 -1 38\n");
    expect(run.syscalls).to.include({ bpf: 1, "#5000": 1 });
  });

  it("one kernel has one first process", () => {
    const machine = createTestMachine({ files: { "/p": SPIN } });
    machine.kernel.spawn("/p", ["p"], []);
    expect(() => machine.kernel.spawn("/p", ["p"], [])).to.throw(/first process/);
    expect(machine.shutdown()).to.equal(0);
  });
});
