/** TLB presets by name, or a user's own from a JSON file (a name with a slash or ending in .json). */
import { readFileSync } from "node:fs";
import { ConfigError } from "../emulator/arch/errors.js";
import type { GranuleName } from "../emulator/arch/granule.js";
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

/**
 * The presets of --core. `all` stands for every preset of a real core that has the granule. Duplicates are dropped; a core named
 * without the granule stays in, for the machine to refuse.
 */
export function loadCores(names: readonly string[], granule: GranuleName): CorePreset[] {
  const real = (): string[] => CORE_NAMES.filter((core) => !core.startsWith("qemu") && corePreset(core).granules.includes(granule));
  const wanted = names.flatMap((name) => (name === "all" ? real() : [name]));
  return [...new Set(wanted)].map(loadCore);
}
