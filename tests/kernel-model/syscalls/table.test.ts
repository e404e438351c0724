/** The table of system calls. */
import { expect } from "chai";
import type { Kernel } from "../../../kernel-model/kernel/kernel.js";
import type { Task } from "../../../kernel-model/kernel/task.js";
import type { SyscallArgs } from "../../../kernel-model/syscalls/abi.js";
import { SYSCALL_FAMILIES, SyscallTable, createSyscallTable } from "../../../kernel-model/syscalls/table.js";

const nothing = {} as unknown;
const call = (table: SyscallTable, nr: number) => table.dispatch(nothing as Kernel, nothing as Task, nr, nothing as SyscallArgs);

describe("system call table", () => {
  it("finds handlers by number and answers -ENOSYS for the rest", () => {
    const table = new SyscallTable([{ getpid: () => 42 }]);
    expect(call(table, 172)).to.equal(42);
    expect([call(table, 173), call(table, -1), call(table, 2 ** 31 - 1)]).to.deep.equal([-38, -38, -38]);
    expect([table.nameOf(172), table.nameOf(9999)]).to.deep.equal(["getpid", "#9999"]);
    expect([table.isImplemented(172), table.isImplemented(173)]).to.deep.equal([true, false]);
  });

  it("refuses a call that the ABI does not have", () => {
    expect(() => new SyscallTable([{ fork: () => 0 }])).to.throw(/no system call fork/);
  });

  it("no call is served by two families", () => {
    const names = SYSCALL_FAMILIES.flatMap((family) => Object.keys(family));
    expect(names.filter((name, i) => names.indexOf(name) !== i)).to.deep.equal([]);
  });

  it("serves what static programs of glibc and musl call", () => {
    const table = createSyscallTable();
    const wanted = [214, 96, 99, 261, 78, 278, 226, 79, 29, 64, 94, 134, 135, 222, 215, 216, 233, 220, 93, 113, 98, 66, 56, 63, 57, 80, 160, 172, 178, 131];
    expect(wanted.filter((nr) => !table.isImplemented(nr)).map((nr) => table.nameOf(nr))).to.deep.equal([]);
  });
});
