/**
 * One program on two C libraries, statically and dynamically linked: the same output everywhere, under qemu-aarch64 and in the lab on both
 * engines, and a shared library that is loaded while the program runs.
 */
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { expect } from "chai";
import { ENGINE_NAMES } from "../../lab/config.js";
import { compileFor, LIBC_ROOTS, runQemu, type Libc } from "../support/guest.js";
import { labRun } from "../support/lab-run.js";

const source = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

const EXPECTED = `constructor, own 7
sorted 5000, grown 6022569390640583, aligned 1, zeroed 0
77 -42  3.14|left    |0000beef|0.10000000000000001|0x1.8p+0|+1.234568e+04|1e+100
5000 lines, 88120 bytes, at 88120, end 1
mapped line 0 0.00, removed 0
scanned 3 17 2500 word
No such file or directory -127 1e-10 -0.349993502171 1.09579799482
regex 0 2 5 10
glob 1 1
2001-09-09 01:46:40 252 Sun 1 1
fault 1 at 100
ticks 1
threads 8000 80000000, once 1, keys 10, own 34 7, reads 8000
cancelled 1
child 17 from the child 99, status 5, own 7
aborted 1
poll 0 1, address 0 80
`;
const LOADED = "library opens\nlibrary 112 118 125, unknown 1, closed 0\n";
const END = "atexit\ndestructor\n";

describe("a program that uses its C library", () => {
  for (const libc of ["glibc", "musl"] as const satisfies readonly Libc[]) {
    for (const linkage of ["static", "dynamic"] as const) {
      const program = (): string => compileFor(libc, linkage, "c-library", source("c-library.c"));
      const library = (): string => compileFor(libc, "shared library", "shared-library", source("shared-library.c"));
      const expected = `${EXPECTED}${linkage === "static" ? "" : LOADED}${END}`;

      it(`${libc}, ${linkage}, under qemu-aarch64`, () => {
        const { stdout, exit } = runQemu(program(), linkage === "static" ? [] : [library()], { sysroot: LIBC_ROOTS[libc] });
        expect([stdout, exit]).to.deep.equal([expected, { code: 3 }]);
      });

      for (const engine of ENGINE_NAMES) {
        it(`${libc}, ${linkage}, in the lab on ${engine}`, async () => {
          const run = (): ReturnType<typeof labRun> => {
            if (linkage === "static") return labRun(program(), [], { engine });
            const binds = [{ host: dirname(library()), guest: "/libraries", writable: false }];
            return labRun(program(), [`/libraries/${basename(library())}`], { engine, root: LIBC_ROOTS[libc], binds });
          };
          const { stdout, result } = await run();
          expect([stdout, result.exit, result.memory.leakedFrames]).to.deep.equal([expected, { code: 3 }, 0]);
        });
      }
    }
  }
});
