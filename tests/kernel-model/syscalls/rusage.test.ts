/** struct rusage. */
import { expect } from "chai";
import { noResourceUse } from "../../../kernel-model/kernel/task.js";
import { encodeRusage } from "../../../kernel-model/syscalls/rusage.js";

describe("struct rusage", () => {
  it("has times first, then kB of memory, faults and switches at their places", () => {
    const use = { ...noResourceUse(), userTime: 2_345_678_901, maxRss: 10, minFlt: 4, majFlt: 5, voluntarySwitches: 6, involuntarySwitches: 7 };
    const words = [...new BigUint64Array(encodeRusage(use, 16384).buffer)].map(Number);
    expect(words).to.deep.equal([2, 345678, 0, 0, 160, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 0, 6, 7]);
  });
});
