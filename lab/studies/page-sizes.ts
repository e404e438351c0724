/** How near a 4K kernel with contpte comes to kernels with larger pages. */
import { times, tlbOf, type Study } from "./study.js";

const JOIN = { program: "hashjoin", args: ["200k"] };

export const PAGE_SIZES: Study = {
  name: "page-sizes",
  title: "a 4K kernel with contpte comes near kernels with 16K and 64K pages",
  claim:
    "A kernel compile takes 8.4 % less time with 64K folios, contpte and executable folios, 8.7 % less with 16K pages and 10.5 % less with 64K pages: most of the gain of larger pages, without giving up 4K pages.",
  source: "Ryan Roberts, contpte series v1, Jun 2023 (Ampere Altra)",
  differs: "Faults and walks are counted, not time.",
  runs: { pages: { config: "4k", ...JOIN }, contpte: { config: "4k+contpte", ...JOIN }, "16k": { config: "16k", ...JOIN }, "64k": { config: "64k", ...JOIN } },
  findings(run) {
    const walks = (label: string): number => tlbOf(run(label)).walks;
    const faults = (label: string): number => run(label).faults.minor;
    const share = (of: (label: string) => number, label: string): number => (of("pages") - of("contpte")) / (of("pages") - of(label));
    return [
      { what: "faults: contpte, 16K, 64K to 4K", claimed: "contpte near 64K", measured: ["contpte", "16k", "64k"].map((label) => times(faults(label), faults("pages"))).join(", "), agrees: faults("contpte") < faults("16k") },
      { what: "walks: contpte, 16K, 64K to 4K", claimed: "all far below", measured: ["contpte", "16k", "64k"].map((label) => times(walks(label), walks("pages"))).join(", "), agrees: share(walks, "16k") > 0.8 },
      { what: "share of 64K's gain in walks", claimed: "80 % (8.4 of 10.5)", measured: `${(100 * share(walks, "64k")).toFixed(0)} %`, agrees: share(walks, "64k") > 0.8 },
    ];
  },
};
