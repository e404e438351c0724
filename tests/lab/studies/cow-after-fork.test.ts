/** After a fork, writes take contiguous runs apart. */
import { COW_AFTER_FORK } from "../../../lab/studies/cow-after-fork.js";
import { itHolds } from "../../support/study.js";

describe("study cow-after-fork", () => {
  itHolds(COW_AFTER_FORK);
});
