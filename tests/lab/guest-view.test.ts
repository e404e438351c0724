/* What of the host the guest sees, by options. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect } from "chai";
import { DEFAULT_CONFIG } from "../../lab/config.js";
import { guestView } from "../../lab/guest-view.js";
import type { Program } from "../../lab/program.js";

describe("guestView", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(`${tmpdir()}/foliolab-`);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const program: Program = { hostPath: "p", guestPath: "/somewhere/p", argv0: "p", bytes: new Uint8Array([1, 2, 3]), insideRoot: false };

  it("shows the working directory and the program, and nothing else", () => {
    const { rootType, view, mounts } = guestView(program, DEFAULT_CONFIG, folder);
    expect(rootType).to.equal("initramfs");
    expect(view.root).to.equal(undefined);
    expect(view.directories!.map(({ directory }) => directory)).to.deep.equal([folder]);
    expect(view.files!.map(({ path, mode }) => [path, mode])).to.deep.equal([["/somewhere/p", 0o755]]);
    expect(view.cwd).to.equal(folder);
    expect(mounts).to.deep.equal([]);
    const into = new Uint8Array(2);
    view.files![0]!.contents.read(1, into);
    expect([...into]).to.deep.equal([2, 3]);
  });

  it("starts at / of --root, which holds the program itself", () => {
    const { view } = guestView({ ...program, insideRoot: true }, { ...DEFAULT_CONFIG, root: folder }, "/elsewhere");
    expect(view.root).to.not.equal(undefined);
    expect(view.directories).to.deep.equal([]);
    expect(view.files).to.deep.equal([]);
    expect(view.cwd).to.equal("/");
  });

  it("starts in the working directory if a bind shows it beside --root", () => {
    const start = (binds: readonly { host: string; guest: string }[], cwd: string): string | undefined =>
      guestView(program, { ...DEFAULT_CONFIG, root: folder, binds: binds.map((bind) => ({ ...bind, writable: false })) }, cwd).view.cwd;
    expect(start([{ host: folder, guest: "/job" }], folder)).to.equal("/job");
    expect(start([{ host: folder, guest: "/job" }], `${folder}/a/b`)).to.equal("/job/a/b");
    expect(start([{ host: folder, guest: "/job" }], `${folder}x`)).to.equal("/");
    expect(start([{ host: folder, guest: "/job" }], "/")).to.equal("/");
  });

  it("paths that a person wrote are UTF-8 to the guest", () => {
    const config = { ...DEFAULT_CONFIG, binds: [{ host: folder, guest: "/\u00e4", writable: false }], mounts: [{ type: "tmpfs" as const, directory: "/\u20ac", options: "" }] };
    const { view, mounts } = guestView({ ...program, guestPath: "/\u00f6/p" }, { ...config, root: folder }, folder);
    expect([view.directories![0]!.directory, view.files![0]!.path, view.cwd, mounts[0]!.directory]).to.deep.equal(["/\xc3\xa4", "/\xc3\xb6/p", "/\xc3\xa4", "/\xe2\x82\xac"]);
  });

  it("adds binds and mounts, and takes the folio policy from --fs", () => {
    const config = { ...DEFAULT_CONFIG, fs: "xfs" as const, binds: [{ host: folder, guest: "/data", writable: false }], mounts: [{ type: "tmpfs" as const, directory: "/t", options: "huge=always" }] };
    const { rootType, view, mounts } = guestView(program, config, folder);
    expect(rootType).to.equal("xfs");
    expect(view.directories!.map(({ directory }) => directory)).to.deep.equal([folder, "/data"]);
    expect(mounts).to.deep.equal([{ type: "tmpfs", directory: "/t", options: "huge=always" }]);
  });
});
