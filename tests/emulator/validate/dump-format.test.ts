/** The text form: what is written is read back; everything else is one line with a line number. */
import fc from "fast-check";
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { DUMP_MAGIC, formatRawDump, isTextDump, parseTextDump } from "../../../emulator/validate/dump-format.js";
import { RamTables, tableRegime } from "../../../emulator/validate/table-memory.js";
import { seededAssert } from "../../support/seed.js";
import { PageTables } from "../mmu/page-table-builder.js";

const REGISTERS = { ttbr0: 0x0003_0000_0000_4000n, tcr: 16n | (5n << 32n), mair: 0x04_00_44_ff_ffn };

function sample(): string {
  const tables = new PageTables("4k", 48, 2 ** 20, new PhysicalMemory(2 ** 20), 0x4000);
  tables.map(0x5000000000, 3, 0x00e8_0000_0004_0f43n);
  tables.map(0x5000001000, 3, 0x1234000n);
  tables.map(0x5000200000, 2, 0x0060_0000_4020_0fc1n);
  const folios = [
    { head: 0x40, order: 2, anon: true, exclusive: [0x40, 0x41, 0x43] },
    { head: 0x40200, order: 9, anon: false, exclusive: [] },
  ];
  return formatRawDump(new RamTables(tables.memory), tableRegime(REGISTERS), folios);
}

describe("dump format", () => {
  it("is a header, folios and a line per descriptor", () => {
    expect(sample().split("\n")).to.deep.equal([
      "foliolab-ptdump 1",
      "granule 4k",
      "va-bits 48",
      "ttbr0 0x0003000000004000",
      "tcr 0x0000000500000010",
      "mair 0x000000040044ffff",
      "folios",
      "folio 0x40 order=2 anon exclusive=0x40-0x41,0x43",
      "folio 0x40200 order=9",
      "# level entry va descriptor",
      "0 0x4000 0x0 0x0000000000005003",
      "1 0x5a00 0x5000000000 0x0000000000006003",
      "2 0x6000 0x5000000000 0x0000000000007003",
      "2 0x6008 0x5000200000 0x0060000040200fc1",
      "3 0x7000 0x5000000000 0x00e8000000040f43",
      "3 0x7008 0x5000001000 0x0000000001234000",
      "",
    ]);
  });

  it("is read back as it was written", () => {
    const dump = parseTextDump(sample(), "x");
    expect(dump.regime.registers).to.deep.equal(REGISTERS);
    expect(dump.lines).to.have.length(6);
    expect(dump.folios).to.deep.equal([
      { head: 0x40, order: 2, anon: true, exclusive: [0x40, 0x41, 0x43] },
      { head: 0x40200, order: 9, anon: false, exclusive: [] },
    ]);
    expect(dump.memory.table(0x7000 as Pa, 2)).to.deep.equal(BigUint64Array.of(0x00e8_0000_0004_0f43n, 0x1234000n));
    expect(formatRawDump(dump.memory, dump.regime, dump.folios)).to.equal(sample());
  });

  it("does without folios, comments, empty lines and the lines that TCR makes needless", () => {
    const dump = parseTextDump(`${DUMP_MAGIC}\r\n# by hand\n\nttbr0 0x4000\n tcr 0x500000010\nmair 255\n`, "x");
    expect(dump.folios).to.equal(undefined);
    expect(dump.lines).to.deep.equal([]);
    expect(formatRawDump(dump.memory, dump.regime)).to.not.include("folio 0x");
  });

  it("knows its own files", () => {
    expect(isTextDump(new TextEncoder().encode(sample()))).to.equal(true);
    expect(isTextDump(new TextEncoder().encode("foliolab-ptdump"))).to.equal(false);
    expect(isTextDump(new Uint8Array(64))).to.equal(false);
  });

  const bad: readonly (readonly [string, (text: string) => string, RegExp])[] = [
    ["another first line", (text) => text.replace("foliolab", "someone"), /^x:1: the first line/],
    ["a missing register", (text) => text.replace(/^tcr.*\n/m, ""), /tcr: missing/],
    ["a register twice", (text) => text.replace(/^(mair.*)$/m, "$1\n$1"), /^x:7: a second line "mair"/],
    ["a granule that TCR contradicts", (text) => text.replace("granule 4k", "granule 64k"), /granule 64k, but TCR says 4k/],
    ["a width that TCR contradicts", (text) => text.replace("va-bits 48", "va-bits 39"), /va-bits 39/],
    ["an unknown word", (text) => text.replace("folios", "frobnicate 1"), /^x:7: "frobnicate 1" is not understood/],
    ["a level 4", (text) => text.replace(/^3 /m, "4 "), /level 4/],
    ["a line that is too short", (text) => text.replace(/^(3 \S+ \S+) .*$/m, "$1"), /four words/],
    ["a number that is none", (text) => text.replace("0x00e8000000040f43", "0x00e8zz"), /"0x00e8zz" is not a number/],
    ["an entry that is misaligned", (text) => text.replace("0x7008", "0x7004"), /multiple of 8/],
    ["an entry twice", (text) => text.replace("0x7008", "0x7000"), /second value/],
    ["an address beyond 52 bits", (text) => text.replace("0x7008", "0xfffffffffffffff8"), /beyond 52 bits/],
    ["a folio without order", (text) => text.replace("order=2 anon", "anon"), /no order/],
    ["a folio of absurd order", (text) => text.replace("order=9", "order=99"), /no order/],
    ["exclusive frames outside of the folio", (text) => text.replace("0x43", "0x44"), /outside of the folio/],
    ["an endless exclusive range", (text) => text.replace("0x40-0x41", "0x40-0xfffffffffff"), /exclusive range/],
    ["a word on a folio line", (text) => text.replace("order=9", "order=9 file"), /"file" is not understood/],
    ["reserved TCR bits", (text) => text.replace("0x0000000500000010", "0x080000050000c010"), /TCR_EL1.DS/],
  ];
  for (const [what, damage, message] of bad) {
    it(`refuses ${what}`, () => {
      const text = damage(sample());
      expect(text).to.not.equal(sample());
      expect(() => parseTextDump(text, "x")).to.throw(ConfigError, message);
      try {
        parseTextDump(text, "x");
      } catch (error) {
        expect((error as Error).message).to.not.include("\n");
      }
    });
  }

  it("never throws anything but ConfigError", () => {
    const lines = sample().split("\n");
    const line = fc.oneof(fc.constantFrom(...lines), fc.string(), fc.stringMatching(/^[0-9] 0x[0-9a-f]{1,18} 0x[0-9a-f]{1,13} 0x[0-9a-f]{1,17}$/));
    seededAssert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.boolean(), (some, whole) => {
        try {
          parseTextDump((whole ? [...lines.slice(0, 7), ...some] : [DUMP_MAGIC, ...some]).join("\n"), "x");
        } catch (error) {
          expect(error).to.be.instanceOf(ConfigError);
        }
      }),
      500,
    );
  });
});
