/**
 * Programs that behave in the machine as under qemu-aarch64: same output, same end, no frame lost.
 */
import { expect } from "chai";
import { signalName } from "../../kernel-model/kernel/signal-numbers.js";
import type { Outcome } from "../../kernel-model/kernel/outcome.js";
import type { GuestExit } from "./guest.js";
import { compileC, runQemu } from "./guest.js";
import type { GuestRun, TestMachineOptions } from "./kernel-machine.js";
import { runGuest } from "./kernel-machine.js";

export const STATIC_THREADS = ["-static", "-pthread"];

/** An outcome in the form of a guest's exit; other ends as they are. */
export function exitOf(outcome: Outcome): GuestExit | Outcome {
  if (outcome.kind === "exit") return { code: outcome.code };
  return outcome.kind === "signal" ? { signal: signalName(outcome.signo) } : outcome;
}

/** Compile a C source statically, run it in the machine with pages of 4K, 16K and 64K and under qemu, and compare. Returns the last run. */
export function expectLikeQemu(name: string, source: string, args: readonly string[] = [], options: TestMachineOptions = {}): GuestRun {
  const program = compileC(name, source, STATIC_THREADS);
  const result = runQemu(program, args, options.input === undefined ? {} : { input: options.input });
  const wanted = { ...result, stderr: result.stderr.replace(/^qemu: .*\n/gm, "") };
  let last: GuestRun | undefined;
  for (const granule of ["4k", "16k", "64k"] as const) {
    last = runGuest(program, args, { granule, memoryBytes: 256 * 2 ** 20, ...options });
    expect({ stdout: last.stdout, stderr: last.stderr, exit: exitOf(last.outcome) }, `${name} with ${granule} pages`).to.deep.equal(wanted);
    expect(last.leaked, `frames leaked with ${granule} pages`).to.equal(0);
  }
  return last!;
}

/** Compile and run with 4K pages only, where qemu has no say: the run itself. */
export function runSource(name: string, source: string, options: TestMachineOptions & { readonly args?: readonly string[]; readonly env?: readonly string[]; readonly instructions?: number } = {}): GuestRun {
  const run = runGuest(compileC(name, source, STATIC_THREADS), options.args ?? [], options);
  expect(run.leaked, "frames leaked").to.equal(0);
  return run;
}
