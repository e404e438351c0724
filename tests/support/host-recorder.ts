/**
 * Watches every call of node:fs that takes a path, and what each opened descriptor really is: nothing outside the allowed directories.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { sep } from "node:path";

/** Calls of node:fs whose first argument is a path; of `TWO` the second is one too. */
const ONE = ["openSync", "opendirSync", "readdirSync", "readFileSync", "writeFileSync", "statSync", "lstatSync", "readlinkSync", "mkdirSync", "rmdirSync", "unlinkSync", "truncateSync", "chmodSync", "chownSync", "lchownSync", "utimesSync", "lutimesSync", "accessSync", "existsSync", "realpathSync", "rmSync", "statfsSync"] as const;
const TWO = ["renameSync", "linkSync", "copyFileSync"] as const;

type Call = (...args: unknown[]) => unknown;

export interface HostRecord {
  readonly calls: number;
  /** Calls that named something outside, by name and path. */
  readonly outside: readonly string[];
}

/** Runs `work` and says what it did to the host's files. `allowed`: real paths of directories, and single files. */
export function recordHostFiles(allowed: readonly string[], work: () => void): HostRecord {
  const table = fs as unknown as Record<string, Call>;
  const original = new Map<string, Call>([...ONE, ...TWO, "symlinkSync"].map((name) => [name, table[name]!]));
  const readlink = original.get("readlinkSync")!;
  const outside: string[] = [];
  let calls = 0;
  const inside = (path: string): boolean => allowed.some((place) => path === place || path.startsWith(place + sep));
  /** A path through a descriptor, as the kernel follows it but for the last name. */
  const real = (path: string): string => {
    const match = /^\/proc\/self\/fd\/(\d+)(\/.*)?$/.exec(path);
    if (match === null) return path;
    const [, fd = "", rest = ""] = match;
    return (readlink(`/proc/self/fd/${fd}`) as string).replace(/ \(deleted\)$/, "") + rest;
  };
  const check = (name: string, path: unknown): void => {
    calls++;
    const place = real(String(path));
    if (/(^|\/)\.\.(\/|$)/.test(place) || !inside(place)) outside.push(`${name} ${place}`);
  };
  for (const name of [...ONE, ...TWO]) {
    table[name] = (...args) => {
      // Links of /proc/self/fd say where a descriptor leads: that is the lab's own check.
      if (!(name === "readlinkSync" && /^\/proc\/self\/fd\/\d+$/.test(String(args[0])))) check(name, args[0]);
      if ((TWO as readonly string[]).includes(name)) check(name, args[1]);
      const result = original.get(name)!(...args);
      if (name === "openSync") check("opened", readlink(`/proc/self/fd/${result as number}`));
      return result;
    };
  }
  table["symlinkSync"] = (...args) => {
    check("symlinkSync", args[1]);
    return original.get("symlinkSync")!(...args);
  };
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    for (const [name, call] of original) table[name] = call;
    syncBuiltinESMExports();
  }
  return { calls, outside };
}
