/**
 * Aborts: flags of the fault, retries, and the signals that they end in.
 */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { doMemAbort } from "../../../../kernel-model/arch/arm64/fault.js";
import type { MmStruct } from "../../../../kernel-model/mm/mm-struct.js";
import type { VmOperations } from "../../../../kernel-model/mm/vma.js";
import { MmHarness } from "../../../support/mm-harness.js";

const BASE = 0x5000000000;
const P = 4096;
/* ESR_EL1: EC 0x24 (data, EL0), 0x25 (data, EL1), 0x20 (instruction, EL0); IL; WnR bit 6; status code. */
const READ = 0x92000007;
const WRITE = 0x92000047;
const FETCH = 0x82000007;
const KERNEL_WRITE = 0x96000047;
const PERMISSION_WRITE = 0x9200004f;
const VM_GROWSDOWN = 0x100;

const SIGBUS = 7;
const SIGKILL = 9;
const SIGSEGV = 11;

function machine(): { h: MmHarness; mm: MmStruct } {
  const h = new MmHarness();
  return { h, mm: h.newMm() };
}

/** signo and si_code of an abort, undefined if it was resolved. */
function abort(mm: MmStruct, at: number, esr: number, kernelMode = false): [number, number] | undefined {
  const signal = doMemAbort(mm, at as Va, esr, { kernelMode });
  if (signal === undefined) return undefined;
  expect(signal.addr).to.equal(at);
  return [signal.signo, signal.code];
}

describe("do_mem_abort", () => {
  it("sends SEGV_MAPERR where nothing is mapped and SEGV_ACCERR where the area forbids the access", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P, 1);
    h.anon(mm, BASE + P, P, 0);
    expect(abort(mm, BASE + 2 * P, READ)).to.deep.equal([SIGSEGV, 1]);
    expect(abort(mm, BASE + 17, WRITE)).to.deep.equal([SIGSEGV, 2]);
    expect(abort(mm, BASE + P, READ)).to.deep.equal([SIGSEGV, 2]);
    expect(abort(mm, BASE, FETCH)).to.deep.equal([SIGSEGV, 2]);
    expect(h.faults, "no fault reaches the handler").to.deep.equal([]);
    h.close();
  });

  it("lets execute and write permission imply read", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P, 4);
    h.anon(mm, BASE + P, P, 2);
    expect(abort(mm, BASE, READ)).to.equal(undefined);
    expect(abort(mm, BASE + P, READ)).to.equal(undefined);
    h.close();
  });

  it("passes the kind of access on as flags", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, 4 * P, 7);
    abort(mm, BASE + 5, READ);
    abort(mm, BASE + P, WRITE);
    abort(mm, BASE + 2 * P, FETCH);
    abort(mm, BASE + 3 * P, KERNEL_WRITE, true);
    expect(h.faults.map(({ flags }) => flags)).to.deep.equal([0x1254, 0x1255, 0x1354, 0x215]);
    expect(h.faults[0]).to.deep.equal({ address: BASE + 5, esr: READ, flags: 0x1254, result: 0 });
    h.close();
  });

  it("decides other status codes by themselves", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    expect(abort(mm, BASE, 0x92000021), "alignment").to.deep.equal([SIGBUS, 1]);
    expect(abort(mm, BASE, 0x92000010), "external abort").to.deep.equal([SIGBUS, 3]);
    expect(abort(mm, BASE, 0x92000030), "TLB conflict").to.deep.equal([SIGKILL, 0x80]);
    expect(abort(mm, BASE, 0x92000000), "address size").to.deep.equal([SIGKILL, 0x80]);
    expect(abort(mm, 2 ** 48 + P, READ), "beyond the user half").to.deep.equal([SIGSEGV, 1]);
    expect(h.aborts).to.equal(5);
    h.close();
  });

  it("grows the stack downwards", () => {
    const { h, mm } = machine();
    const stack = h.anon(mm, BASE, 4 * P);
    stack.flags |= VM_GROWSDOWN;
    expect(abort(mm, BASE - 3 * P, WRITE)).to.equal(undefined);
    expect(stack.start).to.equal(BASE - 3 * P);
    expect(h.faults.map(({ flags }) => flags), "not under the per-VMA lock").to.deep.equal([0x255]);
    h.close();
  });

  it("repeats the fault without the per-VMA lock if the handler may sleep", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, P, 1);
    let calls = 0;
    const ops: VmOperations = { name: "sleepy", fault: () => (calls++ === 0 ? 0x404 : 0x100) };
    vma.ops = ops;
    expect(abort(mm, BASE, READ)).to.equal(undefined);
    // First the lock of the area (no call), then the handler asks for a retry with I/O, then it is done: major.
    expect(h.faults.map(({ flags, result }) => [flags, result])).to.deep.equal([
      [0x1254, 0x400],
      [0x254, 0x404],
      [0x274, 0x100],
    ]);
    expect(calls).to.equal(2);
    expect([mm.minFlt, mm.majFlt]).to.deep.equal([0, 1]);
    vma.ops = undefined;
    h.close();
  });

  it("turns the errors of a handler into signals", () => {
    const { h, mm } = machine();
    const vma = h.anon(mm, BASE, P, 1);
    const results = [0x2, 0x1, 0x40];
    vma.ops = { name: "failing", mapPages: () => 0, fault: () => results.shift()! };
    expect(abort(mm, BASE + 9, READ)).to.deep.equal([SIGBUS, 2]);
    const oom = doMemAbort(mm, BASE as Va, READ);
    expect([oom?.signo, oom?.outOfMemory]).to.deep.equal([SIGKILL, true]);
    expect(abort(mm, BASE, READ)).to.deep.equal([SIGSEGV, 1]);
    expect([mm.minFlt, mm.majFlt], "failed faults are not the task's").to.deep.equal([0, 0]);
    expect(h.sys.vmstat.get("pgfault"), "but count").to.equal(3);
    vma.ops = undefined;
    h.close();
  });

  it("returns success when the page came by other means", () => {
    const { h, mm } = machine();
    h.anon(mm, BASE, P);
    h.touch(mm, BASE, "write");
    h.clear();
    expect(abort(mm, BASE, PERMISSION_WRITE)).to.equal(undefined);
    expect(h.served).to.deep.equal([{ address: BASE, kind: "spurious", order: 0 }]);
    h.close();
  });

  it("kills the task that finds no memory", () => {
    const h = new MmHarness({ memoryMib: 8 });
    const mm = h.newMm();
    for (let i = 0; i < 4; i++) h.anon(mm, BASE + i * 4 * 2 ** 20, 4 * 2 ** 20);
    let signal;
    for (let at = BASE; signal === undefined; at += P) signal = doMemAbort(mm, at as Va, WRITE);
    expect([signal.signo, signal.outOfMemory]).to.deep.equal([SIGKILL, true]);
    expect(h.sys.buddy.nrFree, "the reserve stays").to.be.above(0);
    h.close();
  });
});
