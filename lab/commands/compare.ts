/** `foliolab compare`: one program under several configurations, one table. */
import type { CompareOptions } from "../cli.js";
import { NAMED_CONFIGS, namedConfig, parseConfig } from "../config.js";
import { comparisonTable, type ComparisonRow } from "../report/comparison.js";
import { runHere } from "./run.js";
import { checkWritable, say, writeJson } from "./output.js";

/** Schema of what `compare --json` writes: the results of the runs by configuration name, in table order. */
export const COMPARE_SCHEMA = "foliolab/compare/1";

/**
 * Runs the program once per configuration. Guest output is shown for the first run only. Returns 0 if every run ended with exit status 0,
 * else 1: a program that behaves differently under another page size shows here.
 */
export async function compareCommand(program: string, args: readonly string[], options: CompareOptions): Promise<number> {
  checkWritable("--json", options.json);
  const base = parseConfig(options);
  const names = (options.configs ?? Object.keys(NAMED_CONFIGS).join(",")).split(",").filter((name) => name !== "");
  const configs = names.map((name) => ({ name, config: namedConfig(base, name) }));
  const rows: ComparisonRow[] = [];
  for (const { name, config } of configs) {
    const result = await runHere({ config, program, args, label: `${name}: `, guestOutput: rows.length === 0 });
    rows.push({ name, result });
  }
  if (options.json !== undefined) writeJson(options.json, { schema: COMPARE_SCHEMA, runs: rows.map(({ name, result }) => ({ name, result })) });
  if (options.quiet !== true) say(comparisonTable(rows));
  for (const { name, result } of rows) {
    if ("signal" in result.exit) say(`${name}: killed by ${result.exit.signal}${result.crash === null ? "" : ` at pc ${result.crash.pc}: ${result.crash.reason}`}`);
    else if (result.exit.code !== 0) say(`${name}: exit status ${result.exit.code}`);
  }
  return rows.every(({ result }) => "code" in result.exit && result.exit.code === 0) ? 0 : 1;
}
