/**
 * The plan of a sweep: programs and configurations from a YAML file, checked. docs/sweep.md has the format.
 */
import { type Document, LineCounter, parseDocument } from "yaml";
import { ConfigError } from "../../emulator/arch/errors.js";
import { NAMED_CONFIGS, namedConfig, parseConfig, type ConfigOptions, type RunConfig } from "../config.js";

export interface PlannedRun {
  /** Name of the program and of the configuration: the run's file is PROGRAM/CONFIG.json. */
  readonly program: string;
  readonly config: string;
  /** Command line of the guest. */
  readonly command: readonly [string, ...string[]];
  readonly settings: RunConfig;
}

export interface Plan {
  readonly runs: readonly PlannedRun[];
  /** Directory of the results. */
  readonly output: string;
  /** Runs at a time; undefined: one per processor. */
  readonly workers: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const PLAN_KEYS = ["programs", "configs", "options", "output", "workers"];
const PROGRAM_KEYS = ["name", "run", "options"];
const CONFIG_KEYS = ["name", "base", "options"];
/** Options of `run` that a plan may set, by their names on the command line. */
const TEXT_OPTIONS = ["page-size", "contpte", "batch", "fs", "core", "memory", "swap", "fragment", "root", "engine", "seed", "cpus", "quantum", "aslr", "max-instructions", "timeout"] as const;
const LIST_OPTIONS = ["thp", "mount", "bind", "env"] as const;
const SWITCHES = ["check", "jitter"] as const;
const MAX_WORKERS = 256;

function fields(at: string, value: unknown, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new ConfigError(`${at}: must be a mapping of ${known.join(", ")}`);
  for (const key of Object.keys(value)) if (!known.includes(key)) throw new ConfigError(`${at}: unknown key "${key}"; known: ${known.join(", ")}`);
  return value as Fields;
}

function list(at: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new ConfigError(`${at}: must be a list, and not empty`);
  return value as readonly unknown[];
}

/** Text, number or switch as one word of a command line. */
function word(at: string, value: unknown): string {
  if (typeof value === "string" || typeof value === "number") return String(value);
  // YAML 1.1 readers, and people, write on and off where others write true and false.
  if (typeof value === "boolean") return value ? "on" : "off";
  throw new ConfigError(`${at}: must be text or a number`);
}

/** A name that is a file name too. */
function fileName(at: string, value: unknown): string {
  const name = word(at, value);
  if (!/^[A-Za-z0-9][A-Za-z0-9._+:=,-]*$/.test(name)) throw new ConfigError(`${at}: "${name}" must begin with a letter or digit and hold only letters, digits and . _ + : = , -`);
  return name;
}

function camelCase(option: string): string {
  return option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function options(at: string, value: unknown): ConfigOptions {
  if (value === undefined) return {};
  const given = fields(at, value, [...TEXT_OPTIONS, ...LIST_OPTIONS, ...SWITCHES]);
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(given)) {
    if ((SWITCHES as readonly string[]).includes(key)) {
      if (typeof item !== "boolean") throw new ConfigError(`${at}.${key}: must be true or false`);
      result[key] = item;
    } else if ((LIST_OPTIONS as readonly string[]).includes(key)) {
      const items = Array.isArray(item) ? (item as unknown[]) : [item];
      result[camelCase(key)] = items.map((part) => word(`${at}.${key}`, part));
    } else {
      result[camelCase(key)] = word(`${at}.${key}`, item);
    }
  }
  return result;
}

/** Lists are added up, everything else of the later one counts. */
function merge(...parts: readonly ConfigOptions[]): ConfigOptions {
  const result: Record<string, unknown> = {};
  for (const part of parts) {
    for (const [key, value] of Object.entries(part)) {
      const before = result[key];
      result[key] = Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...(value as unknown[])] : value;
    }
  }
  return result;
}

interface NamedOptions {
  readonly name: string;
  readonly base: string | undefined;
  readonly options: ConfigOptions;
}

function configs(value: unknown): NamedOptions[] {
  return list("configs", value).map((item, i) => {
    const at = `configs[${i}]`;
    if (typeof item !== "object") {
      const name = fileName(at, item);
      return { name, base: name, options: {} };
    }
    const given = fields(at, item, CONFIG_KEYS);
    return { name: fileName(`${at}.name`, given["name"]), base: given["base"] === undefined ? undefined : word(`${at}.base`, given["base"]), options: options(`${at}.options`, given["options"]) };
  });
}

interface PlannedProgram {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly options: ConfigOptions;
}

function programs(value: unknown): PlannedProgram[] {
  return list("programs", value).map((item, i) => {
    const at = `programs[${i}]`;
    const given = fields(at, item, PROGRAM_KEYS);
    const command = typeof given["run"] === "string" ? given["run"].split(/\s+/).filter((part) => part !== "") : list(`${at}.run`, given["run"]).map((part) => word(`${at}.run`, part));
    const [program, ...args] = command;
    if (program === undefined) throw new ConfigError(`${at}.run: names no program`);
    return { name: fileName(`${at}.name`, given["name"] ?? program.split("/").at(-1)), command: [program, ...args], options: options(`${at}.options`, given["options"]) };
  });
}

function unique(at: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError(`${at}: the name "${twice}" is given twice; say another with "name:"`);
}

/** Runs `make`, and puts the place in front of what it says is wrong. */
function within<T>(at: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`${at}: ${error.message}`);
    throw error;
  }
}

/** An alias may stand for nothing, or for so much that the document would explode. */
function valueOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (error instanceof ReferenceError) throw new ConfigError(error.message);
    throw error;
  }
}

/** Throws ConfigError in one line that names the place. `file` is named in messages; results go beside it without `output`. */
export function parsePlan(text: string, file: string): Plan {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new ConfigError(`${file}:${line}:${col}: ${error.message}`);
  }
  return within(file, () => {
    const plan = fields("plan", valueOf(document), PLAN_KEYS);
    const common = options("options", plan["options"]);
    const [ofPrograms, ofConfigs] = [programs(plan["programs"]), configs(plan["configs"] ?? Object.keys(NAMED_CONFIGS))];
    unique("programs", ofPrograms.map(({ name }) => name));
    unique("configs", ofConfigs.map(({ name }) => name));
    const { workers } = plan;
    if (workers !== undefined && !(typeof workers === "number" && Number.isInteger(workers) && workers >= 1 && workers <= MAX_WORKERS)) throw new ConfigError(`workers: must be a number from 1 to ${MAX_WORKERS}`);
    return {
      runs: ofPrograms.flatMap((program) =>
        ofConfigs.map((config) => {
          const merged = merge(common, program.options, config.options);
          const settings = within(`${program.name} under ${config.name}`, () => (config.base === undefined ? parseConfig(merged) : namedConfig(parseConfig(merged), config.base)));
          return { program: program.name, config: config.name, command: program.command, settings };
        }),
      ),
      output: plan["output"] === undefined ? file.replace(/\.ya?ml$/, "") + ".results" : word("output", plan["output"]),
      workers,
    };
  });
}
