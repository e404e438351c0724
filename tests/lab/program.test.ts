/* What is no AArch64 program is refused in one line that names the file. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { DEFAULT_CONFIG } from "../../lab/config.js";
import { loadProgram } from "../../lab/program.js";

/** The first 64 bytes of an ELF file: class, data, machine. */
function elfHeader(bits: 1 | 2, data: 1 | 2, machine: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits, data, 1]);
  bytes[18] = machine % 256;
  bytes[19] = Math.floor(machine / 256);
  return bytes;
}

describe("loadProgram", () => {
  let folder: string;
  const put = (name: string, bytes: Uint8Array | string): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "foliolab-"));
    mkdirSync(join(folder, "bin"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("reads a 64-bit little-endian Arm program", () => {
    const program = loadProgram(put("good", elfHeader(2, 1, 183)), DEFAULT_CONFIG);
    expect(program.guestPath).to.equal(join(folder, "good"));
    expect(program.bytes).to.have.length(64);
  });

  it("lets the kernel judge scripts", () => {
    expect(loadProgram(put("script", "#!/bin/sh\n"), DEFAULT_CONFIG).insideRoot).to.equal(false);
  });

  it("looks for an absolute path below --root first", () => {
    put("bin/tool", elfHeader(2, 1, 183));
    const program = loadProgram("/bin/tool", { ...DEFAULT_CONFIG, root: folder });
    expect(program).to.include({ guestPath: "/bin/tool", insideRoot: true });
  });

  it("finds programs of a bind by either path", () => {
    const host = put("bin/bound", elfHeader(2, 1, 183));
    const config = { ...DEFAULT_CONFIG, root: join(folder, "nothing"), binds: [{ host: join(folder, "bin"), guest: "/shown", writable: true }] };
    for (const path of ["/shown/bound", host]) expect(loadProgram(path, config)).to.include({ hostPath: path, argv0: path, guestPath: "/shown/bound", insideRoot: true });
    expect(loadProgram(put("elsewhere", elfHeader(2, 1, 183)), config)).to.include({ insideRoot: false, guestPath: join(folder, "elsewhere") });
  });

  it("names the real directory of a program, and the program as it was called", () => {
    put("bin/real", elfHeader(2, 1, 183));
    symlinkSync("real", join(folder, "bin/called"));
    symlinkSync("bin", join(folder, "way"));
    expect(loadProgram(join(folder, "way/called"), DEFAULT_CONFIG)).to.include({ guestPath: join(realpathSync(folder), "bin/called"), argv0: join(folder, "way/called") });
  });

  const refused: readonly [string, Uint8Array, string][] = [
    ["empty", new Uint8Array(0), "empty"],
    ["text", new TextEncoder().encode("hello world, not a program"), "not an ELF"],
    ["short", elfHeader(2, 1, 183).subarray(0, 10), "truncated"],
    ["x86", elfHeader(2, 1, 62), "x86-64"],
    ["arm32", elfHeader(1, 1, 40), "32-bit Arm"],
    ["riscv", elfHeader(2, 1, 243), "RISC-V"],
    ["big", elfHeader(2, 2, 183), "big-endian"],
    ["ilp32", elfHeader(1, 1, 183), "32-bit"],
  ];
  for (const [name, bytes, why] of refused) {
    it(`refuses ${name}: ${why}`, () => {
      const path = put(name, bytes);
      expect(() => loadProgram(path, DEFAULT_CONFIG))
        .to.throw(ConfigError)
        .with.property("message")
        .that.satisfies((text: string) => text.startsWith(path) && text.includes(why) && !text.includes("\n"));
    });
  }

  it("refuses what is not there, and directories", () => {
    expect(() => loadProgram(join(folder, "none"), DEFAULT_CONFIG)).to.throw(ConfigError, "no such file");
    expect(() => loadProgram(folder, DEFAULT_CONFIG)).to.throw(ConfigError, "is a directory");
  });
});
