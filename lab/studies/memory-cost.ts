/** What larger pages cost in memory, and folios do not. */
import { change, type Study } from "./study.js";

const PROGRAM = { program: "mallocchurn", args: ["20k"] };

export const MEMORY_COST: Study = {
  name: "memory-cost",
  title: "64K folios cost next to no memory, 16K and 64K pages do",
  claim: "In a kernel compile 64K mTHP took 0.1 % more memory than 4K pages; a kernel with 16K pages took 6.2 % more, one with 64K pages 28.3 % more.",
  source: "Ryan Roberts, mTHP series, 29 Sep 2023",
  differs: "One program's memory at its peak, page tables included, without the page cache of a source tree, which is where most of the loss of larger pages comes from.",
  runs: {
    pages: { config: "4k", ...PROGRAM },
    contpte: { config: "4k+contpte", ...PROGRAM },
    "16k": { config: "16k", ...PROGRAM },
    "64k": { config: "64k", ...PROGRAM },
  },
  findings(run) {
    const of = (label: string): number => run(label).memory.allocatedPeakBytes;
    const base = of("pages");
    return [
      { what: "4K pages, 64K folios, contpte", claimed: "+0.1 %", measured: change(of("contpte"), base), agrees: of("contpte") < 1.01 * base },
      { what: "16K pages", claimed: "+6.2 %", measured: change(of("16k"), base), agrees: of("16k") > of("contpte") },
      { what: "64K pages", claimed: "+28.3 %", measured: change(of("64k"), base), agrees: of("64k") > of("16k") },
    ];
  },
};
