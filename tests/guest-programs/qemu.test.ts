/**
 * Every guest program under qemu-aarch64: the expectations describe what the programs do, not what foliolab does with them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect } from "chai";
import { guestProgram, type Libc, runQemu } from "../support/guest.js";
import { EXPECTATIONS } from "./expectations.js";

for (const libc of ["glibc", "musl"] as const satisfies readonly Libc[]) {
  describe(`guest programs with ${libc} under qemu-aarch64`, () => {
    for (const [name, expectations] of Object.entries(EXPECTATIONS)) {
      for (const { args, stdout, exit } of expectations) {
        const title = [name, ...args].join(" ");
        if (exit === "never") {
          it(`${title} runs until it is stopped`, async () => {
            const child = spawn("qemu-aarch64", [guestProgram(name, libc), ...args], { stdio: ["ignore", "pipe", "inherit"] });
            const [line] = (await once(child.stdout, "data")) as [Buffer];
            expect(line.toString()).to.equal(stdout);
            expect(child.exitCode).to.equal(null);
            child.kill("SIGTERM");
            const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
            expect({ code, signal }).to.deep.equal({ code: null, signal: "SIGTERM" });
          });
          continue;
        }
        it(title, () => {
          const result = runQemu(guestProgram(name, libc), args);
          expect({ stdout: result.stdout, exit: result.exit }, result.stderr).to.deep.equal({ stdout, exit });
        });
      }
    }

    it("a wrong argument is refused with a message", () => {
      for (const [name, argument] of [["seq", "12q"], ["seq", "-5"], ["list", "64"], ["touch", "99999999999999999999"]] as const) {
        const result = runQemu(guestProgram(name, libc), [argument]);
        expect(result.exit).to.deep.equal({ code: 1 });
        expect(result.stderr).to.contain(argument);
        expect(result.stdout).to.equal("");
      }
    });
  });
}
