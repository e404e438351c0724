/** The directory argument of the *at() calls. */
import { expect } from "chai";
import { FdTable } from "../../../kernel-model/fs/fdtable.js";
import type { OpenFile, Path } from "../../../kernel-model/fs/vfs.js";
import type { Task } from "../../../kernel-model/kernel/task.js";
import { directoryOf } from "../../../kernel-model/syscalls/at.js";

describe("the directory of an *at() call", () => {
  const files = new FdTable();
  const where = {} as Path;
  files.install(3, { inode: { mode: 0o040755 }, where } as OpenFile, false);
  files.install(4, { inode: { mode: 0o100644 }, where } as OpenFile, false);
  const task = { files } as unknown as Task;

  it("AT_FDCWD and absolute paths need none", () => {
    expect(directoryOf(task, -100, "a")).to.equal(undefined);
    expect(directoryOf(task, 99, "/a")).to.equal(undefined);
  });

  it("a descriptor must be open and a directory", () => {
    expect(directoryOf(task, 3, "a")).to.equal(where);
    expect(directoryOf(task, 4, "a")).to.equal(-20);
    expect(directoryOf(task, 5, "a")).to.equal(-9);
  });
});
