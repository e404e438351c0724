/** File systems whose contents are computed: look-up, modes, when a text is made anew, links, directories. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { createPseudoFileSystem, directory, text, type PseudoDirectory, type PseudoNode } from "../../../kernel-model/fs/pseudo-fs.js";
import { openInode, type DirectoryEntry, type FileSystem, type OpenFile, type Path, type UserMemory, type VfsInode } from "../../../kernel-model/fs/vfs.js";

/* Linux errno: EPERM, ENOENT, EIO, EINVAL. */
const EPERM = -1;
const ENOENT = -2;
const EIO = -5;
const EINVAL = -22;
const O_RDWR = 2;

const make = (children: Readonly<Record<string, PseudoNode>>): FileSystem => createPseudoFileSystem({ type: "proc", dev: 7, magic: 0x9fa0, root: directory(children), volatile: true });
const child = (dir: VfsInode, name: string): VfsInode => {
  const found = dir.ops.lookup!(dir, name);
  if (typeof found === "number") throw new Error(`${name}: ${found}`);
  return found;
};
const open = (inode: VfsInode): OpenFile => {
  const file = openInode(inode, O_RDWR, "/x", undefined);
  if (typeof file === "number") throw new Error(`open: ${file}`);
  return file;
};

function read(file: OpenFile, length: number, offset: number): string | number {
  const into = new Uint8Array(length);
  const got = file.ops.read!(file, into, offset);
  return got < 0 ? got : Buffer.from(into.subarray(0, got)).toString("latin1");
}

function list(dir: VfsInode, offset = 0, limit = Infinity): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const file = open(dir);
  expect(file.ops.iterate!(file, offset, (entry) => entries.length < limit && (entries.push(entry), true))).to.equal(0);
  return entries;
}

describe("pseudo file system", () => {
  it("looks names up and knows no others, not even those of every object", () => {
    const { root } = make({ a: text(() => "A\n"), sub: directory({ b: text(() => "B\n") }) });
    expect(read(open(child(child(root, "sub"), "b")), 10, 0)).to.equal("B\n");
    for (const name of ["b", "toString", "constructor", "__proto__", ""]) expect(root.ops.lookup!(root, name), name).to.equal(ENOENT);
  });

  it("modes by kind, and the numbers of the file system", () => {
    const fs = make({ r: text(() => ""), w: { kind: "text", mode: 0o200 }, d: directory({}), l: { kind: "link", target: () => "x" }, b: { kind: "binary", mode: 0o400, readAt: () => 0 } });
    const modes = ["r", "w", "d", "l", "b"].map((name) => child(fs.root, name).mode.toString(8));
    expect(modes).to.deep.equal(["100444", "100200", "40555", "120777", "100400"]);
    expect(child(fs.root, "r")).to.include({ dev: 7, size: 0, nlink: 1, uid: 0, gid: 0 });
    expect(child(fs.root, "d").nlink).to.equal(2);
    expect([fs.type, fs.volatile, fs.statistics().magic]).to.deep.equal(["proc", true, 0x9fa0]);
  });

  it("the same node keeps its inode number; different nodes differ; the root is 1", () => {
    const { root } = make({ a: text(() => ""), b: text(() => "") });
    const numbers = [root.ino, child(root, "b").ino, child(root, "a").ino, child(root, "b").ino];
    expect(numbers[0]).to.equal(1);
    expect(numbers[3]).to.equal(numbers[1]);
    expect(new Set(numbers).size).to.equal(3);
  });

  it("nothing can be made in it", () => {
    const { root } = make({});
    expect([root.ops.create!(root, "x", 0o644), root.ops.mkdir!(root, "x", 0o755)]).to.deep.equal([EPERM, EPERM]);
  });
});

describe("pseudo file system: texts", () => {
  it("are made when read from the start and stay the same in later pieces, per description", () => {
    let made = 0;
    const { root } = make({ n: text(() => `made ${++made}\n`) });
    const file = open(child(root, "n"));
    expect([read(file, 4, 0), read(file, 100, 4), read(file, 100, 7), made]).to.deep.equal(["made", " 1\n", "", 1]);
    expect(read(file, 100, 0), "again from the start").to.equal("made 2\n");
    expect(read(open(child(root, "n")), 3, 5), "another description, from its middle").to.equal("3\n");
    expect(read(file, 100, 5)).to.equal("2\n");
  });

  it("an error of the node is the error of read; what cannot be read or written is EIO", () => {
    const { root } = make({ bad: { kind: "text", mode: 0o444, read: () => -3 }, w: { kind: "text", mode: 0o200, write: (value) => value.length }, r: text(() => "") });
    expect(read(open(child(root, "bad")), 10, 0)).to.equal(-3);
    expect(read(open(child(root, "w")), 10, 0)).to.equal(EIO);
    const r = open(child(root, "r"));
    expect(r.ops.write!(r, new Uint8Array(1), 0)).to.equal(EIO);
  });

  it("writes arrive as byte strings, whole", () => {
    const got: string[] = [];
    const { root } = make({ w: { kind: "text", mode: 0o200, write: (value) => (got.push(value), value.length) } });
    const file = open(child(root, "w"));
    expect(file.ops.write!(file, new Uint8Array([0x61, 0xff, 0x0a]), 0)).to.equal(3);
    expect(got).to.deep.equal(["a\xff\n"]);
  });
});

describe("pseudo file system: binaries, links, directories", () => {
  it("binaries get offset, buffer and ioctl; open may refuse", () => {
    const { root } = make({
      b: { kind: "binary", mode: 0o600, readAt: (_file, into, offset) => (into.fill(offset), into.length), writeAt: (_file, from, offset) => from.length + offset, ioctl: (_file, command) => command + 1 },
      no: { kind: "binary", mode: 0o400, open: () => -3, readAt: () => 0 },
    });
    const b = open(child(root, "b"));
    expect(read(b, 3, 65)).to.equal("AAA");
    expect(b.ops.write!(b, new Uint8Array(2), 5)).to.equal(7);
    expect(b.ops.ioctl!(b, 41, 0 as Va, {} as UserMemory)).to.equal(42);
    expect(openInode(child(root, "no"), 0, "/no", undefined)).to.equal(-3);
  });

  it("links lead to a name, to an object that shows as text, or fail", () => {
    const path = {} as Path;
    const { root } = make({ name: { kind: "link", target: () => "1/task" }, magic: { kind: "link", target: () => ({ path, text: "/bin/sh" }) }, gone: { kind: "link", target: () => -3 } });
    const links = ["name", "magic", "gone"].map((name) => child(root, name));
    expect(links.map((inode) => inode.ops.readlink!(inode))).to.deep.equal(["1/task", "/bin/sh", -3]);
    expect(links.map((inode) => inode.ops.followLink!(inode))).to.deep.equal([undefined, path, -3]);
    expect(openInode(links[0]!, 0, "/name", undefined)).to.equal(EINVAL);
  });

  it("directories list dot, dotdot and their children, from any offset, until the buffer is full", () => {
    const { root } = make({ a: text(() => ""), d: directory({ x: text(() => "") }), l: { kind: "link", target: () => "a" } });
    const all = list(root);
    expect(all.map(({ name, type }) => [name, type.toString(8)])).to.deep.equal([[".", "40000"], ["..", "40000"], ["a", "100000"], ["d", "40000"], ["l", "120000"]]);
    expect(all.map(({ next }) => next)).to.deep.equal([1, 2, 3, 4, 5]);
    expect(all[3]!.ino).to.equal(child(root, "d").ino);
    for (let from = 0; from <= 5; from++) expect(list(root, from).map(({ name }) => name)).to.deep.equal(all.slice(from).map(({ name }) => name));
    expect(list(root, all[1]!.next, 2).map(({ name }) => name)).to.deep.equal(["a", "d"]);
    expect(list(child(root, "d")).slice(0, 2).map(({ ino }) => ino), "dotdot is the parent").to.deep.equal([child(root, "d").ino, root.ino]);
  });

  it("names whose node has gone meanwhile are left out", () => {
    const root: PseudoDirectory = { kind: "directory", names: () => ["1", "2"], lookup: (name) => (name === "2" ? directory({}) : undefined) };
    const fs = createPseudoFileSystem({ type: "proc", dev: 1, magic: 1, root, volatile: true });
    expect(list(fs.root).map(({ name }) => name)).to.deep.equal([".", "..", "2"]);
  });
});
