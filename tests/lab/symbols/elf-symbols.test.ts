/**
 * Functions of ELF files: compared with nm and readelf on real programs, then damaged files.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { ElfSymbols } from "../../../lab/symbols/elf-symbols.js";
import { compileAssembly, compileC, guestProgram } from "../../support/guest.js";
import { seededRandom } from "../../support/seed.js";

const SOURCE = `
#include <stdio.h>
__attribute__((noinline)) static int helper(int x) { return x * 3; }
__attribute__((noinline)) int visible(int x) { return helper(x) + 1; }
int main(int argc, char **argv) { printf("%d\\n", visible(argc)); (void)argv; return 0; }
`;

/** Name, address and size of the functions that nm lists. */
function nm(path: string): { readonly name: string; readonly address: number; readonly size: number }[] {
  const text = execFileSync("aarch64-linux-gnu-nm", ["-S", "--defined-only", path], { encoding: "utf8", maxBuffer: 2 ** 26 });
  return [...text.matchAll(/^([0-9a-f]{16}) ([0-9a-f]{16}) [tTwWi] (\S+)$/gm)].map(([, address, size, name]) => ({ name: name!, address: parseInt(address!, 16), size: parseInt(size!, 16) }));
}

function symbolsOf(path: string): ElfSymbols {
  return ElfSymbols.read(readFileSync(path));
}

describe("ElfSymbols", () => {
  it("finds every function of a static program at its first and its last instruction", () => {
    const path = guestProgram("gups");
    const symbols = symbolsOf(path);
    const functions = nm(path);
    expect(functions.length).to.be.greaterThan(500);
    const names = new Map<number, Set<string>>();
    for (const { name, address } of functions) names.set(address, (names.get(address) ?? new Set()).add(name));
    for (const { address } of functions) {
      const found = symbols.at(address);
      expect(found?.offset, address.toString(16)).to.equal(0);
      expect(names.get(address), address.toString(16)).to.include(found!.name);
    }
    const main = functions.find(({ name }) => name === "main")!;
    expect(symbols.at(main.address + main.size - 4)).to.deep.equal({ name: "main", offset: main.size - 4 });
  });

  it("offsets in the file are the program headers' view of them, for position-independent programs too", () => {
    for (const flags of [["-static"], ["-pie"], ["-static-pie"]]) {
      const path = compileC("symbols", SOURCE, flags);
      const symbols = symbolsOf(path);
      const { address } = nm(path).find(({ name }) => name === "visible")!;
      const headers = execFileSync("aarch64-linux-gnu-readelf", ["-lW", path], { encoding: "utf8" });
      const load = [...headers.matchAll(/LOAD +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+)/g)].map((m) => m.slice(1).map((hex) => parseInt(hex, 16)));
      const [offset, start] = load.find(([, from, size]) => address >= from! && address < from! + size!)!;
      expect(symbols.addressOf(address - start! + offset!), flags.join()).to.equal(address);
      expect(symbols.at(address)).to.deep.equal({ name: "visible", offset: 0 });
      expect(symbols.at(nm(path).find(({ name }) => name === "helper")!.address)?.name, "a static function").to.equal("helper");
    }
  });

  it("a stripped library still has its dynamic symbols, and code without a symbol its section", () => {
    const libc = "/usr/aarch64-linux-gnu/lib/libc.so.6";
    const symbols = symbolsOf(libc);
    const text = execFileSync("aarch64-linux-gnu-nm", ["-D", "--defined-only", libc], { encoding: "utf8" });
    const [, printf] = /^([0-9a-f]{16}) T printf@@/m.exec(text)!;
    expect(symbols.at(parseInt(printf!, 16))?.name).to.be.oneOf(["printf", "_IO_printf"]);
    const path = compileC("symbols", SOURCE, ["-pie"]);
    const sections = execFileSync("aarch64-linux-gnu-readelf", ["-SW", path], { encoding: "utf8" });
    const [, plt] = /\.plt +PROGBITS +([0-9a-f]+)/.exec(sections)!;
    expect(symbolsOf(path).at(parseInt(plt!, 16) + 20)).to.deep.equal({ name: "(.plt)", offset: 20 });
  });

  it("labels of assembly have no size and reach to the next label", () => {
    const path = compileAssembly("labels", ".globl _start\n_start: mov x0, #0\n1: mov x8, #93\nsecond: svc #0\n nop");
    const symbols = symbolsOf(path);
    const start = parseInt(/^([0-9a-f]+) T _start$/m.exec(execFileSync("aarch64-linux-gnu-nm", [path], { encoding: "utf8" }))![1]!, 16);
    expect([0, 4, 8, 12].map((at) => symbols.at(start + at))).to.deep.equal([
      { name: "_start", offset: 0 },
      { name: "_start", offset: 4 },
      { name: "second", offset: 0 },
      { name: "second", offset: 4 },
    ]);
    expect(symbols.at(start + 0x100000)).to.equal(undefined);
  });

  it("says whether there are source lines", () => {
    expect(symbolsOf(compileC("lines", SOURCE, ["-static", "-g"])).hasLines).to.equal(true);
    expect(symbolsOf(compileC("symbols", SOURCE, ["-pie"])).hasLines).to.equal(false);
  });

  it("C++ names stay as they are", () => {
    const path = compileAssembly("mangled", ".globl _start\n_start: nop\n.globl _ZN3Foo3barEi\n.type _ZN3Foo3barEi, %function\n_ZN3Foo3barEi: ret\n.size _ZN3Foo3barEi, 4");
    const symbols = symbolsOf(path);
    const start = parseInt(/^([0-9a-f]+) T _start$/m.exec(execFileSync("aarch64-linux-gnu-nm", [path], { encoding: "utf8" }))![1]!, 16);
    expect(symbols.at(start + 4)?.name).to.equal("_ZN3Foo3barEi");
  });

  it("what is no ELF file, or a damaged one, has no or fewer symbols and breaks nothing", () => {
    expect(ElfSymbols.read(new Uint8Array()).count).to.equal(0);
    expect(ElfSymbols.read(Buffer.from("#!/bin/sh\n".padEnd(100))).count).to.equal(0);
    const sound = readFileSync(compileC("symbols", SOURCE, ["-pie"]));
    const random = seededRandom(77);
    for (let i = 0; i < 400; i++) {
      const damaged = Uint8Array.from(sound);
      // The ELF header, or anything at the end, where the section headers stand.
      for (let n = 0; n < 4; n++) damaged[random(2) === 0 ? random(64) : damaged.length - 1 - random(2000)] = random(256);
      const symbols = ElfSymbols.read(random(4) === 0 ? damaged.subarray(0, random(damaged.length)) : damaged);
      symbols.at(random(2 ** 20));
      symbols.addressOf(random(2 ** 20));
    }
  });
});
