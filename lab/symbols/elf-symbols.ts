/**
 * The functions of an AArch64 ELF file: from an offset in the file, as a mapping shows it, to the function there.
 *
 * Reads .symtab, or .dynsym where that has been stripped. Names are given as they are, C++ names too. A malformed table is no table:
 * symbols are a convenience, and the program runs without them.
 *
 * ELF: System V gABI chapter 4 (symbol table, sections); ELF for the Arm 64-bit Architecture (IHI 0056), mapping symbols.
 */

const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SHT_NOBITS = 8;
const SHF_EXECINSTR = 4n;
const PT_LOAD = 1;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;
const SHN_UNDEF = 0;
/** Indexes from here on are no sections: absolute and common symbols. */
const SHN_LORESERVE = 0xff00;
const SYMBOL_BYTES = 24;
const SECTION_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;

/** Where an address lies. */
export interface FunctionAt {
  /** Function name; for code without a symbol the section in parentheses, e.g. "(.plt)". */
  readonly name: string;
  /** Bytes behind the function's first instruction (behind the start of the section, if that is the name). */
  readonly offset: number;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly executable: boolean;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

interface Segment {
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

interface FunctionSymbol {
  readonly name: string;
  readonly address: number;
  /** 0: not given (assembly); the function then reaches to the next one. */
  readonly size: number;
  /** Of several names of one address the highest is shown. */
  readonly rank: number;
}

export class ElfSymbols {
  /** Sorted by address, one per address. */
  private readonly functions: readonly FunctionSymbol[];
  private readonly sections: readonly Section[];
  private readonly segments: readonly Segment[];

  private constructor(functions: readonly FunctionSymbol[], sections: readonly Section[], segments: readonly Segment[]) {
    this.functions = functions;
    this.sections = sections;
    this.segments = segments;
  }

  /** Reads the tables of a whole file. Never throws; a file that is none of ours has no symbols. */
  static read(bytes: Uint8Array): ElfSymbols {
    try {
      return ElfSymbols.parse(bytes);
    } catch (error) {
      // What reads beyond the file's end: the tables are damaged.
      if (error instanceof RangeError) return new ElfSymbols([], [], []);
      throw error;
    }
  }

  private static parse(bytes: Uint8Array): ElfSymbols {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 64 || view.getUint32(0, false) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) return new ElfSymbols([], [], []);
    const segments = readSegments(view);
    const sections = readSections(view, bytes);
    const table = sections.find(({ type }) => type === SHT_SYMTAB) ?? sections.find(({ type }) => type === SHT_DYNSYM);
    return new ElfSymbols(table === undefined ? [] : readFunctions(view, bytes, table, sections), sections, segments);
  }

  /** Functions found. */
  get count(): number {
    return this.functions.length;
  }

  /** There is DWARF line information, so that a symbolizer can name source lines. */
  get hasLines(): boolean {
    return this.sections.some(({ name }) => name === ".debug_line" || name === ".zdebug_line");
  }

  /** Link-time address of a byte of the file; undefined if no segment loads it. */
  addressOf(fileOffset: number): number | undefined {
    const segment = this.segments.find(({ offset, size }) => fileOffset >= offset && fileOffset < offset + size);
    return segment === undefined ? undefined : fileOffset - segment.offset + segment.address;
  }

  /** The function, or failing that the section, at a link-time address. */
  at(address: number): FunctionAt | undefined {
    let low = 0;
    let high = this.functions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.functions[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.functions[low - 1];
    if (found !== undefined && this.reaches(found, address)) return { name: found.name, offset: address - found.address };
    const section = this.sectionAt(address);
    return section === undefined ? undefined : { name: `(${section.name})`, offset: address - section.address };
  }

  private sectionAt(address: number): Section | undefined {
    return this.sections.find((section) => section.executable && address >= section.address && address < section.address + section.size);
  }

  /** A function without a size ends with its section. */
  private reaches({ address: start, size }: FunctionSymbol, address: number): boolean {
    if (size > 0) return address < start + size;
    const section = this.sectionAt(start);
    return section !== undefined && section === this.sectionAt(address);
  }
}

function size64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function readSegments(view: DataView): Segment[] {
  const table = size64(view, 32);
  const segments: Segment[] = [];
  for (let i = 0; i < view.getUint16(56, true); i++) {
    const at = table + i * PROGRAM_HEADER_BYTES;
    if (view.getUint32(at, true) === PT_LOAD) segments.push({ offset: size64(view, at + 8), address: size64(view, at + 16), size: size64(view, at + 32) });
  }
  return segments;
}

function readSections(view: DataView, bytes: Uint8Array): Section[] {
  const table = size64(view, 40);
  const nr = view.getUint16(60, true);
  if (table === 0 || nr === 0) return [];
  const header = (i: number): number => table + i * SECTION_HEADER_BYTES;
  const names = size64(view, header(view.getUint16(62, true)) + 24);
  return Array.from({ length: nr }, (_, i) => {
    const at = header(i);
    return {
      name: stringAt(bytes, names + view.getUint32(at, true)),
      type: view.getUint32(at + 4, true),
      executable: (view.getBigUint64(at + 8, true) & SHF_EXECINSTR) !== 0n,
      address: size64(view, at + 16),
      offset: size64(view, at + 24),
      size: view.getUint32(at + 4, true) === SHT_NOBITS ? 0 : size64(view, at + 32),
      link: view.getUint32(at + 40, true),
    };
  });
}

function readFunctions(view: DataView, bytes: Uint8Array, table: Section, sections: readonly Section[]): FunctionSymbol[] {
  const strings = sections[table.link];
  if (strings === undefined) return [];
  const byAddress = new Map<number, FunctionSymbol>();
  for (let at = table.offset; at + SYMBOL_BYTES <= table.offset + table.size; at += SYMBOL_BYTES) {
    const info = view.getUint8(at + 4);
    const sectionIndex = view.getUint16(at + 6, true);
    const type = info & 15;
    const typed = type === STT_FUNC || type === STT_GNU_IFUNC;
    if (sectionIndex === SHN_UNDEF || sectionIndex >= SHN_LORESERVE || (!typed && type !== STT_NOTYPE) || sections[sectionIndex]?.executable !== true) continue;
    const name = stringAt(bytes, strings.offset + view.getUint32(at, true));
    // $x and $d only mark where code and data begin.
    if (name === "" || name.startsWith("$")) continue;
    const address = size64(view, at + 8);
    const size = size64(view, at + 16);
    const rank = (typed ? 4 : 0) + (size > 0 ? 2 : 0) + (info >> 4 === STB_LOCAL ? 0 : 1);
    const known = byAddress.get(address);
    if (known === undefined || rank > known.rank || (rank === known.rank && isPlainer(name, known.name))) byAddress.set(address, { name, address, size, rank });
  }
  return [...byAddress.values()].sort((a, b) => a.address - b.address);
}

/** Of aliases the one with fewer underscores in front is what people call it: memcpy, not __memcpy_generic; then by alphabet, to have one. */
function isPlainer(name: string, other: string): boolean {
  const lead = (text: string): number => /^_*/.exec(text)?.[0].length ?? 0;
  if (lead(name) !== lead(other)) return lead(name) < lead(other);
  return name < other;
}

function stringAt(bytes: Uint8Array, at: number): string {
  const end = bytes.indexOf(0, at);
  if (at >= bytes.length || end < 0) throw new RangeError(`no string at ${at}`);
  return new TextDecoder().decode(bytes.subarray(at, end));
}
