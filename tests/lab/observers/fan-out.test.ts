/* Every listener hears every event it asks for, in the order of the list. */
import { expect } from "chai";
import { order, va } from "../../../emulator/arch/addr.js";
import type { MmObserver } from "../../../kernel-model/mm/observer.js";
import { FanOut } from "../../../lab/observers/fan-out.js";
import { MmHarness } from "../../support/mm-harness.js";

const EVENTS = ["abort", "faultEnter", "faultExit", "faultServed", "contpteConvert", "contpteCall", "mmExit"] as const;

describe("FanOut", () => {
  it("passes each event on to all that listen, first to the first", () => {
    const heard: string[] = [];
    const listener = (name: string, events: readonly (typeof EVENTS)[number][]): Partial<MmObserver> =>
      Object.fromEntries(events.map((event) => [event, () => heard.push(`${name} ${event}`)]));
    const fan = new FanOut([listener("all", EVENTS), listener("some", ["abort", "contpteCall"]), listener("none", [])]);
    const harness = new MmHarness();
    const mm = harness.newMm();
    const at = va(0x10000);
    fan.abort(mm, at, 0x92000047);
    fan.faultEnter(mm, at, 0);
    fan.faultServed(mm, at, "anonWrite", order(0));
    fan.contpteConvert(mm, at, 0n);
    fan.contpteCall(mm, "setPtes", at, 16);
    fan.mmExit(mm);
    expect(heard).to.deep.equal(["all abort", "some abort", "all faultEnter", "all faultServed", "all contpteConvert", "all contpteCall", "some contpteCall", "all mmExit"]);
    harness.exit(mm);
  });
});
