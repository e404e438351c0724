/* /proc/meminfo tells what the allocator and the counters know. */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { formatBuddyinfo, formatMeminfo, formatVmstat } from "../../../../kernel-model/fs/procfs/meminfo.js";
import { doMadvise } from "../../../../kernel-model/mm/madvise.js";
import { MmHarness } from "../../../support/mm-harness.js";

const AT = 0x10_0000_0000;
const values = (text: string): Record<string, number> => Object.fromEntries([...text.matchAll(/^(\S+?):? +(\d+)/gm)].map(([, name, value]) => [name!, Number(value)]));

describe("memory of the machine", () => {
  it("meminfo: columns as in Linux, sums that follow memory", () => {
    const h = new MmHarness();
    const before = formatMeminfo(h.sys);
    expect(before.split("\n")[0]).to.match(/^MemTotal: {7} *\d+ kB$/);
    expect(before).to.match(/^Active\(anon\): {3}/m).and.to.match(/^HugePages_Total: {7}0$/m).and.to.match(/^Hugepagesize: {7}2048 kB$/m);
    for (const line of before.trimEnd().split("\n")) expect(line, line).to.match(line.startsWith("HugePages_") ? /^\S+: +\d+$/ : /^\S+: +\d+ kB$/);
    const mm = h.newMm();
    h.anon(mm, AT, 2 ** 20);
    h.touchAll(mm, AT, AT + 2 ** 20, "write");
    const [a, b] = [values(before), values(formatMeminfo(h.sys))];
    expect([b["AnonPages"]! - a["AnonPages"]!, b["Committed_AS"]! - a["Committed_AS"]!]).to.deep.equal([1024, 1024]);
    expect(a["MemFree"]! - b["MemFree"]!).to.be.within(1024, 1100);
    expect(b["MemAvailable"]).to.be.at.most(b["MemFree"]!);
    h.close();
  });

  it("meminfo: swap space, what is left of it, and what the swap cache holds beside the page cache", () => {
    const h = new MmHarness({ swapBytes: 2 ** 24 });
    const mm = h.newMm();
    h.anon(mm, AT, 64 * 4096);
    h.touchAll(mm, AT, AT + 64 * 4096, "write");
    const before = values(formatMeminfo(h.sys));
    expect([before["SwapTotal"], before["SwapFree"], before["SwapCached"]]).to.deep.equal([16380, 16380, 0]);
    doMadvise(mm, AT as Va, 64 * 4096, 21);
    h.fork(mm);
    h.touch(mm, AT, "read");
    const after = values(formatMeminfo(h.sys));
    expect([after["SwapFree"], after["SwapCached"], after["Cached"]! - before["Cached"]!]).to.deep.equal([16380 - 256, 20, 0]);
    expect(after["CommitLimit"]! - values(formatMeminfo(new MmHarness().sys))["CommitLimit"]!).to.equal(16380);
    h.close();
  });

  it("vmstat: one name and one number per line, in the kernel's order", () => {
    const h = new MmHarness();
    const lines = formatVmstat(h.sys).trimEnd().split("\n");
    expect(lines[0]).to.match(/^nr_free_pages \d+$/);
    for (const line of lines) expect(line).to.match(/^[a-z0-9_]+ -?\d+$/);
    const at = (name: string): number => lines.findIndex((line) => line.startsWith(`${name} `));
    expect([at("pgfault") < at("pgmajfault"), at("thp_fault_alloc") < at("thp_zero_page_alloc"), at("nr_dirty") >= 0]).to.deep.equal([true, true, true]);
    h.close();
  });

  it("buddyinfo adds up to the free pages", () => {
    const h = new MmHarness();
    const text = formatBuddyinfo(h.sys);
    expect(text).to.match(/^Node 0, zone {6}DMA( +\d+)+ \n$/);
    const counts = text.trim().split(/ +/).slice(4).map(Number);
    expect(counts.reduce((sum, count, order) => sum + count * 2 ** order, 0)).to.equal(h.sys.buddy.nrFree);
    h.close();
  });
});
