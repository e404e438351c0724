/* /proc/PID/mem reads and writes a process's memory. */
import { expect } from "chai";
import type { Va } from "../../../../emulator/arch/addr.js";
import { accessRemoteVm, readRemoteVm } from "../../../../kernel-model/fs/procfs/mem.js";
import { MmHarness } from "../../../support/mm-harness.js";
import { CHECK, runSourceInMachine } from "../../../support/namespace.js";

const AT = 0x10_0000_0000;

describe("memory of another process", () => {
  it("is read and written across pages, and no further than it is mapped", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, AT, 8192);
    h.writeByte(mm, AT + 4095, 1);
    const bytes = new Uint8Array([7, 8, 9]);
    expect(accessRemoteVm(mm, (AT + 4095) as Va, bytes, { write: true })).to.equal(3);
    expect([4095, 4096, 4097].map((offset) => h.readByte(mm, AT + offset))).to.deep.equal([7, 8, 9]);
    expect([...readRemoteVm(mm, (AT + 8190) as Va, 10)]).to.deep.equal([0, 0]);
    expect([readRemoteVm(mm, (AT - 5) as Va, 10).length, readRemoteVm(mm, AT as Va, -1).length, accessRemoteVm(mm, mm.taskSize as Va, bytes, { write: false })]).to.deep.equal([0, 0, 0]);
    h.close();
  });

  it("force writes to what is read-only; without it that is refused", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, AT, 4096, 1);
    const bytes = new Uint8Array([5]);
    expect(accessRemoteVm(mm, AT as Va, bytes, { write: true, force: false })).to.equal(0);
    expect(accessRemoteVm(mm, AT as Va, bytes, { write: true })).to.equal(1);
    expect(h.readByte(mm, AT)).to.equal(5);
    h.close();
  });

  it("writing breaks the sharing with a child first", () => {
    const h = new MmHarness();
    const mm = h.newMm();
    h.anon(mm, AT, 4096);
    h.writeByte(mm, AT, 1);
    const child = h.fork(mm);
    accessRemoteVm(child, AT as Va, new Uint8Array([2]), { write: true });
    expect([h.readByte(mm, AT), h.readByte(child, AT)]).to.deep.equal([1, 2]);
    h.close();
  });

  it("/proc/PID/mem: positions are addresses, holes are EIO", () => {
    const source = `${CHECK}int main(void) {
      static char here[] = "before"; char b[8] = {0}; int f = open("/proc/self/mem", O_RDWR);
      CHECK(pread(f, b, 6, (long)here)); puts(b); CHECK(pwrite(f, "after!", 6, (long)here)); puts(here);
      CHECK(pwrite(f, "X", 1, (long)"constant")); CHECK(pread(f, b, 1, 0x1000)); CHECK(lseek(f, (long)here, SEEK_SET) == (long)here); CHECK(read(f, b, 2));
      int p = fork(); if (p == 0) { pause(); } char path[40]; sprintf(path, "/proc/%d/mem", p); here[0] = 'Z'; int g = open(path, O_RDWR); CHECK(pread(g, b, 5, (long)here)); puts(b); kill(p, 9); wait(0); CHECK(pread(g, b, 5, (long)here));
      return 0; }`;
    const { stdout } = runSourceInMachine("proc-mem", source);
    expect(stdout.split("\n").map((line) => line.replace(/^.* = /, ""))).to.deep.equal(["6 ", "before", "6 ", "after!", "1 ", "-1 EIO", "1 ", "2 ", "5 ", "aftere", "0 ", ""]);
  });
});
