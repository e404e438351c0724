/* /proc/PID/mounts, mountinfo and mountstats list the tree. */
import { expect } from "chai";
import { formatMountinfo, formatMounts } from "../../../../kernel-model/fs/procfs/mountinfo.js";
import { resolvePath } from "../../../../kernel-model/fs/path.js";
import { createTestNamespace } from "../../../support/namespace.js";

describe("mount tables", () => {
  const mounts = [
    { type: "tmpfs", directory: "/my dir", options: "huge=always" },
    { type: "ext4", directory: "/ro", options: "ro" },
  ] as const;

  it("mounts: source, place, type and options; blanks in octal", () => {
    const t = createTestNamespace({ mounts });
    expect(formatMounts(t.namespace.mounts, t.fs.root).split("\n").slice(-3)).to.deep.equal(["tmpfs /my\\040dir tmpfs rw,relatime,huge=always 0 0", "/dev/vda /ro ext4 ro,relatime 0 0", ""]);
    t.close();
  });

  it("mountinfo: numbers of mounts and parents, device, options of mount and file system apart", () => {
    const t = createTestNamespace({ mounts });
    const lines = formatMountinfo(t.namespace.mounts, t.fs.root).trimEnd().split("\n");
    expect(lines[0]).to.match(/^1 0 0:\d+ \/ \/ rw,relatime - rootfs rootfs rw$/);
    expect(lines.find((line) => line.includes("/dev/shm"))).to.match(/^7 4 0:\d+ \/ \/dev\/shm rw,relatime - tmpfs tmpfs rw$/);
    expect(lines.at(-2)).to.match(/^8 1 0:\d+ \/ \/my\\040dir rw,relatime - tmpfs tmpfs rw,huge=always$/);
    expect(lines.at(-1)).to.equal("9 1 254:0 / /ro ro,relatime - ext4 /dev/vda ro");
    t.close();
  });

  it("a task with another root sees what lies below it", () => {
    const t = createTestNamespace({ mounts });
    const dev = resolvePath(t.fs, "/dev", { follow: true });
    if (typeof dev === "number") throw new Error(String(dev));
    expect(formatMounts(t.namespace.mounts, dev).split("\n").map((line) => line.split(" ")[1])).to.deep.equal(["/", "/pts", "/shm", undefined]);
    t.close();
  });
});
