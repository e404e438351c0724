/** Socket addresses in user memory. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import type { Kernel } from "../../../kernel-model/kernel/kernel.js";
import { encodeSockaddr, readSockaddr, writeSockaddr } from "../../../kernel-model/syscalls/sockaddr.js";

const [EFAULT, EINVAL] = [14, 22];

/** A kernel whose user memory is one array at address 0. */
function kernel(memory: Uint8Array): Kernel {
  const view = new DataView(memory.buffer);
  const inside = (at: number, length: number): boolean => at + length <= memory.length;
  return {
    user: {
      read: (at: number, length: number) => (inside(at, length) ? memory.slice(at, at + length) : -EFAULT),
      put: (at: number, bytes: Uint8Array) => inside(at, bytes.length) && (memory.set(bytes, at), true),
      i32: (at: number) => (inside(at, 4) ? view.getInt32(at, true) : undefined),
      putU32: (at: number, value: number) => inside(at, 4) && (view.setUint32(at, value, true), true),
    },
  } as unknown as Kernel;
}

const va = (at: number): Va => at as Va;
const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);
const text = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));

describe("socket addresses", () => {
  it("AF_UNIX: paths end at their zero, abstract names do not", () => {
    const parse = (memory: Uint8Array, length = memory.length) => readSockaddr(kernel(memory), va(0), length);
    expect(parse(bytes(1, 0, ...text("/a/b"), 0, ...text("junk")))).to.deep.equal({ family: 1, name: "/a/b" });
    expect(parse(bytes(1, 0, ...text("nozero")))).to.deep.equal({ family: 1, name: "nozero" });
    expect(parse(bytes(1, 0, 0, ...text("ab"), 0))).to.deep.equal({ family: 1, name: "\0ab\0" });
    expect(parse(bytes(1, 0))).to.deep.equal({ family: 1, name: "" });
    expect(parse(new Uint8Array(128).fill(1).fill(0, 1, 2), 111)).to.equal(-EINVAL);
  });

  it("AF_INET: port and address in network order", () => {
    expect(readSockaddr(kernel(bytes(2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)), va(0), 16)).to.deep.equal({ family: 2, port: 8080, address: 0x7f000001 });
    expect(readSockaddr(kernel(new Uint8Array(16).fill(2).fill(0, 1, 2)), va(0), 15)).to.equal(-EINVAL);
  });

  it("lengths out of range, other families, bad memory", () => {
    const k = kernel(bytes(10, 0, 0, 0));
    expect([readSockaddr(k, va(0), -1), readSockaddr(k, va(0), 129), readSockaddr(k, va(0), 1), readSockaddr(k, va(2), 4)]).to.deep.equal([-EINVAL, -EINVAL, -EINVAL, -EFAULT]);
    expect(readSockaddr(k, va(0), 4)).to.deep.equal({ family: "unknown", number: 10 });
  });

  it("are written as their family has them", () => {
    expect([...encodeSockaddr(1, "/s", false)]).to.deep.equal([1, 0, ...text("/s"), 0]);
    expect([...encodeSockaddr(1, "\0ab", false)]).to.deep.equal([1, 0, 0, ...text("ab")]);
    expect([...encodeSockaddr(1, undefined, true)]).to.deep.equal([1, 0]);
    expect([...encodeSockaddr(2, "2130706433:8080", false)].slice(0, 8)).to.deep.equal([2, 0, 0x1f, 0x90, 127, 0, 0, 1]);
    expect([...encodeSockaddr(2, "0:80", true)].slice(2, 8)).to.deep.equal([0, 80, 127, 0, 0, 1]);
    expect([...encodeSockaddr(2, "0:80", false)].slice(2, 8)).to.deep.equal([0, 80, 0, 0, 0, 0]);
    expect([...encodeSockaddr(2, undefined, true)].slice(2, 8)).to.deep.equal([0, 0, 0, 0, 0, 0]);
  });

  it("are cut to the caller's room, and the true length is told", () => {
    const memory = new Uint8Array(32);
    memory[16] = 3;
    const k = kernel(memory);
    expect(writeSockaddr(k, va(0), va(16), bytes(1, 0, 65, 66, 0))).to.equal(0);
    expect([...memory.subarray(0, 5), memory[16]]).to.deep.equal([1, 0, 65, 0, 0, 5]);
    memory.fill(0xff, 16, 20);
    expect([writeSockaddr(k, va(0), va(16), bytes(1)), writeSockaddr(k, va(0), va(30), bytes(1))]).to.deep.equal([-EINVAL, -EFAULT]);
  });
});
