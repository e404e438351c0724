/**
 * The miss curve of a run: misses of fully associative LRU TLBs of every size at once, over the translations that the tables hold, and
 * once more as if bit 52 were not looked at.
 */
import type { Granule } from "../../emulator/arch/granule.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import { StackDistances, type StackDistanceOptions } from "../../emulator/mmu/stack-distance.js";
import type { TlbListener } from "../../emulator/mmu/tlb-listener.js";
import type { Analysis, AnalysisParts } from "../analysis.js";

export type CurveSide = StackDistanceOptions["side"];
export const CURVE_SIDES = ["data", "instruction", "both"] as const satisfies readonly CurveSide[];

export interface CurvePoint {
  readonly entries: number;
  /** With pages, contiguous runs and blocks as the tables have them. */
  readonly misses: number;
  /** With each page of a contiguous run an entry of its own. */
  readonly withoutContiguous: number;
}

export interface CurveResult {
  readonly side: CurveSide;
  /** Sizes beyond which nothing changes any more, with and without contiguous runs. */
  readonly enough: number;
  readonly points: readonly CurvePoint[];
}

/** Everything that one descriptor, or one contiguous run of descriptors, can map. */
export function translationSizes(granule: Granule): number[] {
  return granule.levels.flatMap((level) => (level?.leaf !== true ? [] : level.contEntries > 0 ? [level.size, level.size * level.contEntries] : [level.size])).sort((a, b) => a - b);
}

/** Up to some 20 sizes per doubling, every one below 32. */
export function curveSizes(last: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < last; size = Math.max(size + 1, Math.round(size * 1.035))) sizes.push(size);
  return [...sizes, last];
}

export class MissCurve implements Analysis {
  /** A TLB of one entry would miss on the second of two pages that the filter holds. */
  readonly filterPages = 1;
  private asIs: StackDistances | undefined;
  private without: StackDistances | undefined;

  constructor(readonly side: CurveSide = "data") {}

  beside({ memory, granule }: AnalysisParts): TlbListener {
    const make = (contiguous: "whole" | "ignored"): StackDistances =>
      new StackDistances({ memory, granule, entry: { pageSizes: translationSizes(granule), contiguous, splinter: "largest" }, side: this.side });
    const both = [(this.asIs = make("whole")), (this.without = make("ignored"))];
    return {
      consume(words, count) {
        for (const each of both) each.consume(words, count);
      },
      setRegime(regime) {
        for (const each of both) each.setRegime(regime);
      },
      tlbi(operation) {
        for (const each of both) each.tlbi(operation);
      },
    };
  }

  /** Both curves at one size. */
  at(entries: number): CurvePoint {
    if (this.asIs === undefined || this.without === undefined) throw new ModelBug("MissCurve: not part of a machine");
    return { entries, misses: this.asIs.misses(entries), withoutContiguous: this.without.misses(entries) };
  }

  /** The smallest size beyond which neither curve falls: all misses are cold, or due to maintenance. */
  enough(): number {
    const floor = this.at(Infinity);
    let high = 1;
    while (!this.same(high, floor)) high *= 2;
    let low = Math.floor(high / 2);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.same(middle, floor)) high = middle;
      else low = middle;
    }
    return high;
  }

  private same(entries: number, floor: CurvePoint): boolean {
    const { misses, withoutContiguous } = this.at(entries);
    return misses === floor.misses && withoutContiguous === floor.withoutContiguous;
  }

  /** The curve at sizes that draw it well. */
  result(): CurveResult {
    const enough = this.enough();
    // A curve that is flat at once is still drawn over the sizes of real TLBs.
    return { side: this.side, enough, points: curveSizes(Math.max(enough, 64)).map((entries) => this.at(entries)) };
  }
}
