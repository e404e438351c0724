/* Traces read back: tracks, slices with arguments, counters. */
import { expect } from "chai";
import { TrackEvents } from "../../../lab/perfetto/track-events.js";
import { readTrace } from "../../support/protobuf.js";

describe("TrackEvents", () => {
  it("an empty trace is an empty file", () => {
    expect(new TrackEvents().bytes().length).to.equal(0);
  });

  it("describes tracks with their parents, processes and units", () => {
    const trace = new TrackEvents();
    const process = trace.processTrack(42);
    trace.nameProcess(process, 42, "sort");
    const group = trace.track("TLB");
    trace.track("faults", process);
    trace.counterTrack("L1D", "count", group);
    trace.counterTrack("resident", "bytes");
    expect([...readTrace(trace.bytes()).tracks.values()]).to.deep.equal([
      { name: undefined, parent: undefined, process: { pid: 42, name: "sort" }, unit: undefined },
      { name: "TLB", parent: undefined, process: undefined, unit: undefined },
      { name: "faults", parent: process, process: undefined, unit: undefined },
      { name: "L1D", parent: group, process: undefined, unit: 2 },
      { name: "resident", parent: undefined, process: undefined, unit: 3 },
    ]);
  });

  it("writes slices as begin and end, with arguments of each kind", () => {
    const trace = new TrackEvents();
    const track = trace.track("faults");
    trace.slice(track, 100, 101, "anonWrite order 4", { address: { address: 0xffff_8000_0000 }, access: "write", bytes: 65536 });
    trace.slice(track, 5_000_000_000, 5_000_000_001, "anonWrite order 4", { access: "read" });
    expect(readTrace(trace.bytes()).events).to.deep.equal([
      { time: 100, type: 1, track, name: "anonWrite order 4", value: undefined, args: { address: 0xffff_8000_0000, access: "write", bytes: 65536 } },
      { time: 101, type: 2, track, name: undefined, value: undefined, args: {} },
      { time: 5_000_000_000, type: 1, track, name: "anonWrite order 4", value: undefined, args: { access: "read" } },
      { time: 5_000_000_001, type: 2, track, name: undefined, value: undefined, args: {} },
    ]);
  });

  it("writes counters", () => {
    const trace = new TrackEvents();
    const track = trace.counterTrack("L1D", "count");
    trace.counter(track, 7, 0);
    trace.counter(track, 8, 2 ** 40);
    expect(readTrace(trace.bytes()).events.map(({ time, type, value }) => [time, type, value])).to.deep.equal([[7, 4, 0], [8, 4, 2 ** 40]]);
  });

  it("large traces are whole", () => {
    const trace = new TrackEvents();
    const track = trace.counterTrack("L1D", "count");
    for (let i = 0; i < 100_000; i++) trace.counter(track, i, i);
    const { events } = readTrace(trace.bytes());
    expect(trace.bytes().length).to.be.greaterThan(2 ** 20);
    expect(events.length).to.equal(100_000);
    expect(events.at(-1)).to.include({ time: 99_999, value: 99_999 });
  });
});
