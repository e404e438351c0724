/** Runs a few SIMD instructions on the WebAssembly engine alone, from given registers. */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { PERM_EXEC, PERM_READ, PERM_WRITE } from "../../emulator/engine/engine.js";
import { ENGINE_BYTES } from "../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../emulator/engine/wasm/wasm-engine.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";

const PAGE = 4096;
const SVC = 0xd400_0001;
export const CODE = 0x1_0000;
export const DATA = 0x2_0000;

export interface VectorRun {
  /** 128-bit values by register number; the others are 0. */
  readonly v?: Readonly<Record<number, bigint>>;
  readonly x?: Readonly<Record<number, bigint>>;
  /** Bytes at DATA. */
  readonly memory?: readonly number[];
}

export interface VectorResult {
  v(n: number): bigint;
  x(n: number): bigint;
  readonly fpsr: number;
  readonly loads: number;
  readonly stores: number;
  /** The page at DATA. */
  readonly memory: Uint8Array;
}

/** Runs `words`, which must come to the SVC behind them. */
export function runVectors(words: readonly number[], { v = {}, x = {}, memory = [] }: VectorRun = {}): VectorResult {
  const ram = new PhysicalMemory(1 << 20, ENGINE_BYTES);
  const engine = createWasmEngine(ram, { pageSize: PAGE, trace: false }, { coldRuns: 0 });
  ram.u32.set([...words, SVC], CODE / 4);
  ram.u8.set(memory, DATA);
  engine.installTranslation(CODE as Va, CODE as Pa, PERM_READ | PERM_EXEC);
  engine.installTranslation(DATA as Va, DATA as Pa, PERM_READ | PERM_WRITE);
  const { registers } = engine;
  for (const [n, value] of Object.entries(v)) {
    registers.vectors[2 * Number(n)] = BigInt.asUintN(64, value);
    registers.vectors[2 * Number(n) + 1] = value >> 64n;
  }
  for (const [n, value] of Object.entries(x)) registers.setX(Number(n), value);
  registers.pc = BigInt(CODE);
  const exit = engine.run(Infinity);
  if (exit.reason !== "svc") throw new Error(`the instructions ended in ${exit.reason} at ${registers.pc.toString(16)}`);
  const result = {
    vectors: registers.vectors.slice(), general: Array.from({ length: 31 }, (_, n) => registers.x(n)), fpsr: registers.fpsr,
    loads: engine.counters.loads, stores: engine.counters.stores, memory: ram.u8.slice(DATA, DATA + PAGE),
  };
  engine.dispose();
  return { ...result, v: (n) => result.vectors[2 * n]! | (result.vectors[2 * n + 1]! << 64n), x: (n) => result.general[n]! };
}
