/**
 * /proc/PID/mounts and mountinfo.
 *
 * Linux: fs/proc_namespace.c show_vfsmnt(), show_mountinfo().
 */
import { mountPoint } from "../path.js";
import type { Mount, Path } from "../vfs.js";

/** Blanks would end a field: they are written in octal. Linux: mangle(). */
const mangle = (text: string): string => text.replace(/[ \t\n\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);

const access = (mount: Mount): string => (mount.readOnly ? "ro" : "rw");

/** Options of the file system behind "relatime", which belongs to the mount. */
function split(mount: Mount): { readonly mount: string; readonly fs: string } {
  const own = mount.fs.options.split(",").filter((option) => option !== "" && option !== "relatime");
  return { mount: `${access(mount)},relatime`, fs: [access(mount), ...own].join(",") };
}

/** Mounts that can be reached from `root`, one line each. */
export function formatMounts(mounts: readonly Mount[], root: Path): string {
  let text = "";
  for (const mount of mounts) {
    const point = mountPoint(mount, root);
    if (point === undefined) continue;
    const own = mount.fs.options.split(",").filter((option) => option !== "" && option !== "relatime");
    text += `${mangle(mount.fs.source)} ${mangle(point)} ${mount.fs.type} ${[access(mount), "relatime", ...own].join(",")} 0 0\n`;
  }
  return text;
}

/** ID, parent, device, root, mount point, options, type, source, options of the file system. */
export function formatMountinfo(mounts: readonly Mount[], root: Path): string {
  let text = "";
  for (const mount of mounts) {
    const point = mountPoint(mount, root);
    if (point === undefined) continue;
    const { mount: shown, fs } = split(mount);
    const device = `${Math.floor(mount.fs.dev / 256)}:${mount.fs.dev % 256}`;
    text += `${mount.id} ${mount.parent?.id ?? 0} ${device} / ${mangle(point)} ${shown} - ${mount.fs.type} ${mangle(mount.fs.source)} ${fs}\n`;
  }
  return text;
}
