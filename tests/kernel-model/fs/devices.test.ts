/* Device nodes: null, zero, full, random and the terminals. */
import { expect } from "chai";
import { deviceNumber } from "../../../kernel-model/fs/devices.js";
import { makeNode } from "../../../kernel-model/fs/namei.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { CHECK, createTestNamespace, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

const [ENXIO, ENOSPC] = [6, 28];

describe("devices", () => {
  it("have the numbers of the device list", () => {
    const t = createTestNamespace();
    const numbers = { null: [1, 3], zero: [1, 5], full: [1, 7], random: [1, 8], urandom: [1, 9], kmsg: [1, 11], tty: [5, 0], console: [5, 1] };
    for (const [name, [major, minor]] of Object.entries(numbers)) {
      expect(t.inode(`/dev/${name}`).rdev, name).to.equal(major! * 256 + minor!);
      expect(t.inode(`/dev/${name}`).mode & 0o170000).to.equal(0o020000);
    }
    expect(deviceNumber(254, 16)).to.equal(0xfe10);
    t.close();
  });

  it("read and write as their names say", () => {
    const t = createTestNamespace();
    const into = new Uint8Array(4).fill(9);
    const use = (name: string) => {
      const file = t.open(`/dev/${name}`, 2);
      const result = [file.ops.read!(file, into, 0), [...into], file.ops.write!(file, new Uint8Array(3), 0), file.ops.seek!(file, 100, 0)];
      putFile(file);
      return result;
    };
    expect(use("null")).to.deep.equal([0, [9, 9, 9, 9], 3, 0]);
    expect(use("zero")).to.deep.equal([4, [0, 0, 0, 0], 3, 0]);
    expect(use("full")).to.deep.equal([4, [0, 0, 0, 0], -ENOSPC, 0]);
    const [count, first] = use("urandom");
    const [, second] = use("random");
    expect([count, JSON.stringify(first) === JSON.stringify(second)]).to.deep.equal([4, false]);
    t.close();
  });

  it("without a terminal /dev/tty is no device, and neither is an unknown number", () => {
    const t = createTestNamespace();
    expect(() => t.open("/dev/tty")).to.throw(String(-ENXIO));
    makeNode(t.fs, { path: "/tmp/x", from: undefined }, 0o20666, deviceNumber(99, 1));
    expect(() => t.open("/tmp/x")).to.throw(String(-ENXIO));
    t.close();
  });

  it("/dev/zero: private mappings are anonymous memory, shared ones are shared with children", () => {
    expectLikeHost(
      "dev-zero",
      `${CHECK}int main(void) {
        int z = open("/dev/zero", O_RDWR);
        char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, z, 0), *s = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, z, 4096);
        p[0] = 1; s[0] = 1; close(z);
        if (fork() == 0) { p[0] = 2; s[0] = 2; p[5000] = 3; _exit(0); }
        wait(0);
        printf("%d %d %d\\n", p[0], s[0], p[5000]);
        CHECK(mmap(0, 4096, PROT_READ, MAP_SHARED, open("/dev/null", O_RDONLY), 0));
        return 0;
      }`,
    );
  });

  it("random numbers are a function of the seed", () => {
    const source = `${CHECK}int main(void) { unsigned char b[8]; int f = open("/dev/urandom", O_RDONLY); read(f, b, 8); for (int i = 0; i < 8; i++) printf("%02x", b[i]); puts(""); return 0; }`;
    const [a, b, c] = [1, 1, 2].map((seed) => runSourceInMachine("dev-random", source, { config: { seed } }).stdout);
    expect(a).to.equal(b);
    expect(a).not.to.equal(c);
  });
});
