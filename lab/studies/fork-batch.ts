/** fork() on contiguous runs needs the batch interfaces. */
import { batchFindings, batchRuns } from "./batching.js";
import type { Study } from "./study.js";

export const FORK_BATCH: Study = {
  name: "fork-batch",
  title: "fork() is ruinous on contiguous runs unless it works in batches",
  claim:
    "With contpte but page by page, fork() of 1 GiB of large folios took 1948.7 % longer on Altra (469.4 % on an M2): each page unfolds its block, and every ptep_get() gathers sixteen entries. wrprotect_ptes(), set_ptes() and pte_batch_hint() bring it to -1.9 %.",
  source: "Ryan Roberts, contpte series v5, Feb 2024; v3 patch 14, Dec 2023",
  differs: "Work is counted, not timed: loads and stores of PTEs, and TLB maintenance. The contiguous runs are 64K folios, not PTE-mapped 2M ones.",
  runs: batchRuns("fork", "16m"),
  findings: (run) => batchFindings(run, { pageByPage: "+1949 % time", batched: "-1.9 % time" }, 1.1),
};
