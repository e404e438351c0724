/* `foliolab curve`: files and table of one run agree. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { curveCommand, curveCsv } from "../../../lab/commands/curve.js";
import { guestProgram } from "../../support/guest.js";

const THP = { thp: ["64k=always"], memory: "512m", quiet: true };

describe("curveCommand", () => {
  let directory: string;
  const file = (name: string): string => join(directory, name);

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "foliolab-curve-"));
  });

  after(() => {
    rmSync(directory, { recursive: true });
  });

  it("writes CSV, SVG and JSON; the exit status is the guest's", async () => {
    const options = { ...THP, csv: file("c.csv"), svg: file("c.svg"), json: file("c.json") };
    expect(await curveCommand(guestProgram("stride"), [], options)).to.equal(0);
    const rows = readFileSync(options.csv, "utf8").trimEnd().split("\n");
    expect(rows[0]).to.equal("entries,misses,misses_without_contiguous");
    const numbers = rows.slice(1).map((row) => row.split(",").map(Number) as [number, number, number]);
    expect(numbers.map(([entries]) => entries)).to.deep.equal(numbers.map((_, i) => i + 1));
    const { curve, tlb } = JSON.parse(readFileSync(options.json, "utf8")) as { curve: { points: { entries: number; misses: number; withoutContiguous: number }[] }; tlb: Record<string, { l1d: { misses: number } }> };
    for (const { entries, misses, withoutContiguous } of curve.points) expect(numbers[entries - 1]).to.deep.equal([entries, misses, withoutContiguous]);
    expect(numbers[47]![1], "the N1's L1D is such a TLB of 48 entries").to.equal(tlb["neoverse-n1"]!.l1d.misses);
    expect(readFileSync(options.svg, "utf8")).to.match(/^<\?xml[^]*<svg xmlns=/);
  });

  it("refuses an unknown side and files that cannot be written, before the run", async () => {
    const refused = async (options: Parameters<typeof curveCommand>[2]): Promise<string> =>
      curveCommand(guestProgram("stride"), [], options).then(
        () => expect.fail("not refused"),
        (error: unknown) => (error as Error).message,
      );
    expect(await refused({ ...THP, side: "code" })).to.equal("--side code: must be one of data, instruction, both");
    expect(await refused({ ...THP, csv: "/nowhere/c.csv" })).to.match(/^--csv \/nowhere/);
    expect(await refused({ ...THP, svg: "lab" })).to.match(/^--svg lab/);
  });
});

describe("curveCsv", () => {
  it("goes on to 2048 entries where the curve is flat, and to its end where it is longer", () => {
    const at = (entries: number): { entries: number; misses: number; withoutContiguous: number } => ({ entries, misses: 1, withoutContiguous: 2 });
    expect(curveCsv({ at, enough: () => 3 }).trimEnd().split("\n").length).to.equal(2049);
    expect(curveCsv({ at, enough: () => 3000 }).trimEnd().split("\n").at(-1)).to.equal("3000,1,2");
  });
});
