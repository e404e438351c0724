/**
 * Places of arrays: apart from each other, zeroed, in one memory or not.
 */
import { expect } from "chai";
import { ModelBug } from "../../../emulator/arch/errors.js";
import { roomFor, TlbStorage } from "../../../emulator/mmu/tlb-storage.js";

describe("TlbStorage", () => {
  it("in memory: arrays of all kinds lie in it one behind the other, none at address 0", () => {
    const storage = TlbStorage.inMemory();
    const arrays = [storage.int32(3), storage.int16(5), storage.float64(2), storage.uint32(0), storage.int32(100)];
    for (const array of arrays) {
      expect(array.buffer).to.equal(storage.memory!.buffer);
      expect(array.byteOffset).to.be.greaterThan(0);
      array.fill(7);
    }
    arrays.slice(1).forEach((array, i) => expect(array.byteOffset).to.be.at.least(arrays[i]!.byteOffset + arrays[i]!.byteLength));
    expect([...storage.int32(4)]).to.deep.equal([0, 0, 0, 0]);
    expect(arrays.map((array) => array.length)).to.deep.equal([3, 5, 2, 0, 100]);
  });

  it("what has no place any more is a bug of whoever asks; more hierarchies have more", () => {
    const storage = TlbStorage.inMemory();
    storage.int32(2 ** 24);
    expect(() => storage.int32(2 ** 24)).to.throw(ModelBug, "TlbStorage: 67108864 bytes at 67108928");
    const larger = TlbStorage.inMemory(2);
    larger.int32(2 ** 24);
    expect(larger.int32(2 ** 24).length).to.equal(2 ** 24);
  });

  it("what grows step by step takes few places", () => {
    expect([1, 1023, 1024, 1025, 8192, 8193].map(roomFor)).to.deep.equal([1024, 1024, 1024, 2048, 8192, 16384]);
  });

  it("apart: each array by itself", () => {
    const storage = TlbStorage.apart();
    expect(storage.memory).to.equal(undefined);
    const [one, other] = [storage.int32(2), storage.int16(2)];
    expect(one.buffer).to.not.equal(other.buffer);
    expect([storage.uint32(1).length, storage.float64(1).length, one.byteOffset]).to.deep.equal([1, 1, 0]);
  });
});
