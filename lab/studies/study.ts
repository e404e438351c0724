/** What a study is: a published claim, the runs that put it to the test, and what they say to it. */
import type { RunResult } from "../result.js";

export interface StudyRun {
  /** As in --configs: a named configuration with modifiers. */
  readonly config: string;
  /** Of guest-programs/. */
  readonly program: string;
  readonly args: readonly string[];
}

/** One number of a claim, beside what was measured. */
export interface Finding {
  readonly what: string;
  /** What was published, or follows from what was. */
  readonly claimed: string;
  readonly measured: string;
  readonly agrees: boolean;
}

export interface Study {
  readonly name: string;
  readonly title: string;
  /** The claim in a few sentences. */
  readonly claim: string;
  /** Who published it, where and when. */
  readonly source: string;
  /** Why a number measured here is not the number published; empty if it is. */
  readonly differs: string;
  readonly runs: Readonly<Record<string, StudyRun>>;
  /** `run`: the result of one of `runs`. */
  findings(run: (label: string) => RunResult): readonly Finding[];
}

const PRECISE = 10;

/** "3.2x", "0.063x". */
export function times(value: number, base: number): string {
  const factor = value / base;
  return `${factor >= PRECISE ? factor.toFixed(0) : factor.toPrecision(2)}x`;
}

/** "+6.2 %". */
export function change(value: number, base: number): string {
  const percent = (value / base - 1) * 100;
  return `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
}

/** TLB maintenance instructions of a run. */
export function tlbiOf(run: RunResult): number {
  return Object.values(run.tlbi.ops).reduce((sum, n) => sum + n, 0);
}

/** Loads and stores of page-table entries by the kernel. */
export function pteWork(run: RunResult): number {
  return (run.contpte["ptepGetLoads"] ?? 0) + (run.contpte["pteStores"] ?? 0);
}

/** TLBs of the first core. */
export function tlbOf(run: RunResult): RunResult["tlb"][string] {
  return run.tlb[run.config.core[0]!]!;
}
