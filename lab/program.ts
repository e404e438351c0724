/** The program of a run: read from the host, and where the guest sees it. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "../emulator/arch/errors.js";
import type { RunConfig } from "./config.js";
import { boundPath, findInGuest } from "./guest-paths.js";

export interface Program {
  /** As the user wrote it. */
  readonly hostPath: string;
  /** Absolute path under which the guest finds it. */
  readonly guestPath: string;
  readonly argv0: string;
  readonly bytes: Uint8Array;
  /** The guest finds it below --root or a --bind by itself. */
  readonly insideRoot: boolean;
}

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const EM_NAMES: Readonly<Record<number, string>> = { 3: "a 32-bit x86", 8: "a MIPS", 20: "a PowerPC", 21: "a 64-bit PowerPC", 22: "an S390", 40: "a 32-bit Arm", 62: "an x86-64", 243: "a RISC-V" };

/** Says in words why a file that is no AArch64 ELF cannot run; undefined for what the kernel's loader should look at (ELF for arm64, scripts). */
function unsuitable(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "is empty";
  if (bytes[0] === 0x23 && bytes[1] === 0x21) return undefined;
  if (ELF_MAGIC.some((byte, i) => bytes[i] !== byte)) return "is not an ELF program";
  if (bytes.length < 20) return "is a truncated ELF file";
  const machine = bytes[18]! + bytes[19]! * 256;
  if (bytes[5] === 2) return "is a big-endian ELF program; foliolab runs little-endian AArch64";
  if (machine !== 183) return `is ${EM_NAMES[machine] ?? `a machine-${machine}`} ELF program; foliolab runs AArch64`;
  if (bytes[4] !== 2) return "is a 32-bit ELF program; foliolab runs 64-bit AArch64";
  return undefined;
}

/**
 * Reads the program. With --root or --bind an absolute path that exists in the guest names the guest's file; every other path is the host's,
 * and the guest's as well if a --bind shows it. Throws ConfigError in one line for what cannot be run.
 */
export function loadProgram(path: string, config: RunConfig): Program {
  const inGuest = path.startsWith("/") ? findInGuest(config, path) : undefined;
  const hostPath = inGuest ?? resolve(path);
  const guestPath = inGuest === undefined ? boundPath(config, hostPath) : path;
  let bytes: Uint8Array;
  try {
    if (statSync(hostPath).isDirectory()) throw new ConfigError(`${path}: is a directory`);
    bytes = readFileSync(hostPath);
  } catch (failure) {
    if (failure instanceof ConfigError) throw failure;
    const code = (failure as { readonly code?: string }).code;
    throw new ConfigError(`${path}: ${code === "ENOENT" ? "no such file" : code === "EACCES" ? "permission denied" : String(failure)}`);
  }
  const why = unsuitable(bytes);
  if (why !== undefined) throw new ConfigError(`${path}: ${why}`);
  // A link on the way may lead out of what the guest sees of the host; the directory itself is then shown by its own name.
  return { hostPath: path, guestPath: guestPath ?? join(realpathSync(dirname(hostPath)), basename(hostPath)), argv0: path, bytes, insideRoot: guestPath !== undefined };
}
