/** No input crashes validate: damaged texts, random images, random registers; the oracle agrees even there. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { parseTextDump } from "../../../emulator/validate/dump-format.js";
import { loadDump } from "../../../lab/validate/load-dump.js";
import { validateJson, validateText } from "../../../lab/validate/report.js";
import { validateDump, type DumpInput } from "../../../lab/validate/validate-dump.js";
import { modelDump } from "../../support/model-dump.js";
import { seededRandom } from "../../support/seed.js";

type Random = (bound: number) => number;
const random64 = (random: Random): bigint => (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));

/** Validate and print; only ConfigError may come out. Returns the number of violations. */
function survive(make: () => DumpInput, oracle: boolean): number {
  let input: DumpInput;
  try {
    input = make();
  } catch (error) {
    expect(error, String(error)).to.be.instanceOf(ConfigError);
    expect((error as Error).message).to.not.include("\n");
    return 0;
  }
  const result = validateDump(input, { oracle, keep: 3 });
  expect(validateText("d", result)).to.include("error");
  JSON.parse(validateJson("d", result));
  expect(result.totals["O-WALK"], "disagreements with the oracle").to.equal(undefined);
  return result.errors;
}

describe("validate: any input", () => {
  const directory = mkdtempSync(join(tmpdir(), "foliolab-"));
  after(() => {
    rmSync(directory, { recursive: true });
  });

  it("texts with characters, words and lines changed", () => {
    const random = seededRandom(31);
    const clean = modelDump();
    let errors = 0;
    for (let i = 0; i < 150; i++) {
      const lines = clean.split("\n");
      for (let n = 1 + random(4); n > 0; n--) {
        const at = random(lines.length);
        const line = lines[at]!;
        switch (random(5)) {
          case 0:
            lines.splice(at, 1);
            break;
          case 1:
            lines.splice(at, 0, lines[random(lines.length)]!);
            break;
          case 2:
            lines[at] = line.slice(0, random(line.length + 1));
            break;
          case 3:
            lines[at] = line.replace(/0x[0-9a-f]+$/, `0x${random64(random).toString(16)}`);
            break;
          default: {
            const letter = random(line.length + 1);
            lines[at] = line.slice(0, letter) + String.fromCharCode(random(128)) + line.slice(letter + 1);
          }
        }
      }
      errors += survive(() => parseTextDump(lines.join("\n"), "d"), i % 10 === 0);
    }
    expect(errors).to.be.greaterThan(0);
  });

  it("texts whose descriptors are flipped bit by bit", () => {
    const random = seededRandom(32);
    const clean = modelDump();
    const places = [...clean.matchAll(/^[0-3] 0x[0-9a-f]+ 0x[0-9a-f]+ (0x[0-9a-f]{16})$/gm)];
    for (let i = 0; i < 150; i++) {
      const { index, 0: line, 1: word } = places[random(places.length)]!;
      const value = BigInt(word!) ^ (1n << BigInt(random(64)));
      const text = clean.slice(0, index) + line.slice(0, -18) + `0x${value.toString(16).padStart(16, "0")}` + clean.slice(index + line.length);
      survive(() => parseTextDump(text, "d"), i % 5 === 0);
    }
  });

  it("images of random words, with random registers, loops and tables outside", () => {
    const random = seededRandom(33);
    const path = join(directory, "image");
    let errors = 0;
    for (let i = 0; i < 24; i++) {
      const words = new BigUint64Array(random(3) === 0 ? 1 + random(3000) : 8192);
      const density = [1, 20, 200][random(3)]!;
      for (let at = 0; at < words.length; at++) {
        if (random(density) !== 0) continue;
        // Many descriptors point into the image, so that walks go deep and come back.
        words[at] = random(2) === 0 ? random64(random) : BigInt(random(40) * 4096) | 3n | (random64(random) & (0xffn << 56n));
      }
      writeFileSync(path, new Uint8Array(words.buffer, 0, words.length * 8 - (random(4) === 0 ? 3 : 0)));
      const tg0 = BigInt(random(3));
      const tcr = random(8) === 0 ? random64(random) : BigInt(16 + random(24)) | (tg0 << 14n) | (BigInt(random(6)) << 32n);
      const options = { tcr: `0x${tcr.toString(16)}`, ttbr0: `0x${(BigInt(random(6)) * 4096n).toString(16)}`, mair: `0x${random64(random).toString(16)}`, base: random(4) === 0 ? "0x40000000" : "0" };
      let close: () => void = () => undefined;
      errors += survive(() => {
        const dump = loadDump(path, options);
        close = dump.close;
        return dump;
      }, true);
      close();
    }
    expect(errors).to.be.greaterThan(100);
  });

  it("files of random bytes", () => {
    const random = seededRandom(34);
    const path = join(directory, "bytes");
    for (let i = 0; i < 60; i++) {
      const bytes = Uint8Array.from({ length: random(5000) }, () => random(256));
      if (i % 3 === 0) bytes.set(new TextEncoder().encode("foliolab-ptdump 1\n").subarray(0, bytes.length));
      if (i % 3 === 1) bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 183, 0].slice(0, bytes.length));
      writeFileSync(path, bytes);
      let close: () => void = () => undefined;
      survive(() => {
        const dump = loadDump(path, { ttbr0: "0", tcr: "0x500000010" });
        close = dump.close;
        return dump;
      }, true);
      close();
    }
  });
});
