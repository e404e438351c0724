/**
 * A page table of the model with everything that Linux puts into one: contiguous blocks, single pages, a level-2 block, PROT_NONE, the
 * zero page, read-only pages after fork, a hand-made swap entry. Tests print it, damage the text and validate it.
 */
import type { Va } from "../../emulator/arch/addr.js";
import type { GranuleName } from "../../emulator/arch/granule.js";
import { parseTextDump } from "../../emulator/validate/dump-format.js";
import { doMprotect } from "../../kernel-model/mm/mprotect.js";
import { formatRawDumpOfMm } from "../../lab/validate/mm-dump.js";
import { type ValidateResult, validateDump } from "../../lab/validate/validate-dump.js";
import { MmHarness } from "./mm-harness.js";

/** First address of each part. */
export const PART = { blocks: 0x5000000000, small: 0x5100000000, huge: 0x5200000000, none: 0x5300000000, zero: 0x5400000000, shared: 0x5500000000 } as const;

/** The text of a clean dump; `parent`: of an address space that has forked, else of one that has not. */
export function modelDump(name: GranuleName = "4k", parent = false): string {
  const h = new MmHarness({ granule: name, vaBits: name === "16k" ? 47 : 48, memoryMib: { "4k": 64, "16k": 256, "64k": 2048 }[name] });
  const { granule, thp } = h.sys;
  const blockOrder = Math.log2(granule.contPtes);
  const enable = (order: number, mode: "always" | "never"): void => {
    for (const known of thp.anonOrders) thp.setSizeEnabled(known, known === order ? mode : "never");
  };
  const mm = h.newMm();
  enable(blockOrder, "always");
  h.anon(mm, PART.blocks, 2 * granule.contPteSize);
  h.touchAll(mm, PART.blocks, PART.blocks + 2 * granule.contPteSize, "write");
  h.anon(mm, PART.shared, granule.contPteSize);
  h.touchAll(mm, PART.shared, PART.shared + granule.contPteSize, "write");
  enable(blockOrder, "never");
  h.anon(mm, PART.small, 8 * granule.pageSize);
  h.touchAll(mm, PART.small, PART.small + 8 * granule.pageSize, "write");
  h.anon(mm, PART.none, 4 * granule.pageSize);
  h.touchAll(mm, PART.none, PART.none + 4 * granule.pageSize, "write");
  const failed = doMprotect(mm, PART.none as Va, 4 * granule.pageSize, 0);
  if (failed !== 0) throw new Error(`mprotect: ${failed}`);
  h.anon(mm, PART.zero, 4 * granule.pageSize);
  h.touchAll(mm, PART.zero, PART.zero + 4 * granule.pageSize, "read");
  if (name !== "64k") {
    enable(granule.pmdOrder, "always");
    h.anon(mm, PART.huge, granule.pmdSize);
    h.touch(mm, PART.huge, "write");
  }
  if (parent) h.fork(mm);
  return formatRawDumpOfMm(mm);
}

/** Validate the text of a dump, without the oracle. */
export function validateDumpText(text: string): ValidateResult {
  const dump = parseTextDump(text, "dump");
  return validateDump(dump, { oracle: false, keep: 50 });
}

/** Change the descriptor of `level` at `va` in the text. */
export function editDescriptor(text: string, level: number, va: number, change: (value: bigint) => bigint): string {
  let found = false;
  const lines = text.split("\n").map((line) => {
    const words = line.split(" ");
    if (words[0] !== `${level}` || Number(words[2]) !== va) return line;
    found = true;
    return [words[0], words[1], words[2], `0x${change(BigInt(words[3]!)).toString(16).padStart(16, "0")}`].join(" ");
  });
  if (!found) throw new Error(`no descriptor of level ${level} at 0x${va.toString(16)}`);
  return lines.join("\n");
}

/** The descriptor of `level` at `va`. */
export function descriptorAt(text: string, level: number, va: number): bigint {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${level} `) && Number(candidate.split(" ")[2]) === va);
  if (line === undefined) throw new Error(`no descriptor of level ${level} at 0x${va.toString(16)}`);
  return BigInt(line.split(" ")[3]!);
}
