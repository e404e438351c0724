/**
 * Build the native half of the Unicorn engine and put it where unicorn.ts loads it from.
 *
 * Quick when nothing has changed: a digest of the sources, the lock file and the compiler's version is kept beside the addon.
 * Needs cargo, cmake, a C compiler and libclang (Debian: cargo or rustup, cmake, gcc, libclang-dev). `--force` builds always.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const native = join(dirname(fileURLToPath(import.meta.url)), "..", "emulator", "engine", "native");
const addon = join(native, "foliolab-engine.node");
const target = process.env.CARGO_TARGET_DIR ?? join(native, "target");
const stamp = join(target, "addon.digest");

function digest() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(native, "src")).map((name) => join("src", name));
  for (const name of ["Cargo.toml", "Cargo.lock", "build.rs", ...sources.sort()]) {
    hash.update(`${name}\0`).update(readFileSync(join(native, name))).update("\0");
  }
  hash.update(spawnSync("cargo", ["--version"]).stdout ?? "");
  return hash.digest("hex");
}

const wanted = digest();
const upToDate = existsSync(addon) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
if (!upToDate || process.argv.includes("--force")) {
  if (process.platform !== "linux") throw new Error(`build-native: the addon needs an ELF linker with --wrap, which ${process.platform} lacks`);
  const built = spawnSync("cargo", ["build", "--release", "--locked", "--manifest-path", join(native, "Cargo.toml")], { stdio: "inherit" });
  if (built.error !== undefined) throw built.error;
  if (built.status !== 0) process.exit(built.status ?? 1);
  // Renamed into place, so that a process that has the old addon loaded keeps it.
  copyFileSync(join(target, "release", "libfoliolab_engine.so"), `${addon}.new`);
  renameSync(`${addon}.new`, addon);
  writeFileSync(stamp, wanted);
}
