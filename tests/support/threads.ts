/** Runs of the work-stealing pool under many seeds, each with its own interleaving of the threads. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { compileFor, guestProgram, LIBC_ROOTS, type Libc } from "./guest.js";
import { labRun } from "./lab-run.js";

const EXPECTED = "worksteal 3000 13c784d8c1e9adf4\n";

/** Tests over `seeds` seeds, starting with 1. Slices of a few hundred instructions put switches into the middle of everything. */
export function threadsAreRight(seeds: number): void {
  const dynamic = (libc: Libc): string => compileFor(libc, "dynamic", "worksteal-dynamic", readFileSync("guest-programs/worksteal.c", "utf8"));
  const cases = [
    { what: "glibc, static", program: () => guestProgram("worksteal"), config: {} },
    { what: "musl, static", program: () => guestProgram("worksteal", "musl"), config: {} },
    { what: "glibc, dynamic", program: () => dynamic("glibc"), config: { root: LIBC_ROOTS.glibc } },
    { what: "musl, dynamic", program: () => dynamic("musl"), config: { root: LIBC_ROOTS.musl } },
    { what: "glibc, static, three CPUs", program: () => guestProgram("worksteal"), config: { cpus: 3 } },
    { what: "glibc, static, random addresses, 16K pages", program: () => guestProgram("worksteal"), config: { aslr: true, pageSize: "16k" } as const },
  ];
  for (const { what, program, config } of cases) {
    it(`${what}: right for ${seeds} seeds, and not always by the same way`, async () => {
      const path = program();
      const instructions = new Set<number>();
      for (let seed = 1; seed <= seeds; seed++) {
        const { result, stdout } = await labRun(path, ["3000", "5"], { memory: 128 * 2 ** 20, quantum: 400, jitter: true, seed, ...config });
        expect([stdout, result.exit, result.memory.leakedFrames], `seed ${seed}`).to.deep.equal([EXPECTED, { code: 0 }, 0]);
        instructions.add(result.execution.instructions);
      }
      expect(instructions.size).to.be.greaterThan(1);
    });
  }
}
