/* The guest's tree: what is mounted where, and what of the host shows. */
import { expect } from "chai";
import { ConfigError } from "../../../emulator/arch/errors.js";
import type { HostDirectory } from "../../../kernel-model/fs/host-directory.js";
import { makeSymlink } from "../../../kernel-model/fs/namei.js";
import { dPath } from "../../../kernel-model/fs/path.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { contentsOf, createTestNamespace, runSourceInMachine, CHECK } from "../../support/namespace.js";

const TIME = { seconds: 1, nanoseconds: 0 };

function host(files: Readonly<Record<string, string>>, changes = false): HostDirectory {
  const attributes = { mode: 0o40755, uid: 0, gid: 0, atime: TIME, mtime: TIME, ctime: TIME };
  return {
    attributes,
    names: () => Object.keys(files).map((name) => ({ name, type: 0o100000 })),
    lookup: (name) => (Object.hasOwn(files, name) ? { kind: "file", attributes: { ...attributes, mode: 0o100755 }, file: { ...contentsOf(files[name]!), readable: true, writable: true } } : undefined),
    ...(changes ? { changes: {} as NonNullable<HostDirectory["changes"]> } : {}),
  };
}

describe("the guest's tree", () => {
  it("without anything of the host: an empty root, and the kernel's own mounts", () => {
    const t = createTestNamespace();
    expect(t.namespace.mounts.map(({ fs }) => fs.type)).to.deep.equal(["rootfs", "proc", "sysfs", "tmpfs", "devpts", "tmpfs", "tmpfs"]);
    expect(t.list("/")).to.deep.equal([".", "..", "proc", "sys", "dev", "tmp"]);
    expect(t.list("/dev")).to.include.members(["null", "zero", "urandom", "fd", "stdin", "stdout", "stderr", "shm", "pts"]);
    expect([t.inode("/tmp").mode, t.inode("/dev").mode, t.inode("/").mode]).to.deep.equal([0o41777, 0o40755, 0o40755]);
    expect(new Set(t.namespace.mounts.map(({ fs }) => fs.dev)).size).to.equal(7);
    t.close();
  });

  it("folio policies of mounts, by type and options", () => {
    const mounts = [
      { type: "tmpfs", directory: "/always", options: "huge=always" },
      { type: "tmpfs", directory: "/within", options: "huge=within_size,size=10%" },
      { type: "xfs", directory: "/xfs", options: "" },
      { type: "ext4", directory: "/deep/er/ext4", options: "ro" },
    ] as const;
    const t = createTestNamespace({ mounts });
    t.write("/always/f", "x");
    t.write("/within/f", "x");
    t.write("/xfs/f", "x");
    expect([t.inode("/always/f").mapping!.policy.huge, t.inode("/within/f").mapping!.policy.huge, t.inode("/xfs/f").mapping!.policy.name]).to.deep.equal(["always", "within_size", "xfs"]);
    const { blocks, blockSize } = t.inode("/within/f").fs.statistics();
    expect(blocks * blockSize).to.equal(Math.floor((64 * 2 ** 20) / 10 / 4096) * 4096);
    expect(() => t.write("/deep/er/ext4/f", "x")).to.throw("-30");
    t.close();
  });

  it("wrong options are refused with the mount and the option", () => {
    const mount = (type: "tmpfs" | "xfs", options: string, directory = "/m") => () => createTestNamespace({ mounts: [{ type, directory, options }] });
    expect(mount("tmpfs", "huge=often")).to.throw(ConfigError, /\/m.*huge=often/);
    expect(mount("xfs", "huge=always")).to.throw(ConfigError, /huge=always.*xfs/);
    expect(mount("tmpfs", "size=big")).to.throw(ConfigError, /"big" is no size/);
    expect(mount("tmpfs", "mode=999")).to.throw(ConfigError, /mode=999/);
    expect(mount("tmpfs", "noatimes")).to.throw(ConfigError, /noatimes/);
    expect(mount("tmpfs", "", "relative")).to.throw(ConfigError, /not an absolute path/);
    expect(mount("tmpfs", "", "/a/../b")).to.throw(ConfigError, /"\.\."/);
    expect(mount("tmpfs", "", "/")).to.throw(ConfigError, /root of the guest's tree/);
    expect(mount("tmpfs", "", "/proc/x")).to.throw(ConfigError, /EPERM/);
    expect(mount("tmpfs", "", "/dev/null/x")).to.throw(ConfigError, /no directory/);
  });

  it("a root and directories of the host, a program, the working directory", () => {
    const t = createTestNamespace({
      view: {
        root: host({ version: "12" }),
        directories: [{ directory: "/home/me/project", host: host({ data: "d" }) }],
        files: [{ path: "/home/me/project/prog", contents: contentsOf("ELF"), mode: 0o755 }, { path: "/opt/x", contents: contentsOf("x"), mode: 0o644 }],
        cwd: "/home/me/project",
      },
    });
    expect([t.read("/version"), t.read("/home/me/project/data"), t.read("/home/me/project/prog"), t.read("prog"), t.read("/opt/x")]).to.deep.equal(["12", "d", "ELF", "ELF", "x"]);
    expect(dPath(t.namespace.cwd, t.fs.root)).to.equal("/home/me/project");
    expect(t.inode("/home/me/project/prog").mode).to.equal(0o100755);
    t.close();
  });

  it("host directories have the root's policy; one that takes changes has one that writes back", () => {
    const policies = (["initramfs", "tmpfs", "xfs", "ext4"] as const).map((rootType) => {
      const t = createTestNamespace({ rootType, view: { directories: [{ directory: "/ro", host: host({ f: "x" }) }, { directory: "/rw", host: host({ f: "x" }, true) }] } });
      const names = ["/ro/f", "/rw/f"].map((path) => {
        t.read(path);
        return t.inode(path).mapping!.policy.name;
      });
      t.close();
      return names;
    });
    expect(policies).to.deep.equal([["initramfs", "ext4"], ["tmpfs", "ext4"], ["xfs", "xfs"], ["ext4", "ext4"]]);
  });

  it("installed files: in memory from the start in the initramfs, written and dropped elsewhere", () => {
    const t = createTestNamespace({ mounts: [{ type: "xfs", directory: "/x", options: "" }, { type: "tmpfs", directory: "/t", options: "huge=never" }] });
    const bytes = new Uint8Array(3_000_000).map((_, i) => i % 251);
    for (const path of ["/bin/p", "/x/p", "/t/p"]) t.namespace.installFile(path, bytes, 0o755);
    expect(["/bin/p", "/x/p", "/t/p"].map((path) => [t.inode(path).mode, t.inode(path).mapping?.nrPages])).to.deep.equal([
      [0o100755, undefined],
      [0o100755, 0],
      [0o100755, 733],
    ]);
    for (const path of ["/bin/p", "/x/p", "/t/p"]) expect(t.read(path).length, path).to.equal(3_000_000);
    t.namespace.installFile("/bin/p", new Uint8Array([65]), 0o644);
    expect(t.read("/bin/p")).to.equal("A");
    expect(() => t.namespace.installFile("/proc/x", bytes, 0o755)).to.throw(ConfigError);
    t.close();
  });

  it("mount points behind links of the root are found", () => {
    const t = createTestNamespace();
    makeSymlink(t.fs, { path: "/var", from: undefined }, "tmp");
    t.namespace.installFile("/var/f", new Uint8Array([65]), 0o644);
    expect(t.read("/tmp/f")).to.equal("A");
    t.close();
  });

  it("all memory comes back although files are cached, dirty and open for the lab", () => {
    for (const rootType of ["initramfs", "xfs"] as const) {
      const t = createTestNamespace({ rootType, mounts: [{ type: "tmpfs", directory: "/h", options: "huge=always" }] });
      t.write("/f", "x".repeat(100_000));
      t.write("/h/f", "x".repeat(100_000));
      const file = t.open("/f");
      putFile(file);
      t.close();
    }
  });

  it("statfs and /proc/mounts tell the same story", () => {
    const source = `${CHECK}#include <sys/vfs.h>
int main(void) { struct statfs s; FILE *f; char line[200];
  for (char **p = (char *[]){"/", "/proc", "/sys", "/dev", "/tmp", "/x", 0}; *p; p++) { statfs(*p, &s); printf("%s %lx\\n", *p, (long)s.f_type); }
  f = fopen("/proc/mounts", "r"); while (fgets(line, 200, f)) fputs(line, stdout); return 0; }`;
    const { stdout } = runSourceInMachine("mounts-statfs", source, { mounts: [{ type: "xfs", directory: "/x", options: "" }] });
    expect(stdout.split("\n").slice(0, 6)).to.deep.equal(["/ 1021994", "/proc 9fa0", "/sys 62656572", "/dev 1021994", "/tmp 1021994", "/x 58465342"]);
    expect(stdout.split("\n").slice(6)).to.deep.equal([
      "rootfs / rootfs rw,relatime 0 0",
      "proc /proc proc rw,relatime 0 0",
      "sysfs /sys sysfs rw,relatime 0 0",
      "tmpfs /dev tmpfs rw,relatime 0 0",
      "devpts /dev/pts devpts rw,relatime 0 0", "tmpfs /tmp tmpfs rw,relatime 0 0",
      "tmpfs /dev/shm tmpfs rw,relatime 0 0",
      "/dev/vda /x xfs rw,relatime,attr2,inode64,logbufs=8,logbsize=32k,noquota 0 0",
      "",
    ]);
  });
});
