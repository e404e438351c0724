/** Arguments of system calls. */
import { expect } from "chai";
import type { Registers } from "../../../emulator/engine/engine.js";
import { SyscallArgs } from "../../../kernel-model/syscalls/abi.js";

describe("system call arguments", () => {
  const values = [0xffff_ffff_ffff_fffen, 0x1_8000_0001n, 2n ** 63n, 5n, 0xffff_ffff_ffff_f123n, 2n ** 64n - 1n];
  const args = new SyscallArgs({ x: (index: number) => values[index]! } as Registers);

  it("as C types", () => {
    expect([args.int(0), args.uint(0), args.long(0), args.u64(0)]).to.deep.equal([-2, 0xfffffffe, -2, 2n ** 64n - 2n]);
    expect([args.int(1), args.uint(1), args.long(1)]).to.deep.equal([-0x7fffffff, 0x80000001, 0x180000001]);
    expect(args.int(3)).to.equal(5);
  });

  it("offsets beyond the exact range are cut to it", () => {
    expect(args.long(2)).to.equal(-(2 ** 53 - 1));
  });

  it("an address that is none keeps its low bits; a size of all ones is 2^64", () => {
    expect(args.address(4) % 4096).to.equal(0x123);
    expect(args.address(4)).to.be.greaterThan(2 ** 48);
    expect(args.size(5)).to.equal(2 ** 64);
  });
});
