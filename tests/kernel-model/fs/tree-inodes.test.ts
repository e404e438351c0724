/** Inodes of in-memory file systems: numbers, owners, link counts, and which node is behind one. */
import { expect } from "chai";
import { TreeInodes } from "../../../kernel-model/fs/tree-inodes.js";
import { TreeSpace, type TreeFsOptions, type TreeOperations } from "../../../kernel-model/fs/tree-node.js";
import type { FileSystem, VfsInode } from "../../../kernel-model/fs/vfs.js";
import { contentsOf } from "../../support/namespace.js";

const now = { seconds: 5, nanoseconds: 6 };
const past = { seconds: 1, nanoseconds: 0 };

function inodes() {
  const space = new TreeSpace(1, 9);
  const operations = { directory: {}, file: {}, link: {}, special: {} } as unknown as TreeOperations;
  const options = { type: "tmpfs", dev: 77, now: () => now, owner: () => ({ uid: 10, gid: 20 }) } as unknown as TreeFsOptions;
  return { space, operations, made: new TreeInodes({} as FileSystem, options, space, operations) };
}

describe("inodes of in-memory file systems", () => {
  it("are numbered in order, belong to the running task, and count against the limit", () => {
    const { space, operations, made } = inodes();
    const root = made.makeDirectory({ mode: 0o40755 }, undefined, undefined);
    const file = made.makeFile({ mode: 0o100644, size: 3 }, contentsOf("abc"));
    const link = made.makeLink("target");
    const special = made.makeSpecial({ mode: 0o20600, rdev: 0x103, uid: 1, gid: 2 });
    expect([root, file, link, special].map(({ inode }) => [inode.ino, inode.nlink, inode.size, inode.uid, inode.gid])).to.deep.equal([
      [1, 2, 0, 10, 20],
      [2, 0, 3, 10, 20],
      [3, 0, 6, 10, 20],
      [4, 0, 0, 1, 2],
    ]);
    expect([file.inode.dev, file.inode.mtime, file.inode.ops, special.inode.rdev, link.inode.mode, space.inodes]).to.deep.equal([77, now, operations.file, 0x103, 0o120777, 4]);
    expect([root.parent, root.listed, made.nextIno()]).to.deep.equal([root, true, 5]);
  });

  it("objects of the host keep their attributes and have one name", () => {
    const { made } = inodes();
    const root = made.makeDirectory({ mode: 0o40755 }, undefined, undefined);
    const attributes = { mode: 0o100600, uid: 3, gid: 4, atime: past, mtime: past, ctime: past };
    const file = made.adopt({ kind: "file", attributes, file: { ...contentsOf("abcd"), readable: true, writable: true } }, root, 99);
    const link = made.adopt({ kind: "symlink", attributes: { ...attributes, mode: 0o120777 }, target: "x" }, root);
    expect([file.inode.ino, file.inode.nlink, file.inode.size, file.inode.uid, file.inode.mode, file.inode.mtime, link.inode.nlink]).to.deep.equal([99, 1, 4, 3, 0o100600, past, 1]);
    const directory = { attributes: { ...attributes, mode: 0o40700 }, names: () => [], lookup: () => undefined };
    const dir = made.adopt({ kind: "directory", attributes: directory.attributes, directory }, root);
    expect(dir.kind === "directory" && [dir.parent, dir.listed, dir.host]).to.deep.equal([root, false, directory]);
  });

  it("lead to their node; the wrong kind and foreign ones are bugs", () => {
    const { made } = inodes();
    const file = made.makeFile({ mode: 0o100644 });
    expect([made.nodeOf(file.inode), made.fileOf(file.inode)]).to.deep.equal([file, file]);
    expect(() => made.dirOf(file.inode)).to.throw(/is no directory/);
    expect(() => made.fileOf(made.makeLink("x").inode)).to.throw(/is no regular file/);
    expect(() => made.nodeOf({ ino: 1, dev: 2 } as VfsInode)).to.throw(/not of this file system/);
  });
});
