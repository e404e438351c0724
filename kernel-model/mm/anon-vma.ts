/**
 * anon_vma: the set of VMAs that may map an anonymous folio, shared down a fork tree.
 *
 * Linux: include/linux/rmap.h struct anon_vma, mm/rmap.c anon_vma_clone(), anon_vma_fork().
 * Linux keeps an interval tree per anon_vma and a chain per VMA; here a set of VMAs per anon_vma and, per VMA, its own
 * anon_vma plus the ancestors whose folios it may still map.
 */
import type { Vma } from "./vma.js";

export interface AnonVma {
  /** Identifier stored in Pages.mapping. */
  readonly id: number;
  readonly parent: AnonVma | undefined;
  readonly root: AnonVma;
  /** VMAs that may map folios of this anon_vma. Written by rmap.ts only. */
  readonly vmas: Set<Vma>;
  /** anon_vma->num_children and num_active_vmas, for the reuse rule of anon_vma_clone(). */
  numChildren: number;
  numActiveVmas: number;
}
