/* Streams between sockets of the guest: connect, data, shutdown. */
import { expect } from "chai";
import { BufferBudget } from "../../../kernel-model/fs/buffer-budget.js";
import { InFlight } from "../../../kernel-model/net/in-flight.js";
import type { OpenFile } from "../../../kernel-model/fs/vfs.js";
import { StreamSocket } from "../../../kernel-model/net/stream-socket.js";
import type { Socket } from "../../../kernel-model/net/socket.js";
import { seededRandom } from "../../support/seed.js";

const [EAGAIN, EINVAL, ECONNREFUSED, ECONNRESET, EISCONN, EMSGSIZE, ENOTCONN, EPIPE] = [11, 22, 111, 104, 106, 90, 107, 32];
const [POLLIN, POLLOUT, POLLHUP, POLLRDHUP] = [1, 4, 0x10, 0x2000];
const [STREAM, SEQPACKET] = [1, 5];
const BUFFER = 212_992;
const credentials = { pid: 1, uid: 2, gid: 3 };
const buffers = new BufferBudget(2 ** 30);
const inFlight = new InFlight();

const make = (type = STREAM, domain = 1): StreamSocket => new StreamSocket({ domain, type, protocol: 0, credentials, buffers, inFlight, onClose: () => undefined });
function pair(type = STREAM): readonly [StreamSocket, StreamSocket] {
  const [a, b] = [make(type), make(type)];
  a.join(b);
  return [a, b];
}
const send = (socket: Socket, bytes: Uint8Array, files: readonly OpenFile[] = []): number => socket.send(bytes, { ancillary: { files, credentials } });
const receive = (socket: Socket, length: number, peek = false): number => {
  const got = socket.receive(new Uint8Array(length), peek);
  return typeof got === "number" ? got : got.count;
};

describe("connected sockets", () => {
  it("streams keep the order of bytes and hold a bounded number of them", () => {
    const below = seededRandom();
    const [a, b] = pair();
    let [sent, got] = [0, 0];
    for (let step = 0; step < 500; step++) {
      if (below(2) === 0) {
        const start = sent;
        const count = send(a, new Uint8Array(1 + below(60_000)).map((_, i) => (start + i) & 0xff));
        if (count < 0) expect([count, sent - got]).to.deep.equal([-EAGAIN, BUFFER]);
        else sent += count;
      } else {
        const into = new Uint8Array(1 + below(60_000));
        const received = b.receive(into, false);
        if (typeof received === "number") expect([received, sent]).to.deep.equal([-EAGAIN, got]);
        else {
          for (let i = 0; i < received.count; i++) if (into[i] !== ((got + i) & 0xff)) throw new Error(`byte ${got + i}`);
          got += received.count;
        }
      }
      expect(b.available()).to.equal(sent - got).and.to.be.at.most(BUFFER);
    }
  });

  it("messages keep their bounds, and an oversized one is refused", () => {
    const [a, b] = pair(SEQPACKET);
    expect([send(a, new Uint8Array(10)), send(a, new Uint8Array(0)), send(a, new Uint8Array(20)), send(a, new Uint8Array(BUFFER + 1))]).to.deep.equal([10, 0, 20, -EMSGSIZE]);
    expect(b.receive(new Uint8Array(4), false)).to.include({ count: 4, messageLength: 10 });
    expect([receive(b, 99), receive(b, 99), receive(b, 99), b.available()]).to.deep.equal([0, 20, -EAGAIN, 0]);
  });

  it("peeking leaves the bytes", () => {
    const [a, b] = pair();
    send(a, new Uint8Array(5));
    send(a, new Uint8Array(5));
    expect([receive(b, 99, true), receive(b, 99, true), receive(b, 99)]).to.deep.equal([10, 10, 10]);
  });

  it("a read ends behind the bytes that descriptions came with", () => {
    const file = { count: 1, release: () => undefined } as unknown as OpenFile;
    const [a, b] = pair();
    send(a, new Uint8Array(3));
    send(a, new Uint8Array(4), [file]);
    send(a, new Uint8Array(5));
    const got = [99, 99].map((length) => {
      const received = b.receive(new Uint8Array(length), false);
      return typeof received === "number" ? received : [received.count, received.ancillary?.files];
    });
    expect(got).to.deep.equal([[7, [file]], [5, []]]);
    send(a, new Uint8Array(4), [file]);
    const part = b.receive(new Uint8Array(1), false);
    expect([typeof part === "number" ? part : part.ancillary?.files, receive(b, 9)]).to.deep.equal([[file], 3]);
  });

  it("descriptions that no one took are dropped when the socket closes", () => {
    let released = 0;
    const file = { count: 1, release: () => released++ } as unknown as OpenFile;
    const [a, b] = pair();
    send(a, new Uint8Array(1), [file]);
    b.close();
    expect([released, a.error]).to.deep.equal([1, ECONNRESET]);
    expect([send(a, new Uint8Array(1)), receive(a, 1), receive(a, 1)]).to.deep.equal([-EPIPE, -ECONNRESET, 0]);
    const [c, d] = [make(STREAM, 2), make(STREAM, 2)];
    c.join(d);
    send(c, new Uint8Array(1));
    d.close();
    expect([send(c, new Uint8Array(1)), send(c, new Uint8Array(1))]).to.deep.equal([-ECONNRESET, -EPIPE]);
  });

  it("connect and accept: queue, names, credentials", () => {
    const server = make();
    const clients = [make(), make(), make()];
    expect([server.listen(1), clients[0]!.connect(server, "/s")]).to.deep.equal([-EINVAL, -ECONNREFUSED]);
    server.name = "/s";
    expect([server.listen(1), server.poll(), server.accept()]).to.deep.equal([0, 0, -EAGAIN]);
    expect(clients.map((client) => client.connect(server, "/s"))).to.deep.equal([0, 0, -EAGAIN]);
    expect([clients[0]!.connect(server, "/s"), clients[0]!.peerName, clients[0]!.peerCredentials, server.poll() & POLLIN]).to.deep.equal([-EISCONN, "/s", credentials, POLLIN]);
    const first = server.accept();
    if (typeof first === "number") throw new Error(String(first));
    expect([send(clients[0]!, new Uint8Array(2)), receive(first, 9), clients[2]!.connect(server, "/s")]).to.deep.equal([2, 2, 0]);
    server.close();
    expect([clients[1]!.error, clients[0]!.error, clients[2]!.connect(server, "/s"), make().connect(server, "/s")]).to.deep.equal([ECONNRESET, 0, -EISCONN, -ECONNREFUSED]);
  });

  it("shutting down one side is seen by the other", () => {
    const [a, b] = pair();
    send(a, new Uint8Array(2));
    expect([a.shutdown(1), send(a, new Uint8Array(1)), b.poll() & (POLLIN | POLLRDHUP | POLLHUP)]).to.deep.equal([0, -EPIPE, POLLIN | POLLRDHUP]);
    expect([receive(b, 9), receive(b, 9), send(b, new Uint8Array(3)), receive(a, 9)]).to.deep.equal([2, 0, 3, 3]);
    expect([b.shutdown(2), a.poll() & POLLHUP, make().shutdown(0), a.shutdown(5)]).to.deep.equal([0, POLLHUP, -ENOTCONN, -EINVAL]);
  });

  it("polls: an unconnected socket hangs up, a full one cannot be written", () => {
    const [a, b] = pair();
    expect([make().poll() & POLLHUP, a.poll() & (POLLIN | POLLOUT)]).to.deep.equal([POLLHUP, POLLOUT]);
    while (send(a, new Uint8Array(BUFFER)) > 0);
    expect([a.poll() & POLLOUT, b.poll() & POLLIN]).to.deep.equal([0, POLLIN]);
    receive(b, BUFFER);
    b.close();
    expect(a.poll() & (POLLIN | POLLOUT | POLLHUP | POLLRDHUP)).to.equal(POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
  });

  it("what is not connected sends and receives nothing", () => {
    expect([send(make(), new Uint8Array(1)), send(make(STREAM, 2), new Uint8Array(1)), receive(make(), 1), receive(make(STREAM, 2), 1)]).to.deep.equal([-ENOTCONN, -EPIPE, -EINVAL, -ENOTCONN]);
  });
});
