/**
 * What `make bench` runs: guest programs of this repository, and real programs of the sysroot of `make parity`.
 */
import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "../parity/inputs.js";

export interface Workload {
  /** A guest program by name, or an absolute path below the sysroot. */
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin?: string;
  /** What the wall-clock time of a run shall not exceed, in times of the plugin with time stamps. */
  readonly aim?: number;
}

export const SYSROOT = resolve("build", "sysroot");
/** Working directory of the programs of the sysroot. */
export const WORK = resolve("build", "bench", "work");

/** What tcc cannot compile: assembly that it does not know, a header that it does not have (stdatomic.h). */
const NOT_FOR_TCC = ["crash.c", "worksteal.c"];
/** The C sources of the guest programs, eight times each, as one call of a compiler takes them. */
const COPIES = 8;
const copies = (): string[] => readdirSync("guest-programs").filter((file) => file.endsWith(".c") && !NOT_FOR_TCC.includes(file)).flatMap((file) => Array.from({ length: COPIES }, (_, n) => `${n}-${file}`));

/** An index, joins and sums over a table of 60,000 rows. */
const SQL = `
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, value REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) INSERT INTO t SELECT i, 'row ' || (i * 7919 % 60013), i * 0.37 FROM n;
CREATE INDEX by_name ON t (name);
SELECT count(*), sum(value), min(name), max(name) FROM t;
SELECT a.id % 10 AS k, count(*), sum(b.value) FROM t a JOIN t b ON b.name = 'row ' || (a.id % 997) GROUP BY k ORDER BY k;
SELECT substr(name, 5, 1) AS c, count(*) FROM t WHERE name LIKE 'row %7%' GROUP BY c ORDER BY c;
`;

/** Sizes such that the plugin needs some 4 to 10 seconds: start-up, which has a line of its own, shall not hide what is measured. */
export const WORKLOADS: Readonly<Record<string, Workload>> = {
  scan: { program: "seq", args: ["4m", "4000"], aim: 0.5 },
  random: { program: "gups", args: ["2m", "48m"], aim: 0.4 },
  "random-large": { program: "gups", args: ["64m", "4m"] },
  compute: { program: "matmul", args: ["400"], aim: 1.2 },
  compiler: { program: "/usr/bin/tcc", args: ["-c", ...copies()], aim: 1 },
  javascript: { program: "/usr/bin/duk", args: ["bench.js"], aim: 1 },
  compressor: { program: "/usr/bin/xz", args: ["-3", "-k", "-T1", "-c", "text"], aim: 1 },
  sqlite: { program: "/usr/bin/sqlite3", args: [":memory:"], stdin: SQL, aim: 1 },
};

/** Writes the files that programs of the sysroot work on. */
export function prepareWork(): void {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(WORK, { recursive: true });
  for (const copy of copies()) copyFileSync(join("guest-programs", copy.replace(/^\d+-/, "")), join(WORK, copy));
  copyFileSync(join("guest-programs", "guest.h"), join(WORK, "guest.h"));
  copyFileSync("parity/scripts/bench.js", join(WORK, "bench.js"));
  writeFileSync(join(WORK, "text"), text(2_000_000));
}
