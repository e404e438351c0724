/** Sizes as people write them: 4096, 64k, 2m, 1g, with an optional "b" or "ib" behind. */
import { ConfigError } from "../emulator/arch/errors.js";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Bytes. Throws ConfigError naming `option` if `text` is not a size below 2^53. */
export function parseSize(option: string, text: string): number {
  const match = /^(\d+)([kmgt]?)(i?b)?$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? "").toLowerCase()];
  const value = match === null || unit === undefined ? NaN : Number(match[1]) * unit;
  if (!Number.isSafeInteger(value)) throw new ConfigError(`${option} ${text}: not a size (write 65536, 64k, 2m or 1g)`);
  return value;
}
