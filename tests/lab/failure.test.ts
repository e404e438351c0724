/** What is not modelled, and what is broken, ends a run with one line. */
import { expect } from "chai";
import { ModelBug, NotModelled } from "../../emulator/arch/errors.js";
import { failureText, placeOf, withPlace } from "../../lab/failure.js";
import type { Machine } from "../../lab/machine.js";
import { foliolab } from "../support/cli.js";
import { compileC } from "../support/guest.js";

const machine = {
  engine: { counters: { instructions: 1234 } },
  kernel: {
    current: { comm: "cat", pid: 100, syscall: 233 },
    syscalls: { nameOf: (nr: number) => (nr === 233 ? "madvise" : "?") },
    processor: { registers: { pc: 0x400abcn } },
  },
} as unknown as Machine;

describe("failures", () => {
  it("name the program, the call, the instruction and the time", () => {
    expect(placeOf(machine)).to.equal("in cat (pid 100), in madvise(), pc 0x400abc, after 1234 instructions");
    const idle = { ...machine, kernel: { ...machine.kernel, current: undefined } } as unknown as Machine;
    expect(placeOf(idle)).to.equal("between two tasks, after 1234 instructions");
  });

  it("keep their kind and what was first", () => {
    const first = new NotModelled("thing");
    const placed = withPlace(first, machine);
    expect(placed).to.be.instanceOf(NotModelled);
    expect((placed as Error).cause).to.equal(first);
    expect(withPlace(new ModelBug("f: broken"), machine)).to.be.instanceOf(ModelBug);
    expect((withPlace(new RangeError("too long"), machine) as Error).message).to.match(/^RangeError: too long \(in cat/);
    expect(withPlace("text", machine)).to.equal("text");
  });

  it("are one line unless the stack is asked for", () => {
    expect(failureText(new NotModelled("a\n  b"), false)).to.equal("foliolab: not modelled: a b\n");
    expect(failureText(new ModelBug("f: c"), false)).to.equal("foliolab: internal error, please report it: f: c\n");
    expect(failureText(new ModelBug("f: c", { cause: new Error("origin") }), true)).to.match(/^foliolab: internal error, please report it: f: c\nError: origin\n +at /);
  });

  it("of a guest end the command line with one line and status 70", () => {
    // MADV_HWPOISON: what memory failure does is out of scope.
    const program = compileC("not-modelled", '#include <stdio.h>\n#include <sys/mman.h>\nint main(void) { char *p = mmap(0, 65536, 3, 0x22, -1, 0); *p = 1; puts("before"); fflush(stdout); madvise(p, 65536, 100); return 0; }');
    const { status, stderr, stdout } = foliolab(["run", "--quiet", "--", program]);
    expect(stdout).to.equal("before\n");
    expect(stderr).to.match(/^foliolab: not modelled: \S.* \(in not-modelled\S* \(pid 100\), in madvise\(\), pc 0x[0-9a-f]+, after \d+ instructions\)\n$/);
    expect(status).to.equal(70);
  });
});
