/** The WebAssembly engine with guest RAM of its own. Needs nothing of the host but WebAssembly, so the browser's page has it too. */
import { ConfigError } from "../emulator/arch/errors.js";
import type { Engine, EngineOptions } from "../emulator/engine/engine.js";
import { EXECUTED_HWCAP } from "../emulator/engine/hwcap.js";
import { ENGINE_BYTES } from "../emulator/engine/wasm/layout.js";
import { createWasmEngine } from "../emulator/engine/wasm/wasm-engine.js";
import { MAX_MEMORY_BYTES, PhysicalMemory } from "../emulator/memory/physical-memory.js";
import { formatSize } from "./config.js";

export interface EngineOnMemory {
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  /** AT_HWCAP: what it executes. */
  readonly hwcap: number;
}

/** Makes guest RAM of `bytes` and an engine that executes in it. */
export type EngineFactory = (bytes: number, options: EngineOptions) => EngineOnMemory;

/** Throws ConfigError if the engine's own data do not fit behind RAM. */
export function wasmOnMemory(bytes: number, options: EngineOptions): EngineOnMemory {
  const most = MAX_MEMORY_BYTES - ENGINE_BYTES;
  if (bytes > most) throw new ConfigError(`--memory ${formatSize(bytes)}: the wasm engine keeps its data beside guest RAM, which leaves at most ${formatSize(most)}`);
  const memory = new PhysicalMemory(bytes, ENGINE_BYTES);
  return { memory, engine: createWasmEngine(memory, options), hwcap: EXECUTED_HWCAP };
}
