/**
 * The top of a profile, with names: what `run --top N` prints and what the JSON of a run holds under `profile`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hex } from "../../emulator/arch/addr.js";
import type { Disassembler } from "../disassembler.js";
import type { SourceLines } from "../symbols/source-lines.js";
import type { CodeMap, Location, Module } from "./code-map.js";
import { newCauses, type CauseCounts, type Counts, type EntryProfile, type PcProfile, type Profile } from "./profiler.js";

/** One instruction. */
export interface PcRow extends Readonly<Counts> {
  readonly pc: string;
  readonly module: string;
  readonly function: string;
  /** Bytes behind the start of the function. */
  readonly offset: number;
  readonly instruction: string | null;
  /** file:line, null without DWARF or without a symbolizer. */
  readonly source: string | null;
  readonly causes: Readonly<CauseCounts>;
}

export interface FunctionRow extends Readonly<Counts> {
  readonly function: string;
  readonly module: string;
  readonly causes: Readonly<CauseCounts>;
}

export interface AreaRow extends Readonly<Counts> {
  readonly start: string;
  readonly end: string;
  readonly permissions: string;
  readonly name: string;
}

/** The part of a profile that a result holds. Lists begin with the most. */
export interface ProfileResult {
  readonly core: string;
  readonly causes: { readonly l1i: Readonly<CauseCounts>; readonly l1d: Readonly<CauseCounts>; readonly l2: Readonly<CauseCounts> | null };
  readonly entries: readonly EntryProfile[];
  /** The instructions with the most first-level misses, and those with the most faults. */
  readonly pcs: readonly PcRow[];
  readonly functions: readonly FunctionRow[];
  readonly areas: readonly AreaRow[];
  /** Symbolizer that gave the source lines; null: none is installed; undefined: no code that missed has line information. */
  readonly symbolizer?: string | null;
}

export interface Naming {
  readonly disassembler: Disassembler;
  /** Asked for only if there is line information. */
  readonly symbolizer: () => SourceLines | undefined;
}

/** First-level misses, walk cycles for those that have as many, faults: what the lists are sorted by. */
export const byMisses = (a: Counts, b: Counts): number => b.l1d + b.l1i - (a.l1d + a.l1i) || b.walkCycles - a.walkCycles || b.faults - a.faults;
export const byFaults = (a: Counts, b: Counts): number => b.faults - a.faults || byMisses(a, b);

/** The `n` first by misses, then those of the `n` first by faults that are not among them. */
function topOf<T extends Counts>(items: readonly T[], n: number): T[] {
  const missing = [...items].sort(byMisses).slice(0, n).filter(({ l1i, l1d, walkCycles }) => l1i + l1d + walkCycles > 0);
  const faulting = [...items].sort(byFaults).slice(0, n).filter(({ faults }) => faults > 0);
  return [...new Set([...missing, ...faulting])];
}

/** Add up by function. */
export function functionsOf({ pcs, code }: Pick<Profile, "pcs" | "code">): FunctionRow[] {
  const functions = new Map<string, FunctionRow & { causes: CauseCounts }>();
  for (const pc of pcs) {
    const { function: name, module } = code.locate(pc.place);
    const key = `${module}\0${name}`;
    let row = functions.get(key);
    if (row === undefined) functions.set(key, (row = { function: name, module, causes: newCauses(), l1i: 0, l1d: 0, l2: 0, walkCycles: 0, faults: 0 }));
    addCounts(row, pc);
    for (const cause of Object.keys(row.causes) as (keyof CauseCounts)[]) row.causes[cause] += pc.causes[cause];
  }
  return [...functions.values()].sort(byMisses);
}

function addCounts(into: { -readonly [K in keyof Counts]: Counts[K] }, from: Counts): void {
  for (const key of ["l1i", "l1d", "l2", "walkCycles", "faults"] as const) into[key] += from[key];
}

const countsOf = ({ l1i, l1d, l2, walkCycles, faults }: Counts): Counts => ({ l1i, l1d, l2, walkCycles, faults });

/** The first `n` of everything, named. */
export function topProfile(profile: Profile, n: number, { disassembler, symbolizer }: Naming): ProfileResult {
  const { code } = profile;
  const top = topOf(profile.pcs, n).map((pc) => ({ pc, location: code.locate(pc.place) }));
  const lines = sourceLines(code, top, symbolizer);
  return {
    core: profile.core,
    causes: { ...profile.causes, l2: profile.causes.l2 ?? null },
    entries: profile.entries,
    pcs: top.map(({ pc, location }) => ({
      pc: hex(pc.place.pc),
      module: location.module,
      function: location.function,
      offset: location.offset,
      instruction: location.instruction === undefined ? null : disassembler.one(location.instruction, pc.place.pc),
      source: lines.found.get(pc.place.key) ?? null,
      ...countsOf(pc),
      causes: pc.causes,
    })),
    functions: topOf(functionsOf(profile), n),
    areas: topOf(profile.areas, n).map((area) => ({ start: hex(area.start), end: hex(area.end), permissions: area.permissions, name: area.name, ...countsOf(area) })),
    ...(lines.tool === undefined ? {} : { symbolizer: lines.tool }),
  };
}

interface Lines {
  /** By place. */
  readonly found: ReadonlyMap<string, string>;
  /** undefined: not needed; null: there is none. */
  readonly tool: string | null | undefined;
}

/** Source lines of places, as far as their modules have line information. */
export function sourceLines(code: CodeMap, places: readonly { readonly pc: PcProfile; readonly location: Location }[], findTool: () => SourceLines | undefined): Lines {
  const modules = new Map<Module, { readonly key: string; readonly address: number }[]>();
  for (const { pc, location } of places) {
    const { module, key } = pc.place;
    if (location.address === undefined || code.symbolsOf(module)?.hasLines !== true) continue;
    modules.set(module, [...(modules.get(module) ?? []), { key, address: location.address }]);
  }
  if (modules.size === 0) return { found: new Map(), tool: undefined };
  const tool = findTool();
  if (tool === undefined) return { found: new Map(), tool: null };
  const found = new Map<string, string>();
  // The guest's file need not be a file of the host, so the symbolizer gets a copy.
  const directory = mkdtempSync(join(tmpdir(), "foliolab-"));
  try {
    const copy = join(directory, "module");
    for (const [module, wanted] of modules) {
      writeFileSync(copy, module.bytes() ?? new Uint8Array());
      const lines = tool.lines(copy, wanted.map(({ address }) => address));
      for (const { key, address } of wanted) {
        const line = lines.get(address);
        if (line !== undefined) found.set(key, line);
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return { found, tool: tool.tool };
}
