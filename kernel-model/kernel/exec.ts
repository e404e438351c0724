/**
 * execve: from a path to a running program.
 *
 * Linux: fs/exec.c do_execveat_common(), bprm_execve(), begin_new_exec(), setup_new_exec(); fs/binfmt_script.c load_script().
 */
import type { Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { EACCES, E2BIG, EFAULT, ELOOP, ENOENT, ENOEXEC, ENOMEM, errnoName } from "../errno.js";
import { openPath } from "../fs/path.js";
import type { OpenFile, Path } from "../fs/vfs.js";
import { O_RDONLY, denyWriteAccess, getFile, isRegular, putFile } from "../fs/vfs.js";
import { NO_RSEQ } from "./rseq.js";
import type { Binprm, ExecutableStack } from "./binprm.js";
import { bprmMmInit, bprmRelease, bprmStackLimits, copyAllStrings, setupArgPages } from "./binprm.js";
import { withoutCapabilities } from "./capabilities.js";
import { loadElfBinary } from "./binfmt-elf.js";
import { cString } from "./byte-string.js";
import type { ElfHeaders, ExecError, ReadAt } from "./elf.js";
import { PF_X, PT_GNU_STACK, interpreterError, readElfHeaders, readInterpreter } from "./elf.js";
import { dethread, releaseMm } from "./exit.js";
import type { Kernel } from "./kernel.js";
import { unshareFiles } from "./fork.js";
import { flushSignalHandlers, unshareSighand } from "./signal-state.js";
import type { Task } from "./task.js";
import { CTX_PC, CTX_SP, NO_ALT_STACK } from "./task.js";
import { deletePosixTimers } from "./itimer.js";

/** Bytes of a file that decide what it is. Linux: BINPRM_BUF_SIZE. */
const BINPRM_BUF_SIZE = 256;
/** Scripts that interpret scripts, at most. */
const MAX_SCRIPTS = 5;
const TASK_COMM_LEN = 16;

interface Reason {
  readonly reason: string;
  readonly errno: number;
}

const isReason = (value: object): value is Reason => "errno" in value;

/** Reads through the file's own operations, so through the page cache where it has one. Linux: kernel_read(). */
function reader(file: OpenFile): ReadAt {
  return (offset, length) => {
    const into = new Uint8Array(length);
    const count = file.ops.read?.(file, into, offset) ?? -EACCES;
    return count < 0 ? count : into.subarray(0, count);
  };
}

/** Open a file for execution; the description or -errno. Linux: do_open_execat(). */
function openExec(task: Task, path: string, from: Path | undefined): OpenFile | number {
  const file = openPath(task.fs!, path, { flags: O_RDONLY, mode: 0, ...(from === undefined ? {} : { from }) });
  if (typeof file === "number") return file;
  if (!isRegular(file.inode) || (file.inode.mode & 0o111) === 0) {
    putFile(file);
    return -EACCES;
  }
  const busy = denyWriteAccess(file);
  if (busy < 0) {
    putFile(file);
    return busy;
  }
  return file;
}

/** The interpreter and its argument in a "#!" line, undefined if the file is no script. Linux: load_script(). */
function parseShebang(head: Uint8Array): { readonly interpreter: string; readonly argument: string | undefined } | undefined | Reason {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const end = head.indexOf(0x0a);
  let line = cString(head.subarray(2, end < 0 ? head.length : end));
  line = line.replace(/^[ \t]+/, "");
  if (end < 0 && !/^[^ \t]+[ \t]/.test(line) && head.length >= BINPRM_BUF_SIZE) return { reason: "names an interpreter that is too long", errno: ENOEXEC };
  line = line.replace(/[ \t]+$/, "");
  const match = /^([^ \t]+)[ \t]*(.*)$/.exec(line);
  if (match === null) return { reason: "has an empty interpreter line", errno: ENOEXEC };
  const [, interpreter = "", argument = ""] = match;
  return { interpreter, argument: argument === "" ? undefined : argument };
}

/** What bprm.file is to become after following scripts and the interpreter of an ELF file. */
interface Loadable {
  readonly headers: ElfHeaders;
  readonly interpreter: { readonly file: OpenFile; readonly headers: ElfHeaders; readonly path: string } | undefined;
}

/** Read headers of program and interpreter. Nothing of the old program has been touched yet. */
function inspect(task: Task, bprm: Binprm): Loadable | (Reason & { readonly path: string }) {
  const { taskSize } = bprm.mm;
  const headers = readElfHeaders(reader(bprm.file), bprm.file.inode.size, taskSize);
  if (isReason(headers)) return { ...headers, path: bprm.interp };
  const path = readInterpreter(headers, reader(bprm.file));
  if (path === undefined) return { headers, interpreter: undefined };
  if (typeof path !== "string") return { ...path, path: bprm.interp };
  const file = openExec(task, path, undefined);
  if (typeof file === "number") {
    const reason = file === -ENOENT ? `needs the interpreter ${path}, which is not there` : `needs the interpreter ${path}: ${errnoName(-file)}`;
    return { reason, errno: -file, path: bprm.interp };
  }
  const own = readElfHeaders(reader(file), file.inode.size, taskSize);
  if (isReason(own)) {
    putFile(file);
    return { ...interpreterError(own), path };
  }
  return { headers, interpreter: { file, headers: own, path } };
}

function executableStack(headers: ElfHeaders): ExecutableStack {
  const note = headers.programHeaders.find(({ type }) => type === PT_GNU_STACK);
  if (note === undefined) return "default";
  return (note.flags & PF_X) !== 0 ? "enable" : "disable";
}

/** Replace scripts by their interpreters in bprm. Linux: exec_binprm()'s loop. */
function followScripts(task: Task, bprm: Binprm): Reason | undefined {
  for (let depth = 0; ; depth++) {
    const head = reader(bprm.file)(0, BINPRM_BUF_SIZE);
    if (typeof head === "number") return { reason: `cannot be read: ${errnoName(-head)}`, errno: -head };
    const script = parseShebang(head);
    if (script === undefined) return undefined;
    if ("errno" in script) return script;
    if (depth >= MAX_SCRIPTS) return { reason: "is a script whose interpreters are scripts, too deep", errno: ELOOP };
    const file = openExec(task, script.interpreter, undefined);
    if (typeof file === "number") {
      return { reason: `is a script for ${script.interpreter}: ${errnoName(-file)}`, errno: -file };
    }
    bprm.argv = [script.interpreter, ...(script.argument === undefined ? [] : [script.argument]), bprm.interp, ...bprm.argv.slice(1)];
    putFile(bprm.file);
    bprm.file = file;
    bprm.interp = script.interpreter;
  }
}

/** Point of no return: the old program ends, its memory goes, the new mm becomes the task's. Linux: begin_new_exec(), setup_new_exec(). */
function beginNewExec(kernel: Kernel, task: Task, bprm: Binprm): void {
  dethread(kernel, task);
  unshareFiles(task);
  if (task.mm !== undefined) releaseMm(kernel, task);
  task.mm = bprm.mm;
  kernel.activateMm(bprm.mm);
  if (task.exe !== undefined) putFile(task.exe);
  task.exe = getFile(bprm.file);
  deletePosixTimers(kernel, task.group);
  unshareSighand(task);
  flushSignalHandlers(task.sighand);
  task.altStack = NO_ALT_STACK;
  task.files!.closeForExec();
  task.comm = bprm.filename.slice(bprm.filename.lastIndexOf("/") + 1).slice(0, TASK_COMM_LEN - 1);
  task.group.execed = true;
  // Root gets all capabilities again, everyone else none (cap_bprm_creds_from_file()).
  if (task.credentials.capabilities !== undefined) task.credentials = withoutCapabilities(task.credentials);
  task.robustList = 0 as Va;
  task.rseq = NO_RSEQ;
  task.restart = undefined;
  kernel.addresses.pickMmapLayout(bprm.mm);
}

/** Registers at the entry of a program: all zero but PC and SP. Linux: arch/arm64 start_thread(), flush_thread(). */
function startThread(kernel: Kernel, task: Task, pc: number, sp: number): void {
  const context = task.context;
  context.fill(0n);
  context[CTX_PC] = BigInt(pc);
  context[CTX_SP] = BigInt(sp);
  kernel.processor.restoreContext(context);
  // The call that got here has no result: X0 belongs to the new program.
  task.syscall = -1;
}

/**
 * Replace the program of `task`, which is current, by the one at `path`. undefined on success; the registers are then the new
 * program's. `from`: directory of a relative path, default the working directory. `opened`: the file itself (AT_EMPTY_PATH).
 * `filename`: what the program is told that it was called with, default `path`.
 */
export function execve(
  kernel: Kernel,
  task: Task,
  path: string,
  argv: readonly string[],
  envp: readonly string[],
  options: { readonly from?: Path; readonly opened?: OpenFile; readonly filename?: string } = {},
): ExecError | undefined {
  if (kernel.current !== task) throw new ModelBug(`execve: task ${task.pid} is not current`);
  const refuse = (reason: Reason, where = path, fatal = false): ExecError => ({ path: where, ...reason, fatal });
  const file = options.opened === undefined ? openExec(task, path, options.from) : getFile(options.opened);
  if (typeof file === "number") {
    if (file === -ENOENT) return refuse({ reason: "no such file", errno: ENOENT });
    if (file === -EACCES) return refuse({ reason: "is not an executable file", errno: EACCES });
    return refuse({ reason: `cannot be opened: ${errnoName(-file)}`, errno: -file });
  }
  const space = bprmMmInit(kernel.sys, task.group.mmLimits, kernel.addresses, task.mm);
  if (space === undefined) {
    putFile(file);
    return refuse({ reason: "does not fit: the guest's memory is used up", errno: ENOMEM });
  }
  const bprm: Binprm = {
    ...space,
    file,
    filename: options.filename ?? path,
    interp: options.filename ?? path,
    argv: argv.length === 0 ? [""] : argv,
    envp,
    p: space.stack.end - 8,
    exec: 0,
    argMin: 0,
  };
  const giveUp = (reason: Reason, where?: string): ExecError => {
    bprmRelease(bprm);
    putFile(bprm.file);
    return refuse(reason, where);
  };
  const script = followScripts(task, bprm);
  if (script !== undefined) return giveUp(script, bprm.interp);
  let error = bprmStackLimits(bprm);
  if (error === 0) error = copyAllStrings(bprm);
  if (error < 0) {
    const what = error === -E2BIG ? "has too many or too long arguments" : error === -EFAULT ? "does not fit: the guest's memory is used up" : errnoName(-error);
    return giveUp({ reason: what, errno: -error });
  }
  const loadable = inspect(task, bprm);
  if ("errno" in loadable) return giveUp(loadable, loadable.path);

  beginNewExec(kernel, task, bprm);
  const finish = (reason: Reason | undefined): ExecError | undefined => {
    putFile(bprm.file);
    if (loadable.interpreter !== undefined) putFile(loadable.interpreter.file);
    return reason === undefined ? undefined : refuse(reason, path, true);
  };
  error = setupArgPages(bprm, executableStack(loadable.headers));
  if (error < 0) {
    bprm.mm.temporaryStack = undefined;
    return finish({ reason: `has no room for its stack: ${errnoName(-error)}`, errno: -error });
  }
  const loaded = loadElfBinary(kernel, task, bprm, loadable.headers, loadable.interpreter);
  if ("errno" in loaded) return finish(loaded);
  startThread(kernel, task, loaded.entry, loaded.sp);
  return finish(undefined);
}

