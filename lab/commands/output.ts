/** Where results go: JSON to a file or standard output, summaries and progress to standard error. */
import { accessSync, constants, existsSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError } from "../../emulator/arch/errors.js";
import { count, bytes as sizeText } from "../report/format.js";
import type { RunProgress } from "../run.js";

/** Write all of `bytes` to a descriptor of this process, waiting where it is a pipe that is full. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const code = (error as { readonly code?: string }).code;
      if (code === "EAGAIN") continue;
      // Nobody reads any more; the guest's output goes nowhere, as with any program in a closed pipe.
      if (code === "EPIPE") return;
      throw error;
    }
  }
}

/** Throws ConfigError now if `target` could not be written at the end of a long run. */
export function checkWritable(option: string, target: string | undefined): void {
  if (target === undefined || target === "-") return;
  try {
    accessSync(existsSync(target) ? target : dirname(resolve(target)), constants.W_OK);
    if (existsSync(target) && statSync(target).isDirectory()) throw new Error("is a directory");
  } catch (error) {
    throw new ConfigError(`${option} ${target}: ${error instanceof Error ? error.message.replace(/, access.*/, "") : String(error)}`);
  }
}

/** `target`: a file name, or "-" for standard output. */
export function writeJson(target: string, value: unknown): void {
  writeResult("--json", target, Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`));
}

/** What an option asked for, to the file it names or, for "-", to standard output. */
export function writeResult(option: string, target: string, bytes: Uint8Array): void {
  if (target === "-") {
    writeAll(1, bytes);
    return;
  }
  try {
    writeFileSync(target, bytes);
  } catch (error) {
    throw new ConfigError(`${option} ${target}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function say(text: string): void {
  writeAll(2, Buffer.from(`${text}\n`));
}

/** A line on a terminal that is rewritten while a long run goes on; silent elsewhere. Call `clear` before other output. */
export function progressLine(label: string): { readonly show: (progress: RunProgress) => void; readonly clear: () => void } {
  if (!process.stderr.isTTY || process.env["CI"] !== undefined) return { show: () => undefined, clear: () => undefined };
  let last = 0;
  let shown = false;
  return {
    show({ instructions, faults, residentBytes, seconds }) {
      if (seconds - last < 0.25 || seconds < 1) return;
      last = seconds;
      shown = true;
      const rate = instructions / seconds / 1e6;
      writeAll(2, Buffer.from(`\r\x1b[K${label}${seconds.toFixed(1)} s, ${count(instructions / 1e6)} M instructions (${count(rate)} M/s), ${count(faults)} faults, ${sizeText(residentBytes)} resident`));
    },
    clear() {
      if (shown) writeAll(2, Buffer.from("\r\x1b[K"));
      shown = false;
    },
  };
}

/** Counts Ctrl-C while a run goes on. */
export function countInterrupts(): { readonly interrupts: () => number; readonly stop: () => void } {
  let seen = 0;
  const onInterrupt = (): void => {
    seen++;
  };
  process.on("SIGINT", onInterrupt);
  return {
    interrupts: () => seen,
    stop() {
      process.off("SIGINT", onInterrupt);
    },
  };
}
