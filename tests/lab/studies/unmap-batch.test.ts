/** munmap() of contiguous runs needs the batch interfaces. What is not unmapped goes at exit, so a smaller mapping is taken off, not an idle run. */
import { UNMAP_BATCH } from "../../../lab/studies/unmap-batch.js";
import { itHolds } from "../../support/study.js";

describe("study unmap-batch", () => {
  itHolds(UNMAP_BATCH);
});
