/** Folios alone do nothing for the TLB; the contiguous bit does. */
import { change, times, tlbOf, type Study } from "./study.js";

const JOIN = { program: "hashjoin", args: ["200k"] };

export const TLB_REACH: Study = {
  name: "tlb-reach",
  title: "the TLB gains come from the contiguous bit, not from the folios",
  claim:
    "mTHP alone shortens the kernel's time and leaves user time as it was (-0.3 % in a kernel compile). User time falls only when contpte lets one TLB entry cover a 64K folio (-2.1 %, with executable folios -3.7 %).",
  source: "Ryan Roberts, contpte series v1, Jun 2023, and v5, Feb 2024 (Ampere Altra, that is Neoverse N1)",
  differs: "foliolab has no cycle-accurate core: TLB misses and walks stand for user time. The program joins hash tables, which misses more than a compiler does.",
  runs: {
    pages: { config: "4k", ...JOIN },
    folios: { config: "4k+mthp", ...JOIN },
    contpte: { config: "4k+contpte", ...JOIN },
  },
  findings(run) {
    const [pages, folios, contpte] = [run("pages"), run("folios"), run("contpte")].map(tlbOf) as [ReturnType<typeof tlbOf>, ReturnType<typeof tlbOf>, ReturnType<typeof tlbOf>];
    return [
      { what: "L1D misses, folios to pages", claimed: "unchanged", measured: change(folios.l1d.misses, pages.l1d.misses), agrees: folios.l1d.misses === pages.l1d.misses },
      { what: "walks, folios to pages", claimed: "unchanged", measured: change(folios.walks, pages.walks), agrees: folios.walks === pages.walks },
      { what: "L1D misses, contpte to pages", claimed: "fewer", measured: times(contpte.l1d.misses, pages.l1d.misses), agrees: contpte.l1d.misses < 0.9 * pages.l1d.misses },
      { what: "walks, contpte to pages", claimed: "far fewer", measured: times(contpte.walks, pages.walks), agrees: contpte.walks < 0.25 * pages.walks },
    ];
  },
};
