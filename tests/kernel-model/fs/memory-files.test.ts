/* memfd: size, seals and mappings. */
import { expect } from "chai";
import { MemoryFiles } from "../../../kernel-model/fs/memory-files.js";
import { putFile } from "../../../kernel-model/fs/vfs.js";
import { testSystem } from "../../support/memory-system.js";

describe("files of memory", () => {
  it("are empty, unlinked, mappable as anonymous shared memory, and gone with their last description", () => {
    const { sys } = testSystem();
    const free = sys.buddy.nrFree;
    const files = new MemoryFiles(sys, () => ({ seconds: 1, nanoseconds: 0 }));
    const file = files.open("memfd:name", 0o777);
    if (typeof file === "number") throw new Error(String(file));
    expect([file.path, file.inode.nlink, file.inode.size, file.inode.dev, file.inode.mode]).to.deep.equal(["/memfd:name (deleted)", 0, 0, 1, 0o100777]);
    expect(file.ops.write!(file, new Uint8Array(10_000).fill(5), 0)).to.equal(10_000);
    expect(file.mmapOps({ flags: 0 })!.name).to.equal("shmem_anon_vm_ops");
    expect(sys.buddy.nrFree).to.equal(free - 3);
    putFile(file);
    expect(sys.buddy.nrFree).to.equal(free);
  });
});
