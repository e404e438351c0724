/* The time line of real runs, read back: every fault is a slice, counters end where the statistics of the run do. */
import { expect } from "chai";
import { Timeline } from "../../../lab/perfetto/timeline.js";
import { guestProgram } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";
import { readTrace, type Event, type Track } from "../../support/protobuf.js";

interface Run {
  readonly result: Awaited<ReturnType<typeof labRun>>["result"];
  readonly tracks: Map<number, Track>;
  readonly events: Event[];
}

async function timeline(program: string, config: Parameters<typeof labRun>[2] = {}): Promise<Run> {
  const made = new Timeline();
  const { result } = await labRun(guestProgram(program), [], config, [made]);
  return { result, ...readTrace(made.bytes()) };
}

/** Values of a counter under a heading, in time order. */
function counter({ tracks, events }: Run, name: string, group?: string): number[] {
  const [id] = [...tracks].find(([, track]) => track.name === name && (group === undefined ? track.parent === undefined : tracks.get(track.parent ?? 0)?.name === group)) ?? [undefined];
  return events.filter(({ track, type }) => track === id && type === 4).map(({ value }) => value!);
}

describe("Timeline", () => {
  const thp = { enabled: "never", sizes: { 65536: "always" } } as const;

  it("shows every fault as a slice with kind, order and address, in the track of its process", async () => {
    const run = await timeline("forkwrite", { thp });
    const slices = run.events.filter(({ type }) => type === 1);
    const byKind = new Map<string, number>();
    for (const { name } of slices) byKind.set(name!.split(" ")[0]!, (byKind.get(name!.split(" ")[0]!) ?? 0) + 1);
    expect(Object.fromEntries(byKind)).to.deep.equal(Object.fromEntries(Object.entries(run.result.faults.byKind).filter(([, n]) => n > 0)));
    const large = slices.find(({ name }) => name === "anonWrite order 4")!;
    expect(large.args).to.include({ access: "write", bytes: 65536 });
    expect(large.args["address"]).to.be.greaterThan(0x10000);
    const pids = new Set(slices.map(({ track }) => run.tracks.get(run.tracks.get(track)!.parent!)!.process!.pid));
    expect(pids.size, "parent and child").to.equal(2);
    expect(new Set([...run.tracks.values()].flatMap(({ process }) => process?.name ?? []))).to.deep.equal(new Set(["forkwrite"]));
    expect(run.events.filter(({ type }) => type === 2).length).to.equal(slices.length);
  });

  it("counters end at the statistics of the run", async () => {
    const run = await timeline("gups", { cores: ["neoverse-n1", "cortex-a53"], thp });
    const { result } = run;
    expect(counter(run, "page faults").at(-1)).to.equal(Object.values(result.faults.byKind).reduce((a, b) => a + b, 0));
    for (const core of ["neoverse-n1", "cortex-a53"]) {
      expect(counter(run, "L1D misses", `TLB ${core}`).at(-1)).to.equal(result.tlb[core]!.l1d.misses);
      expect(counter(run, "walks", `TLB ${core}`).at(-1)).to.equal(result.tlb[core]!.walks);
    }
    expect(counter(run, "TLBI instructions").at(-1)).to.equal(Object.values(result.tlbi.ops).reduce((a, b) => a + b, 0));
  });

  it("memory goes up and is gone at the end; what never happened has no track", async () => {
    const run = await timeline("gups", { thp });
    expect(counter(run, "anonymous", "resident").at(-1)).to.equal(0);
    expect(Math.max(...counter(run, "anonymous", "resident"))).to.be.greaterThan(2 ** 20);
    const contiguous = counter(run, "contiguous runs", "mapped by");
    expect(contiguous.at(-1)).to.equal(0);
    expect(Math.max(...contiguous)).to.equal(run.result.contpte.mappedBytesCont);
    expect(Math.max(...counter(run, "64k", "anonymous folios"))).to.be.at.least(run.result.contpte.mappedBytesCont);
    const names = [...run.tracks.values()].map(({ name }) => name);
    expect(names).to.not.include("32k").and.not.include("blocks");
  });

  it("time is the guest's and never runs backwards within a track", async () => {
    const run = await timeline("stride");
    const last = new Map<number, number>();
    for (const { track, time } of run.events) {
      expect(time).to.be.at.least(last.get(track) ?? 0);
      last.set(track, time);
    }
    expect(Math.max(...run.events.map(({ time }) => time))).to.be.at.least(run.result.execution.instructions);
  });

  it("samples where nothing but computing happens", async () => {
    const run = await timeline("matmul");
    const distinct = new Set(run.events.filter(({ type }) => type === 4).map(({ time }) => Math.floor(time / 1_000_000)));
    expect(distinct.size).to.be.greaterThan(run.result.execution.instructions / 4_000_000);
  });

  it("two runs give the same bytes, and the run's results are those without a time line", async () => {
    const [one, two] = [new Timeline(), new Timeline()];
    const { result } = await labRun(guestProgram("btree"), [], {}, [one]);
    await labRun(guestProgram("btree"), [], {}, [two]);
    expect(Buffer.compare(one.bytes(), two.bytes())).to.equal(0);
    const { result: plain } = await labRun(guestProgram("btree"));
    expect(result.tlb).to.deep.equal(plain.tlb);
    expect(result.faults).to.deep.equal(plain.faults);
  });
});
