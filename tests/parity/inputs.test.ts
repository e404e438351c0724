/** Inputs of the parity table are the same on every machine and in every run. */
import { createHash } from "node:crypto";
import { expect } from "chai";
import { noise, numbers, records, text } from "../../parity/inputs.js";

const sum = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex").slice(0, 16);

describe("parity: inputs", () => {
  it("do not change", () => {
    expect([sum(text(10_000)), sum(numbers(1000)), sum(noise(1000)), sum(records(100))]).to.deep.equal(["ba844fa260a29f3e", "5bdb4984009a5ed5", "ca0fc1e1f87b2e1e", "f9fccb13db649ea4"]);
  });

  it("have the sizes asked for", () => {
    expect(text(1000).length).to.be.within(1000, 1300);
    expect([numbers(10).trimEnd().split("\n").length, noise(77).length, (JSON.parse(records(9)) as unknown[]).length]).to.deep.equal([10, 77, 9]);
  });
});
