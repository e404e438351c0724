/** What a failure below the lab says to the user: what it was, and where the guest was. */
import { ModelBug, NotModelled } from "../emulator/arch/errors.js";
import { hex } from "../emulator/arch/addr.js";
import type { Machine } from "./machine.js";

type Place = Pick<Machine, "kernel" | "engine">;

/** The program, its system call or instruction, and how far the run had come. */
export function placeOf({ kernel, engine }: Place): string {
  const after = `after ${engine.counters.instructions} instructions`;
  const { current: task } = kernel;
  if (task === undefined) return `between two tasks, ${after}`;
  const call = task.syscall < 0 ? "" : `, in ${kernel.syscalls.nameOf(task.syscall)}()`;
  return `in ${task.comm} (pid ${task.pid})${call}, pc ${hex(Number(kernel.processor.registers.pc))}, ${after}`;
}

/** The same error with the place in its message; what went wrong first is its cause. */
export function withPlace(error: unknown, machine: Place): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${error.message} (${placeOf(machine)})`;
  if (error instanceof NotModelled) return new NotModelled(message, { cause: error });
  if (error instanceof ModelBug) return new ModelBug(message, { cause: error });
  return new Error(`${error.name}: ${message}`, { cause: error });
}

/** Text for the user: one line; `stack`: and where in the model it happened. */
export function failureText(error: Error, stack: boolean): string {
  const line = error.message.split("\n").map((part) => part.trim()).join(" ");
  const first = error instanceof NotModelled ? `not modelled: ${line}` : `internal error, please report it: ${line}`;
  if (!stack) return `foliolab: ${first}\n`;
  const origin = error.cause instanceof Error ? error.cause : error;
  return `foliolab: ${first}\n${origin.stack ?? ""}\n`;
}
