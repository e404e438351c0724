/* Help texts: every option and command that an example uses exists. */
import { expect } from "chai";
import { buildCli } from "../../lab/cli.js";
import * as help from "../../lab/help.js";

describe("help texts", () => {
  const cli = buildCli(() => undefined);

  for (const [name, text] of Object.entries(help)) {
    it(`${name}: examples are commands of foliolab with options that they have`, () => {
      const examples = [...text.matchAll(/^ +foliolab ([a-z]+)(.*)$/gm)];
      expect(examples.length).to.be.greaterThan(0);
      for (const [line, command, rest] of examples) {
        const found = cli.commands.find((each) => each.name() === command);
        expect(found, line).to.not.equal(undefined);
        for (const [option] of (rest ?? "").replace(/ -- .*/, "").matchAll(/--[a-z-]+/g)) expect(found!.options.map(({ long }) => long), line).to.include(option);
      }
      for (const line of text.split("\n")) expect(line.length, line).to.be.at.most(150);
    });
  }
});
