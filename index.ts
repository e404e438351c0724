/**
 * foliolab as a library: configurations, runs and results; the machine below them for experiments of one's own.
 *
 * `import { runProgram, parseConfig, loadProgram } from "foliolab"`. The result of a run is what docs/run.schema.json describes.
 */
export { ConfigError, ModelBug, NotModelled } from "./emulator/arch/errors.js";
export { granule, type Granule, type GranuleName } from "./emulator/arch/granule.js";
export { CORE_NAMES, corePreset, parseCore, type CorePreset } from "./emulator/mmu/cores.js";
export { DEFAULT_CONFIG, NAMED_CONFIGS, namedConfig, parseConfig, type ConfigOptions, type RunConfig } from "./lab/config.js";
export { createMachine, type Machine, type MachineParts } from "./lab/machine.js";
export { loadProgram, type Program } from "./lab/program.js";
export { comparisonTable, type ComparisonRow } from "./lab/report/comparison.js";
export { summarize } from "./lab/report/summary.js";
export type { RunResult, TlbStats } from "./lab/result.js";
export { runProgram, type RunProgress, type RunRequest } from "./lab/run.js";
export { VERSION } from "./lab/version.js";
