/**
 * The order of use as WebAssembly against the same order in TypeScript, cell by cell.
 */
import { expect } from "chai";
import { granule } from "../../../emulator/arch/granule.js";
import { Code } from "../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../emulator/engine/wasm/binary/module.js";
import { I32, TYPE_I32 } from "../../../emulator/engine/wasm/binary/opcodes.js";
import { OrderCode, structureOf } from "../../../emulator/mmu/order-code.js";
import { Arena } from "../../../emulator/mmu/tlb-cells.js";
import { oldestOf, pin, refresh, unpin } from "../../../emulator/mmu/tlb-place.js";
import { TlbStorage } from "../../../emulator/mmu/tlb-storage.js";
import { Tlb } from "../../../emulator/mmu/tlb.js";
import type { TlbSpec } from "../../../emulator/mmu/tlb.js";
import { UnitIndex } from "../../../emulator/mmu/unit-index.js";
import { seededRandom } from "../../support/seed.js";

const BASE: TlbSpec = { entries: 8, ways: "full", pageSizes: [4096], contiguous: "ignored", splinter: "page", coalescedPages: 1, policy: "lru" };
const SPECS: readonly TlbSpec[] = [BASE, { ...BASE, entries: 64, ways: 32 }, { ...BASE, entries: 16, ways: 4 }, { ...BASE, entries: 20, ways: 5 }, { ...BASE, policy: "fifo" }, { ...BASE, entries: 2 }];

interface Functions {
  readonly refresh: (entry: number) => void;
  readonly pin: (entry: number) => void;
  readonly unpin: (entry: number) => void;
  readonly oldest: (set: number) => number;
  readonly setOf: (unit: number) => number;
}

/** A full structure, and the code of each function for it. Entries of the code are in bytes. */
function rig(spec: TlbSpec): { readonly tlb: Tlb; readonly arena: Arena; readonly code: Functions; readonly entries: readonly number[] } {
  const storage = TlbStorage.inMemory();
  const arena = new Arena(Tlb.cellsOf(spec), 1, new UnitIndex(storage));
  const tlb = new Tlb(spec, granule("4k"), 1, arena);
  const pages = Array.from({ length: spec.entries }, (_, page) => tlb.page(page, 0));
  for (const page of pages) tlb.fill(page, false, 0, 0, 0, 0);
  const module = new ModuleBuilder();
  module.importMemory("e", "memory", storage.memory!.buffer.byteLength / 65536);
  const order = new OrderCode(module, arena);
  const structure = structureOf(arena, tlb.header);
  const pins = spec.policy === "lru";
  const add = (name: string, result: boolean, write: (code: Code, local: number) => void): void => {
    const code = new Code(1);
    write(code, 0);
    module.exportFunction(name, module.func({ parameters: [TYPE_I32], results: result ? [TYPE_I32] : [] }, code));
  };
  add("refresh", false, (code, entry) => {
    order.refresh(code, structure, entry, pins);
  });
  add("pin", false, (code, entry) => {
    order.pin(code, structure, entry);
  });
  add("unpin", false, (code, entry) => {
    order.unpin(code, structure, entry);
  });
  add("oldest", true, (code, set) => {
    const entry = code.local(TYPE_I32);
    order.oldest(code, structure, set, entry);
    code.get(entry).i32(2).op(I32.shrU);
  });
  add("setOf", true, (code, unit) => {
    order.setOf(code, structure, unit);
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory: storage.memory! } });
  return { tlb, arena, code: exports as unknown as Functions, entries: pages.map((page) => tlb.peek(page)) };
}

describe("OrderCode", () => {
  it("leaves the cells as TypeScript does, for rings and stamps, of one set and several, and fifo", () => {
    const random = seededRandom(77);
    for (const spec of SPECS) {
      const [one, other] = [rig(spec), rig(spec)];
      const ways = spec.ways === "full" ? spec.entries : spec.ways;
      const pinned: number[] = [];
      for (let step = 0; step < 600; step++) {
        const entry = one.entries[random(spec.entries)]!;
        const h = one.tlb.header;
        // Of each set one entry at least is not pinned; an entry may be pinned more than once.
        const others = new Set(pinned.filter((each) => each !== entry));
        if (spec.policy === "lru" && random(3) === 0 && others.size < ways - 1) {
          // The entry that is pinned has just been used, unless it is pinned already.
          one.code.refresh(4 * entry);
          one.code.pin(4 * entry);
          refresh(other.arena, other.arena.cells, h, entry);
          pin(other.arena, other.arena.cells, h, entry);
          pinned.push(entry);
        } else if (pinned.length > 0 && random(3) === 0) {
          const [gone] = pinned.splice(random(pinned.length), 1) as [number];
          one.code.unpin(4 * gone);
          unpin(other.arena, other.arena.cells, h, gone);
        } else {
          one.code.refresh(4 * entry);
          refresh(other.arena, other.arena.cells, h, entry);
        }
        expect([...one.arena.cells], `${spec.entries}/${spec.ways} ${spec.policy}, step ${step}`).to.deep.equal([...other.arena.cells]);
        for (let set = 0; set < spec.entries / ways; set++) expect(one.code.oldest(set)).to.equal(oldestOf(other.arena.cells, h, set));
      }
    }
  });

  it("finds the set of a unit", () => {
    const { tlb, code } = rig({ ...BASE, entries: 64, ways: 4 });
    for (const page of [0, 1, 15, 16, 31, 1000, 0x7fff_ffff]) expect(code.setOf(tlb.page(page, 0))).to.equal(page % 16);
  });

  it("an entry made last is pinned like every other", () => {
    for (const spec of SPECS.filter(({ policy }) => policy === "lru")) {
      const [one, other] = [rig(spec), rig(spec)];
      const module = new ModuleBuilder();
      module.importMemory("e", "memory", one.arena.index.storage.memory!.buffer.byteLength / 65536);
      const order = new OrderCode(module, one.arena);
      const code = new Code(1);
      order.pinNewest(code, structureOf(one.arena, one.tlb.header), 0);
      module.exportFunction("pinNewest", module.func({ parameters: [TYPE_I32], results: [] }, code));
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory: one.arena.index.storage.memory! } });
      for (const last of [2, 1]) {
        const entry = one.entries.at(-last)!;
        for (const { arena, tlb } of [one, other]) refresh(arena, arena.cells, tlb.header, entry);
        (exports as unknown as { pinNewest: (entry: number) => void }).pinNewest(4 * entry);
        pin(other.arena, other.arena.cells, other.tlb.header, entry);
        expect([...one.arena.cells]).to.deep.equal([...other.arena.cells]);
      }
    }
  });
});
