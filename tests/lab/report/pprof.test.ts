/** The pprof file of a run, decoded again: sums, functions, source lines; and by the reference implementation if it is here. */
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { Profile as PprofProfile } from "pprof-format";
import { Profiler, type Profile } from "../../../lab/profile/profiler.js";
import { encodePprof } from "../../../lab/report/pprof.js";
import { findSymbolizer } from "../../../lab/symbols/source-lines.js";
import { compileC } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";

const SOURCE = `#include <sys/mman.h>
__attribute__((noinline)) int sum(volatile char *p) {
  int n = 0;
  for (int round = 0; round < 4; round++)
    for (int i = 0; i < 200; i++) n += ++p[i * 4096];
  return n;
}
int main(void) { return sum(mmap(0, 200 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) == 2000 ? 0 : 1; }
`;

describe("encodePprof", () => {
  let profile: Profile;
  let bytes: Uint8Array;
  let decoded: PprofProfile;
  const text = (index: number | bigint): string => decoded.stringTable.strings[Number(index)]!;

  before(async () => {
    const profiler = new Profiler();
    const { result } = await labRun(compileC("pprof", SOURCE, ["-static", "-g"]), [], {}, [profiler]);
    expect(result.exit).to.deep.equal({ code: 0 });
    profile = profiler.profile();
    bytes = encodePprof(profile, "pprof --of it", findSymbolizer);
    decoded = PprofProfile.decode(gunzipSync(bytes));
  });

  it("names its values and what was run", () => {
    expect(decoded.sampleType.map(({ type, unit }) => [text(type), text(unit)])).to.deep.equal([["tlb_misses", "count"], ["walks", "count"], ["walk_cycles", "cycles"], ["page_faults", "count"]]);
    expect(text(decoded.defaultSampleType)).to.equal("tlb_misses");
    expect(decoded.comment.map(text)).to.deep.equal(["pprof --of it"]);
  });

  it("adds up to the profile", () => {
    const total = (index: number): number => decoded.sample.reduce((sum, { value }) => sum + Number(value[index]), 0);
    const of = (...keys: ("l1i" | "l1d" | "l2" | "walkCycles" | "faults")[]): number => profile.pcs.reduce((sum, pc) => sum + keys.reduce((n, key) => n + pc[key], 0), 0);
    expect([0, 1, 2, 3].map(total)).to.deep.equal([of("l1i", "l1d"), of("l2"), of("walkCycles"), of("faults")]);
    expect(decoded.sample.length).to.equal(profile.pcs.length);
  });

  it("the first sample is the instruction that misses most, with its function, file and line", () => {
    const [{ locationId, value }] = decoded.sample as [(typeof decoded.sample)[0]];
    expect(value.map(Number)[0]).to.equal(800);
    const location = decoded.location.find(({ id }) => id === locationId[0])!;
    const [line] = location.line;
    expect(Number(line!.line)).to.equal(5);
    const func = decoded.function.find(({ id }) => id === line!.functionId)!;
    expect(text(func.name)).to.equal("sum");
    expect(text(func.filename)).to.match(/pprof-[0-9a-f]+\.c$/);
    const mapping = decoded.mapping.find(({ id }) => id === location.mappingId)!;
    expect(text(mapping.filename)).to.match(/pprof-[0-9a-f]+$/);
  });

  it("every identifier that is used exists, once", () => {
    for (const list of [decoded.location, decoded.function, decoded.mapping]) {
      const ids = list.map(({ id }) => Number(id));
      expect(ids).to.deep.equal(ids.map((_, i) => i + 1));
    }
    for (const location of decoded.location) {
      expect(Number(location.mappingId)).to.be.within(1, decoded.mapping.length);
      expect(Number(location.line[0]!.functionId)).to.be.within(1, decoded.function.length);
    }
  });

  it("the same profile gives the same bytes", () => {
    expect(encodePprof(profile, "pprof --of it", findSymbolizer)).to.deep.equal(bytes);
  });
});
