/** The studies, in the order of the list. A new one is a file beside this and a line here. */
import { ConfigError } from "../../emulator/arch/errors.js";
import { COW_AFTER_FORK } from "./cow-after-fork.js";
import { EXIT_BATCH } from "./exit-batch.js";
import { FAULT_COUNT } from "./fault-count.js";
import { FORK_BATCH } from "./fork-batch.js";
import { MEMORY_COST } from "./memory-cost.js";
import { PAGE_SIZES } from "./page-sizes.js";
import { PROTECT_TOGGLE } from "./protect-toggle.js";
import type { Study } from "./study.js";
import { TLB_REACH } from "./tlb-reach.js";
import { UNMAP_BATCH } from "./unmap-batch.js";

export const STUDIES: readonly Study[] = [FAULT_COUNT, TLB_REACH, PAGE_SIZES, MEMORY_COST, FORK_BATCH, UNMAP_BATCH, EXIT_BATCH, PROTECT_TOGGLE, COW_AFTER_FORK];

/** The study of this name. Throws ConfigError with the names there are. */
export function studyOf(name: string): Study {
  const study = STUDIES.find((candidate) => candidate.name === name);
  if (study === undefined) throw new ConfigError(`there is no study "${name}"; known: ${STUDIES.map((candidate) => candidate.name).join(", ")}`);
  return study;
}
