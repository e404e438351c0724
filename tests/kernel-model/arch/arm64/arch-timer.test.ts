/* Reads of the counter at EL0 give virtual time in ticks of the counter's frequency. */
import { expect } from "chai";
import { readCounter } from "../../../../kernel-model/arch/arm64/arch-timer.js";

describe("readCounter", () => {
  it("gives the frequency to the named register", () => {
    expect(readCounter(0xd53be003, 5)).to.deep.equal({ rt: 3, value: 62_500_000n });
  });

  it("counts 16 nanoseconds per tick", () => {
    expect(readCounter(0xd53be040, 0)).to.deep.equal({ rt: 0, value: 0n });
    expect(readCounter(0xd53be041, 31)).to.deep.equal({ rt: 1, value: 1n });
    expect(readCounter(0xd53be05e, 1e9)).to.deep.equal({ rt: 30, value: 62_500_000n });
  });

  it("leaves other instructions alone", () => {
    for (const word of [0xd53be020 /* CNTPCT_EL0 */, 0xd5380000, 0xd51be040 /* MSR */, 0]) expect(readCounter(word, 1)).to.equal(undefined);
  });
});
