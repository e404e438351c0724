/* The command line as a user meets it: help, one line for bad input with status 2, the guest's own status. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { compileC, guestProgram } from "../support/guest.js";
import { foliolab } from "../support/cli.js";

describe("foliolab", function () {
  this.timeout(300_000);
  let folder: string;
  const put = (name: string, bytes: Uint8Array | string): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes, { mode: 0o755 });
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("shows help that names every command, and options per command", () => {
    const help = foliolab(["--help"]);
    expect(help.status).to.equal(0);
    for (const command of ["run", "compare", "ptdump", "maps", "smaps", "cores"]) expect(help.stdout).to.match(new RegExp(`^  ${command}\\b`, "m"));
    const run = foliolab(["run", "--help"]);
    expect(run.status).to.equal(0);
    for (const option of ["--page-size", "--contpte", "--thp", "--fs", "--core", "--memory", "--root", "--bind", "--env", "--engine", "--seed", "--max-instructions", "--timeout", "--json", "--quiet"]) {
      expect(run.stdout, option).to.include(option);
    }
  });

  it("shows the help of a command that lacks the one that follows it", () => {
    for (const [args, usage] of [[[], "Usage: foliolab [options] [command]\n"], [["descriptor"], "Usage: foliolab descriptor "]] as const) {
      const { status, stdout, stderr } = foliolab(args);
      expect([status, stderr, stdout.slice(0, usage.length)]).to.deep.equal([2, "", usage]);
    }
  });

  /** Bad input: one line on stderr, nothing on stdout, status 2. */
  function refused(args: readonly string[], ...mentions: string[]): void {
    const { status, stdout, stderr } = foliolab(args);
    expect(stderr, args.join(" ")).to.match(/^foliolab: [^\n]+\n$/);
    for (const mention of mentions) expect(stderr).to.include(mention);
    expect(stdout).to.equal("");
    expect(status).to.equal(2);
  }

  it("answers bad options in one line", () => {
    const hello = guestProgram("hello");
    refused(["run", "--bogus", "--", hello], "--bogus");
    refused(["run"], "program");
    refused(["frobnicate"], "frobnicate");
    refused(["run", "--core", "cortex-z9", "--", hello], "cortex-z9");
    refused(["run", "--page-size", "8k", "--", hello], "--page-size");
    refused(["run", "--thp", "64k=always", "--page-size", "64k", "--", hello], "--thp");
    refused(["run", "--page-size", "16k", "--core", "cortex-a72", "--", hello], "cortex-a72");
    refused(["run", "--json", join(folder, "no", "such.json"), "--", hello], "--json");
    refused(["compare", "--configs", "4k,5k", "--", hello], "5k");
    refused(["cores", "cortex-z9"], "cortex-z9");
  });

  it("answers programs that cannot run in one line that names the file", () => {
    const header = (bits: number, machine: number): Uint8Array => {
      const bytes = new Uint8Array(64);
      bytes.set([0x7f, 0x45, 0x4c, 0x46, bits, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, machine % 256, machine >> 8]);
      return bytes;
    };
    const dynamic = compileC("dynamic", "int main(void) { return 0; }", []);
    for (const [path, why] of [
      [put("text", "hello\n"), "ELF"],
      [put("x86", header(2, 62)), "x86-64"],
      [put("arm32", header(1, 40)), "32-bit Arm"],
      [put("truncated", header(2, 183)), ""],
      [join(folder, "none"), "no such file"],
      [folder, "directory"],
      [dynamic, "/lib/ld-linux-aarch64.so.1"],
    ] as const) {
      refused(["run", "--", path], path, why);
    }
  });

  it("ends with the guest's status, or 128 + signal", () => {
    const crash = guestProgram("crash");
    expect(foliolab(["run", "--quiet", "--", crash, "exit", "42"]).status).to.equal(42);
    expect(foliolab(["run", "--quiet", "--", crash, "segv-null"]).status).to.equal(139);
    expect(foliolab(["run", "--quiet", "--", crash, "ill"]).status).to.equal(132);
    expect(foliolab(["run", "--quiet", "--", crash, "abort"]).status).to.equal(134);
  });

  it("keeps guest output on stdout, the summary on stderr, and JSON where it is asked for", () => {
    const plain = foliolab(["run", "--", guestProgram("hello")]);
    expect(plain.stdout).to.equal("hello\n");
    expect(plain.stderr).to.match(/^program /).and.to.match(/^faults /m);
    const file = join(folder, "result.json");
    const quiet = foliolab(["run", "--quiet", "--json", file, "--", guestProgram("hello")]);
    expect(quiet).to.deep.include({ stdout: "hello\n", stderr: "", status: 0 });
    expect(existsSync(file)).to.equal(true);
    const { stdout } = foliolab(["run", "--quiet", "--json", "-", "--", guestProgram("hello")]);
    expect(stdout.startsWith("hello\n{")).to.equal(true);
    expect((JSON.parse(stdout.slice("hello\n".length)) as { schema: string }).schema).to.equal("foliolab/run/1");
  });

  it("passes standard input and the environment on, and shows the working directory read-only", () => {
    const program = compileC(
      "surroundings",
      `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
int main(void)
{
	char line[100];
	while (fgets(line, sizeof line, stdin)) printf("in: %s", line);
	printf("env: %s\\n", getenv("COLOUR") ? getenv("COLOUR") : "none");
	FILE *f = fopen("data.txt", "r");
	printf("file: %s", f && fgets(line, sizeof line, f) ? line : "none\\n");
	f = fopen("new.txt", "w");
	if (f) { fputs("kept in memory\\n", f); fclose(f); f = fopen("new.txt", "r"); }
	printf("new: %s", f && fgets(line, sizeof line, f) ? line : "none\\n");
	f = fopen("/etc/passwd", "r");
	printf("outside: %s\\n", f ? "visible" : strerror(errno));
	return 0;
}
`,
      ["-static"],
    );
    put("data.txt", "from the host\n");
    const { stdout, status } = foliolab(["run", "--quiet", "--env", "COLOUR=blue", "--", program], { cwd: folder, input: "a\nb\n" });
    expect(stdout).to.equal("in: a\nin: b\nenv: blue\nfile: from the host\nnew: kept in memory\noutside: No such file or directory\n");
    expect(status).to.equal(0);
    expect(existsSync(join(folder, "new.txt"))).to.equal(false);
  });
});
