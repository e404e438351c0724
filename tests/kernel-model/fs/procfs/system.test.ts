/* Files of the machine as a whole: stat, uptime, version, cpuinfo. */
import { expect } from "chai";
import { formatCpuinfo, formatFilesystems, formatLoadavg, formatStat, formatSwaps, formatUptime, formatVersion } from "../../../../kernel-model/fs/procfs/system.js";
import type { Kernel } from "../../../../kernel-model/kernel/kernel.js";
import { testSystem } from "../../../support/memory-system.js";

const task = (state: string) => ({ state });

function kernel(cpus = 2): Kernel {
  return {
    clock: { monotonic: 12_345_678_900, realtime: { seconds: 1_700_000_012, nanoseconds: 345_678_900 } },
    tasks: new Map([
      [100, task("runnable")],
      [107, task("sleeping")],
    ]),
    sched: { queues: [{ busy: 2_000_000_000 }, { busy: 750_000_000 }].slice(0, cpus) },
    contextSwitches: 42,
    forks: 1,
    processor: { hwcap: 0b1_1000_0111, hwcap2: 0b10 },
  } as unknown as Kernel;
}

describe("files about the machine", () => {
  it("uptime and idle time in hundredths of a second", () => {
    expect(formatUptime(kernel())).to.equal("12.34 9.59\n");
  });

  it("stat: ticks of user time, switches, boot time, processes", () => {
    expect(formatStat(kernel(1), 1)).to.equal(
      "cpu  200 0 0 1034 0 0 0 0 0 0\ncpu0 200 0 0 1034 0 0 0 0 0 0\nintr 0\nctxt 42\nbtime 1700000000\nprocesses 2\nprocs_running 1\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n",
    );
    expect(formatStat(kernel(), 2).split("\n").slice(0, 3)).to.deep.equal(["cpu  275 0 0 2193 0 0 0 0 0 0", "cpu0 200 0 0 1034 0 0 0 0 0 0", "cpu1 75 0 0 1159 0 0 0 0 0 0"]);
  });

  it("loadavg: runnable of all, last process id", () => {
    expect(formatLoadavg(kernel())).to.equal("0.00 0.00 0.00 1/2 107\n");
  });

  it("cpuinfo names the features of AT_HWCAP", () => {
    const text = formatCpuinfo(kernel(), 2);
    expect(text.match(/^processor\t: \d$/gm)).to.deep.equal(["processor\t: 0", "processor\t: 1"]);
    expect(text).to.match(/^Features\t: fp asimd evtstrm crc32 atomics sve2 ?$/m);
  });

  it("fixed texts", () => {
    expect(formatVersion()).to.match(/^Linux version 6\.12\.\d+ /);
    expect(formatFilesystems().split("\n")).to.include.members(["nodev\tproc", "nodev\ttmpfs", "\text4", "\txfs"]);
    const heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
    expect(formatSwaps(testSystem().sys)).to.equal(heading);
    // As a real kernel with 512 MiB of zram prints it.
    const { sys } = testSystem({ swapBytes: 512 * 2 ** 20 });
    expect(formatSwaps(sys)).to.equal(`${heading}/dev/zram0                              partition\t524284\t\t0\t\t-2\n`);
    sys.swap!.allocate(4);
    expect(formatSwaps(sys)).to.include("\t64\t\t-2");
  });
});
