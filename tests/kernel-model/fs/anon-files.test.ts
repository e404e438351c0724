/* Files without a name: pipes, memfd, eventfd share one file system of inodes. */
import { expect } from "chai";
import { AnonFs } from "../../../kernel-model/fs/anon-files.js";
import { dPath } from "../../../kernel-model/fs/path.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { createTestNamespace } from "../../support/namespace.js";

const EINVAL = 22;
const fs = new AnonFs({ type: "testfs", dev: 0x55, magic: 0x1234, now: () => ({ seconds: 9, nanoseconds: 0 }) });

describe("files without a place", () => {
  it("have a number, a descriptive name and no path", () => {
    const t = createTestNamespace();
    const inode = fs.createInode({ mode: 0o140777, open: () => ({ seekable: false }) });
    const file = fs.openInode(inode, 2, (ino) => `thing:[${ino}]`);
    if (typeof file === "number") throw new Error(String(file));
    expect([file.path, dPath(file.where!, t.fs.root)]).to.deep.equal([`thing:[${inode.ino}]`, `thing:[${inode.ino}]`]);
    expect([inode.dev, inode.mtime.seconds, fs.statistics().magic]).to.deep.equal([0x55, 9, 0x1234]);
    const other = fs.createInode({ mode: 0, open: () => -5 });
    expect(other.ino).to.equal(inode.ino + 1);
    expect(fs.openInode(other, 0, "x")).to.equal(-5);
    putFile(file);
    t.close();
  });

  it("take mode, owner and times, but no size", () => {
    const inode = fs.createInode({ mode: 0o010600, open: () => ({ seekable: false }) });
    const time = { seconds: 1, nanoseconds: 2 };
    expect(inode.ops.setAttributes!(inode, { mode: 0o777, uid: 3, gid: 4, atime: time, mtime: time })).to.equal(0);
    expect([inode.mode, inode.uid, inode.gid, inode.atime, inode.mtime]).to.deep.equal([0o010777, 3, 4, time, time]);
    expect(inode.ops.setAttributes!(inode, { size: 0 })).to.equal(-EINVAL);
  });
});
