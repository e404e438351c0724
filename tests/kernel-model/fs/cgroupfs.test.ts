/** cgroup2: processes of a group, what it is charged for, and reclaim on request. */
import { expect } from "chai";
import { createCgroupfs } from "../../../kernel-model/fs/cgroupfs.js";
import { openInode, type OpenFile } from "../../../kernel-model/fs/vfs.js";
import { exitCode, programOf } from "../../support/elf-builder.js";
import { createTestMachine } from "../../support/kernel-machine.js";
import { MmHarness } from "../../support/mm-harness.js";

const EAGAIN = -11;
const EINVAL = -22;
const ESRCH = -3;
const AT = 0x50_0000_0000;

function open(root: ReturnType<typeof createCgroupfs>["root"], path: string): OpenFile {
  let at = root;
  for (const part of path.split("/")) {
    const next = at.ops.lookup!(at, part);
    if (typeof next === "number") throw new Error(`${path}: ${next} at ${part}`);
    at = next;
  }
  const file = openInode(at, 2, path, undefined);
  if (typeof file === "number") throw new Error(`open: ${file}`);
  return file;
}

const read = (file: OpenFile): string => {
  const into = new Uint8Array(4096);
  return Buffer.from(into.subarray(0, file.ops.read!(file, into, 0))).toString("latin1");
};
const write = (file: OpenFile, text: string): number => file.ops.write!(file, Buffer.from(text, "latin1"), 0);

describe("cgroup2", () => {
  it("a process is moved by writing its id, or 0 for the writer", () => {
    const machine = createTestMachine({ files: { "/p": programOf(...exitCode(0)) }, memoryCgroups: ["t"] });
    const pid = machine.kernel.spawn("/p", ["p"], []) as number;
    const { root } = createCgroupfs(machine.sys, () => machine.kernel, 7);
    expect([read(open(root, "cgroup.procs")), read(open(root, "t/cgroup.procs"))]).to.deep.equal([`${pid}\n`, ""]);
    expect(write(open(root, "t/cgroup.procs"), `${pid}\n`)).to.equal(`${pid}\n`.length);
    expect([read(open(root, "cgroup.procs")), read(open(root, "t/cgroup.procs")), machine.kernel.currentMm().memcg]).to.deep.equal(["", `${pid}\n`, 1]);
    expect(write(open(root, "cgroup.procs"), "0")).to.equal(1);
    expect(machine.kernel.currentMm().memcg).to.equal(0);
    expect([write(open(root, "t/cgroup.procs"), "31999"), write(open(root, "t/cgroup.procs"), "me"), write(open(root, "t/cgroup.procs"), "-1")]).to.deep.equal([ESRCH, EINVAL, EINVAL]);
    machine.shutdown();
  });

  it("memory.reclaim swaps out so many bytes of the group, memory.current shows what is left", () => {
    const h = new MmHarness({ swapBytes: 2 ** 24, memoryCgroups: ["t"] });
    h.sys.thp.enabled = "never";
    const mm = h.newMm();
    mm.memcg = 1;
    h.anon(mm, AT, 256 * 4096);
    h.touchAll(mm, AT, AT + 256 * 4096, "write");
    const { root } = createCgroupfs(h.sys, () => undefined, 7);
    expect(read(open(root, "t/memory.current"))).to.equal("1048576\n");
    expect(write(open(root, "t/memory.reclaim"), "512K swappiness=60\n")).to.equal(19);
    expect(Number(read(open(root, "t/memory.current")))).to.be.within(3e5, 524288);
    expect(write(open(root, "t/memory.reclaim"), "1048576")).to.equal(EAGAIN);
    expect(read(open(root, "t/memory.current"))).to.equal("0\n");
    for (const bad of ["", "much", "1M fast", "1M swappiness=201"]) expect(write(open(root, "t/memory.reclaim"), bad), bad).to.equal(EINVAL);
    h.close();
  });

  it("the root has no reclaim of its own, and groups are those of the machine", () => {
    const { root } = createCgroupfs(new MmHarness({ memoryCgroups: ["a", "b"] }).sys, () => undefined, 7);
    expect(() => open(root, "memory.reclaim")).to.throw("memory.reclaim");
    expect(() => open(root, "c/cgroup.procs")).to.throw("at c");
    expect(read(open(root, "b/cgroup.controllers"))).to.equal("memory\n");
  });
});
