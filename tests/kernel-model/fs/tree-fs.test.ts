/* Directories, links and renames of file systems in memory, and over a host directory. */
import { expect } from "chai";
import type { HostAttributes, HostChanges, HostDirectory, HostFile, HostObject } from "../../../kernel-model/fs/host-directory.js";
import { makeDirectory, makeLink, makeNode, makeSymlink, removeDirectory, removeName, rename } from "../../../kernel-model/fs/namei.js";
import { TreeFs } from "../../../kernel-model/fs/tree-fs.js";
import { resolvePath } from "../../../kernel-model/fs/path.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { contentsOf, createTestNamespace, type TestNamespace } from "../../support/namespace.js";

const [ENOENT, EEXIST, ENOSPC, ENOTEMPTY, EPERM, EACCES] = [2, 17, 28, 39, 1, 13];
const at = (path: string) => ({ path, from: undefined });
const TIME = { seconds: 1_000_000, nanoseconds: 5 };
const attributes = (mode: number): HostAttributes => ({ mode, uid: 7, gid: 8, atime: TIME, mtime: TIME, ctime: TIME });

type FakeTree = { readonly [name: string]: string | FakeTree };

/** A host directory out of a literal: texts are files, "->x" is a link to x. Counts what is asked of it. */
function fakeHost(tree: FakeTree, asked: string[] = [], changes?: HostChanges): HostDirectory {
  const object = (name: string, value: string | FakeTree): HostObject => {
    asked.push(name);
    if (typeof value !== "string") return { kind: "directory", attributes: attributes(0o40755), directory: fakeHost(value, asked, changes) };
    if (value.startsWith("->")) return { kind: "symlink", attributes: attributes(0o120777), target: value.slice(2) };
    const file: HostFile = { ...contentsOf(value), readable: !value.startsWith("secret"), writable: true };
    return { kind: "file", attributes: attributes(0o100640), file };
  };
  return {
    attributes: attributes(0o40755),
    names: () => Object.entries(tree).map(([name, value]) => ({ name, type: typeof value !== "string" ? 0o40000 : value.startsWith("->") ? 0o120000 : 0o100000 })),
    lookup: (name) => (Object.hasOwn(tree, name) && tree[name] !== "vanished" ? object(name, tree[name]!) : undefined),
    ...(changes === undefined ? {} : { changes }),
  };
}

const withHost = (tree: FakeTree, asked: string[] = []): TestNamespace => createTestNamespace({ view: { directories: [{ directory: "/h", host: fakeHost(tree, asked) }] } });

describe("in-memory file systems", () => {
  it("listings give names in the order in which they were made, with positions that survive removals", () => {
    const t = createTestNamespace();
    for (const name of ["z", "a", "m", "b"]) t.write(`/tmp/${name}`, "");
    expect(t.list("/tmp")).to.deep.equal([".", "..", "z", "a", "m", "b"]);
    const dir = t.open("/tmp");
    const seen: string[] = [];
    let next = 0;
    const some = (count: number): void => {
      let left = count;
      dir.ops.iterate!(dir, next, (entry) => {
        if (left-- === 0) return false;
        seen.push(entry.name);
        next = entry.next;
        return true;
      });
    };
    some(3);
    removeName(t.fs, at("/tmp/z"));
    removeName(t.fs, at("/tmp/a"));
    t.write("/tmp/new", "");
    some(9);
    expect(seen).to.deep.equal([".", "..", "z", "m", "b", "new"]);
    putFile(dir);
    t.close();
  });

  it("link counts: directories count their subdirectories, files their names", () => {
    const t = createTestNamespace();
    makeDirectory(t.fs, at("/tmp/d"), 0o755);
    makeDirectory(t.fs, at("/tmp/d/e"), 0o755);
    t.write("/tmp/f", "");
    const path = resolvePath(t.fs, "/tmp/f", { follow: true });
    if (typeof path === "number") throw new Error(String(path));
    makeLink(t.fs, path, at("/tmp/d/g"));
    expect([t.inode("/tmp").nlink, t.inode("/tmp/d").nlink, t.inode("/tmp/d/e").nlink, t.inode("/tmp/f").nlink]).to.deep.equal([3, 3, 2, 2]);
    rename(t.fs, at("/tmp/d/e"), at("/tmp/e"), 0);
    removeName(t.fs, at("/tmp/f"));
    expect([t.inode("/tmp").nlink, t.inode("/tmp/d").nlink, t.inode("/tmp/d/g").nlink]).to.deep.equal([4, 2, 1]);
    t.close();
  });

  it("an unlinked file lives while it is open, and its memory comes back after that", () => {
    const t = createTestNamespace();
    const free = t.sys.buddy.nrFree;
    const file = t.open("/tmp/f", 0o102);
    file.ops.write!(file, new Uint8Array(100_000).fill(7), 0);
    expect(t.sys.buddy.nrFree).to.equal(free - 25);
    expect(removeName(t.fs, at("/tmp/f"))).to.equal(0);
    const byte = new Uint8Array(1);
    expect([file.ops.read!(file, byte, 99_999), byte[0]]).to.deep.equal([1, 7]);
    putFile(file);
    expect(t.sys.buddy.nrFree).to.equal(free);
    t.close();
  });

  it("a removed directory takes no more names", () => {
    const t = createTestNamespace();
    makeDirectory(t.fs, at("/tmp/d"), 0o755);
    const dir = t.open("/tmp/d");
    removeDirectory(t.fs, at("/tmp/d"));
    expect(dir.inode.ops.create!(dir.inode, "x", 0o100644)).to.equal(-ENOENT);
    expect(dir.ops.iterate!(dir, 0, () => true)).to.equal(-ENOENT);
    putFile(dir);
    t.close();
  });

  it("inodes and bytes are limited by the mount", () => {
    const t = createTestNamespace({ mounts: [{ type: "tmpfs", directory: "/small", options: "size=64k,nr_inodes=4" }] });
    for (const name of ["a", "b", "c"]) t.write(`/small/${name}`, "");
    expect(makeNode(t.fs, at("/small/d"), 0o644, 0)).to.equal(-ENOSPC);
    removeName(t.fs, at("/small/c"));
    const file = t.open("/small/a", 2);
    expect(file.ops.write!(file, new Uint8Array(100_000), 0)).to.equal(65536);
    expect(file.ops.write!(file, new Uint8Array(1), 65536)).to.equal(-ENOSPC);
    const { blocks, blocksFree, files, filesFree } = file.inode.fs.statistics();
    expect([blocks, blocksFree, files, filesFree]).to.deep.equal([16, 0, 4, 1]);
    expect(file.inode.ops.setAttributes!(file.inode, { size: 4096 })).to.equal(0);
    expect(file.inode.fs.statistics().blocksFree).to.equal(15);
    putFile(file);
    t.close();
  });

  it("set-group-ID directories hand on their group", () => {
    const t = createTestNamespace();
    makeDirectory(t.fs, at("/tmp/d"), 0o755);
    t.inode("/tmp/d").ops.setAttributes!(t.inode("/tmp/d"), { mode: 0o2755, gid: 42 });
    t.write("/tmp/d/f", "");
    makeDirectory(t.fs, at("/tmp/d/e"), 0o755);
    expect([t.inode("/tmp/d/f").gid, t.inode("/tmp/d/e").gid, t.inode("/tmp/d/e").mode]).to.deep.equal([42, 42, 0o42755]);
    t.close();
  });

  it("exchange swaps two names, directories with files too", () => {
    const t = createTestNamespace();
    makeDirectory(t.fs, at("/tmp/d"), 0o755);
    t.write("/tmp/d/x", "in d");
    t.write("/tmp/f", "f");
    expect(rename(t.fs, at("/tmp/d"), at("/tmp/f"), 2)).to.equal(0);
    expect([t.read("/tmp/f/x"), t.read("/tmp/d")]).to.deep.equal(["in d", "f"]);
    expect([t.inode("/tmp").nlink, t.inode("/tmp/d").nlink, t.inode("/tmp/f").nlink]).to.deep.equal([3, 1, 2]);
    t.close();
  });
});

describe("a host directory below the tree", () => {
  const TREE = { etc: { passwd: "root" }, link: "->etc/passwd", file: "contents", secret: "secret!", gone: "vanished" };

  it("shows through, is asked by name only, and only when looked at", () => {
    const asked: string[] = [];
    const t = withHost(TREE, asked);
    expect(t.list("/h")).to.deep.equal([".", "..", "etc", "link", "file", "secret", "gone"]);
    expect(asked).to.deep.equal([]);
    expect([t.read("/h/link"), t.read("/h/file"), t.inode("/h/file").mode, t.inode("/h/file").uid]).to.deep.equal(["root", "contents", 0o100640, 7]);
    expect(asked).to.deep.equal(["link", "etc", "passwd", "file"]);
    expect(t.inode("/h/file").mtime).to.deep.equal(TIME);
    t.close();
  });

  it("what vanished meanwhile does not exist; what the host withholds cannot be read", () => {
    const t = withHost(TREE);
    expect(resolvePath(t.fs, "/h/gone", { follow: true })).to.equal(-ENOENT);
    expect(t.inode("/h/secret").ops.open(t.inode("/h/secret"), t.open("/h/file"))).to.equal(-EACCES);
    t.close();
  });

  it("a link upwards stays inside the guest's tree", () => {
    const t = withHost({ out: "->../../../../etc/passwd", abs: "->/etc/shadow" });
    expect(resolvePath(t.fs, "/h/out", { follow: true })).to.equal(-ENOENT);
    expect(resolvePath(t.fs, "/h/abs", { follow: true })).to.equal(-ENOENT);
    t.close();
  });

  it("changes stay in memory: the host is never told", () => {
    const asked: string[] = [];
    const t = withHost({ d: { x: "x" }, f: "lower" }, asked);
    t.write("/h/f", "upper");
    t.write("/h/new", "new");
    expect(removeName(t.fs, at("/h/d/x"))).to.equal(0);
    expect(removeDirectory(t.fs, at("/h/d"))).to.equal(0);
    expect(rename(t.fs, at("/h/f"), at("/h/g"), 0)).to.equal(0);
    expect([t.list("/h"), t.read("/h/g")]).to.deep.equal([[".", "..", "new", "g"], "upper"]);
    expect(makeDirectory(t.fs, at("/h/d"), 0o755)).to.equal(0);
    expect(t.list("/h/d")).to.deep.equal([".", ".."]);
    t.close();
  });

  it("a directory that is moved keeps what lies below", () => {
    const t = withHost({ d: { x: "x" } });
    expect(rename(t.fs, at("/h/d"), at("/h/e"), 0)).to.equal(0);
    expect([t.read("/h/e/x"), resolvePath(t.fs, "/h/d", { follow: true })]).to.deep.equal(["x", -ENOENT]);
    expect(removeDirectory(t.fs, at("/h/e"))).to.equal(-ENOTEMPTY);
    t.close();
  });

  it("partial writes keep the rest of the lower file, under every policy", () => {
    for (const rootType of ["initramfs", "ext4", "xfs"] as const) {
      const text = "0123456789".repeat(2000);
      const t = createTestNamespace({ rootType, view: { directories: [{ directory: "/h", host: fakeHost({ f: text }) }] } });
      const file = t.open("/h/f", 2);
      file.ops.write!(file, new Uint8Array([65, 66]), 5000);
      file.ops.fsync!(file, false);
      putFile(file);
      expect(t.read("/h/f"), rootType).to.equal(`${text.slice(0, 5000)}AB${text.slice(5002)}`);
      t.close();
    }
  });

  it("with changes, names reach the host first; what it refuses does not happen here", () => {
    const log: string[] = [];
    const changes: HostChanges = {
      create: (name) => (name === "no" ? -EACCES : (log.push(`create ${name}`), { kind: "file", attributes: attributes(0o100644), file: { ...contentsOf(""), readable: true, writable: true } })),
      mkdir: (name) => (log.push(`mkdir ${name}`), { kind: "directory", attributes: attributes(0o40755), directory: fakeHost({}, [], changes) }),
      symlink: (name, target) => (log.push(`symlink ${name} ${target}`), 0),
      link: (name, _to, newName) => (newName === "no" ? -EACCES : (log.push(`link ${name} ${newName}`), 0)),
      remove: (name, directory) => (name === "keep" ? -EACCES : (log.push(`${directory ? "rmdir" : "unlink"} ${name}`), 0)),
      rename: (name, _to, newName) => (log.push(`rename ${name} ${newName}`), 0),
      setMode: (name, mode) => (log.push(`chmod ${name} ${mode.toString(8)}`), 0),
      setTimes: (name) => (log.push(`utimes ${name}`), 0),
    };
    const t = createTestNamespace({ view: { directories: [{ directory: "/h", host: fakeHost({ f: "x", keep: "y" }, [], changes) }] } });
    expect(makeNode(t.fs, at("/h/no"), 0o644, 0)).to.equal(-EACCES);
    expect(makeNode(t.fs, at("/h/new"), 0o644, 0)).to.equal(0);
    expect(makeNode(t.fs, at("/h/new"), 0o644, 0)).to.equal(-EEXIST);
    expect(makeDirectory(t.fs, at("/h/d"), 0o755)).to.equal(0);
    expect(makeSymlink(t.fs, at("/h/l"), "t")).to.equal(0);
    const made = ["/h/new", "/h/d"].map((path) => t.inode(path));
    expect(made.map(({ uid, gid, mode }) => [uid, gid, mode]), "the guest's owner, not the host's").to.deep.equal([[0, 0, 0o100644], [0, 0, 0o40755]]);
    for (const { atime, mtime, ctime } of made) expect([atime, mtime, ctime], "the guest's clock").to.not.deep.include(TIME);
    expect(rename(t.fs, at("/h/f"), at("/h/d/g"), 0)).to.equal(0);
    expect(removeName(t.fs, at("/h/keep"))).to.equal(-EACCES);
    expect(removeName(t.fs, at("/h/l"))).to.equal(0);
    expect(removeDirectory(t.fs, at("/h/d"))).to.equal(-ENOTEMPTY);
    const path = resolvePath(t.fs, "/h/keep", { follow: true });
    if (typeof path === "number") throw new Error(String(path));
    expect([makeLink(t.fs, path, at("/h/no")), makeLink(t.fs, path, at("/h/hard")), path.dentry.inode.nlink]).to.deep.equal([-EACCES, 0, 2]);
    expect(rename(t.fs, at("/h/keep"), at("/h/d"), 2)).to.be.lessThan(0);
    t.inode("/h/keep").ops.setAttributes!(t.inode("/h/keep"), { mode: 0o600, mtime: TIME });
    expect(removeName(t.fs, at("/h/hard"))).to.equal(0);
    t.inode("/h/keep").ops.setAttributes!(t.inode("/h/keep"), { mode: 0o640 });
    expect(t.list("/h")).to.deep.equal([".", "..", "keep", "new", "d"]);
    expect(log).to.deep.equal(["create new", "mkdir d", "symlink l t", "rename f g", "unlink l", "link keep hard", "chmod hard 600", "utimes hard", "unlink hard", "chmod keep 640"]);
    t.close();
  });

  it("fifos and sockets in a directory with changes stay in memory, devices are refused", () => {
    const log: string[] = [];
    const refuse = (): number => -EACCES;
    const changes: HostChanges = {
      create: refuse, mkdir: refuse, symlink: refuse, link: refuse, rename: refuse, setMode: refuse, setTimes: refuse,
      remove: (name) => (log.push(name), 0),
    };
    const t = createTestNamespace({ view: { directories: [{ directory: "/h", host: fakeHost({ f: "x" }, [], changes) }] } });
    expect(makeNode(t.fs, at("/h/null"), 0o20666, 0x103)).to.equal(-EPERM);
    expect([makeNode(t.fs, at("/h/fifo"), 0o10644, 0), makeNode(t.fs, at("/h/socket"), 0o140755, 0)]).to.deep.equal([0, 0]);
    expect(t.inode("/h/fifo").ops.setAttributes!(t.inode("/h/fifo"), { mode: 0o600 })).to.equal(0);
    expect(rename(t.fs, at("/h/fifo"), at("/h/pipe"), 0)).to.equal(0);
    expect(t.list("/h")).to.deep.equal([".", "..", "f", "socket", "pipe"]);
    expect(log).to.deep.equal([]);
    expect(rename(t.fs, at("/h/pipe"), at("/h/f"), 0), "over a file of the host").to.equal(0);
    expect([removeName(t.fs, at("/h/f")), removeName(t.fs, at("/h/socket")), t.list("/h")]).to.deep.equal([0, 0, [".", ".."]]);
    expect(log).to.deep.equal(["f"]);
    t.close();
  });

  it("objects of another file system are a bug of the model", () => {
    const t = createTestNamespace();
    const { fs } = t.fs.root.mount;
    if (!(fs instanceof TreeFs)) throw new Error("not a tree");
    expect(() => fs.root.ops.lookup!(t.inode("/tmp"), "x")).to.throw(/not of this file system/);
    t.close();
  });
});
