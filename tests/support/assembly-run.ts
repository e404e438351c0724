/** Runs assembly text on the WebAssembly engine alone, from given registers, to its end. */
import type { Pa, Va } from "../../emulator/arch/addr.js";
import { PERM_EXEC, PERM_READ, PERM_WRITE, type Exit } from "../../emulator/engine/engine.js";
import { ENGINE_BYTES } from "../../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../../emulator/engine/wasm/wasm-engine.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";
import { assemble } from "./assembly.js";

const PAGE = 4096;
const SVC = 0xd400_0001;
/** Where the code starts, and a page of data. */
export const CODE = 0x1_0000;
export const DATA = 0x2_0000;

export interface Start {
  /** By number; the others are 0. */
  readonly x?: Readonly<Record<number, bigint>>;
  readonly sp?: bigint;
  readonly nzcv?: number;
  /** 64-bit words at DATA. */
  readonly memory?: readonly bigint[];
}

export interface End {
  readonly exit: Exit;
  readonly x: readonly bigint[];
  readonly sp: bigint;
  readonly pc: number;
  /** The four flags as in the instruction's `#nzcv`. */
  readonly flags: number;
  readonly fpcr: number;
  readonly fpsr: number;
  readonly tpidr: bigint;
  /** Of the page at DATA. */
  readonly words: BigUint64Array;
  readonly loads: number;
  readonly stores: number;
}

/** Runs the code, and the SVC behind it if it comes there. */
export function runAssembly(source: string, { x = {}, sp = 0n, nzcv = 0, memory = [] }: Start = {}): End {
  const ram = new PhysicalMemory(1 << 20, ENGINE_BYTES);
  const engine = createWasmEngine(ram, { pageSize: PAGE, trace: false }, { coldRuns: 0 });
  try {
    const code = assemble(source);
    ram.u8.set(code, CODE);
    ram.u32[(CODE + code.length) / 4] = SVC;
    ram.u64.set(memory, DATA / 8);
    engine.installTranslation(CODE as Va, CODE as Pa, PERM_READ | PERM_EXEC);
    engine.installTranslation(DATA as Va, DATA as Pa, PERM_READ | PERM_WRITE);
    const { registers } = engine;
    for (const [n, value] of Object.entries(x)) registers.setX(Number(n), BigInt.asUintN(64, value));
    registers.sp = sp;
    registers.nzcv = nzcv * 2 ** 28;
    registers.pc = BigInt(CODE);
    const exit = engine.run(100_000);
    return {
      exit,
      x: Array.from({ length: 31 }, (_, n) => registers.x(n)),
      sp: registers.sp,
      pc: Number(registers.pc),
      flags: registers.nzcv / 2 ** 28,
      fpcr: registers.fpcr,
      fpsr: registers.fpsr,
      tpidr: registers.tpidrEl0,
      words: ram.u64.slice(DATA / 8, (DATA + PAGE) / 8),
      loads: engine.counters.loads,
      stores: engine.counters.stores,
    };
  } finally {
    engine.dispose();
  }
}
