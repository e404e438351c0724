/* The exit status of `run` is the guest's, as a shell would report it. */
import { expect } from "chai";
import { signalNumber } from "../../kernel-model/kernel/signal-numbers.js";
import { exitStatus } from "../../lab/result.js";
import { exampleResult } from "../support/run-result.js";

describe("exitStatus", () => {
  it("is the guest's code", () => {
    expect(exitStatus(exampleResult({ exit: { code: 7 } }), signalNumber)).to.equal(7);
  });

  for (const [name, status] of [
    ["SIGSEGV", 139],
    ["SIGBUS", 135],
    ["SIGILL", 132],
    ["SIGFPE", 136],
    ["SIGKILL", 137],
    ["SIGABRT", 134],
  ] as const) {
    it(`is ${status} after ${name}`, () => {
      expect(exitStatus(exampleResult({ exit: { signal: name } }), signalNumber)).to.equal(status);
    });
  }
});
