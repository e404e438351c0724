/** mprotect() on contiguous runs, in the kernel that is modelled. */
import { PROTECT_TOGGLE } from "../../../lab/studies/protect-toggle.js";
import { itHolds } from "../../support/study.js";

describe("study protect-toggle", () => {
  itHolds(PROTECT_TOGGLE);
});
