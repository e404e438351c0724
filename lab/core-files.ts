/** TLB presets by name, or a user's own from a JSON file (a name with a slash or ending in .json). */
import { readFileSync } from "node:fs";
import { ConfigError } from "../emulator/arch/errors.js";
import { CORE_NAMES, corePreset, parseCore, type CorePreset } from "../emulator/mmu/cores.js";

/** The preset that an item of --core names. Throws ConfigError naming the file or the preset. */
export function loadCore(name: string): CorePreset {
  if (!name.includes("/") && !name.endsWith(".json")) return corePreset(name);
  let json: string;
  try {
    json = readFileSync(name, "utf8");
  } catch (error) {
    throw new ConfigError(`--core ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return parseCore(json);
}

/** The presets of --core; `all` stands for every preset, after the first of which the others only listen. Duplicates are dropped. */
export function loadCores(names: readonly string[]): CorePreset[] {
  const wanted = names.flatMap((name) => (name === "all" ? CORE_NAMES.filter((core) => !core.startsWith("qemu")) : [name]));
  return [...new Set(wanted)].map(loadCore);
}
