// Bundles the command line into one file, and keeps what V8 makes of it: the functions that a run needs, compiled (lab/bundle.ts reads both).
// Usage: node scripts/build-cli.mjs, after tsc has made dist/lab/.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { warmUpProgram } from "./warm-up-program.mjs";

const OUT = resolve("dist/bundle");
const FILE = join(OUT, "foliolab.cjs");
const RUN_ONCE = "run-once";

/** In a process of its own: carries out a program, and writes down the code that this took. */
async function runOnce(program) {
  const { CODE_SUFFIX, loadBundle } = await import("../dist/lab/bundle.js");
  const bundle = loadBundle(FILE);
  const status = await bundle.exports.main(["run", "--engine", "wasm", "--", program]);
  if (status !== 0) throw new Error(`the program for V8 to warm up with ended with status ${status}`);
  writeFileSync(`${FILE}${CODE_SUFFIX}`, bundle.code());
}

async function bundle() {
  // V8 tells code of another source by its length alone, so none may stay.
  rmSync(OUT, { recursive: true, force: true });
  await build({
    entryPoints: ["lab/cli.ts"], bundle: true, format: "cjs", platform: "node", target: "node20", packages: "external", minifyWhitespace: true, minifySyntax: true, sourcemap: true,
    define: { "import.meta.url": "bundleUrl" }, banner: { js: "(function(exports,require,module,bundleUrl){" }, footer: { js: "})" }, supported: { "dynamic-import": false }, outfile: FILE, logLevel: "warning",
  });
  const folder = mkdtempSync(join(tmpdir(), "foliolab-"));
  try {
    const program = join(folder, "warm-up");
    writeFileSync(program, warmUpProgram());
    const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), RUN_ONCE, program], { encoding: "utf8" });
    if (status !== 0) throw new Error(`V8 has not been warmed up: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [what, program] = process.argv.slice(2);
await (what === RUN_ONCE ? runOnce(program) : bundle());
