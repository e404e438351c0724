/**
 * Small AArch64 ELF programs made in memory, sound or broken, and the few instructions that they need.
 */

export const ET_EXEC = 2;
export const ET_DYN = 3;
export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_GNU_STACK = 0x6474e551;
/* Segment permissions. */
export const X = 1;
export const W = 2;
export const R = 4;

export interface Segment {
  readonly type?: number;
  readonly vaddr: number;
  readonly bytes: Uint8Array;
  readonly flags: number;
  /** Bytes in memory; default: those of the file. */
  readonly memsz?: number;
  readonly align?: number;
}

export interface ElfSpec {
  readonly type?: number;
  readonly machine?: number;
  readonly entry: number;
  readonly segments: readonly Segment[];
  /** Changes to program header `index` after it was made. */
  readonly patch?: (view: DataView, headerAt: (index: number) => number) => void;
}

const HEADER_BYTES = 64;
const PHDR_BYTES = 56;

/** An ELF file whose segments lie at file offsets congruent to their addresses modulo 64 KiB. The first one begins with the headers. */
export function buildElf({ type = ET_EXEC, machine = 183, entry, segments, patch }: ElfSpec): Uint8Array {
  const headers = HEADER_BYTES + segments.length * PHDR_BYTES;
  let end = headers;
  const offsets = segments.map(({ vaddr, bytes, type: kind = PT_LOAD }) => {
    let at = end;
    if (kind === PT_LOAD) while (at % 65536 !== vaddr % 65536) at++;
    end = at + bytes.length;
    return at;
  });
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(entry), true);
  view.setBigUint64(32, BigInt(HEADER_BYTES), true);
  view.setUint16(52, HEADER_BYTES, true);
  view.setUint16(54, PHDR_BYTES, true);
  view.setUint16(56, segments.length, true);
  const headerAt = (index: number): number => HEADER_BYTES + index * PHDR_BYTES;
  segments.forEach((segment, i) => {
    const at = headerAt(i);
    view.setUint32(at, segment.type ?? PT_LOAD, true);
    view.setUint32(at + 4, segment.flags, true);
    const words = [offsets[i]!, segment.vaddr, segment.vaddr, segment.bytes.length, segment.memsz ?? segment.bytes.length, segment.align ?? 65536];
    words.forEach((word, n) => view.setBigUint64(at + 8 + n * 8, BigInt(word), true));
    file.set(segment.bytes, offsets[i]);
  });
  patch?.(view, headerAt);
  return file;
}

/** Instruction words as bytes. */
export function code(...words: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(words).buffer);
}

/** MOVZ Xd, #value, LSL #shift. */
export const movz = (register: number, value: number, shift = 0): number => (0xd2800000 | ((shift / 16) << 21) | (value << 5) | register) >>> 0;
/** MOVK Xd, #value, LSL #shift. */
export const movk = (register: number, value: number, shift: number): number => (0xf2800000 | ((shift / 16) << 21) | (value << 5) | register) >>> 0;
export const SVC = 0xd4000001;
/** LDR Xt, [Xn, #offset]. */
export const ldr = (to: number, base: number, offset = 0): number => (0xf9400000 | ((offset / 8) << 10) | (base << 5) | to) >>> 0;
/** STR Xt, [Xn, #offset]. */
export const str = (from: number, base: number, offset = 0): number => (0xf9000000 | ((offset / 8) << 10) | (base << 5) | from) >>> 0;
/** B . + bytes. */
export const branch = (bytes: number): number => (0x14000000 | ((bytes >> 2) & 0x3ffffff)) >>> 0;
/** MOV Xd, SP. */
export const movFromSp = (register: number): number => (0x910003e0 | register) >>> 0;

/** exit(status). */
export const exitCode = (status: number): readonly number[] => [movz(0, status), movz(8, 93), SVC];

/** A program of one segment at 0x400000 that executes these words. */
export function programOf(...words: readonly number[]): Uint8Array {
  const at = 0x400000 + 0x1000;
  return buildElf({ entry: at, segments: [{ vaddr: at, bytes: code(...words), flags: R | X }] });
}
