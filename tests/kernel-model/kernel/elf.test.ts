/** ELF headers, sound and broken in every way that has a reason. */
import { expect } from "chai";
import fc from "fast-check";
import { maximumAlignment, readElfHeaders, readInterpreter, totalMappingSize, type ElfHeaders } from "../../../kernel-model/kernel/elf.js";
import { bytesOf } from "../../../kernel-model/kernel/byte-string.js";
import { ET_DYN, PT_INTERP, R, W, X, buildElf, code, type ElfSpec, exitCode } from "../../support/elf-builder.js";
import { seededAssert } from "../../support/seed.js";

const TASK_SIZE = 2 ** 48;
const read = (file: Uint8Array) => (offset: number, length: number) => file.subarray(offset, offset + length);
const parse = (file: Uint8Array) => readElfHeaders(read(file), file.length, TASK_SIZE);
const text = { vaddr: 0x401000, bytes: code(...exitCode(0)), flags: R | X };
const data = { vaddr: 0x420000, bytes: new Uint8Array(100), flags: R | W, memsz: 5000 };
const sound: ElfSpec = { entry: 0x401000, segments: [text, data] };

function reasonOf(file: Uint8Array): string {
  const result = parse(file);
  if (!("reason" in result)) throw new Error("accepted");
  return result.reason;
}

describe("ELF headers", () => {
  it("of a sound program", () => {
    const headers = parse(buildElf(sound)) as ElfHeaders;
    expect(headers.type).to.equal(2);
    expect(headers.entry).to.equal(0x401000);
    expect(headers.programHeaders.map(({ vaddr, filesz, memsz, flags }) => [vaddr, filesz, memsz, flags])).to.deep.equal([
      [0x401000, 12, 12, 5],
      [0x420000, 100, 5000, 6],
    ]);
    expect(totalMappingSize(headers.programHeaders, 4096)).to.equal(0x420000 + 5000 - 0x401000);
    expect(maximumAlignment(headers.programHeaders, 4096)).to.equal(65536);
  });

  const patched = (patch: ElfSpec["patch"] & object): Uint8Array => buildElf({ ...sound, patch });
  const put64 = (view: DataView, at: number, value: number | bigint): void => view.setBigUint64(at, BigInt(value), true);
  const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["an empty file", new Uint8Array(0), /is empty/],
    ["a text", bytesOf("hello, world, this is a text that is longer than an ELF header would be...."), /is not an ELF file/],
    ["x86-64", patched((view) => view.setUint16(18, 62, true)), /x86-64/],
    ["32-bit Arm", patched((view) => { view.setUint8(4, 1); view.setUint16(18, 40, true); }), /32-bit.*Arm/],
    ["big endian", patched((view) => { view.setUint8(5, 2); view.setUint16(18, 183, false); }), /big-endian/],
    ["an unknown machine", patched((view) => view.setUint16(18, 999, true)), /machine 999/],
    ["an object file", patched((view) => view.setUint16(16, 1, true)), /object file/],
    ["a core dump", patched((view) => view.setUint16(16, 4, true)), /core dump/],
    ["half a header", buildElf(sound).subarray(0, 40), /truncated/],
    ["headers beyond the end", patched((view) => put64(view, 32, 1e9)), /program headers lie beyond/],
    ["headers at the end of the number range", patched((view) => put64(view, 32, 2n ** 64n - 1n)), /program headers lie beyond/],
    ["no headers", patched((view) => view.setUint16(56, 0, true)), /no program headers/],
    ["headers of a strange size", patched((view) => view.setUint16(54, 32, true)), /32 bytes/],
    ["too many headers", patched((view) => view.setUint16(56, 60000, true)), /too many/],
    ["a segment beyond the end of the file", patched((view, at) => put64(view, at(1) + 8, 1e6)), /ends beyond the end/],
    ["more bytes in the file than in memory", patched((view, at) => put64(view, at(1) + 40, 10)), /more bytes in the file/],
    ["a segment larger than the address space", patched((view, at) => put64(view, at(1) + 40, 2n ** 63n)), /does not fit into the address space/],
    ["a segment above the address space", patched((view, at) => put64(view, at(1) + 16, 2n ** 48n - 100n)), /does not fit into the address space/],
    ["overlapping segments", patched((view, at) => put64(view, at(1) + 16, 0x401004)), /overlap/],
    ["nothing to load", patched((view, at) => [0, 1].forEach((i) => view.setUint32(at(i), 0x60000000, true))), /no segment to load/],
  ];
  for (const [name, file, pattern] of cases) {
    it(`refuses ${name}`, () => {
      expect(reasonOf(file)).to.match(pattern);
    });
  }

  it("an error of the file comes through", () => {
    const result = readElfHeaders(() => -5, 100, TASK_SIZE);
    expect(result).to.include({ errno: 5 });
  });

  it("the interpreter's path", () => {
    const withInterpreter = (bytes: Uint8Array, memsz?: number) =>
      buildElf({ ...sound, type: ET_DYN, segments: [...sound.segments, { type: PT_INTERP, vaddr: 0x430000, bytes, flags: R, ...(memsz === undefined ? {} : { memsz }) }] });
    const interpreterOf = (file: Uint8Array) => readInterpreter(parse(file) as ElfHeaders, read(file));
    expect(interpreterOf(withInterpreter(bytesOf("/lib/ld.so\0")))).to.equal("/lib/ld.so");
    expect(interpreterOf(buildElf(sound))).to.equal(undefined);
    expect(interpreterOf(withInterpreter(bytesOf("/lib/ld.so")))).to.have.property("reason").that.matches(/does not end with a zero/);
    expect(interpreterOf(withInterpreter(bytesOf("\0")))).to.have.property("reason").that.matches(/impossible length/);
  });

  it("any bytes give an answer, never an exception", () => {
    const original = buildElf(sound);
    const mutation = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { maxLength: 12 });
    seededAssert(
      fc.property(mutation, fc.nat(original.length), (changes, cut) => {
        const file = original.slice(0, cut);
        for (const [at, value] of changes) if (at < file.length) file[at] = value;
        const result = parse(file);
        if (!("reason" in result)) readInterpreter(result, read(file));
      }),
      2000,
    );
  });
});
