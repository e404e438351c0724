/** How near a 4K kernel with contpte comes to kernels with larger pages. */
import { PAGE_SIZES } from "../../../lab/studies/page-sizes.js";
import { itHolds } from "../../support/study.js";

describe("study page-sizes", () => {
  itHolds(PAGE_SIZES);
});
