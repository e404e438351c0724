/**
 * Guest programs for tests: those of guest-programs/, C sources written in a test, and qemu-aarch64 to run either.
 *
 * A missing compiler or emulator is an error that says what to do; no test skips because of it.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const CROSS_CC = "aarch64-linux-gnu-gcc";
const QEMU = "qemu-aarch64";
const CACHE = join("build", "test-guests");

/** How a program ended; the form of `exit` in the JSON of a run. */
export type GuestExit = { readonly code: number } | { readonly signal: string };

export interface GuestResult {
  readonly exit: GuestExit;
  readonly stdout: string;
  readonly stderr: string;
}

function tool(command: string, args: readonly string[], options: { input?: string; cwd?: string; timeout?: number } = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 2 ** 20, ...options });
  if (result.error !== undefined) {
    if ("code" in result.error && result.error.code === "ENOENT") throw new Error(`${command} is not installed; \`make setup\` installs it`);
    throw result.error;
  }
  return result;
}

/** Which C library a guest program is statically linked with. */
export type Libc = "glibc" | "musl";

const GUEST_FOLDERS = { glibc: "guest", musl: "guest-musl" } as const satisfies Record<Libc, string>;

/** Path of a program of guest-programs/, built by make if it is missing or older than its source. */
export function guestProgram(name: string, libc: Libc = "glibc"): string {
  const path = join("build", GUEST_FOLDERS[libc], name);
  const result = tool("make", ["--silent", "--no-print-directory", path]);
  if (result.status !== 0) throw new Error(`make ${path} failed:\n${result.stderr}`);
  return resolve(path);
}

/**
 * Compiles a C source with the cross compiler at -O2 and returns the path of the program. `flags` come behind -O2: pass [] for a
 * dynamically linked program; `behind` comes behind the source. The result is kept under a hash of compiler, flags and source, so it is
 * compiled once. `guest.h` of guest-programs/ can be included.
 */
export function compileC(name: string, source: string, flags: readonly string[] = ["-static"], behind: readonly string[] = []): string {
  const version = tool(CROSS_CC, ["--version"]).stdout;
  const header = readFileSync(join("guest-programs", "guest.h"), "utf8");
  const hash = createHash("sha256").update(JSON.stringify([version, flags, header, source, ...behind])).digest("hex").slice(0, 16);
  const program = resolve(CACHE, `${name}-${hash}`);
  if (existsSync(program)) return program;

  mkdirSync(CACHE, { recursive: true });
  const file = `${program}.c`;
  writeFileSync(file, source);
  const unfinished = `${program}.${process.pid}`;
  const result = tool(CROSS_CC, ["-O2", "-std=gnu11", "-Wall", "-I", "guest-programs", ...flags, "-o", unfinished, file, ...behind]);
  if (result.status !== 0) throw new Error(`${CROSS_CC} refused ${file}:\n${result.stderr}`);
  renameSync(unfinished, program);
  return program;
}

/** Where dynamically linked programs find their interpreter and their C library. */
export const LIBC_ROOTS = { glibc: "/usr/aarch64-linux-gnu", musl: join("build", "musl") } as const satisfies Record<Libc, string>;

export type Linkage = "static" | "dynamic" | "shared library";

/** Compiles a C source with threads for a C library, as a program or as a shared library. */
export function compileFor(libc: Libc, linkage: Linkage, name: string, source: string): string {
  const kind = { static: ["-static"], dynamic: ["-fPIE", "-pie"], "shared library": ["-fPIC", "-shared"] }[linkage];
  if (libc === "glibc") return compileC(`${name}-glibc`, source, [...kind, "-pthread"], ["-lm"]);
  const made = tool("make", ["--silent", "--no-print-directory", join("build", "musl", ".stamp")]);
  if (made.status !== 0) throw new Error(`musl was not fetched:\n${made.stderr}`);
  const usr = (folder: string, ...rest: readonly string[]): string => join(LIBC_ROOTS.musl, "usr", folder, "aarch64-linux-musl", ...rest);
  const headers = ["-nostdinc", "-isystem", usr("include"), "-isystem", tool(CROSS_CC, ["-print-file-name=include"]).stdout.trim()];
  const start = { static: ["crt1.o"], dynamic: ["Scrt1.o"], "shared library": [] }[linkage];
  const linked = linkage === "static" ? ["-Wl,--start-group", usr("lib", "libc.a"), "-lgcc", "-lgcc_eh", "-Wl,--end-group"] : ["-L", join(LIBC_ROOTS.musl, "lib", "aarch64-linux-musl"), "-lc", "-lgcc"];
  return compileC(
    `${name}-musl`,
    source,
    [...kind, ...headers, "-mno-outline-atomics", "-nostdlib", "-nostartfiles", "-Wl,-dynamic-linker,/lib/ld-musl-aarch64.so.1", ...[...start, "crti.o"].map((object) => usr("lib", object))],
    [...linked, usr("lib", "crtn.o")],
  );
}

/** The same as compileC for assembly text: no C library, entry point `_start`. */
export function compileAssembly(name: string, source: string): string {
  return compileC(name, `__asm__(${JSON.stringify(`.text\n${source}\n`)});\n`, ["-static", "-nostdlib", "-nostartfiles", "-Wl,--build-id=none"]);
}

export interface QemuOptions {
  readonly cwd?: string;
  readonly input?: string;
  /** Folder in which a dynamically linked program finds its interpreter and libraries; default: the cross C library's. */
  readonly sysroot?: string;
  /** Options of qemu-aarch64 itself. */
  readonly qemuArgs?: readonly string[];
}

/** Runs a program under qemu-aarch64, the reference for what a guest may see. qemu ends by the guest's signal. */
export function runQemu(program: string, args: readonly string[], options: QemuOptions = {}): GuestResult {
  const { cwd, input, sysroot = "/usr/aarch64-linux-gnu", qemuArgs = [] } = options;
  const result = tool(QEMU, ["-L", sysroot, ...qemuArgs, program, ...args], {
    timeout: 100_000,
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
  });
  const exit: GuestExit = result.signal === null ? { code: result.status ?? -1 } : { signal: result.signal };
  return { exit, stdout: result.stdout, stderr: result.stderr };
}
