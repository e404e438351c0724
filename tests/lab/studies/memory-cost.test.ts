/** What larger pages cost in memory, and folios do not. */
import { MEMORY_COST } from "../../../lab/studies/memory-cost.js";
import { itHolds } from "../../support/study.js";

describe("study memory-cost", () => {
  itHolds(MEMORY_COST);
});
