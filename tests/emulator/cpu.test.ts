/**
 * One CPU between a scripted engine and real tables in guest memory: what it caches, which aborts it raises, what it forgets, and
 * what the listening TLB models are told.
 */
import { expect } from "chai";
import type { Asid, Pa, Va } from "../../emulator/arch/addr.js";
import type { CpuFeatures } from "../../emulator/arch/cpu-features.js";
import { granule } from "../../emulator/arch/granule.js";
import { Cpu, type CpuOptions } from "../../emulator/cpu.js";
import type { Engine, EntryOrders, Exit, Registers, TraceSink } from "../../emulator/engine/engine.js";
import { corePreset } from "../../emulator/mmu/cores.js";
import { Mmu } from "../../emulator/mmu/mmu.js";
import type { TlbListener } from "../../emulator/mmu/tlb-listener.js";
import type { Tlbi, TlbiOp } from "../../emulator/mmu/tlbi.js";
import { PageTables } from "./mmu/page-table-builder.js";

/* Access kinds and permission bits of the engine port. */
const FETCH = 0;
const READ = 1;
const WRITE = 2;
const R = 1;
const W = 2;
const X = 4;
const OWN_DIRTY = 8;

/* Descriptors. Arm: DDI 0487 D8.3. valid, page, AP[1] user, AP[2] read-only, inner shareable, AF, nG, DBM, PXN, UXN. */
const VALID = 1n;
const PAGE = 3n;
const USER = 1n << 6n;
const READ_ONLY = 1n << 7n;
const SH = 3n << 8n;
const AF = 1n << 10n;
const NG = 1n << 11n;
const DBM = 1n << 51n;
const CONTIGUOUS = 1n << 52n;
const PXN = 1n << 53n;
const UXN = 1n << 54n;
const DATA = USER | SH | AF | NG | PXN | UXN;
const RW_PAGE = PAGE | DATA | DBM;
const CLEAN_PAGE = PAGE | DATA | DBM | READ_ONLY;
const RO_PAGE = PAGE | DATA | READ_ONLY;

const N1: CpuFeatures = { hardwareAf: true, hardwareDirty: true, tlbiRange: false, ttl: false, bbm: 0, asidBits: 16, lpa2: false };
const A53: CpuFeatures = { ...N1, hardwareAf: false, hardwareDirty: false };
const ASID = 5;

type Call = readonly [name: string, ...args: number[]];

/** One step of the script: the exit that run() returns, and the instructions that it executes before. */
type Step = Exit & { readonly instructions?: number };

const miss = (va: number, access: 0 | 1 | 2, instructions = 0): Step => ({ reason: "translation-miss", va: va as Va, access, instructions });
const SVC: Step = { reason: "svc" };

function unused(name: string): never {
  throw new Error(`the CPU is not expected to call ${name}`);
}

class ScriptedEngine implements Engine {
  readonly name = "unicorn";
  readonly registers = {} as Registers;
  readonly counters = { instructions: 0, loads: 0, stores: 0, exits: {} };
  readonly tracePcs = undefined;
  readonly calls: Call[] = [];
  readonly budgets: number[] = [];
  sink: TraceSink | undefined;
  script: Step[] = [];

  setTraceSink(sink: TraceSink): void {
    this.sink = sink;
  }

  run(budget: number): Exit {
    this.budgets.push(budget);
    const step = this.script.shift();
    if (step === undefined) return unused("run again");
    const { instructions = 0, ...exit } = step;
    this.counters.instructions += instructions;
    return exit;
  }

  orders: unknown;

  installTranslation(va: Va, pa: Pa, perms: number, orders?: EntryOrders): void {
    this.calls.push(["install", va, pa, perms]);
    this.orders = orders;
  }

  invalidatePage(va: Va): void {
    this.calls.push(["invalidatePage", va]);
  }

  invalidateRange(start: Va, end: Va): void {
    this.calls.push(["invalidateRange", start, end]);
  }

  invalidateAll(): void {
    this.calls.push(["invalidateAll"]);
  }

  discardCode(frame: number): void {
    this.calls.push(["discardCode", frame]);
  }

  saveContext(into: BigUint64Array): void {
    into[0] = 0x5a5en;
  }

  restoreContext(from: BigUint64Array): void {
    this.calls.push(["restoreContext", Number(from[0])]);
  }

  requestStop(): void {
    unused("requestStop");
  }

  dispose(): void {
    unused("dispose");
  }
}

interface Bench {
  readonly tables: PageTables;
  readonly engine: ScriptedEngine;
  readonly cpu: Cpu;
  readonly mmus: readonly Mmu[];
  /** Runs the steps to a trap; the calls that the engine got. */
  go(...steps: Step[]): { readonly trap: ReturnType<Cpu["run"]>; readonly calls: readonly Call[] };
}

function bench({ features = N1, listeners = 0, tables = new PageTables(), entryOrders }: { features?: CpuFeatures; listeners?: number; tables?: PageTables; entryOrders?: CpuOptions["entryOrders"] } = {}): Bench {
  const geometry = granule(tables.granuleName, tables.vaBits);
  const engine = new ScriptedEngine();
  const mmus = Array.from({ length: listeners }, (_, i) => new Mmu({ core: corePreset("neoverse-n1"), memory: tables.memory, granule: geometry, updatesDescriptors: i === 0, seed: 1 }));
  const cpu = new Cpu({ memory: tables.memory, granule: geometry, features, engine, hwcap: 3, hwcap2: 4, midr: 0x413fd0c1, mmus, ...(entryOrders === undefined ? {} : { entryOrders }) });
  cpu.setAddressSpace(tables.root as Pa, ASID as Asid);
  engine.calls.length = 0;
  return {
    tables,
    engine,
    cpu,
    mmus,
    go(...steps) {
      engine.script = [...steps, SVC];
      engine.calls.length = 0;
      const trap = cpu.run(1000);
      return { trap, calls: [...engine.calls] };
    },
  };
}

const tlbi = (op: TlbiOp, start: number, end: number, asid = ASID): Tlbi => ({ op, asid: asid as Asid, start: start as Va, end: end as Va, level: undefined });

describe("cpu: translation misses", () => {
  it("a mapped page is cached with its frame and permissions, and execution goes on", () => {
    const { tables, go, engine } = bench();
    tables.map(0x7000_1000, 3, RW_PAGE | 0x20_0000n);
    const { trap, calls } = go(miss(0x7000_1abc, READ));
    expect(trap).to.deep.equal({ kind: "svc" });
    expect(calls).to.have.length(1);
    const [name, at, frame, perms] = calls[0]!;
    expect([name, Math.floor(at! / 4096), frame, perms]).to.deep.equal(["install", 0x7000_1, 0x20_0000, R | W]);
    expect(engine.budgets).to.have.length(2);
  });

  it("a translation comes with the orders of its entries, by the sizes of its run and of its descriptor", () => {
    const { tables, go, engine } = bench({ entryOrders: (unitOrder, leafOrder) => ({ data: unitOrder, code: leafOrder }) });
    for (let page = 0x10; page < 0x20; page++) tables.map(page * 4096, 3, RW_PAGE | (1n << 52n) | BigInt(0x20_0000 + page * 4096));
    tables.map(0x40_0000, 2, (RW_PAGE & ~2n) | 0x40_0000n);
    tables.map(0x1000, 3, RW_PAGE);
    for (const [at, data, code] of [[0x1_3000, 4, 0], [0x40_3000, 9, 9], [0x1000, 0, 0]] as const) {
      go(miss(at, READ));
      expect(engine.orders).to.deep.equal({ data, code });
    }
    const without = bench({ tables });
    without.go(miss(0x1_3000, READ));
    expect(without.engine.orders).to.deep.equal({ data: 0, code: 0 });
  });

  it("what was refused is cached before the access is made again, if it can be by then", () => {
    const { tables, cpu, go } = bench({ listeners: 1 });
    const refuse = (): void => {
      expect(go(miss(0x5000, WRITE)).trap.kind).to.equal("abort");
    };
    refuse();
    tables.map(0x5000, 3, RW_PAGE | 0x9000n);
    expect(go().calls.map((call) => call.slice(0, 3)), "the engine does not miss it").to.deep.equal([["install", 0x5000, 0x9000]]);
    expect(go().calls, "once").to.deep.equal([]);
    tables.map(0x5000, 3, 0n);
    refuse();
    expect(go().calls, "not served").to.deep.equal([]);
    refuse();
    cpu.setAddressSpace(tables.root as Pa, (ASID + 1) as Asid);
    tables.map(0x5000, 3, RW_PAGE | 0x9000n);
    expect(go().calls, "another address space").to.deep.equal([]);
  });

  it("where a walk makes the hardware's updates nothing is cached before its access", () => {
    const { tables, go } = bench();
    expect(go(miss(0x5000, WRITE)).trap.kind).to.equal("abort");
    tables.map(0x5000, 3, CLEAN_PAGE | 0x9000n);
    expect(go().calls).to.deep.equal([]);
    expect(go(miss(0x5000, WRITE)).calls).to.have.length(1);
  });

  it("permissions are those of EL0", () => {
    const { tables, go } = bench();
    tables.map(0x1000, 3, RO_PAGE | 0x1_0000n);
    tables.map(0x2000, 3, (PAGE | DATA | READ_ONLY | 0x2_0000n) & ~UXN);
    tables.map(0x3000, 3, (PAGE | DATA | READ_ONLY | 0x3_0000n) & ~UXN & ~USER);
    expect(go(miss(0x1000, READ)).calls[0]![3]).to.equal(R);
    expect(go(miss(0x2000, FETCH)).calls[0]![3]).to.equal(R | X);
    expect(go(miss(0x3000, FETCH)).calls[0]![3], "execute only").to.equal(X);
  });

  it("a page writable and executable is cached as both: an instruction may store to its own page", () => {
    const { tables, go } = bench();
    tables.map(0x1000, 3, (RW_PAGE | 0x1_0000n) & ~UXN);
    for (const access of [READ, WRITE, FETCH] as const) expect(go(miss(0x1000, access)).calls[0]![3], `access ${access}`).to.equal(R | W | X);
  });

  it("a page inside a block is cached with its own frame", () => {
    const { tables, go } = bench();
    tables.map(0x4000_0000, 2, VALID | DATA | DBM | 0x60_0000n);
    const [[, , frame]] = go(miss(0x4000_0000 + 0x12_3456, READ)).calls as [Call];
    expect(frame).to.equal(0x60_0000 + 0x12_3000);
  });

  it("pages of 64K granules too", () => {
    const { tables, go } = bench({ tables: new PageTables("64k", 48) });
    tables.map(0x5_0000, 3, RW_PAGE | 0x30_0000n);
    const [[, , frame, perms]] = go(miss(0x5_fffc, WRITE)).calls as [Call];
    expect([frame, perms]).to.deep.equal([0x30_0000, R | W]);
  });
});

describe("cpu: aborts", () => {
  /* ESR_EL1: EC 0x24 data abort, 0x20 instruction abort, both from EL0; IL; WnR bit 6; DFSC. Arm: D24.2.40. */
  const DATA_ABORT = 0x92000000;
  const FETCH_ABORT = 0x82000000;
  const WNR = 0x40;
  const TRANSLATION = 0x04;
  const ACCESS_FLAG = 0x08;
  const PERMISSION = 0x0c;
  const EXTERNAL_ON_WALK = 0x14;
  const ADDRESS_SIZE = 0x00;

  it("an invalid descriptor is a translation fault of its level", () => {
    const { tables, go } = bench();
    tables.map(0x1000, 3, RW_PAGE);
    tables.slot(2 ** 30, 2);
    for (const [at, level] of [[0x2000, 3], [0x20_0000, 2], [2 ** 31, 1], [2 ** 40, 0]] as const) {
      expect(go(miss(at, READ)), `level ${level}`).to.deep.equal({ trap: { kind: "abort", esr: (DATA_ABORT | (TRANSLATION + level)) >>> 0, far: at }, calls: [] });
      expect(go(miss(at, WRITE)).trap).to.deep.equal({ kind: "abort", esr: (DATA_ABORT | WNR | (TRANSLATION + level)) >>> 0, far: at });
      expect(go(miss(at, FETCH)).trap).to.deep.equal({ kind: "abort", esr: (FETCH_ABORT | (TRANSLATION + level)) >>> 0, far: at });
    }
  });

  it("the far address is the exact one", () => {
    expect(bench().go(miss(0x1237, WRITE)).trap).to.include({ far: 0x1237, esr: 0x92000044 });
  });

  it("permission faults by access", () => {
    const { tables, go } = bench();
    tables.map(0x1000, 3, RO_PAGE);
    tables.map(0x2000, 3, (PAGE | DATA | READ_ONLY) & ~UXN & ~USER);
    tables.map(0x4000_0000, 2, VALID | DATA | READ_ONLY);
    expect(go(miss(0x1000, WRITE)).trap).to.include({ esr: (DATA_ABORT | WNR | (PERMISSION + 3)) >>> 0 });
    expect(go(miss(0x1000, FETCH)).trap).to.include({ esr: (FETCH_ABORT | (PERMISSION + 3)) >>> 0 });
    expect(go(miss(0x2000, READ)).trap).to.include({ esr: (DATA_ABORT | (PERMISSION + 3)) >>> 0 });
    expect(go(miss(0x4000_0000, WRITE)).trap, "of a block").to.include({ esr: (DATA_ABORT | WNR | (PERMISSION + 2)) >>> 0 });
  });

  it("access flag faults only where the hardware does not set the flag", () => {
    for (const [features, expected] of [[A53, (DATA_ABORT | (ACCESS_FLAG + 3)) >>> 0], [N1, undefined]] as const) {
      const { tables, go } = bench({ features });
      tables.map(0x1000, 3, RO_PAGE & ~AF);
      const { trap } = go(miss(0x1000, READ));
      expect(trap.kind === "abort" ? trap.esr : undefined).to.equal(expected);
    }
  });

  it("a write to a clean DBM page faults only where the hardware does not set the dirty state", () => {
    const { tables, go } = bench({ features: A53 });
    tables.map(0x1000, 3, CLEAN_PAGE);
    expect(go(miss(0x1000, WRITE)).trap).to.include({ esr: (DATA_ABORT | WNR | (PERMISSION + 3)) >>> 0 });
    expect(go(miss(0x1000, READ)).calls[0]![3]).to.equal(R);
  });

  it("tables that lie outside RAM are external aborts on the walk, addresses outside 48 bits translation faults", () => {
    const { tables, go, cpu } = bench();
    tables.map(0x1000, 2, BigInt(2 ** 40) | 3n);
    expect(go(miss(0x1000, READ)).trap).to.include({ esr: (DATA_ABORT | (EXTERNAL_ON_WALK + 3)) >>> 0 });
    expect(go(miss(2 ** 48, READ)).trap).to.include({ esr: (DATA_ABORT | TRANSLATION) >>> 0 });
    cpu.setAddressSpace(2 ** 45 as Pa, ASID as Asid);
    expect(go(miss(0x1000, READ)).trap).to.include({ esr: (DATA_ABORT | EXTERNAL_ON_WALK) >>> 0 });
  });

  it("an output address wider than 48 bits is an address size fault", () => {
    const { tables, go } = bench({ tables: new PageTables("64k", 48) });
    // 64K descriptors carry output address bits 51:48 in bits 15:12.
    tables.map(0x5_0000, 3, RW_PAGE | (1n << 12n));
    expect(go(miss(0x5_0000, READ)).trap).to.include({ esr: (DATA_ABORT | (ADDRESS_SIZE + 3)) >>> 0 });
  });

  it("the engine's other exits are traps of the same name", () => {
    const { cpu, engine } = bench();
    const traps = (["budget-spent", "undefined-instruction", "breakpoint", "stopped", "svc"] as const).map((reason) => {
      engine.script = [{ reason }];
      return cpu.run(10);
    });
    expect(traps).to.deep.equal([{ kind: "budget-spent" }, { kind: "undefined-instruction" }, { kind: "breakpoint" }, { kind: "stopped" }, { kind: "svc" }]);
    engine.script = [{ reason: "alignment", va: 0x1003 as Va }];
    expect(cpu.run(10)).to.deep.equal({ kind: "alignment", far: 0x1003 });
  });
});

describe("cpu: budget", () => {
  it("what ran before a miss is not run again", () => {
    const { tables, engine, cpu } = bench();
    tables.map(0x1000, 3, RW_PAGE);
    engine.script = [miss(0x1000, FETCH, 0), miss(0x1000, READ, 0)];
    // The first miss is a permission fault: nothing ran, nothing is left out.
    expect(cpu.run(100)).to.include({ kind: "abort" });
    engine.budgets.length = 0;
    engine.script = [miss(0x1000, READ, 30), miss(0x1000, WRITE, 25), { reason: "budget-spent", instructions: 45 }];
    expect(cpu.run(100)).to.deep.equal({ kind: "budget-spent" });
    expect(engine.budgets).to.deep.equal([100, 70, 45]);
    expect(engine.counters.instructions).to.equal(100);
  });

  it("no bound stays no bound", () => {
    const { tables, engine, cpu } = bench();
    tables.map(0x1000, 3, RW_PAGE);
    engine.script = [miss(0x1000, READ, 7), SVC];
    cpu.run(Infinity);
    expect(engine.budgets).to.deep.equal([Infinity, Infinity]);
  });
});

describe("cpu: access flag and dirty state", () => {
  it("without a listener the miss itself makes the updates, and a clean page is not cached writable", () => {
    const { tables, go } = bench();
    const place = tables.map(0x1000, 3, (CLEAN_PAGE | 0x9000n) & ~AF);
    expect(go(miss(0x1000, READ)).calls[0]![3]).to.equal(R);
    expect(tables.read(place), "AF set, still clean").to.equal(CLEAN_PAGE | 0x9000n);
    expect(go(miss(0x1000, WRITE)).calls[0]![3]).to.equal(R | W);
    expect(tables.read(place), "AP[2] cleared").to.equal(RW_PAGE | 0x9000n);
  });

  it("with a listener the miss changes nothing; the page is cached writable, and the trace makes the updates", () => {
    const { tables, go, engine, mmus } = bench({ listeners: 1 });
    const clean = (CLEAN_PAGE | 0x9000n) & ~AF;
    const place = tables.map(0x1000, 3, clean);
    expect(go(miss(0x1000, READ)).calls[0]![3]).to.equal(R | W | OWN_DIRTY);
    expect(tables.read(place)).to.equal(clean);
    engine.sink!(new Uint32Array([1, READ]), 1);
    expect(tables.read(place)).to.equal(CLEAN_PAGE | 0x9000n);
    engine.sink!(new Uint32Array([1, WRITE]), 1);
    expect(tables.read(place)).to.equal(RW_PAGE | 0x9000n);
    expect(mmus[0]!.stats({ instructions: 0, loads: 1, stores: 1 })).to.include({ accessFlagUpdates: 1, dirtyUpdates: 1 });
  });

  it("pages that may be written and have a descriptor of their own are cached as such, those of runs and blocks are not", () => {
    const { tables, go } = bench({ listeners: 1 });
    tables.map(0x1000, 3, RO_PAGE | 0x1_0000n);
    tables.map(0x2000, 3, RW_PAGE | 0x2_0000n);
    tables.map(0x1_0000, 3, RW_PAGE | 0x10_0000n | CONTIGUOUS);
    tables.map(0x4000_0000, 2, VALID | DATA | DBM | 0x60_0000n);
    expect([0x1000, 0x2000, 0x1_0000, 0x4000_0000].map((at) => go(miss(at, READ)).calls[0]![3])).to.deep.equal([R, R | W | OWN_DIRTY, R | W, R | W]);
  });

  it("no page is, if a TLB model of any CPU needs to hear of writes again", () => {
    const tables = new PageTables();
    const geometry = granule(tables.granuleName, tables.vaBits);
    tables.map(0x2000, 3, RW_PAGE | 0x2_0000n);
    const once = corePreset("neoverse-n1");
    const [l2] = once.l2;
    const again = { ...once, l2: [{ ...l2!, serves: "data" as const }, l2!] };
    const make = (core: typeof once): Mmu => new Mmu({ core, memory: tables.memory, granule: geometry, updatesDescriptors: true, seed: 1 });
    for (const [mmus, others, expected] of [[[once], [[once]], R | W | OWN_DIRTY], [[once, again], [], R | W], [[once], [[again]], R | W]] as const) {
      const engine = new ScriptedEngine();
      const cpu = new Cpu({ memory: tables.memory, granule: geometry, features: N1, engine, hwcap: 0, hwcap2: 0, midr: 0, mmus: mmus.map(make), others: others.map((each) => each.map(make)) });
      cpu.setAddressSpace(tables.root as Pa, ASID as Asid);
      engine.script = [miss(0x2000, READ), SVC];
      cpu.run(Infinity);
      expect(engine.calls.at(-1)![3]).to.equal(expected);
    }
  });

  it("another CPU of the address space is another sink, which has heard of no write", () => {
    const tables = new PageTables();
    const geometry = granule(tables.granuleName, tables.vaBits);
    const engine = new ScriptedEngine();
    const make = (): Mmu => new Mmu({ core: corePreset("neoverse-n1"), memory: tables.memory, granule: geometry, updatesDescriptors: true, seed: 1 });
    const cpu = new Cpu({ memory: tables.memory, granule: geometry, features: N1, engine, hwcap: 0, hwcap2: 0, midr: 0, mmus: [make()], others: [[make()]] });
    const sinks = [engine.sink];
    for (const each of [1, 1, 0]) {
      cpu.selectCpu(each);
      sinks.push(engine.sink);
    }
    expect(sinks.map((sink) => sinks.indexOf(sink))).to.deep.equal([0, 1, 1, 3]);
  });

  it("every listener hears the whole trace", () => {
    const { tables, engine, mmus } = bench({ listeners: 3 });
    tables.map(0x1000, 3, RW_PAGE);
    tables.map(0x2000, 3, RW_PAGE);
    engine.sink!(new Uint32Array([1, READ, 2, WRITE]), 2);
    const zero = { instructions: 0, loads: 0, stores: 0 };
    expect(mmus.map((mmu) => mmu.stats(zero).l1d.misses)).to.deep.equal([2, 2, 2]);
  });
});

describe("cpu: listeners in place of the TLB models", () => {
  it("hear trace, address spaces and maintenance, in order; the models hear nothing but through them", () => {
    const tables = new PageTables();
    const geometry = granule(tables.granuleName, tables.vaBits);
    const engine = new ScriptedEngine();
    const mmu = new Mmu({ core: corePreset("neoverse-n1"), memory: tables.memory, granule: geometry, updatesDescriptors: true, seed: 1 });
    const heard: string[] = [];
    const listener = (name: string): TlbListener => ({
      consume: (words, count) => heard.push(`${name} trace ${[...words].join()} ${count}`),
      setRegime: ({ ttbr0, asid }) => heard.push(`${name} regime ${ttbr0} ${asid}`),
      tlbi: ({ op }) => heard.push(`${name} ${op}`),
    });
    const cpu = new Cpu({ memory: tables.memory, granule: geometry, features: N1, engine, hwcap: 0, hwcap2: 0, midr: 0, mmus: [mmu], listeners: [listener("a"), listener("b")] });
    cpu.setAddressSpace(0x4000 as Pa, 7 as Asid);
    engine.sink!(new Uint32Array([1, READ]), 1);
    cpu.tlbi(tlbi("aside1is", 0, 0));
    expect(heard).to.deep.equal(["a regime 16384 7", "b regime 16384 7", "a trace 1,1 1", "b trace 1,1 1", "a aside1is", "b aside1is"]);
    expect(mmu.stats({ instructions: 0, loads: 0, stores: 0 }).l1d.misses).to.equal(0);
  });
});

describe("cpu: accesses by the kernel", () => {
  it("give the physical address and make the hardware's updates, with or without listeners", () => {
    for (const listeners of [0, 1]) {
      const { tables, cpu, engine } = bench({ listeners });
      const place = tables.map(0x1000, 3, (CLEAN_PAGE | 0x9000n) & ~AF);
      expect(cpu.kernelAccess(0x1234 as Va, false)).to.deep.equal({ ok: true, pa: 0x9234 });
      expect(tables.read(place)).to.equal(CLEAN_PAGE | 0x9000n);
      expect(cpu.kernelAccess(0x1238 as Va, true)).to.deep.equal({ ok: true, pa: 0x9238 });
      expect(tables.read(place)).to.equal(RW_PAGE | 0x9000n);
      expect(engine.calls, "nothing is cached").to.deep.equal([]);
      for (const mmu of cpu.mmus) expect(mmu.stats({ instructions: 0, loads: 0, stores: 0 }).walks, "and not studied").to.equal(0);
    }
  });

  it("fault as an abort taken from EL1 (EC 0x25), checked as EL0", () => {
    const { tables, cpu } = bench();
    tables.map(0x1000, 3, RO_PAGE);
    tables.map(0x2000, 3, (PAGE | DATA | READ_ONLY) & ~UXN & ~USER);
    expect(cpu.kernelAccess(0x1000 as Va, true)).to.deep.equal({ ok: false, esr: 0x9600004f });
    expect(cpu.kernelAccess(0x2000 as Va, false), "LDTR has no more rights than EL0").to.deep.equal({ ok: false, esr: 0x9600000f });
    expect(cpu.kernelAccess(0x3000 as Va, false)).to.deep.equal({ ok: false, esr: 0x96000007 });
    expect(cpu.kernelAccess(0x20_0000 as Va, true)).to.deep.equal({ ok: false, esr: 0x96000046 });
  });
});

describe("cpu: address spaces", () => {
  it("a switch drops what is cached; the same space again does not", () => {
    const { tables, cpu, engine, go } = bench();
    const other = new PageTables("4k", 48, 0, tables.memory, 0x100_0000);
    tables.map(0x1000, 3, RW_PAGE | 0x9000n);
    other.map(0x1000, 3, RW_PAGE | 0xa000n);
    engine.calls.length = 0;
    cpu.setAddressSpace(tables.root as Pa, ASID as Asid);
    expect(engine.calls).to.deep.equal([]);
    cpu.setAddressSpace(other.root as Pa, 6 as Asid);
    expect(engine.calls).to.deep.equal([["invalidateAll"]]);
    expect(go(miss(0x1000, READ)).calls[0]![2]).to.equal(0xa000);
    cpu.setAddressSpace(other.root as Pa, 7 as Asid);
    expect(engine.calls.at(-1), "a new ASID of the same tables").to.deep.equal(["invalidateAll"]);
  });

  it("a switch is no TLB maintenance: the models keep entries of the other ASID", () => {
    const { tables, cpu, engine, mmus } = bench({ listeners: 2 });
    tables.map(0x1000, 3, RW_PAGE);
    engine.sink!(new Uint32Array([1, READ]), 1);
    cpu.setAddressSpace(tables.root as Pa, 6 as Asid);
    engine.sink!(new Uint32Array([1, READ]), 1);
    cpu.setAddressSpace(tables.root as Pa, ASID as Asid);
    engine.sink!(new Uint32Array([1, READ]), 1);
    const zero = { instructions: 0, loads: 0, stores: 0 };
    expect(mmus.map((mmu) => mmu.stats(zero).l1d.misses), "one per ASID").to.deep.equal([2, 2]);
    expect(cpu.tlbiCounts).to.deep.equal({});
  });
});

describe("cpu: TLB maintenance", () => {
  it("by address and by range drops exactly the range", () => {
    const { cpu, engine } = bench();
    cpu.tlbi(tlbi("vale1is", 0x1000, 0x2000));
    cpu.tlbi(tlbi("vae1is", 0x3000, 0x4000));
    cpu.tlbi(tlbi("rvale1is", 0x1_0000, 0x8_0000));
    cpu.tlbi(tlbi("rvae1is", 0x20_0000, 0x80_0000));
    expect(engine.calls).to.deep.equal([
      ["invalidateRange", 0x1000, 0x2000],
      ["invalidateRange", 0x3000, 0x4000],
      ["invalidateRange", 0x1_0000, 0x8_0000],
      ["invalidateRange", 0x20_0000, 0x80_0000],
    ]);
  });

  it("of this ASID, or of all, drops everything", () => {
    const { cpu, engine } = bench();
    cpu.tlbi(tlbi("aside1is", 0, 0));
    cpu.tlbi(tlbi("vmalle1is", 0, 0, 0));
    expect(engine.calls).to.deep.equal([["invalidateAll"], ["invalidateAll"]]);
  });

  it("of another ASID leaves the engine alone, whose translations are of the running one", () => {
    const { cpu, engine } = bench();
    for (const op of ["vale1is", "vae1is", "rvale1is", "rvae1is", "aside1is"] as const) cpu.tlbi(tlbi(op, 0x1000, 0x2000, 6));
    expect(engine.calls).to.deep.equal([]);
  });

  it("is counted by mnemonic, barriers by domain, whatever the ASID", () => {
    const { cpu } = bench();
    for (const asid of [ASID, 6]) cpu.tlbi(tlbi("vale1is", 0x1000, 0x2000, asid));
    cpu.tlbi(tlbi("aside1is", 0, 0));
    cpu.dsb("ishst");
    cpu.dsb("ish");
    cpu.dsb("ish");
    expect([cpu.tlbiCounts, cpu.dsbCounts]).to.deep.equal([{ vale1is: 2, aside1is: 1 }, { ishst: 1, ish: 2 }]);
  });

  it("reaches every TLB model, whichever ASID runs", () => {
    const { tables, cpu, engine, mmus } = bench({ listeners: 2 });
    tables.map(0x1000, 3, RW_PAGE);
    engine.sink!(new Uint32Array([1, READ]), 1);
    cpu.setAddressSpace(tables.root as Pa, 6 as Asid);
    cpu.tlbi(tlbi("vale1is", 0x1000, 0x2000));
    cpu.setAddressSpace(tables.root as Pa, ASID as Asid);
    engine.sink!(new Uint32Array([1, READ]), 1);
    expect(mmus.map((mmu) => mmu.stats({ instructions: 0, loads: 0, stores: 0 }).l1d.misses)).to.deep.equal([2, 2]);
  });

  it("by any address in a block drops all of the block's pages, once", () => {
    const { tables, cpu, engine, go } = bench();
    tables.map(0x4000_0000, 2, VALID | DATA | DBM | 0x60_0000n);
    go(miss(0x4000_5000, READ), miss(0x4001_0000, READ));
    engine.calls.length = 0;
    cpu.tlbi(tlbi("vale1is", 0x4000_0000, 0x4000_1000));
    expect(engine.calls).to.deep.include(["invalidateRange", 0x4000_0000, 0x4020_0000]);
    engine.calls.length = 0;
    cpu.tlbi(tlbi("vale1is", 0x4000_0000, 0x4000_1000));
    expect(engine.calls, "nothing of the block is left").to.deep.equal([["invalidateRange", 0x4000_0000, 0x4000_1000]]);
  });

  it("by a range that ends inside blocks drops each of them whole", () => {
    const { tables, cpu, engine, go } = bench();
    for (const at of [0x4000_0000, 0x4020_0000, 0x4040_0000]) tables.map(at, 2, VALID | DATA | DBM | 0x60_0000n);
    go(miss(0x4000_5000, READ), miss(0x4020_5000, READ), miss(0x4040_5000, READ));
    engine.calls.length = 0;
    cpu.tlbi(tlbi("rvale1is", 0x401f_f000, 0x4020_1000));
    expect(engine.calls).to.deep.include(["invalidateRange", 0x4000_0000, 0x4020_0000]);
    expect(engine.calls).to.deep.include(["invalidateRange", 0x4020_0000, 0x4040_0000]);
    expect(engine.calls).not.to.deep.include(["invalidateRange", 0x4040_0000, 0x4060_0000]);
  });
});

describe("cpu: what goes straight to the engine", () => {
  it("contexts, and frames whose code changed", () => {
    const { cpu, engine } = bench();
    const context = new BigUint64Array(101);
    cpu.saveContext(context);
    expect(context[0]).to.equal(0x5a5en);
    cpu.restoreContext(context);
    cpu.discardCode(0x123 as Parameters<Cpu["discardCode"]>[0]);
    expect(engine.calls).to.deep.equal([["restoreContext", 0x5a5e], ["discardCode", 0x123]]);
    expect(cpu.registers).to.equal(engine.registers);
    expect([cpu.hwcap, cpu.hwcap2, cpu.midr, cpu.features]).to.deep.equal([3, 4, 0x413fd0c1, N1]);
  });
});
