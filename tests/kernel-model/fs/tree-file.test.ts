/* Regular files: holes, sparse blocks, limits, truncation. */
import { expect } from "chai";
import { putFile, seekPosition } from "../../../kernel-model/fs/vfs.js";
import { createTestNamespace, type TestNamespace } from "../../support/namespace.js";
import { seededRandom } from "../../support/seed.js";

const [ENXIO, ENOSPC, EFBIG, EOPNOTSUPP] = [6, 28, 27, 95];
const [KEEP_SIZE, PUNCH_HOLE, COLLAPSE, ZERO_RANGE] = [1, 2, 8, 0x10];
const POLICIES = ["tmpfs", "xfs", "ext4"] as const;

const mounted = (type: (typeof POLICIES)[number], options = ""): TestNamespace => createTestNamespace({ mounts: [{ type, directory: "/m", options }] });

describe("regular files", () => {
  for (const type of POLICIES) {
    it(`${type}: random writes, truncations and holes agree with a flat array, also after dropping the cache`, () => {
      const t = mounted(type);
      const below = seededRandom();
      const flat = new Uint8Array(300_000);
      let size = 0;
      const file = t.open("/m/f", 0o102);
      const { ops, inode } = file;
      for (let step = 0; step < 300; step++) {
        const offset = below(150_000);
        const length = 1 + below(40_000);
        switch (below(6)) {
          case 0:
          case 1: {
            const bytes = new Uint8Array(length).map(() => below(256));
            expect(ops.write!(file, bytes, offset)).to.equal(length);
            flat.set(bytes, offset);
            size = Math.max(size, offset + length);
            break;
          }
          case 2:
            expect(inode.ops.setAttributes!(inode, { size: offset })).to.equal(0);
            flat.fill(0, offset);
            size = offset;
            break;
          case 3:
            expect(ops.fallocate!(file, PUNCH_HOLE | KEEP_SIZE, offset, length)).to.equal(0);
            flat.fill(0, offset, Math.min(size, offset + length));
            break;
          case 4:
            ops.fsync!(file, false);
            ops.fadvise!(file, 0, 0, 4);
            break;
          default: {
            const into = new Uint8Array(length);
            const count = ops.read!(file, into, offset);
            expect(count, `read at step ${step}`).to.equal(Math.max(0, Math.min(length, size - offset)));
            expect(Buffer.compare(into.subarray(0, count), flat.subarray(offset, offset + count)), `bytes at step ${step}`).to.equal(0);
          }
        }
        expect(inode.size).to.equal(size);
      }
      putFile(file);
      t.close();
    });
  }

  it("xfs: fsync and DONTNEED empty the cache; the next read comes from the disk", () => {
    const t = mounted("xfs");
    t.write("/m/f", "x".repeat(200_000));
    const file = t.open("/m/f");
    expect(file.inode.mapping!.nrPages).to.equal(49);
    file.ops.fsync!(file, false);
    file.ops.fadvise!(file, 0, 0, 4);
    expect(file.inode.mapping!.nrPages).to.equal(0);
    expect(t.read("/m/f")).to.equal("x".repeat(200_000));
    putFile(file);
    t.close();
  });

  it("tmpfs knows its holes; a disk file is data from end to end", () => {
    const [DATA, HOLE] = [3, 4];
    const t = mounted("tmpfs");
    const file = t.open("/m/f", 0o102);
    file.ops.write!(file, new Uint8Array(1), 0);
    file.ops.write!(file, new Uint8Array(1), 40_000);
    const seeks = (from: readonly number[], whence: number): number[] => from.map((offset) => seekPosition(file, offset, whence));
    expect(seeks([0, 100, 4096, 36_863, 40_000, 40_001, 2 ** 40], DATA)).to.deep.equal([0, 100, 36_864, 36_864, 40_000, -ENXIO, -ENXIO]);
    expect(seeks([0, 4096, 36_864, 40_001], HOLE)).to.deep.equal([4096, 4096, 40_001, -ENXIO]);
    // A hole of a petabyte is crossed at once.
    file.inode.ops.setAttributes!(file.inode, { size: 2 ** 50 });
    expect(seeks([50_000], DATA)).to.deep.equal([-ENXIO]);
    expect(seeks([50_000], HOLE)).to.deep.equal([50_000]);
    putFile(file);
    t.close();
    const d = mounted("ext4");
    const disk = d.open("/m/f", 0o102);
    disk.ops.write!(disk, new Uint8Array(1), 40_000);
    expect([seekPosition(disk, 5, DATA), seekPosition(disk, 5, HOLE), seekPosition(disk, 40_001, DATA)]).to.deep.equal([5, 40_001, -ENXIO]);
    putFile(disk);
    d.close();
  });

  it("fallocate extends, keeps or zeroes", () => {
    for (const type of POLICIES) {
      const t = mounted(type);
      const file = t.open("/m/f", 0o102);
      file.ops.write!(file, new Uint8Array(100).fill(1), 0);
      expect(file.ops.fallocate!(file, KEEP_SIZE, 0, 10_000), type).to.equal(0);
      expect(file.inode.size).to.equal(100);
      expect(file.ops.fallocate!(file, 0, 5000, 5000)).to.equal(0);
      expect(file.inode.size).to.equal(10_000);
      expect(file.ops.fallocate!(file, COLLAPSE, 0, 4096)).to.equal(-EOPNOTSUPP);
      if (type !== "tmpfs") {
        expect(file.ops.fallocate!(file, ZERO_RANGE, 50, 20_000)).to.equal(0);
        expect(file.inode.size).to.equal(20_050);
        const bytes = new Uint8Array(100);
        file.ops.read!(file, bytes, 0);
        expect([bytes[49], bytes[50]]).to.deep.equal([1, 0]);
      }
      putFile(file);
      t.close();
    }
  });

  it("a full disk takes what fits, and gives it back after truncation", () => {
    const t = mounted("ext4", "size=256k");
    const file = t.open("/m/f", 0o102);
    expect(file.ops.write!(file, new Uint8Array(400_000), 0)).to.equal(262_144);
    expect(file.ops.write!(file, new Uint8Array(1), 300_000)).to.equal(-ENOSPC);
    expect(file.ops.fallocate!(file, 0, 0, 2 ** 45)).to.equal(-ENOSPC);
    file.inode.ops.setAttributes!(file.inode, { size: 0 });
    expect(file.inode.fs.statistics().blocksFree).to.equal(64);
    expect(file.ops.fallocate!(file, 0, 0, 2 ** 45)).to.equal(-ENOSPC);
    expect(file.inode.fs.statistics().blocksFree).to.equal(64);
    expect(file.ops.write!(file, new Uint8Array(10), 2 ** 53)).to.equal(-EFBIG);
    putFile(file);
    t.close();
  });

  it("times move as on a mount with relatime", () => {
    const t = mounted("tmpfs");
    t.write("/m/f", "x");
    const inode = t.inode("/m/f");
    const past = { seconds: 100, nanoseconds: 0 };
    inode.ops.setAttributes!(inode, { atime: past, mtime: past });
    const changed = inode.ctime;
    expect(changed.seconds).to.equal(1_731_881_708);
    t.read("/m/f");
    expect(inode.atime, "older than the change").to.deep.equal(changed);
    inode.atime = { seconds: changed.seconds + 5, nanoseconds: 0 };
    t.read("/m/f");
    expect(inode.atime.seconds, "newer: left alone").to.equal(changed.seconds + 5);
    t.write("/m/f", "y");
    expect(inode.mtime).to.deep.equal(changed);
    t.close();
  });

  it("blocks follow what is in memory, or the size on a disk", () => {
    const sizes = POLICIES.map((type) => {
      const t = mounted(type);
      const file = t.open("/m/f", 0o102);
      file.ops.write!(file, new Uint8Array(1), 8192);
      file.inode.ops.getAttributes!(file.inode);
      const { blocks } = file.inode;
      putFile(file);
      t.close();
      return blocks;
    });
    expect(sizes).to.deep.equal([8, 24, 24]);
  });

  it("files that came with the machine charge nothing and give nothing back", () => {
    const t = createTestNamespace({ view: { files: [{ path: "/bin/p", contents: { size: 50_000, read: (_, into) => into.fill(3) }, mode: 0o755 }] } });
    const free = t.inode("/bin/p").fs.statistics().blocksFree;
    expect(t.read("/bin/p").length).to.equal(50_000);
    t.write("/bin/p", "");
    t.write("/bin/p", "z".repeat(5000));
    expect(t.inode("/bin/p").fs.statistics().blocksFree).to.equal(free - 2);
    t.close();
  });
});
