/** The top of a profile: sorted by misses and by faults, added up by function, with instructions and source lines. */
import { expect } from "chai";
import { loadDisassembler, type Disassembler } from "../../../lab/disassembler.js";
import { Profiler, type Profile } from "../../../lab/profile/profiler.js";
import { functionsOf, topProfile } from "../../../lab/profile/top.js";
import { findSymbolizer } from "../../../lab/symbols/source-lines.js";
import { compileC } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";

const SOURCE = `#include <sys/mman.h>
__attribute__((noinline)) int fill(volatile char *p) {
  for (int i = 0; i < 300; i++)
    p[i * 4096] = 1;
  return 0;
}
__attribute__((noinline)) int sum(volatile char *p) {
  int n = 0;
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 300; i++) n += p[i * 4096];
  return n;
}
int main(void) {
  char *p = mmap(0, 300 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return fill(p) + sum(p) == 900 ? 0 : 1;
}
`;

describe("topProfile", () => {
  let profile: Profile;
  let disassembler: Disassembler;

  before(async () => {
    const profiler = new Profiler();
    const { result } = await labRun(compileC("top", SOURCE, ["-static", "-g"]), [], {}, [profiler]);
    expect(result.exit).to.deep.equal({ code: 0 });
    profile = profiler.profile();
    disassembler = await loadDisassembler();
  });

  it("the first by misses, then those with the most faults that are not among them", () => {
    const top = topProfile(profile, 1, { disassembler, symbolizer: () => undefined });
    expect(top.pcs.map(({ function: name, l1d, faults }) => [name, l1d, faults])).to.deep.equal([["sum", 900, 0], ["fill", 300, 300]]);
    expect(top.functions.map(({ function: name }) => name)).to.deep.equal(["sum", "fill"]);
    expect(top.areas[0]).to.include({ name: "", permissions: "rw-p", l1d: 1200, faults: 300 });
    expect(top.areas.length).to.equal(1);
  });

  it("names instruction, module and source line", () => {
    const top = topProfile(profile, 2, { disassembler, symbolizer: findSymbolizer });
    const [sum, fill] = [top.pcs.find((row) => row.function === "sum")!, top.pcs.find((row) => row.function === "fill")!];
    expect(sum.instruction).to.match(/^ldrb w\d+, \[/);
    expect(fill.instruction).to.match(/^strb w\d+, \[/);
    expect(sum.module).to.match(/top-[0-9a-f]+$/);
    expect(fill.source).to.match(/top-[0-9a-f]+\.c:4$/);
    expect(sum.source).to.match(/top-[0-9a-f]+\.c:10$/);
    expect(top.symbolizer).to.match(/symbolizer|addr2line/);
  });

  it("debug information without a symbolizer is said; no debug information is not", async () => {
    const without = topProfile(profile, 2, { disassembler, symbolizer: () => undefined });
    expect(without.symbolizer).to.equal(null);
    expect(without.pcs.every(({ source }) => source === null)).to.equal(true);
    const profiler = new Profiler();
    await labRun(compileC("top", SOURCE, ["-static", "-s"]), [], {}, [profiler]);
    const stripped = topProfile(profiler.profile(), 2, { disassembler, symbolizer: () => expect.fail("asked for a symbolizer") });
    expect(stripped).to.not.have.property("symbolizer");
    expect(stripped.pcs[0]!.function).to.equal("(.text)");
  });

  it("functions hold the sums of their instructions", () => {
    const functions = functionsOf(profile);
    const total = (key: "l1d" | "l1i" | "faults" | "walkCycles"): number[] => [functions, profile.pcs].map((list) => list.reduce((sum, row) => sum + row[key], 0));
    for (const key of ["l1d", "l1i", "faults", "walkCycles"] as const) expect(total(key)[0]).to.equal(total(key)[1]);
    expect(functions[0]).to.include({ function: "sum", l1d: 900 });
    expect(functions[0]!.causes).to.include({ capacity: 900 });
  });

  it("is plain data", () => {
    const top = topProfile(profile, 3, { disassembler, symbolizer: () => undefined });
    expect(JSON.parse(JSON.stringify(top))).to.deep.equal(top);
  });
});
