/**
 * `UnitIndex.resolve` as WebAssembly: trace records to resolved ones, over the arrays of the index.
 */
import { ACCESS_LEAVE, ACCESS_WRITE, RECORD_HELD, RECORD_HELD_SHIFT, RECORD_PAGE_HIGH } from "../engine/engine.js";
import { Code } from "../engine/wasm/binary/code.js";
import { ModuleBuilder } from "../engine/wasm/binary/module.js";
import { I32, TYPE_EMPTY, TYPE_I32 } from "../engine/wasm/binary/opcodes.js";
import { BLOCK_SHIFT, BLOCK_UNITS, RESOLVED_HELD, RESOLVED_HELD_SHIFT, RESOLVED_READ_WRITE, RESOLVED_UNIT_SHIFT } from "./tlb-layout.js";

/** 2^32 divided by the golden ratio: neighbouring blocks spread over the buckets. */
export const HASH_FACTOR = 0x9e3779b1 | 0;
/** Any odd constant that spreads class and ASID. */
export const SALT_FACTOR = 0x85ebca6b | 0;

// Words that say where the arrays of an index lie at the moment, in bytes, and how many bits a hash is shifted by.
export const TAG_LO_AT = 0;
export const TAG_HI_AT = 1;
export const UNIT_OF_AT = 2;
export const CAPACITY_BITS = 3;
export const HASH_AT = 4;
export const HASH_SHIFT = 5;
export const PLACES = 6;

export interface Resolver {
  /** Resolves `count` records at `words`, in bytes; `asidBits`, `merge`: see UnitIndex.resolve. Returns how many resolved ones lie at `records`. */
  resolve(words: number, count: number, records: number, asidBits: number, merge: number): number;
}

/** `places`: where the words above lie, in bytes. `enter`: gives a block without a number one. */
export function createResolver(memory: WebAssembly.Memory, places: number, enter: (lo: number, hi: number) => number): Resolver {
  const module = new ModuleBuilder();
  const entering = module.importFunction("e", "enter", { parameters: [TYPE_I32, TYPE_I32], results: [TYPE_I32] });
  const pages = memory.buffer.byteLength / 65536;
  module.importMemory("e", "memory", pages);
  const code = new Code(5);
  const [at, end, records, asidBits, merge] = [0, 1, 2, 3, 4];
  const local = (): number => code.local(TYPE_I32);
  const [first, out, lo, second, hi, block, bucket, last, record, access] = [local(), local(), local(), local(), local(), local(), local(), local(), local(), local()];
  const [tagLo, tagHi, hash, shift, key] = [local(), local(), local(), local(), local()];
  const word = (place: number): Code => code.i32(places + 4 * place).memory(I32.load, 0);
  const readPlaces = (): void => {
    word(TAG_LO_AT).set(tagLo);
    word(TAG_HI_AT).set(tagHi);
    word(HASH_AT).set(hash);
    word(HASH_SHIFT).set(shift);
  };
  readPlaces();
  code.get(records).set(out).get(at).get(end).i32(3).op(I32.shl).op(I32.add).set(end);
  const done = code.block();
  const loop = code.loop();
  code.get(at).get(end).op(I32.geU).brIf(done);
  const next = code.block();
  code.get(at).memory(I32.load, 4).tee(second).i32(3).op(I32.and).tee(access).i32(ACCESS_LEAVE).op(I32.eq).if(TYPE_EMPTY);
  // Held page, where it stands in a resolved record.
  const held = (): Code => code.get(second).i32(RECORD_HELD_SHIFT - RESOLVED_HELD_SHIFT).op(I32.shrU).i32(RECORD_HELD << RESOLVED_HELD_SHIFT).op(I32.and);
  code.get(out);
  held().tee(last).memory(I32.store, 0).get(out).i32(4).op(I32.add).set(out).br(next).end();
  code.get(second).i32(2).op(I32.shrU).i32(RECORD_PAGE_HIGH).op(I32.and).get(asidBits).op(I32.or).set(hi);
  code.get(at).memory(I32.load, 0).tee(lo).i32(-BLOCK_UNITS).op(I32.and).tee(key);
  code.get(hi).i32(SALT_FACTOR).op(I32.mul).op(I32.xor).i32(HASH_FACTOR).op(I32.mul).get(shift).op(I32.shrU).set(bucket);
  const found = code.block();
  const search = code.loop();
  code.get(bucket).i32(2).op(I32.shl).get(hash).op(I32.add).memory(I32.load, 0).tee(block).op(I32.eqz).if(TYPE_EMPTY);
  code.get(key).get(hi).call(entering).set(block);
  readPlaces();
  code.br(found).end();
  code.get(block).i32(2).op(I32.shl).tee(first).get(tagLo).op(I32.add).memory(I32.load, 0).get(key).op(I32.eq);
  code.get(first).get(tagHi).op(I32.add).memory(I32.load, 0).get(hi).op(I32.eq).op(I32.and).brIf(found);
  code.get(bucket).i32(1).op(I32.add).i32(-1).get(shift).op(I32.shrU).op(I32.and).set(bucket).br(search).end().end();
  code.get(block).i32(BLOCK_SHIFT).op(I32.shl).get(lo).i32(BLOCK_UNITS - 1).op(I32.and).op(I32.or).i32(RESOLVED_UNIT_SHIFT).op(I32.shl);
  held().op(I32.or).get(access).op(I32.or).set(record);
  // A first write next to the read of its page.
  code.get(record).get(last).op(I32.xor).i32(~(RESOLVED_HELD << RESOLVED_HELD_SHIFT)).op(I32.and).i32(RESOLVED_READ_WRITE).op(I32.eq);
  code.get(record).i32((RESOLVED_HELD << RESOLVED_HELD_SHIFT) | 3).op(I32.and).i32(ACCESS_WRITE).op(I32.eq).op(I32.and).get(merge).op(I32.and).if(TYPE_EMPTY);
  code.get(out).i32(4).op(I32.sub).get(last).i32(RESOLVED_READ_WRITE).op(I32.or).tee(last).memory(I32.store, 0).br(next).end();
  code.get(out).get(record).tee(last).memory(I32.store, 0).get(out).i32(4).op(I32.add).set(out).end();
  code.get(at).i32(8).op(I32.add).set(at).br(loop).end().end();
  code.get(out).get(records).op(I32.sub).i32(2).op(I32.shrU);
  const resolve = module.func({ parameters: [TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I32, TYPE_I32], results: [TYPE_I32] }, code);
  module.exportFunction("resolve", resolve);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { e: { memory, enter } });
  return exports as unknown as Resolver;
}
