/** The IPC of a machine is empty at first. */
import { expect } from "chai";
import { createIpc } from "../../../kernel-model/ipc/ipc.js";
import { testSystem } from "../../support/memory-system.js";

describe("createIpc", () => {
  it("has no segments, semaphores or queues", () => {
    const { shm, sem, msg } = createIpc(testSystem().sys, { pid: () => 0, seconds: () => 0 });
    expect([shm.ids.inUse, shm.pages, sem.ids.inUse, sem.total, msg.ids.inUse]).to.deep.equal([0, 0, 0, 0, 0]);
  });
});
