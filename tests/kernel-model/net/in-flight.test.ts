/** Descriptions in flight: dropped to any depth without one call inside the other. */
import { expect } from "chai";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";
import { InFlight } from "../../../kernel-model/net/in-flight.js";

describe("descriptions in flight", () => {
  it("are dropped one after the other, a chain of any length", () => {
    const inFlight = new InFlight();
    let released = 0;
    let inside = 0;
    let deepest = 0;
    const link = (inner: OpenFile | undefined): OpenFile =>
      ({
        count: 1,
        release: () => {
          inside++;
          deepest = Math.max(deepest, inside);
          released++;
          if (inner !== undefined) inFlight.drop([inner]);
          inside--;
        },
      }) as unknown as OpenFile;
    let chain: OpenFile | undefined;
    for (let i = 0; i < 100_000; i++) chain = link(chain);
    inFlight.drop([chain!, link(undefined)]);
    expect([released, deepest]).to.deep.equal([100_001, 1]);
  });
});
