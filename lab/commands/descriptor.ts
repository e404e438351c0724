/** foliolab descriptor decode HEX, foliolab descriptor encode KIND FIELDS: one page-table entry, explained or made. */
import { ConfigError } from "../../emulator/arch/errors.js";
import { type Granule, granule, GRANULE_NAMES, type Level } from "../../emulator/arch/granule.js";
import { MAIR_LINUX } from "../../emulator/arch/sysreg.js";
import type { DescriptorContext } from "../../emulator/validate/descriptor-fields.js";
import { explainJson, explainText } from "../descriptor/explain.js";
import { encodeFields } from "../descriptor/parse-fields.js";

export interface DescriptorOptions {
  readonly pageSize?: string;
  readonly level?: string;
  readonly lpa2?: boolean;
  readonly mair?: string;
  readonly json?: boolean;
  readonly explain?: boolean;
}

const DECODE_OA_BITS = 48;
const WIDE_OA_BITS = 52;

function parseMair(text: string | undefined): bigint {
  if (text === undefined) return MAIR_LINUX;
  const digits = text.replace(/^0x/i, "");
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) throw new ConfigError(`--mair ${text}: not a 64-bit hexadecimal number`);
  return BigInt(`0x${digits}`);
}

function parseGranule(text: string): Granule {
  const name = GRANULE_NAMES.find((known) => known === text.toLowerCase());
  if (name === undefined) throw new ConfigError(`--page-size ${text}: must be one of ${GRANULE_NAMES.join(", ")}`);
  return granule(name);
}

function parseContext(options: DescriptorOptions, defaultLevel: Level): DescriptorContext {
  const geometry = parseGranule(options.pageSize ?? "4k");
  const level = options.level === undefined ? defaultLevel : Number(options.level);
  if (![0, 1, 2, 3].includes(level) || geometry.levels[level] === undefined) throw new ConfigError(`--level ${options.level}: the ${geometry.name} granule has levels ${geometry.startLevel} to 3`);
  return { granule: geometry, level: level as Level, lpa2: options.lpa2 ?? false, mair: parseMair(options.mair) };
}

/** Decode one descriptor in hexadecimal, with or without 0x. Returns the text to print. */
export function descriptorDecode(text: string, options: DescriptorOptions): string {
  const digits = text.replace(/^0x/i, "").replaceAll("_", "");
  if (!/^[0-9a-f]{1,16}$/i.test(digits)) throw new ConfigError(`${text}: not a 64-bit hexadecimal number`);
  const context = parseContext(options, 3);
  const explainOptions = { context, oaBits: context.lpa2 || context.granule.name === "64k" ? WIDE_OA_BITS : DECODE_OA_BITS };
  const value = BigInt(`0x${digits}`);
  return options.json === true ? explainJson(value, explainOptions) : explainText(value, explainOptions);
}

/** Encode one descriptor from words. Returns the text to print: the value, with --explain its explanation as well. */
export function descriptorEncode(words: readonly string[], options: DescriptorOptions): string {
  const upper = words[0] === "block" || words[0] === "table";
  const context = parseContext(options, upper ? 2 : 3);
  const value = `0x${encodeFields(words, context).toString(16).padStart(16, "0")}`;
  return options.explain === true || options.json === true ? descriptorDecode(value, { ...options, level: `${context.level}` }) : `${value}\n`;
}
