/** Signal numbers and names. */
import { expect } from "chai";
import * as signals from "../../../kernel-model/kernel/signal-numbers.js";

describe("signal numbers", () => {
  it("are those of the arm64 ABI", () => {
    const { SIGHUP, SIGILL, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGCONT, SIGSTOP, SIGWINCH, SIGSYS } = signals;
    const numbers = [SIGHUP, SIGILL, SIGBUS, SIGFPE, SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGCONT, SIGSTOP, SIGWINCH, SIGSYS];
    expect(numbers).to.deep.equal([1, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 28, 31]);
  });

  it("have names, and names have numbers", () => {
    expect(signals.signalName(11)).to.equal("SIGSEGV");
    expect(signals.signalName(32)).to.equal("SIGRTMIN");
    expect(signals.signalName(40)).to.equal("SIGRTMIN+8");
    for (let signo = 1; signo <= 64; signo++) expect(signals.signalNumber(signals.signalName(signo))).to.equal(signo);
    expect(() => signals.signalNumber("SIGNOTHING")).to.throw(RangeError);
  });
});
