/** The help text of `descriptor encode` names every word that the parser knows, and its examples work. */
import { expect } from "chai";
import { descriptorEncode } from "../../../lab/commands/descriptor.js";
import { ENCODE_HELP } from "../../../lab/descriptor/encode-help.js";

describe("help of descriptor encode", () => {
  it("names the words", () => {
    for (const word of ["page", "block", "table", "swap", "prot-none", "pa=", "attr=", "cont", "uffd-wp", "aptable", "exclusive", "poindex"]) expect(ENCODE_HELP).to.include(word);
  });

  it("has examples that work", () => {
    const examples = [...ENCODE_HELP.matchAll(/foliolab descriptor encode (.*)$/gm)].map(([, words]) => words!.split(" "));
    expect(examples).to.have.length(4);
    for (const words of examples) {
      const level = words.indexOf("--level");
      const options = level < 0 ? {} : { level: words[level + 1]! };
      const fields = level < 0 ? words : words.filter((_, i) => i !== level && i !== level + 1);
      expect(descriptorEncode(fields, options), words.join(" ")).to.match(/^0x[0-9a-f]{16}\n$/);
    }
  });
});
