/**
 * The walk: every granule and level, faults in their priority, hardware updates.
 */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import type { GranuleName, Level } from "../../../emulator/arch/granule.js";
import type { Access } from "../../../emulator/engine/engine.js";
import { PhysicalMemory } from "../../../emulator/memory/physical-memory.js";
import { descriptorAddress, descriptorOf, newWalkResult, shiftPage, sizeClass, startAtRoot, walk, walkPage } from "../../../emulator/mmu/walk.js";
import type { WalkResult } from "../../../emulator/mmu/walk.js";
import { PageTables } from "./page-table-builder.js";

const FETCH = 0;
const READ = 1;
const WRITE = 2;
const R = 1;
const W = 2;
const X = 4;

const CONT = 1n << 52n;
const AF = 1n << 10n;
const AP2 = 1n << 7n;
/** What Linux writes for anonymous memory after a write fault, address zero. */
const ANON = 0x00e8_0000_0000_0f43n;
/** MAP_SHARED, writable and clean. */
const SHARED_CLEAN = 0x0068_0000_0000_0fc3n;
const READ_ONLY = 0x0060_0000_0000_0fc3n;
const TEXT = 0x0020_0000_0000_0fc3n;
const EXEC_ONLY = 0x0020_0000_0000_0f83n;

const go = (tables: PageTables, at: number, access: Access, sideEffects = false, options: Parameters<PageTables["regime"]>[0] = {}): WalkResult =>
  walk(tables.memory, tables.regime(options), at as Va, access, { sideEffects });

const faultOf = (result: WalkResult): string => `${result.fault} ${result.level}`;

describe("walk", () => {
  it("translates a 4K page through four levels", () => {
    const tables = new PageTables();
    const place = tables.map(0x1234_5678_9000, 3, ANON | 0x20_0000n);
    const result = go(tables, 0x1234_5678_9abc, READ);
    expect(result.fault).to.equal("none");
    expect(result.pa).to.equal(0x20_0abc);
    expect(result.frame).to.equal(0x200);
    expect(result.level).to.equal(3);
    expect(result.firstLevel).to.equal(0);
    expect(result.perms).to.equal(R | W);
    expect(descriptorAddress(result)).to.equal(place);
    expect(descriptorOf(result)).to.equal(ANON | 0x20_0000n);
    expect(sizeClass(result)).to.equal("page");
    expect([result.leafOrder, result.unitOrder, result.global, result.dirty]).to.deep.equal([0, 0, false, true]);
  });

  it("knows every size of every granule", () => {
    // Granule, level, bytes of the leaf, bytes of its contiguous run (table D8-104).
    const sizes: [GranuleName, Level, number, number][] = [
      ["4k", 3, 2 ** 12, 2 ** 16],
      ["4k", 2, 2 ** 21, 2 ** 25],
      ["4k", 1, 2 ** 30, 2 ** 34],
      ["16k", 3, 2 ** 14, 2 ** 21],
      ["16k", 2, 2 ** 25, 2 ** 30],
      ["64k", 3, 2 ** 16, 2 ** 21],
      ["64k", 2, 2 ** 29, 2 ** 34],
    ];
    for (const [name, level, leaf, run] of sizes) {
      const type = level === 3 ? 0n : 2n;
      const label = `${name} level ${level}`;
      const at = 17 * run + leaf + 0x123;
      const address = BigInt(3 * run + leaf);
      for (const contiguous of [false, true]) {
        const tables = new PageTables(name);
        tables.map(at, level, ((ANON & ~type) | address | (contiguous ? CONT : 0n)));
        const result = go(tables, at, READ);
        expect(result.fault, label).to.equal("none");
        expect(result.pa, label).to.equal(3 * run + leaf + 0x123);
        expect(2 ** result.leafOrder * tables.pageSize, label).to.equal(leaf);
        expect(2 ** result.unitOrder * tables.pageSize, label).to.equal(contiguous ? run : leaf);
        expect(sizeClass(result), label).to.equal(contiguous ? (level === 3 ? "contiguous-pages" : "contiguous-blocks") : level === 3 ? "page" : "block");
      }
    }
  });

  it("takes the address inside a block from the virtual address, and ignores bits below the block", () => {
    const tables = new PageTables();
    tables.map(0x4000_0000, 2, (ANON & ~2n) | 0x80_0000n | 0x3000n);
    expect(go(tables, 0x4000_0000 + 0x12_3456, READ).pa).to.equal(0x80_0000 + 0x12_3456);
    expect(go(tables, 0x4000_0000 + 0x12_3456, READ).frame).to.equal(0x800 + 0x123);
  });

  it("faults at the level of the first invalid descriptor", () => {
    const tables = new PageTables();
    tables.map(0x7f_c020_1000, 3, ANON);
    expect(faultOf(go(tables, 0x7f_c020_2000, WRITE))).to.equal("translation 3");
    expect(faultOf(go(tables, 0x7f_c040_0000, WRITE))).to.equal("translation 2");
    expect(faultOf(go(tables, 0x7f_0000_0000, WRITE))).to.equal("translation 1");
    expect(faultOf(go(tables, 0x80_0000_0000, WRITE))).to.equal("translation 0");
  });

  it("faults on reserved types: 01 at level 3, 01 where no block may stand", () => {
    const tables = new PageTables("16k");
    tables.map(0, 3, ANON & ~2n);
    tables.map(2 ** 36, 1, ANON & ~2n);
    expect(faultOf(go(tables, 0, READ))).to.equal("translation 3");
    expect(faultOf(go(tables, 2 ** 36, READ))).to.equal("translation 1");
    const small = new PageTables("4k");
    small.map(0, 0, ANON & ~2n);
    expect(faultOf(go(small, 0, READ))).to.equal("translation 0");
  });

  it("an address beyond the width of TTBR0 is a level-0 translation fault, whatever the start level", () => {
    const tables = new PageTables("4k", 39);
    tables.map(2 ** 38, 3, ANON);
    expect(go(tables, 2 ** 38, READ).fault).to.equal("none");
    expect(go(tables, 2 ** 38, READ).firstLevel).to.equal(1);
    const outside = go(tables, 2 ** 39, READ);
    expect(faultOf(outside)).to.equal("translation 0");
    expect(outside.fetched).to.equal(false);
  });

  it("a start table smaller than a page is indexed with the bits there are", () => {
    // 16K with 47 bits starts at level 1 with 2^11 entries, 64K with 42 bits at level 2 with 2^13.
    const tables = new PageTables("16k", 47);
    tables.map(2 ** 46 + 2 ** 36, 3, (ANON | 0x10_0000n));
    expect(go(tables, 2 ** 46 + 2 ** 36, READ)).to.include({ fault: "none", firstLevel: 1, pa: 0x10_0000 });
    const narrow = new PageTables("64k", 42);
    narrow.map(2 ** 41, 3, ANON | 0x50_0000n);
    expect(go(narrow, 2 ** 41 + 5, READ)).to.include({ fault: "none", firstLevel: 2, pa: 0x50_0005 });
  });

  it("checks permissions at EL0", () => {
    const tables = new PageTables();
    const rows: [bigint, number][] = [[ANON, R | W], [READ_ONLY, R], [TEXT, R | X], [EXEC_ONLY, X], [SHARED_CLEAN, R | W]];
    rows.forEach(([descriptor, perms], i) => {
      tables.map(i * 4096, 3, descriptor | 0x10_0000n);
      for (const [access, bit] of [[FETCH, X], [READ, R], [WRITE, W]] as const) {
        const result = go(tables, i * 4096, access);
        const label = `${descriptor.toString(16)} access ${access}`;
        if ((perms & bit) !== 0) expect(result.perms, label).to.equal(perms);
        else expect(faultOf(result), label).to.equal("permission 3");
      }
    });
  });

  it("table attributes forbid what the leaf allows", () => {
    const cases: [bigint, number][] = [
      [1n << 59n, R | W | X], // PXNTable is EL1's
      [1n << 60n, R | W],
      [1n << 61n, X],
      [1n << 62n, R | X],
      [(1n << 62n) | (1n << 60n), R],
    ];
    for (const level of [0, 1, 2] as Level[]) {
      for (const [bits, perms] of cases) {
        const tables = new PageTables();
        tables.map(0x1000, 3, (ANON & ~(1n << 54n)) | 0x10_0000n);
        const place = tables.slot(0x1000, level);
        tables.memory.write64(place as Pa, tables.read(place) | bits);
        for (const [access, bit] of [[FETCH, X], [READ, R], [WRITE, W]] as const) {
          const result = go(tables, 0x1000, access);
          if ((perms & bit) !== 0) expect(result.perms, `${bits.toString(16)} at level ${level}`).to.equal(perms);
          else expect(faultOf(result), `${bits.toString(16)} at level ${level}`).to.equal("permission 3");
        }
      }
    }
  });

  it("address size faults come from tables and leaves, before the access flag", () => {
    const tables = new PageTables();
    tables.map(0x1000, 3, (ANON & ~AF) | (1n << 40n));
    expect(faultOf(go(tables, 0x1000, READ, false, { ha: false, oaBits: 40 }))).to.equal("address-size 3");
    expect(faultOf(go(tables, 0x1000, READ, false, { ha: false, oaBits: 48 }))).to.equal("access-flag 3");
    tables.map(2 ** 39, 0, 3n | (1n << 44n));
    expect(faultOf(go(tables, 2 ** 39, READ, false, { oaBits: 44 }))).to.equal("address-size 0");
    const big = new PageTables("64k");
    big.map(0, 3, ANON | 0x1000n);
    expect(faultOf(go(big, 0, READ, false, { oaBits: 48 })), "OA[51:48] in bits 15:12").to.equal("address-size 3");
    expect(go(big, 0, READ, false, { oaBits: 52 }).pa).to.equal(2 ** 48);
  });

  it("a table outside RAM is an external abort at its level", () => {
    const tables = new PageTables();
    tables.map(0, 1, 3n | (1n << 32n));
    expect(faultOf(go(tables, 0, READ))).to.equal("external-abort 2");
    const regime = { ...tables.regime(), ttbr0: 2 ** 33 as Pa };
    expect(faultOf(walk(tables.memory, regime, 0 as Va, READ, { sideEffects: true }))).to.equal("external-abort 0");
  });

  it("writes its outcome into the record given, and does not allocate another", () => {
    const tables = new PageTables();
    tables.map(0, 3, ANON | 0x10_0000n);
    const into = newWalkResult();
    expect(walk(tables.memory, tables.regime(), 0 as Va, READ, { sideEffects: false, into })).to.equal(into);
    expect(into.pa).to.equal(0x10_0000);
  });
});

describe("hardware updates of a walk", () => {
  const at = 0x5000;
  const place = (descriptor: bigint): { tables: PageTables; at: number } => {
    const tables = new PageTables();
    return { tables, at: tables.map(at, 3, descriptor | 0x10_0000n) };
  };

  it("no access flag: a fault without HA, an update with it", () => {
    const { tables, at: slot } = place(ANON & ~AF);
    expect(faultOf(go(tables, at, READ, true, { ha: false }))).to.equal("access-flag 3");
    expect(tables.read(slot)).to.equal((ANON & ~AF) | 0x10_0000n);
    const dry = go(tables, at, READ, false);
    expect(dry).to.include({ fault: "none", setAf: true, setDirty: false });
    expect(tables.read(slot), "no side effect").to.equal((ANON & ~AF) | 0x10_0000n);
    const wet = go(tables, at, READ, true);
    expect(wet.setAf).to.equal(true);
    expect(tables.read(slot)).to.equal(ANON | 0x10_0000n);
    expect(descriptorOf(wet)).to.equal(ANON | 0x10_0000n);
    expect(go(tables, at, READ, true).setAf).to.equal(false);
  });

  it("clean: a permission fault without HD, AP[2] cleared by a write with it, left alone by a read", () => {
    const { tables, at: slot } = place(SHARED_CLEAN);
    expect(faultOf(go(tables, at, WRITE, true, { ha: true, hd: false }))).to.equal("permission 3");
    expect(go(tables, at, READ, true)).to.include({ fault: "none", dirty: false, setDirty: false, perms: R | W });
    expect(tables.read(slot)).to.equal(SHARED_CLEAN | 0x10_0000n);
    expect(go(tables, at, WRITE, false)).to.include({ fault: "none", dirty: true, setDirty: true });
    expect(tables.read(slot), "no side effect").to.equal(SHARED_CLEAN | 0x10_0000n);
    expect(go(tables, at, WRITE, true)).to.include({ fault: "none", dirty: true, setDirty: true });
    expect(tables.read(slot)).to.equal((SHARED_CLEAN & ~AP2) | 0x10_0000n);
  });

  it("both at once on a write to an old clean page", () => {
    const { tables, at: slot } = place(SHARED_CLEAN & ~AF);
    expect(go(tables, at, WRITE, true)).to.include({ setAf: true, setDirty: true });
    expect(tables.read(slot)).to.equal((SHARED_CLEAN & ~AP2) | 0x10_0000n);
  });

  it("an access that is not permitted leaves the access flag alone", () => {
    const { tables, at: slot } = place(READ_ONLY & ~AF);
    expect(faultOf(go(tables, at, WRITE, true))).to.equal("permission 3");
    expect(tables.read(slot)).to.equal((READ_ONLY & ~AF) | 0x10_0000n);
  });

  it("table attributes win over DBM: no write, no update", () => {
    const tables = new PageTables();
    const slot = tables.map(at, 3, SHARED_CLEAN | 0x10_0000n, 1n << 62n);
    expect(faultOf(go(tables, at, WRITE, true))).to.equal("permission 3");
    expect(tables.read(slot)).to.equal(SHARED_CLEAN | 0x10_0000n);
  });

  it("of a contiguous run exactly one descriptor changes: the one walked", () => {
    const tables = new PageTables();
    const clean = (SHARED_CLEAN & ~AF) | CONT;
    const slots = Array.from({ length: 16 }, (_, i) => tables.map(0x1_0000 + i * 4096, 3, clean | BigInt(0x20_0000 + i * 4096)));
    go(tables, 0x1_0000 + 5 * 4096, WRITE, true);
    slots.forEach((slot, i) => {
      const expected = i === 5 ? (clean | AF) & ~AP2 : clean;
      expect(tables.read(slot), `page ${i}`).to.equal(expected | BigInt(0x20_0000 + i * 4096));
    });
  });
});

describe("walkPage", () => {
  it("begins at any table, with what the tables above forbid", () => {
    const tables = new PageTables();
    tables.map(0x4020_1000, 3, ANON | 0x10_0000n);
    const full = newWalkResult();
    const regime = tables.regime();
    startAtRoot(regime, full);
    walkPage(tables.memory, regime, 0x4_0201, 0, READ, false, full);
    expect(full).to.include({ fault: "none", firstLevel: 0, level: 3 });
    const short = newWalkResult();
    short.firstLevel = 3;
    short.tableIndex[3] = full.tableIndex[3]!;
    short.tableForbids[3] = 0;
    walkPage(tables.memory, regime, 0x4_0201, 0, READ, false, short);
    expect(short).to.include({ fault: "none", firstLevel: 3, level: 3, frame: 0x100 });
    short.firstLevel = 3;
    short.tableForbids[3] = 1 << 30;
    walkPage(tables.memory, regime, 0x4_0201, 0, WRITE, false, short);
    expect(short.fault).to.equal("permission");
  });

  it("shiftPage shifts a 36-bit page number in words", () => {
    let state = 88172645463325252n;
    for (let i = 0; i < 2000; i++) {
      state = (state * 6364136223846793005n + 1n) & 0xffff_ffff_ffff_ffffn;
      const page = state >> 28n;
      const order = i % 36;
      const shifted = shiftPage(Number(page & 0xffff_ffffn) | 0, Number(page >> 32n), order);
      expect(shifted >>> 0, `${page.toString(16)} >> ${order}`).to.equal(Number((page >> BigInt(order)) & 0xffff_ffffn));
    }
  });
});

describe("a random page table", () => {
  it("gives the address that was mapped, for all granules", () => {
    const seed = 20260101;
    let state = seed;
    const next = (bound: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) | 0;
      return (state >>> 8) % bound;
    };
    for (const name of ["4k", "16k", "64k"] as GranuleName[]) {
      const tables = new PageTables(name, 48, 128 * 2 ** 20, new PhysicalMemory(128 * 2 ** 20));
      const mapped = new Map<number, number>();
      for (let i = 0; i < 100; i++) {
        const va = (next(2 ** 20) * 2 ** 12 + next(2 ** 12)) * 2 ** 16;
        const pa = next(4096) * 2 ** 16;
        tables.map(va, 3, ANON | BigInt(pa));
        mapped.set(va, pa);
      }
      for (const [va, pa] of mapped) {
        const offset = next(tables.pageSize);
        expect(go(tables, va + offset, READ).pa, `seed ${seed}, ${name}, ${va.toString(16)}`).to.equal(pa + offset);
      }
    }
  });
});
