/* Every operation of the TLB-maintenance recordings: tlbi.c in the model issues the same TLBIs and waits. */
import { expect } from "chai";
import { readRecordingFile } from "../../../lab/golden/compare.js";
import { GoldenPrograms } from "../../../lab/golden/runner.js";
import { compareTlbiRecording, isTlbiRecording, type TlbiRecording } from "../../../lab/golden/tlbi-compare.js";

function readTlbiRecording(path: string): TlbiRecording {
  const recording = readRecordingFile(path);
  if (!isTlbiRecording(recording)) throw new Error(`${path} is another kind of recording`);
  return recording;
}

describe("TLB maintenance of real Linux 6.12", function () {
  this.timeout(600_000);
  const programs = new GoldenPrograms("golden/tlbi", "build/golden");
  for (const name of ["4k-n1x", "4k-max-nolpa2"]) {
    const recording = readTlbiRecording(`golden/tlbi/${name}.json`);
    it(`${name} has 400 records`, () => {
      expect(recording.records).to.have.length(400);
    });
    for (const cfg of new Set(recording.records.map((record) => record.cfg))) {
      it(`${name} ${cfg}: every operation agrees`, () => {
        const [result] = [...compareTlbiRecording(recording, programs, (other) => other === cfg)];
        expect(result?.nrRecords).to.equal(recording.records.filter((record) => record.cfg === cfg).length);
        expect(result?.disagreements.map(({ key, difference }) => `${key}: ${JSON.stringify(difference)}`)).to.deep.equal([]);
        expect(result?.problems).to.deep.equal([]);
      });
    }
  }

  it("a recording of program steps is not one of these", () => {
    expect(isTlbiRecording(readRecordingFile("golden/linux-6.12/4k-cortex-a72.json"))).to.equal(false);
  });

  it("does not hide a difference", () => {
    const recording = readTlbiRecording("golden/tlbi/4k-n1x.json");
    const records = recording.records
      .filter((record) => record.cfg === "64K" && record.blocks === 1 && (record.op === "mlock" || record.op === "munmap: page 7"))
      .map((record) => ({ ...record, reps: 1, ...(record.op === "mlock" ? { tlbi: { vale1is: 1 } } : {}) }));
    const results = [...compareTlbiRecording({ ...recording, records: [...records, { ...records[0]!, op: "no such operation" }] }, programs)];
    expect(results.map(({ nrRecords, disagreements }) => [nrRecords, disagreements.map(({ key, difference }) => [key, difference?.field])])).to.deep.equal([
      [3, [["64K 1 mlock", "tlbi"], ["64K 1 no such operation", undefined]]],
    ]);
  });
});
