/** Loaded programs: areas, bss, placement, initial stack and auxiliary vector, read as a program reads them. */
import { expect } from "chai";
import { readFileSync } from "node:fs";
import type { Va } from "../../../emulator/arch/addr.js";
import { CStruct } from "../../../kernel-model/kernel/c-struct.js";
import { VM_EXEC, VM_READ, VM_WRITE } from "../../../kernel-model/mm/vma.js";
import { ET_DYN, PT_INTERP, R, W, X, buildElf, code, exitCode, ldr, movz } from "../../support/elf-builder.js";
import { bytesOf } from "../../../kernel-model/kernel/byte-string.js";
import { compileC } from "../../support/guest.js";
import { createTestMachine, runGuest, type TestMachine, type TestMachineOptions } from "../../support/kernel-machine.js";

/* Types of auxiliary vector entries. */
const AT = { PHDR: 3, PHENT: 4, PHNUM: 5, PAGESZ: 6, BASE: 7, FLAGS: 8, ENTRY: 9, UID: 11, EUID: 12, GID: 13, EGID: 14, PLATFORM: 15, HWCAP: 16, CLKTCK: 17 };
const AT_HIGH = { SECURE: 23, RANDOM: 25, HWCAP2: 26, RSEQ_FEATURE_SIZE: 27, RSEQ_ALIGN: 28, EXECFN: 31, SYSINFO_EHDR: 33, MINSIGSTKSZ: 51 };

const text = { vaddr: 0x401000, bytes: code(...exitCode(0)), flags: R | X };
const data = { vaddr: 0x42fffc, bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), flags: R | W, memsz: 0x3000 };

function start(file: Uint8Array, options: TestMachineOptions & { readonly argv?: readonly string[]; readonly env?: readonly string[] } = {}): TestMachine {
  const machine = createTestMachine({ ...options, files: { "/bin/p": file, ...options.files } });
  const pid = machine.kernel.spawn("/bin/p", options.argv ?? ["p"], options.env ?? []);
  if (typeof pid !== "number") throw new Error(`${pid.path} ${pid.reason}`);
  return machine;
}

const mmOf = (machine: TestMachine) => machine.kernel.currentMm();
const areas = (machine: TestMachine) => [...mmOf(machine).vmas].map(({ start: from, end, flags }) => [from.toString(16), end.toString(16), flags & (VM_READ | VM_WRITE | VM_EXEC)]);
const bytesAt = (machine: TestMachine, at: number, length: number): Uint8Array => {
  const bytes = machine.kernel.user.read(at as Va, length);
  if (typeof bytes === "number") throw new Error(`fault at ${at.toString(16)}`);
  return bytes;
};

/** The initial stack as a program's start code reads it. */
function readStack(machine: TestMachine) {
  const sp = Number(machine.kernel.processor.registers.sp);
  const stack = new CStruct(bytesAt(machine, sp, Number(mmOf(machine).argStart) - sp));
  const cString = (at: number): string => {
    const all = bytesAt(machine, at, Math.min(64, mmOf(machine).taskSize - at));
    return Buffer.from(all.subarray(0, all.indexOf(0))).toString("latin1");
  };
  let at = 8;
  const vector = (): string[] => {
    const strings: string[] = [];
    for (; stack.u64(at) !== 0n; at += 8) strings.push(cString(stack.size(at)));
    at += 8;
    return strings;
  };
  const argc = stack.u32(0);
  const argv = vector();
  const env = vector();
  const auxv: [number, number][] = [];
  for (; stack.u64(at) !== 0n; at += 16) auxv.push([stack.size(at), stack.size(at + 8)]);
  return { sp, argc, argv, env, auxv, cString };
}

describe("binfmt_elf: segments", () => {
  it("are mapped with their protection; bss is zeroed behind the file's bytes", () => {
    const machine = start(buildElf({ entry: 0x401000, segments: [text, data] }));
    expect(areas(machine).slice(0, 3)).to.deep.equal([
      ["401000", "402000", VM_READ | VM_EXEC],
      ["42f000", "431000", VM_READ | VM_WRITE],
      ["431000", "433000", VM_READ | VM_WRITE],
    ]);
    expect([...bytesAt(machine, 0x42fffc, 16)]).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(bytesAt(machine, 0x430004, 0x2ff8).every((byte) => byte === 0)).to.equal(true);
    expect(mmOf(machine).brk).to.equal(0x433000);
    expect(machine.kernel.run({ instructions: 1000 })).to.deep.equal({ kind: "exit", code: 0 });
    expect(machine.shutdown()).to.equal(0);
  });

  it("a segment of bss alone", () => {
    const machine = start(buildElf({ entry: 0x401000, segments: [text, { vaddr: 0x500000, bytes: new Uint8Array(0), flags: R | W, memsz: 0x1800 }] }));
    expect(areas(machine)[1]).to.deep.equal(["500000", "502000", VM_READ | VM_WRITE]);
    machine.shutdown();
  });

  for (const pageSize of [4096, 16384, 65536]) {
    it(`a static position independent program lies beside the vDSO, its heap at two thirds (${pageSize})`, () => {
      const granule = { 4096: "4k", 16384: "16k", 65536: "64k" }[pageSize] as "4k" | "16k" | "64k";
      const machine = start(buildElf({ type: ET_DYN, entry: 0x1000, segments: [{ ...text, vaddr: 0x1000 }] }), { granule });
      const mm = mmOf(machine);
      const program = mm.vmas.lookup(Number(machine.kernel.processor.registers.pc))!;
      expect(program.file!.path).to.equal("/bin/p");
      expect(program.start).to.be.within(mm.taskSize - 2 ** 28, mm.taskSize - 2 ** 27);
      expect(mm.vdsoBase).to.be.within(mm.taskSize - 2 ** 28, mm.taskSize - 2 ** 27);
      const twoThirds = Math.floor((2 * mm.taskSize) / 3);
      expect(mm.startBrk).to.equal(Math.ceil(twoThirds / pageSize) * pageSize);
      machine.shutdown();
    });
  }

  it("a program with an interpreter lies at two thirds of the address space, the interpreter where mmap likes, and starts first", () => {
    const interpreter = buildElf({ type: ET_DYN, entry: 0x1000, segments: [{ vaddr: 0x1000, bytes: code(...exitCode(33)), flags: R | X }] });
    const program = buildElf({
      type: ET_DYN,
      entry: 0x1000,
      segments: [{ ...text, vaddr: 0x1000 }, { type: PT_INTERP, vaddr: 0x9000, bytes: bytesOf("/lib/ld.so\0"), flags: R }],
    });
    const machine = start(program, { files: { "/lib/ld.so": interpreter } });
    const { auxv } = readStack(machine);
    const base = Math.floor((2 * 2 ** 48) / 3);
    const bias = base - (base % 65536);
    // The first segment is put at the base, whatever its own address says.
    expect(auxv.find(([type]) => type === AT.ENTRY)![1]).to.equal(bias);
    const interpreterBase = auxv.find(([type]) => type === AT.BASE)![1];
    expect(interpreterBase).to.be.greaterThan(2 ** 47);
    expect(Number(machine.kernel.processor.registers.pc)).to.equal(interpreterBase + 0x1000);
    expect(machine.kernel.run({ instructions: 1000 })).to.deep.equal({ kind: "exit", code: 33 });
    expect(machine.shutdown()).to.equal(0);
  });

  it("offset and address that do not fit to the page size are an error with a reason", () => {
    const file = buildElf({ entry: 0x401000, segments: [text], patch: (view, at) => { view.setBigUint64(at(0) + 16, 0x401800n, true); } });
    const machine = createTestMachine({ files: { "/bin/p": file } });
    expect(machine.kernel.spawn("/bin/p", ["p"], [])).to.include({ fatal: true, errno: 22 }).and.have.property("reason").that.matches(/cannot be mapped with pages of 4096 bytes/);
    expect(machine.shutdown()).to.equal(0);
  });
});

describe("binfmt_elf: the stack", () => {
  it("holds arguments, environment, and the auxiliary vector in 6.12's order", () => {
    const machine = start(buildElf({ entry: 0x401000, segments: [text] }), { argv: ["p", "", "third argument"], env: ["A=1", "LONG=x"] });
    const { sp, argc, argv, env, auxv, cString } = readStack(machine);
    expect(sp % 16).to.equal(0);
    expect(argc).to.equal(3);
    expect(argv).to.deep.equal(["p", "", "third argument"]);
    expect(env).to.deep.equal(["A=1", "LONG=x"]);
    expect(auxv.map(([type]) => type)).to.deep.equal([
      AT_HIGH.SYSINFO_EHDR, AT_HIGH.MINSIGSTKSZ, AT.HWCAP, AT.PAGESZ, AT.CLKTCK, AT.PHDR, AT.PHENT, AT.PHNUM, AT.BASE, AT.FLAGS, AT.ENTRY, AT.UID, AT.EUID, AT.GID, AT.EGID,
      AT_HIGH.SECURE, AT_HIGH.RANDOM, AT_HIGH.HWCAP2, AT_HIGH.EXECFN, AT.PLATFORM, AT_HIGH.RSEQ_FEATURE_SIZE, AT_HIGH.RSEQ_ALIGN,
    ]);
    const value = new Map(auxv);
    expect(value.get(AT.PAGESZ)).to.equal(4096);
    expect(value.get(AT.CLKTCK)).to.equal(100);
    expect(value.get(AT.ENTRY)).to.equal(0x401000);
    expect(value.get(AT.PHENT)).to.equal(56);
    expect(value.get(AT.PHNUM)).to.equal(1);
    expect(value.get(AT_HIGH.MINSIGSTKSZ)).to.equal(4720);
    expect(value.get(AT.HWCAP)).to.equal(machine.kernel.processor.hwcap);
    expect(cString(value.get(AT_HIGH.EXECFN)!)).to.equal("/bin/p");
    expect(cString(value.get(AT.PLATFORM)!)).to.equal("aarch64");
    expect([...bytesAt(machine, value.get(AT_HIGH.SYSINFO_EHDR)!, 4)]).to.deep.equal([0x7f, 0x45, 0x4c, 0x46]);
    expect(mmOf(machine).savedAuxv).to.have.length(2 * auxv.length + 2);
    machine.shutdown();
  });

  it("ends 8 bytes below the top with the file name", () => {
    const machine = start(buildElf({ entry: 0x401000, segments: [text] }), { argv: ["p"], env: ["E=v"] });
    const strings = Buffer.from(bytesAt(machine, 2 ** 48 - 64, 64)).toString("latin1");
    expect(strings.endsWith("p\0E=v\0/bin/p\0" + "\0".repeat(8))).to.equal(true);
    const stack = [...mmOf(machine).vmas].at(-1)!;
    expect(stack.end).to.equal(2 ** 48);
    expect(stack.end - stack.start, "one page of contents and 128 KiB").to.equal(4096 + 131072);
    machine.shutdown();
  });

  it("the program headers are where AT_PHDR says, when a segment holds them", () => {
    const program = compileC("phdr", `#include <stdio.h>\n#include <sys/auxv.h>\n#include <elf.h>\nint main(void){Elf64_Phdr*p=(void*)getauxval(AT_PHDR);int n=0;for(unsigned long i=0;i<getauxval(AT_PHNUM);i++)n+=p[i].p_type==PT_LOAD;printf("%d\\n",n);}`);
    expect(runGuest(program).stdout).to.equal("2\n");
  });

  it("the guest reads its own first argument through the stack pointer", () => {
    // ldr x1, [sp, #8] -> argv[0]; ldr x0, [x1] -> its bytes; exit(first byte)
    const file = buildElf({ entry: 0x401000, segments: [{ ...text, bytes: code(ldr(1, 31, 8), ldr(0, 1, 0), movz(8, 93), 0xd4000001) }] });
    const machine = start(file, { argv: ["A"] });
    expect(machine.kernel.run({ instructions: 1000 })).to.deep.equal({ kind: "exit", code: 0x41 });
    machine.shutdown();
  });

  it("a stack made executable by PT_GNU_STACK", () => {
    const file = buildElf({ entry: 0x401000, segments: [text, { type: 0x6474e551, vaddr: 0, bytes: new Uint8Array(0), flags: R | W | X }] });
    const machine = start(file);
    expect([...mmOf(machine).vmas].at(-1)!.flags & VM_EXEC).to.equal(VM_EXEC);
    machine.shutdown();
  });
});

describe("binfmt_elf: programs of the compiler", () => {
  for (const [name, flags] of [["static", ["-static"]], ["static-pie", ["-static-pie"]]] as const) {
    it(`${name}`, () => {
      const program = compileC(`layout-${name}`, `#include <stdio.h>\nstatic int zero[5000]; int one[3]={1,2,3};\nint main(void){int s=0;for(int i=0;i<5000;i++)s+=zero[i];printf("%d %d\\n",s,one[2]);return 4;}`, flags);
      expect(readFileSync(program).length).to.be.greaterThan(1000);
      for (const granule of ["4k", "16k", "64k"] as const) {
        const run = runGuest(program, [], { granule });
        expect([run.stdout, run.outcome, run.leaked]).to.deep.equal(["0 3\n", { kind: "exit", code: 4 }, 0]);
      }
    });
  }
});
