/* Open file descriptions: positions, references, flags. */
import { expect } from "chai";
import { createMount, denyWriteAccess, genericSeek, getFile, isDirectory, isRegular, isSymlink, openInode, putFile, seekPosition } from "../../../kernel-model/fs/vfs.js";
import { createTestNamespace } from "../../support/namespace.js";

const EINVAL = 22;
const O_PATH = 0o10000000;

describe("vfs", () => {
  it("tells file types apart", () => {
    const t = createTestNamespace();
    t.write("/f", "x");
    t.fs.root.dentry.inode.ops.symlink!(t.fs.root.dentry.inode, "l", "/f");
    expect([isDirectory, isRegular, isSymlink].map((is) => ["/", "/f", "/l"].map((path) => is(t.inode(path))))).to.deep.equal([
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ]);
    t.close();
  });

  it("a description lives as long as its references, and releases once", () => {
    const t = createTestNamespace();
    t.write("/f", "x");
    const file = t.open("/f", 2);
    expect(file.inode.holders).to.equal(1);
    getFile(file);
    putFile(file);
    expect(file.inode.holders).to.equal(1);
    putFile(file);
    expect(file.inode.holders).to.equal(0);
    t.close();
  });

  it("watchers hear of the last reference", () => {
    const t = createTestNamespace();
    t.write("/f", "x");
    const file = t.open("/f");
    let heard = 0;
    file.watchers = new Set([() => heard++]);
    putFile(file);
    expect(heard).to.equal(1);
    t.close();
  });

  it("an O_PATH description reads and writes nothing but keeps its inode", () => {
    const t = createTestNamespace();
    t.write("/f", "x");
    const file = t.open("/f", O_PATH);
    expect([file.readable, file.writable, file.ops.read]).to.deep.equal([false, false, undefined]);
    expect(file.inode.holders).to.equal(1);
    putFile(file);
    t.close();
  });

  it("a file system that refuses to open leaves no holder behind", () => {
    const t = createTestNamespace();
    const link = t.fs.root.dentry.inode.ops.symlink!(t.fs.root.dentry.inode, "l", "/f");
    if (typeof link === "number") throw new Error(String(link));
    expect(openInode(link, 0, "/l", undefined)).to.be.lessThan(0);
    expect(link.holders).to.equal(0);
    t.close();
  });

  it("a file that a program runs from cannot be opened for writing, and one open for writing cannot be run", () => {
    const t = createTestNamespace();
    t.write("/f", "x");
    const [reader, second] = [t.open("/f"), t.open("/f")];
    expect([denyWriteAccess(reader), denyWriteAccess(second)]).to.deep.equal([0, 0]);
    expect(() => t.open("/f", 2)).to.throw("-26");
    putFile(reader);
    expect(() => t.open("/f", 1)).to.throw("-26");
    putFile(second);
    const writer = t.open("/f", 1);
    const third = t.open("/f");
    expect(denyWriteAccess(third)).to.equal(-26);
    putFile(writer);
    expect(denyWriteAccess(third)).to.equal(0);
    putFile(third);
    t.close();
  });

  it("readahead of a description starts at read_ahead_kb", () => {
    const t = createTestNamespace({ rootType: "ext4" });
    t.write("/f", "x");
    const file = t.open("/f");
    expect(file.ra.raPages).to.equal(128 / 4);
    putFile(file);
    t.close();
  });

  it("seeks relative to start, position and end", () => {
    const t = createTestNamespace();
    t.write("/f", "0123456789");
    const file = t.open("/f");
    file.position = 4;
    expect([seekPosition(file, 3, 0), seekPosition(file, 3, 1), seekPosition(file, -3, 2)]).to.deep.equal([3, 7, 7]);
    expect([seekPosition(file, -1, 0), seekPosition(file, -5, 1), seekPosition(file, -11, 2), genericSeek(file, 0, 9)]).to.deep.equal([-EINVAL, -EINVAL, -EINVAL, -EINVAL]);
    putFile(file);
    t.close();
  });

  it("a mount hides what it is mounted on", () => {
    const t = createTestNamespace();
    t.fs.root.dentry.inode.ops.mkdir!(t.fs.root.dentry.inode, "m", 0o40755);
    const over = t.namespace.mounts.find(({ fs }) => fs.type === "proc")!.fs;
    expect(t.list("/m")).to.deep.equal([".", ".."]);
    const dentry = t.fs.root.dentry.children.get("m")!;
    createMount(over, 99, { mount: t.fs.root.mount, dentry });
    expect(t.list("/m")).to.include("meminfo");
    t.close();
  });
});
