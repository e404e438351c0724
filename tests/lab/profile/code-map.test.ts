/** What stands at a PC: file, function, instruction; for static and position-independent programs, shared libraries, vDSO and made code. */
import { execFileSync } from "node:child_process";
import { expect } from "chai";
import type { Analysis } from "../../../lab/analysis.js";
import { CodeMap, type CodePlace, type Location } from "../../../lab/profile/code-map.js";
import type { Machine } from "../../../lab/machine.js";
import { Profiler } from "../../../lab/profile/profiler.js";
import { compileC } from "../../support/guest.js";
import { labRun } from "../../support/lab-run.js";

const SOURCE = `
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <stdio.h>
__attribute__((noinline)) int churn(volatile char *p) { int n = 0; for (int i = 0; i < 400; i++) n += p[i * 4096]++; return n; }
int main(void) {
  char *p = mmap(0, 400 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int n = churn(p) + churn(p);
  unsigned *code = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  code[1024] = 0xd65f03c0; /* ret, on the second page */
  __builtin___clear_cache((char *)code, (char *)code + 8192);
  ((void (*)(void))(code + 1024))();
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  printf("%d\\n", n);
  return 0;
}`;

async function locations(flags: readonly string[], config: Parameters<typeof labRun>[2] = {}): Promise<{ place: CodePlace; location: Location; l1d: number }[]> {
  const profiler = new Profiler();
  const { result } = await labRun(compileC("places", SOURCE, flags), [], config, [profiler]);
  expect(result.exit).to.deep.equal({ code: 0 });
  const { pcs, code } = profiler.profile();
  return pcs.map(({ place, l1d }) => ({ place, location: code.locate(place), l1d }));
}

describe("CodeMap", () => {
  for (const [name, flags] of [["static", ["-static"]], ["static-pie", ["-static-pie"]]] as const) {
    it(`${name}: function, offset and instruction of the code that misses`, async () => {
      const found = await locations(flags);
      const path = compileC("places", SOURCE, flags);
      const churn = found.filter(({ location }) => location.function === "churn").sort((a, b) => b.l1d - a.l1d)[0]!;
      expect(churn.l1d).to.be.at.least(400);
      const start = parseInt(/^([0-9a-f]+) T churn$/m.exec(execFileSync("aarch64-linux-gnu-nm", [path], { encoding: "utf8" }))![1]!, 16);
      expect(churn.location.address).to.equal(start + churn.location.offset);
      const text = execFileSync("aarch64-linux-gnu-objdump", ["-d", "--disassemble=churn", path], { encoding: "utf8" });
      const word = new RegExp(`^ +${churn.location.address!.toString(16)}:\\t([0-9a-f]{8})`, "m").exec(text)![1]!;
      expect(churn.location.instruction).to.equal(parseInt(word, 16));
    });
  }

  it("shared libraries have their own symbols", async () => {
    const found = await locations([], { root: "/usr/aarch64-linux-gnu", binds: [{ host: "build", guest: "/build", writable: false }] });
    const modules = new Set(found.map(({ location }) => location.module));
    expect([...modules].filter((module) => /libc\.so|ld-linux/.test(module)).length).to.equal(2);
    const libc = found.filter(({ location }) => /libc\.so/.test(location.module)).map(({ location }) => location.function);
    expect(libc).to.include("printf");
  });

  it("code made at run time has no function; the vDSO is named", async () => {
    const found = await locations(["-static"]);
    const made = found.find(({ location }) => location.module === "[anon]")!;
    expect(made.location).to.include({ function: "[anon]", instruction: 0xd65f03c0, address: undefined });
    expect(found.find(({ location }) => location.module === "[vdso]")?.location.function).to.equal("__kernel_clock_gettime");
  });

  it("no PC is the kernel's place; an unmapped one too", async () => {
    const map = new CodeMap();
    const names: string[] = [];
    const looker: Analysis = {
      sampleEvery: 1000,
      sample(machine: Machine) {
        const mm = machine.kernel.currentMm();
        for (const pc of [0, 0x1000]) names.push(map.locate(map.place(mm, pc)).function);
      },
    };
    await labRun(compileC("places", SOURCE, ["-static"]), [], {}, [looker]);
    expect(new Set(names)).to.deep.equal(new Set(["[kernel]"]));
  });
});
