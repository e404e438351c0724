/**
 * The name by which /proc/PID/maps and smaps show an area.
 *
 * Linux: fs/proc/task_mmu.c get_vma_name(); include/linux/mm.h vma_is_initial_heap(), vma_is_initial_stack().
 */
import type { Vma } from "./vma.js";

/** Path of the file, [vdso] and relatives, [heap], [stack], [anon:NAME]; undefined for plain anonymous memory. */
export function vmaName(vma: Vma): string | undefined {
  const { mm, file, anonName } = vma;
  if (file !== undefined) return anonName === undefined ? file.path : `[anon_shmem:${anonName}]`;
  if (vma.specialName !== undefined) return vma.specialName;
  if (vma.start < mm.brk && vma.end > mm.startBrk) return "[heap]";
  if (vma.start <= mm.startStack && vma.end >= mm.startStack) return "[stack]";
  return anonName === undefined ? undefined : `[anon:${anonName}]`;
}
