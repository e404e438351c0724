/** Every guest program gives the same result on both engines, down to the last count, with small arguments under unlike machines. */
import { expect } from "chai";
import { DEFAULT_CONFIG, namedConfig, type RunConfig } from "../../lab/config.js";
import { EXPECTATIONS, type Expectation } from "../guest-programs/expectations.js";
import { expectEqualRuns } from "../support/engine-equality.js";
import { guestProgram } from "../support/guest.js";

const MIB = 2 ** 20;

const MACHINES: Readonly<Record<string, Partial<RunConfig>>> = {
  "4k pages, contpte, two TLB models": { ...namedConfig(DEFAULT_CONFIG, "4k+contpte"), cores: ["neoverse-n1", "cortex-a72"], memory: 256 * MIB },
  "16k pages, three CPUs, short slices of random length, random addresses": { ...namedConfig(DEFAULT_CONFIG, "16k+contpte"), cpus: 3, quantum: 7777, jitter: true, aslr: true, seed: 11, memory: 256 * MIB },
  "64k pages, ext4": { ...namedConfig(DEFAULT_CONFIG, "64k"), fs: "ext4", memory: 256 * MIB },
};

/** The last that a program lists is its smallest; crash and mmcall list unlike things, which one machine runs all. */
function smallRuns(program: string, list: readonly Expectation[], all: boolean): readonly Expectation[] {
  return all && (program === "crash" || program === "mmcall") ? list : list.slice(-1);
}

describe("guest programs on both engines", function () {
  this.timeout(600_000);

  for (const [i, [machine, config]] of Object.entries(MACHINES).entries()) {
    for (const [program, list] of Object.entries(EXPECTATIONS)) {
      for (const { args, exit } of smallRuns(program, list, i === 0)) {
        it(`${program} ${args.join(" ")}: ${machine}`, async () => {
          const run = await expectEqualRuns(guestProgram(program), args, { ...config, ...(exit === "never" ? { maxInstructions: 1_000_000 } : {}) });
          expect(run.stdout + run.stderr).to.not.equal("");
          expect(run.result.stoppedBy).to.equal(exit === "never" ? "max-instructions" : null);
        });
      }
    }
  }

  it("stride over more memory than there is: pages go to swap and come back", async () => {
    const { result } = await expectEqualRuns(guestProgram("stride"), ["24m", "4k", "2"], { memory: 16 * MIB, swap: 64 * MIB });
    expect(result.exit).to.deep.equal({ code: 0 });
    expect(result.vmstat["pswpout"]).to.be.greaterThan(0);
    expect(result.vmstat["pswpin"]).to.be.greaterThan(0);
  });

  it("sort and fork with the checks of the model after every operation of the kernel", async () => {
    const config = { ...namedConfig(DEFAULT_CONFIG, "4k+contpte"), check: true, memory: 64 * MIB };
    await expectEqualRuns(guestProgram("sort"), ["999"], config);
    await expectEqualRuns(guestProgram("forkwrite"), ["256k"], config);
  });
});
