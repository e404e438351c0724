/** Linux's names and its view of an entry. Values retyped from the 6.12 headers. */
import { expect } from "chai";
import { granule, type Level } from "../../../emulator/arch/granule.js";
import { decodeDescriptor, type DescriptorContext } from "../../../emulator/validate/descriptor-fields.js";
import { linuxEntry, linuxFields, linuxName } from "../../../lab/descriptor/linux-names.js";

const context = (level: Level = 3): DescriptorContext => ({ granule: granule("4k"), level, lpa2: false, mair: 0xffn });
const names = (value: bigint, level: Level = 3): Record<string, string> => {
  const decoded = decodeDescriptor(value, context(level));
  return Object.fromEntries(decoded.fields.map((field) => [field.name, linuxName(field, decoded.kind as "page")]));
};

describe("Linux names", () => {
  it("stand beside the fields of a page, a block and a table", () => {
    expect(names(0x0178_0000_1234_5fcbn)).to.include({ Valid: "PTE_VALID", "AttrIndx[2:0]": "PTE_ATTRINDX(MT_NORMAL_NC)", "AP[2:1]": "PTE_USER PTE_RDONLY", Contiguous: "PTE_CONT", DBM: "PTE_WRITE = PTE_DBM", nG: "PTE_NG", GP: "PTE_GP" });
    expect(names(0x01f8_0000_1234_5fc3n)["IGNORED"]).to.be.a("string");
    expect(decodeDescriptor(0x0380_0000_1234_5fc3n, context()).fields.filter(({ key }) => key === "sw").map((field) => linuxName(field, "page"))).to.deep.equal(["PTE_DIRTY PTE_SPECIAL PTE_DEVMAP"]);
    expect(names(0x0800_0000_4100_0003n, 2)).to.include({ PXNTable: "PMD_TABLE_PXN, PUD_TABLE_PXN", Valid: "PMD_TYPE_TABLE" });
    expect(names(0x0000_0000_1234_5fdfn)["AttrIndx[2:0]"]).to.equal("PTE_ATTRINDX(7)");
  });

  it("say what Linux takes an entry for", () => {
    const state = (value: bigint, level: Level = 3) => linuxEntry(value, context(level)).state;
    expect(state(0n)).to.equal("none");
    expect(state(0x00f8_0000_1234_5f43n)).to.equal("present");
    expect(state(0x0060_0000_1234_5f82n)).to.equal("prot-none");
    expect(state(0x0020_0000_1234_5f82n)).to.equal("present-invalid");
    expect(state(0x0000_0000_0123_4044n)).to.equal("swap");
    expect(state(0x0000_0000_0123_4640n)).to.equal("not-modelled");
    expect(state(0x0000_0000_0123_4002n)).to.equal("malformed");
    expect(state(0x0000_0000_0123_4001n)).to.equal("malformed");
    expect(state(0x0800_0000_4100_0003n, 2)).to.equal("table");
  });

  it("tell dirty by hardware from dirty by software, and writable from clean", () => {
    const text = (value: bigint): string => linuxEntry(value, context()).text;
    expect(text(0x00e8_0000_1234_5f43n)).to.match(/young, dirty \(hardware: WRITE and not RDONLY, PTE_DIRTY\), writable$/);
    expect(text(0x0068_0000_1234_5fc3n)).to.match(/young, clean, writable, the first write makes it dirty/);
    expect(text(0x00e0_0000_1234_5bc3n)).to.match(/old, dirty \(PTE_DIRTY\), read-only/);
    expect(text(0x0160_0000_0000_1fc3n)).to.match(/special/);
    expect(text(0x0020_0000_1234_5fc3n)).to.match(/executable/);
    expect(text(0x0020_0000_1234_5f83n)).to.match(/execute-only/);
    expect(text(0x0460_0000_1234_5fc3n)).to.match(/userfaultfd/);
  });

  it("take swap entries apart, and present-invalid ones by the hardware's fields", () => {
    const fields = (value: bigint) => Object.fromEntries(linuxFields(value, context()).map((field) => [field.name, field.value]));
    expect(fields((0x1234n << 12n) | (3n << 6n) | 4n)).to.include({ PTE_SWP_EXCLUSIVE: 1n, PTE_SWP_UFFD_WP: 0n, __SWP_TYPE: 3n, __SWP_OFFSET: 0x1234n });
    expect(fields(0x0060_0000_1234_5f82n)).to.include({ PTE_VALID: 0n, PTE_PRESENT_INVALID: 1n, PTE_PXN: 1n, PTE_UXN: 1n, "OA[47:12]": 0x12345n });
    expect(linuxFields(0n, context())).to.deep.equal([]);
    expect(linuxFields(0x0123_4002n, context())).to.deep.equal([]);
    expect(linuxEntry((5n << 12n) | (1n << 6n) | 12n, context()).text).to.equal("swap entry: type 1, offset 0x5, exclusive, write-protected by userfaultfd");
  });
});
