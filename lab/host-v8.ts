/** What Node's V8 has behind flags and serves the WebAssembly engine. Results are the same without: all of it is for speed. */
import { setFlagsFromString } from "node:v8";

/** V8 11 is that of Node 20. Later ones have relaxed SIMD without being asked, and other tiers of compilers. */
const V8_OF_NODE_20 = /^11\./;

/**
 * Bytes of bytecode that a function runs through before it is optimised, four times V8's own number. The engine's translator is large and runs
 * a short while: optimising it took a sixth of the processor time of a run of half a second.
 */
const INTERRUPT_BUDGET = 270_336;

/** To be called before the engine is made. Relaxed SIMD has a fused multiply-add. */
export function prepareV8(): void {
  if (!V8_OF_NODE_20.test(process.versions.v8)) return;
  setFlagsFromString("--experimental-wasm-relaxed-simd");
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
