/* `foliolab run` ends a runaway guest by its limits and still reports. */
import { expect } from "chai";
import { guestProgram } from "../../support/guest.js";
import { foliolab } from "../../support/cli.js";

describe("foliolab run", function () {
  this.timeout(120_000);

  it("stops at --max-instructions", () => {
    const { status, stderr } = foliolab(["run", "--max-instructions", "1000000", "--", guestProgram("spin")]);
    expect(status).to.equal(137);
    expect(stderr).to.include("ended by max-instructions");
  });

  it("stops at --timeout", () => {
    const { status, stderr } = foliolab(["run", "--timeout", "1", "--", guestProgram("spin")]);
    expect(status).to.equal(137);
    expect(stderr).to.include("ended by timeout");
  });

  it("reports a crash with pc, address, reason and instruction", () => {
    const { status, stderr } = foliolab(["run", "--", guestProgram("crash"), "segv-null"]);
    expect(status).to.equal(139);
    expect(stderr).to.match(/^crash +SIGSEGV at pc 0x[0-9a-f]+, address 0x0: address not mapped/m);
    expect(stderr).to.match(/^ +str/m);
  });
});
