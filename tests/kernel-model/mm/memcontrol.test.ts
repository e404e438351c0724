/** Memory cgroups: whom folios are charged to. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import { folioAlloc, folioPut } from "../../../kernel-model/mm/folio.js";
import { memCgroupCharge } from "../../../kernel-model/mm/memcontrol.js";
import { mapAnon, testMachine, testMm, touchRange } from "../../support/areas.js";

const BASE = 0x5000000000;

describe("memory cgroups", () => {
  it("a folio is charged with all its pages until it is freed; the root is not counted", () => {
    const { sys } = testMachine({ memoryCgroups: ["a", "b"] });
    expect(sys.memcgs.names).to.deep.equal(["", "a", "b"]);
    const [first, second] = [folioAlloc(sys, 4 as Order), folioAlloc(sys, 0 as Order)];
    memCgroupCharge(sys, first, 2);
    memCgroupCharge(sys, second, 0);
    expect([...sys.memcgs.charged]).to.deep.equal([0, 0, 16]);
    folioPut(sys, first);
    folioPut(sys, second);
    expect([...sys.memcgs.charged]).to.deep.equal([0, 0, 0]);
  });

  it("anonymous memory is charged to the group that the mm was in when it was allocated", () => {
    const { sys } = testMachine({ memoryCgroups: ["a"] });
    const mm = testMm(sys);
    mapAnon(mm, BASE, 8 * 4096);
    touchRange(mm, BASE, 2 * 4096);
    mm.memcg = 1;
    touchRange(mm, BASE, 5 * 4096);
    mm.memcg = 0;
    touchRange(mm, BASE, 8 * 4096);
    expect([...sys.memcgs.charged]).to.deep.equal([0, 3]);
  });
});
