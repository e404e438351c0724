/* What all sockets share: options, states, errors. */
import { expect } from "chai";
import { AF_INET, AF_UNIX, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from "../../../kernel-model/net/socket.js";

describe("numbers of the socket interface", () => {
  it("are the ABI's", () => {
    expect([AF_UNIX, AF_INET, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]).to.deep.equal([1, 2, 1, 2, 5]);
    expect([MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_WAITALL, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC]).to.deep.equal([0x2, 0x20, 0x40, 0x100, 0x4000, 0x40000000]);
  });
});
