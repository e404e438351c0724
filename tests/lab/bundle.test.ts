/** The bundle runs with V8's code, without it, and with code that V8 refuses. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { loadBundle, type Bundle } from "../../lab/bundle.js";

interface Answer {
  readonly url: string;
  answer(): number;
}

const source = (answer: string): string => `(function(exports,require,module,bundleUrl){module.exports={url:bundleUrl,name:require("node:path").basename(bundleUrl),answer(){return ${answer}}}})`;

describe("loadBundle()", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-"));
    file = join(folder, "answer.cjs");
    writeFileSync(file, source("42"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("runs the file with its URL and what it requires", () => {
    const { exports, fromCode } = loadBundle<Answer>(file);
    expect({ ...exports, answer: exports.answer(), fromCode }).to.deep.equal({ url: pathToFileURL(file).href, name: "answer.cjs", answer: 42, fromCode: false });
  });

  /** The bundle under a name that V8 does not know from before in this process. */
  function elsewhere(text: string, code: string | Buffer): Bundle<Answer> {
    const other = join(mkdtempSync(join(folder, "other-")), "answer.cjs");
    writeFileSync(other, text);
    writeFileSync(`${other}.code`, code);
    return loadBundle(other);
  }

  it("takes the code that it gave out", () => {
    const first = loadBundle<Answer>(file);
    first.exports.answer();
    const again = elsewhere(source("42"), first.code());
    expect([again.fromCode, again.exports.answer()]).to.deep.equal([true, 42]);
  });

  it("compiles the file where V8 refuses the code", () => {
    // V8 knows code of another source by its length.
    for (const code of [loadBundle(file).code(), "no code"]) {
      const { fromCode, exports } = elsewhere(source("6 * 9"), code);
      expect([fromCode, exports.answer()]).to.deep.equal([false, 54]);
    }
  });
});

describe("the command line as it is built", () => {
  it("needs no parsing", () => {
    const [loader, file] = ["dist/lab/bundle.js", "dist/bundle/foliolab.cjs"].map((path) => JSON.stringify(join(process.cwd(), path)));
    const script = `import(${loader!}).then(({ loadBundle }) => console.log(loadBundle(${file!}).fromCode))`;
    expect(execFileSync(process.execPath, ["--eval", script], { encoding: "utf8" })).to.equal("true\n");
  });
});
