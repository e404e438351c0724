/** Layouts of descriptors: complete, as the Arm ARM draws them, and reversible. */
import fc from "fast-check";
import { expect } from "chai";
import { granule, type GranuleName, type Level } from "../../../emulator/arch/granule.js";
import { blockAllowed, decodeDescriptor, type DescriptorContext, type DescriptorKind, descriptorParts, encodeDescriptor, kindOf, layout, leafRights } from "../../../emulator/validate/descriptor-fields.js";
import { seededAssert } from "../../support/seed.js";

const MAIR = 0x04_00_44_ff_ffn;
const context = (name: GranuleName, level: Level, lpa2 = false): DescriptorContext => ({ granule: granule(name), level, lpa2, mair: MAIR });
/** Every place at which a descriptor may stand. */
const PLACES: readonly DescriptorContext[] = (["4k", "16k", "64k"] as const).flatMap((name) =>
  ([0, 1, 2, 3] as const).filter((level) => granule(name).levels[level] !== undefined).flatMap((level) => [context(name, level), context(name, level, true)]),
);
const anyPlace = fc.constantFrom(...PLACES);
const any64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });

describe("descriptor layouts", () => {
  it("cover each of the 64 bits once, from bit 0 up", () => {
    for (const place of PLACES) {
      const kinds: DescriptorKind[] = ["invalid", "reserved"];
      if (place.level === 3) kinds.push("page");
      else kinds.push("table", "block");
      for (const kind of kinds) {
        let next = 0;
        for (const { low, high } of layout(kind, place)) {
          expect(low, `${kind} ${place.granule.name} level ${place.level} lpa2 ${place.lpa2}`).to.equal(next);
          next = high + 1;
        }
        expect(next).to.equal(64);
      }
    }
  });

  it("put the fields of a page where the Arm ARM has them", () => {
    const at = (name: string) => layout("page", context("4k", 3)).filter((field) => field.name === name).map(({ high, low }) => [high, low])[0];
    expect(at("AttrIndx[2:0]")).to.deep.equal([4, 2]);
    expect(at("AP[2:1]")).to.deep.equal([7, 6]);
    expect(at("SH[1:0]")).to.deep.equal([9, 8]);
    expect(at("AF")).to.deep.equal([10, 10]);
    expect(at("nG")).to.deep.equal([11, 11]);
    expect(at("OA[47:12]")).to.deep.equal([47, 12]);
    expect(at("DBM")).to.deep.equal([51, 51]);
    expect(at("Contiguous")).to.deep.equal([52, 52]);
    expect(at("PXN")).to.deep.equal([53, 53]);
    expect(at("UXN")).to.deep.equal([54, 54]);
  });

  it("put the address of each size where it belongs", () => {
    const address = (name: GranuleName, level: Level, kind: DescriptorKind, lpa2 = false) =>
      layout(kind, context(name, level, lpa2)).filter(({ role }) => role === "address").map((field) => field.name);
    expect(address("4k", 2, "block")).to.deep.equal(["OA[47:21]"]);
    expect(address("4k", 1, "block")).to.deep.equal(["OA[47:30]"]);
    expect(address("16k", 3, "page")).to.deep.equal(["OA[47:14]"]);
    expect(address("16k", 2, "block")).to.deep.equal(["OA[47:25]"]);
    expect(address("64k", 3, "page")).to.deep.equal(["OA[51:48]", "OA[47:16]"]);
    expect(address("64k", 2, "block")).to.deep.equal(["OA[51:48]", "OA[47:29]"]);
    expect(address("4k", 3, "page", true)).to.deep.equal(["OA[51:50]", "OA[49:12]"]);
    expect(address("16k", 1, "table", true)).to.deep.equal(["NLTA[51:50]", "NLTA[49:14]"]);
    expect(address("4k", 0, "table")).to.deep.equal(["NLTA[47:12]"]);
  });

  it("know at which levels blocks stand", () => {
    const levels = (name: GranuleName, lpa2: boolean) => ([0, 1, 2, 3] as const).filter((level) => blockAllowed(context(name, level, lpa2)));
    expect(levels("4k", false)).to.deep.equal([1, 2]);
    expect(levels("16k", false)).to.deep.equal([2]);
    expect(levels("64k", false)).to.deep.equal([2]);
    expect(levels("4k", true)).to.deep.equal([0, 1, 2]);
    expect(levels("16k", true)).to.deep.equal([1, 2]);
  });
});

describe("decoding a descriptor", () => {
  it("tells kind, address and rights", () => {
    const page = decodeDescriptor(0x00f8_0000_1234_5f43n, context("4k", 3));
    expect(page.kind).to.equal("page");
    expect(page.address).to.equal(0x12345000);
    expect(page.rights).to.deep.equal({ el0: { read: true, write: true, execute: false }, el1: { read: true, write: true, execute: false }, writableClean: false });
    expect(decodeDescriptor(0x0020_0000_4020_0fc1n, context("4k", 2))).to.include({ kind: "block", address: 0x40200000 });
    expect(decodeDescriptor(0x0800_0000_4100_0003n, context("4k", 1))).to.include({ kind: "table", address: 0x41000000, rights: undefined });
    expect(decodeDescriptor(0x0000_0000_0000_0f82n, context("4k", 3))).to.include({ kind: "invalid", address: undefined });
    expect(kindOf(0x701n, context("4k", 0))).to.equal("reserved");
    expect(kindOf(0x701n, context("4k", 3))).to.equal("reserved");
    expect(decodeDescriptor(0x0060_0000_0001_0fc3n | (0xan << 12n), context("64k", 3)).address).to.equal(0xa * 2 ** 48 + 0x10000);
  });

  it("reads 52-bit addresses with DS = 1", () => {
    expect(decodeDescriptor(0x0003_0000_1234_5743n, context("4k", 3, true)).address).to.equal(3 * 2 ** 50 + 3 * 2 ** 48 + 0x12345000);
  });

  it("knows what each AP value allows: EL1 never executes what EL0 may write", () => {
    const rights = [0x403n, 0x443n, 0x483n, 0x4c3n].map(leafRights);
    expect(rights.map(({ el0 }) => [el0.read, el0.write])).to.deep.equal([[false, false], [true, true], [false, false], [true, false]]);
    expect(rights.map(({ el1 }) => [el1.write, el1.execute])).to.deep.equal([[true, true], [true, false], [false, true], [false, true]]);
    expect(leafRights((1n << 51n) | 0x4c3n).writableClean).to.equal(true);
  });

  it("says what every field of a page means", () => {
    const { fields } = decodeDescriptor(0x0078_0000_1234_5fc3n, context("4k", 3));
    const text = Object.fromEntries(fields.filter(({ key }) => key !== "").map((field) => [field.key, field.text]));
    expect(text).to.include({ attr: "Normal, Write-Back Read-Allocate Write-Allocate", ap: "EL1 and EL0 read-only", sh: "Inner Shareable", cont: "one of 16 that may be cached as one entry", ng: "belongs to one ASID" });
  });
});

describe("encoding a descriptor", () => {
  it("gives back any value that was decoded, but for RES0 bits", () => {
    seededAssert(
      fc.property(any64, anyPlace, (value, place) => {
        const decoded = decodeDescriptor(value, place);
        const res0 = decoded.fields.filter(({ role }) => role === "res0").reduce((bits, field) => bits | (field.value << BigInt(field.low)), 0n);
        expect(encodeDescriptor(descriptorParts(decoded), place)).to.equal(value & ~res0);
      }),
      1000,
    );
  });

  it("is undone by decoding: the same parts come back", () => {
    seededAssert(
      fc.property(anyPlace, any64, fc.infiniteStream(any64), (place, seed, stream) => {
        const kind: DescriptorKind = place.level === 3 ? "page" : seed % 2n === 0n || !blockAllowed(place) ? "table" : "block";
        const fields = layout(kind, place);
        const values: Record<string, bigint> = {};
        let address = 0;
        for (const { key, high, low, role, addressLow } of fields) {
          const value = (stream.next().value as bigint) % (1n << BigInt(high - low + 1));
          if (role === "address") address += Number(value) * 2 ** addressLow!;
          else if (key !== "" && value !== 0n) values[key] = value;
        }
        const parts = descriptorParts(decodeDescriptor(encodeDescriptor({ kind, address, values }, place), place));
        expect(parts).to.deep.equal({ kind, address, values });
      }),
      500,
    );
  });

  it("refuses what the form has no place for", () => {
    const place = context("4k", 3);
    const encode = (parts: Partial<Parameters<typeof encodeDescriptor>[0]>, at = place) => () => encodeDescriptor({ kind: "page", values: {}, ...parts }, at);
    expect(encode({ values: { attr: 8n } })).to.throw(RangeError, "attr=0x8");
    expect(encode({ values: { nt: 1n } })).to.throw(RangeError, "no field nt");
    expect(encode({ address: 0x1800 })).to.throw(RangeError, "address 0x1800");
    expect(encode({ address: 2 ** 48 })).to.throw(RangeError, "0x1000000000000");
    expect(encode({ kind: "table" })).to.throw(RangeError, "level 3");
    expect(encode({ kind: "block" })).to.throw(RangeError, "no block");
    expect(encode({ kind: "page" }, context("4k", 2))).to.throw(RangeError, "level 3");
    expect(encode({ kind: "reserved" }, context("4k", 2))).to.throw(RangeError, "are a block");
  });
});
