/**
 * A machine for tests of processes: real engine, real page tables, no TLB models, a file system in memory, captured output.
 */
import { readFileSync } from "node:fs";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { granule, type GranuleName } from "../../emulator/arch/granule.js";
import { Cpu } from "../../emulator/cpu.js";
import { EXECUTED_HWCAP, EXECUTED_HWCAP2 } from "../../emulator/engine/hwcap.js";
import { createUnicornEngine } from "../../emulator/engine/unicorn.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import type { Tlbi } from "../../emulator/mmu/tlbi.js";
import { Kernel, type KernelOptions } from "../../kernel-model/kernel/kernel.js";
import type { Outcome } from "../../kernel-model/kernel/outcome.js";
import { createMemorySystem } from "../../kernel-model/mm/memory-system-create.js";
import type { MemorySystem } from "../../kernel-model/mm/memory-system.js";
import { createSyscallTable } from "../../kernel-model/syscalls/table.js";
import type { Entry } from "./memory-fs.js";
import { MemoryFs } from "./memory-fs.js";

/** A CPU with hardware access flag and dirty state. */
export const TEST_CPU: CpuFeatures = { hardwareAf: true, hardwareDirty: true, tlbiRange: false, ttl: false, bbm: 0, asidBits: 16, lpa2: false };

export interface TestMachineOptions {
  readonly granule?: GranuleName;
  readonly vaBits?: number;
  readonly memoryBytes?: number;
  readonly cpu?: CpuFeatures;
  readonly memoryCgroups?: readonly string[];
  readonly swapBytes?: number;
  readonly files?: Readonly<Record<string, Entry>>;
  /** What the guest reads from its standard input. */
  readonly input?: string;
  readonly kernel?: Partial<KernelOptions>;
}

export interface TestMachine {
  readonly sys: MemorySystem;
  readonly kernel: Kernel;
  readonly fs: MemoryFs;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Ends the kernel and the engine; frames that leaked. */
  readonly shutdown: () => number;
}

export function createTestMachine(options: TestMachineOptions = {}): TestMachine {
  const memory = new PhysicalMemory(options.memoryBytes ?? 128 * 2 ** 20);
  const geometry = granule(options.granule ?? "4k", options.vaBits ?? (options.granule === "16k" ? 47 : 48));
  const engine = createUnicornEngine(memory, { pageSize: geometry.pageSize, trace: false });
  const features = options.cpu ?? TEST_CPU;
  const cpu = new Cpu({ memory, granule: geometry, features, engine, hwcap: EXECUTED_HWCAP, hwcap2: EXECUTED_HWCAP2, midr: 0x414fd0c1, mmus: [] });
  const sys = createMemorySystem({
    granule: geometry,
    cpu: features,
    memory,
    sink: { tlbi: (operation: Tlbi) => cpu.tlbi(operation), dsb: (domain) => cpu.dsb(domain) },
    contpte: true,
    poison: true,
    memoryCgroups: options.memoryCgroups ?? [],
    swapBytes: options.swapBytes ?? 0,
    frameWritten: (page) => cpu.discardCode(page),
  });
  sys.thp.set("enabled", "never");
  const framesAtStart = sys.buddy.nrFree;
  const fs = new MemoryFs(sys);
  for (const [path, entry] of Object.entries(options.files ?? {})) fs.add(path, entry);
  const written: Uint8Array[][] = [[], []];
  const sink = (index: number) => fs.stream({ seekable: false, write: (_, bytes) => (written[index]!.push(bytes.slice()), bytes.length) }, 1, `pipe:[${index + 1}]`);
  let unread = Buffer.from(options.input ?? "", "latin1");
  const source = fs.stream(
    {
      seekable: false,
      read: (_, into) => {
        const bytes = unread.subarray(0, into.length);
        into.set(bytes);
        unread = unread.subarray(bytes.length);
        return bytes.length;
      },
    },
    0,
    "pipe:[0]",
  );
  const kernel = new Kernel({
    sys,
    processor: cpu,
    retired: () => engine.counters.instructions,
    syscalls: createSyscallTable(),
    root: fs.root,
    standardStreams: [source, sink(0), sink(1)],
    seed: 1,
    ...options.kernel,
  });
  const text = (index: number): string => Buffer.concat(written[index]!).toString("latin1");
  return {
    sys,
    kernel,
    fs,
    stdout: () => text(0),
    stderr: () => text(1),
    shutdown: () => {
      kernel.shutdown();
      fs.dispose();
      engine.dispose();
      return framesAtStart - sys.buddy.nrFree;
    },
  };
}

export interface GuestRun {
  readonly outcome: Outcome;
  readonly stdout: string;
  readonly stderr: string;
  readonly leaked: number;
  readonly syscalls: Readonly<Record<string, number>>;
}

/** Run a program of the host file system as /bin/PROGRAM and end the machine. */
export function runGuest(program: string, args: readonly string[] = [], options: TestMachineOptions & { readonly env?: readonly string[]; readonly instructions?: number } = {}): GuestRun {
  const machine = createTestMachine({ ...options, files: { "/bin/program": readFileSync(program), ...options.files } });
  const pid = machine.kernel.spawn("/bin/program", ["/bin/program", ...args], options.env ?? []);
  if (typeof pid !== "number") throw new Error(`${pid.path} ${pid.reason}`);
  const outcome = machine.kernel.run({ instructions: options.instructions ?? 2e9 });
  const syscalls = Object.fromEntries([...machine.kernel.syscallCounts].map(([nr, count]) => [machine.kernel.syscalls.nameOf(nr), count]));
  return { outcome, stdout: machine.stdout(), stderr: machine.stderr(), syscalls, leaked: machine.shutdown() };
}
