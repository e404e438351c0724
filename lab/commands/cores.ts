/** `foliolab cores`: the TLB presets, one line each, or one of them with the source of every number. */
import Table from "cli-table3";
import { formatSize } from "../config.js";
import { CORE_NAMES, corePreset, type CorePreset } from "../../emulator/mmu/cores.js";
import type { TlbSpec } from "../../emulator/mmu/tlb.js";

const PLAIN = { style: { head: [], border: [], compact: true } };

/** How a number of a preset is marked in the list: "?" where no source states it, "~" where it is inferred or from a third party, nothing where it was read or measured. */
function mark(core: CorePreset, path: string): string {
  switch (core.facts.find((fact) => fact.path === path)?.basis) {
    case "memory":
    case "assumed":
      return "?";
    case "inferred":
    case "second-hand":
      return "~";
    default:
      return "";
  }
}

/** `at`: where the structure stands in the preset, as in "l1d". */
function structure(core: CorePreset, at: string, spec: TlbSpec): string {
  const sizes = spec.pageSizes.map(formatSize).join(" ");
  const coalesced = spec.coalescedPages > 1 ? `, ${spec.coalescedPages} pages per entry` : "";
  const ways = `${spec.ways === "full" ? "FA" : `${spec.ways}-way`}${mark(core, `${at}.ways`)}`;
  return `${spec.entries}${mark(core, `${at}.entries`)} ${ways} (${sizes})${mark(core, `${at}.pageSizes`)}${coalesced}`;
}

function walkCache(core: CorePreset): string {
  const cache = core.walkCache;
  if (cache === undefined) return "none";
  return cache.store === "l2" ? "in L2" : `${cache.entries}, ${cache.ways === "full" ? "FA" : `${cache.ways}-way`}`;
}

function listCores(): string {
  const table = new Table({ ...PLAIN, head: ["core", "L1I", "L1D", "L2", "walk cache", "walks at once", "AF/dirty", "TLBI range", ""] });
  for (const name of CORE_NAMES) {
    const core = corePreset(name);
    const { hardwareAf, hardwareDirty, tlbiRange } = core.features;
    table.push([
      name,
      structure(core, "l1i", core.l1i),
      structure(core, "l1d", core.l1d),
      core.l2.length === 0 ? "none" : core.l2.map((spec, i) => structure(core, `l2[${i}]`, spec)).join("\n"),
      walkCache(core),
      `${core.walker.parallelWalks}${mark(core, "walker.parallelWalks")}`,
      hardwareDirty ? "hardware" : hardwareAf ? "AF only" : "by faults",
      tlbiRange ? "yes" : "no",
      core.verified ? "" : "unverified",
    ]);
  }
  return `${table.toString()}\n? = no source states it; ~ = inferred from a related core, or read in a third party's summary; else read in a manual or measured.\n"foliolab cores NAME" shows where each number comes from. Unverified: some of the geometry was neither read in a manual nor measured.`;
}

function showCore(core: CorePreset): string {
  const table = new Table({ ...PLAIN, head: ["", "value", "basis", "source"], wordWrap: true, colWidths: [null, 28, 12, 70] });
  for (const fact of core.facts) table.push([fact.path, JSON.stringify(fact.value), fact.basis, fact.source]);
  return `${core.name}: ${core.title}${core.verified ? "" : " (unverified)"}\n${table.toString()}`;
}

/** Prints to stdout; returns the exit status. Throws ConfigError for an unknown name. */
export function coresCommand(name: string | undefined): number {
  process.stdout.write(`${name === undefined ? listCores() : showCore(corePreset(name))}\n`);
  return 0;
}
