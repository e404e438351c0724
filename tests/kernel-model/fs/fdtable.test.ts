/* Descriptor tables: lowest free number, close-on-exec, sharing. */
import { expect } from "chai";
import { FdTable } from "../../../kernel-model/fs/fdtable.js";
import { FileLocks } from "../../../kernel-model/fs/locks.js";
import { createTestNamespace } from "../../support/namespace.js";

const [EBADF, EMFILE] = [9, 24];

describe("descriptor tables", () => {
  it("give the lowest free number below the limit", () => {
    const t = createTestNamespace();
    t.write("/f", "");
    const table = new FdTable();
    expect([0, 1, 2].map(() => table.add(t.open("/f"), false, 4))).to.deep.equal([0, 1, 2]);
    expect([table.close(1), table.unused(0, 4), table.add(t.open("/f"), false, 4), table.add(t.open("/f"), false, 4, 3)]).to.deep.equal([0, 1, 1, 3]);
    expect([table.unused(0, 4), table.close(9), table.close(-1)]).to.deep.equal([-EMFILE, -EBADF, -EBADF]);
    table.closeAll();
    expect([...table.descriptors()]).to.deep.equal([]);
    t.close();
  });

  it("copies share descriptions and have marks of their own", () => {
    const t = createTestNamespace();
    t.write("/f", "");
    const table = new FdTable();
    table.add(t.open("/f"), false, 99);
    table.add(t.open("/f"), true, 99);
    const copy = table.duplicate();
    copy.setCloseOnExec(0, true);
    expect([table.isCloseOnExec(0), copy.isCloseOnExec(0), copy.isCloseOnExec(1), copy.get(0) === table.get(0), table.get(0)!.count]).to.deep.equal([false, true, true, true, 2]);
    copy.closeForExec();
    expect([...copy.descriptors()]).to.deep.equal([]);
    table.closeForExec();
    expect([...table.descriptors()].map(([fd]) => fd)).to.deep.equal([0]);
    table.closeAll();
    t.close();
  });

  it("closing any descriptor of a file drops the process's record locks on it", () => {
    const t = createTestNamespace();
    t.write("/f", "");
    const table = new FdTable();
    const [first, second] = [t.open("/f"), t.open("/f")];
    table.add(first, false, 99);
    table.add(second, false, 99);
    first.inode.locks = new FileLocks();
    first.inode.locks.lock({ owner: table, exclusive: true, start: 0, end: 9, pid: 1 });
    first.inode.locks.lockWhole(first, true);
    table.close(1);
    expect(first.inode.locks.conflict({ owner: {}, exclusive: true, start: 0, end: 9 })).to.equal(undefined);
    expect(first.inode.locks.lockWhole({}, true), "flock stays with its description").to.equal(-11);
    table.close(0);
    expect(first.inode.locks.lockWhole({}, true)).to.equal(0);
    t.close();
  });
});
