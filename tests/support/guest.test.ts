/**
 * The helpers that make and run guest programs in tests.
 */
import { statSync } from "node:fs";
import { expect } from "chai";
import { compileAssembly, compileC, guestProgram, runQemu } from "./guest.js";

describe("guest programs in tests", () => {
  it("compiles C once and runs it with input, arguments and status", () => {
    const source = `
      #include "guest.h"
      int main(int argc, char **argv) { char word[16] = ""; if (scanf("%15s", word) != 1) fail("no input"); printf("%s %s\\n", argv[argc - 1], word); return 9; }`;
    const program = compileC("echo", source);
    const built = statSync(program).mtimeMs;
    expect(compileC("echo", source)).to.equal(program);
    expect(statSync(program).mtimeMs).to.equal(built);
    expect(runQemu(program, ["a", "b"], { input: "word\n" })).to.deep.equal({ exit: { code: 9 }, stdout: "b word\n", stderr: "" });
  });

  it("links dynamically if asked, against the cross C library", () => {
    const program = compileC("dynamic", '#include <stdio.h>\nint main(void) { puts("dynamic"); return 0; }', []);
    expect(runQemu(program, []).stdout).to.equal("dynamic\n");
  });

  it("assembles a program without a C library", () => {
    const program = compileAssembly("exit42", ".global _start\n_start:\n  mov x0, #42\n  mov x8, #93\n  svc #0");
    expect(runQemu(program, []).exit).to.deep.equal({ code: 42 });
  });

  it("reports a signal by its name", () => {
    const program = compileAssembly("udf", ".global _start\n_start:\n  udf #0");
    expect(runQemu(program, []).exit).to.deep.equal({ signal: "SIGILL" });
  });

  it("says what the compiler or make refused", () => {
    expect(() => compileC("broken", "int main(void) { return missing; }")).to.throw(/missing/);
    expect(() => guestProgram("no-such-program")).to.throw(/make .*no-such-program failed/);
  });
});
