/**
 * foliolab validate: one page-table dump against the rules, and against the hardware oracle if asked.
 *
 * Exit status 0: no rule is broken (there may be warnings), 1: some rule is, 2: the dump cannot be read.
 */
import { writeFileSync } from "node:fs";
import { ConfigError } from "../../emulator/arch/errors.js";
import { type ImageOptions, loadDump } from "../validate/load-dump.js";
import { validateJson, validateText } from "../validate/report.js";
import { validateDump } from "../validate/validate-dump.js";

export interface ValidateCommandOptions extends ImageOptions {
  readonly oracle?: boolean;
  readonly limit?: string;
  readonly json?: string;
  readonly quiet?: boolean;
}

const DEFAULT_KEEP = 20;

/** Validate `path`; `print` takes the report. Returns the exit status. */
export function validateCommand(path: string, options: ValidateCommandOptions, print: (text: string) => void = (text) => void process.stdout.write(text)): number {
  const keep = options.limit === undefined ? DEFAULT_KEEP : Number(options.limit);
  if (!Number.isSafeInteger(keep) || keep < 1) throw new ConfigError(`--limit ${options.limit}: not a positive whole number`);
  const dump = loadDump(path, options);
  try {
    const result = validateDump(dump, { oracle: options.oracle ?? false, keep });
    if (options.json === "-") print(validateJson(path, result));
    else if (options.json !== undefined) writeFileSync(options.json, validateJson(path, result));
    if (options.quiet !== true && options.json !== "-") print(validateText(path, result));
    return result.errors > 0 ? 1 : 0;
  } finally {
    dump.close();
  }
}
