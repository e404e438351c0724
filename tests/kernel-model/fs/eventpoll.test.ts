/* epoll: level and edge, one shot, nested and closed descriptors. */
import { expect } from "chai";
import { EventPoll, eventPollOf } from "../../../kernel-model/fs/eventpoll.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";
import { WaitQueue } from "../../../kernel-model/kernel/wait-queue.js";

const [ENOENT, EEXIST, EPERM, ELOOP] = [2, 17, 1, 40];
const [IN, OUT, HUP] = [1, 4, 0x10];
const [ONESHOT, ET] = [2 ** 30, 2 ** 31];

class Source {
  ready = 0;
  readonly queue = new WaitQueue();
  readonly file = { ops: { seekable: false, poll: () => this.ready, waitQueue: () => this.queue } } as unknown as OpenFile;

  become(ready: number): void {
    this.ready = ready;
    this.queue.wakeAll();
  }
}

const epollFile = (set: EventPoll): OpenFile => ({ ops: set.operations, privateData: set }) as unknown as OpenFile;
const taken = (set: EventPoll, most = 99): [number, number][] => set.take(most).map(({ events, data }) => [events, Number(data)]);

describe("epoll sets", () => {
  it("level-triggered files are reported as long as they are ready", () => {
    const set = new EventPoll();
    const a = new Source();
    expect(set.add(a.file, 3, IN, 1n)).to.equal(0);
    expect(taken(set)).to.deep.equal([]);
    a.become(IN | OUT);
    expect([taken(set), taken(set)]).to.deep.equal([[[IN, 1]], [[IN, 1]]]);
    a.ready = 0;
    expect(taken(set)).to.deep.equal([]);
  });

  it("a file that is ready when it is added is reported at once", () => {
    const set = new EventPoll();
    const a = new Source();
    a.ready = OUT;
    set.add(a.file, 3, OUT, 9n);
    expect(taken(set)).to.deep.equal([[OUT, 9]]);
  });

  it("edge-triggered files are reported once per wake-up", () => {
    const set = new EventPoll();
    const a = new Source();
    set.add(a.file, 3, IN + ET, 1n);
    a.become(IN);
    expect([taken(set), taken(set)]).to.deep.equal([[[IN, 1]], []]);
    a.become(IN);
    expect(taken(set)).to.deep.equal([[IN, 1]]);
  });

  it("one-shot files are silent until they are armed again", () => {
    const set = new EventPoll();
    const a = new Source();
    set.add(a.file, 3, IN + ONESHOT, 1n);
    a.become(IN);
    expect([taken(set), taken(set)]).to.deep.equal([[[IN, 1]], []]);
    a.become(IN);
    expect(taken(set)).to.deep.equal([]);
    expect(set.modify(a.file, 3, IN + ONESHOT, 2n)).to.equal(0);
    expect(taken(set)).to.deep.equal([[IN, 2]]);
  });

  it("take turns when there are more than asked for", () => {
    const set = new EventPoll();
    const sources = [0, 1, 2].map(() => new Source());
    sources.forEach((source, i) => {
      set.add(source.file, i, IN, BigInt(i));
      source.become(IN);
    });
    expect([taken(set, 2), taken(set, 2), taken(set, 2)].map((events) => events.map(([, data]) => data))).to.deep.equal([[0, 1], [2, 0], [1, 2]]);
  });

  it("hang-ups are reported unasked", () => {
    const set = new EventPoll();
    const a = new Source();
    set.add(a.file, 3, 0, 1n);
    a.become(HUP | IN);
    expect(taken(set)).to.deep.equal([[HUP, 1]]);
  });

  it("a file is told by description and descriptor; removal and close end the watch", () => {
    const set = new EventPoll();
    const a = new Source();
    expect([set.add(a.file, 3, IN, 1n), set.add(a.file, 3, IN, 1n), set.add(a.file, 4, IN, 2n)]).to.deep.equal([0, -EEXIST, 0]);
    expect([set.remove(a.file, 3), set.remove(a.file, 3), set.modify(a.file, 9, IN, 0n)]).to.deep.equal([0, -ENOENT, -ENOENT]);
    a.become(IN);
    expect(taken(set)).to.deep.equal([[IN, 2]]);
    for (const gone of a.file.watchers ?? []) gone();
    expect([taken(set), a.queue.empty]).to.deep.equal([[], true]);
  });

  it("regular files cannot be watched; sets can, but not in circles", () => {
    const set = new EventPoll();
    expect(set.add({ ops: { seekable: true } } as unknown as OpenFile, 3, IN, 0n)).to.equal(-EPERM);
    const inner = new EventPoll();
    const innerFile = epollFile(inner);
    expect(set.add(innerFile, 3, IN, 5n)).to.equal(0);
    expect(inner.add(epollFile(set), 4, IN, 0n)).to.equal(-ELOOP);
    const a = new Source();
    inner.add(a.file, 5, IN, 1n);
    a.become(IN);
    expect(taken(set)).to.deep.equal([[IN, 5]]);
    let deep = new EventPoll();
    let result = 0;
    for (let i = 0; i < 6 && result === 0; i++) {
      const outer = new EventPoll();
      result = outer.add(epollFile(deep), 3, IN, 0n);
      deep = outer;
    }
    expect(result).to.equal(-ELOOP);
    expect([eventPollOf(innerFile), eventPollOf(a.file)]).to.deep.equal([inner, undefined]);
  });
});
