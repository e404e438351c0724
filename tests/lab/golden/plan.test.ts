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
  ];
  for (const [program, argv, copyTo, companions] of cases) {
    it(`${program} starts as ${argv.join(" ")}`, () => {
      const start = goldenStart(program);
      expect(start.argv).to.deep.equal(argv);
      expect(start.copyTo).to.equal(copyTo);
      expect(start.companions).to.deep.equal(companions);
    });
  }

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
  it("takes page size and CPU from the file name", () => {
    expect(goldenMachine("4k-cortex-a72.json")).to.deep.equal({ granule: "4k", core: "qemu-a72" });
    expect(goldenMachine("64k-neoverse-n1.json")).to.deep.equal({ granule: "64k", core: "qemu-n1" });
    expect(() => goldenMachine("x.json")).to.throw(ConfigError, "x.json");
  });
});
