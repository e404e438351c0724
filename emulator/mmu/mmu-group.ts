/**
 * Several TLB hierarchies on one run as one listener: the pages of the trace are looked up once for all of them.
 */
import { ModelBug } from "../arch/errors.js";
import type { Mmu } from "./mmu.js";
import type { TlbListener } from "./tlb-listener.js";
import type { Tlbi } from "./tlbi.js";
import type { TranslationRegime } from "./walk.js";

export class MmuGroup implements TlbListener {
  /** The hierarchies share one index (MmuOptions.index), and are told of everything in the order given. */
  constructor(private readonly mmus: readonly [Mmu, ...Mmu[]]) {
    if (mmus.some(({ index }) => index !== mmus[0].index)) throw new ModelBug("MmuGroup: hierarchies that do not share an index");
  }

  consume(words: Uint32Array, count: number): void {
    const records = this.mmus[0].resolve(words, count, true);
    for (const mmu of this.mmus) mmu.consumeResolved(records, 0, records.length);
  }

  setRegime(regime: TranslationRegime): void {
    for (const mmu of this.mmus) mmu.setRegime(regime);
  }

  tlbi(operation: Tlbi): void {
    for (const mmu of this.mmus) mmu.tlbi(operation);
  }
}

/** Listeners that stand for these hierarchies: one group, where they share an index. */
export function grouped(mmus: readonly Mmu[]): readonly TlbListener[] {
  const [first, ...others] = mmus;
  return first === undefined || others.length === 0 || others.some(({ index }) => index !== first.index) ? mmus : [new MmuGroup([first, ...others])];
}
