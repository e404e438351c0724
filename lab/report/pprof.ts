/**
 * A profile in the format of pprof: TLB misses, walks, walk cycles and page faults by instruction.
 *
 * Opens in `pprof`, speedscope and Perfetto. One sample per instruction, without callers: the guest's stack is not unwound.
 *
 * Format: google/pprof, proto/profile.proto, gzip-compressed.
 */
import { gzipSync } from "node:zlib";
import { Function as PprofFunction, Line, Location, Mapping, Profile as PprofProfile, Sample, StringTable, ValueType } from "pprof-format";
import type { Profile } from "../profile/profiler.js";
import { byMisses, sourceLines } from "../profile/top.js";
import type { SourceLines } from "../symbols/source-lines.js";

/** Sample types, in the order of the values; the first is what viewers show first. */
const SAMPLE_TYPES = [
  ["tlb_misses", "count"],
  ["walks", "count"],
  ["walk_cycles", "cycles"],
  ["page_faults", "count"],
] as const;

/** The whole file. `comment`: what was run. */
export function encodePprof(profile: Profile, comment: string, symbolizer: () => SourceLines | undefined): Uint8Array {
  const { code } = profile;
  const strings = new StringTable();
  const text = (value: string): number => strings.dedup(value);
  const located = [...profile.pcs].sort((a, b) => byMisses(a, b) || a.place.pc - b.place.pc).map((pc) => ({ pc, location: code.locate(pc.place) }));
  const lines = sourceLines(code, located, symbolizer).found;

  const mappings = new Map<string, Mapping>();
  const functions = new Map<string, PprofFunction>();
  const samples: Sample[] = [];
  const locations: Location[] = [];
  for (const { pc, location } of located) {
    const { place } = pc;
    const line = /^(.*):(\d+)$/.exec(lines.get(place.key) ?? "");
    let mapping = mappings.get(location.module);
    if (mapping === undefined) {
      mapping = new Mapping({ id: mappings.size + 1, filename: text(location.module), hasFunctions: true });
      mappings.set(location.module, mapping);
    }
    if (line !== null) mapping.hasFilenames = mapping.hasLineNumbers = true;
    const key = `${location.module}\0${location.function}`;
    let func = functions.get(key);
    if (func === undefined) {
      func = new PprofFunction({ id: functions.size + 1, name: text(location.function), systemName: text(location.function), filename: text(line?.[1] ?? "") });
      functions.set(key, func);
    }
    const at = new Location({ id: locations.length + 1, mappingId: mapping.id, address: place.pc, line: [new Line({ functionId: func.id, line: Number(line?.[2] ?? 0) })] });
    locations.push(at);
    samples.push(new Sample({ locationId: [at.id], value: [pc.l1d + pc.l1i, pc.l2, pc.walkCycles, pc.faults] }));
  }
  const encoded = new PprofProfile({
    sampleType: SAMPLE_TYPES.map(([type, unit]) => new ValueType({ type: text(type), unit: text(unit) })),
    sample: samples,
    mapping: [...mappings.values()],
    location: locations,
    function: [...functions.values()],
    defaultSampleType: text(SAMPLE_TYPES[0][0]),
    comment: [text(comment)],
    stringTable: strings,
  }).encode();
  return gzipSync(encoded);
}
