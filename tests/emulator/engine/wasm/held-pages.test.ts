/** The pages that the filter holds, against a list that is searched and sorted. */
import { expect } from "chai";
import { Code } from "../../../../emulator/engine/wasm/binary/code.js";
import { ModuleBuilder } from "../../../../emulator/engine/wasm/binary/module.js";
import { emptySet, HELD_BYTES, HeldPages, revokeWrite } from "../../../../emulator/engine/wasm/held-pages.js";
import { Random } from "../../../support/random-instructions.js";
import { runSeed } from "../../../support/seed.js";

const I32_TYPE = 0x7f;
const I64_TYPE = 0x7e;
/** How a page comes in, above its place: by a write, with no write to be recorded, and writable without asking. */
const [BY_WRITE, HEARD, WRITTEN] = [1, 2, 4];
const WRITTEN_BIT = 1n << 34n;
/** In the set: the table of held pages by the low bits of their numbers, and in an entry the page that may be written. */
const TABLE = 4096;
const ENTRY_BYTES = 32;
const ENTRY_WRITE = 8;
const [FETCH, READ, WRITE, LEAVE] = [0, 1, 2, 3];

const PLACE = 0x5000;

interface HeldSet {
  /** `how`: bits for the page if it comes in; BY_WRITE with the others is a write. */
  readonly touch: (page: bigint, how: number, time: number) => void;
  readonly age: () => void;
  readonly clear: () => void;
  readonly cells: Uint32Array;
  readonly records: string[];
}

interface Limit {
  readonly sets: number;
  readonly ways: number;
}

/** Order of the entry for a page: bits 2 and 3 of its number, so that it is the same for all four pages of the largest but one. */
function orderOf(page: bigint): bigint {
  return (page >> 3n) & 3n;
}

function pushOrder(code: Code, page: number): Code {
  return code.get(page).i64(3).op(0x88).i64(3).op(0x83).op(0xa7);
}

/** A set whose `touch` is what an access that is always granted does. */
function heldPages(depth: number, access: 0 | 1, limit?: Limit): HeldSet {
  const module = new ModuleBuilder();
  const recorded = module.importFunction("e", "record", { parameters: [I64_TYPE, I64_TYPE], results: [] });
  module.importMemory("e", "memory", 2);
  const held = new HeldPages({
    module, at: HELD_BYTES, depth, pageShift: 12, access, limit,
    record: (code, what, page) => {
      what();
      page();
      code.call(recorded);
    },
  });
  const code = new Code(3);
  const at = code.local(I64_TYPE);
  const slot = code.local(I32_TYPE);
  code.get(0).i64(12).op(0x86).set(at);
  held.find(code, at, slot);
  held.isHeld(code, slot).if();
  held.pushRest(code, slot).i64(WRITTEN_BIT).op(0x83).op(0x50).get(1).i32(BY_WRITE!).op(0x71).op(0x71).if();
  held.writeFirst(code, at, slot, 2);
  code.else();
  held.use(code, slot, 2);
  code.end().else();
  code.get(at).get(1).op(0xad).i64(32).op(0x86).i64(PLACE).op(0x84).get(2);
  if (limit !== undefined) pushOrder(code, 0);
  code.call(held.enter).op(0x1a).end();
  module.exportFunction("touch", module.func({ parameters: [I64_TYPE, I32_TYPE, I32_TYPE], results: [] }, code));
  const clear = new Code(0);
  held.clear(clear);
  module.exportFunction("clear", module.func({ parameters: [], results: [] }, clear));
  module.exportFunction("fetch", held.fetchFunction((into) => pushOrder(into, 0)));
  module.exportFunction("age", held.age);
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const cells = new Uint32Array(memory.buffer);
  emptySet(cells, HELD_BYTES);
  const records: string[] = [];
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory, record: (what: bigint, page: bigint) => records.push(`${(what >> 32n) & 3n} ${what >> 42n} ${page}`) } });
  const fetch = exports["fetch"] as (page: bigint, time: number) => void;
  const { touch, clear: empty, age } = exports as unknown as HeldSet;
  return {
    touch: access === FETCH ? (page, _, time) => {
      fetch(page, time);
    } : touch,
    clear: empty,
    age,
    cells,
    records,
  };
}

/** The same by the rule of docs/engine.md. */
class Model {
  readonly records: string[] = [];
  /** The page used last comes first. */
  private order: { readonly page: bigint; readonly slot: number; heard: boolean; written: boolean }[] = [];

  constructor(private readonly depth: number, private readonly access: number, private readonly limit?: Limit) {}

  /** Slots of the pages that have to leave before this one, in this order. */
  private makeRoom(page: bigint): number[] {
    if (this.limit === undefined) return [];
    const { sets, ways } = this.limit;
    const setOf = (each: bigint): bigint => (each >> orderOf(each)) & BigInt(sets - 1);
    const beside = (): number => this.order.filter((each) => setOf(each.page) === setOf(page) && each.page >> orderOf(page) !== page >> orderOf(page)).length;
    const left: number[] = [];
    while (beside() >= ways) left.push(this.order.pop()!.slot);
    return left;
  }

  private record(access: number, slot: number, page: bigint): void {
    this.records.push(`${access} ${slot + (this.access === FETCH ? 128 : 1)} ${page}`);
  }

  touch(page: bigint, how: number): void {
    const write = (how & BY_WRITE!) !== 0;
    let held = this.order.find((each) => each.page === page);
    if (held === undefined) {
      const left = this.makeRoom(page);
      const free = Array.from({ length: this.depth }, (_, slot) => slot).find((slot) => this.order.every((each) => each.slot !== slot));
      const slot = left.pop() ?? free ?? this.order.pop()!.slot;
      for (const each of left) this.record(LEAVE!, each, 0n);
      held = { page, slot, heard: (how & HEARD!) !== 0, written: (how & WRITTEN!) !== 0 };
      this.record(write ? WRITE! : this.access, slot, page);
    }
    this.order = [held, ...this.order.filter((each) => each !== held)];
    if (!write) return;
    if (!held.heard) this.records.push(`${WRITE} 0 ${page}`);
    held.heard = true;
    held.written = true;
  }

  /** Whether the page used last may be written without asking. */
  mayWrite(): boolean {
    return this.order[0]!.written;
  }

  clear(): void {
    for (const { slot } of this.order.reverse()) this.record(LEAVE!, slot, 0n);
    this.order = [];
  }

  revoke(): void {
    for (const each of this.order) each.written = false;
  }
}

describe("pages held", () => {
  const cases: readonly (readonly [depth: number, access: number, limit?: Limit])[] = [
    [1, READ!], [2, READ!], [5, READ!], [48, READ!], [64, READ!], [1, FETCH!], [3, FETCH!], [64, FETCH!],
    [1, READ!, { sets: 2, ways: 1 }], [8, READ!, { sets: 4, ways: 1 }], [10, READ!, { sets: 2, ways: 3 }], [64, READ!, { sets: 128, ways: 1 }], [64, FETCH!, { sets: 4, ways: 4 }], [64, READ!, { sets: 2, ways: 33 }],
  ];
  for (const [depth, access, limit] of cases) {
    it(`${depth} of ${access === FETCH ? "code" : "data"}, ${limit === undefined ? "without a limit" : `${limit.ways} in each of ${limit.sets} sets`}: records as by the rule`, () => {
      const seed = runSeed() + 100 * depth + access;
      const random = new Random(seed);
      const set = heldPages(depth, access as 0 | 1, limit);
      const model = new Model(depth, access, limit);
      // Some pages have the same low bits, and some are above 2^31.
      const pages = Array.from({ length: depth + 1 + random.below(12) }, (_, index) => BigInt(index % 3) * 0x1_2345_6400n + BigInt(Math.floor(index / 3)));
      let time = 2 ** 30;
      for (let step = 0; step < 5000; step++) {
        const page = pages[random.below(random.below(3) === 0 ? pages.length : Math.min(pages.length, depth + 1))]!;
        const write = access === READ && random.below(4) === 0;
        const how = access === FETCH ? 0 : write ? BY_WRITE! | HEARD! | WRITTEN! : [0, 0, HEARD!, HEARD! | WRITTEN!][random.below(4)]!;
        set.touch(page, how, --time);
        model.touch(page, how);
        const entry = (HELD_BYTES + TABLE + Number(page % 1024n) * ENTRY_BYTES + ENTRY_WRITE) / 8;
        expect(new BigUint64Array(set.cells.buffer)[entry] === page << 12n, `writes of page ${page}: seed ${seed} step ${step}`).to.equal(model.mayWrite());
        if (random.below(200) === 0) {
          set.clear();
          model.clear();
        }
        if (random.below(30) === 0) {
          // Times start anew, below all those before.
          set.age();
          time = -random.below(2) * 2 ** 30 + 2 ** 28;
        }
        if (random.below(100) === 0) {
          revokeWrite(set.cells, HELD_BYTES, PLACE);
          model.revoke();
        }
        expect(set.records, `seed ${seed} step ${step}`).to.deep.equal(model.records);
        set.records.length = 0;
        model.records.length = 0;
      }
    });
  }
});
