/** The end of a process on contiguous runs. */
import { EXIT_BATCH } from "../../../lab/studies/exit-batch.js";
import { itHolds } from "../../support/study.js";

describe("study exit-batch", () => {
  itHolds(EXIT_BATCH);
});
