/**
 * The contract of every engine, as tests: exits, exact addresses, counters, budget, registers, coherence of code, invalidation, hostile guests.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { ModelBug } from "../../emulator/arch/errors.js";
import type { Engine, EngineOptions } from "../../emulator/engine/engine.js";
import type { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { EngineBench, OWN_DIRTY, R, W, X } from "./engine-bench.js";
import { runSeed, seededAssert } from "./seed.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const CODE = 0x10000;
const DATA = 0x4000_0000;

/** An engine that tells the whole faulting address, as all do. */
export interface ContractEngine extends Engine {
  readonly far: bigint;
}

/** An engine under test: how it is made, and the bytes behind RAM that it needs. */
export interface EngineUnderTest {
  readonly name: string;
  readonly behind: number;
  make(memory: PhysicalMemory, options: EngineOptions): ContractEngine;
}

/** Bits of arch/arm64/include/uapi/asm/hwcap.h, each with an instruction that only the feature has. */
export const HWCAP_FEATURES: readonly (readonly [name: string, word: 1 | 2, bit: number, instruction: string])[] = [
  ["FP", 1, 0, "fadd d0, d1, d2"], ["ASIMD", 1, 1, "add v0.4s, v1.4s, v2.4s"], ["AES", 1, 3, "aese v0.16b, v1.16b"], ["PMULL", 1, 4, "pmull v0.1q, v1.1d, v2.1d"],
  ["SHA1", 1, 5, "sha1h s0, s1"], ["SHA2", 1, 6, "sha256h q0, q1, v2.4s"], ["CRC32", 1, 7, "crc32x w0, w2, x3"], ["ATOMICS", 1, 8, "ldadd x0, x2, [x1]"],
  ["FPHP", 1, 9, "fadd h0, h1, h2"], ["ASIMDHP", 1, 10, "fadd v0.8h, v1.8h, v2.8h"], ["ASIMDRDM", 1, 12, "sqrdmlah v0.4s, v1.4s, v2.4s"], ["JSCVT", 1, 13, "fjcvtzs w0, d0"],
  ["FCMA", 1, 14, "fcadd v0.4s, v1.4s, v2.4s, #90"], ["LRCPC", 1, 15, "ldapr x0, [x1]"], ["SHA3", 1, 17, "eor3 v0.16b, v1.16b, v2.16b, v3.16b"], ["SM3", 1, 18, "sm3ss1 v0.4s, v1.4s, v2.4s, v3.4s"],
  ["SM4", 1, 19, "sm4e v0.4s, v1.4s"], ["ASIMDDP", 1, 20, "udot v0.4s, v1.16b, v2.16b"], ["SHA512", 1, 21, "sha512h q0, q1, v2.2d"], ["ASIMDFHM", 1, 23, "fmlal v0.4s, v1.4h, v2.4h"],
  ["ILRCPC", 1, 26, "ldapur x0, [x1, #8]"], ["FLAGM", 1, 27, "cfinv"], ["SB", 1, 29, "sb"], ["FLAGM2", 2, 7, "axflag"], ["FRINT", 2, 8, "frint32z d0, d1"],
];

/** Describes the engine as mocha tests. */
export function describeEngine({ name: engineName, behind, make }: EngineUnderTest): void {
  const benches: EngineBench<ContractEngine>[] = [];

  function bench(options: { pageSize?: number; trace?: boolean; filterPages?: number; bytes?: number } = {}): EngineBench<ContractEngine> {
    const { pageSize = 4096, trace = true } = options;
    const made = new EngineBench((memory) => make(memory, { pageSize, trace, filterPages: options.filterPages ?? 4 }), { pageSize, behind, ...(options.bytes === undefined ? {} : { bytes: options.bytes }) });
    benches.push(made);
    return made;
  }

  /** Run one piece of code with these X registers until it leaves. */
  function run(source: string, registers: Record<number, number | bigint> = {}, setUp: (made: EngineBench<ContractEngine>) => void = () => undefined) {
    const made = bench();
    made.code(CODE, source);
    setUp(made);
    made.set(registers);
    const exit = made.go();
    return { made, exit, pc: Number(made.engine.registers.pc) };
  }

  describe(`${engineName} engine`, () => {
    afterEach(() => {
      for (const made of benches.splice(0)) made.engine.dispose();
    });

    describe("exits", () => {
      it("svc: the PC stands behind it and X registers are there", () => {
        const { made, exit, pc } = run("mov x0, #7\n mov x8, #93\n svc #0\n nop");
        expect(exit).to.deep.equal({ reason: "svc" });
        expect(pc).to.equal(CODE + 12);
        expect([made.x(0), made.x(8)]).to.deep.equal([7, 93]);
      });

      it("a store exclusive to another address than the load's fails without an access", () => {
        const { made, exit } = run("ldxr x0, [x1]\n stxr w2, x0, [x3]\n stxr w4, x0, [x1]\n ldxr x0, [x1]\n stxr w5, x0, [x1]\n svc #0", { 1: DATA, 2: 7, 3: DATA + 1, 4: 7, 5: 7 }, (each) => each.data(DATA));
        expect(exit.reason).to.equal("svc");
        expect([made.x(2), made.x(4), made.x(5)]).to.deep.equal([1, 1, 0]);
      });

      it("resumes behind an svc with a result", () => {
        const { made } = run("svc #0\n add x1, x0, #1\n svc #0");
        made.set({ 0: 41 });
        expect(made.go().reason).to.equal("svc");
        expect(made.x(1)).to.equal(42);
      });

      it("brk: the PC stands on it", () => {
        const { exit, pc } = run("nop\n brk #1");
        expect([exit.reason, pc]).to.deep.equal(["breakpoint", CODE + 4]);
      });

      const undefinedAtEl0 = [
        "udf #0", "hvc #0", "smc #0", "hlt #0", "eret", "mrs x0, midr_el1", "mrs x0, id_aa64isar0_el1", "mrs x0, rndr", "mrs x0, rndrrs", "mrs x0, cntvct_el0", "mrs x0, cntfrq_el0", "mrs x0, cntpct_el0",
        "msr daifset, #2", "mrs x0, sctlr_el1", "tlbi vmalle1", "at s1e0r, x0", "dc cvap, x0", "dc cvadp, x0", "dc isw, x0", "ic iallu", "mov z0.b, #1", "mrs x0, pmccntr_el0", "msr spsel, #1",
      ];
      for (const instruction of undefinedAtEl0) {
        it(`${instruction}: undefined instruction`, () => {
          const { exit, pc, made } = run(`nop\n ${instruction}`, { 0: DATA }, (each) => each.data(DATA));
          expect([exit.reason, pc]).to.deep.equal(["undefined-instruction", CODE + 4]);
          expect(made.engine.counters.instructions).to.equal(1);
        });
      }

      const harmless = ["yield", "wfe", "wfi", "sev", "isb", "dsb ish", "ic ivau, x0", "dc cvau, x0", "dc cvac, x0", "dc civac, x0", "paciasp", "autiasp", "bti c", "clrex", "sb", "prfm pldl1keep, [x1]"];
      for (const instruction of harmless) {
        it(`${instruction}: executes`, () => {
          const { exit, pc, made } = run(`${instruction}\n mov x2, #5\n svc #0`, { 0: DATA, 1: 0x123 }, (each) => each.data(DATA));
          expect([exit.reason, pc, made.x(2)]).to.deep.equal(["svc", CODE + 12, 5]);
          expect(made.engine.counters.instructions).to.equal(3);
        });
      }

      it("CTR_EL0 is readable; DCZID_EL0 offers DC ZVA of 64 bytes", () => {
        const { made } = run("mrs x0, ctr_el0\n mrs x1, dczid_el0\n svc #0");
        expect(made.x(0) % 16, "IminLine: 16 words of 4 bytes").to.equal(4);
        expect(made.x(1), "DZP 0, BS 4").to.equal(4);
      });

      it("a misaligned PC is an alignment exit on it", () => {
        const { exit, pc, made } = run("br x0", { 0: CODE + 2 });
        expect(exit).to.deep.equal({ reason: "alignment", va: CODE + 2 });
        expect(pc).to.equal(CODE + 2);
        expect(made.engine.counters.instructions).to.equal(1);
      });

      it("a misaligned PC at the end of the last page is no fetch miss", () => {
        const { exit } = run("br x0", { 0: CODE + 4094 });
        expect(exit).to.deep.equal({ reason: "alignment", va: CODE + 4094 });
      });

      for (const [instruction, at] of [["ldxr x0, [x1]", 4], ["ldaxr w0, [x1]", 2], ["ldxp x0, x2, [x1]", 8], ["ldxrh w0, [x1]", 1]] as const) {
        it(`${instruction} at a multiple of ${at}: alignment`, () => {
          const { exit, pc } = run(`nop\n ${instruction}`, { 1: DATA + at }, (each) => each.data(DATA));
          expect([exit, pc]).to.deep.equal([{ reason: "alignment", va: DATA + at }, CODE + 4]);
        });
      }
    });

    describe("translation miss", () => {
      it("of the first fetch: address and PC are the target", () => {
        const made = bench();
        made.engine.registers.pc = 0x7777_0004n;
        expect(made.engine.run(Infinity)).to.deep.equal({ reason: "translation-miss", va: 0x7777_0004, access: FETCH });
        expect(made.engine.registers.pc).to.equal(0x7777_0004n);
        expect(made.engine.counters.instructions).to.equal(0);
      });

      it("of a branch target: the branch has been executed", () => {
        const { exit, pc, made } = run("nop\n br x0", { 0: 0x5000_0008 });
        expect(exit).to.deep.equal({ reason: "translation-miss", va: 0x5000_0008, access: FETCH });
        expect(pc).to.equal(0x5000_0008);
        expect(made.engine.counters.instructions).to.equal(2);
      });

      it("of address 0", () => {
        const { exit, pc } = run("br xzr");
        expect(exit).to.deep.equal({ reason: "translation-miss", va: 0, access: FETCH });
        expect(pc).to.equal(0);
      });

      it("code at address 0 executes if it is mapped", () => {
        const made = bench();
        made.code(0, "mov x0, #3\n cbz x1, 1f\n svc #1\n1: mov x1, #1\n b 2f\n2: br xzr");
        expect(made.go().reason).to.equal("svc");
        expect([made.x(0), made.x(1), made.engine.counters.instructions]).to.deep.equal([3, 1, 8]);
      });

      // x1 = DATA + 0x1ff0 (second page, 16 bytes before its end), x2 = 0x18, x3 = -0x20; pages DATA and DATA + 0x1000 are there,
      // the third is not, unless the column says so.
      const END = DATA + 0x2000;
      const modes: readonly (readonly [instruction: string, va: number, access: number])[] = [
        ["ldr x0, [x1, #0x18]", END + 8, READ],
        ["ldr x0, [x1, #0x10]!", END, READ],
        ["ldr x0, [x4], #8", END + 0x20, READ],
        ["ldr x0, [x1, x2]", END + 8, READ],
        ["ldr x0, [x1, x5, lsl #3]", END - 16 + 24, READ],
        ["ldr x0, [x1, w6, sxtw]", DATA - 0x10 + 0, READ],
        ["ldr w0, [x1, w5, uxtw #2]", END - 16 + 12 + 0, READ],
        ["ldur x0, [x4, #-0x1f]", END + 1, READ],
        ["ldrb w0, [x4, #3]", END + 0x23, READ],
        ["ldrsh x0, [x4, #2]", END + 0x22, READ],
        ["ldrsw x0, [x4, #4]", END + 0x24, READ],
        ["str x0, [x1, #0x18]", END + 8, WRITE],
        ["strb w0, [x4]", END + 0x20, WRITE],
        ["ldp x0, x7, [x1, #8]", END, READ],
        ["stp x0, x7, [x1, #8]", END, WRITE],
        ["ldp x0, x7, [x4, #-16]!", END + 0x10, READ],
        ["ldnp x0, x7, [x4]", END + 0x20, READ],
        ["ldpsw x0, x7, [x1, #12]", END, READ],
        ["ldr q0, [x1, #0x20]", END + 0x10, READ],
        ["ldr q0, [x8]", END, READ],
        ["str q0, [x8]", END, WRITE],
        ["ldr d0, [x9]", END, READ],
        ["str d0, [x9]", END, WRITE],
        ["ldr s0, [x4]", END + 0x20, READ],
        ["ldp q0, q1, [x1]", END, READ],
        ["stp q0, q1, [x1]", END, WRITE],
        ["ld1 {v0.16b}, [x8]", END, READ],
        ["ld1 {v0.2d, v1.2d}, [x1]", END, READ],
        ["st1 {v0.4s, v1.4s, v2.4s}, [x1]", END, WRITE],
        ["ld2 {v0.8b, v1.8b}, [x8]", END, READ],
        ["ld3 {v0.8h, v1.8h, v2.8h}, [x1]", END, READ],
        ["ld4 {v0.4s, v1.4s, v2.4s, v3.4s}, [x1], #64", END, READ],
        ["st4 {v0.b, v1.b, v2.b, v3.b}[5], [x10]", END, WRITE],
        ["ld1 {v0.d}[1], [x4]", END + 0x20, READ],
        ["ld1r {v0.4s}, [x4], #4", END + 0x20, READ],
        ["ldxr x0, [x4]", END + 0x20, READ],
        ["ldaxrb w0, [x4]", END + 0x20, READ],
        ["ldxp x0, x7, [x4]", END + 0x20, READ],
        ["ldar x0, [x4]", END + 0x20, READ],
        ["stlr x0, [x4]", END + 0x20, WRITE],
        ["ldapr x0, [x4]", END + 0x20, READ],
        ["ldadd x0, x7, [x4]", END + 0x20, READ],
        ["swpal x0, x7, [x4]", END + 0x20, READ],
        ["casal x0, x7, [x4]", END + 0x20, READ],
        ["ldtr x0, [x4]", END + 0x20, READ],
        ["sttr x0, [x4]", END + 0x20, WRITE],
        ["dc zva, x4", END + 0x20, WRITE],
        ["dc zva, x10", END - 2, WRITE],
      ];
      for (const [instruction, va, access] of modes) {
        it(`${instruction} at ${(va - END).toString(16)}`, () => {
          const { made, exit, pc } = run(
            `nop\n ${instruction}\n svc #0`,
            { 1: END - 16, 2: 0x18, 3: -0x20n & 0xffff_ffff_ffff_ffffn, 4: END + 0x20, 5: 3, 6: 0xffff_e000, 8: END - 8, 9: END - 4, 10: END - 2 },
            (each) => each.data(DATA, 2),
          );
          if (va >= END || va < DATA) {
            expect(exit).to.deep.equal({ reason: "translation-miss", va, access });
            expect(pc).to.equal(CODE + 4);
            expect(made.engine.far).to.equal(BigInt(va));
            expect(made.engine.counters.instructions).to.equal(1);
            expect([made.x(1), made.x(4)], "no writeback").to.deep.equal([END - 16, END + 0x20]);
            made.data(va - (va % 4096));
            expect(made.go().reason).to.equal("svc");
          } else {
            expect(exit.reason).to.equal("svc");
          }
          expect(made.engine.counters.instructions).to.equal(3);
        });
      }

      it("of a literal load", () => {
        const made = bench();
        made.code(CODE, ".rept 1023\n nop\n .endr\n ldr x0, .+4");
        expect(made.go()).to.deep.equal({ reason: "translation-miss", va: CODE + 0x1000, access: READ });
      });

      it("of an access across pages: the first byte on the page that is missing", () => {
        const first = run("ldr x0, [x1]", { 1: DATA + 0xffd }, (made) => made.data(DATA + 0x1000));
        expect(first.exit).to.deep.equal({ reason: "translation-miss", va: DATA + 0xffd, access: READ });
        const second = run("str x0, [x1]", { 1: DATA + 0xffd }, (made) => made.data(DATA));
        expect(second.exit).to.deep.equal({ reason: "translation-miss", va: DATA + 0x1000, access: WRITE });
      });

      it("by permission: a write to a page that may be read, a read of one that may be fetched", () => {
        const write = run("ldr x0, [x1]\n str x0, [x1, #8]", { 1: DATA }, (made) => made.data(DATA, 1, R));
        expect(write.exit).to.deep.equal({ reason: "translation-miss", va: DATA + 8, access: WRITE });
        const read = run("ldr x0, [x1]", { 1: DATA }, (made) => made.data(DATA, 1, X));
        expect(read.exit).to.deep.equal({ reason: "translation-miss", va: DATA, access: READ });
        const fetch = run("br x1", { 1: DATA }, (made) => made.data(DATA, 1, R | W));
        expect(fetch.exit).to.deep.equal({ reason: "translation-miss", va: DATA, access: FETCH });
      });

      it("the top byte is ignored, and kept in far", () => {
        const { made, exit } = run("ldr x0, [x1]\n ldr x2, [x3]", { 1: 0xab00_0000_4000_0008n, 3: 0x5a00_0000_5000_0010n }, (each) => {
          each.memory.write64((each.data(DATA) + 8) as Pa, 77n);
        });
        expect(made.x(0)).to.equal(77);
        expect(exit).to.deep.equal({ reason: "translation-miss", va: 0x5000_0010, access: READ });
        expect(made.engine.far).to.equal(0x5a00_0000_5000_0010n);
      });

      it("addresses beyond user space miss with all their bits in far", () => {
        for (const address of [0xffff_ffff_ffff_fff8n, 0x0001_0000_0000_0000n, 0x0012_3456_789a_bcdfn, 0xffff_8000_0000_1234n]) {
          const { made, exit } = run("ldrb w0, [x1]", { 1: address });
          expect(made.engine.far).to.equal(address);
          expect(exit).to.deep.equal({ reason: "translation-miss", va: Number(address), access: READ });
        }
      });

      it("a page at the end of the user half", () => {
        const { made, exit } = run("str x1, [x1]\n ldr x0, [x1]\n svc #0", { 1: 0xffff_ffff_fff8 }, (each) => each.data(0xffff_ffff_f000));
        expect(exit.reason).to.equal("svc");
        expect(made.x(0)).to.equal(0xffff_ffff_fff8);
      });
    });

    describe("registers", () => {
      it("are independent and wide", () => {
        const { made } = run("mov x2, sp\n mrs x3, nzcv\n mrs x4, fpcr\n mrs x5, fpsr\n mrs x6, tpidr_el0\n umov x7, v31.d[1]\n add v0.2d, v0.2d, v31.2d\n mov sp, x1\n svc #0", {}, (each) => {
          const { registers } = each.engine;
          registers.sp = 0xffff_0000_1230n;
          registers.nzcv = 0xa000_0000;
          registers.fpcr = 0x0300_0000;
          registers.fpsr = 0x0800_0011;
          registers.tpidrEl0 = 0xfedc_ba98_7654_3210n;
          registers.vectors[63] = 0x8000_0000_0000_0001n;
          registers.vectors[0] = 5n;
          registers.setX(1, 0x1_0000n);
        });
        const { registers } = made.engine;
        expect([2, 3, 4, 5, 6, 7].map((index) => registers.x(index))).to.deep.equal([0xffff_0000_1230n, 0xa000_0000n, 0x0300_0000n, 0x0800_0011n, 0xfedc_ba98_7654_3210n, 0x8000_0000_0000_0001n]);
        expect(registers.vectors[1]).to.equal(0x8000_0000_0000_0001n);
        expect(registers.vectors[0]).to.equal(5n);
        expect(registers.sp).to.equal(0x1_0000n);
        expect(registers.nzcv).to.equal(0xa000_0000);
      });

      it("a context holds all of them", () => {
        const made = bench();
        made.code(CODE, "svc #0");
        seededAssert(
          fc.property(fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 101, maxLength: 101 }), (words) => {
            const context = new BigUint64Array(words);
            context[32] = BigInt(CODE);
            context[33] = context[33]! & 0xf000_0000n;
            context[34] = context[34]! & 0x07c0_0000n;
            context[35] = context[35]! & 0x0800_009fn;
            made.engine.restoreContext(context);
            expect(made.go().reason).to.equal("svc");
            const after = new BigUint64Array(101);
            made.engine.saveContext(after);
            context[32] = BigInt(CODE + 4);
            expect(after).to.deep.equal(context);
          }),
          20,
        );
      });

      it("two tasks take turns", () => {
        const made = bench();
        made.code(CODE, "1: add x0, x0, x1\n svc #0\n b 1b");
        const tasks = [1n, 10n].map((step) => {
          const context = new BigUint64Array(101);
          context[1] = step;
          context[32] = BigInt(CODE);
          return context;
        });
        for (let turn = 0; turn < 6; turn++) {
          const task = tasks[turn % 2]!;
          made.engine.restoreContext(task);
          made.go();
          made.engine.saveContext(task);
        }
        expect(tasks.map((task) => task[0])).to.deep.equal([3n, 30n]);
      });
    });

    describe("counters", () => {
      const counts = (made: EngineBench<ContractEngine>) => [made.engine.counters.instructions, made.engine.counters.loads, made.engine.counters.stores];

      it("loops, branches taken and not, pairs, exclusives", () => {
        const { made } = run("mov x2, #100\n1: ldr x0, [x1]\n str x0, [x1, #8]\n tbz x2, #0, 2f\n ldp x3, x4, [x1]\n2: subs x2, x2, #1\n b.ne 1b\n stp q0, q1, [x1]\n svc #0", { 1: DATA }, (each) => each.data(DATA));
        expect(counts(made)).to.deep.equal([1 + 100 * 5 + 50 + 2, 100 + 50 * 2, 100 + 4]);
      });

      it("an access across pages counts once", () => {
        const { made } = run("ldr x0, [x1]\n str x0, [x1]\n ldrh w3, [x2]\n svc #0", { 1: DATA + 0xffc, 2: DATA + 0xfff }, (each) => {
          const pa = each.data(DATA, 2);
          each.memory.write64((pa + 0xff8) as Pa, 0x1122_3344_5566_7788n);
          each.memory.write64((pa + 0x1000) as Pa, 0x99aa_bbcc_ddee_ff00n);
        });
        expect(counts(made)).to.deep.equal([4, 2, 1]);
        expect(made.engine.registers.x(0)).to.equal(0xddee_ff00_1122_3344n);
        expect(made.engine.registers.x(3)).to.equal(0x0011n);
      });

      it("a restarted instruction does not count its first accesses twice", () => {
        const { made } = run("stp x0, x0, [x1]\n ldp x3, x4, [x1]\n ld4 {v0.16b-v3.16b}, [x2]\n st1 {v0.2d-v3.2d}, [x2]\n ldp x3, x4, [x1]\n svc #0", { 1: DATA + 0xff8, 2: DATA + 0x1fe0 }, (each) => each.data(DATA, 4));
        expect(made.misses.map((miss) => miss.va)).to.deep.equal([CODE, DATA + 0xff8, DATA + 0x1000, DATA + 0x2000]);
        expect(counts(made)).to.deep.equal([6, 2 + 64 + 2, 2 + 8]);
      });

      it("a restart that finds its first page gone counts right all the same", () => {
        const made = bench();
        made.code(CODE, "ldp x3, x4, [x1]\n ldr x5, [x1]\n svc #0");
        made.data(DATA, 2);
        made.set({ 1: DATA + 0xff8 });
        const engine = made.engine;
        made.answer(engine.run(Infinity));
        made.answer(engine.run(Infinity));
        const second = engine.run(Infinity);
        expect(second).to.deep.equal({ reason: "translation-miss", va: DATA + 0x1000, access: READ });
        engine.invalidatePage(DATA as Va);
        made.answer(second);
        const again = engine.run(Infinity);
        expect(again).to.deep.equal({ reason: "translation-miss", va: DATA + 0xff8, access: READ });
        made.answer(again);
        expect(engine.run(Infinity).reason).to.equal("svc");
        expect(counts(made)).to.deep.equal([3, 3, 0]);
      });

      it("exits by reason", () => {
        const { made } = run("svc #0\n ldr x0, [x1]\n svc #0", { 1: DATA }, (each) => each.data(DATA));
        made.go();
        expect(made.engine.counters.exits).to.deep.include({ svc: 2, "translation-miss": 2 });
        expect(made.engine.counters.exits["trace-drain"]).to.be.greaterThan(0);
      });
    });

    describe("budget", () => {
      const source = "mov x2, #5\n1: add x0, x0, #1\n ldr x3, [x1]\n add x0, x0, #1\n str x0, [x1]\n b 2f\n2: cbz x9, 3f\n nop\n3: subs x2, x2, #1\n b.ne 1b\n svc #0";
      const total = 1 + 5 * 8 + 1;

      it("ends on the instruction, whatever its size", () => {
        for (let step = 1; step <= total + 1; step++) {
          const made = bench();
          made.code(CODE, source);
          made.data(DATA);
          made.set({ 1: DATA });
          const { counters } = made.engine;
          let left = total;
          while (left > 0) {
            const exit = made.go(step);
            const done = Math.min(step, left);
            left -= done;
            expect(counters.instructions, `step ${step}`).to.equal(total - left);
            expect(exit.reason).to.equal(left === 0 && step !== done ? "svc" : left === 0 && exit.reason === "svc" ? "svc" : "budget-spent");
          }
          if (counters.exits["svc"] === undefined) expect(made.go().reason).to.equal("svc");
          expect([made.x(0), counters.loads, counters.stores]).to.deep.equal([10, 5, 5]);
        }
      });

      it("zero executes nothing", () => {
        const made = bench();
        made.code(CODE, source);
        made.data(DATA);
        expect(made.go(0).reason).to.equal("budget-spent");
        expect([made.engine.counters.instructions, Number(made.engine.registers.pc)]).to.deep.equal([0, CODE]);
      });

      it("bounds an endless loop", () => {
        const made = bench();
        made.code(CODE, "1: b 1b");
        expect(made.go(1_000_001).reason).to.equal("budget-spent");
        expect(made.engine.counters.instructions).to.equal(1_000_001);
        expect(Number(made.engine.registers.pc)).to.equal(CODE);
      });

      it("ends inside a block that misses in its rest", () => {
        const made = bench();
        made.code(CODE, "add x0, x0, #1\n add x0, x0, #1\n ldr x2, [x1]\n add x0, x0, #1\n add x0, x0, #1\n svc #0");
        made.data(DATA);
        made.set({ 1: DATA });
        expect(made.go(4).reason).to.equal("budget-spent");
        expect([made.x(0), made.engine.counters.instructions, Number(made.engine.registers.pc)]).to.deep.equal([3, 4, CODE + 16]);
        expect(made.go().reason).to.equal("svc");
        expect([made.x(0), made.engine.counters.instructions]).to.deep.equal([4, 6]);
      });

      it("code that was cut runs whole afterwards", () => {
        const made = bench();
        made.code(CODE, "1: add x0, x0, #1\n add x0, x0, #1\n add x0, x0, #1\n add x0, x0, #1\n b 1b");
        for (const slice of [3, 7, 1, 10, 1000, 4]) expect(made.go(slice).reason).to.equal("budget-spent");
        expect(made.engine.counters.instructions).to.equal(1025);
        expect(made.x(0)).to.equal(1025 * 0.8);
      });
    });

    describe("stop", () => {
      it("asked for before a run", () => {
        const made = bench();
        made.code(CODE, "mov x0, #1\n svc #0");
        made.engine.requestStop();
        expect(made.go().reason).to.equal("stopped");
        expect(made.engine.counters.instructions).to.equal(0);
        expect(made.go().reason).to.equal("svc");
      });

      it("asked for by the sink", () => {
        const made = bench();
        made.code(CODE, "1: ldr x0, [x1]\n ldr x0, [x2]\n ldr x0, [x3]\n ldr x0, [x4]\n ldr x0, [x5]\n b 1b");
        made.data(DATA, 5);
        made.set({ 1: DATA, 2: DATA + 0x1000, 3: DATA + 0x2000, 4: DATA + 0x3000, 5: DATA + 0x4000 });
        let drains = 0;
        made.engine.setTraceSink(() => {
          if (++drains === 20) made.engine.requestStop();
        });
        expect(made.go().reason).to.equal("stopped");
        // The drain of the exit itself is one more.
        expect(drains).to.equal(21);
        expect(made.engine.counters.instructions % 6, "stops between blocks").to.equal(0);
      });

      it("an exception of the sink passes through, and the engine stays usable", () => {
        const made = bench();
        made.code(CODE, "mov x0, #9\n svc #0");
        made.engine.setTraceSink(() => {
          throw new RangeError("from the sink");
        });
        expect(() => made.go()).to.throw(RangeError, "from the sink");
        made.engine.setTraceSink(() => undefined);
        made.engine.registers.pc = BigInt(CODE);
        expect(made.go().reason).to.equal("svc");
        expect(made.x(0)).to.equal(9);
      });

      it("the sink may not touch the engine", () => {
        const made = bench();
        made.code(CODE, "svc #0");
        made.engine.setTraceSink(() => {
          made.engine.invalidateAll();
        });
        expect(() => made.go()).to.throw(ModelBug, "while the guest runs");
      });
    });

    describe("DC ZVA", () => {
      it("zeroes the aligned 64 bytes around the address, tag or not, as one store", () => {
        for (const [address, first] of [[0x000n, 0x000], [0x7fn, 0x40], [0x5a00_0000_0000_0fffn, 0xfc0], [0x1001n, 0x1000]] as const) {
          const made = bench();
          made.code(CODE, "dc zva, x1\n svc #0");
          const pa = made.data(DATA, 2);
          made.memory.u8.fill(0xa5, pa, pa + 0x2000);
          made.set({ 1: BigInt(DATA) + address });
          expect(made.go().reason).to.equal("svc");
          const zeros = [...made.memory.u8.subarray(pa, pa + 0x2000).entries()].filter(([, byte]) => byte === 0).map(([at]) => at);
          expect(zeros).to.deep.equal(Array.from({ length: 64 }, (_, i) => first + i));
          expect([made.engine.counters.instructions, made.engine.counters.loads, made.engine.counters.stores]).to.deep.equal([2, 0, 1]);
          expect(made.engine.registers.x(1)).to.equal(BigInt(DATA) + address);
        }
      });

      it("is refused on a page that may only be read, with the address as given and nothing written", () => {
        const { made, exit, pc } = run("nop\n nop\n dc zva, x1\n svc #0", { 1: 0x5a00_0000_0000_007fn + BigInt(DATA) }, (each) => {
          const pa = each.data(DATA, 1, R);
          each.memory.u8.fill(0xa5, pa, pa + 0x1000);
        });
        expect([exit, pc]).to.deep.equal([{ reason: "translation-miss", va: DATA + 0x7f, access: WRITE }, CODE + 8]);
        expect(made.engine.far).to.equal(0x5a00_0000_0000_007fn + BigInt(DATA));
        expect([made.engine.counters.instructions, made.engine.counters.stores]).to.deep.equal([2, 0]);
      });

      it("is a write of its page in the trace", () => {
        const made = bench();
        made.code(CODE, "ldr x0, [x1]\n dc zva, x1\n dc zva, x2\n dc zva, x3\n str x0, [x2]\n svc #0");
        made.data(DATA, 2);
        made.set({ 1: DATA + 8, 2: DATA + 0x1010, 3: DATA + 0x1fff });
        made.go();
        const data = made.trace.filter(({ access }) => access !== FETCH).map(({ page, access }) => [page - DATA / 4096, access]);
        // Misses empty the filter: the load, the first write to its page, the first one to the next.
        expect(data).to.deep.equal([[0, READ], [0, WRITE], [1, WRITE]]);
      });

      it("drops the code of a page that it writes", () => {
        const made = bench();
        made.code(CODE, "blr x3\n mov x10, x0\n dc zva, x2\n isb\n blr x3\n svc #0");
        const pa = made.data(DATA, 1, R | W);
        made.map(0x5000_0000, pa, R | X);
        made.memory.u32[pa / 4] = 0xd280_0040; // mov x0, #2
        made.memory.u32[pa / 4 + 1] = 0xd65f_03c0; // ret
        made.set({ 2: DATA + 32, 3: 0x5000_0000 });
        const exit = made.go();
        expect([exit.reason, Number(made.engine.registers.pc), made.x(10)]).to.deep.equal(["undefined-instruction", 0x5000_0000, 2]);
      });
    });

    describe("coherence of code", () => {
      // mov x0, #2 ; mov x0, #3
      const MOV_X0_2 = 0xd280_0040n;
      const MOV_X0_3 = 0xd280_0060n;

      it("a program that writes its own page", () => {
        const made = bench();
        made.code(CODE, "bl 1f\n mov x10, x0\n adr x2, 1f\n str w1, [x2]\n dc cvau, x2\n dsb ish\n ic ivau, x2\n dsb ish\n isb\n bl 1f\n svc #0\n1: mov x0, #2\n ret", R | W | X);
        made.set({ 1: MOV_X0_3 });
        expect(made.go().reason).to.equal("svc");
        expect([made.x(10), made.x(0)]).to.deep.equal([2, 3]);
        expect(made.engine.counters.instructions).to.equal(15);
      });

      it("many times, with code and data on one page", () => {
        const made = bench();
        made.code(CODE, "1: add w1, w1, #0x20\n str w1, [x2]\n isb\n blr x2\n add x11, x11, x0\n subs x9, x9, #1\n b.ne 1b\n svc #0", R | X);
        const jit = made.data(DATA, 1, R | W | X);
        made.memory.u32[jit / 4 + 1] = 0xd65f_03c0; // ret
        made.set({ 1: 0xd280_0000n, 2: DATA, 9: 100 });
        expect(made.go().reason).to.equal("svc");
        expect(made.x(11)).to.equal((100 * 101) / 2);
      });

      it("an instruction that stores to its own page makes progress", () => {
        const made = bench();
        made.code(CODE, "1: ldr x0, [x2]\n add x0, x0, #1\n str x0, [x2]\n subs x9, x9, #1\n b.ne 1b\n svc #0", R | W | X);
        made.set({ 2: CODE + 2048, 9: 100 });
        expect(made.go(10_000).reason).to.equal("svc");
        expect(made.x(0)).to.equal(100);
      });

      it("one frame written at one address and executed at another", () => {
        const made = bench();
        made.code(CODE, "1: str w1, [x2]\n isb\n blr x3\n mov x10, x0\n str w4, [x2]\n isb\n blr x3\n svc #0");
        const pa = made.data(DATA, 1, R | W);
        made.map(0x5000_0000, pa, R | X);
        made.memory.u32[pa / 4 + 1] = 0xd65f_03c0;
        made.set({ 1: MOV_X0_2, 2: DATA, 3: 0x5000_0000, 4: MOV_X0_3 });
        expect(made.go().reason).to.equal("svc");
        expect([made.x(10), made.x(0)]).to.deep.equal([2, 3]);
      });

      it("executed at two addresses, rewritten through a third", () => {
        const made = bench();
        made.code(CODE, "blr x3\n mov x10, x0\n blr x5\n add x10, x10, x0\n str w4, [x2]\n isb\n blr x3\n mov x11, x0\n blr x5\n add x11, x11, x0\n svc #0");
        const pa = made.data(DATA, 1, R | W);
        made.map(0x5000_0000, pa, R | X);
        made.map(0x6000_0000, pa, R | X);
        made.memory.u32[pa / 4] = Number(MOV_X0_2);
        made.memory.u32[pa / 4 + 1] = 0xd65f_03c0;
        made.set({ 2: DATA, 3: 0x5000_0000, 4: MOV_X0_3, 5: 0x6000_0000 });
        expect(made.go().reason).to.equal("svc");
        expect([made.x(10), made.x(11)]).to.deep.equal([4, 6]);
      });

      it("rewritten by the kernel side", () => {
        const made = bench();
        const pa = made.code(CODE, "1: mov x0, #2\n svc #0\n b 1b");
        made.go();
        made.memory.u32[pa / 4] = Number(MOV_X0_3);
        made.discard(pa);
        made.go();
        expect(made.x(0)).to.equal(3);
      });

      it("a code frame freed, reused as data, and as code again", () => {
        const made = bench();
        const pa = made.code(CODE, "mov x0, #2\n svc #0");
        made.go();
        made.unmap(CODE);
        made.code(0x2_0000, "str w1, [x2]\n svc #0");
        made.map(DATA, pa, R | W);
        made.set({ 1: MOV_X0_3, 2: DATA });
        made.go();
        made.unmap(DATA);
        made.map(0x3_0000, pa, R | X);
        made.map(CODE, pa, R | X);
        for (const entry of [0x3_0000, CODE]) {
          made.engine.registers.pc = BigInt(entry);
          made.set({ 0: 0 });
          made.go();
          expect(made.x(0)).to.equal(3);
        }
      });
    });

    describe("invalidation", () => {
      const loader = "1: ldr x0, [x1]\n svc #0\n b 1b";

      function twoFrames() {
        const made = bench();
        made.code(CODE, loader);
        const first = made.data(DATA);
        const second = made.frame();
        made.memory.write64(first as Pa, 1n);
        made.memory.write64(second as Pa, 2n);
        made.set({ 1: DATA });
        made.go();
        expect(made.x(0)).to.equal(1);
        made.map(DATA, second, R | W);
        return made;
      }

      for (const [name, invalidate] of [
        ["of the page", (engine: ContractEngine) => { engine.invalidatePage((DATA + 12) as Va); }],
        ["of a range around it", (engine: ContractEngine) => { engine.invalidateRange((DATA - 0x10000) as Va, (DATA + 1) as Va); }],
        ["of the whole user half", (engine: ContractEngine) => { engine.invalidateRange(0 as Va, 2 ** 48 as Va); }],
        ["of all", (engine: ContractEngine) => { engine.invalidateAll(); }],
      ] as const) {
        it(`${name}: the next access asks again`, () => {
          const made = twoFrames();
          invalidate(made.engine);
          made.go();
          expect(made.x(0)).to.equal(2);
          expect(made.misses.some((miss) => miss.va === DATA)).to.equal(true);
        });
      }

      it("of a range beside it: the translation stays", () => {
        const made = twoFrames();
        made.engine.invalidateRange((DATA + 0x1000) as Va, (DATA + 0x2000_0000) as Va);
        made.engine.invalidateRange(0x20000 as Va, DATA as Va);
        made.engine.invalidatePage((DATA + 0x1000) as Va);
        made.go();
        expect(made.x(0)).to.equal(1);
        expect(made.misses).to.deep.equal([]);
      });

      it("of code: the next fetch asks again", () => {
        const made = bench();
        made.code(CODE, "1: svc #0\n mov x0, #1\n b 1b");
        made.go();
        const second = made.code(CODE, "1: svc #0\n mov x0, #2\n b 1b");
        expect(second).to.be.greaterThan(0);
        made.engine.invalidatePage(CODE as Va);
        made.engine.registers.pc = BigInt(CODE + 4);
        made.go();
        expect(made.x(0)).to.equal(2);
      });

      it("a translation installed anew with less takes effect", () => {
        const made = bench();
        made.code(CODE, "1: str x0, [x1]\n svc #0\n b 1b");
        const pa = made.data(DATA);
        made.set({ 1: DATA });
        made.go();
        made.map(DATA, pa, R);
        made.engine.installTranslation(DATA as Va, pa as Pa, R);
        expect(made.go()).to.deep.equal({ reason: "translation-miss", va: DATA, access: WRITE });
      });

      it("thousands of pages on one frame", () => {
        const made = bench();
        made.code(CODE, "1: ldr x0, [x1]\n add x1, x1, x3\n subs x2, x2, #1\n b.ne 1b\n svc #0");
        const zero = made.frame();
        for (let page = 0; page < 5000; page++) made.map(DATA + page * 4096, zero, R);
        made.set({ 1: DATA, 2: 5000, 3: 4096 });
        expect(made.go().reason).to.equal("svc");
        expect(made.trace.filter((touch) => touch.access === READ).map((touch) => touch.page)).to.deep.equal(Array.from({ length: 5000 }, (_, page) => DATA / 4096 + page));
        made.engine.registers.pc = BigInt(CODE);
        made.set({ 1: DATA, 2: 5000, 3: 4096 });
        made.go();
        expect(made.misses).to.deep.equal([]);
      });
    });

    describe("writes of which the sink has heard", () => {
      const OWN = R | W | OWN_DIRTY;
      const page = DATA / 4096;

      /** Touches of data, a run for each svc. */
      function touchesOf(made: EngineBench<ContractEngine>): string {
        made.records.length = 0;
        expect(made.go().reason).to.equal("svc");
        return made.records.filter(({ page }) => page >= DATA / 4096).map(({ page, access }) => `${page - DATA / 4096}${access === READ ? "r" : "w"}`).join(" ");
      }

      /** A page that is read, then written, time and again; its first write has been recorded. */
      function updates(perms: number): EngineBench<ContractEngine> {
        const made = bench();
        made.code(CODE, "1: ldr x0, [x1]\n add x0, x0, #1\n str x0, [x1]\n svc #0\n b 1b");
        made.data(DATA, 1, perms);
        made.set({ 1: DATA });
        expect(touchesOf(made)).to.equal("0r 0w");
        return made;
      }

      it("no other first write of the page is recorded, wherever the page was in between", () => {
        const made = updates(OWN);
        expect([touchesOf(made), touchesOf(made)]).to.deep.equal(["0r", "0r"]);
        expect(made.memory.read64(made.physical(DATA) as Pa)).to.equal(3n);
      });

      it("of a page whose dirty state is not its own all are", () => {
        const made = updates(R | W);
        expect([touchesOf(made), touchesOf(made)]).to.deep.equal(["0r 0w", "0r 0w"]);
      });

      it("a write by which the page comes in is recorded, and is heard as well", () => {
        const made = bench();
        made.code(CODE, "1: str x0, [x1]\n svc #0\n str x0, [x1]\n svc #0\n ldr x0, [x1]\n str x0, [x1]\n svc #0\n b 1b");
        made.data(DATA, 1, OWN);
        made.set({ 1: DATA });
        expect([touchesOf(made), touchesOf(made), touchesOf(made)]).to.deep.equal(["0w", "0w", "0r"]);
      });

      for (const [name, forget] of [
        ["the translation is installed anew", (made: EngineBench<ContractEngine>) => { made.engine.installTranslation(DATA as Va, made.physical(DATA) as Pa, OWN); }],
        ["the page is invalidated", ({ engine }: EngineBench<ContractEngine>) => { engine.invalidatePage(DATA as Va); }],
        ["a range around it is", ({ engine }: EngineBench<ContractEngine>) => { engine.invalidateRange((DATA - 4096) as Va, (DATA + 4096) as Va); }],
        ["everything is", ({ engine }: EngineBench<ContractEngine>) => { engine.invalidateAll(); }],
        ["another sink listens", (made: EngineBench<ContractEngine>) => { made.changeSink(); }],
      ] as const) {
        it(`the next one is recorded again once ${name}`, () => {
          const made = updates(OWN);
          forget(made);
          expect([touchesOf(made), touchesOf(made)]).to.deep.equal(["0r 0w", "0r"]);
        });
      }

      it("another page's translation changes nothing, nor does use of many other pages", () => {
        const made = updates(OWN);
        made.engine.invalidatePage((DATA + 4096) as Va);
        made.engine.invalidateRange((DATA + 4096) as Va, (DATA + 2 ** 30) as Va);
        // Far enough apart for the same places in tables by page number.
        made.code(CODE + 0x1000, "2: ldr x0, [x2]\n str x0, [x2]\n add x2, x2, x3\n subs x4, x4, #1\n b.ne 2b\n svc #0");
        for (let n = 1; n <= 8; n++) for (const apart of [2 ** 24, 2 ** 29]) made.data(DATA + n * apart, 1, OWN);
        for (const apart of [2 ** 24, 2 ** 29]) {
          made.set({ 2: DATA + apart, 3: apart, 4: 8 });
          made.engine.registers.pc = BigInt(CODE + 0x1000);
          touchesOf(made);
        }
        made.engine.registers.pc = BigInt(CODE);
        expect(touchesOf(made)).to.equal("0r");
      });

      it("a write across pages that is refused on the second has been heard by no one", () => {
        const made = bench();
        made.code(CODE, "str x0, [x1]\n 1: ldr x0, [x2]\n str x0, [x2]\n svc #0\n b 1b");
        made.data(DATA, 1, OWN);
        made.data(DATA + 4096, 1, R);
        made.set({ 1: DATA + 4092, 2: DATA });
        expect(made.go()).to.deep.equal({ reason: "translation-miss", va: DATA + 4096, access: WRITE });
        expect(made.trace.filter((touch) => touch.page === page)).to.deep.equal([]);
        made.engine.registers.pc = BigInt(CODE + 4);
        expect([touchesOf(made), touchesOf(made)]).to.deep.equal(["0r 0w", "0r"]);
      });

      it("a write to a frame that was executed in between is granted anew, and not recorded", () => {
        const made = bench();
        const code = made.code(CODE, "1: ldr w0, [x1]\n str w2, [x1]\n blr x3\n svc #0\n b 1b");
        expect(code).to.be.greaterThan(0);
        const routine = made.data(DATA, 1, OWN);
        made.map(DATA + 2 ** 20, routine, R | X);
        const returns = (value: number): number => 0x5280_0005 + value * 32;
        made.memory.write64(routine as Pa, (0xd65f_03c0n << 32n) | BigInt(returns(7)));
        made.set({ 1: DATA, 2: returns(8), 3: DATA + 2 ** 20 });
        touchesOf(made);
        expect(made.x(5)).to.equal(8);
        made.set({ 2: returns(9) });
        expect(touchesOf(made).startsWith("0r 0w")).to.equal(false);
        expect(made.x(5)).to.equal(9);
      });
    });

    describe("AT_HWCAP", () => {


      for (const [name, , , instruction] of HWCAP_FEATURES) {
        it(`${name}: ${instruction} executes`, () => {
          expect(run(`${instruction}\n svc #0`, { 1: DATA }, (made) => made.data(DATA)).exit.reason).to.equal("svc");
        });
      }

      it("what is left out is undefined: SVE, MTE", () => {
        for (const instruction of ["ptrue p0.b", ".inst 0xd9200c20", ".inst 0x9ac01020"]) expect(run(instruction, { 1: DATA }, (made) => made.data(DATA)).exit.reason, instruction).to.equal("undefined-instruction");
      });
    });

    describe("page sizes and memory", () => {
      for (const pageSize of [4096, 16384, 65536]) {
        it(`${pageSize}: one miss and one record per page`, () => {
          const made = bench({ pageSize });
          made.code(CODE - (CODE % pageSize), "1: str x0, [x1], #8\n subs x2, x2, #1\n b.ne 1b\n svc #0");
          const at = 0x1234_0000_0000;
          made.data(at, 4);
          made.set({ 1: at, 2: (4 * pageSize) / 8 });
          made.go();
          expect(made.misses.filter((miss) => miss.access === WRITE).map((miss) => miss.va)).to.deep.equal([0, 1, 2, 3].map((page) => at + page * pageSize));
          expect(made.trace.filter((touch) => touch.access === WRITE).map((touch) => touch.page)).to.deep.equal([0, 1, 2, 3].map((page) => at / pageSize + page));
          expect(made.engine.counters.stores).to.equal((4 * pageSize) / 8);
        });
      }



      it("several engines side by side", () => {
        const two = [bench(), bench({ pageSize: 16384 })];
        for (const [index, made] of two.entries()) {
          made.code(0x10000, "1: ldr x0, [x1]\n add x0, x0, x2\n str x0, [x1]\n svc #0\n b 1b");
          made.data(DATA);
          made.set({ 1: DATA, 2: index + 1 });
        }
        for (let turn = 0; turn < 5; turn++) for (const made of two) made.go();
        expect(two.map((made) => made.x(0))).to.deep.equal([5, 10]);
      });
    });

    describe("a hostile guest", () => {
      it("random instruction words end in an exit, never in an error", () => {
        seededAssert(
          fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 64, maxLength: 64 }), fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 31, maxLength: 31 }), (words, values) => {
            const made = bench();
            const pa = made.data(CODE, 1, R | W | X);
            made.data(DATA, 4, R | W);
            made.memory.u32.set(words, pa / 4);
            made.memory.u32[pa / 4 + 64] = 0xd400_0001;
            for (const [index, value] of values.entries()) made.set({ [index]: index % 2 === 0 ? DATA + Number(value % 16384n) : value });
            made.engine.registers.sp = BigInt(DATA + 0x800);
            for (let word = 0; word < 64; word++) {
              made.engine.registers.pc = BigInt(CODE + 4 * word);
              const exit = made.go(50);
              expect(exit.reason).to.be.oneOf(["svc", "translation-miss", "budget-spent", "undefined-instruction", "breakpoint", "alignment"]);
            }
            made.engine.dispose();
            benches.pop();
          }),
          60,
        );
      });

      it("instructions of the load and store space", () => {
        seededAssert(
          fc.property(fc.integer({ min: 0, max: 2 ** 25 - 1 }), fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 7 }), (low, middle, high) => {
            // op0 = x1x0 in bits 28:25.
            const group = [4, 6, 12, 14][middle % 4]!;
            const word = high * 2 ** 29 + group * 2 ** 25 + low;
            const made = bench();
            const pa = made.data(CODE, 1, R | X);
            made.data(DATA, 4);
            made.memory.u32[pa / 4] = word;
            made.memory.u32[pa / 4 + 1] = 0xd400_0001;
            for (let index = 0; index < 31; index++) made.set({ [index]: DATA + 0x1ff0 + index });
            made.engine.registers.sp = BigInt(DATA + 0x1ff8);
            made.engine.registers.pc = BigInt(CODE);
            const exit = made.go(2);
            expect(exit.reason, word.toString(16)).to.be.oneOf(["svc", "translation-miss", "budget-spent", "undefined-instruction", "alignment"]);
            made.engine.dispose();
            benches.pop();
          }),
          300,
        );
      });

      it("code that fills the translation buffer again and again", () => {
        expect(runSeed()).to.be.a("number");
        const made = bench({ bytes: 256 * 2 ** 20 });
        // 64 MiB of `nop` with a branch at each page's end is translated once; rewriting a page drops it.
        const pages = 64;
        for (let page = 0; page < pages; page++) {
          const pa = made.data(CODE + page * 4096, 1, R | X);
          made.memory.u32.fill(0xd503_201f, pa / 4, pa / 4 + 1024);
        }
        const last = made.data(CODE + pages * 4096, 1, R | X);
        made.memory.u32[last / 4] = 0xd400_0001;
        for (let round = 0; round < 20; round++) {
          made.engine.registers.pc = BigInt(CODE);
          expect(made.go().reason).to.equal("svc");
          for (let frame = 1; frame <= pages; frame++) made.discard(frame * 4096);
        }
        expect(made.engine.counters.instructions).to.equal(20 * (pages * 1024 + 1));
      });
    });
});
}
