/** After a fork, writes take contiguous runs apart. */
import { times, tlbiOf, type Study } from "./study.js";

const FORK = { program: "forkwrite", args: ["8m"] };
const RUNS = (8 * 1024) / 64;

export const COW_AFTER_FORK: Study = {
  name: "cow-after-fork",
  title: "a write after fork() degrades its run to pages",
  claim:
    "A write fault on a shared large folio copies one page, never the folio, and unfolds its run for good: sixteen writes are one flush of the block and sixteen of a page. Until 6.15 a large folio is never reused after fork(), so more pages are copied than without folios.",
  source: "contpte series v5, Feb 2024; David Hildenbrand on reuse of large folios (6.15), as read in mm/memory.c of 6.12",
  differs: "",
  runs: { pages: { config: "4k", ...FORK }, folios: { config: "4k+mthp", ...FORK }, contpte: { config: "4k+contpte", ...FORK } },
  findings(run) {
    const [pages, folios, contpte] = [run("pages"), run("folios"), run("contpte")];
    // The parent writes all of it, the child half.
    const unfolds = 1.5 * RUNS;
    const flushes = tlbiOf(contpte) - tlbiOf(folios);
    return [
      { what: "runs unfolded by parent and child", claimed: `${unfolds}`, measured: `${contpte.contpte["unfold"] ?? 0}`, agrees: contpte.contpte["unfold"] === unfolds },
      { what: "TLBI for that without range instructions", claimed: `${16 * unfolds}`, measured: `${flushes}`, agrees: flushes === 16 * unfolds },
      { what: "pages copied, folios to pages", claimed: "more: no reuse", measured: times(folios.faults.byKind.wpCopy, pages.faults.byKind.wpCopy), agrees: folios.faults.byKind.wpCopy > pages.faults.byKind.wpCopy },
      { what: "pages copied, contpte to folios", claimed: "the same", measured: times(contpte.faults.byKind.wpCopy, folios.faults.byKind.wpCopy), agrees: contpte.faults.byKind.wpCopy === folios.faults.byKind.wpCopy },
      { what: "memory under contiguous runs at the end", claimed: "none", measured: `${contpte.contpte.mappedBytesCont} bytes`, agrees: contpte.contpte.mappedBytesCont === 0 },
    ];
  },
};
