/** A reader of protobuf messages for tests: fields by number, nested messages on demand. */

export type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** The fields of one message: varints as numbers, everything else as bytes. Throws for a malformed one. */
export function readMessage(bytes: Uint8Array): Fields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("varint cut short");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    let value: number | Uint8Array;
    if (tag % 8 === 0) value = varint();
    else if (tag % 8 === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new Error(`field ${field} cut short`);
      value = bytes.subarray(at, at + length);
      at += length;
    } else throw new Error(`wire type ${tag % 8}`);
    const values = fields.get(field);
    if (values === undefined) fields.set(field, [value]);
    else values.push(value);
  }
  return fields;
}

/** The single value of a field. */
export function one(fields: Fields, field: number): number | Uint8Array | undefined {
  const values = fields.get(field);
  if (values !== undefined && values.length !== 1) throw new Error(`field ${field} occurs ${values.length} times`);
  return values?.[0];
}

export function number(fields: Fields, field: number): number | undefined {
  const value = one(fields, field);
  if (value instanceof Uint8Array) throw new Error(`field ${field} is no number`);
  return value;
}

export function text(fields: Fields, field: number): string | undefined {
  const value = one(fields, field);
  if (typeof value === "number") throw new Error(`field ${field} is no text`);
  return value === undefined ? undefined : Buffer.from(value).toString("utf8");
}

/** All messages of a field, in order. */
export function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((value) => {
    if (typeof value === "number") throw new Error(`field ${field} is no message`);
    return readMessage(value);
  });
}

/** A Perfetto trace as its tracks and events, by the field numbers of Perfetto's protos. */
export interface Track {
  readonly name: string | undefined;
  readonly parent: number | undefined;
  readonly process: { readonly pid: number; readonly name: string } | undefined;
  /** Undefined: not a counter. 2: count, 3: bytes. */
  readonly unit: number | undefined;
}

export interface Event {
  readonly time: number;
  /** 1: slice begins, 2: ends, 4: counter. */
  readonly type: number;
  readonly track: number;
  readonly name: string | undefined;
  readonly value: number | undefined;
  readonly args: Readonly<Record<string, number | string>>;
}

export function readTrace(bytes: Uint8Array): { readonly tracks: Map<number, Track>; readonly events: Event[] } {
  const tracks = new Map<number, Track>();
  const events: Event[] = [];
  const names = new Map<number, string>();
  const argumentNames = new Map<number, string>();
  const packets = messages(readMessage(bytes), 1);
  packets.forEach((packet, i) => {
    // The first packet starts the sequence's state (flag 1), all others need it (flag 2).
    if (number(packet, 13) !== (i === 0 ? 1 : 2) || number(packet, 10) !== 1) throw new Error(`packet ${i}: sequence`);
    for (const interned of messages(packet, 12)) {
      for (const name of messages(interned, 2)) names.set(number(name, 1)!, text(name, 2)!);
      for (const name of messages(interned, 3)) argumentNames.set(number(name, 1)!, text(name, 2)!);
    }
    for (const track of messages(packet, 60)) {
      const [process] = messages(track, 3);
      const [counter] = messages(track, 8);
      tracks.set(number(track, 1)!, {
        name: text(track, 2),
        parent: number(track, 5),
        process: process === undefined ? undefined : { pid: number(process, 1)!, name: text(process, 6) ?? "" },
        unit: counter === undefined ? undefined : number(counter, 3),
      });
    }
    for (const event of messages(packet, 11)) {
      const iid = number(event, 10);
      const name = iid === undefined ? undefined : names.get(iid);
      if (iid !== undefined && name === undefined) throw new Error(`packet ${i}: name ${iid} is not interned`);
      const args: Record<string, number | string> = {};
      for (const argument of messages(event, 4)) args[argumentNames.get(number(argument, 1)!)!] = number(argument, 3) ?? number(argument, 7) ?? text(argument, 6)!;
      events.push({ time: number(packet, 8)!, type: number(event, 9)!, track: number(event, 11)!, name, value: number(event, 30), args });
    }
  });
  return { tracks, events };
}
