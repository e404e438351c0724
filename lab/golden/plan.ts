/**
 * How the recorded programs were started: argument vectors, file systems and folio-size configurations.
 *
 * golden/README.md, "How each program was started". Names that are not in a recording follow the same pattern.
 */
import { ConfigError } from "../../emulator/arch/errors.js";
import { granule, type Granule, type GranuleName } from "../../emulator/arch/granule.js";
import { VA_BITS, type EngineName } from "../config.js";

export interface GoldenStart {
  /** Stem of the C source. */
  readonly source: string;
  readonly argv: readonly string[];
  /** The program is copied here, written back and dropped from the page cache before it starts; undefined: it runs from /bin. */
  readonly copyTo: string | undefined;
  /** Programs that must exist in /bin besides: those that lifetime starts. */
  readonly companions: readonly string[];
  /** Bytes of swap space on zram. */
  readonly swap: number;
}

/** The zram device of the recorded machines that had one. */
export const GOLDEN_SWAP_BYTES = 512 * 2 ** 20;

/** Directory in which the file system of a label is mounted. */
const DIRECTORY: Readonly<Record<string, string>> = {
  tmpfs_always: "/t_always",
  tmpfs_never: "/t_never",
  tmpfs_within_size: "/t_within",
  tmpfs_advise: "/t_advise",
  xfs: "/mnt_xfs",
  xfs_cached: "/mnt_xfs",
  ext4: "/mnt_ext4",
};

/** Mounts that every golden machine has: directory, file system, huge= option. */
export const GOLDEN_MOUNTS = [
  { directory: "/t_always", type: "tmpfs", huge: "always" },
  { directory: "/t_never", type: "tmpfs", huge: "never" },
  { directory: "/t_within", type: "tmpfs", huge: "within_size" },
  { directory: "/t_advise", type: "tmpfs", huge: "advise" },
  { directory: "/mnt_xfs", type: "xfs", huge: "never" },
  { directory: "/mnt_ext4", type: "ext4", huge: "never" },
] as const;

function directoryOf(label: string, program: string): string {
  const directory = DIRECTORY[label];
  if (directory === undefined) throw new ConfigError(`golden: no file system is known for "${program}"`);
  return directory;
}

/** Start of the program that a record's `prog` field names. Throws ConfigError for a label that is not understood. */
export function goldenStart(program: string): GoldenStart {
  const [source, label, ...more] = program.split(":") as [string, ...string[]];
  const plain: GoldenStart = { source, argv: [`/bin/${source}`], copyTo: undefined, companions: [], swap: 0 };
  if (label === undefined) return plain;
  // The name is the argument vector: seed, steps, pages, kinds of operations, perhaps a file.
  if (source === "random") return { ...plain, argv: ["/bin/random", label, ...more], swap: GOLDEN_SWAP_BYTES };
  if (source === "lifetime") {
    const companion = `wl_${label}`;
    return { ...plain, argv: ["/bin/lifetime", label, `/bin/${companion}`], companions: [companion] };
  }
  if (source === "self_maps") {
    if (label === "initramfs") return { ...plain, argv: ["/bin/self_maps", label] };
    const copyTo = `${directoryOf(label, program)}/self_maps`;
    return { ...plain, argv: [copyTo, label], copyTo };
  }
  const directory = directoryOf(label, program);
  const name = label.endsWith("_cached") ? "g" : "f";
  const drop = label === "xfs" || label === "ext4" ? ["drop"] : [];
  return { ...plain, argv: [`/bin/${source}`, label, `${directory}/${name}`, ...drop] };
}

export type GoldenMode = "always" | "madvise";

/** Folio sizes that a configuration name enables: bytes -> mode. Sizes not listed are never. */
export function goldenSizes(cfg: string, g: Granule): Map<number, GoldenMode> {
  const sizes = new Map<number, GoldenMode>();
  const all: number[] = [];
  for (let order = 2; order <= g.pmdOrder; order++) all.push(g.pageSize * 2 ** order);
  if (cfg === "off") return sizes;
  if (cfg === "all" || cfg === "all_but_pmd") {
    for (const size of all) if (cfg === "all" || size !== g.pmdSize) sizes.set(size, "always");
    return sizes;
  }
  const match = /^(m|pmd|madv)([0-9KMG+]+)$/.exec(cfg);
  if (match === null) throw new ConfigError(`golden: configuration "${cfg}" is not understood`);
  const mode: GoldenMode = match[1] === "madv" ? "madvise" : "always";
  for (const part of match[2]!.split("+")) {
    const number = /^(\d+)([KMG]?)$/.exec(part);
    const unit = { "": 1024, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[number?.[2] ?? ""];
    const size = number === null || unit === undefined ? NaN : Number(number[1]) * unit;
    if (!all.includes(size)) throw new ConfigError(`golden: "${cfg}" names a size that ${g.name} pages do not have`);
    sizes.set(size, mode);
  }
  return sizes;
}

export interface GoldenMachine {
  readonly granule: GranuleName;
  /** The CPU that was recorded, as QEMU models it. */
  readonly core: string;
  /** Kernel page-table isolation was on. */
  readonly kpti: boolean;
  /** The kernel worked round broken completion of broadcast TLBI: every wait is DSB ISH, TLBI, DSB ISH. */
  readonly repeatTlbi: boolean;
  /** What executes the model's side; default: the engine of runs. Nothing recorded may depend on it. */
  readonly engine?: EngineName;
}

/** What a recording says about its machine: the `-cpu` option of QEMU, and lines of the kernel's log. */
export interface GoldenMeta {
  readonly cpu?: string;
  readonly notes?: readonly string[];
}

/** Longest name first: "neoverse-n1" holds "n1". */
const CPU_NAMES: readonly (readonly [RegExp, string])[] = [
  [/cortex-a72|a72/, "qemu-a72"],
  /* Neoverse N1 with the identification of a revision that has no erratum. */
  [/n1x|neoverse-n1,midr=/, "qemu-n1"],
  [/neoverse-n1|n1/, "qemu-n1"],
  [/max[^ ]*(nolpa2|lpa2=off)/, "qemu-max"],
  [/max/, "qemu-max-lpa2"],
];

/**
 * The machine of a recording: from what it says about itself, else from its file name <page>-<cpu>[-kpti]...json. A name that is just n1
 * or neoverse-n1 has the erratum. Throws ConfigError if page size or CPU cannot be told.
 */
export function goldenMachine(fileName: string, meta: GoldenMeta = {}): GoldenMachine {
  const stem = fileName.replace(/\.json$/, "");
  const notes = meta.notes?.join("\n");
  const pageOfNotes = /\bpage (4096|16384|65536)\b/.exec(notes ?? "")?.[1];
  const page = pageOfNotes === undefined ? /(?:^|[^0-9])(4k|16k|64k)/.exec(stem)?.[1] : `${Number(pageOfNotes) / 1024}k`;
  const cpu = meta.cpu ?? stem.replace(/^.*?(4k|16k|64k)/, "");
  const core = CPU_NAMES.find(([pattern]) => pattern.test(cpu))?.[1];
  if (page === undefined || core === undefined) throw new ConfigError(`golden: ${fileName}: the name must say page size and CPU, as 4k-neoverse-n1.json`);
  const says = (line: RegExp, name: RegExp): boolean => (notes?.includes("CPU features: detected") === true ? line.test(notes) : name.test(stem));
  return {
    granule: page as GranuleName,
    /* The 16K kernel has 47-bit addresses and the 64K kernel has no use for them: LPA2 stays off there. */
    core: core === "qemu-max-lpa2" && page !== "4k" ? "qemu-max" : core,
    kpti: says(/Kernel page table isolation/, /kpti|kaslr/),
    repeatTlbi: says(/[Bb]roken broadcast TLBI/, /n1(?!x)/),
  };
}

export function goldenGranule(machine: GoldenMachine): Granule {
  return granule(machine.granule, VA_BITS[machine.granule]);
}
