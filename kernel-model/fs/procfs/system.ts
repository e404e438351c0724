/**
 * Files of /proc about the machine: stat, uptime, loadavg, version, cpuinfo, filesystems, swaps.
 *
 * Linux: fs/proc/stat.c, uptime.c, loadavg.c, version.c; arch/arm64/kernel/cpuinfo.c c_show(), hwcap_str; fs/filesystems.c;
 * mm/swapfile.c swap_show().
 */
import type { Kernel } from "../../kernel/kernel.js";
import type { MemorySystem } from "../../mm/memory-system.js";
import { UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from "../../kernel/utsname.js";

const NANOSECONDS = 1e9;
/** The zram device that is swapped on. */
const SWAP_DEVICE = "/dev/zram0";
const TICK_NANOSECONDS = 10_000_000;
/** CNTFRQ of the clock that the vDSO would read, times two, as BogoMIPS are defined: 1 GHz. */
const BOGO_MIPS = "2000.00";

/** Names of AT_HWCAP bits, from bit 0 on. Linux: arch/arm64/include/uapi/asm/hwcap.h. */
const HWCAP_NAMES =
  "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg".split(
    " ",
  );
/** The same for AT_HWCAP2, as far as 6.12 names them. */
const HWCAP2_NAMES =
  "dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm svebf16 i8mm bf16 dgh rng bti mte ecv afp rpres mte3 sme smei16i64 smef64f64 smei8i32 smef16f32 smeb16f32 smef32f32 smefa64 wfxt".split(
    " ",
  );

const bitsOf = (value: number, names: readonly string[]): string[] => names.filter((_, bit) => Math.floor(value / 2 ** bit) % 2 === 1);

/** One paragraph per CPU. Identification registers are not shown: the model has none that a program could rely on. */
export function formatCpuinfo(kernel: Kernel, cpus: number): string {
  const features = [...bitsOf(kernel.processor.hwcap, HWCAP_NAMES), ...bitsOf(kernel.processor.hwcap2, HWCAP2_NAMES)].join(" ");
  let text = "";
  for (let cpu = 0; cpu < cpus; cpu++) text += `processor\t: ${cpu}\nBogoMIPS\t: ${BOGO_MIPS}\nFeatures\t: ${features}\nCPU architecture: 8\n\n`;
  return text;
}

/** Nanoseconds in which a CPU has not been idle, of all CPUs. */
function busyTime(kernel: Kernel): number {
  return kernel.sched.queues.reduce((sum, { busy }) => sum + busy, 0);
}

export function formatUptime(kernel: Kernel): string {
  const up = kernel.clock.monotonic;
  const seconds = (nanoseconds: number): string => (Math.floor(nanoseconds / TICK_NANOSECONDS) / 100).toFixed(2);
  return `${seconds(up)} ${seconds(Math.max(0, up - busyTime(kernel)))}\n`;
}

const runnable = (kernel: Kernel): number => [...kernel.tasks.values()].filter((task) => task.state === "runnable").length;

/** Averages are zero: the machine has only just started. */
export function formatLoadavg(kernel: Kernel): string {
  const last = Math.max(0, ...kernel.tasks.keys());
  return `0.00 0.00 0.00 ${runnable(kernel)}/${kernel.tasks.size} ${last}\n`;
}

export function formatStat(kernel: Kernel, cpus: number): string {
  const ticks = (nanoseconds: number): number => Math.floor(nanoseconds / TICK_NANOSECONDS);
  const busy = ticks(busyTime(kernel));
  const idle = Math.max(0, ticks(kernel.clock.monotonic) * cpus - busy);
  const times = (user: number, rest: number): string => `${user} 0 0 ${rest} 0 0 0 0 0 0`;
  const { seconds, nanoseconds } = kernel.clock.realtime;
  const boot = Math.floor(seconds + nanoseconds / NANOSECONDS - kernel.clock.monotonic / NANOSECONDS);
  const ofCpu = (cpu: number): number => kernel.sched.queues[cpu]?.busy ?? 0;
  let text = `cpu  ${times(busy, idle)}\n`;
  for (let cpu = 0; cpu < cpus; cpu++) text += `cpu${cpu} ${times(ticks(ofCpu(cpu)), Math.max(0, ticks(kernel.clock.monotonic) - ticks(ofCpu(cpu))))}\n`;
  return `${text}intr 0\nctxt ${kernel.contextSwitches}\nbtime ${boot}\nprocesses ${kernel.forks + 1}\nprocs_running ${runnable(kernel)}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n`;
}

export function formatVersion(): string {
  return `${UTS_SYSNAME} version ${UTS_RELEASE} (foliolab) ${UTS_VERSION}\n`;
}

export function formatFilesystems(): string {
  const virtual = ["sysfs", "tmpfs", "proc", "pipefs", "sockfs", "rootfs"].map((type) => `nodev\t${type}\n`);
  return `${virtual.join("")}\text4\n\txfs\n`;
}

/** A heading, and a line for the swap area. */
export function formatSwaps({ swap, granule }: MemorySystem): string {
  const heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
  if (swap === undefined) return heading;
  const kib = (pages: number): string => {
    const value = (pages * granule.pageSize) / 1024;
    return `${value}\t${value < 10_000_000 ? "\t" : ""}`;
  };
  return `${heading}${SWAP_DEVICE.padEnd(40)}partition\t${kib(swap.pages)}${kib(swap.inusePages)}${swap.prio}\n`;
}
