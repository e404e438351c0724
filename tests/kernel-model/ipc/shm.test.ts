/** Life of a segment: attachments keep it, removal and the last of them end it. */
import { expect } from "chai";
import { SharedMemory, type ShmSegment } from "../../../kernel-model/ipc/shm.js";
import { ROOT_CREDENTIALS } from "../../../kernel-model/kernel/task.js";
import type { Vma } from "../../../kernel-model/mm/vma.js";
import { testSystem } from "../../support/memory-system.js";

describe("SharedMemory", () => {
  it("counts attachments, and frees a removed segment with the last one", () => {
    const { sys } = testSystem();
    let [pid, seconds] = [10, 100];
    const shm = new SharedMemory(sys, { pid: () => pid, seconds: () => seconds });
    const id = shm.ids.add(5, 0o600, ROOT_CREDENTIALS, (perm) => shm.make(perm, sys.granule.pageSize + 1));
    const segment = shm.ids.get(id) as ShmSegment;
    expect([segment.creator, segment.changeTime, shm.pages]).to.deep.equal([10, 100, 2]);

    const file = shm.open(segment, true);
    const ops = file.mmapOps({ flags: 0 })!;
    const vma = { file, ops } as unknown as Vma;
    expect(shm.segmentOf(vma)).to.equal(segment);
    expect(shm.segmentOf({ file: segment.file, ops: undefined } as unknown as Vma)).to.equal(undefined);
    [pid, seconds] = [11, 200];
    shm.attached(segment);
    ops.open!(vma);
    expect([segment.attached, segment.lastPid, segment.attachTime]).to.deep.equal([2, 11, 200]);

    shm.markDestroyed(segment);
    expect(shm.ids.get(id)).to.equal(segment);
    ops.close!(vma);
    expect([segment.attached, segment.perm.deleted]).to.deep.equal([1, false]);
    ops.close!(vma);
    expect([shm.ids.get(id), shm.pages, segment.file.count]).to.deep.equal([-22, 0, 1]);
    file.release();
    expect(segment.file.count).to.equal(0);
  });

  it("gives everything back at the end of the machine", () => {
    const { sys } = testSystem();
    const shm = new SharedMemory(sys, { pid: () => 1, seconds: () => 0 });
    const id = shm.ids.add(0, 0o600, ROOT_CREDENTIALS, (perm) => shm.make(perm, 4096));
    const { file } = shm.ids.get(id) as ShmSegment;
    shm.dispose();
    expect([file.count, shm.ids.inUse]).to.deep.equal([0, 0]);
  });
});
