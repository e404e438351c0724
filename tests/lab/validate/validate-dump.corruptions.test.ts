/** A clean table of the model, damaged in every way that a rule is for: the first violation reported is of the right rule. */
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { relocateTables } from "../../../emulator/validate/relocate.js";
import { RamTables } from "../../../emulator/validate/table-memory.js";
import { validateDump } from "../../../lab/validate/validate-dump.js";
import { descriptorAt, editDescriptor, modelDump, PART, validateDumpText } from "../../support/model-dump.js";

const CONT = 1n << 52n;
const DBM = 1n << 51n;
const RDONLY = 1n << 7n;
const USER = 1n << 6n;
const SH = 3n << 8n;
const NG = 1n << 11n;
const AF = 1n << 10n;
const PXN = 1n << 53n;
const UXN = 1n << 54n;
const DIRTY = 1n << 55n;
const SPECIAL = 1n << 56n;
const UFFD_WP = 1n << 58n;
const OA = 0x0000_ffff_ffff_f000n;
const P = 4096;
const BLOCK = 16 * P;

const page = (i: number): number => PART.blocks + i * P;
const clear = (bits: bigint) => (value: bigint) => value & ~bits;
const set = (bits: bigint) => (value: bigint) => value | bits;
const attr = (index: bigint) => (value: bigint) => (value & ~0x1cn) | (index << 2n);

type Damage = (text: string) => string;
const at3 = (va: number, change: (value: bigint) => bigint): Damage => (text) => editDescriptor(text, 3, va, change);
const at = (level: number, va: number, change: (value: bigint) => bigint): Damage => (text) => editDescriptor(text, level, va, change);
const block = (change: (value: bigint, index: number) => bigint): Damage => (text) => Array.from({ length: 16 }, (_, i) => i).reduce((text, i) => editDescriptor(text, 3, page(i), (value) => change(value, i)), text);
const replaced = (from: RegExp, to: string): Damage => (text) => {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`${from} is not in the dump`);
  return result;
};
/** The folio line of the first block. */
const folioLine = (text: string): string => {
  const frame = (descriptorAt(text, 3, page(0)) & OA) >> 12n;
  const line = text.split("\n").find((candidate) => candidate.startsWith(`folio 0x${frame.toString(16)} `));
  if (line === undefined) throw new Error("no folio line");
  return line;
};
/** An address of the smallest level-2 entry that has a table. */
const table2 = PART.small;
const word = (value: bigint): string => `0x${value.toString(16).padStart(16, "0")}`;

/** Damage, and the rule that names it. */
const CORRUPTIONS: readonly (readonly [what: string, rule: string, damage: Damage])[] = [
  ["the first entry of a block loses CONT", "A-CONT-MIXED", at3(page(0), clear(CONT))],
  ["an inner entry of a block loses CONT", "A-CONT-MIXED", at3(page(7), clear(CONT))],
  ["the last entry of a block loses CONT", "A-CONT-MIXED", at3(page(15), clear(CONT))],
  ["half a block loses CONT", "A-CONT-MIXED", block((value, i) => (i < 8 ? value & ~CONT : value))],
  ["a single page gets CONT, its neighbours do not", "A-CONT-MIXED", at3(PART.small, set(CONT))],
  ["an entry of a block is cleared", "L-CONT-HOLE", at3(page(3), () => 0n)],
  ["an entry of a block becomes PROT_NONE", "L-CONT-HOLE", at3(page(4), (value) => (value & ~(1n | USER | DBM)) | RDONLY | UXN)],
  ["an entry of a block becomes a swap entry", "L-CONT-HOLE", at3(page(5), () => 0x1234000n)],
  ["a whole block is moved by one page", "A-CONT-ALIGN", block((value) => value + BigInt(P))],
  ["two entries of a block are exchanged", "A-CONT-OA", block((value, i) => (i === 2 ? value + BigInt(P) : i === 3 ? value - BigInt(P) : value))],
  ["one entry maps a page of the next block", "A-CONT-OA", at3(page(6), (value) => value + BigInt(BLOCK))],
  ["all entries map the first page", "A-CONT-OA", block((value, i) => value - BigInt(i * P))],
  ["one entry of a block is executable", "A-CONT-ATTR", at3(page(9), clear(UXN))],
  ["one entry of a block has another memory type", "A-CONT-ATTR", at3(page(9), attr(2n))],
  ["one entry of a block is write-protected", "A-CONT-ATTR", at3(page(2), (value) => (value & ~DBM) | RDONLY)],
  ["half a block is write-protected", "A-CONT-ATTR", block((value, i) => (i < 8 ? (value & ~DBM) | RDONLY : value))],
  ["one entry of a block is global", "A-CONT-ATTR", at3(page(11), clear(NG))],
  ["one entry of a block has another shareability", "A-CONT-ATTR", at3(page(12), clear(1n << 8n))],
  ["one entry of a block is hidden from EL0", "A-CONT-ATTR", at3(page(13), clear(USER))],
  ["one entry of a block is guarded", "A-CONT-ATTR", at3(page(14), set(1n << 50n))],
  ["one entry of a read-only block is writable for the hardware", "A-CONT-ATTR", block((value, i) => (i === 5 ? value & ~(DBM | RDONLY) : (value & ~DBM) | RDONLY))],
  ["one entry of a block is write-protected by userfaultfd", "L-CONT-PROT", at3(page(8), set(UFFD_WP))],
  ["one entry of a block is special", "L-CONT-PROT", at3(page(8), set(SPECIAL))],
  ["a whole block is special", "L-CONT-SPECIAL", block((value) => value | SPECIAL)],
  ["a block spans two folios", "L-CONT-FOLIO", (text) => {
    const line = folioLine(text);
    const head = BigInt(line.split(" ")[1]!);
    const half = (first: bigint): string => `folio 0x${first.toString(16)} order=3 anon exclusive=0x${first.toString(16)}-0x${(first + 7n).toString(16)}`;
    return text.replace(line, `${half(head)}\n${half(head + 8n)}`);
  }],
  ["a level-2 block maps a folio that is too small", "L-PMD-FOLIO", replaced(/order=9/, "order=8")],
  ["a level-2 block maps from the middle of its folio", "L-PMD-FOLIO", (text) => {
    const frame = (descriptorAt(text, 2, PART.huge) & OA) >> 12n;
    return text.replace(`folio 0x${frame.toString(16)} order=9`, `folio 0x${(frame - 1n).toString(16)} order=10`);
  }],
  ["a writable anonymous page is not exclusive", "L-COW", (text) => text.replace(folioLine(text), folioLine(text).replace(/ exclusive=\S+/, ""))],
  ["a page that is shared after fork is made writable", "L-COW", (text) => editDescriptor(text, 3, PART.small, (value) => value & ~0x0000_ffff_ffff_f000n | (descriptorAt(text, 3, PART.small + P) & OA)).replace(/ exclusive=\S+/g, "")],
  ["an exclusive page is mapped twice", "L-EXCLUSIVE-TWICE", (text) => editDescriptor(text, 3, PART.small, (value) => (value & ~OA) | (descriptorAt(text, 3, PART.small + P) & OA))],
  ["a page maps a frame without a folio", "L-FRAME", at3(PART.small, (value) => (value & ~OA) | 0x7fff_f000n)],
  ["an entry is neither WRITE nor RDONLY", "L-WRITE-RDONLY", at3(PART.small, clear(DBM))],
  ["a read-only page loses RDONLY", "L-WRITE-RDONLY", at3(PART.zero, clear(RDONLY))],
  ["a user page is global", "L-NG", at3(PART.small, clear(NG))],
  ["a user page is executable at EL1", "L-PXN", at3(PART.small, clear(PXN))],
  ["a valid page gives EL0 nothing", "L-USER", at3(PART.small, clear(USER))],
  ["a PROT_NONE page keeps USER", "L-PROT-NONE", at3(PART.none, set(USER))],
  ["a PROT_NONE page is executable", "L-PROT-NONE", at3(PART.none, clear(UXN))],
  ["an entry loses its valid bit only", "L-PROT-NONE", at3(PART.small, clear(1n))],
  ["a swap entry has the type bit", "L-SWAP-BITS", at3(PART.small, () => 0x1234002n)],
  ["a swap entry has an unused bit", "L-SWAP-BITS", at3(PART.small, () => 0x1234000n | (1n << 62n))],
  ["a page has a memory type that Linux does not set up", "L-ATTRINDX", at3(PART.small, attr(6n))],
  ["SH has its reserved encoding", "A-SH-RESERVED", at3(PART.small, (value) => (value & ~SH) | (1n << 8n))],
  ["a page is not shareable", "L-SHARED", at3(PART.small, clear(SH))],
  ["MAIR has an undefined attribute", "A-ATTR-RESERVED", replaced(/^mair .*$/m, `mair ${word(0x02n)}`)],
  ["a level-3 entry has the encoding of a block", "A-RESERVED", at3(PART.small, clear(2n))],
  ["a level-0 table entry becomes a block", "A-RESERVED", at(0, 0, clear(2n))],
  ["a table points to its parent", "A-TABLE-LOOP", (text) => editDescriptor(text, 2, table2, (value) => (value & ~OA) | (descriptorAt(text, 1, 0x5100000000 - (0x5100000000 % 2 ** 30)) & OA))],
  ["a table points to the root", "A-TABLE-LOOP", (text) => editDescriptor(text, 2, table2, (value) => (value & ~OA) | (BigInt(/^ttbr0 (.*)$/m.exec(text)![1]!) & OA))],
  ["two entries share a table", "A-TABLE-TWICE", (text) => editDescriptor(text, 2, table2, () => descriptorAt(text, 2, PART.none))],
  ["a table entry points elsewhere", "A-UNREACHED", at(2, table2, (value) => value + 0x10_0000_0000n)],
  ["a table entry is cleared", "A-UNREACHED", at(2, table2, () => 0n)],
  ["a line has the wrong address", "A-UNREACHED", replaced(new RegExp(`^(3 \\S+) 0x${PART.small.toString(16)} `, "m"), "$1 0x5177777000 ")],
  ["a table forbids writes below", "L-TABLE-BITS", at(2, table2, set(1n << 62n))],
  ["a table has ignored bits set", "L-TABLE-BITS", at(2, table2, set(1n << 52n))],
  ["a table has a RES0 bit set", "A-RES0", at(2, table2, set(1n << 50n))],
  ["a page has bit 48 set", "A-RES0", at3(PART.small, set(1n << 48n))],
  ["a block has an address that is not aligned to it", "A-RES0", at(2, PART.huge, (value) => value + BigInt(BLOCK * 2))],
  ["the output address is too large for IPS", "A-ADDR-SIZE", (text) => editDescriptor(replaced(/^tcr .*$/m, `tcr ${word(BigInt(/^tcr (.*)$/m.exec(text)![1]!) & ~(7n << 32n))}`)(text), 3, PART.zero, set(1n << 40n))],
  ["TTBR0 is misaligned", "A-TTBR-ALIGN", replaced(/^ttbr0 (\S+)..$/m, "ttbr0 $180")],
];

describe("validate: damaged tables", () => {
  const clean = modelDump();

  it("the undamaged table is clean, before and after fork, for every granule", () => {
    for (const name of ["4k", "16k", "64k"] as const) {
      for (const parent of [false, true]) {
        const result = validateDumpText(modelDump(name, parent));
        expect(result.totals, `${name} ${parent}`).to.deep.equal({});
        expect(result.counts.runs[3]).to.be.greaterThan(2);
      }
    }
  });

  it("has at least thirty kinds of damage", () => {
    expect(CORRUPTIONS.length).to.be.greaterThan(30);
    expect(new Set(CORRUPTIONS.map(([what]) => what)).size).to.equal(CORRUPTIONS.length);
  });

  for (const [what, rule, damage] of CORRUPTIONS) {
    it(`${rule}: ${what}`, () => {
      const result = validateDumpText(damage(clean));
      expect(result.violations.map((violation) => violation.rule.id)[0], JSON.stringify(result.totals)).to.equal(rule);
      expect(result.errors).to.be.greaterThan(0);
      const [first] = result.violations;
      expect(first!.detail).to.not.equal("");
      expect(first!.rule.consequence).to.not.equal("");
    });
  }

  it("A-TABLE-OUTSIDE: a table beyond the end of an image", () => {
    const dump = parseTextDump(clean, "dump");
    const { memory, regime } = relocateTables(dump.memory, dump.regime);
    expect(validateDump({ memory: new RamTables(memory), regime }, { oracle: false, keep: 5 }).totals).to.deep.equal({});
    const root = regime.root / 8;
    for (let i = root; i < root + 512; i++) if (memory.u64[i] !== 0n) memory.u64[i] = (memory.u64[i]! & ~OA) | 0x7000_0000n;
    const { violations } = validateDump({ memory: new RamTables(memory), regime }, { oracle: false, keep: 5 });
    expect(violations[0]).to.deep.include({ level: 0, va: 0 });
    expect(violations[0]!.rule.id).to.equal("A-TABLE-OUTSIDE");
    expect(violations[0]!.entries!.first).to.equal(regime.root as Pa);
  });

  it("what hardware and Linux allow is accepted: differing AF, PTE_DIRTY and clean entries in a writable block", () => {
    const text = [
      at3(page(1), clear(AF)),
      at3(page(2), clear(DIRTY)),
      at3(page(3), (value) => (value & ~DIRTY) | RDONLY),
    ].reduce((before, damage) => damage(before), clean);
    expect(validateDumpText(text).totals).to.deep.equal({});
  });

  it("warnings do not make it wrong", () => {
    const result = validateDumpText([at3(PART.small, clear(UXN)), at(2, table2, clear(1n << 59n)), at3(PART.small + P, set(1n << 63n))].reduce((before, damage) => damage(before), clean));
    expect(result.errors).to.equal(0);
    expect(result.totals).to.deep.equal({ "A-WRITE-EXEC": 1, "L-TABLE-PXN": 1, "L-SOFTWARE": 1 });
  });
});
