/** Which message a receiver takes. */
import { expect } from "chai";
import { MessageQueues, findMessage, type Message, type MessageQueue } from "../../../kernel-model/ipc/msg.js";
import { ROOT_CREDENTIALS } from "../../../kernel-model/kernel/task.js";

const EXCEPT = 0o20000;
const COPY = 0o40000;
const messages = [3n, 1n, 2n, 1n, 3n].map((type): Message => ({ type, bytes: new Uint8Array(Number(type)) }));

describe("message queues", () => {
  it("choose by type", () => {
    const find = (type: bigint, flags = 0): number => findMessage(messages, type, flags);
    expect([find(0n), find(1n), find(2n), find(9n)]).to.deep.equal([0, 1, 2, -1]);
    expect([find(3n, EXCEPT), find(1n, EXCEPT)]).to.deep.equal([1, 0]);
    expect([find(-1n), find(-3n), find(-2n)]).to.deep.equal([1, 1, 1]);
    expect([find(4n, COPY), find(5n, COPY)]).to.deep.equal([4, -1]);
    expect(findMessage([], 0n, 0)).to.equal(-1);
  });

  it("lose their messages when they are removed", () => {
    const queues = new MessageQueues();
    const queue = queues.ids.get(queues.ids.add(0, 0, ROOT_CREDENTIALS, (perm) => queues.make(perm, 5))) as MessageQueue;
    queue.messages.push(...messages);
    queues.remove(queue);
    expect([queue.messages.length, queue.perm.deleted, queue.changeTime, queues.ids.inUse]).to.deep.equal([0, true, 5, 0]);
  });
});
