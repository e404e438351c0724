/* Every record of the recordings of real Linux: the same programs in the model print the same. */
import { expect } from "chai";
import { compareRecording, readRecording } from "../../../lab/golden/compare.js";
import { GoldenPrograms } from "../../../lab/golden/runner.js";
import { ConfigError } from "../../../emulator/arch/errors.js";

const RECORDS: readonly [string, number][] = [
  ["4k-neoverse-n1", 416],
  ["4k-cortex-a72", 208],
  ["16k-neoverse-n1", 346],
  ["64k-neoverse-n1", 416],
  ["4k-n1x-random", 505],
  ["4k-cortex-a72-random", 294],
  ["16k-n1x-random", 237],
];

describe("recordings of real Linux 6.12", function () {
  this.timeout(1_200_000);
  const programs = new GoldenPrograms("golden/prog", "build/golden");
  for (const [name, nr] of RECORDS) {
    describe(name, () => {
      const recording = readRecording(`golden/linux-6.12/${name}.json`);
      let compared = 0;
      for (const program of new Set(recording.records.map((record) => record.prog))) {
        it(`${program} agrees in every configuration`, () => {
          for (const result of compareRecording(recording, programs, (p) => p === program)) {
            const first = result.disagreements[0];
            const what = first === undefined ? "" : `${first.key}: ${JSON.stringify(first.difference)}`;
            expect(result.disagreements.length, what).to.equal(0);
            expect(result.problems, `${program} ${result.cfg}`).to.deep.equal([]);
            compared += result.nrRecords;
          }
        });
      }
      it(`compared all ${nr} records`, () => {
        expect(recording.records).to.have.length(nr);
        expect(compared).to.equal(nr);
      });
    });
  }

  it("names a file that is no recording", () => {
    expect(() => readRecording("package.json")).to.throw(ConfigError, "package.json");
    expect(() => readRecording("golden/none.json")).to.throw(ConfigError, "golden/none.json");
  });
});
