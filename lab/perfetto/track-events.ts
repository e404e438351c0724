/**
 * A trace of Perfetto's TrackEvent kind: tracks of slices and counters over one time line. Opens in ui.perfetto.dev.
 *
 * Format: google/perfetto, protos/perfetto/trace/{trace,trace_packet}.proto and track_event/*.proto; the numbers are the fields there.
 */
import { ProtoWriter } from "./protobuf.js";

const TRACE_PACKET = 1;
const PACKET_TIMESTAMP = 8;
const PACKET_SEQUENCE_ID = 10;
const PACKET_TRACK_EVENT = 11;
const PACKET_INTERNED_DATA = 12;
const PACKET_SEQUENCE_FLAGS = 13;
const PACKET_TRACK_DESCRIPTOR = 60;
const SEQ_INCREMENTAL_STATE_CLEARED = 1;
const SEQ_NEEDS_INCREMENTAL_STATE = 2;

const TRACK_UUID = 1;
const TRACK_NAME = 2;
const TRACK_PROCESS = 3;
const TRACK_PARENT = 5;
const TRACK_COUNTER = 8;
const TRACK_RANK = 12;
const PROCESS_PID = 1;
const PROCESS_NAME = 6;
const COUNTER_UNIT = 3;
const UNIT_COUNT = 2;
const UNIT_SIZE_BYTES = 3;

const EVENT_ANNOTATIONS = 4;
const EVENT_TYPE = 9;
const EVENT_NAME_IID = 10;
const EVENT_TRACK = 11;
const EVENT_COUNTER_VALUE = 30;
const TYPE_SLICE_BEGIN = 1;
const TYPE_SLICE_END = 2;
const TYPE_COUNTER = 4;

const INTERNED_EVENT_NAMES = 2;
const INTERNED_ANNOTATION_NAMES = 3;
const INTERNED_IID = 1;
const INTERNED_NAME = 2;
const ANNOTATION_NAME_IID = 1;
const ANNOTATION_UINT = 3;
const ANNOTATION_TEXT = 6;
const ANNOTATION_POINTER = 7;

/** All packets come from one writer. */
const SEQUENCE = 1;
const CHUNK_BYTES = 1 << 20;

/** An argument of a slice. Addresses are shown in hexadecimal. */
export type Argument = number | string | { readonly address: number };

export type CounterUnit = "count" | "bytes";

export class TrackEvents {
  private readonly packet = new ProtoWriter();
  private readonly out = new ProtoWriter();
  private readonly chunks: Uint8Array[] = [];
  private readonly eventNames = new Map<string, number>();
  private readonly argumentNames = new Map<string, number>();
  /** Names that the packet being written uses for the first time. */
  private newEventNames: string[] = [];
  private newArgumentNames: string[] = [];
  private tracks = 0;
  private started = false;

  /** A track of a process of the guest, under which its other tracks stand. It gets its name from `nameProcess`. */
  processTrack(pid: number): number {
    return this.describe((w) => {
      w.message(TRACK_PROCESS, (p) => p.uint(PROCESS_PID, pid));
    });
  }

  /** Processes get their names in exec, and change them. */
  nameProcess(track: number, pid: number, name: string): void {
    this.describe((w) => {
      w.message(TRACK_PROCESS, (p) => p.uint(PROCESS_PID, pid).text(PROCESS_NAME, name));
    }, track);
  }

  /** A track for slices, or a heading for other tracks. `rank`: its place among its siblings. */
  track(name: string, parent?: number, rank = 0): number {
    return this.describe((w) => {
      w.text(TRACK_NAME, name).uint(TRACK_RANK, rank);
      if (parent !== undefined) w.uint(TRACK_PARENT, parent);
    });
  }

  counterTrack(name: string, unit: CounterUnit, parent?: number, rank = 0): number {
    return this.describe((w) => {
      w.text(TRACK_NAME, name).uint(TRACK_RANK, rank);
      w.message(TRACK_COUNTER, (c) => c.uint(COUNTER_UNIT, unit === "bytes" ? UNIT_SIZE_BYTES : UNIT_COUNT));
      if (parent !== undefined) w.uint(TRACK_PARENT, parent);
    });
  }

  /** Times are in nanoseconds. */
  counter(track: number, time: number, value: number): void {
    this.event(time, (w) => w.uint(EVENT_TYPE, TYPE_COUNTER).uint(EVENT_TRACK, track).uint(EVENT_COUNTER_VALUE, value));
  }

  /** Slices of one track may lie inside each other, but not cross. */
  slice(track: number, start: number, end: number, name: string, args: Readonly<Record<string, Argument>>): void {
    const iid = this.intern(this.eventNames, this.newEventNames, name);
    const named = Object.entries(args).map(([key, value]) => [this.intern(this.argumentNames, this.newArgumentNames, key), value] as const);
    this.event(start, (w) => {
      w.uint(EVENT_TYPE, TYPE_SLICE_BEGIN).uint(EVENT_TRACK, track).uint(EVENT_NAME_IID, iid);
      for (const [key, value] of named) {
        w.message(EVENT_ANNOTATIONS, (a) => {
          a.uint(ANNOTATION_NAME_IID, key);
          if (typeof value === "number") a.uint(ANNOTATION_UINT, value);
          else if (typeof value === "string") a.text(ANNOTATION_TEXT, value);
          else a.uint(ANNOTATION_POINTER, value.address);
        });
      }
    });
    this.event(end, (w) => w.uint(EVENT_TYPE, TYPE_SLICE_END).uint(EVENT_TRACK, track));
  }

  /** The whole file. */
  bytes(): Uint8Array {
    return Buffer.concat([...this.chunks, this.out.bytes()]);
  }

  private intern(names: Map<string, number>, added: string[], name: string): number {
    let iid = names.get(name);
    if (iid === undefined) {
      iid = names.size + 1;
      names.set(name, iid);
      added.push(name);
    }
    return iid;
  }

  private describe(body: (writer: ProtoWriter) => void, uuid = ++this.tracks): number {
    this.write((w) =>
      w.message(PACKET_TRACK_DESCRIPTOR, (d) => {
        d.uint(TRACK_UUID, uuid);
        body(d);
      }),
    );
    return uuid;
  }

  private event(time: number, body: (writer: ProtoWriter) => void): void {
    this.write((w) => {
      w.uint(PACKET_TIMESTAMP, time);
      const { newEventNames, newArgumentNames } = this;
      if (newEventNames.length + newArgumentNames.length > 0) {
        w.message(PACKET_INTERNED_DATA, (data) => {
          for (const name of newEventNames) data.message(INTERNED_EVENT_NAMES, (n) => n.uint(INTERNED_IID, this.eventNames.get(name)!).text(INTERNED_NAME, name));
          for (const name of newArgumentNames) data.message(INTERNED_ANNOTATION_NAMES, (n) => n.uint(INTERNED_IID, this.argumentNames.get(name)!).text(INTERNED_NAME, name));
        });
        this.newEventNames = [];
        this.newArgumentNames = [];
      }
      w.message(PACKET_TRACK_EVENT, body);
    });
  }

  private write(body: (writer: ProtoWriter) => void): void {
    const { packet, out } = this;
    packet.clear();
    body(packet);
    packet.uint(PACKET_SEQUENCE_ID, SEQUENCE).uint(PACKET_SEQUENCE_FLAGS, this.started ? SEQ_NEEDS_INCREMENTAL_STATE : SEQ_INCREMENTAL_STATE_CLEARED);
    this.started = true;
    out.raw(TRACE_PACKET, packet.bytes());
    if (out.bytes().length < CHUNK_BYTES) return;
    this.chunks.push(out.bytes().slice());
    out.clear();
  }
}
