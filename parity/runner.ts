/**
 * Runs one entry under qemu-aarch64 and in foliolab, both in the same scratch directory, and says what differs.
 *
 * The system emulated by qemu-user is the host's: programs that the guest executes would be the host's own. Its PATH therefore leads to
 * a folder with one small script per program of the sysroot, which starts qemu-aarch64 again.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { ParityEntry } from "./entry.js";

export interface Places {
  readonly sysroot: string;
  /** Scratch directories and the scripts of the qemu side. */
  readonly build: string;
}

/** A way of running foliolab. */
export interface LabConfig {
  readonly name: string;
  readonly options: readonly string[];
}

export const LAB_CONFIGS: readonly LabConfig[] = [
  { name: "4k+contpte", options: ["--page-size", "4k", "--thp", "64k=always"] },
  { name: "16k+contpte", options: ["--page-size", "16k", "--thp", "2m=always"] },
  { name: "64k", options: ["--page-size", "64k", "--contpte", "off"] },
];

/** The configurations under which an entry is run. */
export function configsFor(entry: ParityEntry, configs: readonly LabConfig[]): readonly LabConfig[] {
  return entry.only4k === true ? configs.filter(({ options }) => options.includes("4k")) : configs;
}

export interface Observation {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Exit code, 128 + signal, or what kept the program from running. */
  readonly exit: number | string;
  /** Path below the scratch directory -> what lies there. */
  readonly files: ReadonlyMap<string, string>;
  readonly seconds: number;
}

const PROGRAM_FOLDERS = ["usr/bin", "usr/sbin"];
const TIMEOUT_SECONDS = 600;
/** Seconds since 1970. */
const OLD = 1e9;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15 };

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** The guest's path of a program of the sysroot. Throws if it has none. */
export function programPath({ sysroot }: Places, name: string): string {
  if (name.includes("/")) return name;
  const folder = PROGRAM_FOLDERS.find((candidate) => existsSync(join(sysroot, candidate, name)));
  if (folder === undefined) throw new Error(`${name}: not in the sysroot`);
  return `/${folder}/${name}`;
}

/** Absolute: the guest's PATH does not lead to it. */
function qemuProgram(): string {
  const found = (process.env["PATH"] ?? "").split(":").map((folder) => join(folder, "qemu-aarch64")).find((file) => existsSync(file));
  if (found === undefined) throw new Error("qemu-aarch64: not installed");
  return found;
}

/** How qemu-aarch64 is called for a program of the guest: scripts by their interpreter, which qemu does not look for. */
function qemuCall({ sysroot }: Places, argv0: string, path: string, directory: string): string[] {
  const file = path.startsWith("/") ? join(sysroot, path) : join(directory, path);
  const qemu = [qemuProgram(), "-L", sysroot];
  const head = readFileSync(file).subarray(0, 128).toString("latin1");
  const script = /^#! *(\/\S+) *(.*)/.exec(head);
  if (script === null) return [...qemu, "-0", argv0, file];
  const [, interpreter = "", option = ""] = script;
  return [...qemu, "-0", interpreter, join(sysroot, interpreter), ...(option === "" ? [] : [option]), path];
}

/** Writes the scripts by which programs under qemu find the programs of the sysroot. Returns their folder. */
export function writeQemuScripts(places: Places): string {
  const folder = join(places.build, "qemu-bin");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const programs of PROGRAM_FOLDERS) {
    const from = join(places.sysroot, programs);
    if (!existsSync(from)) continue;
    for (const name of readdirSync(from)) {
      const file = join(from, name);
      if (!existsSync(file) || !statSync(file).isFile()) continue;
      const call = qemuCall(places, name, `/${programs}/${name}`, "/").map(quoted).join(" ");
      writeFileSync(join(folder, name), `#!/bin/sh\nexec ${call} "$@"\n`, { mode: 0o755 });
    }
  }
  return folder;
}

/** Empties the scratch directory of an entry and fills it with its files. */
function prepare(directory: string, entry: ParityEntry): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [name, contents] of Object.entries(entry.files ?? {})) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
    chmodSync(file, name.endsWith(".sh") ? 0o755 : 0o644);
    // Before the guest's clock starts: make and tar complain about files from the future.
    for (let path = file; path !== directory; path = dirname(path)) utimesSync(path, OLD, OLD);
  }
}

/** What lies below a directory: kind, permissions, and contents or target of each object. */
export function filesBelow(directory: string, prefix = ""): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of readdirSync(directory).sort()) {
    const file = join(directory, name);
    const shown = `${prefix}${name}`;
    const stat = lstatSync(file);
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isDirectory()) {
      files.set(shown, `directory ${mode}`);
      for (const [below, what] of filesBelow(file, `${shown}/`)) files.set(below, what);
    } else if (stat.isSymbolicLink()) files.set(shown, `link to ${readlinkSync(file)}`);
    else if (stat.isFile()) files.set(shown, `file ${mode}, ${stat.size} bytes, ${createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 16)}`);
    else files.set(shown, "special file");
  }
  return files;
}

interface Call {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

function observe(directory: string, entry: ParityEntry, { command, args, env }: Call): Observation {
  prepare(directory, entry);
  const start = process.hrtime.bigint();
  const result = spawnSync(command, args, { cwd: directory, env, input: entry.stdin ?? "", maxBuffer: 2 ** 28, timeout: TIMEOUT_SECONDS * 1000, killSignal: "SIGKILL" });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const signal = result.signal === null ? undefined : (SIGNAL_NUMBERS[result.signal] ?? 0) + 128;
  const exit = result.error !== undefined ? result.error.message : (result.status ?? signal ?? "no status");
  return { stdout: result.stdout, stderr: result.stderr, exit, files: filesBelow(directory), seconds };
}

const environment = (entry: ParityEntry, path: string): Record<string, string> => ({ PATH: path, HOME: "/root", LC_ALL: "C", TZ: "UTC0", ...entry.env });

const scratch = ({ build }: Places, entry: ParityEntry): string => {
  const directory = resolve(build, "work", entry.name);
  mkdirSync(directory, { recursive: true });
  return realpathSync(directory);
};

/** Runs an entry under qemu-aarch64. `scripts` is the folder of writeQemuScripts(). */
export function runQemu(places: Places, scripts: string, entry: ParityEntry): Observation {
  const directory = scratch(places, entry);
  const [program = "", ...args] = entry.argv;
  const path = programPath(places, program);
  const [command = "", ...before] = qemuCall(places, path, path, directory);
  const seen = observe(directory, entry, { command, args: [...before, ...args], env: environment(entry, scripts) });
  return { ...seen, stderr: Buffer.from(seen.stderr.toString("latin1").replace(/^qemu: uncaught target signal .*\n/gm, ""), "latin1") };
}

/** Runs an entry in foliolab. `cli` is the command line's file. */
export function runLab(places: Places, cli: string, config: LabConfig, entry: ParityEntry): Observation {
  const directory = scratch(places, entry);
  const [program = "", ...args] = entry.argv;
  const path = programPath(places, program);
  const env = Object.entries(environment(entry, "/usr/bin:/usr/sbin")).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const memory = entry.memory === undefined ? [] : ["--memory", entry.memory];
  const options = ["run", "--quiet", "--root", places.sysroot, "--bind", `${directory}:${directory}:rw`, ...config.options, ...memory, ...env, "--", path, ...args];
  return observe(directory, entry, { command: process.execPath, args: [cli, ...options], env: { ...process.env } });
}

/** The first place at which two byte strings differ, as text around it. */
function firstDifference(what: string, qemu: Buffer, lab: Buffer): string | undefined {
  if (qemu.equals(lab)) return undefined;
  let at = 0;
  while (at < qemu.length && at < lab.length && qemu[at] === lab[at]) at++;
  const line = qemu.subarray(0, at).lastIndexOf(10) + 1;
  const shown = (bytes: Buffer): string => JSON.stringify(bytes.subarray(line, Math.max(line + 100, at + 40)).toString("latin1"));
  return `${what} at byte ${at}: qemu ${shown(qemu)}, lab ${shown(lab)}`;
}

/** What differs between two observations of one entry: one line each, none if they agree. */
export function differences(qemu: Observation, lab: Observation): string[] {
  const found: string[] = [];
  if (qemu.exit !== lab.exit) found.push(`exit: qemu ${qemu.exit}, lab ${lab.exit}`);
  for (const what of ["stdout", "stderr"] as const) {
    const difference = firstDifference(what, qemu[what], lab[what]);
    if (difference !== undefined) found.push(difference);
  }
  for (const name of [...new Set([...qemu.files.keys(), ...lab.files.keys()])].sort()) {
    const [left = "missing", right = "missing"] = [qemu.files.get(name), lab.files.get(name)];
    if (left !== right) found.push(`${name}: qemu ${left}, lab ${right}`);
  }
  return found;
}
