/** The word loops agree with the functions on values. */
import { expect } from "chai";
import type { Pa } from "../../../../emulator/arch/addr.js";
import { granule } from "../../../../emulator/arch/granule.js";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.js";
import * as pte from "../../../../kernel-model/arch/arm64/pte.js";
import { createContpteCounters, pgattrChangeIsSafe, RawPte } from "../../../../kernel-model/arch/arm64/raw-pte.js";
import { seededRandom } from "../../../support/seed.js";

const memory = new PhysicalMemory(65536);
const AT = 0x1000 as Pa;
const PROTS = [0x0060000000000fc3n, 0x0068000000000fc3n, 0x00e8000000000f43n, 0x00f8000000000f43n, 0x00f0000000000bc3n, 0x0060000000000f82n, 0x0068000000000f43n];

function setup(name: "4k" | "16k" | "64k" = "4k"): RawPte {
  memory.u8.fill(0);
  return new RawPte(memory, granule(name), createContpteCounters());
}

function read(nr: number): bigint[] {
  return Array.from({ length: nr }, (_, i) => memory.u64[AT / 8 + i]!);
}

describe("RawPte", () => {
  it("advances the address by one page per entry, across 4 GiB too", () => {
    for (const name of ["4k", "16k", "64k"] as const) {
      const raw = setup(name);
      const { pageSize } = granule(name);
      const phys = 2n ** 32n - BigInt(2 * pageSize);
      raw.setPtes(AT, 0x00e8000000000f43n | phys, 5);
      expect(read(6)).to.deep.equal([0, 1, 2, 3, 4].map((i) => 0x00e8000000000f43n | (phys + BigInt(i * pageSize))).concat(0n));
      expect(raw.counters.pteStores).to.equal(5);
      expect(raw.address((AT + 16) as Pa)).to.equal(2 ** 32);
    }
  });

  it("tells present, special and table entries apart as the functions on values do", () => {
    const raw = setup();
    const swap = pte.swpEntryToPte(3, 0x1_2345_6789);
    for (const value of [0n, swap, pte.pteSwpMkexclusive(swap), 0x3n, 0x1n, 0x0800_0000_0000_0003n | 0x4000n, ...PROTS, ...PROTS.map((prot) => prot | (1n << 56n)), ...PROTS.map(pte.pteMkinvalid)]) {
      memory.u64[AT / 8] = value;
      expect([raw.isPresent(AT), raw.isSpecial(AT), raw.isTable(AT)], value.toString(16)).to.deep.equal([pte.ptePresent(value), pte.pteSpecial(value), pte.pmdTable(value)]);
    }
  });

  it("agrees with the functions on values, entry by entry", () => {
    const random = seededRandom(1);
    for (let round = 0; round < 300; round++) {
      const raw = setup();
      const nr = 1 + random(20);
      const values = Array.from({ length: nr }, (_, i) => PROTS[random(PROTS.length)]! | BigInt(4096 * (i + random(2 ** 20))) | (random(2) === 0 ? 0n : 1n << 55n));
      const put = (): void => values.forEach((value, i) => void (memory.u64[AT / 8 + i] = value));
      put();
      raw.wrprotect(AT, nr);
      expect(read(nr)).to.deep.equal(values.map(pte.pteWrprotect));
      put();
      expect(raw.testAndClearYoung(AT, nr)).to.equal(values.some(pte.pteYoung));
      expect(read(nr)).to.deep.equal(values.map(pte.pteMkold));
      put();
      raw.clearYoungDirty(AT, nr, { young: true, dirty: true });
      expect(read(nr)).to.deep.equal(values.map((value) => pte.pteMkclean(pte.pteMkold(value))));
      put();
      raw.clearYoungDirty(AT, nr, { young: true, dirty: false });
      expect(read(nr)).to.deep.equal(values.map(pte.pteMkold));
      put();
      const gathered = values.reduce((sum, value) => {
        const dirty = pte.pteDirty(value) ? pte.pteMkdirty(sum) : sum;
        return pte.pteYoung(value) ? pte.pteMkyoung(dirty) : dirty;
      }, values[0]!);
      expect(raw.getAndClearFull(AT, nr)).to.equal(gathered);
      expect(read(nr)).to.deep.equal(values.map(() => 0n));
      put();
      expect(raw.anyValid(AT, nr)).to.equal(values.some(pte.pteValid));
      expect([raw.isNone(AT), raw.isValid(AT), raw.isCont(AT), raw.isValidCont(AT), raw.isWrite(AT)]).to.deep.equal([
        false,
        pte.pteValid(values[0]!),
        pte.pteCont(values[0]!),
        pte.pteValidCont(values[0]!),
        pte.pteWrite(values[0]!),
      ]);
      expect(raw.getAndClear(AT)).to.equal(values[0]);
      expect(raw.isNone(AT)).to.equal(true);
    }
  });

  it("adds access flags and never takes one away", () => {
    const raw = setup();
    const set = (old: bigint, entry: bigint): [boolean, bigint] => {
      memory.u64[AT / 8] = old;
      return [raw.setAccessFlags(AT, entry), memory.u64[AT / 8]!];
    };
    expect(set(0x0060000000001bc3n, 0x0060000000001fc3n), "AF").to.deep.equal([true, 0x0060000000001fc3n]);
    expect(set(0x0060000000001fc3n, 0x00e8000000001f43n), "write and dirty").to.deep.equal([true, 0x00e8000000001f43n]);
    expect(set(0x00e8000000001f43n, 0x00e8000000001f43n), "the same").to.deep.equal([false, 0x00e8000000001f43n]);
    expect(set(0x00e8000000001f43n, 0x0060000000001bc3n), "less").to.deep.equal([true, 0x00e8000000001f43n]);
  });

  it("compares a run with an expected one, ignoring AF and dirty", () => {
    const raw = setup();
    const expected = 0x0068000000000bc3n | 0x10000n;
    raw.setPtes(AT, 0x0068000000000fc3n | 0x10000n, 16);
    expect(raw.areUniform(AT, expected, 16)).to.equal(true);
    memory.u64[AT / 8 + 5]! |= 1n << 55n;
    memory.u64[AT / 8 + 6]! &= ~0x480n;
    expect(raw.areUniform(AT, expected, 16), "dirty and old entries").to.equal(true);
    for (const bit of [0n, 6n, 11n, 12n, 50n, 51n, 52n, 54n, 58n]) {
      memory.u64[AT / 8 + 9]! ^= 1n << bit;
      expect(raw.areUniform(AT, expected, 16), `bit ${bit}`).to.equal(false);
      memory.u64[AT / 8 + 9]! ^= 1n << bit;
    }
    expect(raw.haveAccessFlags(AT, 0x0068000000000fc3n, 5)).to.equal(true);
    expect(raw.haveAccessFlags(AT, 0x0068000000000fc3n, 6), "one is dirty").to.equal(false);
  });

  it("refuses changes of live entries that need break-before-make", () => {
    const live = 0x00e8000000001f43n;
    expect(pgattrChangeIsSafe(live, 0x00e0000000001fc3n), "write permission").to.equal(true);
    expect(pgattrChangeIsSafe(live, 0n), "take down").to.equal(true);
    expect(pgattrChangeIsSafe(0n, live), "set up").to.equal(true);
    expect(pgattrChangeIsSafe(live, live + 0x1000n), "another page").to.equal(false);
    expect(pgattrChangeIsSafe(live, live | (1n << 52n)), "contiguous").to.equal(false);
    expect(pgattrChangeIsSafe(live, live & ~0x800n), "global").to.equal(false);
    const raw = setup();
    memory.u64[AT / 8] = live;
    expect(() => raw.checkSafeUpdate(AT, live + 0x1000n)).to.throw("break-before-make");
    raw.checkSafeUpdate(AT, 0x00e0000000001fc3n);
  });
});
