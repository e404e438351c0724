/* Directories of the host: nothing outside of them can be reached. */
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { makeDirectory, makeLink, makeSymlink, removeDirectory, removeName, rename } from "../../kernel-model/fs/namei.js";
import { resolvePath } from "../../kernel-model/fs/path.js";
import { putFile } from "../../kernel-model/fs/vfs.js";
import { openHostDirectory } from "../../lab/host-files.js";
import { CHECK, createTestNamespace, runSourceInMachine, type TestNamespace } from "../support/namespace.js";

const [ENOENT, EEXIST, EPERM, ENOTDIR, EXDEV] = [2, 17, 1, 20, 18];
const at = (path: string) => ({ path, from: undefined });

describe("directories of the host", () => {
  let top: string;
  let dir: string;

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), "foliolab-host-"));
    dir = join(top, "shown");
    mkdirSync(join(dir, "sub"), { recursive: true });
    writeFileSync(join(top, "secret"), "not for the guest");
    writeFileSync(join(dir, "file"), "contents");
    writeFileSync(join(dir, "sub", "inner"), "inner");
    symlinkSync("file", join(dir, "link"));
  });
  afterEach(() => {
    rmSync(top, { recursive: true, force: true });
  });

  const shown = (writable: boolean): TestNamespace => createTestNamespace({ view: { directories: [{ directory: "/h", host: openHostDirectory(dir, { writable }) }] } });

  it("are listed by name, in ascending order, with attributes", () => {
    chmodSync(join(dir, "file"), 0o640);
    const host = openHostDirectory(dir, { writable: false });
    expect(host.names()).to.deep.equal([
      { name: "file", type: 0o100000 },
      { name: "link", type: 0o120000 },
      { name: "sub", type: 0o040000 },
    ]);
    const file = host.lookup("file")!;
    const { mtimeMs } = statSync(join(dir, "file"));
    expect([file.kind, file.attributes.mode, file.attributes.uid, file.attributes.mtime.seconds]).to.deep.equal(["file", 0o100640, 0, Math.floor(mtimeMs / 1000)]);
    expect(host.lookup("link")).to.include({ kind: "symlink", target: "file" });
    host.dispose!();
  });

  it("names are bytes, whatever they mean", () => {
    const name = Buffer.from([0x66, 0xff, 0x80, 0x0a]);
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), name]), "odd");
    const t = shown(false);
    expect(t.list("/h")).to.include("f\xff\x80\n");
    expect(t.read("/h/f\xff\x80\n")).to.equal("odd");
    t.close();
  });

  it("only names are taken: no path, no dots, no empty name", () => {
    const host = openHostDirectory(dir, { writable: false });
    for (const name of ["..", ".", "", "sub/inner", "../secret", "/etc/passwd", "file\0", "none"]) expect(host.lookup(name), name).to.equal(undefined);
    host.dispose!();
  });

  it("devices, fifos and sockets are not shown", () => {
    spawnSync("mkfifo", [join(dir, "fifo")]);
    const t = shown(false);
    expect(t.list("/h")).to.not.include("fifo");
    expect(resolvePath(t.fs, "/h/fifo", { follow: true })).to.equal(-ENOENT);
    t.close();
  });

  it("links lead where the guest's tree leads, never out", () => {
    symlinkSync("../secret", join(dir, "up"));
    symlinkSync(join(top, "secret"), join(dir, "abs"));
    symlinkSync("/proc/self/root/etc/passwd", join(dir, "proc"));
    symlinkSync("/", join(dir, "rootlink"));
    const t = shown(false);
    for (const path of ["/h/up", "/h/abs", "/h/rootlink/etc/passwd", "/h/../secret", "/h/../../../../etc/passwd"]) expect(resolvePath(t.fs, path, { follow: true }), path).to.equal(-ENOENT);
    expect(resolvePath(t.fs, "/h/proc", { follow: true })).to.be.lessThan(0);
    t.close();
  });

  it("a directory that becomes a link while the guest uses it leads nowhere", () => {
    const t = shown(false);
    expect(t.list("/h/sub")).to.deep.equal([".", "..", "inner"]);
    mkdirSync(join(dir, "later"));
    const other = createTestNamespace({ view: { directories: [{ directory: "/h", host: openHostDirectory(dir, { writable: false }) }] } });
    expect(other.inode("/h/later").mode & 0o170000).to.equal(0o40000);
    rmSync(join(dir, "later"), { recursive: true });
    symlinkSync(top, join(dir, "later"));
    expect(resolvePath(other.fs, "/h/later/secret", { follow: true })).to.equal(-ENOENT);
    other.close();
    t.close();
  });

  it("a file that is replaced by a link to outside is not read", () => {
    const t = createTestNamespace({ rootType: "ext4", view: { directories: [{ directory: "/h", host: openHostDirectory(dir, { writable: false }) }] } });
    const file = t.open("/h/file");
    rmSync(join(dir, "file"));
    symlinkSync(join(top, "secret"), join(dir, "file"));
    // The run ends here: the machine is left as it is in the middle of the read.
    expect(() => file.ops.read!(file, new Uint8Array(4), 0)).to.throw(ConfigError, /replaced on the host/);
  });

  it("a file that shrinks meanwhile reads as zeros behind its end", () => {
    writeFileSync(join(dir, "big"), "x".repeat(10_000));
    const t = shown(false);
    expect(t.inode("/h/big").size).to.equal(10_000);
    truncateSync(join(dir, "big"), 4);
    expect(t.read("/h/big")).to.equal(`xxxx${"\0".repeat(9996)}`);
    t.close();
  });

  it("without leave to write, nothing on the host changes", () => {
    const before = spawnSync("find", [top, "-printf", "%p %y %s %m %n\n"], { encoding: "utf8" }).stdout;
    const t = shown(false);
    t.write("/h/file", "changed");
    t.write("/h/new", "new");
    makeDirectory(t.fs, at("/h/d"), 0o755);
    removeName(t.fs, at("/h/sub/inner"));
    removeDirectory(t.fs, at("/h/sub"));
    rename(t.fs, at("/h/new"), at("/h/d/moved"), 0);
    t.inode("/h/file").ops.setAttributes!(t.inode("/h/file"), { mode: 0o777, size: 3 });
    expect([t.read("/h/file"), t.read("/h/d/moved")]).to.deep.equal(["cha", "new"]);
    t.close();
    expect(spawnSync("find", [top, "-printf", "%p %y %s %m %n\n"], { encoding: "utf8" }).stdout).to.equal(before);
    expect(readFileSync(join(dir, "file"), "utf8")).to.equal("contents");
  });

  it("with leave to write, names and bytes reach the host", () => {
    const t = shown(true);
    t.write("/h/new", "new bytes");
    t.write("/h/file", "short");
    expect(makeDirectory(t.fs, at("/h/d"), 0o755)).to.equal(0);
    expect(makeSymlink(t.fs, at("/h/l"), "../outside")).to.equal(0);
    expect(rename(t.fs, at("/h/sub"), at("/h/d/sub2"), 0)).to.equal(0);
    t.write("/h/d/sub2/inner", "through a moved directory");
    expect(removeName(t.fs, at("/h/link"))).to.equal(0);
    const inode = t.inode("/h/file");
    inode.ops.setAttributes!(inode, { mode: 0o600, mtime: { seconds: 1000, nanoseconds: 0 }, atime: { seconds: 2000, nanoseconds: 0 } });
    const stat = statSync(join(dir, "file"));
    expect([readFileSync(join(dir, "new"), "utf8"), readFileSync(join(dir, "file"), "utf8"), readFileSync(join(dir, "d/sub2/inner"), "utf8")]).to.deep.equal(["new bytes", "short", "through a moved directory"]);
    expect([readlinkSync(join(dir, "l")), existsSync(join(dir, "link")), readdirSync(dir).sort()]).to.deep.equal(["../outside", false, ["d", "file", "l", "new"]]);
    expect([stat.mode & 0o777, stat.mtimeMs, stat.atimeMs]).to.deep.equal([0o600, 1_000_000, 2_000_000]);
    expect([makeDirectory(t.fs, at("/h/d"), 0o755), removeDirectory(t.fs, at("/h/d/sub2/inner"))]).to.deep.equal([-EEXIST, -ENOTDIR]);
    t.close();
  });

  it("writes are on the host when the last description closes, mapped ones and growth by truncation too", () => {
    const source = `${CHECK}int main(void) {
      int f = open("/h/out", O_RDWR | O_CREAT, 0644); ftruncate(f, 10000);
      char *p = mmap(0, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0); memcpy(p + 5000, "mapped", 6); pwrite(f, "start", 5, 0);
      munmap(p, 10000); close(f); f = open("/h/out", O_WRONLY | O_APPEND); write(f, "end", 3); return 0; }`;
    runSourceInMachine("host-writes", source, { view: { directories: [{ directory: "/h", host: openHostDirectory(dir, { writable: true }) }] } });
    const bytes = readFileSync(join(dir, "out"));
    expect([bytes.length, bytes.subarray(0, 6).toString("latin1"), bytes.subarray(5000, 5006).toString("latin1"), bytes.subarray(10_000).toString("latin1")]).to.deep.equal([10_003, "start\0", "mapped", "end"]);
  });

  it("a file with a second name may be known outside: it is not written, and gets no third", () => {
    linkSync(join(top, "secret"), join(dir, "hard"));
    const t = shown(true);
    expect(t.read("/h/hard")).to.equal("not for the guest");
    expect(() => t.write("/h/hard", "changed")).to.throw(String(-EPERM));
    const path = resolvePath(t.fs, "/h/hard", { follow: true });
    if (typeof path === "number") throw new Error(String(path));
    expect([makeLink(t.fs, path, at("/h/second")), makeLink(t.fs, path, at("/tmp/second"))]).to.deep.equal([-EPERM, -EXDEV]);
    t.close();
    expect(readFileSync(join(top, "secret"), "utf8")).to.equal("not for the guest");
  });

  it("a second name that the guest makes is one on the host, and each of them leads to the file as long as it is there", () => {
    const source = `${CHECK}int main(void) {
      int f = open("/h/first", O_RDWR | O_CREAT, 0644); write(f, "one", 3); close(f);
      link("/h/first", "/h/sub/second"); rename("/h/first", "/h/moved"); unlink("/h/moved");
      f = open("/h/sub/second", O_WRONLY | O_APPEND); write(f, " two", 4); close(f);
      link("/h/sub/second", "/h/third"); rename("/h/third", "/h/fourth"); unlink("/h/sub/second");
      f = open("/h/fourth", O_RDWR | O_APPEND); write(f, " three", 6); fchmod(f, 0600); close(f); link("/h/fourth", "/h/fifth"); return 0; }`;
    runSourceInMachine("host-links", source, { view: { directories: [{ directory: "/h", host: openHostDirectory(dir, { writable: true }) }] } });
    expect([existsSync(join(dir, "first")), existsSync(join(dir, "sub/second")), existsSync(join(dir, "third"))]).to.deep.equal([false, false, false]);
    expect(readFileSync(join(dir, "fourth"), "utf8")).to.equal("one two three");
    const { ino, nlink, mode } = statSync(join(dir, "fourth"));
    expect([nlink, mode & 0o777, statSync(join(dir, "fifth")).ino === ino]).to.deep.equal([2, 0o600, true]);
  });

  it("the guest's own tricks with links and renames in a writable directory do not lead out", () => {
    const t = shown(true);
    expect(t.list("/h/sub")).to.deep.equal([".", "..", "inner"]);
    // The guest holds the directory, moves it away and puts a link to the outside in its place.
    const held = t.open("/h/sub");
    expect(rename(t.fs, at("/h/sub"), at("/h/gone"), 0)).to.equal(0);
    expect(makeSymlink(t.fs, at("/h/sub"), top)).to.equal(0);
    expect(held.inode.ops.create!(held.inode, "made", 0o100644)).to.be.an("object");
    expect([existsSync(join(top, "made")), existsSync(join(dir, "gone", "made"))]).to.deep.equal([false, true]);
    // The host swaps a directory for a link behind the guest's back.
    renameSync(join(dir, "gone"), join(dir, "away"));
    symlinkSync(top, join(dir, "gone"));
    expect(held.inode.ops.unlink!(held.inode, "inner", held.inode.ops.lookup!(held.inode, "inner") as never)).to.equal(0);
    expect(existsSync(join(dir, "away", "inner"))).to.equal(false);
    putFile(held);
    t.close();
    expect(readFileSync(join(top, "secret"), "utf8")).to.equal("not for the guest");
  });

  it("more files and directories than descriptors are kept", () => {
    for (let i = 0; i < 300; i++) {
      mkdirSync(join(dir, `d${i}`));
      writeFileSync(join(dir, `d${i}`, "f"), String(i));
    }
    const t = shown(false);
    for (const i of [...Array(300).keys(), 7, 150]) expect(t.read(`/h/d${i}/f`)).to.equal(String(i));
    const open = readdirSync("/proc/self/fd").length;
    t.close();
    expect(open - readdirSync("/proc/self/fd").length).to.be.within(100, 200);
  });

  it("directories nested to any depth are reached again from the top", () => {
    const DEPTH = 600;
    const t = shown(true);
    let at = t.inode("/h");
    const chain = [at];
    for (let i = 0; i < DEPTH; i++) {
      const next = at.ops.mkdir!(at, "d", 0o40755);
      if (typeof next === "number") throw new Error(String(next));
      chain.push((at = next));
    }
    // The upper ones have been closed by now; each of these starts at the top.
    for (const dir of [chain[10]!, chain[DEPTH]!, chain[DEPTH / 2]!, chain[DEPTH]!]) expect(dir.ops.create!(dir, `f${Math.floor(dir.ino)}${dir.size++}`, 0o100644)).to.be.an("object");
    t.close();
    spawnSync("rm", ["-rf", join(dir, "d")]);
  });

  it("what is no directory is refused in one line", () => {
    expect(() => openHostDirectory(join(top, "none"), { writable: false })).to.throw(ConfigError, /none: no such directory/);
    expect(() => openHostDirectory(join(top, "secret"), { writable: false })).to.throw(ConfigError, /not a directory/);
  });
});
