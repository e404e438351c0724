/**
 * Builds one selftest, runs it in the lab, counts what it says, and compares that with real Linux.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts, SelfTest } from "./programs.js";

export interface Places {
  /** Source tree of fetch-selftests.sh. */
  readonly linux: string;
  /** Where the programs and their output go. */
  readonly build: string;
  /** bin/foliolab */
  readonly cli: string;
}

/** The recorded configuration. */
export const LAB_OPTIONS: readonly string[] = [
  ...["--page-size", "4k", "--memory", "4g", "--thp", "madvise", "--thp", "64k=always"],
  ...["--mount", "tmpfs:/tmp", "--mount", "tmpfs:/dev/shm", "--quiet"],
];
const TIMEOUT_SECONDS = 900;
/** Exit status of a program that skips as a whole. */
const KSFT_SKIP = 4;
/** Helpers that programs are linked with, if their source asks for them. */
const HELPERS = ["vm_util.c", "thp_settings.c"];

/** Compile the program statically. The reason if that fails. */
export function buildSelfTest({ linux, build }: Places, { name }: SelfTest): string | undefined {
  const folder = join(linux, "tools/testing/selftests/mm");
  if (!existsSync(join(folder, `${name}.c`))) return "not in this source";
  mkdirSync(build, { recursive: true });
  const sources = [`${name}.c`, ...HELPERS, ...(name.startsWith("uffd-") ? ["uffd-common.c"] : [])];
  const flags = ["-O2", "-static", "-pthread", "-D_GNU_SOURCE=", "-isystem", join(linux, "usr/include"), "-I", join(linux, "tools/include/uapi"), "-I", join(linux, "tools/testing/selftests"), "-idirafter", linux];
  const { status, stderr } = spawnSync("aarch64-linux-gnu-gcc", [...flags, "-o", join(build, name), ...sources, "-lrt", "-lm"], { cwd: folder, encoding: "utf8" });
  return status === 0 ? undefined : (/error: (.*)/.exec(stderr)?.[1] ?? stderr.split("\n")[0]!);
}

/** What a test program has said: KTAP, or the coloured words of khugepaged. */
export function countResults(output: string, exit: number | null): Counts {
  const totals = /^# Totals: pass:(\d+) fail:(\d+) xfail:(\d+) xpass:\d+ skip:(\d+)/m.exec(output);
  const count = (pattern: RegExp): number => (output.match(pattern) ?? []).length;
  if (totals !== null) {
    const [pass, fail, xfail, skip] = totals.slice(1).map(Number) as [number, number, number, number];
    // A program that gives up counts nothing, or not all it has planned.
    const gaveUp = /^Bail out!/m.test(output) || /^# Planned tests != run tests/m.test(output);
    return { pass, fail: fail + (gaveUp && exit !== KSFT_SKIP ? 1 : 0), xfail, skip };
  }
  const words = { pass: count(/\[32mOK/g), fail: count(/\[31m/g), xfail: 0, skip: count(/\[33m/g) };
  if (words.pass + words.fail + words.skip > 0) return words;
  const skip = count(/^ok \d+.*# SKIP/gim) + count(/^1\.\.0 # SKIP/gm);
  const pass = count(/^ok \d+/gm) - count(/^ok \d+.*# SKIP/gim);
  const fail = count(/^not ok \d+/gm);
  if (pass + fail + skip > 0) return { pass, fail, xfail: 0, skip };
  return { pass: exit === 0 ? 1 : 0, fail: exit === 0 || exit === KSFT_SKIP ? 0 : 1, xfail: 0, skip: exit === KSFT_SKIP ? 1 : 0 };
}

export interface Observation {
  readonly counts: Counts;
  readonly seconds: number;
  /** Why there is no proper result: the lab ended the run. */
  readonly problem?: string;
}

/** Run the program in the lab; its output is kept beside it. */
export function runSelfTest({ build, cli }: Places, { name, args = [] }: SelfTest): Observation {
  const started = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "run", ...LAB_OPTIONS, "--timeout", `${TIMEOUT_SECONDS}`, "--", `./${name}`, ...args], {
    cwd: build,
    encoding: "latin1",
    maxBuffer: 2 ** 28,
    timeout: (TIMEOUT_SECONDS + 60) * 1000,
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const output = stdout + stderr;
  writeFileSync(join(build, `${name}.log`), output);
  const problem = /^foliolab: .*/m.exec(stderr)?.[0] ?? (status === null ? "does not end" : undefined);
  return { counts: countResults(output, status), seconds, ...(problem === undefined ? {} : { problem }) };
}

export type Verdict = "agrees" | "not recorded" | "fails on Linux too" | "DIFFERS" | "FAILS";

/**
 * What real Linux passes must pass, and nothing may fail that does not fail there. What is not recorded may not fail, unless it is known to fail
 * on real Linux in this configuration.
 */
export function judge({ real, failsOnLinux }: SelfTest, { counts, problem }: Observation): Verdict {
  if (problem !== undefined) return "FAILS";
  if (real === undefined) {
    if (counts.fail === 0) return "not recorded";
    return failsOnLinux === undefined ? "FAILS" : "fails on Linux too";
  }
  if (counts.fail > real.fail || counts.pass < real.pass) return "FAILS";
  return counts.pass === real.pass && counts.fail === real.fail && counts.xfail === real.xfail && counts.skip === real.skip ? "agrees" : "DIFFERS";
}
