/* Sockets as files: descriptors, poll, release. */
import { expect } from "chai";
import { BufferBudget } from "../../../kernel-model/fs/buffer-budget.js";
import { InFlight } from "../../../kernel-model/net/in-flight.js";
import { AnonFs } from "../../../kernel-model/fs/anon-files.js";
import { openInode, putFile, type OpenFile } from "../../../kernel-model/fs/vfs.js";
import { openSocket, socketFileOf } from "../../../kernel-model/net/socket-file.js";
import { StreamSocket } from "../../../kernel-model/net/stream-socket.js";

const [ENXIO, ENOTTY] = [6, 25];
const credentials = { pid: 1, uid: 0, gid: 0 };
const buffers = new BufferBudget(2 ** 30);
const inFlight = new InFlight();

describe("sockets as files", () => {
  it("read, write, poll and close reach the socket; they cannot be opened again", () => {
    const fs = new AnonFs({ type: "sockfs", dev: 1, magic: 1, now: () => ({ seconds: 0, nanoseconds: 0 }) });
    const closed: StreamSocket[] = [];
    const [a, b] = [1, 2].map(() => new StreamSocket({ domain: 1, type: 1, protocol: 0, credentials, buffers, inFlight, onClose: (socket) => closed.push(socket) })) as [StreamSocket, StreamSocket];
    a.join(b);
    const [x, y] = [openSocket(fs, a, 0), openSocket(fs, b, 0o4000)];
    expect([x.path, x.inode.mode, y.flags & 0o4000, x.ops.seekable]).to.deep.equal([`socket:[${x.inode.ino}]`, 0o140777, 0o4000, false]);
    let dropped = 0;
    a.send(new Uint8Array(1), { ancillary: { files: [{ count: 1, release: () => dropped++ } as unknown as OpenFile], credentials } });
    const into = new Uint8Array(9);
    expect([y.ops.read!(y, into, 0), dropped, y.ops.write!(y, new Uint8Array(3), 0), x.ops.poll!(x)! & 1]).to.deep.equal([1, 1, 3, 1]);
    let counted: Uint8Array | undefined;
    const user = { read: () => -14, write: (_: unknown, bytes: Uint8Array) => ((counted = bytes), 0) };
    expect([x.ops.ioctl!(x, 0x541b, 0 as never, user), counted?.[0], x.ops.ioctl!(x, 1, 0 as never, user)]).to.deep.equal([0, 3, -ENOTTY]);
    expect([socketFileOf(x)!.socket, x.ops.waitQueue!(x), openInode(x.inode, 2, "again", undefined)]).to.deep.equal([a, a.queue, -ENXIO]);
    putFile(x);
    expect(closed).to.deep.equal([a]);
    putFile(y);
  });
});
