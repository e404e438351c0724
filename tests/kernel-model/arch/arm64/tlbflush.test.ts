/** Which TLBI and DSB each flush issues: ranges, fallback, hints, errata. */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../../../emulator/arch/cpu-features.js";
import { granule, type GranuleName } from "../../../../emulator/arch/granule.js";
import { TlbFlush, type FlushRange } from "../../../../kernel-model/arch/arm64/tlbflush.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import { CPU_RANGE, CPU_SINGLE, RecordingSink } from "../../../support/memory-system.js";

const mm = { contextId: 3 * 65536 + 42 } as MmStruct;
const K = 1024;
const M = 1024 * K;
const START = 0x5000000000;

function setup(cpu: CpuFeatures, name: GranuleName = "4k", more: { kpti?: boolean; repeatTlbi?: boolean } = {}): { tlb: TlbFlush; sink: RecordingSink } {
  const sink = new RecordingSink();
  return { tlb: new TlbFlush({ granule: granule(name), cpu, sink, ...more }), sink };
}

/** Flush `length` bytes from `start` and describe what was issued. */
function flush(cpu: CpuFeatures, name: GranuleName, start: number, length: number, range: FlushRange): { counts: Record<string, number>; barriers: string[]; sink: RecordingSink } {
  const { tlb, sink } = setup(cpu, name);
  tlb.flushTlbRange(mm, start as Va, (start + length) as Va, range);
  return { counts: sink.counts(), barriers: sink.barriers, sink };
}

const leaf = (stride: number): FlushRange => ({ stride, lastLevel: true, level: 3 });

describe("TlbFlush", () => {
  it("flushes one page by VALE1IS without a level hint", () => {
    const { tlb, sink } = setup(CPU_RANGE);
    tlb.flushTlbPage(mm, (START + 0x1234) as Va);
    expect(sink.operations).to.deep.equal([{ op: "vale1is", asid: 42, start: START + 0x1000, end: START + 0x2000, level: undefined }]);
    expect(sink.barriers).to.deep.equal(["ishst", "ish"]);
    sink.clear();
    tlb.flushTlbPageNosync(mm, START as Va);
    expect(sink.barriers, "the wait is the caller's").to.deep.equal(["ishst"]);
  });

  it("flushes a contiguous block with one range instruction, or N single ones", () => {
    for (const [name, stride, n] of [["4k", 4 * K, 16], ["16k", 16 * K, 128], ["64k", 64 * K, 32]] as const) {
      const single = flush(CPU_SINGLE, name, START, n * stride, leaf(stride));
      expect(single.counts, name).to.deep.equal({ vale1is: n });
      expect(single.barriers, name).to.deep.equal(["ishst", "ish"]);
      expect(single.sink.operations.every(({ level }) => level === undefined), "no level field without FEAT_TTL").to.equal(true);
      expect(single.sink.operations.map(({ start }) => start)).to.deep.equal(Array.from({ length: n }, (_, i) => START + i * stride));
      const range = flush(CPU_RANGE, name, START, n * stride, leaf(stride));
      expect(range.sink.operations, name).to.deep.equal([{ op: "rvale1is", asid: 42, start: START, end: START + n * stride, level: 3 }]);
    }
  });

  it("splits a range into (NUM + 1) << (5 * SCALE + 1) pages, largest scale first, and ends with a single page if odd", () => {
    const lengths = (pages: number): number[] => {
      const { sink } = flush(CPU_RANGE, "4k", START, pages * 4 * K, leaf(4 * K));
      return sink.operations.map(({ start, end }) => (end - start) / (4 * K));
    };
    expect(lengths(1)).to.deep.equal([1]);
    expect(lengths(2)).to.deep.equal([2]);
    expect(lengths(3)).to.deep.equal([2, 1]);
    expect(lengths(64)).to.deep.equal([64]);
    expect(lengths(65)).to.deep.equal([64, 1]);
    expect(lengths(67)).to.deep.equal([64, 2, 1]);
    expect(lengths(2048 + 62)).to.deep.equal([2048, 62]);
    expect(lengths(5 * 2048 + 3 * 64 + 7)).to.deep.equal([5 * 2048, 3 * 64, 6, 1]);
    expect(lengths(2 ** 21), "the longest range").to.deep.equal([2 ** 21]);
  });

  it("takes the whole ASID from 512 strides on without range instructions, with two waits", () => {
    const below = flush(CPU_SINGLE, "4k", START, 511 * 4 * K, leaf(4 * K));
    expect(below.counts).to.deep.equal({ vale1is: 511 });
    const at = flush(CPU_SINGLE, "4k", START, 2 * M, leaf(4 * K));
    expect(at.counts).to.deep.equal({ aside1is: 1 });
    expect(at.barriers).to.deep.equal(["ishst", "ish", "ish"]);
    expect(flush(CPU_RANGE, "4k", START, 2 * M, leaf(4 * K)).counts).to.deep.equal({ rvale1is: 1 });
    expect(flush(CPU_SINGLE, "16k", START, 2047 * 16 * K, leaf(16 * K)).counts).to.deep.equal({ vale1is: 2047 });
    expect(flush(CPU_SINGLE, "16k", START, 2048 * 16 * K, leaf(16 * K)).counts).to.deep.equal({ aside1is: 1 });
    expect(flush(CPU_SINGLE, "64k", START, 8192 * 64 * K, leaf(64 * K)).counts).to.deep.equal({ aside1is: 1 });
  });

  it("takes the whole ASID beyond 2^21 pages with range instructions", () => {
    expect(flush(CPU_RANGE, "4k", 0, (2 ** 21 + 1) * 4 * K, leaf(4 * K)).counts).to.deep.equal({ aside1is: 1 });
  });

  it("reaches walk caches when tables may have changed", () => {
    const single = setup(CPU_SINGLE);
    single.tlb.flushTlbRangeAllLevels(mm, START as Va, (START + 8 * K) as Va);
    expect(single.sink.counts()).to.deep.equal({ vae1is: 2 });
    const range = setup(CPU_RANGE);
    range.tlb.flushTlbRangeAllLevels(mm, START as Va, (START + 8 * K) as Va);
    expect(range.sink.operations).to.deep.equal([{ op: "rvae1is", asid: 42, start: START, end: START + 8 * K, level: undefined }]);
  });

  it("steps by PMD blocks with a level-2 hint", () => {
    const single = setup({ ...CPU_SINGLE, ttl: true });
    single.tlb.flushPmdTlbRange(mm, START as Va, (START + 4 * M) as Va);
    expect(single.sink.operations.map(({ op, start, level }) => [op, start, level])).to.deep.equal([
      ["vae1is", START, 2],
      ["vae1is", START + 2 * M, 2],
    ]);
    const range = setup(CPU_RANGE);
    range.tlb.flushPmdTlbRange(mm, START as Va, (START + 2 * M) as Va);
    expect(range.sink.operations).to.deep.equal([{ op: "rvae1is", asid: 42, start: START, end: START + 2 * M, level: 2 }]);
  });

  it("rounds the range out to strides", () => {
    const { sink } = flush(CPU_RANGE, "4k", START + 0x800, 0x1000, leaf(4 * K));
    expect(sink.operations.map(({ start, end }) => [start, end])).to.deep.equal([[START, START + 8 * K]]);
  });

  it("starts range instructions at 64K with LPA2: the second half of a block goes page by page", () => {
    const cpu = { ...CPU_RANGE, lpa2: true };
    expect(flush(cpu, "4k", START, 64 * K, leaf(4 * K)).counts).to.deep.equal({ rvale1is: 1 });
    expect(flush(cpu, "4k", START + 32 * K, 32 * K, leaf(4 * K)).counts).to.deep.equal({ vale1is: 8 });
    expect(flush(cpu, "4k", START + 32 * K, 96 * K, leaf(4 * K)).counts).to.deep.equal({ vale1is: 8, rvale1is: 1 });
  });

  it("doubles every TLBI with page-table isolation, and no barrier", () => {
    const { tlb, sink } = setup(CPU_SINGLE, "4k", { kpti: true });
    tlb.flushTlbPage(mm, START as Va);
    expect(sink.operations.map(({ asid }) => asid)).to.deep.equal([42, 43]);
    expect(sink.barriers).to.deep.equal(["ishst", "ish"]);
    sink.clear();
    tlb.flushTlbMm(mm);
    expect(sink.counts()).to.deep.equal({ aside1is: 2 });
  });

  it("repeats with the broken-completion erratum: one more TLBI and DSB per wait", () => {
    const { tlb, sink } = setup(CPU_SINGLE, "4k", { repeatTlbi: true });
    tlb.flushTlbRange(mm, START as Va, (START + 64 * K) as Va, leaf(4 * K));
    expect(sink.counts()).to.deep.equal({ vale1is: 17 });
    expect(sink.waits()).to.equal(2);
    sink.clear();
    tlb.tlbbatchAddPending(mm, START as Va);
    expect([sink.counts(), sink.waits()], "no wait, no repetition").to.deep.equal([{ vale1is: 1 }, 0]);
    tlb.tlbbatchFlush();
    expect([sink.counts(), sink.waits()]).to.deep.equal([{ vale1is: 2 }, 2]);
  });

  it("counts what it issues", () => {
    const { tlb } = setup(CPU_SINGLE);
    tlb.flushTlbRange(mm, START as Va, (START + 64 * K) as Va, leaf(4 * K));
    tlb.flushTlbMm(mm);
    tlb.localFlushTlbAll();
    tlb.flushTlbRange(mm, START as Va, (START + 64 * K) as Va, { ...leaf(4 * K), nosync: true });
    expect(tlb.ops).to.include({ vale1is: 32, aside1is: 1, vmalle1: 1, vmalle1is: 0, vae1is: 0, rvale1is: 0, rvae1is: 0 });
    expect(tlb.barriers).to.deep.equal({ ishst: 3, ish: 2, nshst: 1, nsh: 1 });
  });
});
