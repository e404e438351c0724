/**
 * What a run is made of: options as the command line gives them, named configurations, and the checked result.
 *
 * The names of options and configurations are a contract (docs/cli.md). A run is a function of (program, config, seed).
 */
import { ConfigError } from "../emulator/arch/errors.js";
import { GRANULE_NAMES, granule, type Granule, type GranuleName } from "../emulator/arch/granule.js";
import { parseSize } from "./size.js";

export const FS_NAMES = ["tmpfs", "xfs", "ext4"] as const;
export type FsName = (typeof FS_NAMES)[number];
export const ENGINE_NAMES = ["unicorn", "wasm"] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];
export const THP_TOP_MODES = ["always", "madvise", "never"] as const;
export type ThpTopMode = (typeof THP_TOP_MODES)[number];
export const THP_SIZE_MODES = ["always", "inherit", "madvise", "never"] as const;
export type ThpSizeMode = (typeof THP_SIZE_MODES)[number];

/** Debian's kernels: 48 bits with 4K and 64K pages, 47 bits (three levels) with 16K pages. */
export const VA_BITS: Readonly<Record<GranuleName, number>> = { "4k": 48, "16k": 47, "64k": 48 };

/** Bits of the CPU masks that programs get. */
export const MAX_CPUS = 64;

export interface MountOption {
  readonly type: FsName;
  readonly directory: string;
  /** After the second colon, e.g. huge=always. */
  readonly options: string;
}

export interface BindOption {
  readonly host: string;
  readonly guest: string;
  readonly writable: boolean;
}

/** Everything a run depends on besides the program. */
export interface RunConfig {
  readonly pageSize: GranuleName;
  readonly contpte: boolean;
  /** false restores the kernel before the series' batch patches: one page at a time in fork and zap. */
  readonly batch: boolean;
  readonly thp: {
    readonly enabled: ThpTopMode;
    /** Folio bytes -> mode; sizes not named keep Linux's defaults (PMD size inherit, others never). */
    readonly sizes: Readonly<Record<number, ThpSizeMode>>;
  };
  readonly fs: FsName;
  readonly mounts: readonly MountOption[];
  /** TLB presets; the first is the CPU that the kernel runs on. */
  readonly cores: readonly string[];
  /** CPUs of the guest, each with TLBs of its own. */
  readonly cpus: number;
  /** Longest run of one task while others wait, instructions. */
  readonly quantum: number;
  /** Each slice is between a half and one and a half of the quantum, by the seed. */
  readonly jitter: boolean;
  /** Address space layout is randomised, by the seed. */
  readonly aslr: boolean;
  readonly memory: number;
  /** Bytes of the zram device that is swapped on; 0: none. */
  readonly swap: number;
  /** Fragmentation of the buddy allocator before the run, e.g. order=4,free=50%. */
  readonly fragment: string | undefined;
  readonly root: string | undefined;
  readonly binds: readonly BindOption[];
  readonly env: Readonly<Record<string, string>>;
  readonly engine: EngineName;
  readonly seed: number;
  readonly maxInstructions: number;
  readonly timeoutSeconds: number;
  /** Page-table, TLB and accounting checks after every kernel operation. */
  readonly check: boolean;
}

export const DEFAULT_CONFIG: RunConfig = {
  pageSize: "4k",
  contpte: true,
  batch: true,
  thp: { enabled: "never", sizes: {} },
  fs: "tmpfs",
  mounts: [],
  cores: ["neoverse-n1"],
  cpus: 1,
  quantum: 1_000_000,
  jitter: false,
  aslr: false,
  memory: 2 * 1024 ** 3,
  swap: 0,
  fragment: undefined,
  root: undefined,
  binds: [],
  env: {},
  engine: "wasm",
  seed: 1,
  maxInstructions: Infinity,
  timeoutSeconds: Infinity,
  check: false,
};

/** The part of a configuration that a named one decides. */
type NamedPart = Pick<RunConfig, "pageSize" | "contpte" | "thp">;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Named configurations for --configs, in the order of the comparison table. */
export const NAMED_CONFIGS: Readonly<Record<string, NamedPart>> = {
  "4k": { pageSize: "4k", contpte: false, thp: { enabled: "never", sizes: {} } },
  "4k+mthp": { pageSize: "4k", contpte: false, thp: { enabled: "never", sizes: { [64 * KIB]: "always" } } },
  "4k+contpte": { pageSize: "4k", contpte: true, thp: { enabled: "never", sizes: { [64 * KIB]: "always" } } },
  "16k": { pageSize: "16k", contpte: false, thp: { enabled: "never", sizes: {} } },
  "16k+contpte": { pageSize: "16k", contpte: true, thp: { enabled: "never", sizes: { [2 * MIB]: "always" } } },
  "64k": { pageSize: "64k", contpte: false, thp: { enabled: "never", sizes: {} } },
  "64k+contpte": { pageSize: "64k", contpte: true, thp: { enabled: "never", sizes: { [2 * MIB]: "always" } } },
};

/** What may follow the name of a configuration, as in "4k+contpte:batch=off": an option of the run and its value. */
const MODIFIERS = ["batch", "fs", "core"] as const;

/**
 * `base` with the named configuration laid over it; modifiers behind colons change single options. Throws ConfigError for a name or
 * modifier that is unknown.
 */
export function namedConfig(base: RunConfig, name: string): RunConfig {
  const [plain = "", ...modifiers] = name.split(":");
  const part = Object.hasOwn(NAMED_CONFIGS, plain) ? NAMED_CONFIGS[plain] : undefined;
  if (part === undefined) throw new ConfigError(`--configs: no configuration "${plain}" (known: ${Object.keys(NAMED_CONFIGS).join(", ")})`);
  let config: RunConfig = { ...base, ...part };
  for (const modifier of modifiers) {
    const [option, value = ""] = modifier.split("=");
    if (option === "batch") config = { ...config, batch: oneOf("batch=", value, ["on", "off"]) === "on" };
    else if (option === "fs") config = { ...config, fs: oneOf("fs=", value, FS_NAMES) };
    else if (option === "core") config = { ...config, cores: [value] };
    else throw new ConfigError(`--configs: "${modifier}" in "${name}" is none of ${MODIFIERS.join(", ")}`);
  }
  return checkConfig(config);
}

/** The granule of a configuration, with the address width of Debian's kernel of that page size. */
export function configGranule(config: RunConfig): Granule {
  return granule(config.pageSize, VA_BITS[config.pageSize]);
}

/** Folio orders that anonymous memory can have: 2 to PMD order. */
function folioSizes(g: Granule): number[] {
  const sizes: number[] = [];
  for (let order = 2; order <= g.pmdOrder; order++) sizes.push(g.pageSize * 2 ** order);
  return sizes;
}

export function formatSize(bytes: number): string {
  if (bytes % 1024 ** 3 === 0) return `${bytes / 1024 ** 3}g`;
  if (bytes % MIB === 0) return `${bytes / MIB}m`;
  if (bytes % KIB === 0) return `${bytes / KIB}k`;
  return `${bytes}`;
}

/** Returns the configuration if its parts fit together. Throws ConfigError naming the option that does not. */
export function checkConfig(config: RunConfig): RunConfig {
  const g = configGranule(config);
  const sizes = folioSizes(g);
  for (const size of Object.keys(config.thp.sizes).map(Number)) {
    if (!sizes.includes(size)) {
      throw new ConfigError(
        `--thp ${formatSize(size)}: no folio of that size with ${config.pageSize} pages (possible: ${sizes.map(formatSize).join(" ")})`,
      );
    }
  }
  if (config.memory % 65536 !== 0) throw new ConfigError(`--memory ${formatSize(config.memory)}: not a multiple of 64k`);
  if (config.memory < 16 * MIB || config.memory > 4096 * MIB) throw new ConfigError(`--memory ${formatSize(config.memory)}: outside 16m to 4g`);
  if (config.memory < 8 * g.pmdSize && Object.entries(config.thp.sizes).some(([size, mode]) => Number(size) > config.memory / 4 && mode !== "never")) {
    throw new ConfigError(`--memory ${formatSize(config.memory)}: too small for the folio sizes of --thp`);
  }
  if (config.swap % 65536 !== 0) throw new ConfigError(`--swap ${formatSize(config.swap)}: not a multiple of 64k`);
  if (config.swap !== 0 && (config.swap < MIB || config.swap > 4096 * MIB)) throw new ConfigError(`--swap ${formatSize(config.swap)}: outside 1m to 4g`);
  if (config.cpus < 1 || config.cpus > MAX_CPUS) throw new ConfigError(`--cpus ${config.cpus}: outside 1 to ${MAX_CPUS}`);
  if (config.quantum < 1) throw new ConfigError(`--quantum ${config.quantum}: at least one instruction`);
  if (config.cores.length === 0) throw new ConfigError("--core: at least one preset is needed");
  return config;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw new ConfigError(`${option} ${value}: must be one of ${allowed.join(", ")}`);
  return found;
}

/** The options that shape a configuration, as strings from the command line or a plan. */
export interface ConfigOptions {
  readonly pageSize?: string | undefined;
  readonly contpte?: string | undefined;
  readonly batch?: string | undefined;
  readonly thp?: readonly string[] | undefined;
  readonly fs?: string | undefined;
  readonly mount?: readonly string[] | undefined;
  readonly core?: string | undefined;
  readonly cpus?: string | undefined;
  readonly quantum?: string | undefined;
  readonly jitter?: boolean | undefined;
  readonly aslr?: string | undefined;
  readonly memory?: string | undefined;
  readonly swap?: string | undefined;
  readonly fragment?: string | undefined;
  readonly root?: string | undefined;
  readonly bind?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly engine?: string | undefined;
  readonly seed?: string | undefined;
  readonly maxInstructions?: string | undefined;
  readonly timeout?: string | undefined;
  readonly check?: boolean | undefined;
}

function parseCount(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new ConfigError(`${option} ${text}: not a whole number`);
  return value;
}

function parseThp(values: readonly string[]): RunConfig["thp"] {
  let enabled: ThpTopMode = "never";
  const sizes: Record<number, ThpSizeMode> = {};
  for (const value of values) {
    const [size, mode, ...rest] = value.split("=");
    if (mode === undefined) enabled = oneOf("--thp", value, THP_TOP_MODES);
    else if (rest.length > 0 || size === undefined) throw new ConfigError(`--thp ${value}: must be SIZE=MODE or MODE`);
    else sizes[parseSize("--thp", size)] = oneOf(`--thp ${size}=`, mode, THP_SIZE_MODES);
  }
  return { enabled, sizes };
}

function parseMount(value: string): MountOption {
  const [type, directory, ...options] = value.split(":");
  if (type === undefined || directory === undefined || !directory.startsWith("/")) throw new ConfigError(`--mount ${value}: must be TYPE:/GUESTDIR[:OPTIONS]`);
  return { type: oneOf(`--mount ${value}:`, type, FS_NAMES), directory, options: options.join(":") };
}

function parseBind(value: string): BindOption {
  const [host, guest, mode, ...rest] = value.split(":");
  if (host === undefined || host === "" || guest === undefined || !guest.startsWith("/") || rest.length > 0 || (mode !== undefined && mode !== "rw")) {
    throw new ConfigError(`--bind ${value}: must be HOST:/GUEST[:rw]`);
  }
  return { host, guest, writable: mode === "rw" };
}

function parseEnv(values: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const value of values) {
    const at = value.indexOf("=");
    if (at < 1) throw new ConfigError(`--env ${value}: must be NAME=VALUE`);
    env[value.slice(0, at)] = value.slice(at + 1);
  }
  return env;
}

/** Builds a checked configuration from option strings. Throws ConfigError for the first that is wrong. */
export function parseConfig(options: ConfigOptions): RunConfig {
  const d = DEFAULT_CONFIG;
  const timeout = options.timeout === undefined ? d.timeoutSeconds : Number(options.timeout);
  if (Number.isNaN(timeout) || timeout <= 0) throw new ConfigError(`--timeout ${options.timeout}: not a positive number of seconds`);
  return checkConfig({
    pageSize: options.pageSize === undefined ? d.pageSize : oneOf("--page-size", options.pageSize.toLowerCase(), GRANULE_NAMES),
    contpte: options.contpte === undefined ? d.contpte : oneOf("--contpte", options.contpte, ["on", "off"]) === "on",
    batch: options.batch === undefined ? d.batch : oneOf("--batch", options.batch, ["on", "off"]) === "on",
    thp: parseThp(options.thp ?? []),
    fs: options.fs === undefined ? d.fs : oneOf("--fs", options.fs, FS_NAMES),
    mounts: (options.mount ?? []).map(parseMount),
    cores: options.core === undefined ? d.cores : options.core.split(",").filter((name) => name !== ""),
    cpus: options.cpus === undefined ? d.cpus : parseCount("--cpus", options.cpus),
    quantum: options.quantum === undefined ? d.quantum : parseCount("--quantum", options.quantum),
    jitter: options.jitter ?? d.jitter,
    aslr: options.aslr === undefined ? d.aslr : oneOf("--aslr", options.aslr, ["on", "off"]) === "on",
    memory: options.memory === undefined ? d.memory : parseSize("--memory", options.memory),
    swap: options.swap === undefined ? d.swap : parseSize("--swap", options.swap),
    fragment: options.fragment,
    root: options.root,
    binds: (options.bind ?? []).map(parseBind),
    env: parseEnv(options.env ?? []),
    engine: options.engine === undefined ? d.engine : oneOf("--engine", options.engine, ENGINE_NAMES),
    seed: options.seed === undefined ? d.seed : parseCount("--seed", options.seed),
    maxInstructions: options.maxInstructions === undefined ? d.maxInstructions : parseCount("--max-instructions", options.maxInstructions),
    timeoutSeconds: timeout,
    check: options.check ?? d.check,
  });
}
