/** munmap() of contiguous runs needs the batch interfaces. What is not unmapped goes at exit, so a smaller mapping is taken off, not an idle run. */
import { batchFindings, batchRuns } from "./batching.js";
import type { Study } from "./study.js";

export const UNMAP_BATCH: Study = {
  name: "unmap-batch",
  title: "munmap() unfolds nothing that it takes whole",
  claim:
    "With contpte but page by page, munmap() of 1 GiB of large folios took 1104.8 % longer on Altra (233.6 % on an M2), because clearing one page unfolds its block. clear_full_ptes() takes whole blocks without unfolding: +2.7 %.",
  source: "Ryan Roberts, contpte series v5, Feb 2024; v3 patch 15, Dec 2023",
  differs: "Work is counted, not timed: loads and stores of PTEs, and TLB maintenance, of the faults that map the memory too. The contiguous runs are 64K folios, not PTE-mapped 2M ones.",
  runs: batchRuns("unmap", "16m", ["keep", "64k"]),
  findings: (run) => batchFindings(run, { pageByPage: "+1105 % time", batched: "+2.7 % time" }, 1.1),
};
