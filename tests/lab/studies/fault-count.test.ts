/** One page fault maps a whole folio, at once under the contiguous bit. */
import { FAULT_COUNT } from "../../../lab/studies/fault-count.js";
import { itHolds } from "../../support/study.js";

describe("study fault-count", () => {
  itHolds(FAULT_COUNT);
});
