/** Guest RAM: one buffer behind several views, little-endian, of a fixed size. */
import { expect } from "chai";
import type { Pa } from "../../../emulator/arch/addr.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";

const at = (address: number): Pa => address as Pa;

describe("physical memory", () => {
  it("has the size asked for, in WebAssembly pages of 64 KiB", () => {
    const memory = new PhysicalMemory(3 * 65536);
    expect([memory.bytes, memory.u8.length, memory.u32.length, memory.u64.length]).to.deep.equal([196608, 196608, 49152, 24576]);
    expect(memory.memory.buffer.byteLength).to.equal(196608);
    expect(memory.u8.every((byte) => byte === 0), "zero at the start").to.equal(true);
    expect(() => memory.memory.grow(1), "views would be detached").to.throw(RangeError);
  });

  it("refuses sizes that a 32-bit WebAssembly memory cannot have", () => {
    for (const bytes of [0, -65536, 65536 / 2, 65537, 2 ** 32 + 65536, NaN]) expect(() => new PhysicalMemory(bytes), String(bytes)).to.throw(RangeError, /64 KiB/);
  });

  it("all views are the same bytes, lowest byte first", () => {
    const memory = new PhysicalMemory(65536);
    memory.write64(at(0x100), 0x1122334455667788n);
    expect(memory.read64(at(0x100))).to.equal(0x1122334455667788n);
    expect([...memory.u8.subarray(0x100, 0x108)]).to.deep.equal([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
    expect([memory.u32[0x40], memory.u32[0x41]]).to.deep.equal([0x55667788, 0x11223344]);
    expect(new Uint8Array(memory.memory.buffer)[0x107]).to.equal(0x11);
    expect([memory.read64(at(0xf8)), memory.read64(at(0x108))], "neighbours").to.deep.equal([0n, 0n]);
  });

  it("a slice is a view; copy and fill touch their range only", () => {
    const memory = new PhysicalMemory(65536);
    const slice = memory.slice(at(16), 4);
    slice.set([1, 2, 3, 4]);
    memory.copy(at(18), at(16), 4);
    expect([...memory.u8.subarray(15, 23)], "overlapping ranges copy as memmove does").to.deep.equal([0, 1, 2, 1, 2, 3, 4, 0]);
    memory.fill(at(17), 3, 0xaa);
    expect([...memory.u8.subarray(15, 23)]).to.deep.equal([0, 1, 0xaa, 0xaa, 0xaa, 3, 4, 0]);
    expect([...slice]).to.deep.equal([1, 0xaa, 0xaa, 0xaa]);
  });
});
