/** The decode table as a whole: every row can be reached, no two rows contend for a word, what no row takes is undefined in the reference too. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { ENCODINGS } from "../../../../../emulator/engine/wasm/a64/encodings.js";
import { Decoder } from "../../../../../emulator/engine/wasm/decode/decoder.js";
import type { Encoding } from "../../../../../emulator/engine/wasm/decode/encoding.js";
import { CLASSES, instructionTable, TABLE_PLACE } from "../../../../support/encoding-classes.js";
import { hasBits, knownDifference, KNOWN_DIFFERENCES } from "../../../../support/known-differences.js";
import { InstructionDifferential } from "../../../../support/instruction-differential.js";
import { aimAtData, Random, randomContext, randomWord } from "../../../../support/random-instructions.js";
import { undefinedInReference } from "../../../../support/reference-space.js";
import { runSeed } from "../../../../support/seed.js";

/** QEMU prints a line for each unallocated word of these classes. */
const PRINTED = /FP16/;

/** Words of a context. */
const FPCR = 34;
const VECTORS = 37;
const FPCR_FZ = 1n << 24n;

function bitCount(mask: number): number {
  return mask.toString(2).replaceAll("0", "").length;
}

/** A random word with the given bits; some fields are all zeros or all ones. */
function wordOf(bits: string, random: Random): number {
  let word = random.next();
  if (random.below(2) === 0) word |= random.pick([0x1f, 0x3e0, 0x1f_0000, 0x7c00]);
  if (random.below(3) === 0) word &= ~random.pick([0x1f_0000, 0xfc00, 0x1f_fc00]);
  [...bits].forEach((bit, i) => {
    if (bit !== "x") word = (word & ~(1 << (31 - i))) | (Number(bit) << (31 - i));
  });
  return word >>> 0;
}

/** A word that both rows take, if one was found. */
function contended(a: Encoding, b: Encoding, random: Random): number | undefined {
  if (((a.value ^ b.value) & a.mask & b.mask) !== 0) return undefined;
  for (let attempt = 0; attempt < 200; attempt++) {
    const word = ((random.next() & ~(a.mask | b.mask)) | a.value | b.value) >>> 0;
    if (a.legal(word) && b.legal(word)) return word;
  }
  return undefined;
}

describe("the decode table", () => {
  const random = new Random(runSeed());
  const decoder = new Decoder(ENCODINGS);

  it("names each row once", () => {
    const names = ENCODINGS.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).to.deep.equal([]);
  });

  it("has no row that other rows hide", () => {
    const hidden = ENCODINGS.filter((row) => {
      for (let attempt = 0; attempt < 500; attempt++) {
        const word = randomWord(row, random);
        if (word !== undefined && decoder.find(word) === row) return false;
      }
      return true;
    });
    expect(hidden.map(({ name }) => name)).to.deep.equal([]);
  });

  it("has no two rows with as many fixed bits that take the same word", () => {
    const found: string[] = [];
    ENCODINGS.forEach((a, i) => {
      for (const b of ENCODINGS.slice(i + 1)) {
        if (bitCount(a.mask) !== bitCount(b.mask)) continue;
        const word = contended(a, b, random);
        if (word !== undefined) found.push(`${a.name}, ${b.name}: ${word.toString(16)}`);
      }
    });
    expect(found).to.deep.equal([]);
  });

  it("leaves undefined what is undefined in the reference engine, and nothing else", () => {
    const words = CLASSES.flatMap(({ name, bits }) =>
      Array.from({ length: 250 }, () => wordOf(bits, random)).filter((word) => knownDifference(word) === undefined && !(PRINTED.test(name) && decoder.find(word) === undefined)),
    );
    const reference = undefinedInReference(words);
    const wrong = words.filter((word, i) => (decoder.find(word) === undefined) !== reference[i]);
    expect(wrong.map((word) => `${word.toString(16).padStart(8, "0")} ${decoder.find(word)?.name ?? "has no row, but the reference engine carries it out"}`)).to.deep.equal([]);
  });

  it("has a line per encoding class in the documentation", () => {
    const table = TABLE_PLACE.exec(readFileSync("docs/engine-wasm.md", "utf8"))?.[2];
    expect(table?.trim().split("\n"), "write it again with `npx tsx tests/support/write-instruction-table.ts`").to.deep.equal(instructionTable(ENCODINGS));
  });
});

describe("known differences", () => {
  const random = new Random(runSeed());
  const decoder = new Decoder(ENCODINGS);

  it("stand in the documentation, each with a line of its own", () => {
    const lines = readFileSync("docs/engine-wasm.md", "utf8").split("## What differs")[1]!.split("\n## ")[0]!.split("\n").filter((line) => line.startsWith("| ")).slice(1);
    expect(lines.map((line) => line.split(" | ")[0]!.slice(2))).to.deep.equal(KNOWN_DIFFERENCES.map(({ name }) => name));
  });

  it("of unallocated words are still carried out by the reference engine, and not by this one", () => {
    for (const { name, bits } of KNOWN_DIFFERENCES.filter(({ unallocated }) => unallocated === true)) {
      const words = Array.from({ length: 100 }, () => wordOf(bits, random));
      expect(words.every((word) => hasBits(word, bits) && decoder.find(word) === undefined), `${name}: no row`).to.equal(true);
      expect(undefinedInReference(words), `${name}: carried out by the reference engine`).to.include(false);
    }
  });

  it("of allocated words still differ", () => {
    for (const difference of KNOWN_DIFFERENCES.filter(({ unallocated }) => unallocated !== true)) {
      const { name, bits, but, avoid } = difference;
      const words = Array.from({ length: 400 }, () => wordOf(bits, random)).filter((word) => decoder.find(word) !== undefined && (but === undefined || !hasBits(word, but)));
      const contexts = words.map((word) => {
        const context = randomContext(random);
        aimAtData(context, word, random);
        // The state in question: denormal numbers are flushed, and all vectors hold them.
        if (avoid !== undefined) context.fill(FPCR_FZ, FPCR, FPCR + 1).fill(1n, VECTORS);
        return context;
      });
      const engines = new InstructionDifferential(random);
      try {
        expect(engines.run(words.map((word) => [word]), contexts).length, name).to.be.greaterThan(0);
      } finally {
        engines.dispose();
      }
    }
  }).timeout(60_000);
});
