/* From paths to inodes: links, mounts, limits. */
import { expect } from "chai";
import { dPath, mountPoint, openPath, resolveParent, resolvePath } from "../../../kernel-model/fs/path.js";
import { makeDirectory, makeSymlink, removeDirectory } from "../../../kernel-model/fs/namei.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { createTestNamespace, type TestNamespace } from "../../support/namespace.js";

const [ENOENT, EEXIST, ENOTDIR, EISDIR, EINVAL, ENAMETOOLONG, ELOOP, EROFS] = [2, 17, 20, 21, 22, 36, 40, 30];
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_DIRECTORY = 0o40000;
const O_NOFOLLOW = 0o100000;
const O_TMPFILE = 0o20040000;

function tree(): TestNamespace {
  const t = createTestNamespace({ mounts: [{ type: "tmpfs", directory: "/ro", options: "ro" }] });
  for (const path of ["/a", "/a/b", "/a/b/c"]) expect(makeDirectory(t.fs, { path, from: undefined }, 0o755)).to.equal(0);
  t.write("/a/f", "text");
  const links = { "/up": "a/../a/b", "/abs": "/a/f", "/a/rel": "b/c", "/dangling": "/a/new", "/self": "self", "/long": "/up/../f", "/slash": "a/" };
  for (const [path, target] of Object.entries(links)) expect(makeSymlink(t.fs, { path, from: undefined }, target)).to.equal(0);
  return t;
}

const resolved = (t: TestNamespace, path: string, follow = true): string | number => {
  const found = resolvePath(t.fs, path, { follow });
  return typeof found === "number" ? found : dPath(found, t.fs.root);
};

describe("paths", () => {
  it("walk names, dots and slashes", () => {
    const t = tree();
    const cases: readonly (readonly [string, string | number])[] = [
      ["/", "/"],
      ["//a///b/", "/a/b"],
      ["/a/./b/../f", "/a/f"],
      ["/../../a", "/a"],
      ["a/b/c/../../..", "/"],
      ["", -ENOENT],
      ["/none", -ENOENT],
      ["/none/x", -ENOENT],
      ["/a/f/", -ENOTDIR],
      ["/a/f/x", -ENOTDIR],
      ["/a/f/..", -ENOTDIR],
      ["/a/f/.", -ENOTDIR],
      [`/${"n".repeat(255)}`, -ENOENT],
      [`/${"n".repeat(256)}`, -ENAMETOOLONG],
      [`/${"./".repeat(2047)}a`, -ENAMETOOLONG],
    ];
    for (const [path, wanted] of cases) expect(resolved(t, path), path.slice(0, 20)).to.equal(wanted);
    t.close();
  });

  it("follow links in the middle always, at the end when asked", () => {
    const t = tree();
    const cases: readonly (readonly [string, string | number, string | number])[] = [
      ["/up", "/a/b", "/up"],
      ["/up/", "/a/b", "/a/b"],
      ["/up/c", "/a/b/c", "/a/b/c"],
      ["/abs", "/a/f", "/abs"],
      ["/a/rel/../..", "/a", "/a"],
      ["/dangling", -ENOENT, "/dangling"],
      ["/dangling/x", -ENOENT, -ENOENT],
      ["/self", -ELOOP, "/self"],
      ["/self/x", -ELOOP, -ELOOP],
      ["/long", "/a/f", "/long"],
      ["/slash/b", "/a/b", "/a/b"],
      ["/abs/", -ENOTDIR, -ENOTDIR],
    ];
    for (const [path, followed, kept] of cases) {
      expect(resolved(t, path), `${path} followed`).to.equal(followed);
      expect(resolved(t, path, false), `${path} not followed`).to.equal(kept);
    }
    t.close();
  });

  it("forty links are followed, forty-one are not", () => {
    const t = createTestNamespace();
    t.write("/l0", "end");
    for (let i = 1; i <= 41; i++) makeSymlink(t.fs, { path: `/l${i}`, from: undefined }, `l${i - 1}`);
    expect(resolved(t, "/l40")).to.equal("/l0");
    expect(resolved(t, "/l41")).to.equal(-ELOOP);
    t.close();
  });

  it("never leave the root of the task", () => {
    const t = tree();
    const jail = resolvePath(t.fs, "/a", { follow: true });
    if (typeof jail === "number") throw new Error(String(jail));
    const fs = { ...t.fs, root: jail, cwd: jail };
    for (const path of ["..", "/..", "/../..", "b/../../.."]) expect(resolvePath(fs, path, { follow: true }), path).to.deep.equal(jail);
    expect(resolvePath(fs, "/a", { follow: true })).to.equal(-ENOENT);
    makeSymlink(fs, { path: "/out", from: undefined }, "/../f");
    const found = resolvePath(fs, "/out", { follow: true });
    expect(typeof found === "number" ? found : dPath(found, jail)).to.equal("/f");
    t.close();
  });

  it("a removed directory shows that it is gone", () => {
    const t = tree();
    const found = resolvePath(t.fs, "/a/b/c", { follow: true });
    if (typeof found === "number") throw new Error(String(found));
    expect(removeDirectory(t.fs, { path: "/a/b/c", from: undefined })).to.equal(0);
    expect(dPath(found, t.fs.root)).to.equal("/a/b/c (deleted)");
    t.close();
  });

  it("mounts are crossed both ways", () => {
    const t = tree();
    expect(resolved(t, "/dev/shm/..")).to.equal("/dev");
    expect(resolved(t, "/dev/shm/../..")).to.equal("/");
    expect(t.namespace.mounts.map((mount) => mountPoint(mount, t.fs.root))).to.deep.equal(["/", "/proc", "/sys", "/dev", "/dev/pts", "/tmp", "/dev/shm", "/ro"]);
    const tmp = resolvePath(t.fs, "/tmp", { follow: true });
    if (typeof tmp === "number") throw new Error(String(tmp));
    expect(mountPoint(t.namespace.mounts[1]!, tmp)).to.equal(undefined);
    t.close();
  });

  it("the parent of a name, whether or not the name is taken", () => {
    const t = tree();
    const parent = (path: string) => resolveParent(t.fs, path, undefined, -EINVAL);
    expect(parent("/a/new")).to.include({ name: "new", found: undefined, wantsDirectory: false });
    expect(parent("/a/new/")).to.include({ name: "new", wantsDirectory: true });
    expect(parent("/up/c")).to.have.property("found").that.is.an("object");
    expect([parent("/"), parent("/a/."), parent("/a/.."), parent(""), parent("/none/x")]).to.deep.equal([-EINVAL, -EINVAL, -EINVAL, -ENOENT, -ENOENT]);
    t.close();
  });

  it("open: what O_CREAT, O_EXCL, O_DIRECTORY and O_NOFOLLOW ask for", () => {
    const t = tree();
    const open = (path: string, flags: number): number | string => {
      const file = openPath(t.fs, path, { flags, mode: 0o666 });
      if (typeof file === "number") return file;
      putFile(file);
      return file.path;
    };
    expect(open("/dangling", O_CREAT | 1)).to.equal("/a/new");
    expect(t.inode("/a/new").mode).to.equal(0o100644);
    expect(open("/dangling", O_CREAT | O_EXCL | 1)).to.equal(-EEXIST);
    expect(open("/a", 1)).to.equal(-EISDIR);
    expect(open("/a", O_CREAT)).to.equal(-EISDIR);
    expect(open("/new/", O_CREAT)).to.equal(-EISDIR);
    expect(open("/a/f/", O_CREAT)).to.equal(-EISDIR);
    expect(open("/a/f", O_DIRECTORY)).to.equal(-ENOTDIR);
    expect(open("/abs", O_NOFOLLOW)).to.equal(-ELOOP);
    expect(open("/abs", O_NOFOLLOW | O_CREAT)).to.equal(-ELOOP);
    expect(open("/self", O_CREAT)).to.equal(-ELOOP);
    expect(open("/a/", 0)).to.equal("/a");
    expect(open("/ro/x", O_CREAT | 1)).to.equal(-EROFS);
    expect(open("/tmp", O_TMPFILE | 2)).to.match(/^\/tmp\/#\d+ \(deleted\)$/);
    expect(open("/tmp", O_TMPFILE)).to.equal(-EINVAL);
    expect(open("/a/f", O_TMPFILE | 2)).to.equal(-ENOTDIR);
    t.close();
  });

  it("O_TRUNC empties a file", () => {
    const t = tree();
    putFile(t.open("/abs", 0o1001));
    expect(t.read("/a/f")).to.equal("");
    t.close();
  });
});
