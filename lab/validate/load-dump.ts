/**
 * Opens what `foliolab validate` is given: our text form, a raw image of physical memory, or an ELF core file with physical addresses (a
 * kdump or an emulator's dump-guest-memory), and reads only what is asked for.
 */
import { closeSync, fstatSync, openSync, readSync, readFileSync } from "node:fs";
import { type Pa, hex, isAligned } from "../../emulator/arch/addr.js";
import { ConfigError } from "../../emulator/arch/errors.js";
import { MAIR_LINUX } from "../../emulator/arch/sysreg.js";
import { isTextDump, parseTextDump } from "../../emulator/validate/dump-format.js";
import { type TableMemory, tableRegime } from "../../emulator/validate/table-memory.js";
import type { DumpInput } from "./validate-dump.js";

/** Registers and place of an image, as the command line gives them. */
export interface ImageOptions {
  readonly ttbr0?: string | undefined;
  readonly tcr?: string | undefined;
  readonly mair?: string | undefined;
  /** Physical address of the first byte of a raw image; default 0. */
  readonly base?: string | undefined;
}

/** A piece of physical memory in a file. */
interface Segment {
  readonly start: number;
  readonly bytes: number;
  readonly offset: number;
}

const MAX_TEXT_BYTES = 2 ** 29;
const HEAD_BYTES = 64;
const EM_AARCH64 = 183;
const ET_CORE = 4;
const PT_LOAD = 1;
const PHDR_BYTES = 56;

/** Physical memory in an open file. */
class ImageTables implements TableMemory {
  private readonly descriptor: number;
  private readonly segments: readonly Segment[];

  constructor(descriptor: number, segments: readonly Segment[]) {
    this.descriptor = descriptor;
    this.segments = segments;
  }

  table(at: Pa, entries: number): BigUint64Array | undefined {
    const bytes = entries * 8;
    const segment = this.segments.find(({ start, bytes: length }) => at >= start && at + bytes <= start + length);
    if (segment === undefined || !isAligned(at, 8)) return undefined;
    const words = new BigUint64Array(entries);
    const into = new Uint8Array(words.buffer);
    return readFully(this.descriptor, into, segment.offset + (at - segment.start)) === bytes ? words : undefined;
  }
}

function readFully(descriptor: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const got = readSync(descriptor, into, done, into.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/** A 64-bit number of the command line. */
export function parseNumber64(option: string, text: string): bigint {
  if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(text)) throw new ConfigError(`${option} ${text}: not a number`);
  const value = BigInt(text);
  if (value >= 1n << 64n) throw new ConfigError(`${option} ${text}: more than 64 bits`);
  return value;
}

/** An open dump. `close` when done with its memory. */
export interface LoadedDump extends DumpInput {
  readonly form: "text" | "image" | "core";
  readonly close: () => void;
}

/** Open a dump. Throws ConfigError, in one line, if it cannot be read or registers are missing. */
export function loadDump(path: string, options: ImageOptions): LoadedDump {
  let descriptor: number;
  let size: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw new ConfigError(`${path}: ${reason(error)}`);
  }
  const close = (): void => {
    closeSync(descriptor);
  };
  try {
    const status = fstatSync(descriptor);
    if (status.isDirectory()) throw new ConfigError(`${path}: is a directory`);
    size = status.size;
    const head = new Uint8Array(HEAD_BYTES);
    const length = readFully(descriptor, head, 0);
    if (isTextDump(head)) {
      if (size > MAX_TEXT_BYTES) throw new ConfigError(`${path}: a text dump of more than ${MAX_TEXT_BYTES} bytes`);
      return { form: "text", close, ...parseTextDump(readFileSync(path, "latin1"), path) };
    }
    const core = length === HEAD_BYTES ? coreSegments(descriptor, head, size, path) : undefined;
    if (core !== undefined && options.base !== undefined) throw new ConfigError(`--base ${options.base}: ${path} is an ELF core file, which says where its memory lies`);
    if (options.ttbr0 === undefined || options.tcr === undefined) throw new ConfigError(`${path}: not a foliolab page-table dump; a memory image needs --ttbr0 and --tcr`);
    const registers = {
      ttbr0: parseNumber64("--ttbr0", options.ttbr0),
      tcr: parseNumber64("--tcr", options.tcr),
      mair: options.mair === undefined ? MAIR_LINUX : parseNumber64("--mair", options.mair),
    };
    const regime = tableRegime(registers);
    const base = parseNumber64("--base", options.base ?? "0");
    if (base >= 1n << 52n || base % 8n !== 0n) throw new ConfigError(`--base ${options.base}: not a physical address that is a multiple of 8`);
    const segments = core ?? [{ start: Number(base), bytes: size, offset: 0 }];
    const memory = new ImageTables(descriptor, segments);
    if (memory.table(regime.root, 1) === undefined) throw new ConfigError(`${path}: TTBR0's table at ${hex(regime.root)} lies outside of the image`);
    return { form: core === undefined ? "image" : "core", close, regime, memory };
  } catch (error) {
    close();
    if (error instanceof ConfigError || !(error instanceof Error && "code" in error)) throw error;
    throw new ConfigError(`${path}: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message.replace(/, open .*$/, "").replace(/^[A-Z]+: /, "") : String(error);
}

/** The PT_LOAD segments of a 64-bit little-endian AArch64 core file by physical address; undefined if the file is something else. */
function coreSegments(descriptor: number, head: Uint8Array, size: number, path: string): Segment[] | undefined {
  const view = new DataView(head.buffer);
  const isElf = view.getUint32(0) === 0x7f454c46 && head[4] === 2 && head[5] === 1;
  if (!isElf || view.getUint16(16, true) !== ET_CORE || view.getUint16(18, true) !== EM_AARCH64) return undefined;
  const offset = Number(view.getBigUint64(32, true));
  const entryBytes = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (entryBytes !== PHDR_BYTES || offset + count * PHDR_BYTES > size) throw new ConfigError(`${path}: the program headers of the core file are damaged`);
  const headers = new Uint8Array(count * PHDR_BYTES);
  readFully(descriptor, headers, offset);
  const segments: Segment[] = [];
  for (let i = 0; i < count; i++) {
    const header = new DataView(headers.buffer, i * PHDR_BYTES, PHDR_BYTES);
    if (header.getUint32(0, true) !== PT_LOAD) continue;
    const [at, start, bytes] = [8, 24, 32].map((field) => Number(header.getBigUint64(field, true))) as [number, number, number];
    // A truncated file has less than it says.
    segments.push({ start, bytes: Math.max(0, Math.min(bytes, size - at)), offset: at });
  }
  return segments;
}
