/** The three errors that code below lab/ throws: told apart by class and by name. */
import { expect } from "chai";
import { assertNever, ConfigError, ModelBug, NotModelled } from "../../../emulator/arch/errors.js";

describe("errors", () => {
  it("carry their class name, so that a report can say which of the three happened", () => {
    const made = [new ModelBug("f: x"), new NotModelled("f: y"), new ConfigError("z")];
    expect(made.map(({ name, message }) => [name, message])).to.deep.equal([
      ["ModelBug", "f: x"],
      ["NotModelled", "f: y"],
      ["ConfigError", "z"],
    ]);
    for (const error of made) {
      expect(error).to.be.instanceOf(Error);
      expect([ModelBug, NotModelled, ConfigError].filter((kind) => error instanceof kind), "one class each").to.have.length(1);
    }
    expect(String(made[1])).to.equal("NotModelled: f: y");
  });

  it("a switch that meets a case it does not know is a bug of the model, with place and value", () => {
    expect(() => assertNever({ reason: "new" } as never, "Cpu.run")).to.throw(ModelBug, 'Cpu.run: unexpected {"reason":"new"}');
  });
});
