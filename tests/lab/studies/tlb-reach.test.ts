/** Folios alone do nothing for the TLB; the contiguous bit does. */
import { TLB_REACH } from "../../../lab/studies/tlb-reach.js";
import { itHolds } from "../../support/study.js";

describe("study tlb-reach", () => {
  itHolds(TLB_REACH);
});
