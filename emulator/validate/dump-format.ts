/**
 * The text form of a page table, one line per descriptor: written by `foliolab ptdump --raw`, read by `foliolab validate`.
 *
 * docs/validation.md describes it. A reader needs nothing but the file: registers in the header, descriptors with the address of the
 * entry, and, if the writer knew them, the folios behind the pages.
 */
import { type Pa, type Va, hex } from "../arch/addr.js";
import { ConfigError } from "../arch/errors.js";
import type { Level } from "../arch/granule.js";
import { SparseTables, type TableMemory, type TableRegime, tableRegime, type TableRegisters } from "./table-memory.js";
import { visitTables } from "./visit-tables.js";

export const DUMP_MAGIC = "foliolab-ptdump 1";

/** A folio that some entries map. Frames are physical addresses divided by the page size. */
export interface DumpFolio {
  readonly head: number;
  readonly order: number;
  readonly anon: boolean;
  /** Frames of the folio that belong to one address space alone (PageAnonExclusive). */
  readonly exclusive: readonly number[];
}

/** A descriptor as its line has it. */
export interface DumpLine {
  readonly level: Level;
  readonly entry: Pa;
  readonly va: Va;
  readonly value: bigint;
}

export interface TextDump {
  readonly regime: TableRegime;
  readonly memory: SparseTables;
  readonly lines: readonly DumpLine[];
  /** Undefined: the writer did not say. */
  readonly folios: readonly DumpFolio[] | undefined;
}

/** Print a table that starts at `regime.root`: header, folios, one line per descriptor that is not zero, in the order of the tables. */
export function formatRawDump(memory: TableMemory, regime: TableRegime, folios?: readonly DumpFolio[]): string {
  const { registers, granule } = regime;
  const lines = [
    DUMP_MAGIC,
    `granule ${granule.name}`,
    `va-bits ${granule.vaBits}`,
    `ttbr0 ${word(registers.ttbr0)}`,
    `tcr ${word(registers.tcr)}`,
    `mair ${word(registers.mair)}`,
  ];
  if (folios !== undefined) lines.push("folios");
  for (const { head, order, anon, exclusive } of folios ?? []) lines.push(`folio ${hex(head)} order=${order}${anon ? " anon" : ""}${exclusive.length === 0 ? "" : ` exclusive=${ranges(exclusive)}`}`);
  lines.push("# level entry va descriptor");
  visitTables(memory, regime, {
    table({ level, at, va, words, geometry }) {
      words.forEach((value, index) => {
        if (value !== 0n) lines.push(`${level} ${hex(at + index * 8)} ${hex(va + index * geometry.size)} ${word(value)}`);
      });
    },
    problem: () => undefined,
  });
  return `${lines.join("\n")}\n`;
}

function word(value: bigint): string {
  return `0x${value.toString(16).padStart(16, "0")}`;
}

/** Ascending frames as `0x10-0x1f,0x30`. */
function ranges(frames: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < frames.length; ) {
    let end = i;
    while (frames[end + 1] === frames[end]! + 1) end++;
    parts.push(end === i ? hex(frames[i]!) : `${hex(frames[i]!)}-${hex(frames[end]!)}`);
    i = end + 1;
  }
  return parts.join(",");
}

/** A folio of this order is larger than any memory. */
const MAX_ORDER = 20;
const NUMBER = /^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i;

/** Reads lines with their numbers for messages. Throws ConfigError: `NAME:LINE: what`. */
class Reader {
  private readonly name: string;
  line = 0;

  constructor(name: string) {
    this.name = name;
  }

  fail(what: string): never {
    throw new ConfigError(`${this.name}:${this.line}: ${what}`);
  }

  number64(text: string | undefined, what: string): bigint {
    if (text === undefined || !NUMBER.test(text)) this.fail(`${what}: ${text === undefined ? "missing" : `"${text.slice(0, 40)}" is not a number`}`);
    const value = BigInt(text);
    if (value >= 1n << 64n) this.fail(`${what}: ${text} has more than 64 bits`);
    return value;
  }

  /** An address below 2^52. */
  address(text: string | undefined, what: string): number {
    const value = this.number64(text, what);
    if (value >= 1n << 52n) this.fail(`${what}: ${text} is beyond 52 bits`);
    return Number(value);
  }
}

/** True if a file begins as our text form does. */
export function isTextDump(start: Uint8Array): boolean {
  return start.length >= DUMP_MAGIC.length && [...DUMP_MAGIC].every((letter, i) => start[i] === letter.charCodeAt(0));
}

/** Read the text form. `name` stands in messages. Throws ConfigError for anything that is not in the form. */
export function parseTextDump(text: string, name: string): TextDump {
  const reader = new Reader(name);
  const header = new Map<string, string>();
  const memory = new SparseTables();
  const lines: DumpLine[] = [];
  let folios: DumpFolio[] | undefined;
  const all = text.split("\n");
  reader.line = 1;
  if (all[0]?.trimEnd() !== DUMP_MAGIC) reader.fail(`the first line is not "${DUMP_MAGIC}"`);
  for (let i = 1; i < all.length; i++) {
    reader.line = i + 1;
    const line = all[i]!.trim();
    if (line === "" || line.startsWith("#")) continue;
    const words = line.split(/\s+/);
    const first = words[0]!;
    if (/^[0-9]+$/.test(first)) {
      lines.push(parseDescriptor(reader, words, memory));
    } else if (first === "folios" && words.length === 1) {
      folios ??= [];
    } else if (first === "folio") {
      (folios ??= []).push(parseFolio(reader, words));
    } else {
      if (!["granule", "va-bits", "ttbr0", "tcr", "mair"].includes(first) || words.length !== 2) reader.fail(`"${line.slice(0, 60)}" is not understood`);
      if (header.has(first)) reader.fail(`a second line "${first}"`);
      header.set(first, words[1]!);
    }
  }
  const register = (key: string): bigint => reader.number64(header.get(key), key);
  const registers: TableRegisters = { ttbr0: register("ttbr0"), tcr: register("tcr"), mair: register("mair") };
  const regime = tableRegime(registers);
  const { granule } = regime;
  const says = header.get("granule") ?? granule.name;
  if (says !== granule.name) reader.fail(`granule ${says.slice(0, 20)}, but TCR says ${granule.name}`);
  if (Number(header.get("va-bits") ?? granule.vaBits) !== granule.vaBits) reader.fail(`va-bits ${header.get("va-bits")!.slice(0, 20)}, but TCR says ${granule.vaBits}`);
  return { regime, memory, lines, folios };
}

function parseDescriptor(reader: Reader, words: readonly string[], memory: SparseTables): DumpLine {
  if (words.length !== 4) reader.fail("a descriptor line has four words: level, address of the entry, va, value");
  const level = Number(words[0]);
  if (level > 3) reader.fail(`level ${words[0]!.slice(0, 20)} is not 0 to 3`);
  const entry = reader.address(words[1], "address of the entry");
  if (entry % 8 !== 0) reader.fail(`address of the entry ${hex(entry)} is not a multiple of 8`);
  const va = reader.address(words[2], "va");
  const value = reader.number64(words[3], "descriptor");
  if (!memory.put(entry as Pa, value)) reader.fail(`a second value for the entry at ${hex(entry)}`);
  return { level: level as Level, entry: entry as Pa, va: va as Va, value };
}

function parseFolio(reader: Reader, words: readonly string[]): DumpFolio {
  const head = reader.address(words[1], "folio");
  let order = NaN;
  let anon = false;
  const exclusive: number[] = [];
  for (const part of words.slice(2)) {
    const [key, value] = part.split("=", 2);
    if (part === "anon") anon = true;
    else if (key === "order") order = Number(value);
    else if (key === "exclusive") parseRanges(reader, value ?? "", exclusive, head);
    else reader.fail(`folio: "${part.slice(0, 40)}" is not understood`);
  }
  if (!Number.isInteger(order) || order < 0 || order > MAX_ORDER) reader.fail(`folio ${hex(head)}: no order from 0 to ${MAX_ORDER}`);
  if (exclusive.some((frame) => frame < head || frame >= head + 2 ** order)) reader.fail(`folio ${hex(head)}: exclusive frames outside of the folio`);
  return { head, order, anon, exclusive };
}

function parseRanges(reader: Reader, text: string, into: number[], head: number): void {
  for (const range of text.split(",")) {
    const [first, last] = range.split("-", 2);
    const from = reader.address(first, "exclusive");
    const to = last === undefined ? from : reader.address(last, "exclusive");
    if (from < head || to < from || to - head >= 2 ** MAX_ORDER) reader.fail(`folio ${hex(head)}: exclusive range "${range.slice(0, 40)}"`);
    for (let frame = from; frame <= to; frame++) into.push(frame);
  }
}
