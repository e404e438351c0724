/** Dumps on disk: text, raw image, ELF core; what cannot be read is one line. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { relocateTables } from "../../../emulator/validate/relocate.js";
import { type ImageOptions, loadDump, parseNumber64 } from "../../../lab/validate/load-dump.js";
import { validateDump } from "../../../lab/validate/validate-dump.js";
import { modelDump } from "../../support/model-dump.js";

describe("loading dumps", () => {
  const directory = mkdtempSync(join(tmpdir(), "foliolab-"));
  after(() => {
    rmSync(directory, { recursive: true });
  });
  const file = (name: string, bytes: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    return path;
  };

  const text = modelDump();
  const source = parseTextDump(text, "d");
  const image = relocateTables(source.memory, source.regime);
  const { ttbr0, tcr, mair } = image.regime.registers;
  const registers: ImageOptions = { ttbr0: `0x${ttbr0.toString(16)}`, tcr: `0x${tcr.toString(16)}`, mair: `0x${mair.toString(16)}` };
  const ram = image.memory.u8;
  const totals = (path: string, options: ImageOptions): { form: string; pages: number; totals: object } => {
    const dump = loadDump(path, options);
    try {
      const result = validateDump(dump, { oracle: true, keep: 3 });
      return { form: dump.form, pages: result.counts.leaves[3], totals: result.totals };
    } finally {
      dump.close();
    }
  };
  const pages = validateDump(source, { oracle: false, keep: 1 }).counts.leaves[3];

  it("text", () => expect(totals(file("t", text), {})).to.deep.equal({ form: "text", pages, totals: {} }));

  it("raw image at 0, and with MAIR left out", () => {
    expect(totals(file("i", ram), registers)).to.deep.equal({ form: "image", pages, totals: {} });
    expect(totals(file("i", ram), { ...registers, mair: undefined }).totals).to.deep.equal({});
  });

  it("raw image above 4 GiB", () => {
    const base = 2 ** 39;
    const high = ram.slice();
    const words = new BigUint64Array(high.buffer);
    image.tables.forEach(({ level, words: descriptors }, number) => {
      if (level < 3) descriptors.forEach((_, i) => ((words[number * 512 + i]! & 3n) === 3n ? (words[number * 512 + i]! += BigInt(base)) : 0n));
    });
    expect(totals(file("high", high), { ...registers, ttbr0: `0x${(ttbr0 + BigInt(base)).toString(16)}`, base: "0x8000000000" })).to.deep.equal({ form: "image", pages, totals: {} });
  });

  it("ELF core, whole and truncated", () => {
    const header = new Uint8Array(4096);
    const view = new DataView(header.buffer);
    view.setUint32(0, 0x7f454c46);
    header.set([2, 1, 1], 4);
    view.setUint16(16, 4, true);
    view.setUint16(18, 183, true);
    view.setBigUint64(32, 64n, true);
    view.setUint16(54, 56, true);
    view.setUint16(56, 2, true);
    view.setUint32(64, 4, true);
    view.setUint32(64 + 56, 1, true);
    view.setBigUint64(64 + 56 + 8, 4096n, true);
    view.setBigUint64(64 + 56 + 32, BigInt(ram.length), true);
    const core = new Uint8Array([...header, ...ram]);
    expect(totals(file("core", core), registers)).to.deep.equal({ form: "core", pages, totals: {} });
    const cut = totals(file("cut", core.subarray(0, core.length - 2 * 65536)), registers);
    expect(cut.totals).to.have.property("A-TABLE-OUTSIDE");
    expect(() => loadDump(file("core2", core), { ...registers, base: "0" })).to.throw(ConfigError, "says where its memory lies");
    view.setUint16(56, 60000, true);
    expect(() => loadDump(file("core3", header), registers)).to.throw(ConfigError, "program headers");
  });

  const bad: readonly (readonly [string, () => string, ImageOptions, RegExp])[] = [
    ["a file that is not there", () => join(directory, "none"), {}, /none: no such file/],
    ["a directory", () => directory, {}, /is a directory/],
    ["an image without registers", () => file("i2", ram), {}, /needs --ttbr0 and --tcr/],
    ["a register that is no number", () => file("i2", ram), { ...registers, tcr: "big" }, /--tcr big: not a number/],
    ["a register of 65 bits", () => file("i2", ram), { ...registers, ttbr0: "0x10000000000000000" }, /more than 64 bits/],
    ["a base that is misaligned", () => file("i2", ram), { ...registers, base: "4" }, /--base 4/],
    ["a root outside of the image", () => file("i2", ram), { ...registers, ttbr0: "0x7000000000" }, /lies outside of the image/],
    ["an empty file", () => file("empty", ""), registers, /lies outside of the image/],
    ["a damaged text", () => file("bad", text.replace(/^tcr.*$/m, "tcr 1 2")), {}, /bad:5: /],
  ];
  for (const [what, path, options, message] of bad) it(`refuses ${what}`, () => expect(() => loadDump(path(), options)).to.throw(ConfigError, message));

  it("reads numbers of the command line", () => {
    expect(parseNumber64("--x", "0xFFFFFFFFFFFFFFFF")).to.equal((1n << 64n) - 1n);
    expect(parseNumber64("--x", "12")).to.equal(12n);
    expect(() => parseNumber64("--x", "-1")).to.throw(ConfigError, "--x -1");
  });

  it("gives tables of the image only where all of them is there", () => {
    const dump = loadDump(file("i3", ram), registers);
    expect(dump.memory.table((ram.length - 8) as Pa, 1)).to.have.length(1);
    expect(dump.memory.table((ram.length - 8) as Pa, 2)).to.equal(undefined);
    dump.close();
  });
});
