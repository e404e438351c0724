/* Whole runs: real programs under every configuration print what qemu-aarch64 prints, and the result keeps its contract. */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { DEFAULT_CONFIG, NAMED_CONFIGS, namedConfig, parseConfig, type ConfigOptions, type RunConfig } from "../../lab/config.js";
import { loadProgram } from "../../lab/program.js";
import type { RunResult } from "../../lab/result.js";
import { runProgram } from "../../lab/run.js";
import { EXPECTATIONS } from "../guest-programs/expectations.js";
import { compileC, guestProgram, runQemu } from "../support/guest.js";

interface LabRun {
  readonly result: RunResult;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(path: string, args: readonly string[] = [], config: RunConfig = DEFAULT_CONFIG, stdin = ""): Promise<LabRun> {
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  let unread = Buffer.from(stdin);
  const result = await runProgram({
    config,
    program: loadProgram(path, config),
    args,
    stdout: (bytes) => out.push(bytes.slice()),
    stderr: (bytes) => err.push(bytes.slice()),
    stdin(most) {
      if (unread.length === 0) return undefined;
      const part = unread.subarray(0, most);
      unread = unread.subarray(part.length);
      return part;
    },
  });
  return { result, stdout: Buffer.concat(out).toString("latin1"), stderr: Buffer.concat(err).toString("latin1") };
}

const guest = (name: string, args: readonly string[], options: ConfigOptions = {}): Promise<LabRun> => run(guestProgram(name), args, parseConfig(options));

describe("guest programs in the lab", function () {
  this.timeout(600_000);
  const cases = Object.entries(EXPECTATIONS).flatMap(([program, list]) => list.map((expectation) => ({ program, ...expectation })));
  for (const { program, args, stdout, exit } of cases) {
    if (exit === "never") continue;
    for (const name of ["4k", "4k+contpte", "16k+contpte", "64k"]) {
      it(`${program} ${args.join(" ")} under ${name}`, async () => {
        const { result, stdout: printed } = await run(guestProgram(program), args, namedConfig(DEFAULT_CONFIG, name));
        expect(printed).to.equal(stdout);
        expect(result.exit).to.deep.equal(exit);
        expect(result.memory.leakedFrames).to.equal(0);
      });
    }
  }
});

/** Other people's kind of program: floating point, stdio, qsort, realloc, locale, environment. */
const VARIETY = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <unistd.h>
static int up(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(int argc, char **argv)
{
	double sum = 0;
	for (int i = 1; i < 1000; i++) sum += 1.0 / i / i;
	printf("%d %s %a %.17g\\n", argc, argc > 1 ? argv[1] : "-", sum, sum);
	int *p = malloc(40000 * sizeof *p);
	unsigned x = 1;
	for (int i = 0; i < 40000; i++) { x = x * 1664525 + 1013904223; p[i] = x >> 8; }
	qsort(p, 40000, sizeof *p, up);
	printf("%d %d\\n", p[0], p[39999]);
	char *q = realloc(p, 8 << 20);
	memset(q, 1, 8 << 20);
	free(q);
	printf("%s\\n", strerror(ENOENT));
	char line[64];
	while (fgets(line, sizeof line, stdin)) printf("in: %s", line);
	fprintf(stderr, "to stderr\\n");
	return 7;
}
`;

describe("runProgram", function () {
  this.timeout(600_000);

  it("prints and returns what qemu-aarch64 does, under all seven configurations", async () => {
    const program = compileC("variety", VARIETY, ["-O2", "-static"]);
    const input = "one\ntwo\n";
    const real = runQemu(program, ["x \u00e4\u20ac"], { input });
    for (const name of Object.keys(NAMED_CONFIGS)) {
      const lab = await run(program, ["x \u00e4\u20ac"], namedConfig(DEFAULT_CONFIG, name), input);
      expect(Buffer.from(lab.stdout, "latin1").toString(), name).to.equal(real.stdout);
      expect(lab.stderr, name).to.equal(real.stderr);
      expect(lab.result.exit, name).to.deep.equal({ code: 7 });
      expect(lab.result.memory.leakedFrames, name).to.equal(0);
    }
  });

  it("gives a result that its schema accepts, equal on repetition but for seconds", async () => {
    const validate = new Ajv2020().compile(JSON.parse(readFileSync("docs/run.schema.json", "utf8")) as object);
    const options = { thp: ["64k=always"], core: "neoverse-n1,cortex-a72" };
    const first = (await guest("mallocchurn", [], options)).result;
    const second = (await guest("mallocchurn", [], options)).result;
    expect(validate(first), JSON.stringify(validate.errors)).to.equal(true);
    const timeless = (result: RunResult): object => ({ ...result, execution: { ...result.execution, seconds: 0 } });
    expect(timeless(first)).to.deep.equal(timeless(second));
    expect(Object.keys(first.tlb)).to.deep.equal(["neoverse-n1", "cortex-a72"]);
  });

  const small = 64;
  for (const [name, faults] of [
    ["4k", 102400],
    ["4k+mthp", 6400],
    ["4k+contpte", 6400],
    ["16k", 25600],
    ["64k", 6400],
  ] as const) {
    it(`a touch of every page of 400 MiB costs ${faults} faults and a few under ${name}`, async () => {
      const { result } = await run(guestProgram("touch"), ["400m"], namedConfig(DEFAULT_CONFIG, name));
      expect(result.faults.minor - faults).to.be.within(0, small);
    });
  }

  it("a sequential scan misses the L1D 16 times less with contpte, and no less with 64K folios alone", async () => {
    const misses = async (name: string): Promise<number> => (await run(guestProgram("scan"), ["64m", "2"], namedConfig(DEFAULT_CONFIG, name))).result.tlb["neoverse-n1"]!.l1d.misses;
    const plain = await misses("4k");
    const folios = await misses("4k+mthp");
    const contpte = await misses("4k+contpte");
    expect(folios / plain).to.be.within(0.99, 1.01);
    expect(plain / contpte).to.be.within(15.5, 16.1);
  });

  it("ends a runaway guest by its instruction limit and still reports", async () => {
    const { result } = await guest("spin", [], { maxInstructions: "3000000" });
    expect(result).to.deep.include({ exit: { signal: "SIGKILL" }, stoppedBy: "max-instructions" });
    expect(result.execution.instructions).to.be.within(3_000_000, 3_100_000);
    expect(result.memory.leakedFrames).to.equal(0);
  });

  it("ends a runaway guest by time-out and still reports", async () => {
    const { result } = await guest("spin", [], { timeout: "0.5" });
    expect(result).to.deep.include({ exit: { signal: "SIGKILL" }, stoppedBy: "timeout" });
    expect(result.memory.leakedFrames).to.equal(0);
  });

  it("hands the first interrupt to the guest, which dies of it", async () => {
    let slices = 0;
    const result = await runProgram({
      config: DEFAULT_CONFIG,
      program: loadProgram(guestProgram("spin"), DEFAULT_CONFIG),
      args: [],
      stdout: () => undefined,
      stderr: () => undefined,
      stdin: () => undefined,
      interrupts: () => (++slices > 2 ? 1 : 0),
    });
    expect(result.exit).to.deep.equal({ signal: "SIGINT" });
    expect(result.stoppedBy).to.equal(null);
  });

  const crashes: readonly [string, string, RegExp][] = [
    ["segv-null", "SIGSEGV", /./],
    ["segv-write-text", "SIGSEGV", /./],
    ["ill", "SIGILL", /./],
  ];
  for (const [kind, signal, reason] of crashes) {
    it(`reports ${kind} with pc, reason and instruction`, async () => {
      const { result } = await guest("crash", [kind]);
      expect(result.exit).to.deep.equal({ signal });
      expect(result.crash).to.include({ signal });
      expect(result.crash!.pc).to.match(/^0x[0-9a-f]+$/);
      expect(result.crash!.reason).to.match(reason);
      expect(result.crash!.instruction).to.be.a("string").and.not.equal("");
      expect(result.memory.leakedFrames).to.equal(0);
    });
  }
});
