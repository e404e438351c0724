/**
 * The arena: places in it, its clock, its columns; and what entries a structure makes.
 */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { Arena, addProbe, classesMade, entryOrders, orderMade, removeProbe } from "../../../emulator/mmu/tlb-cells.js";

const member = { reenter: (): void => undefined, rewind: (): void => undefined };

describe("Arena", () => {
  it("gives places that are multiples of 16 and do not overlap, until it is full", () => {
    const arena = new Arena(32, 1);
    const first = arena.take(3);
    const second = arena.take(16);
    expect([first % 16, second - first, arena.clock]).to.deep.equal([0, 16, 0]);
    expect(() => arena.take(1)).to.throw(ModelBug, "Arena.take");
  });

  it("has room for the columns it was made for, and a row of them for each unit", () => {
    const arena = new Arena(0, 3);
    expect([arena.takeColumn(member), arena.takeColumn(member), arena.takeColumn(member), arena.columnShift]).to.deep.equal([0, 1, 2, 2]);
    arena.takeColumn(member);
    expect(() => arena.takeColumn(member)).to.throw(ModelBug, "more than 4");
    const units = arena.at.length / 4;
    arena.at[7] = 5;
    for (let block = 0; block * 16 < units; block++) arena.index.number(block * 16, 0);
    expect(arena.at.length).to.be.greaterThan(units * 4);
    expect([arena.at[7], arena.at[8], arena.at.at(-1)]).to.deep.equal([5, -1, -1]);
  });

  it("a late clock is set back once every structure has made its stamps small", () => {
    const arena = new Arena(0, 1);
    let rewound = 0;
    arena.takeColumn({ ...member, rewind: () => rewound++ });
    arena.cells[arena.clock] = 2 ** 30 - 1;
    arena.rewindClock();
    expect([rewound, arena.cells[arena.clock]]).to.deep.equal([0, 2 ** 30 - 1]);
    arena.cells[arena.clock] = 2 ** 30;
    arena.rewindClock();
    expect(rewound).to.equal(1);
    expect(arena.cells[arena.clock]).to.be.within(16, 2 ** 20);
  });
});

describe("probes", () => {
  it("stand in ascending order of the class and go without a gap", () => {
    const cells = new Int32Array(64);
    const [probes, end] = [3, 4];
    cells[probes] = cells[end] = 32;
    for (const kind of [36, 4, 66, 9]) addProbe(cells, 0, kind, kind + 100);
    const listed = (): number[] => Array.from({ length: (cells[end]! - 32) / 4 }, (_, i) => cells[32 + 4 * i]!);
    expect(listed()).to.deep.equal([4, 9, 36, 66]);
    expect([cells[33], cells[34]], "column, no coalesced pages").to.deep.equal([104, 0]);
    expect([cells[45], cells[46]], "66 is a group of four coalesced pages").to.deep.equal([166, 3]);
    removeProbe(cells, 0, 9);
    expect(listed()).to.deep.equal([4, 36, 66]);
  });
});

describe("entryOrders", () => {
  it("the largest size held that is not larger than the translation", () => {
    expect([...entryOrders([4096, 65536, 2 ** 21], false, 4096)].slice(0, 11)).to.deep.equal([0, 0, 0, 0, 4, 4, 4, 4, 4, 9, 9]);
    expect([...entryOrders([4096, 65536], true, 4096)].slice(0, 6)).to.deep.equal([0, 0, 0, 0, 0, 0]);
  });

  it("sizes below the granule's page are left out", () => {
    expect([...entryOrders([4096, 65536], false, 65536)].slice(0, 2)).to.deep.equal([0, 0]);
    expect([...entryOrders([4096, 16384], false, 65536)].slice(0, 2)).to.deep.equal([-1, -1]);
    expect([...entryOrders([4096, 2 ** 21], true, 65536)].slice(0, 6)).to.deep.equal([-1, -1, -1, -1, -1, -1]);
  });
});

describe("orderMade", () => {
  it("by the run, or where runs are not looked at by the descriptor", () => {
    const orders = entryOrders([4096, 16384, 2 ** 21], false, 4096);
    expect([[0, 0], [4, 0], [9, 9], [13, 9]].map(([unit, leaf]) => orderMade(orders, true, unit!, leaf!))).to.deep.equal([0, 2, 9, 9]);
    expect([[0, 0], [4, 0], [9, 9], [13, 9]].map(([unit, leaf]) => orderMade(orders, false, unit!, leaf!))).to.deep.equal([0, 0, 9, 9]);
  });
});

describe("classesMade", () => {
  const [PAGE, RUN, BLOCK, GLOBAL, COALESCED, TABLE] = [0, 4, 9, 32, 64, 128];
  const NOT = -1;
  const BY_LEAF = -2;

  it("what is held is taken over, what is larger splintered, tables and what coalesces alike left to others", () => {
    const orders = entryOrders([4096, 65536], false, 4096);
    const made = classesMade(orders, true, 2);
    expect([PAGE, RUN, BLOCK, GLOBAL | BLOCK, COALESCED | 2, COALESCED | 3, TABLE | 9].map((kind) => made[kind])).to.deep.equal([PAGE, RUN, RUN, GLOBAL | RUN, NOT, PAGE, NOT]);
  });

  it("where runs are not looked at, an entry may be one", () => {
    const made = classesMade(entryOrders([4096, 65536], false, 4096), false, 0);
    expect([PAGE, RUN, GLOBAL | RUN].map((kind) => made[kind])).to.deep.equal([PAGE, BY_LEAF, BY_LEAF]);
  });

  it("nothing is made where every size held is larger", () => {
    expect(classesMade(entryOrders([65536], false, 4096), true, 0)[PAGE]).to.equal(NOT);
  });
});
