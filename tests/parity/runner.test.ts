/**
 * The parity runner: what it compares, and a few dynamically linked programs of a small sysroot in the lab and under qemu. The whole table is in
 * parity.slow.ts.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { configsFor, differences, filesBelow, LAB_CONFIGS, programPath, runLab, runQemu, writeQemuScripts, type Observation, type Places } from "../../parity/runner.js";
import type { ParityEntry } from "../../parity/entry.js";
import { PROGRAMS } from "../../parity/programs.js";

const folder = resolve("build/tests/parity");

const seen = (change: Partial<Record<"stdout" | "stderr", string>> & Partial<Pick<Observation, "exit" | "files">>): Observation => ({
  stdout: Buffer.from(change.stdout ?? ""),
  stderr: Buffer.from(change.stderr ?? ""),
  exit: change.exit ?? 0,
  files: change.files ?? new Map<string, string>(),
  seconds: 0,
});

describe("parity: comparison", () => {
  it("finds no difference between equals", () => {
    expect(differences(seen({ stdout: "a", files: new Map([["f", "x"]]) }), seen({ stdout: "a", files: new Map([["f", "x"]]) }))).to.deep.equal([]);
  });

  it("names the exit status, the first byte that differs, and files on one side", () => {
    const qemu = seen({ stdout: "one\ntwo\n", stderr: "", exit: 1, files: new Map([["a", "file 1"], ["b", "file 2"]]) });
    const lab = seen({ stdout: "one\ntwx\n", stderr: "e", exit: 139, files: new Map([["b", "file 3"], ["c", "file 4"]]) });
    expect(differences(qemu, lab)).to.deep.equal([
      "exit: qemu 1, lab 139",
      String.raw`stdout at byte 6: qemu "two\n", lab "twx\n"`,
      `stderr at byte 0: qemu "", lab "e"`,
      "a: qemu file 1, lab missing",
      "b: qemu file 2, lab file 3",
      "c: qemu missing, lab file 4",
    ]);
  });

  it("finds output that is only longer", () => {
    expect(differences(seen({ stdout: "a" }), seen({ stdout: "ab" }))).to.have.length(1);
  });

  it("describes files by permissions, size and contents, links by their target", () => {
    const place = join(folder, "files");
    rmSync(place, { recursive: true, force: true });
    mkdirSync(join(place, "d"), { recursive: true });
    writeFileSync(join(place, "d", "f"), "hello\n");
    chmodSync(join(place, "d", "f"), 0o640);
    chmodSync(join(place, "d"), 0o700);
    symlinkSync("d/f", join(place, "l"));
    expect([...filesBelow(place)]).to.deep.equal([["d", "directory 700"], ["d/f", "file 640, 6 bytes, 5891b5b522d5df08"], ["l", "link to d/f"]]);
  });

  it("an entry that relies on pages of 4K runs with these only", () => {
    const names = (entry: Pick<ParityEntry, "only4k">): string[] => configsFor({ name: "a", argv: [], ...entry }, LAB_CONFIGS).map(({ name }) => name);
    expect([names({}), names({ only4k: true })]).to.deep.equal([["4k+contpte", "16k+contpte", "64k"], ["4k+contpte"]]);
  });

  it("the table has at least forty programs, each with a name of its own", () => {
    expect(new Set(PROGRAMS.map(({ argv }) => argv[0])).size).to.be.at.least(40);
    expect(new Set(PROGRAMS.map(({ name }) => name)).size).to.equal(PROGRAMS.length);
  });
});

describe("parity: programs of a small sysroot", () => {
  const places: Places = { sysroot: resolve("build/sysroot-small"), build: folder };
  let scripts: string;
  before(function () {
    // The first time it downloads some megabytes.
    this.timeout(600_000);
    execFileSync("scripts/fetch-sysroot.sh", [places.sysroot, "coreutils", "dash", "grep"], { stdio: ["ignore", "ignore", "inherit"] });
    scripts = writeQemuScripts(places);
  });

  it("programs are found by name, and what is not there is refused", () => {
    expect([programPath(places, "sort"), programPath(places, "./x")]).to.deep.equal(["/usr/bin/sort", "./x"]);
    expect(() => programPath(places, "no-such-program")).to.throw("not in the sysroot");
  });

  for (const [index, name] of ["ls", "sha256sum-small", "sort", "grep", "dash", "cp-mv-rm"].entries()) {
    const config = LAB_CONFIGS[index % LAB_CONFIGS.length]!;
    it(`${name} under ${config.name}`, () => {
      const entry = name === "sha256sum-small" ? { name, argv: ["sha256sum", "a"], files: { a: "x".repeat(100_000) } } : PROGRAMS.find((program) => program.name === name)!;
      const qemu = runQemu(places, scripts, entry);
      expect(qemu.exit, qemu.stderr.toString()).to.be.oneOf([0, 4]);
      expect(differences(qemu, runLab(places, resolve("bin/foliolab"), config, entry))).to.deep.equal([]);
    });
  }
});
