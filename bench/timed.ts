/**
 * Time of a child process: wall-clock time, and processor time of all its threads.
 *
 * Node tells the processor time of its own process only. The shell knows that of its children: its `time` reports on a file descriptor of its own,
 * so that the program keeps its standard streams.
 */
import { spawnSync } from "node:child_process";

export interface Times {
  /** Seconds from start to end. */
  readonly wall: number;
  /** Seconds of user and system mode, of every thread of the process and of the children that it waited for. */
  readonly cpu: number;
}

export interface Timed extends Times {
  readonly stdout: string;
}

export interface TimedOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  /** The status that the program shall end with: 0 unless another is meant. */
  readonly status?: number;
}

/** The program's streams stay where they are (its stderr is kept as 4 while the shell's own goes to 3). */
const TIME = 'TIMEFORMAT="%R %U %S"; exec 4>&2 2>&3; time "$@" 2>&4 3>&- 4>&-';

/** Runs `command` to its end. Throws if it cannot be started or ends with another status. */
export function timed(command: string, args: readonly string[], { stdin = "", cwd = ".", status = 0 }: TimedOptions = {}): Timed {
  const result = spawnSync("bash", ["-c", TIME, "bash", command, ...args], { encoding: "latin1", maxBuffer: 2 ** 26, input: stdin, cwd, stdio: ["pipe", "pipe", "pipe", "pipe"] });
  if (result.error !== undefined) throw result.error;
  if (result.status !== status) throw new Error(`${command} ${args.join(" ")} ended with ${result.status ?? result.signal}:\n${result.stderr}`);
  // The decimal point is the locale's.
  const [wall, user, system] = result.output[3]!.trim().replaceAll(",", ".").split(" ").map(Number);
  if (wall === undefined || user === undefined || system === undefined || Number.isNaN(wall + user + system)) throw new Error(`bash reports no times but ${JSON.stringify(result.output[3])}`);
  return { wall, cpu: user + system, stdout: result.stdout };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of several runs of the same. Throws if there is none. */
export function medians(runs: readonly Times[]): Times {
  if (runs.length === 0) throw new Error("no runs to take the medians of");
  return { wall: median(runs.map(({ wall }) => wall)), cpu: median(runs.map(({ cpu }) => cpu)) };
}
