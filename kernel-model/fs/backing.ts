/**
 * Stores behind the page cache: the disk of a file system, kept in host memory, over contents that came from elsewhere.
 *
 * Sparse: what was never written costs nothing and reads as the lower contents, or as zeros.
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Backing } from "./file.js";

/** Contents that exist without being written here, a host file for example. Read-only. */
export interface LowerContents {
  /** Bytes; behind them the file reads as zeros until it is written there. */
  readonly size: number;
  /** Fill `into` with the bytes at `offset`. Only asked for bytes below `size`. */
  read(offset: number, into: Uint8Array): void;
}

/** A store that can be written, shrunk and have holes. */
export interface WritableBacking extends Backing {
  truncate(size: number): void;
  punchHole(offset: number, length: number): void;
}

/** Granularity of what is kept here, bytes. */
const CHUNK_BYTES = 65536;

/** A store over `lower`; without it an empty one. Writes stay in host memory and never reach `lower`. */
export function createBacking(lower?: LowerContents): WritableBacking {
  const chunks = new Map<number, Uint8Array>();
  let lowerSize = lower?.size ?? 0;

  const readLower = (offset: number, into: Uint8Array): void => {
    const length = Math.max(0, Math.min(into.length, lowerSize - offset));
    if (length > 0) lower!.read(offset, into.subarray(0, length));
    into.fill(0, length);
  };
  const eachChunk = (offset: number, length: number, visit: (index: number, within: number, done: number, bytes: number) => void): void => {
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / CHUNK_BYTES);
      const within = offset + done - index * CHUNK_BYTES;
      const bytes = Math.min(length - done, CHUNK_BYTES - within);
      visit(index, within, done, bytes);
      done += bytes;
    }
  };
  const own = (index: number): Uint8Array => {
    let chunk = chunks.get(index);
    if (chunk === undefined) {
      chunk = new Uint8Array(CHUNK_BYTES);
      readLower(index * CHUNK_BYTES, chunk);
      chunks.set(index, chunk);
    }
    return chunk;
  };
  return {
    read(offset, into) {
      eachChunk(offset, into.length, (index, within, done, bytes) => {
        const target = into.subarray(done, done + bytes);
        const chunk = chunks.get(index);
        if (chunk === undefined) readLower(offset + done, target);
        else target.set(chunk.subarray(within, within + bytes));
      });
    },
    write(offset, from) {
      eachChunk(offset, from.length, (index, within, done, bytes) => {
        own(index).set(from.subarray(done, done + bytes), within);
      });
    },
    truncate(size) {
      const last = Math.floor(size / CHUNK_BYTES);
      for (const index of chunks.keys()) if (index > last) chunks.delete(index);
      chunks.get(last)?.fill(0, size - last * CHUNK_BYTES);
      lowerSize = Math.min(lowerSize, size);
    },
    punchHole(offset, length) {
      if (length < 0) throw new ModelBug(`punchHole: length ${length}`);
      // Behind the last chunk and the lower contents everything is a hole already.
      const end = [...chunks.keys()].reduce((most, index) => Math.max(most, (index + 1) * CHUNK_BYTES), lowerSize);
      eachChunk(offset, Math.max(0, Math.min(length, end - offset)), (index, within, _done, bytes) => {
        if (chunks.has(index) || index * CHUNK_BYTES < lowerSize) own(index).fill(0, within, within + bytes);
      });
    },
  };
}
