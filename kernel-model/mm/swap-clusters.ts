/**
 * Which slots of a swap area a folio gets: the area is cut into clusters, each of which serves folios of one order as long as there
 * are free ones.
 *
 * Linux: mm/swapfile.c cluster_alloc_swap_entry(), alloc_swap_scan_cluster(), setup_clusters(), dec_cluster_info_page();
 * include/linux/swap.h struct swap_cluster_info. One CPU, so one current cluster per order; no discard.
 *
 * Life of a cluster: free -> nonfull (of an order) -> full -> nonfull -> ... -> free; a nonfull one in which a search for its order
 * failed or that was taken over from the queue is frag until it is full or a slot of it is freed.
 */
import { ModelBug } from "../../emulator/arch/errors.js";

/** Columns in which free clusters are handed out first: clusters of one 64 MiB part (4K pages) of the area stand in one column each. */
const SWAP_ADDRESS_SPACE_PAGES = 2 ** 14;

const FREE = 1;
const NONFULL = 2;
const FRAG = 3;
const FULL = 4;
/** Partly unusable (header, end of the area) and not yet in use, or momentarily nowhere. */
const NO_STATE = 0;

export interface SwapClustersOptions {
  /** Slots of the area, the header's included. */
  readonly max: number;
  /** Slots of one cluster. */
  readonly clusterSize: number;
  /** Orders that are served: 0 to nrOrders - 1. */
  readonly nrOrders: number;
  /** Orders below this one search clusters in use when no free one is left. */
  readonly pmdOrder: number;
  readonly usage: (offset: number) => SlotUsage;
  /** Less than half of the swap space is left: slots that only the swap cache holds may be taken away from it. */
  readonly vmSwapFull: () => boolean;
  /** Give up the folio that the swap cache has at a slot. Pages given up; negative: pages of a folio that must stay. */
  readonly reclaim: (offset: number) => number;
}

/** A slot is free, held by nothing but the swap cache, or in use. */
export type SlotUsage = "free" | "cached" | "used";

export class SwapClusters {
  private readonly options: SwapClustersOptions;
  /** Slots in use, state, and order of each cluster. */
  private readonly count: Int32Array;
  private readonly state: Uint8Array;
  private readonly order: Uint8Array;
  /** Lists in order of age; deleting and adding a member moves it to the end. */
  private readonly free = new Set<number>();
  private readonly full = new Set<number>();
  private readonly nonfull: readonly Set<number>[];
  private readonly frag: readonly Set<number>[];
  /** Where the search of each order goes on; 0: nowhere (percpu_cluster.next). */
  private readonly next: Int32Array;

  constructor(options: SwapClustersOptions) {
    this.options = options;
    const { max, clusterSize, nrOrders } = options;
    const nr = Math.ceil(max / clusterSize);
    this.count = new Int32Array(nr);
    this.state = new Uint8Array(nr);
    this.order = new Uint8Array(nr);
    this.nonfull = Array.from({ length: nrOrders }, () => new Set<number>());
    this.frag = Array.from({ length: nrOrders }, () => new Set<number>());
    this.next = new Int32Array(nrOrders);
    this.count[0] = 1;
    this.count[nr - 1]! += nr * clusterSize - max;
    const columns = Math.ceil(SWAP_ADDRESS_SPACE_PAGES / clusterSize);
    for (let column = 0; column < columns; column++) {
      for (let cluster = column; cluster < nr; cluster += columns) this.place(cluster, this.count[cluster] === 0 ? FREE : NONFULL);
    }
  }

  private listOf(cluster: number): Set<number> | undefined {
    switch (this.state[cluster]) {
      case FREE:
        return this.free;
      case NONFULL:
        return this.nonfull[this.order[cluster]!];
      case FRAG:
        return this.frag[this.order[cluster]!];
      case FULL:
        return this.full;
      default:
        return undefined;
    }
  }

  /** Put the cluster to the end of the list of `state`. */
  private place(cluster: number, state: number): void {
    this.listOf(cluster)?.delete(cluster);
    this.state[cluster] = state;
    this.listOf(cluster)?.add(cluster);
  }

  /** 2^order slots in a row, aligned to their number; their first, or 0 if there are none. Linux: cluster_alloc_swap_entry(). */
  allocate(order: number): number {
    const { next } = this;
    const at = next[order]!;
    if (at !== 0) {
      const found = this.scan(at, order);
      if (found !== 0) return found;
    }
    const [fresh] = this.free;
    if (fresh !== undefined) {
      const found = this.scan(fresh * this.options.clusterSize, order);
      if (found === 0) throw new ModelBug(`cluster_alloc_swap_entry: cluster ${fresh} is free and has no slots of order ${order}`);
      return found;
    }
    if (this.options.vmSwapFull()) this.reclaimOneFull();
    const found = order < this.options.pmdOrder ? this.searchUsed(order) : 0;
    if (found !== 0 || order !== 0) return found;
    return this.steal();
  }

  /** Clusters of the order that are in use: nonfull ones first, which become frag, then frag ones in turn. */
  private searchUsed(order: number): number {
    const { clusterSize } = this.options;
    const nonfull = this.nonfull[order]!;
    const frag = this.frag[order]!;
    let searched = 0;
    for (let [cluster] = nonfull; cluster !== undefined; [cluster] = nonfull) {
      this.place(cluster, FRAG);
      searched++;
      const found = this.scan(cluster * clusterSize, order);
      if (found !== 0) return found;
    }
    for (; searched < frag.size; searched++) {
      const [cluster] = frag;
      this.place(cluster!, FRAG);
      const found = this.scan(cluster! * clusterSize, order);
      if (found !== 0) return found;
    }
    return 0;
  }

  /** A single slot out of clusters that serve larger orders. */
  private steal(): number {
    for (let order = 1; order < this.nonfull.length; order++) {
      for (const list of [this.frag[order]!, this.nonfull[order]!]) {
        // A cluster on these lists has a free slot, but perhaps none that is free for good: then it would be found again and again.
        for (const cluster of [...list]) {
          const found = this.scan(cluster * this.options.clusterSize, 0);
          if (found !== 0) return found;
        }
      }
    }
    return 0;
  }

  /** Nothing is left at all: full clusters give up what only the swap cache holds. Linux: swap_reclaim_work(), at once instead of soon. */
  reclaimFull(): void {
    for (let clusters = this.full.size; clusters > 0; clusters--) this.reclaimOneFull();
  }

  /** Linux: swap_reclaim_full_clusters() without force. */
  private reclaimOneFull(): void {
    const [cluster] = this.full;
    if (cluster === undefined) return;
    this.place(cluster, FULL);
    const { clusterSize, max, usage, reclaim } = this.options;
    const end = Math.min(max, (cluster + 1) * clusterSize);
    for (let offset = cluster * clusterSize; offset < end; ) {
      const pages = usage(offset) === "cached" ? reclaim(offset) : 0;
      offset += pages === 0 ? 1 : Math.abs(pages);
    }
  }

  /** All slots of [start, end) are free, if need be because the swap cache gave them up. Linux: cluster_scan_range(). */
  private rangeFree(start: number, end: number): boolean {
    const { usage, vmSwapFull, reclaim } = this.options;
    let cached = false;
    for (let offset = start; offset < end; offset++) {
      const used = usage(offset);
      if (used === "used" || (used === "cached" && !vmSwapFull())) return false;
      cached ||= used === "cached";
    }
    if (!cached) return true;
    for (let offset = start; offset < end; offset++) {
      if (usage(offset) === "cached" && reclaim(offset) <= 0) return false;
    }
    return true;
  }

  /**
   * Take 2^order free slots of the cluster from `offset` on; the first, or 0. The next search goes on behind them.
   * Linux: alloc_swap_scan_cluster().
   */
  private scan(offset: number, order: number): number {
    const { clusterSize, max } = this.options;
    const nr = 2 ** order;
    const cluster = Math.floor(offset / clusterSize);
    const end = Math.min((cluster + 1) * clusterSize, max) - nr;
    this.next[order] = 0;
    if (this.count[cluster]! + nr > clusterSize) return 0;
    for (let start = offset; start <= end; start += nr) {
      if (!this.rangeFree(start, start + nr)) continue;
      this.take(cluster, order, nr);
      if (this.state[cluster] !== FULL && start + nr <= end) this.next[order] = start + nr;
      return start;
    }
    return 0;
  }

  private take(cluster: number, order: number, nr: number): void {
    const { clusterSize } = this.options;
    if (this.state[cluster] === FREE) {
      this.free.delete(cluster);
      this.state[cluster] = NO_STATE;
      this.order[cluster] = order;
      this.place(cluster, NONFULL);
    }
    this.count[cluster]! += nr;
    if (this.count[cluster] === clusterSize) this.place(cluster, FULL);
  }

  /** `nr` slots of one cluster from `offset` are free again. Linux: dec_cluster_info_page(). */
  release(offset: number, nr: number): void {
    const cluster = Math.floor(offset / this.options.clusterSize);
    if (this.count[cluster]! < nr) throw new ModelBug(`dec_cluster_info_page: cluster ${cluster} loses ${nr} of ${this.count[cluster]} slots`);
    this.count[cluster]! -= nr;
    if (this.count[cluster] === 0) {
      this.place(cluster, FREE);
      this.order[cluster] = 0;
    } else if (this.state[cluster] !== NONFULL) {
      this.place(cluster, NONFULL);
    }
  }

  get clusterSize(): number {
    return this.options.clusterSize;
  }

  /** Slots in use, for checks: header and what lies behind the end included. */
  get slotsInUse(): number {
    return this.count.reduce((sum, count) => sum + count, 0);
  }
}
