/* How recorded programs are started follows from their names, as golden/README.md has it. */
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { ConfigError } from "../../../emulator/arch/errors.js";
import { goldenMachine, goldenSizes, goldenStart } from "../../../lab/golden/plan.js";

describe("goldenStart", () => {
  const cases: readonly [string, readonly string[], string | undefined, readonly string[]][] = [
    ["anon_seq", ["/bin/anon_seq"], undefined, []],
    ["lifetime:sort", ["/bin/lifetime", "sort", "/bin/wl_sort"], undefined, ["wl_sort"]],
    ["file_mmap:tmpfs_always", ["/bin/file_mmap", "tmpfs_always", "/t_always/f"], undefined, []],
    ["file_mmap:tmpfs_within_size", ["/bin/file_mmap", "tmpfs_within_size", "/t_within/f"], undefined, []],
    ["file_mmap:xfs", ["/bin/file_mmap", "xfs", "/mnt_xfs/f", "drop"], undefined, []],
    ["file_mmap:xfs_cached", ["/bin/file_mmap", "xfs_cached", "/mnt_xfs/g"], undefined, []],
    ["file_mmap:ext4", ["/bin/file_mmap", "ext4", "/mnt_ext4/f", "drop"], undefined, []],
    ["self_maps:xfs", ["/mnt_xfs/self_maps", "xfs"], "/mnt_xfs/self_maps", []],
    ["self_maps:tmpfs_always", ["/t_always/self_maps", "tmpfs_always"], "/t_always/self_maps", []],
    ["self_maps:initramfs", ["/bin/self_maps", "initramfs"], undefined, []],
    ["random:7:40:96:pf", ["/bin/random", "7", "40", "96", "pf"], undefined, []],
    ["random:8:40:64:sd:/mnt_xfs/z", ["/bin/random", "8", "40", "64", "sd", "/mnt_xfs/z"], undefined, []],
  ];
  for (const [program, argv, copyTo, companions] of cases) {
    it(`${program} starts as ${argv.join(" ")}`, () => {
      const start = goldenStart(program);
      expect(start.argv).to.deep.equal(argv);
      expect(start.copyTo).to.equal(copyTo);
      expect(start.companions).to.deep.equal(companions);
    });
  }

  it("gives swap space to the random operations only", () => {
    expect([goldenStart("anon_seq").swap, goldenStart("file_mmap:xfs").swap, goldenStart("random:7:40:96:pf").swap]).to.deep.equal([0, 0, 512 * 2 ** 20]);
  });

  it("refuses a file system it does not know", () => {
    expect(() => goldenStart("file_mmap:btrfs")).to.throw(ConfigError, "file_mmap:btrfs");
  });
});

describe("goldenSizes", () => {
  const sizes = (cfg: string, name: "4k" | "16k" | "64k"): Record<string, string> => Object.fromEntries([...goldenSizes(cfg, granule(name))].map(([size, mode]) => [`${size / 1024}k`, mode]));

  it("reads the configurations of the recordings", () => {
    expect(sizes("off", "4k")).to.deep.equal({});
    expect(sizes("m64", "4k")).to.deep.equal({ "64k": "always" });
    expect(sizes("m16+64", "4k")).to.deep.equal({ "16k": "always", "64k": "always" });
    expect(sizes("m2M", "16k")).to.deep.equal({ "2048k": "always" });
    expect(sizes("m256+2M", "64k")).to.deep.equal({ "256k": "always", "2048k": "always" });
    expect(Object.keys(sizes("all", "4k"))).to.deep.equal(["16k", "32k", "64k", "128k", "256k", "512k", "1024k", "2048k"]);
  });

  it("reads the same pattern with other names", () => {
    expect(sizes("pmd2M", "4k")).to.deep.equal({ "2048k": "always" });
    expect(sizes("madv64", "4k")).to.deep.equal({ "64k": "madvise" });
    expect(Object.keys(sizes("all_but_pmd", "4k"))).to.deep.equal(["16k", "32k", "64k", "128k", "256k", "512k", "1024k"]);
  });

  it("refuses a size that the page size does not have", () => {
    expect(() => goldenSizes("m64", granule("64k"))).to.throw(ConfigError, "m64");
    expect(() => goldenSizes("everything", granule("4k"))).to.throw(ConfigError, "everything");
  });
});

describe("goldenMachine", () => {
  const plain = { kpti: false, repeatTlbi: false };
  const cases: readonly [string, object][] = [
    ["4k-cortex-a72.json", { ...plain, granule: "4k", core: "qemu-a72" }],
    ["64k-neoverse-n1.json", { granule: "64k", core: "qemu-n1", kpti: false, repeatTlbi: true }],
    ["4k-n1x.json", { ...plain, granule: "4k", core: "qemu-n1" }],
    ["16k-n1x.json", { ...plain, granule: "16k", core: "qemu-n1" }],
    ["4k-n1.json", { granule: "4k", core: "qemu-n1", kpti: false, repeatTlbi: true }],
    ["4k-a72.json", { ...plain, granule: "4k", core: "qemu-a72" }],
    ["4k-max-nolpa2.json", { ...plain, granule: "4k", core: "qemu-max" }],
    ["4k-max.json", { ...plain, granule: "4k", core: "qemu-max-lpa2" }],
    ["16k-max.json", { ...plain, granule: "16k", core: "qemu-max" }],
    ["4k-n1x-kpti.json", { granule: "4k", core: "qemu-n1", kpti: true, repeatTlbi: false }],
    ["4k-n1x-smp2.json", { ...plain, granule: "4k", core: "qemu-n1" }],
  ];
  for (const [name, machine] of cases) {
    it(`takes page size, CPU and kernel from the name ${name}`, () => {
      expect(goldenMachine(name)).to.deep.equal(machine);
    });
  }

  it("believes what the recording says of itself before its name", () => {
    const features = "dmesg CPU features: detected: CRC32 instructions";
    const meta = { cpu: "max,lpa2=off", notes: ["kernel 6.12.95 page 16384 cpus 1", features, "CPU features: detected: Kernel page table isolation (KPTI)"] };
    expect(goldenMachine("4k-n1.json", meta)).to.deep.equal({ granule: "16k", core: "qemu-max", kpti: true, repeatTlbi: false });
    const n1 = { cpu: "neoverse-n1", notes: ["kernel page 4096", features, "CPU features: detected: Broken broadcast TLBI completion"] };
    expect(goldenMachine("x.json", n1)).to.deep.equal({ granule: "4k", core: "qemu-n1", kpti: false, repeatTlbi: true });
    expect(goldenMachine("x.json", { cpu: "neoverse-n1,midr=0x000f0510", notes: ["page 4096", features] })).to.deep.equal({ ...plain, granule: "4k", core: "qemu-n1" });
  });

  it("refuses a name that does not say page size and CPU", () => {
    for (const name of ["x.json", "4k.json", "n1x.json"]) expect(() => goldenMachine(name), name).to.throw(ConfigError, name);
  });
});
