/** Loads and stores of SIMD structures: LD1 to LD4, ST1 to ST4, LD1R to LD4R. Arm: DDI 0487 C4.1.94. */
import type { Local } from "../binary/code.js";
import { I16X8, I32, I32X4, I64, I64X2, I8X16, TYPE_I64, TYPE_V128 } from "../binary/opcodes.js";
import { encoding, type Encoding } from "../decode/encoding.js";
import type { Translator } from "../translator.js";
import { base } from "./simd-loads-stores.js";

const BYTES = [1, 2, 4, 8] as const;
const SPLAT = [I8X16.splat, I16X8.splat, I32X4.splat, I64X2.splat] as const;
const EXTRACT = [I8X16.extractLaneU, I16X8.extractLaneU, I32X4.extractLane, I64X2.extractLane] as const;
const REPLACE = [I8X16.replaceLane, I16X8.replaceLane, I32X4.replaceLane, I64X2.replaceLane] as const;

/** A byte of one of several vectors. */
interface Source {
  readonly vector: number;
  readonly byte: number;
}

/** Pushes the vector of these bytes; missing ones are anything. */
function gather(t: Translator, vectors: readonly Local[], bytes: readonly Source[]): void {
  const { code } = t;
  const at = (index: number): Source => bytes[index] ?? { vector: 0, byte: index };
  const lanes = Array.from({ length: 16 }, (_, index) => index);
  code.get(vectors[0]!);
  for (let vector = 1; vector < vectors.length; vector++) {
    // So far the vectors below this one are in place; the first step moves vector 0 as well.
    code.get(vectors[vector]!);
    code.shuffle(lanes.map((lane) => (at(lane).vector === vector ? 16 + at(lane).byte : vector === 1 && at(lane).vector === 0 ? at(lane).byte : lane)));
  }
  if (vectors.length === 1) code.get(vectors[0]!).shuffle(lanes.map((lane) => at(lane).byte));
}

/** Registers of LDn and STn (multiple structures) by opcode: elements of a structure, and registers in turn. */
const SHAPES: readonly ({ readonly structure: number; readonly registers: number } | undefined)[] = [
  { structure: 4, registers: 4 }, undefined, { structure: 1, registers: 4 }, undefined, { structure: 3, registers: 3 }, undefined, { structure: 1, registers: 3 },
  { structure: 1, registers: 1 }, { structure: 2, registers: 2 }, undefined, { structure: 1, registers: 2 },
];

function multipleAllocated({ Q, opcode, size }: { readonly Q: number; readonly opcode: number; readonly size: number }): boolean {
  const shape = SHAPES[opcode];
  return shape !== undefined && !(size === 3 && Q === 0 && shape.structure !== 1);
}

/** Pops a vector of which the low half counts if Q is 0. */
function setVector(t: Translator, Q: number, Rd: number): void {
  if (Q === 0) t.code.i64(0).lane(I64X2.replaceLane, 1);
  t.setV(Rd);
}

/** Returns the bytes accessed. */
function multiple(t: Translator, Q: number, L: number, opcode: number, size: number, address: Local, Rt: number): number {
  const { structure, registers } = SHAPES[opcode]!;
  const { code } = t;
  const bytes = 8 << Q;
  const total = bytes * registers;
  // Registers one behind the other are accessed in 64-bit words, structures element by element.
  const unit = structure === 1 ? 8 : BYTES[size]!;
  // Where byte `index` of register `register` lies in memory.
  const place = (register: number, index: number): number =>
    structure === 1 ? register * bytes + index : (Math.floor(index / unit) * structure + register) * unit + (index % unit);
  if (L === 1) {
    const vectors = t.loadRun(unit, total / unit, address, 0);
    for (let register = 0; register < registers; register++) {
      if (structure === 1 && Q === 1) {
        code.get(vectors[register]!);
        t.setV((Rt + register) % 32);
      } else if (structure === 1) {
        code.get(vectors[register >> 1]!).lane(I64X2.extractLane, register & 1);
        t.setDBits((Rt + register) % 32);
      } else {
        gather(t, vectors, Array.from({ length: bytes }, (_, index) => ({ vector: place(register, index) >> 4, byte: place(register, index) & 15 })));
        setVector(t, Q, (Rt + register) % 32);
      }
    }
    return total;
  }
  const sources = Array.from({ length: registers }, (_, register) => {
    const local = t.temp(TYPE_V128);
    t.getV((Rt + register) % 32);
    code.set(local);
    return local;
  });
  if (structure === 1 && Q === 1) {
    t.storeRun(8, total / 8, address, 0, sources);
    return total;
  }
  const order: Source[] = [];
  for (let register = 0; register < registers; register++) {
    for (let index = 0; index < bytes; index++) order[place(register, index)] = { vector: register, byte: index };
  }
  const values: Local[] = [];
  for (let at = 0; at < total; at += 16) {
    const value = t.temp(TYPE_V128);
    gather(t, sources, order.slice(at, at + 16));
    code.set(value);
    values.push(value);
  }
  t.storeRun(unit, total / unit, address, 0, values);
  return total;
}

/** Element size, structure and lane of the single structure forms; undefined: unallocated. */
function singleShape({ Q, L, R, opcode, S, size }: { readonly Q: number; readonly L: number; readonly R: number; readonly opcode: number; readonly S: number; readonly size: number }):
  { readonly scale: number; readonly structure: number; readonly lane: number; readonly replicate: boolean } | undefined {
  const structure = ((opcode & 1) << 1 | R) + 1;
  const lane = Q << 3 | S << 2 | size;
  switch (opcode >> 1) {
    case 0:
      return { scale: 0, structure, lane, replicate: false };
    case 1:
      return (size & 1) !== 0 ? undefined : { scale: 1, structure, lane: lane >> 1, replicate: false };
    case 2:
      if ((size & 2) !== 0) return undefined;
      if (size === 0) return { scale: 2, structure, lane: lane >> 2, replicate: false };
      return S === 1 ? undefined : { scale: 3, structure, lane: lane >> 3, replicate: false };
    default:
      return L === 0 || S === 1 ? undefined : { scale: size, structure, lane: 0, replicate: true };
  }
}

interface SingleFields {
  readonly Q: number;
  readonly L: number;
  readonly R: number;
  readonly opcode: number;
  readonly S: number;
  readonly size: number;
  readonly Rt: number;
}

/** Pushes element `index` of the run in `vectors`: i32, or i64 of 64-bit elements. */
function element(t: Translator, vectors: readonly Local[], scale: number, index: number): void {
  const perVector = 16 >> scale;
  t.code.get(vectors[Math.floor(index / perVector)]!).lane(EXTRACT[scale]!, index % perVector);
}

/** Returns the bytes accessed. */
function single(t: Translator, fields: SingleFields, address: Local): number {
  const { scale, structure, lane, replicate } = singleShape(fields)!;
  const { code } = t;
  const bytes = BYTES[scale]!;
  const register = (index: number): number => (fields.Rt + index) % 32;
  if (fields.L === 1) {
    const value = t.temp(TYPE_I64);
    const vectors = structure === 1 ? [] : t.loadRun(bytes, structure, address, 0);
    if (structure === 1) {
      t.load(bytes, address, 0);
      code.set(value);
    }
    const push = (index: number): void => {
      if (structure !== 1) element(t, vectors, scale, index);
      else if (scale === 3) code.get(value);
      else code.get(value).op(I32.wrapI64);
    };
    for (let index = 0; index < structure; index++) {
      if (replicate) {
        push(index);
        code.op(SPLAT[scale]!);
        setVector(t, fields.Q, register(index));
      } else {
        t.getV(register(index));
        push(index);
        code.lane(REPLACE[scale]!, lane);
        t.setV(register(index));
      }
    }
  } else if (structure === 1) {
    const value = t.temp(TYPE_I64);
    t.getV(register(0));
    code.lane(EXTRACT[scale]!, lane);
    if (scale !== 3) code.op(I64.extendI32U);
    code.set(value);
    t.store(bytes, address, 0, value);
  } else {
    const values: Local[] = [];
    for (let index = 0; index < structure; index++) {
      const perVector = 16 >> scale;
      if (index % perVector === 0) {
        values.push(t.temp(TYPE_V128));
        code.v128(0n, 0n);
      } else code.get(values.at(-1)!);
      t.getV(register(index));
      code.lane(EXTRACT[scale]!, lane).lane(REPLACE[scale]!, index % perVector).set(values.at(-1)!);
    }
    t.storeRun(bytes, structure, address, 0, values);
  }
  return structure * bytes;
}

/** Adds Rm, or the bytes accessed if Rm is 31, to the base register. */
function postIndex(t: Translator, Rn: number, Rm: number, address: Local, bytes: number): void {
  t.code.get(address);
  if (Rm === 31) t.code.i64(bytes);
  else t.getX(Rm);
  t.code.op(I64.add);
  t.setXSp(Rn);
}

export const SIMD_STRUCTURES: readonly Encoding[] = [
  encoding("LDn/STn (multiple structures)", "0 Q:1 0011000 L:1 000000 opcode:4 size:2 Rn:5 Rt:5", (t, { Q, L, opcode, size, Rn, Rt }) => {
    multiple(t, Q, L, opcode, size, base(t, Rn), Rt);
  }, multipleAllocated),
  encoding("LDn/STn (multiple structures, post-index)", "0 Q:1 0011001 L:1 0 Rm:5 opcode:4 size:2 Rn:5 Rt:5", (t, { Q, L, Rm, opcode, size, Rn, Rt }) => {
    const address = base(t, Rn);
    postIndex(t, Rn, Rm, address, multiple(t, Q, L, opcode, size, address, Rt));
  }, multipleAllocated),
  encoding("LDn/STn (single structure)", "0 Q:1 0011010 L:1 R:1 00000 opcode:3 S:1 size:2 Rn:5 Rt:5", (t, fields) => {
    single(t, fields, base(t, fields.Rn));
  }, (fields) => singleShape(fields) !== undefined),
  encoding("LDn/STn (single structure, post-index)", "0 Q:1 0011011 L:1 R:1 Rm:5 opcode:3 S:1 size:2 Rn:5 Rt:5", (t, fields) => {
    const address = base(t, fields.Rn);
    postIndex(t, fields.Rn, fields.Rm, address, single(t, fields, address));
  }, (fields) => singleShape(fields) !== undefined),
];
