/**
 * The part of the protobuf wire format that traces are written in: varints, strings, bytes and nested messages.
 *
 * Format: protobuf.dev/programming-guides/encoding. Field numbers are the caller's.
 */
import { ModelBug } from "../../emulator/arch/errors.js";

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIRST_BYTES = 256;

export class ProtoWriter {
  private buffer = new Uint8Array(FIRST_BYTES);
  private used = 0;
  /** For nested messages, made when first needed and used again. */
  private inner: ProtoWriter | undefined;

  /** What has been written. The bytes stay the writer's: valid until it writes again. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }

  clear(): void {
    this.used = 0;
  }

  /** An unsigned integer, below 2^53. */
  uint(field: number, value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new ModelBug(`ProtoWriter.uint: field ${field} = ${value}`);
    this.varint(field * 8 + VARINT);
    this.varint(value);
    return this;
  }

  bool(field: number, value: boolean): this {
    return this.uint(field, value ? 1 : 0);
  }

  text(field: number, value: string): this {
    return this.raw(field, Buffer.from(value, "utf8"));
  }

  /** A message written by `body`. */
  message(field: number, body: (writer: ProtoWriter) => void): this {
    this.inner ??= new ProtoWriter();
    this.inner.clear();
    body(this.inner);
    return this.raw(field, this.inner.bytes());
  }

  raw(field: number, bytes: Uint8Array): this {
    this.varint(field * 8 + LENGTH_DELIMITED);
    this.varint(bytes.length);
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
    return this;
  }

  private varint(value: number): void {
    this.reserve(10);
    let rest = value;
    // Not a shift: it would cut to 32 bits.
    while (rest >= 128) {
      this.buffer[this.used++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.used++] = rest;
  }

  private reserve(bytes: number): void {
    if (this.used + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.used + bytes));
    larger.set(this.bytes());
    this.buffer = larger;
  }
}
