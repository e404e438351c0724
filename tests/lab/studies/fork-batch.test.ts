/** fork() on contiguous runs needs the batch interfaces. */
import { FORK_BATCH } from "../../../lab/studies/fork-batch.js";
import { itHolds } from "../../support/study.js";

describe("study fork-batch", () => {
  itHolds(FORK_BATCH);
});
