/* Making, removing and renaming names. */
import { expect } from "chai";
import { makeDirectory, makeLink, makeNode, makeSymlink, removeDirectory, removeName, rename } from "../../../kernel-model/fs/namei.js";
import { resolvePath } from "../../../kernel-model/fs/path.js";
import { createTestNamespace, type TestNamespace } from "../../support/namespace.js";

const [EPERM, ENOENT, EBUSY, EEXIST, EXDEV, ENOTDIR, EISDIR, EINVAL, EROFS, ENOTEMPTY] = [1, 2, 16, 17, 18, 20, 21, 22, 30, 39];
const at = (path: string) => ({ path, from: undefined });

function tree(): TestNamespace {
  const t = createTestNamespace({ mounts: [{ type: "tmpfs", directory: "/ro", options: "ro" }] });
  for (const path of ["/d", "/d/e", "/full"]) makeDirectory(t.fs, at(path), 0o755);
  t.write("/f", "f");
  t.write("/full/x", "x");
  makeSymlink(t.fs, at("/l"), "d");
  return t;
}

describe("names", () => {
  it("are made where nothing stands, in a directory that can be written", () => {
    const t = tree();
    expect([makeDirectory(t.fs, at("/new/"), 0o777), t.inode("/new").mode]).to.deep.equal([0, 0o40755]);
    expect(["/d", "/l", "/f/x", "/none/x", "/ro/x", "/", "/d/."].map((path) => makeDirectory(t.fs, at(path), 0o755))).to.deep.equal([-EEXIST, -EEXIST, -ENOTDIR, -ENOENT, -EROFS, -EEXIST, -EEXIST]);
    expect([makeNode(t.fs, at("/n"), 0o100600, 0), makeNode(t.fs, at("/p"), 0o10666, 0), makeNode(t.fs, at("/c"), 0o20666, 0x103), makeNode(t.fs, at("/s"), 0o140777, 0)]).to.deep.equal([0, 0, 0, 0]);
    expect([makeNode(t.fs, at("/x"), 0o40755, 0), makeNode(t.fs, at("/x"), 0o70000, 0), makeNode(t.fs, at("/x/"), 0o644, 0)]).to.deep.equal([-EPERM, -EINVAL, -ENOENT]);
    expect([t.inode("/p").mode, t.inode("/c").rdev]).to.deep.equal([0o10644, 0x103]);
    expect([makeSymlink(t.fs, at("/k"), ""), makeSymlink(t.fs, at("/l"), "x"), makeSymlink(t.fs, at("/k/"), "x")]).to.deep.equal([-ENOENT, -EEXIST, -ENOENT]);
    t.close();
  });

  it("links: not of directories, not across mounts", () => {
    const t = tree();
    const object = (path: string) => {
      const found = resolvePath(t.fs, path, { follow: false });
      if (typeof found === "number") throw new Error(String(found));
      return found;
    };
    expect([makeLink(t.fs, object("/f"), at("/d/g")), makeLink(t.fs, object("/d"), at("/g")), makeLink(t.fs, object("/f"), at("/tmp/g")), makeLink(t.fs, object("/f"), at("/l"))]).to.deep.equal([0, -EPERM, -EXDEV, -EEXIST]);
    expect(makeLink(t.fs, object("/l"), at("/l2"))).to.equal(0);
    expect(t.inode("/l2")).to.equal(t.inode("/l"));
    t.close();
  });

  it("removal: files by unlink, empty directories by rmdir, mount points not at all", () => {
    const t = tree();
    expect(["/d", "/tmp", "/none", "/f/", "/d/..", "/ro/x"].map((path) => removeName(t.fs, at(path)))).to.deep.equal([-EISDIR, -EISDIR, -ENOENT, -ENOTDIR, -EISDIR, -EROFS]);
    expect(["/f", "/l", "/tmp", "/full", "/d/e/.", "/d/e/..", "/", "/none"].map((path) => removeDirectory(t.fs, at(path)))).to.deep.equal([
      -ENOTDIR,
      -ENOTDIR,
      -EBUSY,
      -ENOTEMPTY,
      -EINVAL,
      -ENOTEMPTY,
      -EBUSY,
      -ENOENT,
    ]);
    expect([removeName(t.fs, at("/l")), removeDirectory(t.fs, at("/d/e/")), removeName(t.fs, at("/f"))]).to.deep.equal([0, 0, 0]);
    expect(t.list("/d")).to.deep.equal([".", ".."]);
    t.close();
  });

  it("rename: what may replace what", () => {
    const t = tree();
    const cases: readonly (readonly [string, string, number, number])[] = [
      ["/none", "/x", 0, -ENOENT],
      ["/f", "/d", 0, -EISDIR],
      ["/d", "/f", 0, -ENOTDIR],
      ["/d", "/full", 0, -ENOTEMPTY],
      ["/d", "/d/e/x", 0, -EINVAL],
      ["/d/e", "/d", 0, -ENOTEMPTY],
      ["/f", "/tmp/f", 0, -EXDEV],
      ["/tmp", "/x", 0, -EBUSY],
      ["/f", "/tmp", 0, -EBUSY],
      ["/f", "/x/", 0, -ENOTDIR],
      ["/f/", "/x", 0, -ENOTDIR],
      ["/f", "/l", 1, -EEXIST],
      ["/f", "/x", 2, -ENOENT],
      ["/f", "/l", 3, -EINVAL],
      ["/f", "/x", 8, -EINVAL],
      ["/f", "/", 0, -EBUSY],
      ["/f", "/", 1, -EEXIST],
      ["/d/.", "/x", 0, -EBUSY],
      ["/f", "/f", 0, 0],
      ["/f", "/l", 0, 0],
      ["/d", "/d2/", 0, 0],
    ];
    for (const [from, to, flags, wanted] of cases) expect(rename(t.fs, at(from), at(to), flags), `${from} ${to} ${flags}`).to.equal(wanted);
    expect([t.read("/l"), t.list("/d2")]).to.deep.equal(["f", [".", "..", "e"]]);
    t.close();
  });

  it("a file renamed over another one's name frees the other", () => {
    const t = tree();
    t.write("/tmp/a", "a".repeat(50_000));
    t.write("/tmp/b", "b");
    const free = t.sys.buddy.nrFree;
    expect(rename(t.fs, at("/tmp/b"), at("/tmp/a"), 0)).to.equal(0);
    expect(t.sys.buddy.nrFree).to.equal(free + 13);
    expect(t.read("/tmp/a")).to.equal("b");
    t.close();
  });
});
