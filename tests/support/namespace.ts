/**
 * The guest's tree for tests: a namespace without an engine, and whole machines whose programs see one.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { LowerContents } from "../../kernel-model/fs/backing.js";
import { buildNamespace, type EmptyMount, type HostView, type Namespace, type NamespaceOptions, type TreeType } from "../../kernel-model/fs/mounts.js";
import { openPath, resolvePath } from "../../kernel-model/fs/path.js";
import type { FsStruct, OpenFile, VfsInode } from "../../kernel-model/fs/vfs.js";
import { putFile } from "../../kernel-model/fs/vfs.js";
import { byteString, bytesOf } from "../../kernel-model/kernel/byte-string.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { loadCores } from "../../lab/core-files.js";
import { DEFAULT_CONFIG, type RunConfig } from "../../lab/config.js";
import { ENGINES } from "../../lab/engines.js";
import { createMachine } from "../../lab/machine.js";
import { compileC, runQemu, type GuestExit } from "./guest.js";
import { STATIC_THREADS, exitOf } from "./like-qemu.js";
import { testSystem, type TestSystemOptions } from "./memory-system.js";

/** Bytes of a text as contents that exist from the start. */
export function contentsOf(text: string | Uint8Array): LowerContents {
  const bytes = typeof text === "string" ? bytesOf(text) : text;
  return { size: bytes.length, read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)) };
}

export interface TestNamespaceOptions extends TestSystemOptions {
  readonly rootType?: TreeType;
  readonly mounts?: readonly EmptyMount[];
  readonly view?: HostView;
  readonly gt?: NamespaceOptions["gt"];
  readonly input?: string;
  readonly terminal?: { readonly rows: number; readonly columns: number };
}

export interface TestNamespace {
  readonly sys: MemorySystem;
  readonly namespace: Namespace;
  readonly fs: FsStruct;
  /** What went to the standard output and error. */
  readonly output: { stdout: string; stderr: string };
  /** Open, or fail the test. */
  open(path: string, flags?: number, mode?: number): OpenFile;
  inode(path: string): VfsInode;
  /** The whole file through its operations. */
  read(path: string): string;
  /** Create or replace a file. */
  write(path: string, text: string): void;
  /** Names in a directory, as listed. */
  list(path: string): string[];
  /** Unmount; every frame must have come back. */
  close(): void;
}

const O_RDONLY = 0;
const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;

export function createTestNamespace(options: TestNamespaceOptions = {}): TestNamespace {
  const { rootType = "initramfs", mounts = [], view = {}, gt, input = "", terminal, ...rest } = options;
  const { sys } = testSystem(rest);
  const freeAtStart = sys.buddy.nrFree;
  const output = { stdout: "", stderr: "" };
  let unread = bytesOf(input);
  const namespace = buildNamespace({
    sys,
    kernel: () => undefined,
    rootType,
    view,
    mounts,
    streams: {
      stdout: (bytes) => void (output.stdout += byteString(bytes)),
      stderr: (bytes) => void (output.stderr += byteString(bytes)),
      stdin: (most) => {
        if (unread.length === 0) return undefined;
        const part = unread.subarray(0, most);
        unread = unread.subarray(most);
        return part;
      },
      ...(terminal === undefined ? {} : { terminal }),
    },
    ...(gt === undefined ? {} : { gt }),
  });
  const fs: FsStruct = { root: namespace.root, cwd: namespace.cwd, umask: 0o022, users: 1 };
  const open = (path: string, flags = O_RDONLY, mode = 0o666): OpenFile => {
    const file = openPath(fs, path, { flags, mode });
    if (typeof file === "number") throw new Error(`open ${path}: ${file}`);
    return file;
  };
  return {
    sys,
    namespace,
    fs,
    output,
    open,
    inode(path) {
      const found = resolvePath(fs, path, { follow: false });
      if (typeof found === "number") throw new Error(`${path}: ${found}`);
      return found.dentry.inode;
    },
    read(path) {
      const file = open(path);
      let text = "";
      for (;;) {
        const part = new Uint8Array(65536);
        const count = file.ops.read!(file, part, text.length);
        if (count < 0) throw new Error(`read ${path}: ${count}`);
        if (count === 0) break;
        text += byteString(part.subarray(0, count));
      }
      putFile(file);
      return text;
    },
    write(path, text) {
      const file = open(path, O_WRONLY | O_CREAT | O_TRUNC);
      expect(file.ops.write!(file, bytesOf(text), 0), `write ${path}`).to.equal(text.length);
      putFile(file);
    },
    list(path) {
      const file = open(path);
      const names: string[] = [];
      const error = file.ops.iterate!(file, 0, ({ name }) => names.push(name) > 0);
      if (error < 0) throw new Error(`list ${path}: ${error}`);
      putFile(file);
      return names;
    },
    close() {
      namespace.dispose();
      expect(sys.buddy.nrFree, "free frames after everything is unmounted").to.equal(freeAtStart);
    },
  };
}

export interface MachineRunOptions {
  readonly config?: Partial<RunConfig>;
  readonly rootType?: TreeType;
  readonly view?: HostView;
  readonly mounts?: readonly EmptyMount[];
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly input?: string;
  readonly recordingDevice?: boolean;
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly instructions?: number;
}

export interface MachineRun {
  readonly exit: ReturnType<typeof exitOf>;
  readonly stdout: string;
  readonly stderr: string;
}

/** Bytes of an output stream that a run keeps: a random program may send gigabytes of zeros with one call. */
const MOST_OUTPUT = 1 << 26;

/** Run a static program in a machine with the guest's whole tree. Working directory /tmp. A lost frame fails the test. */
export function runInMachine(program: string, options: MachineRunOptions = {}): MachineRun {
  const out = { stdout: "", stderr: "" };
  const keep = (stream: keyof typeof out) => (bytes: Uint8Array) => {
    if (out[stream].length < MOST_OUTPUT) out[stream] += byteString(bytes);
  };
  let unread = bytesOf(options.input ?? "");
  const config = { ...DEFAULT_CONFIG, memory: 256 * 2 ** 20, ...options.config };
  const machine = createMachine({
    config,
    cores: loadCores(config.cores, config.pageSize),
    createEngine: ENGINES[config.engine],
    streams: {
      stdout: keep("stdout"),
      stderr: keep("stderr"),
      stdin: (most) => {
        if (unread.length === 0) return undefined;
        const part = unread.subarray(0, most);
        unread = unread.subarray(most);
        return part;
      },
      ...(options.terminal === undefined ? {} : { terminal: options.terminal }),
    },
    rootType: options.rootType ?? "initramfs",
    view: { cwd: "/tmp", ...options.view, files: [{ path: "/bin/program", contents: contentsOf(readFileSync(program)), mode: 0o755 }, ...(options.view?.files ?? [])] },
    mounts: options.mounts ?? [],
    recordingDevice: options.recordingDevice ?? false,
  });
  const pid = machine.kernel.spawn("/bin/program", ["/bin/program", ...(options.args ?? [])], options.env ?? []);
  if (typeof pid !== "number") throw new Error(`${pid.path} ${pid.reason}`);
  const outcome = machine.kernel.run({ instructions: options.instructions ?? 2e9 });
  expect(machine.shutdown(), "frames leaked").to.equal(0);
  return { exit: exitOf(outcome), ...out };
}

/** The same for a C source. */
export function runSourceInMachine(name: string, source: string, options: MachineRunOptions = {}): MachineRun {
  return runInMachine(compileC(name, source, STATIC_THREADS), options);
}

/**
 * Compile a C source, run it in the machine and under qemu-aarch64 in an empty directory of the host, and compare output and exit.
 * `options.config` may name the page size.
 */
export function expectLikeHost(name: string, source: string, options: MachineRunOptions = {}): MachineRun {
  const program = compileC(name, source, STATIC_THREADS);
  const cwd = mkdtempSync(join(tmpdir(), "foliolab-test-"));
  try {
    const wanted: { exit: GuestExit; stdout: string; stderr: string } = runQemu(program, options.args ?? [], { cwd, ...(options.input === undefined ? {} : { input: options.input }) });
    const run = runInMachine(program, options);
    expect({ stdout: run.stdout, exit: run.exit }, name).to.deep.equal({ stdout: wanted.stdout, exit: wanted.exit });
    return run;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** Head of C test programs: CHECK prints an expression with its value and errno. */
export const CHECK = `#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <signal.h>
#include <poll.h>
#include <dirent.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#define CHECK(x) do { errno = 0; long check_ = (long)(x); printf("%s = %ld %s\\n", #x, check_, check_ == -1 ? strerrorname_np(errno) : ""); } while (0)
__attribute__((constructor)) static void setup(void) { setvbuf(stdout, 0, _IOLBF, 8192); }
__attribute__((unused)) static int by_name(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
__attribute__((unused)) static void list(const char *path) {
  DIR *d = opendir(path); struct dirent *e; char *names[100]; int n = 0;
  if (!d) { printf("%s: %s\\n", path, strerrorname_np(errno)); return; }
  while ((e = readdir(d)) && n < 100) { asprintf(&names[n++], "%s:%d", e->d_name, e->d_type); }
  closedir(d); qsort(names, n, sizeof *names, by_name);
  for (int i = 0; i < n; i++) printf(" %s", names[i]);
  printf("\\n");
}
`;
