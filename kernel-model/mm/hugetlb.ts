/**
 * Huge pages of hugetlbfs: the sizes that a kernel has. Their pools are empty here and stay so.
 *
 * Linux: arch/arm64/mm/hugetlbpage.c hugetlbpage_init(), __hugetlb_valid_size().
 */
import type { Granule } from "../../emulator/arch/granule.js";

/** Bytes, ascending: contiguous pages, blocks, contiguous blocks, and with 4K pages level-1 blocks. */
export function hugetlbSizes({ name, levels, contPteSize, pmdSize }: Granule): number[] {
  const sizes = [contPteSize, pmdSize, pmdSize * levels[2]!.contEntries];
  if (name === "4k") sizes.push(2 ** 30);
  return sizes;
}
