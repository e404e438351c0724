/* Names of sockets: ports and paths, and who listens. */
import { expect } from "chai";
import { BufferBudget } from "../../../kernel-model/fs/buffer-budget.js";
import { InFlight } from "../../../kernel-model/net/in-flight.js";
import type { VfsInode } from "../../../kernel-model/fs/vfs.js";
import { DatagramSocket } from "../../../kernel-model/net/datagram-socket.js";
import { INADDR_ANY, INADDR_LOOPBACK, Network, inetAddress, inetName } from "../../../kernel-model/net/network.js";
import { StreamSocket } from "../../../kernel-model/net/stream-socket.js";

const [EADDRINUSE, EADDRNOTAVAIL, ECONNREFUSED, EINVAL, ENETUNREACH] = [98, 99, 111, 22, 101];
const credentials = { pid: 1, uid: 0, gid: 0 };
const buffers = new BufferBudget(2 ** 30);
const inFlight = new InFlight();
const tcp = (): StreamSocket => new StreamSocket({ domain: 2, type: 1, protocol: 6, credentials, buffers, inFlight, onClose: () => undefined });
const udp = (): DatagramSocket => new DatagramSocket({ domain: 2, protocol: 17, credentials, buffers, inFlight, onClose: () => undefined });

describe("names of sockets", () => {
  it("ports: one holder each, and any port if none is asked for", () => {
    const net = new Network();
    const [a, b, c, d] = [tcp(), tcp(), tcp(), udp()];
    const at = (address: number, port: number) => ({ address, port });
    expect([net.bindInet(a, at(INADDR_LOOPBACK, 80)), net.bindInet(b, at(INADDR_ANY, 80)), net.bindInet(b, at(INADDR_LOOPBACK + 1, 80)), net.bindInet(a, at(INADDR_ANY, 81))]).to.deep.equal([0, -EADDRINUSE, 0, -EINVAL]);
    expect([net.bindInet(d, at(INADDR_ANY, 80)), net.bindInet(c, at(0x08080808, 80)), net.bindInet(c, at(INADDR_ANY, 0))]).to.deep.equal([0, -EADDRNOTAVAIL, 0]);
    expect(inetAddress(c.name)).to.deep.equal({ address: 0, port: 32768 });
    net.releaseInet(a);
    const e = tcp();
    expect(net.bindInet(e, at(INADDR_LOOPBACK, 80))).to.equal(0);
  });

  it("SO_REUSEADDR shares a port as long as no one listens on it", () => {
    const net = new Network();
    const [a, b, c] = [tcp(), tcp(), tcp()];
    for (const socket of [a, b, c]) socket.reuseAddress = true;
    const where = { address: INADDR_LOOPBACK, port: 80 };
    expect([net.bindInet(a, where), net.bindInet(b, where), a.listen(1), net.bindInet(c, where)]).to.deep.equal([0, 0, 0, -EADDRINUSE]);
  });

  it("look-ups find the closest listener, and nothing outside the loopback", () => {
    const net = new Network();
    const [any, one] = [tcp(), tcp()];
    net.bindInet(any, { address: INADDR_ANY, port: 80 });
    expect(net.findInet(1, { address: INADDR_LOOPBACK, port: 80 })).to.equal(-ECONNREFUSED);
    any.listen(5);
    any.reuseAddress = one.reuseAddress = true;
    expect([net.findInet(1, { address: INADDR_LOOPBACK + 7, port: 80 }), net.findInet(1, { address: INADDR_ANY, port: 80 })]).to.deep.equal([any, any]);
    expect([net.findInet(2, { address: INADDR_LOOPBACK, port: 80 }), net.findInet(1, { address: 0x01010101, port: 80 })]).to.deep.equal([-ECONNREFUSED, -ENETUNREACH]);
    expect(inetName({ address: INADDR_LOOPBACK, port: 80 })).to.equal("2130706433:80");
  });

  it("abstract names are free again when their socket goes; paths are found by inode", () => {
    const net = new Network();
    const [a, b] = [tcp(), tcp()];
    expect([net.bindAbstract(a, "x"), net.bindAbstract(b, "x"), a.name, net.findAbstract("x"), net.findAbstract("y")]).to.deep.equal([0, -EADDRINUSE, "\0x", a, -ECONNREFUSED]);
    net.releaseUnix(a);
    expect(net.findAbstract("x")).to.equal(-ECONNREFUSED);
    net.autobind(b);
    expect(b.name).to.match(/^\0[0-9a-f]{5}$/);
    const inode = {} as VfsInode;
    expect(net.findPath(inode)).to.equal(-ECONNREFUSED);
    net.bindPath(a, inode, "/s");
    expect([net.findPath(inode), a.name]).to.deep.equal([a, "/s"]);
  });
});
