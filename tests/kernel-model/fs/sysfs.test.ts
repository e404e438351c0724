/** /sys: where the knobs are, their modes, and the rule of fault_around_bytes. */
import { expect } from "chai";
import { createSysfs } from "../../../kernel-model/fs/sysfs.js";
import { openInode, type OpenFile, type VfsInode } from "../../../kernel-model/fs/vfs.js";
import type { MemorySystem } from "../../../kernel-model/mm/memory-system.js";
import { MmHarness } from "../../support/mm-harness.js";

const EINVAL = -22;
const THP = "kernel/mm/transparent_hugepage";
const AROUND = "kernel/debug/fault_around_bytes";

function lookup(root: VfsInode, path: string): VfsInode {
  let at = root;
  for (const part of path.split("/")) {
    const next = at.ops.lookup!(at, part);
    if (typeof next === "number") throw new Error(`${path}: ${next} at ${part}`);
    at = next;
  }
  return at;
}

function open(sys: MemorySystem, path: string, cpus = 1): OpenFile {
  const file = openInode(lookup(createSysfs(sys, 5, cpus).root, path), 2, `/sys/${path}`, undefined);
  if (typeof file === "number") throw new Error(`open: ${file}`);
  return file;
}

function read(sys: MemorySystem, path: string, cpus = 1): string {
  const file = open(sys, path, cpus);
  const into = new Uint8Array(4096);
  return Buffer.from(into.subarray(0, file.ops.read!(file, into, 0))).toString("latin1");
}

const write = (sys: MemorySystem, path: string, text: string): number => {
  const file = open(sys, path);
  return file.ops.write!(file, Buffer.from(text, "latin1"), 0);
};

describe("sysfs", () => {
  it("the swap device is there with its size, if there is one", () => {
    const { sys } = new MmHarness({ swapBytes: 2 ** 24 });
    expect([read(sys, "block/zram0/disksize"), read(sys, "block/zram0/size"), read(sys, "block/zram0/initstate")]).to.deep.equal(["16777216\n", "32768\n", "1\n"]);
    expect(() => lookup(createSysfs(new MmHarness().sys, 5, 1).root, "block")).to.throw("block");
  });

  it("a file system of type sysfs with its magic", () => {
    const fs = createSysfs(new MmHarness().sys, 5, 1);
    expect([fs.type, fs.dev, fs.statistics().magic]).to.deep.equal(["sysfs", 5, 0x62656572]);
  });

  it("knobs of transparent huge pages read and write the policy", () => {
    const { sys } = new MmHarness();
    sys.thp.set("enabled", "madvise");
    expect(read(sys, `${THP}/enabled`)).to.equal("always [madvise] never\n");
    expect(write(sys, `${THP}/enabled`, "never\n")).to.equal(6);
    expect(sys.thp.enabled).to.equal("never");
    expect(write(sys, `${THP}/enabled`, "sometimes")).to.equal(EINVAL);
    expect(read(sys, `${THP}/hpage_pmd_size`)).to.equal("2097152\n");
    expect(write(sys, `${THP}/hugepages-64kB/enabled`, "always")).to.equal(6);
    expect(read(sys, `${THP}/hugepages-64kB/enabled`)).to.equal("[always] inherit madvise never\n");
    expect(read(sys, `${THP}/hugepages-64kB/stats/anon_fault_alloc`)).to.equal("0\n");
  });

  it("one directory per size, by granule", () => {
    const sizes = { "4k": [8, 16, 32, 64, 128, 256, 512, 1024, 2048], "64k": [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288] } as const;
    for (const [granule, kib] of Object.entries(sizes) as ["4k" | "64k", readonly number[]][]) {
      const { sys } = new MmHarness({ granule });
      const dir = lookup(createSysfs(sys, 5, 1).root, THP);
      for (const size of kib) expect(typeof dir.ops.lookup!(dir, `hugepages-${size}kB`), `${granule} ${size}`).to.equal("object");
      expect(dir.ops.lookup!(dir, `hugepages-${kib.at(-1)! * 2}kB`)).to.equal(-2);
    }
  });

  it("counters are read-only, knobs are the owner's to write", () => {
    const { sys } = new MmHarness();
    const { root } = createSysfs(sys, 5, 1);
    expect(lookup(root, `${THP}/enabled`).mode.toString(8)).to.equal("100644");
    expect(lookup(root, `${THP}/hugepages-64kB/stats/split`).mode.toString(8)).to.equal("100444");
  });

  it("fault_around_bytes: rounded down to a power of two, one page at least, one table at most", () => {
    const { sys } = new MmHarness();
    for (const [text, bytes] of [["65536", 65536], ["100000\n", 65536], ["0x10000", 65536], ["0", 4096], ["1", 4096], ["2097152", 2097152], ["2101247", 2097152]] as const) {
      expect(write(sys, AROUND, text), text).to.equal(text.length);
      expect(read(sys, AROUND), text).to.equal(`${bytes}\n`);
    }
    for (const bad of ["2101248", "-1", "many", "1.5"]) expect(write(sys, AROUND, bad), bad).to.equal(EINVAL);
    expect(sys.tunables.faultAroundBytes, "unchanged by what was refused").to.equal(2097152);
  });

  it("lists of CPUs", () => {
    const { sys } = new MmHarness();
    expect(read(sys, "devices/system/cpu/cpu0/topology/core_siblings")).to.equal("1\n");
    const topology = (cpus: number, name: string): string => read(sys, `devices/system/cpu/cpu${cpus - 1}/topology/${name}`, cpus);
    expect(["core_id", "physical_package_id", "thread_siblings", "thread_siblings_list", "package_cpus", "package_cpus_list"].map((name) => topology(6, name))).to.deep.equal(["5\n", "0\n", "20\n", "5\n", "3f\n", "0-5\n"]);
    expect([topology(40, "core_cpus"), topology(40, "core_siblings")]).to.deep.equal(["80,00000000\n", "ff,ffffffff\n"]);
    for (const name of ["online", "possible", "present"]) expect([1, 4].map((cpus) => read(sys, `devices/system/cpu/${name}`, cpus)), name).to.deep.equal(["0\n", "0-3\n"]);
    expect(read(sys, "devices/system/node/online")).to.equal("0\n");
  });
});
