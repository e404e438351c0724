/** Names, order and arithmetic of /proc/vmstat. */
import { expect } from "chai";
import { VMSTAT_NAMES, VmStat, vmstatIndex } from "../../../kernel-model/mm/vmstat.js";

describe("VmStat", () => {
  it("has each name once, in the order of the file", () => {
    expect(new Set(VMSTAT_NAMES).size).to.equal(VMSTAT_NAMES.length);
    const order = ["nr_free_pages", "nr_zspages", "numa_hit", "nr_inactive_anon", "nr_anon_pages", "nr_page_table_pages", "nr_dirty_threshold", "pgpgin", "pgalloc_dma", "pgfree", "pgfault", "pgmajfault", "pgreuse", "thp_fault_alloc", "thp_file_mapped", "thp_split_pmd", "thp_swpout_fallback", "swap_ra", "swpout_zero", "zswpwb"];
    const places = order.map((name) => VMSTAT_NAMES.findIndex((known) => known === name));
    expect(places.includes(-1), "all known").to.equal(false);
    expect(places).to.deep.equal([...places].sort((a, b) => a - b));
    expect([VMSTAT_NAMES[0], VMSTAT_NAMES.at(-1)]).to.deep.equal(["nr_free_pages", "zswpwb"]);
  });

  it("counts", () => {
    const stat = new VmStat();
    stat.inc("pgfault");
    stat.inc("pgfault");
    stat.add("nr_anon_pages", 16);
    stat.add("nr_anon_pages", -3);
    expect([stat.get("pgfault"), stat.get("nr_anon_pages"), stat.get("pgmajfault")]).to.deep.equal([2, 13, 0]);
  });

  it("counts by number what it counts by name", () => {
    const stat = new VmStat();
    stat.addAt(vmstatIndex("pgfault"), 1);
    stat.inc("pgfault");
    stat.addAt(vmstatIndex("nr_anon_pages"), -4);
    expect([stat.get("pgfault"), stat.get("nr_anon_pages")]).to.deep.equal([2, -4]);
  });

  it("lets another part keep a counter", () => {
    const stat = new VmStat();
    let free = 5;
    stat.provide("nr_free_pages", () => free);
    free = 9;
    expect(stat.get("nr_free_pages")).to.equal(9);
    expect(stat.snapshot()).to.include({ nr_free_pages: 9, pgfault: 0 });
    expect(Object.keys(stat.snapshot())).to.deep.equal(VMSTAT_NAMES);
  });
});
