/** Writes the table of instructions in docs/engine-wasm.md from the decode table. Usage: npx tsx tests/support/write-instruction-table.ts */
import { readFileSync, writeFileSync } from "node:fs";
import { ENCODINGS } from "../../emulator/engine/wasm/a64/encodings.js";
import { instructionTable, TABLE_PLACE } from "./encoding-classes.js";

const PAGE = "docs/engine-wasm.md";
writeFileSync(PAGE, readFileSync(PAGE, "utf8").replace(TABLE_PLACE, (_all, start: string, _table, end: string) => `${start}${instructionTable(ENCODINGS).join("\n")}\n${end}`));
