/* /proc/sys: values, writes and their errors. */
import { expect } from "chai";
import { CHECK, createTestNamespace, runSourceInMachine, type TestNamespace } from "../../../support/namespace.js";

const [EPERM, EINVAL] = [1, 22];

function store(t: TestNamespace, name: string, value: string): number {
  const file = t.open(`/proc/sys/${name}`, 1);
  return file.ops.write!(file, new Uint8Array([...value].map((c) => c.charCodeAt(0))), 0);
}

describe("/proc/sys", () => {
  it("settings that the model has can be read and written within Linux's bounds", () => {
    const t = createTestNamespace();
    expect([t.read("/proc/sys/vm/overcommit_memory"), store(t, "vm/overcommit_memory", "2\n"), t.sys.tunables.overcommitMemory]).to.deep.equal(["0\n", 2, 2]);
    expect([store(t, "vm/overcommit_memory", "3"), store(t, "vm/overcommit_memory", "x"), store(t, "vm/overcommit_memory", "")]).to.deep.equal([-EINVAL, -EINVAL, -EINVAL]);
    expect([store(t, "vm/max_map_count", "100"), t.sys.tunables.maxMapCount, t.read("/proc/sys/vm/max_map_count")]).to.deep.equal([3, 100, "100\n"]);
    store(t, "vm/min_free_kbytes", "2048");
    expect([t.sys.buddy.watermarks.min, t.read("/proc/sys/vm/min_free_kbytes")]).to.deep.equal([512, "2048\n"]);
    t.close();
  });

  it("settings without effect keep their value and refuse another", () => {
    const t = createTestNamespace();
    for (const [name, value] of [["vm/swappiness", "60\n"], ["vm/nr_hugepages", "0\n"], ["kernel/pid_max", "32768\n"], ["kernel/osrelease", "6.12.107\n"]] as const) {
      expect([t.read(`/proc/sys/${name}`), store(t, name, "1")], name).to.deep.equal([value, -EPERM]);
    }
    t.close();
  });

  it("drop_caches drops clean pages; dirty ones and tmpfs stay", () => {
    const t = createTestNamespace({ mounts: [{ type: "ext4", directory: "/m", options: "" }] });
    t.write("/m/clean", "x".repeat(20_000));
    const file = t.open("/m/clean");
    file.ops.fsync!(file, false);
    t.write("/m/dirty", "x".repeat(20_000));
    t.write("/tmp/f", "x".repeat(20_000));
    expect([store(t, "vm/drop_caches", "0"), store(t, "vm/drop_caches", "9"), store(t, "vm/drop_caches", "2")]).to.deep.equal([-EINVAL, -EINVAL, 1]);
    expect(file.inode.mapping!.nrPages).to.equal(5);
    expect(store(t, "vm/drop_caches", "3\n")).to.equal(2);
    expect([file.inode.mapping!.nrPages, t.inode("/m/dirty").mapping!.nrPages, t.inode("/tmp/f").mapping!.nrPages]).to.deep.equal([0, 5, 5]);
    expect([t.sys.vmstat.get("drop_pagecache"), t.sys.vmstat.get("drop_slab")]).to.deep.equal([1, 2]);
    t.close();
  });

  it("names of the machine and random identifiers, as a program sees them", () => {
    const source = `${CHECK}#include <sys/utsname.h>
static void show(const char *p) { char b[100] = {0}; int f = open(p, O_RDONLY); read(f, b, 99); fputs(b, stdout); close(f); }
int main(void) { struct utsname u; int f = open("/proc/sys/kernel/hostname", O_RDWR); CHECK(write(f, "newname\\n", 8)); uname(&u); puts(u.nodename); show("/proc/sys/kernel/hostname");
  for (int i = 0; i < 2; i++) show("/proc/sys/kernel/random/boot_id"); for (int i = 0; i < 2; i++) show("/proc/sys/kernel/random/uuid"); show("/proc/sys/kernel/randomize_va_space"); return 0; }`;
    const lines = runSourceInMachine("sysctl-names", source).stdout.split("\n");
    const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    expect(lines.slice(0, 3)).to.deep.equal(['write(f, "newname\\n", 8) = 8 ', "newname", "newname"]);
    for (const line of lines.slice(3, 7)) expect(line).to.match(UUID);
    expect([lines[3] === lines[4], lines[5] === lines[6], lines[7]]).to.deep.equal([true, false, "0"]);
  });
});
