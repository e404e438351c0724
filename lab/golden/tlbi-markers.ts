/**
 * The marker instructions of golden/tlbi/tlbi.c: hints that do nothing, rewritten into breakpoints that the machine hears of.
 *
 * Arm: HINT and BRK encodings, DDI 0487 C6.2.
 */
import { ConfigError } from "../../emulator/arch/errors.js";
import { PF_X, PT_LOAD, readElfHeaders } from "../../kernel-model/kernel/elf.js";

const HINT = 0xd503201f;
const BRK = 0xd4200000;
/** hint #0x60 and hint #0x61 at EL0: not allocated, so NOPs; the plugin of the recordings looked for them. */
export const MARKER_BEGIN = 0x60;
export const MARKER_END = 0x61;

const instruction = (base: number, immediate: number): number => base + immediate * 32;

/** A copy of a static ELF program in which every marker is a BRK with the hint's immediate. Throws ConfigError if it has no markers. */
export function withMarkersAsBreakpoints(program: Uint8Array, name: string): Uint8Array {
  const copy = Uint8Array.from(program);
  const headers = readElfHeaders((offset, length) => copy.subarray(offset, offset + length), copy.length, 2 ** 48);
  if ("reason" in headers) throw new ConfigError(`golden: ${name} ${headers.reason}`);
  const words = new DataView(copy.buffer, copy.byteOffset);
  let found = 0;
  for (const { type, flags, offset, filesz } of headers.programHeaders) {
    if (type !== PT_LOAD || (flags & PF_X) === 0) continue;
    for (let at = offset; at + 4 <= offset + filesz; at += 4) {
      for (const marker of [MARKER_BEGIN, MARKER_END]) {
        if (words.getUint32(at, true) !== instruction(HINT, marker)) continue;
        words.setUint32(at, instruction(BRK, marker), true);
        found++;
      }
    }
  }
  if (found === 0) throw new ConfigError(`golden: ${name} has no marker instructions (hint #0x60, hint #0x61)`);
  return copy;
}
