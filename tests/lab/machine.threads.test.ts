/** A work-stealing pool of threads gives the right result whatever the interleaving: glibc and musl, static and dynamic, one CPU and several. */
import { threadsAreRight } from "../support/threads.js";

describe("threads", () => {
  threadsAreRight(4);
});
