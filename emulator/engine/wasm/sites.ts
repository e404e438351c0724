/** Sites: the places in translated code where a function is left other than for another function, by number. */

export type SiteKind = "access" | "svc" | "undefined-instruction" | "breakpoint" | "budget";

/** A block as far as its account goes. */
export interface BlockAccount {
  readonly start: number;
  instructions: number;
  loads: number;
  stores: number;
}

export interface Site {
  readonly kind: SiteKind;
  readonly block: BlockAccount;
  /** Instructions of the block before the one of the site. */
  readonly index: number;
  /** Loads and stores of the block before the site, and those of them that belong to its own instruction. */
  readonly loads: number;
  readonly stores: number;
  readonly ownLoads: number;
  readonly ownStores: number;
  /** The access is one of a run: RUN_DONE says how many were made before it. */
  readonly run: "load" | "store" | undefined;
}

export class SiteTable {
  private readonly sites: (Site | undefined)[] = [];
  private readonly free: number[] = [];

  add(site: Site): number {
    const number = this.free.pop() ?? this.sites.length;
    this.sites[number] = site;
    return number;
  }

  get(number: number): Site | undefined {
    return this.sites[number];
  }

  remove(number: number): void {
    this.sites[number] = undefined;
    this.free.push(number);
  }

  get size(): number {
    return this.sites.length - this.free.length;
  }
}
