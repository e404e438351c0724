/** Dumps of the model's address spaces. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { formatRawDumpOfMm, mmFolios, mmRegime } from "../../../lab/validate/mm-dump.js";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { MmHarness } from "../../support/mm-harness.js";

const BASE = 0x5000000000;

describe("dump of an address space", () => {
  const h = new MmHarness();
  for (const order of h.sys.thp.anonOrders) h.sys.thp.setSizeEnabled(order, order === 4 ? "always" : "never");
  const mm = h.newMm();
  h.anon(mm, BASE, 65536);
  h.touch(mm, BASE, "write");
  h.anon(mm, BASE + 0x100000, 4096);
  h.touch(mm, BASE + 0x100000, "read");

  it("has the registers under which it runs", () => {
    const regime = mmRegime(mm);
    expect(regime).to.include({ root: mm.pgd, oaBits: 48, ha: true, hd: true });
    expect(regime.granule).to.include({ name: "4k", vaBits: 48 });
    expect(regime.registers.ttbr0 >> 48n).to.equal(BigInt(mm.contextId % 65536));
  });

  it("names the folios that are mapped, not the zero page", () => {
    const head = h.frame(mm, BASE);
    expect(mmFolios(mm)).to.deep.equal([{ head, order: 4, anon: true, exclusive: Array.from({ length: 16 }, (_, i) => head + i) }]);
  });

  it("is complete, and changes nothing", () => {
    const before = { ...h.sys.pgtable.counters };
    const dump = parseTextDump(formatRawDumpOfMm(mm), "d");
    expect(h.sys.pgtable.counters).to.deep.equal(before);
    const entry = h.sys.pgtable.pteOffset(h.pmd(mm, BASE), BASE as Va);
    expect([...dump.memory.table(entry, 16)]).to.deep.equal(Array.from({ length: 16 }, (_, i) => h.pte(mm, BASE + i * 4096)));
    expect(dump.lines.filter(({ level }) => level === 3)).to.have.length(17);
  });
});
