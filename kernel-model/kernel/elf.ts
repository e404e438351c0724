/**
 * ELF headers of AArch64 programs: reading them from an untrusted file, and refusing what cannot be a program.
 *
 * Linux: fs/binfmt_elf.c load_elf_phdrs(), arch/arm64/include/asm/elf.h elf_check_arch(); include/uapi/linux/elf.h.
 */
import { alignUp, hex } from "../../emulator/arch/addr.js";
import { EINVAL, ELIBBAD, ENOEXEC } from "../errno.js";
import { CStruct } from "./c-struct.js";

export const ELF_HEADER_BYTES = 64;
export const PROGRAM_HEADER_BYTES = 56;
/** Headers beyond this size are refused, as Linux does (64 KiB or one page of them). */
const MAX_HEADERS_BYTES = 65536;

export const ET_EXEC = 2;
export const ET_DYN = 3;
const EM_386 = 3;
const EM_ARM = 40;
const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const EM_RISCV = 243;
const MACHINES: ReadonlyMap<number, string> = new Map([
  [EM_386, "32-bit x86"],
  [EM_ARM, "32-bit Arm"],
  [EM_X86_64, "x86-64"],
  [EM_RISCV, "RISC-V"],
]);

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_PHDR = 6;
export const PT_GNU_STACK = 0x6474e551;
export const PT_GNU_PROPERTY = 0x6474e553;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** Why a program cannot be executed: `reason` for a person, `errno` (positive) for the guest. */
export interface ExecError {
  /** Path of the file at fault, as the guest names it. */
  readonly path: string;
  readonly reason: string;
  readonly errno: number;
  /** The old program is gone already: the process dies of SIGSEGV instead of seeing the error. */
  readonly fatal: boolean;
}

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

export interface ElfHeaders {
  readonly type: typeof ET_EXEC | typeof ET_DYN;
  readonly entry: number;
  /** Offset of the program headers in the file. */
  readonly phoff: number;
  readonly phnum: number;
  readonly programHeaders: readonly ProgramHeader[];
}

/** Reads `length` bytes of the file at `offset`; fewer at its end, or -errno. */
export type ReadAt = (offset: number, length: number) => Uint8Array | number;

const bad = (reason: string, errno = ENOEXEC): { readonly reason: string; readonly errno: number } => ({ reason, errno });

/**
 * The headers of an AArch64 ELF program or interpreter, or why it is none. `taskSize`: end of user addresses; `fileSize` bytes.
 * Differs: segments that lie outside the file, outside the address space or over each other are refused here; Linux starts such a
 * program, which then dies of SIGBUS or SIGSEGV or maps one segment over the other.
 */
export function readElfHeaders(read: ReadAt, fileSize: number, taskSize: number): ElfHeaders | { readonly reason: string; readonly errno: number } {
  const head = read(0, ELF_HEADER_BYTES);
  if (typeof head === "number") return bad("cannot be read", -head);
  if (head.length === 0) return bad("is empty");
  if (head.length < 4 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46) return bad("is not an ELF file");
  if (head.length < ELF_HEADER_BYTES) {
    if (head.length > 18 && head[4] === 1) return bad(`is a 32-bit ELF file, not AArch64`);
    return bad("is truncated: the ELF header is incomplete");
  }
  const header = new CStruct(head);
  const machine = head[5] === 2 ? head[18]! * 256 + head[19]! : header.u16(18);
  const name = MACHINES.get(machine) ?? `machine ${machine}`;
  if (head[4] !== 2) return bad(`is a 32-bit ELF file for ${name}, not AArch64`);
  if (head[5] !== 1) return bad("is a big-endian ELF file; only little-endian AArch64 runs");
  if (machine !== EM_AARCH64) return bad(`is an ELF file for ${name}, not AArch64`);
  const type = header.u16(16);
  if (type !== ET_EXEC && type !== ET_DYN) {
    const kind = type === 1 ? "an object file" : type === 4 ? "a core dump" : `of ELF type ${type}`;
    return bad(`is ${kind}, not a program`);
  }
  const phoff = header.size(32);
  const phnum = header.u16(56);
  if (header.u16(54) !== PROGRAM_HEADER_BYTES) return bad(`has program headers of ${header.u16(54)} bytes instead of ${PROGRAM_HEADER_BYTES}`);
  if (phnum === 0) return bad("has no program headers");
  if (phnum * PROGRAM_HEADER_BYTES > MAX_HEADERS_BYTES) return bad(`has ${phnum} program headers, too many`);
  const table = phoff + phnum * PROGRAM_HEADER_BYTES > fileSize ? -1 : read(phoff, phnum * PROGRAM_HEADER_BYTES);
  if (typeof table === "number" || table.length < phnum * PROGRAM_HEADER_BYTES) {
    return bad("is truncated: the program headers lie beyond the end of the file");
  }
  const programHeaders = Array.from({ length: phnum }, (_, i) => {
    const ph = new CStruct(table.subarray(i * PROGRAM_HEADER_BYTES, (i + 1) * PROGRAM_HEADER_BYTES));
    return { type: ph.u32(0), flags: ph.u32(4), offset: ph.size(8), vaddr: ph.size(16), filesz: ph.size(32), memsz: ph.size(40), align: ph.size(48) };
  });
  return checkSegments(programHeaders, fileSize, taskSize) ?? { type, entry: header.size(24), phoff, phnum, programHeaders };
}

function checkSegments(headers: readonly ProgramHeader[], fileSize: number, taskSize: number): { readonly reason: string; readonly errno: number } | undefined {
  const loads = headers.filter(({ type }) => type === PT_LOAD);
  if (loads.length === 0) return bad("has no segment to load", EINVAL);
  for (const { offset, vaddr, filesz, memsz } of loads) {
    const where = `segment at ${hex(vaddr)}`;
    if (filesz > memsz) return bad(`is malformed: ${where} has more bytes in the file than in memory`, EINVAL);
    if (memsz > taskSize || vaddr > taskSize - memsz) return bad(`is malformed: ${where} of ${memsz} bytes does not fit into the address space`, EINVAL);
    if (filesz > 0 && offset + filesz > fileSize) return bad(`is truncated: ${where} ends beyond the end of the file`);
  }
  const sorted = loads.filter(({ memsz }) => memsz > 0).sort((a, b) => a.vaddr - b.vaddr);
  for (let i = 1; i < sorted.length; i++) {
    const below = sorted[i - 1]!;
    const above = sorted[i]!;
    if (below.vaddr + below.memsz > above.vaddr) return bad(`is malformed: segments at ${hex(below.vaddr)} and ${hex(above.vaddr)} overlap`, EINVAL);
  }
  return undefined;
}

/** The path in PT_INTERP, undefined if there is none, or why it is malformed. */
export function readInterpreter(headers: ElfHeaders, read: ReadAt): string | undefined | { readonly reason: string; readonly errno: number } {
  const interp = headers.programHeaders.find(({ type }) => type === PT_INTERP);
  if (interp === undefined) return undefined;
  if (interp.filesz > 4096 || interp.filesz < 2) return bad("is malformed: the interpreter's path has an impossible length");
  const bytes = read(interp.offset, interp.filesz);
  if (typeof bytes === "number" || bytes.length < interp.filesz) return bad("is truncated: the interpreter's path lies beyond the end of the file");
  if (bytes[bytes.length - 1] !== 0) return bad("is malformed: the interpreter's path does not end with a zero");
  return String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
}

/** As readElfHeaders() for an interpreter, whose errors the guest sees as ELIBBAD. */
export function interpreterError(error: { readonly reason: string; readonly errno: number }): { readonly reason: string; readonly errno: number } {
  return { reason: error.reason, errno: error.errno === ENOEXEC ? ELIBBAD : error.errno };
}

/** Distance from the first byte to the end of all loaded segments, from the page of the first. Linux: total_mapping_size(). */
export function totalMappingSize(headers: readonly ProgramHeader[], pageSize: number): number {
  let low = Infinity;
  let high = 0;
  for (const { type, vaddr, memsz } of headers) {
    if (type !== PT_LOAD) continue;
    low = Math.min(low, vaddr - (vaddr % pageSize));
    high = Math.max(high, vaddr + memsz);
  }
  return high === 0 ? 0 : high - low;
}

/** Largest power-of-two alignment that a segment asks for, at least a page. Linux: maximum_alignment(). */
export function maximumAlignment(headers: readonly ProgramHeader[], pageSize: number): number {
  let largest = 0;
  for (const { type, align } of headers) {
    if (type !== PT_LOAD || align <= 0 || !Number.isInteger(Math.log2(align))) continue;
    largest = Math.max(largest, align);
  }
  return alignUp(largest, pageSize);
}
