/**
 * /proc/PID/maps: one line per area.
 *
 * Linux: fs/proc/task_mmu.c show_map_vma(), show_vma_header_prefix(), get_vma_name(); include/linux/mm.h
 * vma_is_initial_heap(), vma_is_initial_stack().
 */
import type { MmStruct } from "../../mm/mm-struct.js";
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE, type Vma } from "../../mm/vma.js";

/** Names start behind this many characters and one blank: 25 + 6 * sizeof(void *) - 1. */
const NAME_WIDTH = 72;

const hex8 = (value: number): string => value.toString(16).padStart(8, "0");
const hex2 = (value: number): string => value.toString(16).padStart(2, "0");

/** The name of an area: a path, [heap], [stack], [vdso], [anon:NAME], or nothing. */
export function vmaName(vma: Vma): string {
  if (vma.file !== undefined) {
    // A line break is written in octal; nothing else is.
    return vma.anonName === undefined ? vma.file.path.replaceAll("\n", "\\012") : `[anon_shmem:${vma.anonName}]`;
  }
  if (vma.specialName !== undefined && vma.specialName !== "[heap]" && vma.specialName !== "[stack]") return vma.specialName;
  const { mm } = vma;
  if (vma.start < mm.brk && vma.end > mm.startBrk) return "[heap]";
  if (vma.start <= mm.startStack && vma.end >= mm.startStack) return "[stack]";
  return vma.anonName === undefined ? "" : `[anon:${vma.anonName}]`;
}

/** One line without the line break. */
export function mapsLine(vma: Vma): string {
  const { flags, file } = vma;
  const { pageSize } = vma.mm.sys.granule;
  const permissions = `${flags & VM_READ ? "r" : "-"}${flags & VM_WRITE ? "w" : "-"}${flags & VM_EXEC ? "x" : "-"}${flags & VM_MAYSHARE ? "s" : "p"}`;
  const offset = file === undefined ? 0 : vma.pgoff * pageSize;
  const dev = file?.inode.dev ?? 0;
  // A device number is major << 20 | minor inside the kernel, as st_dev is encoded outside; both agree below major 4096, minor 256.
  const device = `${hex2(Math.floor(dev / 256))}:${hex2(dev % 256)}`;
  const head = `${hex8(vma.start)}-${hex8(vma.end)} ${permissions} ${hex8(offset)} ${device} ${file?.inode.ino ?? 0} `;
  const name = vmaName(vma);
  return name === "" ? head : `${head.padEnd(NAME_WIDTH)} ${name}`;
}

/** The whole file. */
export function formatMaps(mm: MmStruct): string {
  let text = "";
  for (const vma of mm.vmas) text += `${mapsLine(vma)}\n`;
  return text;
}
