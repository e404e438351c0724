/* Slots: entered, passed on to children, gone with the address space. */
import { expect } from "chai";
import { khugepagedEnter, khugepagedExit, khugepagedFork, nextSlot } from "../../../kernel-model/mm/khugepaged-slots.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { MmHarness } from "../../support/mm-harness.js";

describe("khugepaged slots", () => {
  it("are scanned in turn; behind the last one a full scan is complete", () => {
    const { sys } = new MmHarness();
    const state = sys.hugeMemory.khugepaged;
    const [a, b, child] = [{ sys }, { sys }, { sys }] as unknown as [MmStruct, MmStruct, MmStruct];
    let woken = 0;
    state.wakeUp = () => void woken++;
    for (const mm of [a, b, a]) khugepagedEnter(mm);
    khugepagedFork(child, b);
    expect([[...state.slots], woken]).to.deep.equal([[a, b, child], 3]);
    nextSlot(sys);
    nextSlot(sys);
    expect([state.slot === b, sys.thp.khugepaged.fullScans]).to.deep.equal([true, 0]);
    khugepagedExit(b);
    expect([state.slot === child, [...state.slots].length]).to.deep.equal([true, 2]);
    nextSlot(sys);
    expect([state.slot, sys.thp.khugepaged.fullScans]).to.deep.equal([undefined, 1]);
  });
});
