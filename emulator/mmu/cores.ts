/**
 * Core presets: the plain numbers that an MMU is built from, with the list of facts behind them, and the reader of a user's
 * own preset.
 */
import type { CpuFeatures } from "../arch/cpu-features.js";
import { ConfigError } from "../arch/errors.js";
import { GRANULE_NAMES } from "../arch/granule.js";
import { CORE_FACTS } from "./core-facts.js";
import type { Basis, Behaviour, CoreFacts, Fact, Facts, L2Spec, Latencies, WalkCacheSpec } from "./core-facts.js";
import { LINE_BYTES } from "./descriptor-cache.js";
import { POLICY_NAMES } from "./tlb-policy.js";
import type { TlbSpec } from "./tlb.js";
import { DESCRIPTOR_CACHE_NAMES, PLAIN_WALKER, WALKER_FACTS } from "./walker-facts.js";
import type { DescriptorCacheSpec, WalkerFacts, WalkerSpec } from "./walker-facts.js";

/** One number of a preset and where it comes from. `path` is its place, as in "l1d.entries". */
export interface PresetFact {
  readonly path: string;
  readonly value: unknown;
  readonly basis: Basis;
  readonly source: string;
}

export interface CorePreset extends Behaviour {
  readonly name: string;
  readonly title: string;
  /** False: some of the geometry is neither read nor measured; say so wherever results are shown. */
  readonly verified: boolean;
  readonly features: CpuFeatures;
  readonly l1i: TlbSpec;
  readonly l1d: TlbSpec;
  readonly l2: readonly L2Spec[];
  readonly walkCache: WalkCacheSpec | undefined;
  readonly latencies: Latencies;
  readonly walker: WalkerSpec;
  /** Data caches that descriptor fetches go through, in order; [] for none. */
  readonly descriptorCaches: readonly DescriptorCacheSpec[];
  /** Every fact of the preset with its source. */
  readonly facts: readonly PresetFact[];
}

/** The first-level structure of a side, with those of the second level that serve it. */
export function firstLevelOf(core: CorePreset, side: "data" | "instruction"): { readonly spec: TlbSpec; readonly next: readonly L2Spec[] } {
  const next = core.l2.filter(({ serves }) => serves === "both" || serves === side);
  return { spec: side === "data" ? core.l1d : core.l1i, next };
}

export type CoreName = keyof typeof CORE_FACTS;
export const CORE_NAMES = Object.keys(CORE_FACTS) as readonly CoreName[];

const isCoreName = (name: string): name is CoreName => Object.hasOwn(CORE_FACTS, name);

/** The preset of this name. Throws ConfigError for a name that is none. */
export function corePreset(name: string): CorePreset {
  return preset(name, factsOf(name));
}

type PresetFacts = CoreFacts & WalkerFacts;

function factsOf(name: string): PresetFacts {
  if (!isCoreName(name)) throw new ConfigError(`there is no core "${name}"; known: ${CORE_NAMES.join(", ")}`);
  return { ...CORE_FACTS[name], ...WALKER_FACTS[name] };
}

/** Values without their sources. */
function values<T extends object>(facts: Facts<T>): T {
  return Object.fromEntries(Object.entries(facts as Record<string, Fact<unknown>>).map(([key, { value }]) => [key, value])) as T;
}

function listFacts(at: string, facts: object): PresetFact[] {
  return Object.entries(facts as Record<string, PresetFact>).map(([key, { value, basis, source }]) => ({ path: `${at}.${key}`, value, basis, source }));
}

function preset(name: string, core: PresetFacts): CorePreset {
  const l2 = core.l2.map((structure) => values<L2Spec>(structure));
  const walkCache = core.walkCache === undefined ? undefined : values<WalkCacheSpec>(core.walkCache);
  const descriptorCaches = core.descriptorCaches.map((cache) => values<DescriptorCacheSpec>(cache));
  const result: CorePreset = {
    name,
    title: core.title,
    verified: core.verified,
    features: values<CpuFeatures>(core.features),
    ...values<Behaviour>(core.behaviour),
    l1i: values<TlbSpec>(core.l1i),
    l1d: values<TlbSpec>(core.l1d),
    l2,
    walkCache,
    latencies: values<Latencies>(core.latencies),
    walker: values<WalkerSpec>(core.walker),
    descriptorCaches,
    facts: [
      ...listFacts("features", core.features),
      ...listFacts("behaviour", core.behaviour),
      ...listFacts("l1i", core.l1i),
      ...listFacts("l1d", core.l1d),
      ...core.l2.flatMap((structure, i) => listFacts(`l2[${i}]`, structure)),
      ...(core.walkCache === undefined ? [] : listFacts("walkCache", core.walkCache)),
      ...listFacts("latencies", core.latencies),
      ...listFacts("walker", core.walker),
      ...core.descriptorCaches.flatMap((cache, i) => listFacts(`descriptorCaches[${i}]`, cache)),
    ],
  };
  for (const [at, spec] of [["l1i", result.l1i], ["l1d", result.l1d], ...l2.map((spec, i) => [`l2[${i}]`, spec] as const)] as const) checkSets(name, at, spec);
  if (walkCache?.store === "own") checkSets(name, "walkCache", walkCache);
  if (walkCache?.store === "l2" && l2.length === 0) throw new ConfigError(`core "${name}": walkCache.store is "l2", but there is no l2`);
  descriptorCaches.forEach(({ bytes, ways }, i) => checkSets(name, `descriptorCaches[${i}]`, { entries: bytes / LINE_BYTES, ways }));
  if (new Set(descriptorCaches.map((cache) => cache.name)).size < descriptorCaches.length) throw new ConfigError(`core "${name}": descriptorCaches: two of one name`);
  return result;
}

function checkSets(name: string, at: string, spec: { readonly entries: number; readonly ways: number | "full" }): void {
  const sets = spec.ways === "full" ? 1 : spec.entries / spec.ways;
  if (!Number.isInteger(Math.log2(sets))) throw new ConfigError(`core "${name}": ${at} has ${spec.entries} entries in ${spec.ways} ways, which does not make a power of two of sets`);
}

// A user's own preset.

type Check = (value: unknown) => string | undefined;

const flag: Check = (value) => (typeof value === "boolean" ? undefined : "true or false");
const count =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most ? undefined : `a whole number from ${least} to ${most}`;
const oneOf =
  (choices: readonly unknown[]): Check =>
  (value) =>
    choices.includes(value) ? undefined : `one of ${choices.join(", ")}`;
const listOf =
  (check: Check, what: string): Check =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.every((item) => check(item) === undefined) ? undefined : what;
const cycles: Check = (value) => (typeof value === "number" && value >= 0 && Number.isFinite(value) ? undefined : "a number of cycles");
const ways: Check = (value) => (value === "full" ? undefined : count(1, 32768)(value) === undefined ? undefined : `"full" or a whole number`);
const bytes: Check = (value) => (typeof value === "number" && Number.isInteger(Math.log2(value)) && value >= 4096 ? undefined : "a page size");

const STRUCTURE_CHECKS: Readonly<Record<keyof TlbSpec, Check>> = {
  entries: count(1, 32768),
  ways,
  pageSizes: listOf(bytes, "a list of sizes in bytes, powers of two from 4096"),
  contiguous: oneOf(["whole", "ignored"]),
  splinter: oneOf(["largest", "page"]),
  coalescedPages: oneOf([1, 2, 4, 8]),
  policy: oneOf(POLICY_NAMES),
};
const L2_CHECKS: Readonly<Record<keyof L2Spec, Check>> = { ...STRUCTURE_CHECKS, serves: oneOf(["both", "instruction", "data"]) };
const WALK_CACHE_CHECKS: Readonly<Record<keyof WalkCacheSpec, Check>> = {
  store: oneOf(["own", "l2"]),
  entries: count(0, 32768),
  ways,
  reach: oneOf(["last-table", "all-tables"]),
  policy: oneOf(POLICY_NAMES),
};
const FEATURE_CHECKS: Readonly<Record<keyof CpuFeatures, Check>> = {
  hardwareAf: flag,
  hardwareDirty: flag,
  tlbiRange: flag,
  ttl: flag,
  bbm: oneOf([0, 1, 2]),
  asidBits: oneOf([8, 16]),
  lpa2: flag,
};
const BEHAVIOUR_CHECKS: Readonly<Record<keyof Behaviour, Check>> = {
  granules: listOf(oneOf(GRANULE_NAMES), `a list of ${GRANULE_NAMES.join(", ")}`),
  maintenanceFlushesL1: flag,
  flushOnAsidChange: flag,
};
const LATENCY_CHECKS: Readonly<Record<keyof Latencies, Check>> = { l2Hit: cycles, descriptorFetch: cycles };
const WALKER_CHECKS: Readonly<Record<keyof WalkerSpec, Check>> = { parallelWalks: count(1, 64) };
const DESCRIPTOR_CACHE_CHECKS: Readonly<Record<keyof DescriptorCacheSpec, Check>> = {
  name: oneOf(DESCRIPTOR_CACHE_NAMES),
  bytes: count(LINE_BYTES, 2 ** 26),
  ways: count(1, 64),
  latency: cycles,
};
const TOP_KEYS = ["name", "title", "base", "features", "behaviour", "l1i", "l1d", "l2", "walkCache", "latencies", "walker", "descriptorCaches"] as const;

/**
 * A user's preset from JSON text: an object with `name`, and either `base` (a preset to start from) or all parts. Parts are
 * `features`, `behaviour`, `l1i`, `l1d`, `l2` (a list; each item starts from the base's at the same place), `walkCache` (null: none) and
 * `latencies`; `walker` and `descriptorCaches` (a list as `l2`) may be absent also without a base. A number stands plain or as {"value", "source"}. Throws ConfigError with one line that names the key.
 */
export function parseCore(json: string): CorePreset {
  const name = "core preset";
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new ConfigError(`${name}: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const top = record(name, "", parsed);
  unknownKeys(name, "", top, TOP_KEYS);
  const own = top["name"];
  if (typeof own !== "string" || !/^[a-z0-9][a-z0-9-]*$/.test(own)) throw new ConfigError(`${name}: name: must be small letters, digits and hyphens`);
  if (isCoreName(own)) throw new ConfigError(`core "${own}": name: is a preset's; choose another`);
  const label = `core "${own}"`;
  const baseName = top["base"];
  if (baseName !== undefined && typeof baseName !== "string") throw new ConfigError(`${label}: base: must be the name of a preset`);
  const base = baseName === undefined ? undefined : factsOf(baseName);
  const title = top["title"] ?? own;
  if (typeof title !== "string") throw new ConfigError(`${label}: title: must be text`);
  const items = top["l2"];
  if (items !== undefined && !Array.isArray(items)) throw new ConfigError(`${label}: l2: must be a list of structures, [] for none`);
  if (items === undefined && base === undefined) throw new ConfigError(`${label}: l2: missing, and there is no base to take it from`);
  const caches = top["descriptorCaches"];
  if (caches !== undefined && !Array.isArray(caches)) throw new ConfigError(`${label}: descriptorCaches: must be a list of caches, [] for none`);
  const walkerBase = base ?? PLAIN_WALKER;
  const facts: PresetFacts = {
    title,
    // The user answers for what is given; what is taken over keeps its standing.
    verified: base?.verified ?? false,
    features: merge<CpuFeatures>(label, "features", base?.features, top["features"], FEATURE_CHECKS),
    behaviour: merge<Behaviour>(label, "behaviour", base?.behaviour, top["behaviour"], BEHAVIOUR_CHECKS),
    l1i: merge<TlbSpec>(label, "l1i", base?.l1i, top["l1i"], STRUCTURE_CHECKS),
    l1d: merge<TlbSpec>(label, "l1d", base?.l1d, top["l1d"], STRUCTURE_CHECKS),
    l2: items === undefined ? base!.l2 : items.map((item, i) => merge<L2Spec>(label, `l2[${i}]`, base?.l2[i], item, L2_CHECKS)),
    walkCache:
      top["walkCache"] === null || (top["walkCache"] === undefined && base !== undefined && base.walkCache === undefined)
        ? undefined
        : merge<WalkCacheSpec>(label, "walkCache", base?.walkCache, top["walkCache"], WALK_CACHE_CHECKS),
    latencies: merge<Latencies>(label, "latencies", base?.latencies, top["latencies"], LATENCY_CHECKS),
    walker: merge<WalkerSpec>(label, "walker", walkerBase.walker, top["walker"], WALKER_CHECKS),
    descriptorCaches:
      caches === undefined
        ? walkerBase.descriptorCaches
        : caches.map((cache, i) => merge<DescriptorCacheSpec>(label, `descriptorCaches[${i}]`, walkerBase.descriptorCaches[i], cache, DESCRIPTOR_CACHE_CHECKS)),
  };
  if (facts.features.hardwareDirty.value && !facts.features.hardwareAf.value) throw new ConfigError(`${label}: features.hardwareDirty: needs hardwareAf`);
  return preset(own, facts);
}

function record(label: string, at: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new ConfigError(`${label}: ${at === "" ? "" : `${at}: `}must be an object`);
  return value as Record<string, unknown>;
}

function unknownKeys(label: string, at: string, value: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new ConfigError(`${label}: ${at === "" ? "" : `${at}.`}${key}: unknown key; known: ${known.join(", ")}`);
  }
}

/** The base's facts with the user's in front; every key must come from one of the two. */
function merge<T extends object>(label: string, at: string, base: Facts<T> | undefined, given: unknown, checks: Readonly<Record<keyof T, Check>>): Facts<T> {
  const keys = Object.keys(checks) as (keyof T & string)[];
  const own = given === undefined ? {} : record(label, at, given);
  unknownKeys(label, at, own, keys);
  const facts: Partial<Record<keyof T, Fact<unknown>>> = { ...base };
  for (const key of keys) {
    if (Object.hasOwn(own, key)) facts[key] = givenFact(label, `${at}.${key}`, own[key], checks[key]);
    else if (facts[key] === undefined) throw new ConfigError(`${label}: ${at}.${key}: missing, and there is no base to take it from`);
  }
  return facts as Facts<T>;
}

function givenFact(label: string, at: string, given: unknown, check: Check): Fact<unknown> {
  let value = given;
  let source = "given by the user";
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    const fact = given as Record<string, unknown>;
    unknownKeys(label, at, fact, ["value", "source"]);
    if (fact["source"] !== undefined && typeof fact["source"] !== "string") throw new ConfigError(`${label}: ${at}.source: must be text`);
    value = fact["value"];
    source = typeof fact["source"] === "string" ? fact["source"] : source;
  }
  const wanted = check(value);
  if (wanted !== undefined) throw new ConfigError(`${label}: ${at}: ${JSON.stringify(value) ?? "nothing"} is not ${wanted}`);
  return { value, basis: "given", source };
}
