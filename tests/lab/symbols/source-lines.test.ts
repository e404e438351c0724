/** Source lines come from whichever symbolizer is installed; both say the same, and without one nothing is said. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import { findSymbolizer } from "../../../lab/symbols/source-lines.js";
import { compileC } from "../../support/guest.js";

const SOURCE = "int twice(int x);\nint main(int argc, char **argv) { (void)argv; return twice(argc); }\n\n__attribute__((noinline)) int twice(int x) { return 2 * x; }\n";
const ADDR2LINE = "aarch64-linux-gnu-addr2line";

function addressOf(path: string, name: string): number {
  return parseInt(new RegExp(`^([0-9a-f]+) T ${name}$`, "m").exec(execFileSync("aarch64-linux-gnu-nm", [path], { encoding: "utf8" }))![1]!, 16);
}

/** A PATH on which only this program is found. */
function pathWith(command: string, body: (path: string) => void): void {
  const found = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, command)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${command} is not installed; \`make setup\` installs it`);
  const directory = mkdtempSync(join(tmpdir(), "foliolab-symbolizer-"));
  try {
    symlinkSync(found, join(directory, command));
    body(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("source lines", () => {
  const path = compileC("lines", SOURCE, ["-static", "-g"]);

  it("name file and line of an address; addresses without a line are left out", () => {
    pathWith(ADDR2LINE, (directory) => {
      const symbolizer = findSymbolizer(directory)!;
      expect(symbolizer.tool).to.equal(ADDR2LINE);
      const [main, twice] = [addressOf(path, "main"), addressOf(path, "twice")];
      const lines = symbolizer.lines(path, [main, 16, twice]);
      expect([...lines.keys()]).to.deep.equal([main, twice]);
      expect(lines.get(main)).to.match(/^build\/test-guests\/lines-[0-9a-f]+\.c:2$/);
      expect(lines.get(twice)).to.match(/\.c:4$/);
    });
  });

  it("whatever is installed here gives the same answer", () => {
    const address = addressOf(path, "twice");
    expect(findSymbolizer()!.lines(path, [address]).get(address)).to.match(/^build\/test-guests\/lines-[0-9a-f]+\.c:4$/);
  });

  it("a file that is none has no lines", () => {
    expect(findSymbolizer()!.lines("package.json", [0x1000]).size).to.equal(0);
  });

  it("without a symbolizer there is none", () => {
    expect(findSymbolizer("")).to.equal(undefined);
  });
});
