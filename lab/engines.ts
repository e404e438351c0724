/** The engines by name, each on guest RAM of its own. The browser's page has a table of its own: it cannot load the Unicorn addon. */
import { ConfigError } from "../emulator/arch/errors.js";
import type { Engine, EngineOptions } from "../emulator/engine/engine.js";
import { EXECUTED_HWCAP } from "../emulator/engine/hwcap.js";
import { createUnicornEngine } from "../emulator/engine/unicorn.js";
import { createWasmEngine } from "../emulator/engine/wasm/wasm-engine.js";
import { ENGINE_BYTES } from "../emulator/engine/wasm/layout.js";
import { MAX_MEMORY_BYTES, PhysicalMemory } from "../emulator/memory/physical-memory.js";
import { formatSize, type EngineName } from "./config.js";

export interface EngineOnMemory {
  readonly memory: PhysicalMemory;
  readonly engine: Engine;
  /** AT_HWCAP: what it executes. */
  readonly hwcap: number;
}

/** Makes guest RAM of `bytes` and an engine that executes in it. */
export type EngineFactory = (bytes: number, options: EngineOptions) => EngineOnMemory;

/** Throws ConfigError if its own data do not fit behind RAM. */
export function wasmOnMemory(bytes: number, options: EngineOptions): EngineOnMemory {
  const most = MAX_MEMORY_BYTES - ENGINE_BYTES;
  if (bytes > most) throw new ConfigError(`--memory ${formatSize(bytes)}: the wasm engine keeps its data beside guest RAM, which leaves at most ${formatSize(most)}`);
  const memory = new PhysicalMemory(bytes, ENGINE_BYTES);
  return { memory, engine: createWasmEngine(memory, options), hwcap: EXECUTED_HWCAP };
}

export const ENGINES: Readonly<Record<EngineName, EngineFactory>> = {
  unicorn: (bytes, options) => {
    const memory = new PhysicalMemory(bytes);
    return { memory, engine: createUnicornEngine(memory, options), hwcap: EXECUTED_HWCAP };
  },
  wasm: wasmOnMemory,
};
