/** mprotect() on contiguous runs, in the kernel that is modelled. */
import { batchRuns, ownCost } from "./batching.js";
import { tlbiOf, type Study } from "./study.js";

const RUNS = (16 * 1024) / 64;
const FOLDS = 2 * RUNS;

export const PROTECT_TOGGLE: Study = {
  name: "protect-toggle",
  title: "mprotect() unfolds and folds every run until 6.17",
  claim:
    "Up to 6.16 mprotect() goes page by page: the first page of a run unfolds it, the last folds it again, which makes two flushes of the whole block each time. Toggling 1 GiB of 64K folios 40 times took 7.9 s, against 4.2 s with 4K pages, and 2.2 s once it worked in batches (6.17).",
  source: "Dev Jain, mprotect batching, May 2025",
  differs: "foliolab models 6.12, so the batched version is not shown. One toggle of 16 MiB is two calls.",
  runs: batchRuns("protect", "16m"),
  findings(run) {
    const counter = (name: string): number => ownCost(run, "batched", (result) => result.contpte[name] ?? 0);
    const tlbi = (label: string): number => ownCost(run, label, tlbiOf);
    return [
      { what: "runs unfolded", claimed: `${FOLDS}`, measured: `${counter("unfold")}`, agrees: counter("unfold") === FOLDS },
      { what: "runs folded again", claimed: `${FOLDS}`, measured: `${counter("fold")}`, agrees: counter("fold") === FOLDS },
      { what: "TLBI without range instructions", claimed: `${2 * 16 * FOLDS} more`, measured: `${tlbi("batched") - tlbi("before")} more`, agrees: tlbi("batched") - tlbi("before") === 2 * 16 * FOLDS },
    ];
  },
};
