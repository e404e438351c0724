/* Computed file systems as programs see them. */
import { expect } from "chai";
import { createPseudoFileSystem, directory, text, type PseudoNode } from "../../../kernel-model/fs/pseudo-fs.js";
import { createMount, openInode, putFile, type FsStruct, type OpenFile } from "../../../kernel-model/fs/vfs.js";
import { openPath, resolvePath } from "../../../kernel-model/fs/path.js";
import { byteString, bytesOf } from "../../../kernel-model/kernel/byte-string.js";

const [EPERM, ENOENT, EIO, EINVAL] = [1, 2, 5, 22];

function tree(children: Readonly<Record<string, PseudoNode>>, volatile = false) {
  const fs = createPseudoFileSystem({ type: "test", dev: 3, magic: 77, root: directory(children), volatile });
  const mount = createMount(fs, 1);
  const root = { mount, dentry: mount.root };
  const struct: FsStruct = { root, cwd: root, umask: 0, users: 1 };
  const open = (path: string, flags = 0): OpenFile => {
    const file = openPath(struct, path, { flags, mode: 0 });
    if (typeof file === "number") throw new Error(String(file));
    return file;
  };
  return { fs, struct, open };
}

const readAt = (file: OpenFile, offset: number, length = 100): string | number => {
  const into = new Uint8Array(length);
  const count = file.ops.read!(file, into, offset);
  return count < 0 ? count : byteString(into.subarray(0, count));
};

describe("computed file systems", () => {
  it("a text is made when it is read from its start, and stays the same until then", () => {
    let made = 0;
    const { open } = tree({ t: text(() => `version ${++made}\n`) });
    const file = open("/t");
    expect([readAt(file, 0, 4), readAt(file, 4), readAt(file, 99), made]).to.deep.equal(["vers", "ion 1\n", "", 1]);
    expect([readAt(file, 0), made]).to.deep.equal(["version 2\n", 2]);
    const other = open("/t");
    expect(readAt(other, 5, 4)).to.equal("on 3");
    putFile(file);
    putFile(other);
  });

  it("texts give errors and take writes as their nodes say", () => {
    const written: string[] = [];
    const { open } = tree({
      wo: { kind: "text", mode: 0o200, write: (value) => (value === "no" ? -EINVAL : (written.push(value), value.length)) },
      bad: { kind: "text", mode: 0o444, read: () => -ENOENT },
    });
    const file = open("/wo", 1);
    expect([file.ops.write!(file, bytesOf("5\n"), 0), file.ops.write!(file, bytesOf("no"), 0), readAt(file, 0), written]).to.deep.equal([2, -EINVAL, -EIO, ["5\n"]]);
    const bad = open("/bad", 2);
    expect([readAt(bad, 0), bad.ops.write!(bad, bytesOf("x"), 0)]).to.deep.equal([-ENOENT, -EIO]);
  });

  it("binary files read at offsets, refuse to open, and have ioctls", () => {
    const { struct, open } = tree({
      b: { kind: "binary", mode: 0o400, readAt: (_file, into, offset) => into.fill(offset).length, ioctl: (_file, command) => command + 1 },
      no: { kind: "binary", mode: 0o400, open: () => -EPERM, readAt: () => 0 },
    });
    const file = open("/b");
    expect([readAt(file, 65, 3), file.ops.ioctl!(file, 41, 0 as never, undefined as never), file.ops.write]).to.deep.equal(["AAA", 42, undefined]);
    expect(openPath(struct, "/no", { flags: 0, mode: 0 })).to.equal(-EPERM);
  });

  it("directories list their children with types, and nothing can be made in them", () => {
    const { fs, open } = tree({ d: directory({}), l: { kind: "link", target: () => "d" }, f: text(() => "") });
    const dir = open("/");
    const entries: [string, number][] = [];
    dir.ops.iterate!(dir, 0, ({ name, type }) => entries.push([name, type]) > 0);
    expect(entries).to.deep.equal([[".", 0o40000], ["..", 0o40000], ["d", 0o40000], ["l", 0o120000], ["f", 0o100000]]);
    const rest: string[] = [];
    dir.ops.iterate!(dir, 3, ({ name }) => rest.push(name) > 0);
    expect(rest).to.deep.equal(["l", "f"]);
    expect([fs.root.ops.create!(fs.root, "x", 0), fs.root.ops.mkdir!(fs.root, "x", 0), fs.root.ops.lookup!(fs.root, "toString")]).to.deep.equal([-EPERM, -EPERM, -ENOENT]);
  });

  it("links are texts, or lead to an object at once", () => {
    const nodes: Record<string, PseudoNode> = { d: directory({ x: text(() => "x") }), plain: { kind: "link", target: () => "d" }, gone: { kind: "link", target: () => -ENOENT } };
    const t = tree(nodes);
    nodes["magic"] = { kind: "link", target: () => ({ path: { mount: t.struct.root.mount, dentry: t.struct.root.dentry.children.get("d")! }, text: "a text that is no path" }) };
    expect(readAt(t.open("/plain/x"), 0)).to.equal("x");
    const magic = tree(nodes);
    magic.open("/d");
    expect(magic.fs.root.ops.lookup!(magic.fs.root, "magic")).to.be.an("object");
    const node = magic.fs.root.ops.lookup!(magic.fs.root, "magic");
    if (typeof node === "number") throw new Error(String(node));
    expect(node.ops.readlink!(node)).to.equal("a text that is no path");
    expect(t.open("/magic/x").inode.ino).to.be.a("number");
    expect(resolvePath(t.struct, "/gone", { follow: true })).to.equal(-ENOENT);
    expect(openInode(node, 0, "magic", undefined)).to.equal(-EINVAL);
  });

  it("one node is one inode number, however often it is looked up", () => {
    const { fs } = tree({ a: text(() => ""), b: text(() => "") }, true);
    const numberOf = (name: string): number => {
      const inode = fs.root.ops.lookup!(fs.root, name);
      return typeof inode === "number" ? inode : inode.ino;
    };
    expect([fs.root.ino, numberOf("b"), numberOf("a"), numberOf("b")]).to.deep.equal([1, 2, 3, 2]);
    expect([fs.statistics().magic, fs.readOnly, fs.volatile]).to.deep.equal([77, false, true]);
  });
});
