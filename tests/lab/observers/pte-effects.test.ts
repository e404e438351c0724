/** What calls may do to entries. Values retyped. */
import { expect } from "chai";
import type { Pa, Va } from "../../../emulator/arch/addr.js";
import type { MmStruct } from "../../../kernel-model/mm/mm-struct.js";
import type { PteCall, PteIntent } from "../../../lab/observers/pgtable-tap.js";
import { checkEffect, gathered } from "../../../lab/observers/pte-effects.js";

const RW = 0x00e8_0000_4000_0f43n;
const CLEAN = 0x0068_0000_4000_0fc3n;
const CONT = 1n << 52n;
const DBM = 1n << 51n;
const DIRTY = 1n << 55n;
const AF = 0x400n;
const RDONLY = 0x80n;
const page = (prot: bigint, i: number): bigint => prot + BigInt(i) * 0x1000n;
const block = (prot: bigint): bigint[] => Array.from({ length: 16 }, (_, i) => page(prot, i));

const call = (intent: PteIntent, nr = 1, extra: Partial<PteCall> = {}): PteCall => ({ name: intent, intent, mm: {} as MmStruct, addr: 0 as Va, entry: 0 as Pa, nr, level: 3, ...extra });

interface Case {
  readonly before: bigint[];
  readonly after: bigint[];
  readonly first?: number;
  readonly result?: unknown;
  readonly oneFolio?: boolean;
  readonly contpte?: boolean;
}

function rules(of: PteCall, { before, after, first = 0, result, oneFolio = true, contpte = true }: Case): string[] {
  const found = checkEffect(of, result, { before, after, first, blocksStart: first - (first % 16), blocksEnd: Math.ceil((first + of.nr) / 16) * 16, contPtes: 16, pageSize: 4096, contpte, oneFolio: () => oneFolio });
  return found.map(({ rule, index }) => `${rule.id} ${index}`);
}
const change = (values: bigint[], i: number, value: bigint): bigint[] => values.map((old, at) => (at === i ? value : old));

describe("effects of page-table calls", () => {
  it("gather young and dirty over a contiguous block only", () => {
    const values = block((CLEAN | CONT) & ~AF);
    values[9] = (values[9]! & ~RDONLY) | AF;
    expect(gathered(values, 0, 16)).to.deep.equal({ young: true, dirty: true });
    expect(gathered(values.map((value) => value & ~CONT), 0, 16)).to.deep.equal({ young: false, dirty: false });
    expect(gathered([0x1234444n], 0, 16), "a swap entry").to.deep.equal({ young: false, dirty: false });
  });

  it("accept a clear behind an unfold, and name what it leaves or takes besides", () => {
    const before = block(RW | CONT);
    const unfolded = block(RW);
    expect(rules(call("get-and-clear"), { before, after: change(unfolded, 3, 0n), first: 3, result: unfolded[3]! })).to.deep.equal([]);
    expect(rules(call("clear"), { before, after: unfolded, first: 3 })).to.deep.equal(["L-EFFECT 3"]);
    expect(rules(call("clear"), { before, after: change(change(unfolded, 3, 0n), 4, 0n), first: 3 })).to.deep.equal(["L-NEIGHBOUR 4"]);
  });

  it("name a dirty or young bit that the caller does not get", () => {
    const before = change(block(CLEAN | CONT), 9, (page(CLEAN | CONT, 9) & ~RDONLY) | DIRTY);
    const after = change(block(CLEAN & ~AF), 3, 0n);
    expect(rules(call("get-and-clear"), { before, after, first: 3, result: page(CLEAN & ~AF, 3) })).to.deep.equal(["L-DIRTY-LOST 0", "L-YOUNG-LOST 0"]);
    expect(rules(call("get-and-clear"), { before: block(RW), after: block(0n).fill(0n), result: CLEAN & ~AF })).to.include.members(["L-DIRTY-LOST 0", "L-YOUNG-LOST 0"]);
  });

  it("write protection keeps dirtiness and protects all that is named", () => {
    const before = block(CLEAN & ~RDONLY);
    const protect = (value: bigint): bigint => (value & ~DBM) | RDONLY;
    expect(rules(call("wrprotect", 16), { before, after: before.map((value) => protect(value) | DIRTY) })).to.deep.equal([]);
    expect(rules(call("wrprotect", 16), { before, after: before.map(protect) })).to.deep.equal(["L-DIRTY-LOST 0"]);
    expect(rules(call("wrprotect", 16), { before, after: before.map((value, i) => (i < 8 ? protect(value) | DIRTY : value)) })).to.deep.equal(["L-EFFECT 8"]);
  });

  it("ageing makes the block old and says what it was", () => {
    const before = block(RW | CONT);
    const after = before.map((value) => value & ~AF);
    expect(rules(call("young"), { before, after, first: 2, result: true })).to.deep.equal([]);
    expect(rules(call("young"), { before, after, first: 2, result: false })).to.deep.equal(["L-YOUNG-LOST 2"]);
    expect(rules(call("young"), { before, after: change(before, 2, after[2]!), first: 2, result: true })).to.deep.equal(["L-EFFECT 2"]);
    expect(rules(call("young-dirty", 2, { clear: { young: true, dirty: true } }), { before, after: before.map((value) => (value & ~(AF | DIRTY)) | RDONLY), first: 2 })).to.deep.equal([]);
    expect(rules(call("young-dirty", 2, { clear: { young: true, dirty: false } }), { before, after: before.map((value) => (value & ~(AF | DIRTY)) | RDONLY), first: 2 })).to.deep.equal(["L-DIRTY-LOST 0"]);
  });

  it("access flags arrive at the very page", () => {
    const before = block(CLEAN & ~AF);
    const wanted = page((CLEAN & ~RDONLY) | DIRTY, 4);
    expect(rules(call("access-flags", 1, { value: wanted }), { before, after: change(before, 4, wanted), first: 4, result: true })).to.deep.equal([]);
    expect(rules(call("access-flags", 1, { value: wanted }), { before, after: before, first: 4, result: false })).to.deep.equal(["L-FAULT-LOOP 4"]);
    expect(rules(call("access-flags", 1, { value: wanted }), { before, after: change(before, 4, wanted ^ (1n << 54n)), first: 4, result: true })).to.deep.equal(["L-EFFECT 4"]);
  });

  it("setting sets what was asked, and folds what can be", () => {
    const none = block(0n).fill(0n);
    expect(rules(call("set", 16, { value: RW }), { before: none, after: block(RW | CONT) })).to.deep.equal([]);
    expect(rules(call("set", 16, { value: RW }), { before: none, after: block(RW) })).to.deep.equal(["L-FOLD 0"]);
    expect(rules(call("set", 16, { value: RW }), { before: none, after: block(RW), contpte: false })).to.deep.equal([]);
    expect(rules(call("set", 16, { value: RW + 0x1000n }), { before: none, after: block(RW + 0x1000n) }), "not aligned").to.deep.equal([]);
    expect(rules(call("set", 1, { value: page(RW, 15) }), { before: change(block(RW), 15, 0n), after: block(RW), first: 15 })).to.deep.equal(["L-FOLD 0"]);
    expect(rules(call("set", 1, { value: page(RW, 15) }), { before: change(block(RW), 15, 0n), after: block(RW), first: 15, oneFolio: false })).to.deep.equal([]);
    expect(rules(call("set", 1, { value: page(RW, 3) }), { before: none, after: change(none, 3, page(RW, 4)), first: 3 })).to.deep.equal(["L-EFFECT 3"]);
    expect(rules(call("set", 1, { value: page(RW, 3) }), { before: none, after: change(none, 3, page(CLEAN & ~AF, 3)), first: 3 })).to.include.members(["L-DIRTY-LOST 3", "L-YOUNG-LOST 3"]);
  });

  it("entries outside of the blocks touched stay as they are, to the bit", () => {
    const before = [...block(CLEAN), ...block(CLEAN)];
    expect(rules(call("clear"), { before, after: change(change(before, 3, 0n), 20, before[20]! | DIRTY), first: 3 })).to.deep.equal(["L-NEIGHBOUR 20"]);
  });
});
