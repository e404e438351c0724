/** A configuration as options of `foliolab run`, so that another process can run it. */
import type { RunConfig } from "../config.js";

type Values = readonly (string | number)[];

const onOff = (value: boolean): Values => [value ? "on" : "off"];
/** A limit that is infinite is not given. */
const limit = (value: number): Values => (Number.isFinite(value) ? [value] : []);
const optional = (value: string | undefined): Values => (value === undefined ? [] : [value]);

/** By part of the configuration: its option, and the values with which the option is given; "switch": given alone, or not at all. */
const FLAGS: { readonly [K in keyof RunConfig]: readonly [option: string, values: ((part: RunConfig[K]) => Values) | "switch"] } = {
  pageSize: ["page-size", (size) => [size]],
  contpte: ["contpte", onOff],
  batch: ["batch", onOff],
  thp: ["thp", ({ enabled, sizes }) => [enabled, ...Object.entries(sizes).map(([size, mode]) => `${size}=${mode}`)]],
  fs: ["fs", (name) => [name]],
  mounts: ["mount", (mounts) => mounts.map(({ type, directory, options }) => `${type}:${directory}${options === "" ? "" : `:${options}`}`)],
  cores: ["core", (names) => [names.join(",")]],
  cpus: ["cpus", (count) => [count]],
  quantum: ["quantum", (instructions) => [instructions]],
  jitter: ["jitter", "switch"],
  aslr: ["aslr", onOff],
  memory: ["memory", (bytes) => [bytes]],
  swap: ["swap", (bytes) => [bytes]],
  fragment: ["fragment", optional],
  root: ["root", optional],
  binds: ["bind", (binds) => binds.map(({ host, guest, writable }) => `${host}:${guest}${writable ? ":rw" : ""}`)],
  env: ["env", (env) => Object.entries(env).map(([name, value]) => `${name}=${value}`)],
  engine: ["engine", (name) => [name]],
  seed: ["seed", (seed) => [seed]],
  maxInstructions: ["max-instructions", limit],
  timeoutSeconds: ["timeout", limit],
  check: ["check", "switch"],
};

/** Parsed again (parseConfig), the options give the same configuration. Every part is named, also where it is the default. */
export function configFlags(config: RunConfig): string[] {
  return (Object.keys(FLAGS) as (keyof RunConfig)[]).flatMap((part) => {
    const [option, values] = FLAGS[part] as readonly [string, ((value: unknown) => Values) | "switch"];
    if (values === "switch") return config[part] === true ? [`--${option}`] : [];
    return values(config[part]).flatMap((value) => [`--${option}`, String(value)]);
  });
}
