/* Migration: the folio is elsewhere, all that is mapped stays as it was. */
import { expect } from "chai";
import type { Order, Pfn } from "../../../emulator/arch/addr.js";
import { folioGet, folioPut } from "../../../kernel-model/mm/folio.js";
import { migrateFolio } from "../../../kernel-model/mm/migrate.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import { folioAddLru, folioIsolateLru } from "../../../kernel-model/mm/swap-lru.js";
import { MmHarness } from "../../support/mm-harness.js";

const P = 4096;
const BASE = 0x5000000000;
const EXCLUSIVE = 1 << 12;
const EAGAIN = 11;

function mapped(order: number): { h: MmHarness; mm: MmStruct; folio: Pfn } {
  const h = new MmHarness();
  if (order > 0) h.sys.thp.setSizeEnabled(order as Order, "always");
  const mm = h.newMm();
  h.anon(mm, BASE, 2 ** order * P);
  for (let i = 0; i < 2 ** order; i++) h.writeByte(mm, BASE + i * P + 1, 1 + (i % 250));
  const folio = order === 9 ? Number((h.pmd(mm, BASE) & 0x0000fffffffff000n) / 4096n) : h.frame(mm, BASE);
  h.clear();
  return { h, mm, folio: folio as Pfn };
}

function migrate(h: MmHarness, folio: Pfn): number {
  folioIsolateLru(h.sys, folio);
  const to = migrateFolio(h.sys, folio);
  if (to >= 0) {
    folioAddLru(h.sys, to);
    folioPut(h.sys, to);
  } else {
    folioAddLru(h.sys, folio);
    folioPut(h.sys, folio);
  }
  return to;
}

describe("migrateFolio", () => {
  it("a page: other frame, same content, attributes and counters", () => {
    const { h, mm, folio } = mapped(0);
    const before = h.attributes(mm, BASE);
    const to = migrate(h, folio);
    expect([h.frame(mm, BASE), h.readByte(mm, BASE + 1), mm.rss[1]]).to.deep.equal([to, 1, 1]);
    expect(to).to.not.equal(folio);
    expect(h.attributes(mm, BASE)).to.equal(before);
    expect(h.sys.pages.test(to as Pfn, EXCLUSIVE)).to.equal(true);
    expect(h.maintenance()).to.deep.equal({ vale1is: 1, "dsb ish": 1 });
    expect([h.sys.vmstat.get("pgmigrate_success"), h.sys.vmstat.get("thp_migration_success")]).to.deep.equal([1, 0]);
    h.check();
    h.close();
  });

  it("a folio of 16 pages keeps its contiguous block and its place in the counters", () => {
    const { h, mm, folio } = mapped(4);
    const to = migrate(h, folio);
    for (let i = 0; i < 16; i++) expect([h.frame(mm, BASE + i * P), h.readByte(mm, BASE + i * P + 1)]).to.deep.equal([to + i, i + 1]);
    expect(h.pte(mm, BASE) & (1n << 52n)).to.not.equal(0n);
    expect(h.sys.thp.stat(4 as Order, "nr_anon")).to.equal(1);
    h.check();
    h.close();
  });

  it("a PMD mapping stays one", () => {
    const { h, mm, folio } = mapped(9);
    const before = h.pmd(mm, BASE);
    const to = migrate(h, folio);
    expect(h.pmd(mm, BASE) - BigInt(to) * 4096n).to.equal(before - BigInt(folio) * 4096n);
    expect([h.readByte(mm, BASE + 300 * P + 1), h.sys.vmstat.get("thp_migration_success"), h.sys.vmstat.get("thp_split_pmd")]).to.deep.equal([51, 1, 0]);
    h.check();
    h.close();
  });

  it("all who share it see the new one, still read-only and shared", () => {
    for (const order of [0, 4, 9]) {
      const { h, mm, folio } = mapped(order);
      const child = h.fork(mm);
      const to = migrate(h, folio);
      h.check();
      expect(h.readByte(child, BASE + 1)).to.equal(1);
      h.writeByte(child, BASE + 1, 99);
      expect([h.readByte(mm, BASE + 1), h.readByte(child, BASE + 1)]).to.deep.equal([1, 99]);
      expect(to).to.be.greaterThan(0);
      h.check();
      h.close();
    }
  });

  it("does not touch a folio that someone else holds", () => {
    const { h, mm, folio } = mapped(4);
    folioGet(h.sys, folio);
    expect(migrate(h, folio)).to.equal(-EAGAIN);
    expect([h.frame(mm, BASE), h.sys.vmstat.get("pgmigrate_fail")]).to.deep.equal([folio, 16]);
    folioPut(h.sys, folio);
    h.close();
  });
});
