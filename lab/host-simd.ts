/** Switches on what Node's V8 has behind a flag: relaxed SIMD, whose fused multiply-add the WebAssembly engine takes where it is offered. */
import { setFlagsFromString } from "node:v8";

/** V8 11 (Node 20) has relaxed SIMD as an experiment; later ones have it without being asked, and do not know the flag. */
const WITH_FLAG = /^11\./;

/** To be called before the engine is made. Results are the same without: this is for speed. */
export function offerRelaxedSimd(): void {
  if (WITH_FLAG.test(process.versions.v8)) setFlagsFromString("--experimental-wasm-relaxed-simd");
}
