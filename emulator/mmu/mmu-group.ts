/**
 * Several TLB hierarchies on one run as one listener: the pages of the trace are looked up once for all of them, and those whose first
 * level allows it see a trace that has been filtered again.
 */
import { ModelBug } from "../arch/errors.js";
import { firstLevelOf } from "./cores.js";
import type { CorePreset } from "./cores.js";
import { heldBounds } from "./held-bounds.js";
import type { Mmu } from "./mmu.js";
import { MOST_PAGES, RecordFilter } from "./record-filter.js";
import type { FilterDepths } from "./record-filter.js";
import type { TlbListener } from "./tlb-listener.js";
import type { Tlbi } from "./tlbi.js";
import type { TranslationRegime } from "./walk.js";

/** Hierarchies for which alone a filter is worth its work. */
const LEAST_MEMBERS = 2;
export class MmuGroup implements TlbListener {
  /** Those that are fed; what others would do, one of these does for them. */
  private readonly mmus: readonly [Mmu, ...Mmu[]];
  /** By number of a tier - 1: what makes its records of those of the tier before. */
  private readonly tiers: readonly RecordFilter[];
  /** By member: the number of its tier; 0 if it sees what the engine's own filter leaves. */
  private readonly tierOf: readonly number[];
  /** By number of a tier: the records of the batch. */
  private readonly records: Int32Array[] = [];

  /** The hierarchies share one index (MmuOptions.index), have not been fed, and are told of everything in the order given. */
  constructor(all: readonly [Mmu, ...Mmu[]]) {
    const [first] = all;
    const { index } = first;
    if (all.some((mmu) => mmu.index !== index)) throw new ModelBug("MmuGroup: hierarchies that do not share an index");
    const mmus: [Mmu, ...Mmu[]] = [first];
    for (const mmu of all.slice(1)) {
      const like = mmus.find((other) => mmu.isLike(other));
      if (like === undefined) mmus.push(mmu);
      else mmu.leaveTo(like);
    }
    this.mmus = mmus;
    const allowed = heldPagesAllowed(mmus.map(({ core }) => core));
    const depths = filterTiers(allowed);
    this.tierOf = allowed.map((own) => depths.filter((tier) => isWithin(tier, own)).length);
    this.tiers = depths.map((tier) => new RecordFilter(index, tier));
  }

  consume(words: Uint32Array, count: number): void {
    const { mmus, tiers, records, tierOf } = this;
    records[0] = mmus[0].resolve(words, count, true);
    for (let i = 0; i < tiers.length; i++) records[i + 1] = tiers[i]!.filter(records[i]!);
    for (let i = 0; i < mmus.length; i++) {
      const own = records[tierOf[i]!]!;
      mmus[i]!.consumeResolved(own, 0, own.length);
    }
  }

  setRegime(regime: TranslationRegime): void {
    this.clear();
    for (const mmu of this.mmus) mmu.setRegime(regime);
  }

  tlbi(operation: Tlbi): void {
    this.clear();
    for (const mmu of this.mmus) mmu.tlbi(operation);
  }

  /** Hold no page: entries may go. */
  private clear(): void {
    const { tiers, mmus, tierOf } = this;
    tiers.forEach((tier, i) => {
      const leaving = tier.clear();
      tiers[i + 1]?.filter(leaving);
      for (let member = 0; member < mmus.length; member++) if (tierOf[member] === i + 1) mmus[member]!.consumeResolved(leaving, 0, leaving.length);
    });
  }
}

/** By hierarchy, the pages that a filter behind the engine's may hold before it. None more than the engine's, if that one is kept within limits for its sake: the others are not. */
function heldPagesAllowed(cores: readonly CorePreset[]): readonly FilterDepths[] {
  const ofSide = (side: "data" | "instruction"): { readonly engine: number; readonly each: readonly (number | undefined)[] } => {
    const firstLevel = cores.map((core) => firstLevelOf(core, side));
    const engine = heldBounds(firstLevel, MOST_PAGES);
    const alone = firstLevel.map((each) => heldBounds([each], MOST_PAGES));
    return { engine: engine.pages, each: alone.map(({ pages, limit }) => (limit === undefined ? pages : undefined)) };
  };
  const [data, code] = [ofSide("data"), ofSide("instruction")];
  return cores.map((_, i) => {
    const [ownData, ownCode] = [data.each[i], code.each[i]];
    return ownData === undefined || ownCode === undefined ? { data: data.engine, code: code.engine } : { data: ownData, code: ownCode };
  });
}

function isWithin(filter: FilterDepths, allowed: FilterDepths): boolean {
  return filter.data <= allowed.data && filter.code <= allowed.code;
}

/**
 * Depths of the filters, one behind the other, for hierarchies that allow these numbers of held pages. What all allow, the engine holds
 * already; each further filter leaves out those that allow the fewest pages of data or of code, whichever are fewer.
 */
export function filterTiers(allowed: readonly FilterDepths[]): readonly FilterDepths[] {
  const tiers: FilterDepths[] = [];
  let left = allowed;
  while (left.length > 0) {
    const tier = { data: Math.min(...left.map(({ data }) => data)), code: Math.min(...left.map(({ code }) => code)) };
    const moreData = left.filter(({ data }) => data > tier.data);
    const moreCode = left.filter(({ code }) => code > tier.code);
    const rest = moreData.length > moreCode.length ? moreData : moreCode;
    if (left.length < allowed.length && left.length - rest.length >= LEAST_MEMBERS) tiers.push(tier);
    left = rest;
  }
  return tiers;
}

/** Listeners that stand for these hierarchies: one group, where they share an index. */
export function grouped(mmus: readonly Mmu[]): readonly TlbListener[] {
  const [first, ...others] = mmus;
  return first === undefined || others.length === 0 || others.some(({ index }) => index !== first.index) ? mmus : [new MmuGroup([first, ...others])];
}
