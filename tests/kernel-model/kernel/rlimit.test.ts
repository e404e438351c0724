/** Resource limits. */
import { expect } from "chai";
import { initialLimits, mmLimitsOf, updateMmLimits } from "../../../kernel-model/kernel/rlimit.js";

/* Numbers of the ABI. */
const DATA = 2;
const STACK = 3;
const NOFILE = 7;
const MEMLOCK = 8;
const AS = 9;

describe("resource limits", () => {
  it("start as Linux's: 8 MiB of stack, 1024 descriptors, no limit on memory", () => {
    const limits = initialLimits(500);
    expect(limits).to.have.length(16);
    expect(limits[STACK]).to.deep.equal({ soft: 8388608, hard: Infinity });
    expect(limits[NOFILE]).to.deep.equal({ soft: 1024, hard: 4096 });
    expect(limits[AS]).to.deep.equal({ soft: Infinity, hard: Infinity });
    expect(limits[6]).to.deep.equal({ soft: 500, hard: 500 });
  });

  it("reach the record that mm reads", () => {
    const limits = initialLimits(1);
    const record = mmLimitsOf(limits, false);
    expect(record.privileged).to.equal(false);
    expect(record.stack).to.equal(8388608);
    limits[DATA] = { soft: 4096, hard: 8192 };
    limits[AS] = { soft: 12345, hard: Infinity };
    limits[MEMLOCK] = { soft: 1, hard: 2 };
    updateMmLimits(record, limits);
    expect(record).to.include({ data: 4096, dataMax: 8192, as: 12345, memlock: 1, stack: 8388608 });
  });
});
