/**
 * Memory cgroups, as far as reclaim of one of them needs: whom a folio is charged to.
 *
 * Linux: mm/memcontrol.c mem_cgroup_charge(), mem_cgroup_from_mm(). Only anonymous memory is charged; there are no limits and no nesting: every
 * group is a child of the root.
 */
import type { Pfn } from "../../emulator/arch/addr.js";
import type { MemorySystem } from "./memory-system.js";

/** The group of everyone who is in no other. */
export const ROOT_MEM_CGROUP = 0;
/** Pages.memcg has 8 bits. */
export const MAX_MEM_CGROUPS = 256;

export class MemCgroups {
  /** Names by number, the root's empty. */
  readonly names: readonly string[];
  /** Pages charged to each but the root, which is not counted. Written here and by folio.ts when a folio is freed. */
  readonly charged: Float64Array;

  constructor(names: readonly string[]) {
    this.names = ["", ...names];
    this.charged = new Float64Array(this.names.length);
  }
}

/** Charge a folio that is on no LRU list yet to a group (mm.memcg). */
export function memCgroupCharge(sys: MemorySystem, folio: Pfn, memcg: number): void {
  const { pages, memcgs } = sys;
  if (memcg === ROOT_MEM_CGROUP) return;
  pages.memcg[folio] = memcg;
  memcgs.charged[memcg]! += pages.folioNrPages(folio);
}
