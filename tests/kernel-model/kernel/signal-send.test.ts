/** Sending signals to threads and processes. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileC } from "../../support/guest.js";
import { createTestMachine, type TestMachine } from "../../support/kernel-machine.js";
import { branch, programOf } from "../../support/elf-builder.js";
import { forceSigsegv, kernelSignal, killEverything, sendGroupSignal, sendThreadSignal, userSignal } from "../../../kernel-model/kernel/signal-send.js";
import { sigmask } from "../../../kernel-model/kernel/signal-state.js";
import type { Task } from "../../../kernel-model/kernel/task.js";

const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGSEGV = 11;
const SIGCHLD = 17;
const SIGCONT = 18;
const SIGTSTP = 20;
const HANDLER = { handler: 0x1000n, flags: 0, restorer: 0n, mask: 0n };

describe("the end of everything", () => {
  it("reaches processes of other sessions, which Ctrl-C does not", () => {
    const program = readFileSync(compileC("kill-everything", `#include <signal.h>\n#include <unistd.h>\nint main(void){signal(SIGINT,SIG_IGN);if(fork()==0){setsid();for(;;);}for(;;);}`, ["-static"]));
    const t = createTestMachine({ files: { "/p": program } });
    t.kernel.spawn("/p", ["p"], []);
    t.kernel.run({ instructions: 5e6 });
    expect(t.kernel.groups.size).to.equal(2);
    killEverything(t.kernel);
    expect(t.kernel.run({ instructions: 100 })).to.include({ kind: "signal", signo: SIGKILL });
    expect(t.shutdown()).to.equal(0);
  });
});

describe("sending signals", () => {
  let machine: TestMachine;
  let task: Task;
  beforeEach(() => {
    machine = createTestMachine({ files: { "/p": programOf(branch(0)) } });
    machine.kernel.spawn("/p", ["p"], []);
    task = machine.kernel.current!;
  });
  afterEach(() => {
    expect(machine.shutdown()).to.equal(0);
  });
  const queued = (): number[] => [...task.pending.queue, ...task.group.sharedPending.queue].map(({ signo }) => signo);

  it("ignored signals are thrown away, unless they are blocked", () => {
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGCHLD));
    expect(queued()).to.deep.equal([]);
    task.blocked = sigmask(SIGCHLD);
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGCHLD));
    expect(queued()).to.deep.equal([SIGCHLD]);
  });

  it("to a thread and to a process are two queues", () => {
    task.sighand.actions[SIGUSR1] = HANDLER;
    sendThreadSignal(machine.kernel, task, userSignal(SIGUSR1, -6, task));
    sendGroupSignal(machine.kernel, task.group, userSignal(SIGUSR1, 0, task));
    expect(task.pending.queue).to.deep.equal([{ signo: SIGUSR1, errno: 0, code: -6, pid: 100, uid: 0 }]);
    expect(task.group.sharedPending.queue).to.have.length(1);
  });

  it("SIGCONT removes stop signals, a stop signal removes SIGCONT", () => {
    task.blocked = sigmask(SIGTSTP) | sigmask(SIGCONT);
    task.sighand.actions[SIGCONT] = HANDLER;
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGTSTP));
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGCONT));
    expect(queued()).to.deep.equal([SIGCONT]);
    sendThreadSignal(machine.kernel, task, kernelSignal(SIGTSTP));
    expect(queued()).to.deep.equal([SIGTSTP]);
  });

  it("SIGKILL ends the process although everything is blocked", () => {
    task.blocked = (1n << 64n) - 1n;
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGKILL));
    expect(machine.kernel.run({ instructions: 10 })).to.include({ kind: "signal", signo: SIGKILL });
  });

  it("a stopped process runs no more until it is continued", () => {
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGTSTP));
    expect(machine.kernel.run({ instructions: 100 }).kind).to.equal("deadlock");
    expect(task.state).to.equal("stopped");
    sendGroupSignal(machine.kernel, task.group, kernelSignal(SIGCONT));
    expect(machine.kernel.run({ instructions: 100 }).kind).to.equal("budget-spent");
  });

  it("a forced SIGSEGV resets a handler only if SIGSEGV itself could not be delivered", () => {
    task.sighand.actions[SIGSEGV] = HANDLER;
    forceSigsegv(machine.kernel, task, SIGUSR1);
    expect(task.sighand.actions[SIGSEGV]!.handler).to.equal(0x1000n);
    forceSigsegv(machine.kernel, task, SIGSEGV);
    expect(task.sighand.actions[SIGSEGV]!.handler).to.equal(0n);
  });
});
