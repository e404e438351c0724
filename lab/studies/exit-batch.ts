/** The end of a process on contiguous runs. */
import { change, pteWork, times, tlbiOf, type Study } from "./study.js";

const TOUCH = { program: "touch", args: ["32m"] };
const RUNS = (32 * 1024) / 64;

export const EXIT_BATCH: Study = {
  name: "exit-batch",
  title: "exit unfolds every run it tears down, unless it clears in batches",
  claim:
    "Without optimisation contpte added 190 % to the time in exit_group during a kernel compile (768 % on two NUMA nodes): every block was unfolded, with its TLB maintenance, although the whole address space went. With clear_ptes() 13 % (9 %) were left.",
  source: "Ryan Roberts, contpte series v3 patch 15, Dec 2023",
  differs: "Work is counted, not timed.",
  runs: {
    before: { config: "4k+mthp", ...TOUCH },
    pageByPage: { config: "4k+contpte:batch=off", ...TOUCH },
    batched: { config: "4k+contpte", ...TOUCH },
  },
  findings(run) {
    const [before, pageByPage, batched] = [run("before"), run("pageByPage"), run("batched")];
    const unfolded = pageByPage.contpte["unfold"] ?? 0;
    return [
      { what: "runs unfolded, page by page", claimed: "all", measured: `${unfolded} of ${RUNS}`, agrees: unfolded >= RUNS },
      { what: "runs unfolded, batched", claimed: "none", measured: `${batched.contpte["unfold"] ?? 0}`, agrees: (batched.contpte["unfold"] ?? 0) === 0 },
      { what: "TLBI, page by page", claimed: "far more", measured: `${tlbiOf(pageByPage)} (before ${tlbiOf(before)})`, agrees: tlbiOf(pageByPage) >= RUNS },
      { what: "TLBI, batched", claimed: "as before contpte", measured: `${tlbiOf(batched)} (before ${tlbiOf(before)})`, agrees: tlbiOf(batched) === tlbiOf(before) },
      { what: "PTE accesses, page by page", claimed: "+190 % to +768 % time", measured: times(pteWork(pageByPage), pteWork(before)), agrees: pteWork(pageByPage) > 1.5 * pteWork(before) },
      { what: "PTE accesses, batched", claimed: "+9 % to +13 % time", measured: change(pteWork(batched), pteWork(before)), agrees: pteWork(batched) < 1.13 * pteWork(before) },
    ];
  },
};
