/* Sizes of hugetlb pages by granule, as arm64 kernels list them in /sys/kernel/mm/hugepages. */
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { hugetlbSizes } from "../../../kernel-model/mm/hugetlb.js";

describe("hugetlbSizes", () => {
  it("contiguous pages, blocks, contiguous blocks", () => {
    const kib = (name: "4k" | "16k" | "64k", bits: number): number[] => hugetlbSizes(granule(name, bits)).map((bytes) => bytes / 1024);
    expect(kib("4k", 48)).to.deep.equal([64, 2048, 32768, 1048576]);
    expect(kib("16k", 47)).to.deep.equal([2048, 32768, 1048576]);
    expect(kib("64k", 48)).to.deep.equal([2048, 524288, 16777216]);
  });
});
