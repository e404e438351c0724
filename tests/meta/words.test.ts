/**
 * What must not stand in a committed file: paths of one machine, work that was put off, silenced checks; and files that grew too long.
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { trackedFiles } from "../support/sources.js";

/** Files over the limit, each one flat table, with the reason. */
const FLAT_TABLES: Readonly<Record<string, string>> = {};

const MAX_LINES = 500;

const TEXT = /(\.(ts|js|mjs|cjs|rs|c|h|S|sh|md|json|txt|toml|yml)|(^|\/)(Makefile|run|foliolab))$/;
const CODE = /\.(ts|js|mjs|cjs|rs|c|h|S|sh)$/;

/** Words are put together here, so that this file does not hold what it looks for. */
const word = (...parts: string[]): string => parts.join("");

const MACHINE_PATHS = new RegExp([word("/wo", "rk/"), word("/fa", "rm/"), word("/tmp/", "bash_"), word("/tmp/", "linux"), `(?<!self|\\d)${word("/ro", "ot/")}`, word("\\.\\./sh", "ared"), word("\\.lib", "rary/")].join("|"));
const PUT_OFF = new RegExp(`\\b(${[word("TO", "DO"), word("FIX", "ME"), word("XX", "X"), word("HA", "CK")].join("|")})\\b`);
const SILENCED = new RegExp([word("eslint-", "disable"), word("@ts-", "ignore"), word("@ts-expect-", "error"), word("@ts-no", "check"), `\\.${word("sk", "ip")}\\(`, `\\.${word("on", "ly")}\\(`, `\\bas ${word("a", "ny")}\\b`].join("|"));

/** Lines of `files` that match, as file:line: text. */
function grep(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

describe("words", () => {
  const files = trackedFiles().filter((file) => file !== "package-lock.json" && file !== "LICENSE");
  const text = files.filter((file) => TEXT.test(file));
  // golden/ holds recordings and the programs that made them, which stay as they were.
  const code = files.filter((file) => CODE.test(file) && !file.startsWith("golden/"));

  it("the patterns find what they look for", () => {
    expect(word("/wo", "rk/main")).to.match(MACHINE_PATHS);
    expect(word("// TO", "DO: later")).to.match(PUT_OFF);
    expect(word("x as a", "ny;")).to.match(SILENCED);
    expect(text).to.include("Makefile");
    expect(code).to.include("emulator/arch/addr.ts");
  });

  it("no path of one machine", () => {
    expect(grep(text, MACHINE_PATHS)).to.deep.equal([]);
  });

  it("nothing put off", () => {
    expect(grep(code, PUT_OFF)).to.deep.equal([]);
  });

  it("no check silenced", () => {
    expect(grep(code, SILENCED)).to.deep.equal([]);
  });

  it(`no product file over ${MAX_LINES} lines that is not a flat table`, () => {
    const long = code.filter((file) => !file.startsWith("tests/") && readFileSync(file, "utf8").split("\n").length - 1 > MAX_LINES);
    expect(long.filter((file) => FLAT_TABLES[file] === undefined)).to.deep.equal([]);
    expect(Object.keys(FLAT_TABLES).filter((file) => !long.includes(file)), "listed, but not over the limit").to.deep.equal([]);
  });

  it("every source file opens with what it is for", () => {
    const headless = code.filter((file) => /\.(ts|js|mjs|cjs|rs|c|h)$/.test(file) && !/^(\/\*|\/\/|#!)/.test(readFileSync(file, "utf8")));
    expect(headless).to.deep.equal([]);
  });
});
