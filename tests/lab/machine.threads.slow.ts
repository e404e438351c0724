/** The same as machine.threads.test.ts for a hundred seeds. */
import { threadsAreRight } from "../support/threads.js";

describe("threads, a hundred seeds", () => {
  threadsAreRight(100);
});
