/** Runs the built command line as a user does. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const CLI = join(process.cwd(), "bin", "foliolab");

/** Pre: `make build` has run, as `make test` does. */
export function foliolab(args: readonly string[], options: { readonly cwd?: string; readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {}): CliResult {
  const result = spawnSync(CLI, args, { encoding: "utf8", maxBuffer: 2 ** 26, timeout: 120_000, input: options.input ?? "", env: { ...process.env, ...options.env }, ...(options.cwd === undefined ? {} : { cwd: options.cwd }) });
  if (result.error !== undefined) throw result.error;
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}
