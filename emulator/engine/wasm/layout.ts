/**
 * Where the engine's own data lie: behind guest RAM, in the same WebAssembly memory.
 *
 * All offsets are relative to the end of RAM. The register words have the layout of a saved context (CONTEXT_WORDS of ../engine.ts).
 */
import { CONTEXT_WORDS } from "../engine.js";

export const X0 = 0;
export const SP = 31 * 8;
export const PC = 32 * 8;
export const NZCV = 33 * 8;
export const FPCR = 34 * 8;
export const FPSR = 35 * 8;
export const TPIDR_EL0 = 36 * 8;
export const V0 = 37 * 8;
const AFTER_CONTEXT = CONTEXT_WORDS * 8;
export const EXCLUSIVE_ADDRESS = AFTER_CONTEXT;
export const EXCLUSIVE_LOW = AFTER_CONTEXT + 8;
export const EXCLUSIVE_HIGH = AFTER_CONTEXT + 16;
/** i64: instructions that may still be executed. */
export const LEFT = AFTER_CONTEXT + 24;
/** i64: loads and stores executed. */
export const LOADS = AFTER_CONTEXT + 32;
export const STORES = AFTER_CONTEXT + 40;
/** i64: address of the access that was refused. */
export const FAR = AFTER_CONTEXT + 48;

/** Bytes that the engine needs behind RAM: whole pages of WebAssembly. */
export const ENGINE_BYTES = 65536;
