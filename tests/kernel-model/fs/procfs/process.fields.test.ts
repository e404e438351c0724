/** The files of /proc/PID: fields of stat, statm and status by position and label, and what writes do. */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { processDirectory, type ProcessSource } from "../../../../kernel-model/fs/procfs/process.js";
import { directory, type PseudoBinary, type PseudoDirectory, type PseudoText } from "../../../../kernel-model/fs/pseudo-fs.js";
import type { OpenFile } from "../../../../kernel-model/fs/vfs.js";
import type { Task } from "../../../../kernel-model/kernel/task.js";
import { branch, programOf } from "../../../support/elf-builder.js";
import { createTestMachine, type TestMachine } from "../../../support/kernel-machine.js";

const FILE = {} as OpenFile;
const EINVAL = -22;

const SOURCE: ProcessSource = {
  pathText: () => "/where",
  readMemory: (mm, start, length) => {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      const { pgtable, granule, memory } = mm.sys;
      const pmd = pgtable.pmdpGet(pgtable.pmdOffset(mm, (start + i) as Va));
      const pte = pgtable.rawGet(pgtable.pteOffset(pmd, (start + i) as Va));
      bytes[i] = memory.u8[pgtable.ptePfn(pte) * granule.pageSize + ((start + i) % granule.pageSize)]!;
    }
    return bytes;
  },
  cpus: 1,
  mounts: () => "mounts\n",
  mountinfo: () => "mountinfo\n",
};

/** A process that spins, after 1000 instructions. */
function spinning(): { machine: TestMachine; task: Task; process: PseudoDirectory; thread: PseudoDirectory } {
  const machine = createTestMachine({ files: { "/bin/spin": programOf(branch(0)) } });
  machine.kernel.spawn("/bin/spin", ["spin", "a b"], ["X=1"]);
  machine.kernel.run({ instructions: 1000 });
  const task = machine.kernel.tasks.get(100)!;
  return { machine, task, process: processDirectory(task, SOURCE, directory({})), thread: processDirectory(task, SOURCE, undefined) };
}

const read = (dir: PseudoDirectory, name: string): string => (dir.lookup(name) as PseudoText).read!(FILE) as string;
const write = (dir: PseudoDirectory, name: string, text: string): number => (dir.lookup(name) as PseudoText).write!(text, FILE);
/** Fields of stat from 1 on, as proc(5) counts them. The name has no blank in these tests. */
const stat = (dir: PseudoDirectory): string[] => ["", ...read(dir, "stat").trimEnd().split(" ")];
const status = (dir: PseudoDirectory): Map<string, string> => new Map(read(dir, "status").split("\n").filter((line) => line !== "").map((line) => line.split(":\t", 2) as [string, string]));

describe("/proc/PID/stat", () => {
  it("has 52 fields on one line", () => {
    const { machine, task, process } = spinning();
    const text = read(process, "stat");
    expect(text).to.match(/^100 \(spin\) R .*\n$/);
    const fields = stat(process);
    expect(fields).to.have.length(53);
    const mm = task.mm!;
    // ppid, pgrp, session; min_flt; priority, nice, threads; vsize in bytes, rss in pages; rsslim; exit_signal SIGCHLD
    expect(fields.slice(4, 7)).to.deep.equal(["0", String(task.group.pgrp), String(task.group.session)]);
    expect(fields[10]).to.equal(String(task.minFlt));
    expect(task.minFlt).to.be.greaterThan(0);
    expect(fields.slice(18, 21)).to.deep.equal(["20", "0", "1"]);
    expect(fields[23]).to.equal(String(mm.totalVm * 4096));
    expect(fields[24]).to.equal(String(mm.rss[0]! + mm.rss[1]! + mm.rss[3]!));
    expect(fields[25]).to.equal("18446744073709551615");
    expect(fields.slice(26, 29)).to.deep.equal([mm.startCode, mm.endCode, mm.startStack].map(String));
    expect(fields[38]).to.equal("17");
    expect(fields.slice(45, 52)).to.deep.equal([mm.startData, mm.endData, mm.startBrk, mm.argStart, mm.argEnd, mm.envStart, mm.envEnd].map(String));
    expect(machine.shutdown()).to.equal(0);
  });

  it("shows the first 31 signals in decimal: pending, blocked, ignored, caught", () => {
    const { machine, task, process } = spinning();
    task.blocked = 0x8000_0000_0000_0005n;
    task.sighand.actions[2] = { ...task.sighand.actions[2]!, handler: 1n };
    task.sighand.actions[15] = { ...task.sighand.actions[15]!, handler: 0x400000n };
    expect(stat(process).slice(31, 35)).to.deep.equal(["0", "5", "2", String(2 ** 14)]);
    machine.shutdown();
  });

  it("a process counts the faults of all its threads, a thread its own", () => {
    const { machine, task, process, thread } = spinning();
    task.group.exited.minFlt += 1000;
    expect(Number(stat(process)[10]) - Number(stat(thread)[10])).to.equal(1000);
    machine.shutdown();
  });
});

describe("/proc/PID/statm and status", () => {
  it("statm has seven numbers of pages", () => {
    const { machine, task, process } = spinning();
    const mm = task.mm!;
    const text = Math.ceil(mm.endCode / 4096) - Math.floor(mm.startCode / 4096);
    const [file, anon, , shmem] = [...mm.rss] as [number, number, number, number];
    expect(read(process, "statm")).to.equal(`${mm.totalVm} ${file + anon + shmem} ${file + shmem} ${text} 0 ${mm.dataVm + mm.stackVm} 0\n`);
    machine.shutdown();
  });

  it("status: identity, signals, and memory in kB right-aligned to eight columns", () => {
    const { machine, task, process } = spinning();
    task.blocked = 0x5n;
    const lines = status(process);
    const mm = task.mm!;
    const kb = (pages: number): string => `${String(pages * 4).padStart(8)} kB`;
    for (const [label, value] of [["Name", "spin"], ["State", "R (running)"], ["Tgid", "100"], ["Pid", "100"], ["PPid", "0"], ["Uid", "0\t0\t0\t0"], ["Threads", "1"], ["SigBlk", "0000000000000005"]] as const) expect(lines.get(label), label).to.equal(value);
    expect(lines.get("VmSize")).to.equal(kb(mm.totalVm));
    expect(lines.get("VmRSS")).to.equal(kb(mm.rss[0]! + mm.rss[1]! + mm.rss[3]!));
    expect([lines.get("RssAnon"), lines.get("RssFile"), lines.get("RssShmem")]).to.deep.equal([mm.rss[1]!, mm.rss[0]!, mm.rss[3]!].map(kb));
    expect(lines.get("VmStk")).to.equal(kb(mm.stackVm));
    expect(lines.get("VmPTE")).to.equal(`${String(mm.pgtablesBytes / 1024).padStart(8)} kB`);
    mm.hiwaterRss = 1000;
    mm.hiwaterVm = 5000;
    expect([status(process).get("VmHWM"), status(process).get("VmPeak")], "peaks kept").to.deep.equal([kb(1000), kb(5000)]);
    expect(read(process, "status"), "groups end in a blank, even if there are none").to.match(/^Groups:\t(\d+ )*\d* $/m);
    machine.shutdown();
  });

  it("a process without memory has no Vm lines and zeros", () => {
    const { machine, task, process } = spinning();
    const { mm } = task;
    task.mm = undefined;
    expect([...status(process).keys()].filter((label) => /^(Vm|Rss)/.test(label))).to.deep.equal([]);
    expect(read(process, "statm")).to.equal("0 0 0 0 0 0 0\n");
    expect(stat(process).slice(23, 25)).to.deep.equal(["0", "0"]);
    expect([read(process, "maps"), read(process, "smaps")]).to.deep.equal(["", ""]);
    expect(write(process, "clear_refs", "1"), "nothing to do").to.equal(1);
    task.mm = mm;
    machine.shutdown();
  });
});

describe("/proc/PID: other files", () => {
  it("command line and environment are the strings of the stack", () => {
    const { machine, process } = spinning();
    expect([read(process, "cmdline"), read(process, "environ")]).to.deep.equal(["spin\0a b\0", "X=1\0"]);
    machine.shutdown();
  });

  it("auxv is pairs of words and ends in AT_NULL; AT_PAGESZ is 6", () => {
    const { machine, process } = spinning();
    const bytes = Uint8Array.from(read(process, "auxv"), (c) => c.charCodeAt(0));
    const words = [...new BigUint64Array(bytes.buffer)];
    const page = words.findIndex((word, i) => i % 2 === 0 && word === 6n);
    expect(words[page + 1]).to.equal(4096n);
    expect(words.slice(-2)).to.deep.equal([0n, 0n]);
    machine.shutdown();
  });

  it("comm takes 15 characters", () => {
    const { machine, process } = spinning();
    expect(write(process, "comm", "a-rather-long-name\n")).to.equal(19);
    expect(read(process, "comm")).to.equal("a-rather-long-n\n");
    machine.shutdown();
  });

  it("clear_refs takes decimal 1 to 5", () => {
    const { machine, task, process } = spinning();
    for (const bad of ["0", "6", "", "x", "0x1", "1e0", "1 2"]) expect(write(process, "clear_refs", bad), JSON.stringify(bad)).to.equal(EINVAL);
    task.mm!.hiwaterRss = 100000;
    expect(write(process, "clear_refs", " 5\n")).to.equal(3);
    expect(task.mm!.hiwaterRss).to.be.lessThan(100000);
    machine.shutdown();
  });

  it("pagemap is read in whole words, up to the end of the address space", () => {
    const { machine, task, process } = spinning();
    const { readAt } = process.lookup("pagemap") as PseudoBinary;
    expect(readAt(FILE, new Uint8Array(16), 4)).to.equal(EINVAL);
    expect(readAt(FILE, new Uint8Array(12), 0)).to.equal(EINVAL);
    const page = Math.floor(task.mm!.startCode / 4096);
    const into = new Uint8Array(8);
    expect(readAt(FILE, into, page * 8)).to.equal(8);
    expect(into[7]! & 0x80, "present").to.equal(0x80);
    const last = task.mm!.taskSize / 4096;
    expect([readAt(FILE, new Uint8Array(64), (last - 3) * 8), readAt(FILE, new Uint8Array(64), last * 8)]).to.deep.equal([24, 0]);
    machine.shutdown();
  });

  it("limits: one line per limit, in columns", () => {
    const { machine, process } = spinning();
    const lines = read(process, "limits").split("\n");
    expect(lines[0]).to.equal("Limit                     Soft Limit           Hard Limit           Units     ");
    expect(lines[4]).to.equal("Max stack size            8388608              unlimited            bytes     ");
    expect(lines).to.have.length(18);
    machine.shutdown();
  });
});
