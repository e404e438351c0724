/** Capstone behind an interface: AArch64 instructions as text. Loaded when first needed, since most runs never crash. */
import type { Va } from "../emulator/arch/addr.js";

export interface Disassembler {
  /** Text of the instruction `word` at `address`, e.g. "str x0, [x1]"; ".inst 0x..." where Capstone knows none. */
  one(word: number, address: Va): string;
}

export async function loadDisassembler(): Promise<Disassembler> {
  const { Capstone, Const, loadCapstone } = await import("capstone-wasm");
  await loadCapstone();
  const capstone = new Capstone(Const.CS_ARCH_ARM64, Const.CS_MODE_LITTLE_ENDIAN);
  return {
    one(word, address) {
      const code = new Uint8Array([word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24]);
      try {
        const [instruction] = capstone.disasm(code, { address: BigInt(address) });
        if (instruction !== undefined) return `${instruction.mnemonic} ${instruction.opStr}`.trim();
      } catch {
        // The binding throws for words that are no instruction.
      }
      return `.inst 0x${(word >>> 0).toString(16).padStart(8, "0")}`;
    },
  };
}
