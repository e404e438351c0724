/** The engines by name. The browser's page has the WebAssembly engine alone: it cannot load the Unicorn addon. */
import { EXECUTED_HWCAP } from "../emulator/engine/hwcap.js";
import { createUnicornEngine } from "../emulator/engine/unicorn.js";
import { PhysicalMemory } from "../emulator/memory/physical-memory.js";
import type { EngineName } from "./config.js";
import { prepareV8 } from "./host-v8.js";
import { wasmOnMemory, type EngineFactory } from "./wasm-on-memory.js";

export const ENGINES: Readonly<Record<EngineName, EngineFactory>> = {
  unicorn: (bytes, options) => {
    const memory = new PhysicalMemory(bytes);
    return { memory, engine: createUnicornEngine(memory, options), hwcap: EXECUTED_HWCAP };
  },
  wasm: (bytes, options) => {
    prepareV8();
    return wasmOnMemory(bytes, options);
  },
};
