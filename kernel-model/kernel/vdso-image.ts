/**
 * The vDSO as a file: an AArch64 shared object made here, with the functions and symbol version that C libraries look for.
 *
 * Linux: arch/arm64/kernel/vdso/vdso.lds.S, gettimeofday.S, sigreturn.S, lib/vdso/gettimeofday.c. Each function looks at the clock mode
 * in the data page and, as Linux's does when no counter can be read from EL0 (VDSO_CLOCKMODE_NONE), makes the system call.
 * Differs: __kernel_getrandom does not exist.
 */
import { CStruct } from "./c-struct.js";

const SONAME = "linux-vdso.so.1";
const VERSION = "LINUX_2.6.39";
/** clock_mode in struct vdso_data, the first field behind the sequence count. */
const VDSO_CLOCK_MODE = 4;
/** Pages of [vvar] in front of the image: data, and time namespace data. */
export const VVAR_NR_PAGES = 2;
/** Where the headers of sections begin: behind all that is needed at run time. The image takes two 4K pages, as Debian's 6.12 does. */
const SECTION_HEADERS = 0x1200;

const NR_RT_SIGRETURN = 139;
const NR_CLOCK_GETTIME = 113;
const NR_CLOCK_GETRES = 114;
const NR_GETTIMEOFDAY = 169;

const NOP = 0xd503201f;
const RET = 0xd65f03c0;
const SVC = 0xd4000001;
/** MOVZ X8, #nr. */
const setX8 = (nr: number): number => (0xd2800008 | (nr << 5)) >>> 0;
/** ADR X9, . + offset. */
const adrX9 = (offset: number): number => (0x10000009 | ((offset & 3) << 29) | (((offset >> 2) & 0x7ffff) << 5)) >>> 0;
/** LDR W9, [X9, #VDSO_CLOCK_MODE]. */
const LDR_W9_MODE = (0xb9400129 | ((VDSO_CLOCK_MODE / 4) << 10)) >>> 0;

export interface VdsoFile {
  readonly bytes: Uint8Array;
  /** Offset of __kernel_rt_sigreturn: where signal handlers return to. */
  readonly sigreturnOffset: number;
}

/** The hash of SysV symbol tables and version definitions. */
export function elfHash(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) {
    hash = ((hash << 4) + name.charCodeAt(i)) >>> 0;
    const high = hash & 0xf0000000;
    hash = (hash ^ (high >>> 24)) & ~high;
  }
  return hash >>> 0;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

class StringTable {
  readonly text: number[] = [0];

  /** Offset of `name`, entered at the end. */
  add(name: string): number {
    const at = this.text.length;
    for (let i = 0; i < name.length; i++) this.text.push(name.charCodeAt(i));
    this.text.push(0);
    return at;
  }
}

const SHT_PROGBITS = 1;
const SHT_STRTAB = 3;
const SHT_HASH = 5;
const SHT_DYNAMIC = 6;
const SHT_NOTE = 7;
const SHT_DYNSYM = 11;
const SHT_GNU_VERDEF = 0x6ffffffd;
const SHT_GNU_VERSYM = 0x6fffffff;
const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;
const GLOBAL_FUNC = 0x12;
const TEXT_SECTION = 7;

/** Build the image for pages of `pageSize` bytes: the distance to [vvar] depends on it. */
export function buildVdsoImage(pageSize: number): VdsoFile {
  const functions = [
    { name: "__kernel_rt_sigreturn", code: () => [setX8(NR_RT_SIGRETURN), SVC] },
    { name: "__kernel_gettimeofday", code: (at: number) => call(at, NR_GETTIMEOFDAY) },
    { name: "__kernel_clock_gettime", code: (at: number) => call(at, NR_CLOCK_GETTIME) },
    { name: "__kernel_clock_getres", code: (at: number) => call(at, NR_CLOCK_GETRES) },
  ];
  const call = (at: number, nr: number): number[] => [adrX9(-VVAR_NR_PAGES * pageSize - at), LDR_W9_MODE, setX8(nr), SVC, RET];

  const image = new CStruct(2 * 4096);
  const strings = new StringTable();
  const soname = strings.add(SONAME);
  const version = strings.add(VERSION);
  const names = functions.map(({ name }) => strings.add(name));

  let at = 64 + 3 * 56;
  const place = (bytes: number, align: number): number => {
    const start = Math.ceil(at / align) * align;
    at = start + bytes;
    return start;
  };
  const nrSymbols = functions.length + 1;
  const hash = place((2 + 1 + nrSymbols) * 4, 8);
  const dynsym = place(nrSymbols * 24, 8);
  const dynstr = place(strings.text.length, 1);
  const versym = place(nrSymbols * 2, 2);
  const verdef = place(2 * (20 + 8), 8);
  const note = place(12 + 8 + 4, 4);
  // Unwinders look one byte before a return address, so the trampoline needs an instruction in front of it.
  const text = place(4, 16);
  image.setU32(text, NOP);
  const starts = functions.map(({ code }) => {
    const start = at;
    code(start).forEach((word, i) => image.setU32(start + i * 4, word));
    at = start + code(start).length * 4;
    return start;
  });
  const textEnd = at;
  const dynamic = place(11 * 16, 8);

  // One bucket: the chain visits every symbol.
  image.setU32(hash, 1).setU32(hash + 4, nrSymbols).setU32(hash + 8, 1);
  for (let i = 1; i < nrSymbols; i++) image.setU32(hash + 12 + i * 4, i + 1 < nrSymbols ? i + 1 : 0);
  functions.forEach(({ code }, i) => {
    const symbol = dynsym + (i + 1) * 24;
    image.setU32(symbol, names[i]!).setU8(symbol + 4, GLOBAL_FUNC).setU16(symbol + 6, TEXT_SECTION);
    image.setU64(symbol + 8, starts[i]!).setU64(symbol + 16, code(starts[i]!).length * 4);
    image.setU16(versym + (i + 1) * 2, 2);
  });
  image.bytes.set(strings.text, dynstr);
  const definition = (offset: number, flags: number, index: number, name: string, nameAt: number, next: number): void => {
    image.setU16(offset, 1).setU16(offset + 2, flags).setU16(offset + 4, index).setU16(offset + 6, 1);
    image.setU32(offset + 8, elfHash(name)).setU32(offset + 12, 20).setU32(offset + 16, next);
    image.setU32(offset + 20, nameAt);
  };
  definition(verdef, 1, 1, SONAME, soname, 28);
  definition(verdef + 28, 0, 2, VERSION, version, 0);
  // NT_VERSION "Linux": 6.12.
  image.setU32(note, 6).setU32(note + 4, 4).setU32(note + 8, 0).setString(note + 12, "Linux").setU32(note + 20, 0x060c00);
  const entries: readonly (readonly [number, number])[] = [
    [14, soname],
    [4, hash],
    [5, dynstr],
    [6, dynsym],
    [10, strings.text.length],
    [11, 24],
    [0x6ffffffc, verdef],
    [0x6ffffffd, 2],
    [0x6ffffff0, versym],
    [16, 0],
    [0, 0],
  ];
  entries.forEach(([tag, value], i) => image.setU64(dynamic + i * 16, tag).setU64(dynamic + i * 16 + 8, value));

  const sections: readonly Section[] = [
    { name: ".hash", type: SHT_HASH, flags: SHF_ALLOC, offset: hash, size: (3 + nrSymbols) * 4, link: 2, info: 0, align: 8, entrySize: 4 },
    { name: ".dynsym", type: SHT_DYNSYM, flags: SHF_ALLOC, offset: dynsym, size: nrSymbols * 24, link: 3, info: 1, align: 8, entrySize: 24 },
    { name: ".dynstr", type: SHT_STRTAB, flags: SHF_ALLOC, offset: dynstr, size: strings.text.length, link: 0, info: 0, align: 1, entrySize: 0 },
    { name: ".gnu.version", type: SHT_GNU_VERSYM, flags: SHF_ALLOC, offset: versym, size: nrSymbols * 2, link: 2, info: 0, align: 2, entrySize: 2 },
    { name: ".gnu.version_d", type: SHT_GNU_VERDEF, flags: SHF_ALLOC, offset: verdef, size: 56, link: 3, info: 2, align: 8, entrySize: 0 },
    { name: ".note", type: SHT_NOTE, flags: SHF_ALLOC, offset: note, size: 24, link: 0, info: 0, align: 4, entrySize: 0 },
    { name: ".text", type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR, offset: text, size: textEnd - text, link: 0, info: 0, align: 16, entrySize: 0 },
    { name: ".dynamic", type: SHT_DYNAMIC, flags: SHF_ALLOC, offset: dynamic, size: entries.length * 16, link: 3, info: 0, align: 8, entrySize: 16 },
  ];
  const end = writeSectionHeaders(image, sections);
  writeHeaders(image, { end: at, fileEnd: end, dynamic, dynamicSize: entries.length * 16, note, sections: sections.length + 2 });
  return { bytes: image.bytes, sigreturnOffset: starts[0]! };
}

/** Section headers at SECTION_HEADERS, their names behind them. Returns the end. */
function writeSectionHeaders(image: CStruct, sections: readonly Section[]): number {
  const names = new StringTable();
  const all = [...sections.map((section) => ({ ...section, nameAt: names.add(section.name) }))];
  const own = names.add(".shstrtab");
  const namesAt = SECTION_HEADERS + (sections.length + 2) * 64;
  const write = (index: number, section: Omit<Section, "name">, nameAt: number): void => {
    const header = SECTION_HEADERS + index * 64;
    image.setU32(header, nameAt).setU32(header + 4, section.type).setU64(header + 8, section.flags);
    image.setU64(header + 16, (section.flags & SHF_ALLOC) !== 0 ? section.offset : 0).setU64(header + 24, section.offset).setU64(header + 32, section.size);
    image.setU32(header + 40, section.link).setU32(header + 44, section.info).setU64(header + 48, section.align).setU64(header + 56, section.entrySize);
  };
  all.forEach((section, i) => {
    write(i + 1, section, section.nameAt);
  });
  write(sections.length + 1, { type: SHT_STRTAB, flags: 0, offset: namesAt, size: names.text.length, link: 0, info: 0, align: 1, entrySize: 0 }, own);
  image.bytes.set(names.text, namesAt);
  return namesAt + names.text.length;
}

function writeHeaders(image: CStruct, facts: { end: number; fileEnd: number; dynamic: number; dynamicSize: number; note: number; sections: number }): void {
  image.setString(0, "\x7fELF").setU8(4, 2).setU8(5, 1).setU8(6, 1);
  image.setU16(16, 3).setU16(18, 183).setU32(20, 1);
  image.setU64(32, 64).setU64(40, SECTION_HEADERS);
  image.setU16(52, 64).setU16(54, 56).setU16(56, 3).setU16(58, 64).setU16(60, facts.sections).setU16(62, facts.sections - 1);
  const segment = (index: number, type: number, flags: number, offset: number, size: number, align: number): void => {
    const header = 64 + index * 56;
    image.setU32(header, type).setU32(header + 4, flags);
    image.setU64(header + 8, offset).setU64(header + 16, offset).setU64(header + 24, offset);
    image.setU64(header + 32, size).setU64(header + 40, size).setU64(header + 48, align);
  };
  segment(0, 1, 5, 0, facts.end, 16);
  segment(1, 2, 4, facts.dynamic, facts.dynamicSize, 8);
  segment(2, 4, 4, facts.note, 24, 4);
}
