/** One page fault maps a whole folio, at once under the contiguous bit. */
import { change, times, tlbiOf, tlbOf, type Study } from "./study.js";

const MIB = 16;
const FOLIOS = (MIB * 1024) / 64;

export const FAULT_COUNT: Study = {
  name: "fault-count",
  title: "64K folios take one page fault where 4K pages take sixteen",
  claim:
    "With 64K mTHP enabled, fresh anonymous memory is mapped a folio at a time: the number of page faults falls to a sixteenth, and with it the kernel's time (-37.9 % in a kernel compile). " +
    "With contpte the sixteen entries get the contiguous bit as they are written, which needs no TLB maintenance, as no entry was valid before.",
  source: "Ryan Roberts, mTHP series, 29 Sep 2023; contpte series v5, Feb 2024",
  differs: "",
  runs: {
    pages: { config: "4k", program: "touch", args: [`${MIB}m`] },
    folios: { config: "4k+mthp", program: "touch", args: [`${MIB}m`] },
    contpte: { config: "4k+contpte", program: "touch", args: [`${MIB}m`] },
  },
  findings(run) {
    const [pages, folios, contpte] = [run("pages"), run("folios"), run("contpte")];
    const saved = pages.faults.byKind.anonWrite - folios.faults.byKind.anonWrite;
    return [
      { what: `write faults saved on ${MIB} MiB`, claimed: `${15 * FOLIOS}`, measured: `${saved}`, agrees: saved === 15 * FOLIOS },
      {
        what: "faults of the whole program",
        claimed: "about 0.0625x",
        measured: times(folios.faults.minor, pages.faults.minor),
        agrees: folios.faults.minor < 0.08 * pages.faults.minor,
      },
      { what: "faults with contpte", claimed: "as with folios alone", measured: change(contpte.faults.minor, folios.faults.minor), agrees: contpte.faults.minor === folios.faults.minor },
      { what: "TLBI for the contiguous bit", claimed: "none", measured: `${tlbiOf(contpte) - tlbiOf(folios)}`, agrees: tlbiOf(contpte) === tlbiOf(folios) },
      {
        what: "memory under contiguous runs",
        claimed: `${MIB} MiB`,
        measured: `${contpte.contpte.mappedBytesCont / 2 ** 20} MiB`,
        agrees: contpte.contpte.mappedBytesCont === MIB * 2 ** 20,
      },
      { what: "walks, contpte to folios", claimed: "fewer", measured: times(tlbOf(contpte).walks, tlbOf(folios).walks), agrees: tlbOf(contpte).walks < 0.25 * tlbOf(folios).walks },
    ];
  },
};
