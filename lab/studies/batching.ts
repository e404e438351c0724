/** What fork and zap cost on contiguous runs, page by page and in batches: the comparison that three studies make. */
import type { RunResult } from "../result.js";
import { pteWork, times, tlbiOf, type Finding, type StudyRun } from "./study.js";

/**
 * Runs of mmcall with a kind and without, so that the difference is the call's own: before contpte, with contpte page by page, and in batches.
 * `without`: arguments of the runs that are taken off.
 */
export function batchRuns(kind: string, size: string, without: readonly string[] = ["keep", size]): Record<string, StudyRun> {
  const of = (config: string, args: readonly string[]): StudyRun => ({ config, program: "mmcall", args });
  return {
    before: of("4k+mthp", [kind, size]),
    "before, without": of("4k+mthp", without),
    pageByPage: of("4k+contpte:batch=off", [kind, size]),
    "pageByPage, without": of("4k+contpte:batch=off", without),
    batched: of("4k+contpte", [kind, size]),
    "batched, without": of("4k+contpte", without),
  };
}

/** By `batchRuns`: what the call itself costs, by one measure. */
export function ownCost(run: (label: string) => RunResult, label: string, measure: (result: RunResult) => number): number {
  return measure(run(label)) - measure(run(`${label}, without`));
}

/** `most`: PTE accesses with batching, at most, to those before contpte. */
export function batchFindings(run: (label: string) => RunResult, claims: { readonly pageByPage: string; readonly batched: string }, most: number): Finding[] {
  const work = (label: string): number => ownCost(run, label, pteWork);
  const tlbi = (label: string): number => ownCost(run, label, tlbiOf);
  return [
    { what: "PTE accesses, page by page", claimed: claims.pageByPage, measured: times(work("pageByPage"), work("before")), agrees: work("pageByPage") > 1.5 * work("before") },
    { what: "PTE accesses, batched", claimed: claims.batched, measured: times(work("batched"), work("before")), agrees: work("batched") <= most * work("before") },
    { what: "TLBI, page by page", claimed: "a whole run per run unfolded", measured: `${tlbi("pageByPage")} (before ${tlbi("before")})`, agrees: tlbi("pageByPage") > tlbi("before") },
    { what: "TLBI, batched", claimed: "none more than before", measured: `${tlbi("batched")} (before ${tlbi("before")})`, agrees: tlbi("batched") <= tlbi("before") },
  ];
}
