/* Eight thousand faults of two threads under each named configuration. */
import { NAMED_CONFIGS } from "../../lab/config.js";
import { twoThreadsFault } from "../support/fault-runs.js";

describe("two threads, 8,000 faults", () => {
  for (const name of Object.keys(NAMED_CONFIGS)) {
    it(`${name}: no frame is lost, and a repetition gives the same JSON`, async () => {
      await twoThreadsFault(name, 8_000);
    });
  }
});
