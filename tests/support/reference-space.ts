/** Which words the reference engine carries out, whatever they do. */
import type { Pa, Pfn, Va } from "../../emulator/arch/addr.js";
import { CONTEXT_WORDS, PERM_EXEC, PERM_READ, PERM_WRITE } from "../../emulator/engine/engine.js";
import { createUnicornEngine } from "../../emulator/engine/unicorn.js";
import { PhysicalMemory } from "../../emulator/memory/physical-memory.js";

const PAGE = 4096;
const CODE_VA = 0x40_0000;
const CODE_PA = 0x1_0000;
const DATA_VA = 0x50_0000;
const DATA_PA = 0x2_0000;
const PC = 32;

/** For each word whether the reference engine raises an undefined-instruction exit for it. */
export function undefinedInReference(words: readonly number[]): boolean[] {
  const memory = new PhysicalMemory(1 << 20);
  const engine = createUnicornEngine(memory, { pageSize: PAGE, trace: false });
  try {
    engine.installTranslation(CODE_VA as Va, CODE_PA as Pa, PERM_READ | PERM_EXEC);
    engine.installTranslation(DATA_VA as Va, DATA_PA as Pa, PERM_READ | PERM_WRITE);
    const context = new BigUint64Array(CONTEXT_WORDS).fill(BigInt(DATA_VA + PAGE / 2), 0, PC);
    return words.map((_word, i) => {
      const slot = i % (PAGE / 4);
      if (slot === 0) {
        engine.discardCode((CODE_PA / PAGE) as Pfn);
        for (let k = 0; k < PAGE / 4; k++) memory.u32[CODE_PA / 4 + k] = words[i + k] ?? 0;
      }
      context[PC] = BigInt(CODE_VA + 4 * slot);
      engine.restoreContext(context);
      // It may say so of the word behind, which it could not translate, instead of `budget-spent`.
      return engine.run(1).reason === "undefined-instruction" && engine.registers.pc === context[PC];
    });
  } finally {
    engine.dispose();
  }
}
