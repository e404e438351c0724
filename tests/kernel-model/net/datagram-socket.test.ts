/* Datagrams between sockets of the guest. */
import { expect } from "chai";
import { BufferBudget } from "../../../kernel-model/fs/buffer-budget.js";
import { InFlight } from "../../../kernel-model/net/in-flight.js";
import { DatagramSocket } from "../../../kernel-model/net/datagram-socket.js";
import type { Socket } from "../../../kernel-model/net/socket.js";

const [EAGAIN, EINVAL, ECONNREFUSED, EDESTADDRREQ, EMSGSIZE, ENOTCONN, EOPNOTSUPP] = [11, 22, 111, 89, 90, 107, 95];
const credentials = { pid: 1, uid: 0, gid: 0 };
const buffers = new BufferBudget(2 ** 30);
const inFlight = new InFlight();
const make = (domain: number, name?: string): DatagramSocket => {
  const socket = new DatagramSocket({ domain, protocol: 0, credentials, buffers, inFlight, onClose: () => undefined });
  socket.name = name;
  return socket;
};
const send = (from: Socket, length: number, to?: Socket): number => from.send(new Uint8Array(length), { ancillary: { files: [], credentials }, ...(to === undefined ? {} : { to }) });

describe("sockets of messages", () => {
  it("messages arrive whole, with the name of their sender", () => {
    const [a, b] = [make(2, "2130706433:5"), make(2, "0:6")];
    expect([send(a, 10, b), send(a, 0, b), send(a, 20, b), b.available()]).to.deep.equal([10, 0, 20, 10]);
    expect(b.receive(new Uint8Array(3), true)).to.include({ count: 3, messageLength: 10, from: "2130706433:5" });
    expect([b.receive(new Uint8Array(3), false), b.receive(new Uint8Array(3), false), b.receive(new Uint8Array(99), false)].map((got) => (typeof got === "number" ? got : got.messageLength))).to.deep.equal([10, 0, 20]);
    expect(b.receive(new Uint8Array(1), false)).to.equal(-EAGAIN);
  });

  it("AF_UNIX makes the sender wait, UDP drops", () => {
    const [a, b, u, v] = [make(1), make(1, "/b"), make(2), make(2, "0:9")];
    for (let i = 0; i < 10; i++) expect(send(a, 1, b)).to.equal(1);
    expect(send(a, 1, b)).to.equal(-EAGAIN);
    for (let i = 0; i < 10; i++) expect(send(u, 60_000, v)).to.equal(60_000);
    let received = 0;
    while (typeof v.receive(new Uint8Array(1), false) !== "number") received++;
    expect(received).to.equal(3);
    expect([send(u, 65_508, v), send(a, 300_000, b)]).to.deep.equal([-EMSGSIZE, -EMSGSIZE]);
  });

  it("a connected socket has a default destination and hears no one else", () => {
    const [a, b, c] = [make(1, "/a"), make(1, "/b"), make(1, "/c")];
    expect([send(a, 1), send(make(2), 1), a.connect(b, "/b"), send(a, 1), send(c, 1, a)]).to.deep.equal([-ENOTCONN, -EDESTADDRREQ, 0, 1, -EINVAL]);
    b.close();
    expect([send(a, 1), send(a, 1)]).to.deep.equal([-ECONNREFUSED, -ENOTCONN]);
    expect(send(c, 1, a)).to.equal(1);
  });

  it("pairs end together; connections are for other sockets", () => {
    const [a, b] = [make(1), make(1)];
    a.join(b);
    expect([send(a, 2), a.listen(), a.accept()]).to.deep.equal([2, -EOPNOTSUPP, -EOPNOTSUPP]);
    a.close();
    expect([typeof b.receive(new Uint8Array(9), false), b.error]).to.deep.equal(["object", ECONNREFUSED]);
  });

  it("shutdown ends reading and writing", () => {
    const [a, b] = [make(1), make(1)];
    a.join(b);
    expect([b.shutdown(0), send(a, 1), b.receive(new Uint8Array(1), false)].map((got) => (typeof got === "number" ? got : got.count))).to.deep.equal([0, -32, 0]);
    expect([a.shutdown(1), send(a, 1), make(1).shutdown(0)]).to.deep.equal([0, -32, -ENOTCONN]);
  });
});
