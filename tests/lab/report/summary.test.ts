/* The summary says what ran, what it cost, and what went wrong. */
import { expect } from "chai";
import { summarize } from "../../../lab/report/summary.js";
import { exampleResult } from "../../support/run-result.js";

describe("summarize", () => {
  const text = summarize(exampleResult());

  it("names program, exit and kernel", () => {
    expect(text).to.match(/^program +prog a b: exit 0$/m);
    expect(text).to.match(/^kernel +Linux 6.12 model, 4k pages, contpte on, thp never 64k=always, tmpfs, 2 GiB$/m);
  });

  it("counts faults by kind and order, leaving out zeros", () => {
    expect(text).to.match(/^faults +1,600 minor, 2 major: anonWrite 1,600, fileRead 2$/m);
    expect(text).to.match(/^ +by folio order: 0 2, 4 1,600$/m);
  });

  it("shows the cycles of a result without caches or overlap as one number", () => {
    const { tlb } = exampleResult();
    const { descriptorCacheHits: _hits, descriptorFetchMisses: _misses, walkCyclesOverlapped: _overlapped, ...old } = tlb["neoverse-n1"]!;
    expect(summarize(exampleResult({ tlb: { old } }))).to.match(/46 descriptor fetches, about 500 cycles \(estimate\)/);
  });

  it("shows coverage, TLBs, TLBIs and memory", () => {
    expect(text).to.match(/^contpte +3 MiB of 4 MiB mapped by contiguous runs at exit \(75.0 %\); fold 3, unfold 1$/m);
    expect(text).to.match(/^tlb +neoverse-n1: L1I 10 misses .*, L1D 4,000 misses \(1.00 %\), L2 40 misses \(1.00 %\)$/m);
    expect(text).to.match(/46 descriptor fetches \(10 from memory\), about 125 to 500 cycles \(estimate\)/);
    expect(text).to.match(/^tlbi +vale1is 5, aside1is 1; 6 DSB$/m);
    expect(text).to.match(/^memory +resident peak 4 MiB, allocated peak 5 MiB, page tables 28 KiB; folios 0 64, 4 60$/m);
    expect(text).to.match(/answered ENOSYS: rseq 1/);
  });

  it("reports a crash with pc, address, reason and instruction", () => {
    const crash = { signal: "SIGSEGV", pc: "0x400123", address: "0x0", reason: "no area there", instruction: "ldr x0, [x1]" };
    const crashed = summarize(exampleResult({ exit: { signal: "SIGSEGV" }, crash }));
    expect(crashed).to.match(/killed by SIGSEGV/);
    expect(crashed).to.match(/^crash +SIGSEGV at pc 0x400123, address 0x0: no area there$/m);
    expect(crashed).to.match(/^ +ldr x0, \[x1\]$/m);
  });

  it("says which limit ended the run, and shouts about leaks", () => {
    expect(summarize(exampleResult({ exit: { signal: "SIGKILL" }, stoppedBy: "timeout" }))).to.include("killed by SIGKILL (ended by timeout)");
    const { memory } = exampleResult();
    expect(summarize(exampleResult({ memory: { ...memory, leakedFrames: 3 } }))).to.match(/^LEAK +3 frames/m);
    expect(text).to.not.include("LEAK");
  });
});
