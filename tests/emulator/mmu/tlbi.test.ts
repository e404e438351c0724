/**
 * What a TLB maintenance operation matches.
 */
import { expect } from "chai";
import type { Asid, Va } from "../../../emulator/arch/addr.js";
import type { Level } from "../../../emulator/arch/granule.js";
import { TLBI_OPS, isByAddress, isLastLevelOnly, matchTlbi } from "../../../emulator/mmu/tlbi.js";
import type { CachedTranslation, Tlbi, TlbiOp } from "../../../emulator/mmu/tlbi.js";

const entry = (changes: Partial<CachedTranslation> = {}): CachedTranslation => ({ asid: 7 as Asid, global: false, start: 0x10000 as Va, end: 0x20000 as Va, level: 3, table: false, ...changes });
const operation = (op: TlbiOp, start = 0x10000, end = 0x11000, asid = 7, level?: Level): Tlbi => ({ op, asid: asid as Asid, start: start as Va, end: end as Va, level });

describe("TLBI operations", () => {
  it("tell address from ASID, and last level from all", () => {
    expect(TLBI_OPS.filter(isByAddress)).to.deep.equal(["vae1is", "vale1is", "rvae1is", "rvale1is"]);
    expect(TLBI_OPS.filter(isLastLevelOnly)).to.deep.equal(["vale1is", "rvale1is"]);
  });

  it("by address: any entry that holds the page, run and block as a whole", () => {
    for (const op of ["vae1is", "vale1is", "rvae1is", "rvale1is"] as const) {
      expect(matchTlbi(operation(op, 0x15000, 0x16000), entry()), op).to.equal(true);
      expect(matchTlbi(operation(op, 0xf000, 0x10000), entry()), `${op} below`).to.equal(false);
      expect(matchTlbi(operation(op, 0x20000, 0x21000), entry()), `${op} above`).to.equal(false);
    }
    expect(matchTlbi(operation("rvale1is", 0, 0x10001), entry()), "a range that ends inside").to.equal(true);
    expect(matchTlbi(operation("rvale1is", 0, 2 ** 47), entry()), "a range around it").to.equal(true);
  });

  it("by address: the own ASID, or global", () => {
    expect(matchTlbi(operation("vale1is", 0x10000, 0x11000, 8), entry())).to.equal(false);
    expect(matchTlbi(operation("vale1is", 0x10000, 0x11000, 8), entry({ global: true }))).to.equal(true);
  });

  it("by ASID: all of the ASID, the walk cache's too, but nothing global", () => {
    expect(matchTlbi(operation("aside1is", 0, 0), entry())).to.equal(true);
    expect(matchTlbi(operation("aside1is", 0, 0), entry({ table: true, level: 1 }))).to.equal(true);
    expect(matchTlbi(operation("aside1is", 0, 0, 8), entry())).to.equal(false);
    expect(matchTlbi(operation("aside1is", 0, 0), entry({ global: true }))).to.equal(false);
  });

  it("everything: everything", () => {
    for (const changes of [{}, { global: true }, { table: true }, { asid: 9 as Asid }]) expect(matchTlbi(operation("vmalle1is", 0, 0), entry(changes))).to.equal(true);
  });

  it("last level only: no table", () => {
    const table = entry({ table: true, level: 2 });
    expect([matchTlbi(operation("vale1is"), table), matchTlbi(operation("rvale1is"), table)]).to.deep.equal([false, false]);
    expect([matchTlbi(operation("vae1is"), table), matchTlbi(operation("rvae1is"), table)]).to.deep.equal([true, true]);
  });

  it("with a level hint: leaves of that level, tables above it", () => {
    const leafAt = (level: Level): boolean => matchTlbi(operation("vae1is", 0x10000, 0x11000, 7, 2), entry({ level }));
    expect([1, 2, 3].map((level) => leafAt(level as Level))).to.deep.equal([false, true, false]);
    const tableAt = (level: Level): boolean => matchTlbi(operation("vae1is", 0x10000, 0x11000, 7, 2), entry({ level, table: true }));
    expect([0, 1, 2].map((level) => tableAt(level as Level))).to.deep.equal([true, true, false]);
  });
});
