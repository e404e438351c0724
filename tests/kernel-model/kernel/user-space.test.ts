/** Typed accesses to user memory. */
import { expect } from "chai";
import type { Va } from "../../../emulator/arch/addr.js";
import { exitCode, programOf } from "../../support/elf-builder.js";
import { createTestMachine, type TestMachine } from "../../support/kernel-machine.js";

const EFAULT = 14;
const ENAMETOOLONG = 36;

describe("user space access", () => {
  let machine: TestMachine;
  let stack: Va;
  beforeEach(() => {
    machine = createTestMachine({ files: { "/p": programOf(...exitCode(0)) } });
    machine.kernel.spawn("/p", ["p"], []);
    stack = (machine.kernel.currentMm().startStack - 8192) as Va;
  });
  afterEach(() => {
    machine.shutdown();
  });
  const at = (offset: number): Va => (stack + offset) as Va;

  it("reads what it wrote, across pages that fault in", () => {
    const { user } = machine.kernel;
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i % 253);
    expect(user.write(stack, bytes)).to.equal(0);
    expect([...(user.read(stack, 5000) as Uint8Array)]).to.deep.equal([...bytes]);
    expect(user.putU32(stack, 0xfffffffe)).to.equal(true);
    expect([user.u32(stack), user.i32(stack)]).to.deep.equal([0xfffffffe, -2]);
    expect(user.putU64(at(8), -1)).to.equal(true);
    expect(user.u64(at(8))).to.equal(0xffffffffffffffffn);
    expect(user.clear(stack, 100)).to.equal(true);
    expect(user.struct(stack, 8)!.u64(0)).to.equal(0n);
  });

  it("faults are values", () => {
    const { user } = machine.kernel;
    const nowhere = 0x1000 as Va;
    expect(user.read(nowhere, 4)).to.equal(-EFAULT);
    expect(user.write(nowhere, new Uint8Array(4))).to.equal(-EFAULT);
    expect(user.write(0x401000 as Va, new Uint8Array(4)), "program text").to.equal(-EFAULT);
    expect([user.u32(nowhere), user.u64(nowhere), user.struct(nowhere, 4), user.putU32(nowhere, 0), user.clear(nowhere, 1)]).to.deep.equal([undefined, undefined, undefined, false, false]);
    expect(user.read((2 ** 48 - 2) as Va, 4)).to.equal(-EFAULT);
    expect(user.read(2 ** 52 as Va, 4)).to.equal(-EFAULT);
    expect(user.read(stack, 2 ** 50), "nothing is allocated for an impossible length").to.equal(-EFAULT);
  });

  it("strings and paths", () => {
    const { user } = machine.kernel;
    user.write(stack, Buffer.from("name\0"));
    expect(user.string(stack, 100, 7)).to.equal("name");
    expect(user.string(stack, 4, 7)).to.equal(-7);
    expect(user.path(stack)).to.equal("name");
    user.write(stack, new Uint8Array(1));
    expect(user.path(stack)).to.equal(-2);
    expect(user.path(stack, true)).to.equal("");
    user.write(stack, new Uint8Array(4096).fill(0x61));
    expect(user.path(stack)).to.equal(-ENAMETOOLONG);
    expect(user.path(0x1000 as Va)).to.equal(-EFAULT);
  });

  it("peeking takes no fault", () => {
    const { user } = machine.kernel;
    const { minFlt } = machine.kernel.current!;
    expect(user.peek32(at(-4 * 65536))).to.equal(undefined);
    expect(user.peek32(0x401001 as Va)).to.equal(undefined);
    expect(machine.kernel.current!.minFlt).to.equal(minFlt);
    user.putU32(stack, 123);
    expect(user.peek32(stack)).to.equal(123);
  });
});
