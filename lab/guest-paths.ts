/**
 * Which file of the host a path of the guest names, and the reverse: --root and --bind as a map of paths.
 *
 * The guest's own kernel does not use this; it is for what the lab has to find before the guest runs.
 */
import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { RunConfig } from "./config.js";

type Shown = Pick<RunConfig, "root" | "binds">;

/** Links followed before a path is given up. Linux: MAXSYMLINKS. */
const MAX_LINKS = 40;

/** `path` relative to `folder`; undefined if it does not lie there. */
function below(folder: string, path: string): string | undefined {
  const rest = relative(folder, path);
  return rest === ".." || rest.startsWith("../") ? undefined : rest;
}

/** Where the last --bind that covers a path of the host shows it to the guest. */
export function boundPath({ binds }: Shown, hostPath: string): string | undefined {
  for (const { host, guest } of [...binds].reverse()) {
    const rest = below(resolve(host), hostPath);
    if (rest !== undefined) return join(guest, rest);
  }
  return undefined;
}

/** The file of the host under an absolute path of the guest that goes through no link. */
function hostPathOf({ root, binds }: Shown, guestPath: string): string | undefined {
  for (const { host, guest } of [...binds].reverse()) {
    const rest = below(guest, guestPath);
    if (rest !== undefined) return resolve(host, rest);
  }
  return root === undefined ? undefined : resolve(root, `.${guestPath}`);
}

/**
 * The file of the host that the guest finds at an absolute path. Links lead where they lead in the guest: an absolute one starts at
 * the guest's root. undefined: nothing is shown there.
 */
export function findInGuest(shown: Shown, guestPath: string): string | undefined {
  let at = "/";
  let links = 0;
  const names = guestPath.split("/");
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (name === "" || name === ".") continue;
    const next = name === ".." ? dirname(at) : join(at, name);
    const host = hostPathOf(shown, next);
    const stat = host === undefined ? undefined : lstatSync(host, { throwIfNoEntry: false });
    if (host !== undefined && stat?.isSymbolicLink() === true) {
      if (++links > MAX_LINKS) return undefined;
      const target = readlinkSync(host);
      if (target.startsWith("/")) at = "/";
      names.unshift(...target.split("/"));
    } else at = next;
  }
  const host = hostPathOf(shown, at);
  return host !== undefined && lstatSync(host, { throwIfNoEntry: false }) !== undefined ? host : undefined;
}
