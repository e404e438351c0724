/** The sysfs text of the THP knobs, their errors, and the counters per size. */
import { expect } from "chai";
import type { Order } from "../../../emulator/arch/addr.js";
import { granule } from "../../../emulator/arch/granule.js";
import { TransparentHugepage } from "../../../kernel-model/mm/transparent-hugepage.js";

const EINVAL = -22;
const ERANGE = -34;
const thp4k = (): TransparentHugepage => new TransparentHugepage(granule("4k"));
const o = (order: number): Order => order as Order;

describe("TransparentHugepage", () => {
  it("has the sizes of each page size", () => {
    const sizes = (name: "4k" | "16k" | "64k"): string[] => {
      const thp = new TransparentHugepage(granule(name));
      return thp.orders.map((order) => thp.directoryOf(order).replace("hugepages-", ""));
    };
    expect(sizes("4k")).to.deep.equal(["8kB", "16kB", "32kB", "64kB", "128kB", "256kB", "512kB", "1024kB", "2048kB"]);
    expect(sizes("16k")[0]).to.equal("32kB");
    expect(sizes("16k").at(-1)).to.equal("32768kB");
    expect(sizes("64k").at(-1)).to.equal("524288kB");
    const large = new TransparentHugepage(granule("64k"));
    expect([large.anonOrders[0], large.anonOrders.at(-1), large.fileOrders[0], large.fileOrders.at(-1)]).to.deep.equal([2, 13, 1, 11]);
  });

  it("starts as a booted kernel: the PMD size inherits, all others are off", () => {
    const thp = thp4k();
    expect(thp.get("enabled")).to.equal("[always] madvise never\n");
    expect(thp.get("defrag")).to.equal("always defer defer+madvise [madvise] never\n");
    expect(thp.get("shmem_enabled")).to.equal("always within_size advise [never] deny force\n");
    expect(thp.get("use_zero_page")).to.equal("1\n");
    expect(thp.get("hpage_pmd_size")).to.equal("2097152\n");
    expect(thp.get("hugepages-2048kB/enabled")).to.equal("always [inherit] madvise never\n");
    expect(thp.get("hugepages-64kB/enabled")).to.equal("always inherit madvise [never]\n");
    expect(thp.get("hugepages-64kB/shmem_enabled")).to.equal("always inherit within_size advise [never]\n");
    expect(thp.get("hugepages-2048kB/shmem_enabled")).to.equal("always [inherit] within_size advise never\n");
    expect([thp.ordersAlways, thp.ordersMadvise, thp.ordersInherit]).to.deep.equal([0, 0, 1 << 9]);
    expect(thp.get("khugepaged/pages_to_scan")).to.equal("4096\n");
    expect(thp.get("khugepaged/max_ptes_none")).to.equal("511\n");
    expect(thp.get("khugepaged/max_ptes_swap")).to.equal("64\n");
    expect(thp.get("khugepaged/max_ptes_shared")).to.equal("256\n");
    expect(thp.get("khugepaged/scan_sleep_millisecs")).to.equal("10000\n");
    expect(thp.get("hugepages-12kB/enabled")).to.equal(undefined);
  });

  it("takes the words of each file, with or without a newline, and no others", () => {
    const thp = thp4k();
    expect(thp.set("enabled", "madvise\n")).to.equal(8);
    expect(thp.get("enabled")).to.equal("always [madvise] never\n");
    expect(thp.set("enabled", "inherit")).to.equal(EINVAL);
    expect(thp.set("enabled", "never \n")).to.equal(EINVAL);
    expect(thp.set("enabled", "")).to.equal(EINVAL);
    expect(thp.enabled).to.equal("madvise");
    expect(thp.set("defrag", "defer+madvise")).to.equal(13);
    expect(thp.defrag).to.equal("defer+madvise");
    expect(thp.set("hugepages-64kB/enabled", "always")).to.equal(6);
    expect(thp.set("hugepages-128kB/enabled", "madvise")).to.equal(7);
    expect(thp.set("hugepages-2048kB/enabled", "never")).to.equal(5);
    expect([thp.ordersAlways, thp.ordersMadvise, thp.ordersInherit]).to.deep.equal([1 << 4, 1 << 5, 0]);
    expect([thp.sizeEnabled(o(4)), thp.sizeEnabled(o(5)), thp.sizeEnabled(o(9)), thp.sizeEnabled(o(2))]).to.deep.equal(["always", "madvise", "never", "never"]);
    expect(thp.set("hugepages-64kB/enabled", "inherit")).to.equal(7);
    expect([thp.ordersAlways, thp.ordersInherit]).to.deep.equal([0, 1 << 4]);
    expect(thp.set("hugepages-64kB/shmem_enabled", "within_size\n")).to.equal(12);
    expect(thp.shmemSizeEnabled(o(4))).to.equal("within_size");
    expect([thp.shmemOrdersWith("within_size"), thp.shmemOrdersWith("inherit")]).to.deep.equal([1 << 4, 1 << 9]);
  });

  it("keeps shmem force and inheriting smaller sizes apart", () => {
    const thp = thp4k();
    expect(thp.set("shmem_enabled", "force")).to.equal(5);
    expect(thp.set("hugepages-64kB/shmem_enabled", "inherit")).to.equal(EINVAL);
    expect(thp.set("hugepages-2048kB/shmem_enabled", "inherit")).to.equal(7);
    expect(thp.set("shmem_enabled", "never")).to.equal(5);
    expect(thp.set("hugepages-64kB/shmem_enabled", "inherit")).to.equal(7);
    expect(thp.set("shmem_enabled", "force")).to.equal(EINVAL);
    expect(thp.set("shmem_enabled", "deny")).to.equal(4);
  });

  it("parses numbers and flags as the kernel does", () => {
    const thp = thp4k();
    expect(thp.set("use_zero_page", "0\n")).to.equal(2);
    expect(thp.useZeroPage).to.equal(false);
    expect(thp.set("use_zero_page", "2")).to.equal(EINVAL);
    expect(thp.set("use_zero_page", "x")).to.equal(EINVAL);
    expect(thp.set("use_zero_page", "18446744073709551616")).to.equal(ERANGE);
    expect(thp.set("khugepaged/pages_to_scan", "0")).to.equal(EINVAL);
    expect(thp.set("khugepaged/pages_to_scan", "100")).to.equal(3);
    expect(thp.set("khugepaged/max_ptes_none", "512")).to.equal(EINVAL);
    expect(thp.set("khugepaged/max_ptes_none", "+5")).to.equal(2);
    expect(thp.set("khugepaged/scan_sleep_millisecs", "4294967296")).to.equal(EINVAL);
    expect(thp.set("khugepaged/scan_sleep_millisecs", "-1")).to.equal(EINVAL);
    expect(thp.set("khugepaged/defrag", "0")).to.equal(1);
    expect([thp.khugepaged.pagesToScan, thp.khugepaged.maxPtesNone, thp.khugepaged.defrag]).to.deep.equal([100, 5, false]);
    expect(thp.set("shrink_underused", "off")).to.equal(3);
    expect(thp.shrinkUnderused).to.equal(false);
    expect(thp.set("shrink_underused", "Yes")).to.equal(3);
    expect(thp.set("shrink_underused", "o")).to.equal(EINVAL);
    expect(thp.shrinkUnderused).to.equal(true);
  });

  it("counts per size, and shows the counters that a size has", () => {
    const thp = thp4k();
    thp.statInc(o(4), "anon_fault_alloc");
    thp.statInc(o(4), "nr_anon", 3);
    thp.statInc(o(4), "nr_anon", -1);
    thp.statInc(o(0), "nr_anon");
    expect(thp.get("hugepages-64kB/stats/anon_fault_alloc")).to.equal("1\n");
    expect([thp.stat(o(4), "nr_anon"), thp.stat(o(5), "nr_anon")]).to.deep.equal([2, 0]);
    const stats = (directory: string): string[] =>
      thp
        .files()
        .filter(({ path }) => path.startsWith(`${directory}/`))
        .map(({ path }) => path.slice(directory.length + 1))
        .sort();
    expect(stats("hugepages-8kB"), "order 1: page cache only").to.deep.equal([
      "shmem_enabled",
      "stats/shmem_alloc",
      "stats/shmem_fallback",
      "stats/shmem_fallback_charge",
      "stats/split",
      "stats/split_failed",
      "stats/swpout",
      "stats/swpout_fallback",
    ]);
    expect(stats("hugepages-64kB").length).to.equal(2 + 13);
    const modes = new Map(thp.files().map(({ path, mode }) => [path, mode]));
    expect([modes.get("enabled"), modes.get("hpage_pmd_size"), modes.get("hugepages-64kB/stats/nr_anon"), modes.get("khugepaged/full_scans")]).to.deep.equal([0o644, 0o444, 0o444, 0o444]);
    expect(() => thp.set("hpage_pmd_size", "1")).to.throw("cannot be written");
    expect(() => thp.setSizeEnabled(o(1), "always")).to.throw("no anonymous order 1");
    expect(() => thp.setShmemSizeEnabled(o(0), "always")).to.throw("no page-cache order 0");
  });
});
