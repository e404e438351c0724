/**
 * The files of /proc/PID.
 *
 * Linux: fs/proc/base.c tgid_base_stuff, fs/proc/array.c proc_pid_status(), do_task_stat(), proc_pid_statm().
 */
import type { Va } from "../../../emulator/arch/addr.js";
import { EINVAL, ESRCH } from "../../errno.js";
import type { MmStruct } from "../../mm/mm-struct.js";
import { MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES, MM_SWAPENTS } from "../../mm/mm-struct.js";
import type { SigAction, Task } from "../../kernel/task.js";
import { directory, text, type PseudoBinary, type PseudoDirectory, type PseudoNode, type PseudoText } from "../pseudo-fs.js";
import type { Path } from "../vfs.js";
import { byteString } from "../../kernel/byte-string.js";
import { clearRefs, type ClearRefsType } from "./clear-refs.js";
import { formatMaps } from "./maps.js";
import { memFile } from "./mem.js";
import { readPagemap } from "./pagemap.js";
import { formatSmaps, formatSmapsRollup } from "./smaps.js";

/** What the process files need from the kernel besides the task. */
export interface ProcessSource {
  /** Path text of a place, as /proc/PID/cwd shows it to the reader. */
  readonly pathText: (path: Path) => string;
  /** Bytes of user memory of `mm`, as far as they are mapped (access_process_vm); shorter at a hole. */
  readonly readMemory: (mm: MmStruct, start: Va, length: number) => Uint8Array;
  /** CPUs of the machine. */
  readonly cpus: number;
  /** Mount table as seen by the task, as /proc/PID/mounts. */
  readonly mounts: (task: Task) => string;
  /** The same as /proc/PID/mountinfo. */
  readonly mountinfo: (task: Task) => string;
}

const KIB = 1024;
const TICK_NANOSECONDS = 10_000_000;
const SIG_IGN = 1n;
const SIGCHLD = 17;

function stateLetter(task: Task): string {
  switch (task.state) {
    case "runnable":
      return "R";
    case "sleeping":
      return "S";
    case "stopped":
      return "T";
    case "zombie":
      return "Z";
    case "dead":
      return "X";
  }
}

const STATE_NAMES: Readonly<Record<string, string>> = { R: "R (running)", S: "S (sleeping)", T: "T (stopped)", Z: "Z (zombie)", X: "X (dead)" };

function rssPages(mm: MmStruct): number {
  return mm.rss[MM_FILEPAGES]! + mm.rss[MM_ANONPAGES]! + mm.rss[MM_SHMEMPAGES]!;
}

const hex16 = (value: bigint): string => value.toString(16).padStart(16, "0");

function pendingSet(queue: readonly { readonly signo: number }[]): bigint {
  return queue.reduce((set, info) => set | (1n << BigInt(info.signo - 1)), 0n);
}

function handlerSet(actions: readonly SigAction[], which: (handler: bigint) => boolean): bigint {
  let set = 0n;
  for (let signo = 1; signo < actions.length; signo++) if (which(actions[signo]!.handler)) set |= 1n << BigInt(signo - 1);
  return set;
}

/** task_mem(): the memory lines of status. */
function memoryLines(mm: MmStruct): string {
  const kb = mm.sys.granule.pageSize / KIB;
  const line = (label: string, kilobytes: number): string => `${label}:\t${String(kilobytes).padStart(8)} kB\n`;
  const anon = mm.rss[MM_ANONPAGES]!;
  const file = mm.rss[MM_FILEPAGES]!;
  const shmem = mm.rss[MM_SHMEMPAGES]!;
  const rss = anon + file + shmem;
  const text = (Math.ceil(mm.endCode / mm.sys.granule.pageSize) - Math.floor(mm.startCode / mm.sys.granule.pageSize)) * kb;
  const textKb = Math.min(text, mm.execVm * kb);
  return (
    line("VmPeak", Math.max(mm.hiwaterVm, mm.totalVm) * kb) +
    line("VmSize", mm.totalVm * kb) +
    line("VmLck", mm.lockedVm * kb) +
    line("VmPin", 0) +
    line("VmHWM", Math.max(mm.hiwaterRss, rss) * kb) +
    line("VmRSS", rss * kb) +
    line("RssAnon", anon * kb) +
    line("RssFile", file * kb) +
    line("RssShmem", shmem * kb) +
    line("VmData", mm.dataVm * kb) +
    line("VmStk", mm.stackVm * kb) +
    line("VmExe", textKb) +
    line("VmLib", mm.execVm * kb - textKb) +
    line("VmPTE", mm.pgtablesBytes / KIB) +
    line("VmSwap", mm.rss[MM_SWAPENTS]! * kb) +
    line("HugetlbPages", 0) +
    "CoreDumping:\t0\n" +
    `THP_enabled:\t${mm.thpDisabled ? 0 : 1}\n` +
    "untag_mask:\t0xffffffffffffff\n"
  );
}

/** Every capability that 6.12 knows: 0 to CAP_CHECKPOINT_RESTORE. */
const CAP_FULL_SET = 2n ** 41n - 1n;

/** A user id of 0 is all privilege there is: its sets are full or empty. Linux: security/commoncap.c cap_emulate_setxuid(). */
function capabilityLines({ uid, euid, suid }: Task["credentials"]): string {
  const permitted = uid === 0 || euid === 0 || suid === 0 ? CAP_FULL_SET : 0n;
  const sets = { CapInh: 0n, CapPrm: permitted, CapEff: euid === 0 ? CAP_FULL_SET : 0n, CapBnd: CAP_FULL_SET, CapAmb: 0n };
  return Object.entries(sets).map(([name, set]) => `${name}:\t${hex16(set)}\n`).join("");
}

/** The CPUs that the task may run on, as a mask and as a list. Linux: fs/proc/array.c task_cpus_allowed(). */
function cpuLines(task: Task, cpus: number): string {
  const allowed = Array.from({ length: cpus }, (_, cpu) => cpu).filter((cpu) => (task.cpusAllowed & (1n << BigInt(cpu))) !== 0n);
  const mask = allowed.reduce((sum, cpu) => sum + 2n ** BigInt(cpu), 0n);
  const digits = mask.toString(16).padStart(Math.ceil(cpus / 4), "0");
  const words = digits.replace(/(?!^)(?=(.{8})+$)/g, ",");
  const ranges: string[] = [];
  for (let i = 0; i < allowed.length; ) {
    let end = i;
    while (allowed[end + 1] === allowed[end]! + 1) end++;
    ranges.push(end === i ? `${allowed[i]!}` : `${allowed[i]!}-${allowed[end]!}`);
    i = end + 1;
  }
  return `Cpus_allowed:\t${words}\nCpus_allowed_list:\t${ranges.join(",")}\n`;
}

function status(task: Task, cpus: number): string {
  const { group, credentials: c } = task;
  const letter = stateLetter(task);
  return (
    `Name:\t${task.comm}\nUmask:\t${(task.fs?.umask ?? 0).toString(8).padStart(4, "0")}\nState:\t${STATE_NAMES[letter]!}\n` +
    `Tgid:\t${group.tgid}\nNgid:\t0\nPid:\t${task.pid}\nPPid:\t${group.parent?.tgid ?? 0}\nTracerPid:\t0\n` +
    `Uid:\t${c.uid}\t${c.euid}\t${c.suid}\t${c.fsuid}\nGid:\t${c.gid}\t${c.egid}\t${c.sgid}\t${c.fsgid}\n` +
    `FDSize:\t64\nGroups:\t${c.groups.join(" ")} \nNStgid:\t${group.tgid}\nNSpid:\t${task.pid}\nNSpgid:\t${group.pgrp}\nNSsid:\t${group.session}\nKthread:\t0\n` +
    (task.mm === undefined ? "" : memoryLines(task.mm)) +
    `Threads:\t${Math.max(1, group.threads.length)}\nSigQ:\t0/15000\nSigPnd:\t${hex16(pendingSet(task.pending.queue))}\nShdPnd:\t${hex16(pendingSet(group.sharedPending.queue))}\n` +
    `SigBlk:\t${hex16(task.blocked)}\nSigIgn:\t${hex16(handlerSet(task.sighand.actions, (h) => h === SIG_IGN))}\nSigCgt:\t${hex16(handlerSet(task.sighand.actions, (h) => h > SIG_IGN))}\n` +
    capabilityLines(c) +
    `NoNewPrivs:\t${task.noNewPrivileges ? 1 : 0}\nSeccomp:\t0\nSeccomp_filters:\t0\n${cpuLines(task, cpus)}Mems_allowed:\t0001\nMems_allowed_list:\t0\n` +
    `voluntary_ctxt_switches:\t${task.use.voluntarySwitches}\nnonvoluntary_ctxt_switches:\t${task.use.involuntarySwitches}\n`
  );
}

/** Faults and time of a thread or, `whole`, of all threads of its process, past and present. */
function usage(task: Task, whole: boolean): { readonly minFlt: number; readonly majFlt: number; readonly userTime: number; readonly systemTime: number } {
  if (!whole) return { minFlt: task.minFlt, majFlt: task.majFlt, userTime: task.use.userTime, systemTime: task.use.systemTime };
  let { minFlt, majFlt, userTime, systemTime } = task.group.exited;
  for (const thread of task.group.threads) {
    minFlt += thread.minFlt;
    majFlt += thread.majFlt;
    userTime += thread.use.userTime;
    systemTime += thread.use.systemTime;
  }
  return { minFlt, majFlt, userTime, systemTime };
}

/** The 52 fields of stat. `whole`: of the process, not of one thread. */
function stat(task: Task, whole: boolean): string {
  const { group, mm } = task;
  const ticks = (nanoseconds: number): number => Math.floor(nanoseconds / TICK_NANOSECONDS);
  const size = mm?.sys.granule.pageSize ?? 0;
  const childrenUse = group.childrenUse;
  const use = usage(task, whole);
  const { actions } = task.sighand;
  // The first 31 signals.
  const oldSet = (set: bigint): bigint => set & 0x7fffffffn;
  const waits = task.state !== "runnable" && (!whole || group.threads.length < 2);
  const fields = [
    task.pid,
    `(${task.comm})`,
    stateLetter(task),
    group.parent?.tgid ?? 0,
    group.pgrp,
    group.session,
    0, // tty_nr
    -1, // tpgid
    0x400000, // flags: PF_RANDOMIZE
    use.minFlt,
    childrenUse.minFlt,
    use.majFlt,
    childrenUse.majFlt,
    ticks(use.userTime),
    ticks(use.systemTime),
    ticks(childrenUse.userTime),
    ticks(childrenUse.systemTime),
    task.rtPriority > 0 ? -1 - task.rtPriority : 20 + task.nice,
    task.nice,
    Math.max(1, group.threads.length),
    0,
    ticks(task.startTime),
    mm === undefined ? 0 : mm.totalVm * size,
    mm === undefined ? 0 : rssPages(mm),
    showLimit(group.limits[RLIMIT_RSS]?.soft, "18446744073709551615"),
    mm?.startCode ?? 0,
    mm?.endCode ?? 0,
    mm?.startStack ?? 0,
    0, // esp
    0, // eip
    oldSet(pendingSet(task.pending.queue)),
    oldSet(task.blocked),
    oldSet(handlerSet(actions, (h) => h === SIG_IGN)),
    oldSet(handlerSet(actions, (h) => h > SIG_IGN)),
    waits ? 1 : 0, // wchan
    0,
    0,
    !task.isLeader ? -1 : group.parent === undefined ? SIGCHLD : group.exitSignal,
    Math.max(0, task.ranOn), // processor
    task.rtPriority,
    task.policy,
    0,
    0,
    0,
    mm?.startData ?? 0,
    mm?.endData ?? 0,
    mm?.startBrk ?? 0,
    mm?.argStart ?? 0,
    mm?.argEnd ?? 0,
    mm?.envStart ?? 0,
    mm?.envEnd ?? 0,
    (whole ? group.groupExitCode : undefined) ?? task.exitCode,
  ];
  return `${fields.join(" ")}\n`;
}

function statm(mm: MmStruct): string {
  const { pageSize } = mm.sys.granule;
  const shared = mm.rss[MM_FILEPAGES]! + mm.rss[MM_SHMEMPAGES]!;
  const code = Math.ceil(mm.endCode / pageSize) - Math.floor(mm.startCode / pageSize);
  return `${mm.totalVm} ${rssPages(mm)} ${shared} ${code} 0 ${mm.dataVm + mm.stackVm} 0\n`;
}

const RLIMIT_RSS = 5;

function showLimit(value: number | undefined, unlimited: string): string {
  return value === undefined || value === Infinity ? unlimited : String(value);
}

const LIMIT_NAMES: readonly (readonly [string, string])[] = [
  ["Max cpu time", "seconds"],
  ["Max file size", "bytes"],
  ["Max data size", "bytes"],
  ["Max stack size", "bytes"],
  ["Max core file size", "bytes"],
  ["Max resident set", "bytes"],
  ["Max processes", "processes"],
  ["Max open files", "files"],
  ["Max locked memory", "bytes"],
  ["Max address space", "bytes"],
  ["Max file locks", "locks"],
  ["Max pending signals", "signals"],
  ["Max msgqueue size", "bytes"],
  ["Max nice priority", ""],
  ["Max realtime priority", ""],
  ["Max realtime timeout", "us"],
];

function limits(task: Task): string {
  const show = (value: number): string => showLimit(value, "unlimited");
  let out = `${"Limit".padEnd(25)} ${"Soft Limit".padEnd(20)} ${"Hard Limit".padEnd(20)} ${"Units".padEnd(10)}\n`;
  LIMIT_NAMES.forEach(([name, unit], i) => {
    const limit = task.group.limits[i];
    if (limit !== undefined) out += `${name.padEnd(25)} ${show(limit.soft).padEnd(20)} ${show(limit.hard).padEnd(20)} ${unit.padEnd(10)}\n`;
  });
  return out;
}

function pagemapFile(task: Task): PseudoBinary {
  return {
    kind: "binary",
    mode: 0o400,
    open: () => (task.mm === undefined ? -ESRCH : 0),
    readAt(_file, into, offset) {
      const { mm } = task;
      if (mm === undefined) return 0;
      if (offset % 8 !== 0 || into.length % 8 !== 0) return -EINVAL;
      const pages = mm.taskSize / mm.sys.granule.pageSize;
      const nr = Math.max(0, Math.min(into.length / 8, pages - offset / 8));
      const entries = new BigUint64Array(nr);
      readPagemap(mm, offset / 8, entries);
      into.set(new Uint8Array(entries.buffer));
      return nr * 8;
    },
  };
}

/** clear_refs: 1 all, 2 anonymous, 3 mapped, 4 soft-dirty, 5 peak RSS. */
function clearRefsFile(task: Task): PseudoText {
  return {
    kind: "text",
    mode: 0o200,
    write(value) {
      // kstrtoint() with base 10
      const trimmed = value.trim();
      const type = /^[+-]?\d+$/.test(trimmed) ? Number(trimmed) : NaN;
      if (!(type >= 1 && type <= 5)) return -EINVAL;
      if (task.mm !== undefined) clearRefs(task.mm, type as ClearRefsType);
      return value.length;
    },
  };
}

function memoryText(task: Task, source: ProcessSource, range: (mm: MmStruct) => readonly [Va, Va]): PseudoText {
  return text(() => {
    const { mm } = task;
    if (mm === undefined) return "";
    const [start, end] = range(mm);
    return byteString(source.readMemory(mm, start, end - start));
  });
}

function fdDirectory(task: Task, source: ProcessSource): PseudoDirectory {
  return {
    kind: "directory",
    mode: 0o500,
    names: () => (task.files === undefined ? [] : [...task.files.descriptors()].map(([fd]) => String(fd))),
    lookup(name) {
      const file = /^\d+$/.test(name) ? task.files?.get(Number(name)) : undefined;
      if (file === undefined) return undefined;
      const { where } = file;
      return { kind: "link", target: () => (where === undefined ? file.path : { path: where, text: source.pathText(where) }) };
    },
  };
}

function fdinfoDirectory(task: Task): PseudoDirectory {
  return {
    kind: "directory",
    mode: 0o500,
    names: () => (task.files === undefined ? [] : [...task.files.descriptors()].map(([fd]) => String(fd))),
    lookup(name) {
      const file = /^\d+$/.test(name) ? task.files?.get(Number(name)) : undefined;
      if (file === undefined) return undefined;
      return text(() => `pos:\t${file.position}\nflags:\t0${file.flags.toString(8)}\nmnt_id:\t${file.where?.mount.id ?? 0}\nino:\t${file.inode.ino}\n`);
    },
  };
}

function placeLink(place: () => Path | undefined, source: ProcessSource): PseudoNode {
  return {
    kind: "link",
    target() {
      const path = place();
      return path === undefined ? -ESRCH : { path, text: source.pathText(path) };
    },
  };
}

/** /proc/PID or /proc/PID/task/TID. `threads`: the directory of the other threads, for the former. */
export function processDirectory(task: Task, source: ProcessSource, threads: PseudoDirectory | undefined): PseudoDirectory {
  const withMm = (format: (mm: MmStruct) => string): PseudoText => text(() => (task.mm === undefined ? "" : format(task.mm)));
  return directory({
    ...(threads === undefined ? {} : { task: threads }),
    fd: fdDirectory(task, source),
    fdinfo: fdinfoDirectory(task),
    maps: withMm(formatMaps),
    smaps: withMm(formatSmaps),
    smaps_rollup: withMm(formatSmapsRollup),
    pagemap: pagemapFile(task),
    clear_refs: clearRefsFile(task),
    status: text(() => status(task, source.cpus)),
    stat: text(() => stat(task, threads !== undefined)),
    statm: text(() => (task.mm === undefined ? "0 0 0 0 0 0 0\n" : statm(task.mm))),
    limits: text(() => limits(task)),
    comm: {
      kind: "text",
      mode: 0o644,
      read: () => `${task.comm}\n`,
      write(value) {
        task.comm = value.replace(/\n$/, "").slice(0, 15);
        return value.length;
      },
    },
    cmdline: memoryText(task, source, (mm) => [mm.argStart, mm.argEnd]),
    environ: memoryText(task, source, (mm) => [mm.envStart, mm.envEnd]),
    auxv: withMm((mm) => byteString(new Uint8Array(new BigUint64Array(mm.savedAuxv).buffer))),
    exe: placeLink(() => task.exe?.where, source),
    cwd: placeLink(() => task.fs?.cwd, source),
    root: placeLink(() => task.fs?.root, source),
    mounts: text(() => source.mounts(task)),
    mountinfo: text(() => source.mountinfo(task)),
    mem: memFile(task),
    cgroup: text(() => "0::/\n"),
    coredump_filter: text(() => "00000033\n"),
    oom_score: text(() => "0\n"),
    oom_score_adj: { kind: "text", mode: 0o644, read: () => "0\n", write: (value) => value.length },
    personality: text(() => `${(task.personality >>> 0).toString(16).padStart(8, "0")}\n`),
    wchan: text(() => "0"),
  });
}
