/**
 * The words of `foliolab descriptor encode`: a kind, then fields by Arm's or Linux's name, with symbolic values.
 *
 * A word without a value sets a one-bit field. Linux's words are those of pgtable-prot.h without PTE_ and in lower case.
 */
import { ConfigError } from "../../emulator/arch/errors.js";
import { type DescriptorContext, type DescriptorKind, encodeDescriptor } from "../../emulator/validate/descriptor-fields.js";
import { attributeIndex, MEMORY_TYPE_NAMES } from "../../emulator/validate/memory-attributes.js";
import { pteSwpMkexclusive, swpEntryToPte } from "../../kernel-model/arch/arm64/pte.js";
import { PAGE_NONE, PTE_SWP_UFFD_WP } from "../../kernel-model/arch/arm64/pgtable-prot.js";

export const ENCODE_KINDS = ["page", "block", "table", "swap", "prot-none"] as const;
export type EncodeKind = (typeof ENCODE_KINDS)[number];

const SYMBOLS: Readonly<Record<string, Readonly<Record<string, bigint>>>> = {
  ap: { "rw-el1": 0n, "rw-el0": 1n, "ro-el1": 2n, "ro-el0": 3n },
  sh: { non: 0n, outer: 2n, inner: 3n },
  aptable: { none: 0n, "no-el0": 1n, "no-write": 2n, both: 3n },
};

/** Linux's words for bits of a leaf: key and value to OR in. */
const LINUX_WORDS: Readonly<Record<string, readonly [key: string, bits: bigint]>> = {
  user: ["ap", 1n],
  rdonly: ["ap", 2n],
  shared: ["sh", 3n],
  young: ["af", 1n],
  write: ["dbm", 1n],
  dirty: ["sw", 1n],
  special: ["sw", 2n],
  devmap: ["sw", 4n],
  "uffd-wp": ["sw", 8n],
};

function parseValue(word: string, text: string): bigint {
  if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(text)) throw new ConfigError(`${word}: "${text}" is not a number`);
  return BigInt(text);
}

/** Value of `key=text`: a name that the field has, or a number. */
function fieldValue(word: string, key: string, text: string, context: DescriptorContext): bigint {
  const symbols = SYMBOLS[key];
  const symbol = symbols !== undefined && Object.hasOwn(symbols, text) ? symbols[text] : undefined;
  if (symbol !== undefined) return symbol;
  if (key === "attr" && MEMORY_TYPE_NAMES.includes(text.toLowerCase())) {
    const index = attributeIndex(context.mair, text);
    if (index === undefined) throw new ConfigError(`${word}: MAIR 0x${context.mair.toString(16)} has no attribute for ${text}`);
    return BigInt(index);
  }
  if (!/^[0-9]/.test(text) && (symbols !== undefined || key === "attr")) throw new ConfigError(`${word}: must be a number or one of ${(key === "attr" ? MEMORY_TYPE_NAMES : Object.keys(symbols!)).join(", ")}`);
  return parseValue(word, text);
}

/** The value that these words describe. Throws ConfigError naming the word that is wrong. */
export function encodeFields(words: readonly string[], context: DescriptorContext): bigint {
  const [kindWord, ...rest] = words;
  const kind = ENCODE_KINDS.find((name) => name === kindWord);
  if (kind === undefined) throw new ConfigError(`descriptor encode: the first word must be one of ${ENCODE_KINDS.join(", ")}`);
  return kind === "swap" ? encodeSwap(rest) : encodeHardware(kind, rest, context);
}

function encodeSwap(words: readonly string[]): bigint {
  let type = 0n;
  let offset = 0n;
  let flags = 0n;
  for (const word of words) {
    const [key, text] = word.split("=", 2) as [string, string | undefined];
    if (key === "type" && text !== undefined) type = parseValue(word, text);
    else if (key === "offset" && text !== undefined) offset = parseValue(word, text);
    else if (word === "exclusive") flags |= pteSwpMkexclusive(0n);
    else if (word === "uffd-wp") flags |= PTE_SWP_UFFD_WP;
    else throw new ConfigError(`${word}: a swap entry has type=N, offset=N, exclusive and uffd-wp`);
  }
  if (type >= 32n) throw new ConfigError(`type=${type}: swap types are 0 to 31`);
  if (offset >= 1n << 50n || offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new ConfigError(`offset=${offset}: swap offsets have 50 bits`);
  return swpEntryToPte(Number(type), Number(offset)) | flags;
}

function encodeHardware(kind: Exclude<EncodeKind, "swap">, words: readonly string[], context: DescriptorContext): bigint {
  const values: Record<string, bigint> = {};
  let address = 0;
  for (const word of words) {
    const [key, text] = word.split("=", 2) as [string, string | undefined];
    if (key === "pa" && text !== undefined) {
      const value = parseValue(word, text);
      if (value >= 1n << 52n) throw new ConfigError(`${word}: physical addresses have at most 52 bits`);
      address = Number(value);
      continue;
    }
    const linux = kind === "table" || !Object.hasOwn(LINUX_WORDS, key) ? undefined : LINUX_WORDS[key];
    if (linux !== undefined) {
      if (text !== undefined) throw new ConfigError(`${word}: ${key} takes no value`);
      values[linux[0]] = (values[linux[0]] ?? 0n) | linux[1];
    } else {
      values[key] = text === undefined ? 1n : fieldValue(word, key, text, context);
    }
  }
  const hardware: DescriptorKind = kind === "prot-none" ? "page" : kind;
  try {
    const value = encodeDescriptor({ kind: hardware, address, values }, context);
    // PROT_NONE: what else the words say, over PAGE_NONE.
    return kind === "prot-none" ? (value & ~1n) | PAGE_NONE : value;
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError(`descriptor encode: ${error.message}`);
    throw error;
  }
}
