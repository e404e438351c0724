/* Paths of the guest and of the host, by --root and --bind. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { boundPath, findInGuest } from "../../lab/guest-paths.js";

describe("paths of the guest", () => {
  let top: string;
  before(() => {
    top = mkdtempSync(join(tmpdir(), "foliolab-"));
    for (const folder of ["root/usr/bin", "root/etc/alternatives", "data/sub", "out"]) mkdirSync(join(top, folder), { recursive: true });
    for (const file of ["root/usr/bin/mawk", "data/sub/f", "data/program", "outside"]) writeFileSync(join(top, file), "");
    const link = (target: string, path: string): void => {
      symlinkSync(target, join(top, path));
    };
    link("usr/bin", "root/bin");
    link("/etc/alternatives/awk", "root/usr/bin/awk");
    link("/usr/bin/mawk", "root/etc/alternatives/awk");
    link("/shown/program", "root/usr/bin/bound");
    link("loop", "root/loop");
    link("../../outside", "root/up");
    link(join(top, "outside"), "root/absolute");
  });
  after(() => {
    rmSync(top, { recursive: true });
  });
  const find = (path: string): string | undefined =>
    findInGuest({ root: join(top, "root"), binds: [{ host: join(top, "data"), guest: "/shown", writable: false }, { host: join(top, "data/sub"), guest: "/shown/deep", writable: false }] }, path)?.slice(top.length + 1);

  it("lead below --root, through links as the guest sees them", () => {
    expect(["/usr/bin/mawk", "/bin/mawk", "/bin/awk", "//usr/./bin/../bin/mawk", "/bin"].map(find)).to.deep.equal(["root/usr/bin/mawk", "root/usr/bin/mawk", "root/usr/bin/mawk", "root/usr/bin/mawk", "root/usr/bin"]);
  });

  it("lead into binds, the last one first", () => {
    expect(["/shown/program", "/shown/sub/f", "/shown/deep/f", "/usr/bin/bound"].map(find)).to.deep.equal(["data/program", "data/sub/f", "data/sub/f", "data/program"]);
  });

  it("lead nowhere else", () => {
    expect(["/usr/bin/none", "/loop", "/up", "/absolute", "/../../outside", "/shown/../../outside"].map(find)).to.deep.equal([undefined, undefined, undefined, undefined, undefined, undefined]);
    expect(findInGuest({ root: undefined, binds: [] }, join(top, "outside"))).to.equal(undefined);
  });

  it("of files that a bind shows", () => {
    const binds = [{ host: "/a", guest: "/x", writable: true }, { host: "/a/b", guest: "/y", writable: true }];
    const bound = (path: string): string | undefined => boundPath({ root: undefined, binds }, path);
    expect(["/a", "/a/c/d", "/a/b", "/a/b/e", "/ab", "/"].map(bound)).to.deep.equal(["/x", "/x/c/d", "/y", "/y/e", undefined, undefined]);
  });
});
