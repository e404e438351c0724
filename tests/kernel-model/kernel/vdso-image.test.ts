/** The image is read back by binutils, which did not make it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { buildVdsoImage, elfHash } from "../../../kernel-model/kernel/vdso-image.js";

function readBack(bytes: Uint8Array, tool: string, ...args: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "vdso-"));
  try {
    const file = join(folder, "vdso.so");
    writeFileSync(file, bytes);
    const result = spawnSync(tool, [...args, file], { encoding: "utf8" });
    expect(result.status, result.stderr).to.equal(0);
    return result.stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("vDSO image", () => {
  it("exports the four functions under LINUX_2.6.39", () => {
    const symbols = readBack(buildVdsoImage(4096).bytes, "aarch64-linux-gnu-readelf", "--wide", "--dyn-syms");
    for (const name of ["rt_sigreturn", "gettimeofday", "clock_gettime", "clock_getres"]) expect(symbols).to.match(new RegExp(`FUNC +GLOBAL DEFAULT +\\d+ __kernel_${name}@@LINUX_2\\.6\\.39`));
  });

  it("everything that a dynamic linker reads lies in the first 4K page", () => {
    const headers = readBack(buildVdsoImage(4096).bytes, "aarch64-linux-gnu-readelf", "--wide", "--segments");
    const load = /LOAD +0x0+ 0x0+ 0x0+ (0x[0-9a-f]+)/.exec(headers);
    expect(Number(load![1])).to.be.lessThan(4096);
  });

  it("is longer than one 4K page, as Debian's is", () => {
    expect(buildVdsoImage(4096).bytes.length).to.equal(8192);
  });

  it("functions make their system calls; the trampoline is the one that unwinders know", () => {
    const { bytes, sigreturnOffset } = buildVdsoImage(4096);
    const text = readBack(bytes, "aarch64-linux-gnu-objdump", "-d");
    const numbers = [...text.matchAll(/mov\tx8, #0x([0-9a-f]+)/g)].map((match) => parseInt(match[1]!, 16));
    expect(numbers).to.deep.equal([139, 169, 113, 114]);
    const view = new DataView(bytes.buffer);
    expect([0, 4].map((at) => view.getUint32(sigreturnOffset + at, true))).to.deep.equal([0xd2801168, 0xd4000001]);
    expect(view.getUint32(sigreturnOffset - 4, true), "a nop in front").to.equal(0xd503201f);
  });

  for (const pageSize of [4096, 16384, 65536]) {
    it(`clock functions find the data two pages of ${pageSize} in front of the image`, () => {
      const text = readBack(buildVdsoImage(pageSize).bytes, "aarch64-linux-gnu-objdump", "-d");
      const targets = [...text.matchAll(/adr\tx9, (?:0x)?([0-9a-f]+)/g)].map((match) => BigInt.asIntN(64, BigInt(`0x${match[1]}`)));
      expect(targets).to.deep.equal([1, 2, 3].map(() => BigInt(-2 * pageSize)));
    });
  }

  it("hashes names as SysV does", () => {
    expect(elfHash("LINUX_2.6.39")).to.equal(123718537);
    expect(elfHash("printf")).to.equal(0x077905a6);
  });
});
