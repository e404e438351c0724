/**
 * The command line as one file of JavaScript, and beside it what V8 made of that file when it was built (scripts/build-cli.mjs): code that no run has to
 * parse again. What V8 refuses, because it is another version or runs under other flags, is compiled as usual.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { prepareV8 } from "./host-v8.js";

/** Of the file with V8's code, behind the name of the bundle. */
export const CODE_SUFFIX = ".code";

/** Arguments of the function that the bundle is: those of a CommonJS module, and the bundle's URL. */
type BundleFunction = (exports: object, require: NodeJS.Require, module: { exports: object }, url: string) => void;

export interface Bundle<Exports> {
  readonly exports: Exports;
  /** V8 took the code from the file. */
  readonly fromCode: boolean;
  /** All that V8 has compiled of the bundle by now, for the file. */
  code(): Buffer;
}

function readIfPresent(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Runs the bundle, an absolute path: one expression of ASCII, a function. Its `require` looks for packages from where it lies. */
export function loadBundle<Exports extends object>(file: string): Bundle<Exports> {
  // V8 takes no code that was made under other flags, so they are set before, here and when it is made.
  prepareV8();
  const cachedData = readIfPresent(`${file}${CODE_SUFFIX}`);
  const script = new Script(readFileSync(file, "latin1"), { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
  const module = { exports: {} };
  (script.runInThisContext() as BundleFunction)(module.exports, createRequire(file), module, pathToFileURL(file).href);
  return { exports: module.exports as Exports, fromCode: script.cachedDataRejected === false, code: () => script.createCachedData() };
}
