/** `foliolab curve`: misses of TLBs of every size from one run. */
import Table from "cli-table3";
import { ConfigError } from "../../emulator/arch/errors.js";
import { signalNumber } from "../../kernel-model/kernel/signal-numbers.js";
import type { CurveOptions } from "../cli.js";
import { parseConfig } from "../config.js";
import { CURVE_SIDES, MissCurve, type CurvePoint, type CurveResult } from "../curve/miss-curve.js";
import { count, ratio } from "../report/format.js";
import { exitStatus } from "../result.js";
import { checkWritable, say, writeJson, writeResult } from "./output.js";
import { runHere } from "./run.js";

/** Sizes of the table on the terminal: those of real TLBs. */
const SHOWN = [1, 2, 4, 8, 10, 16, 32, 48, 64, 96, 128, 256, 512, 1024, 1280, 1536, 2048, 4096, 8192, 16384, 32768, 65536];
/** Every size of the CSV, even where the curve is flat, up to here. */
const CSV_LEAST = 2048;

/** entries, misses, misses_without_contiguous: a row for every size. */
export function curveCsv(curve: Pick<MissCurve, "at" | "enough">): string {
  const last = Math.max(CSV_LEAST, curve.enough());
  let text = "entries,misses,misses_without_contiguous\n";
  for (let entries = 1; entries <= last; entries++) {
    const { misses, withoutContiguous } = curve.at(entries);
    text += `${entries},${misses},${withoutContiguous}\n`;
  }
  return text;
}

function curveTable(result: CurveResult, at: (entries: number) => CurvePoint): string {
  const table = new Table({ style: { head: [], border: [], compact: true }, head: ["entries", "misses", "without contiguous bit", ""], colAligns: ["right", "right", "right", "right"] });
  const sizes = [...SHOWN.filter((entries) => entries < result.enough), result.enough];
  for (const entries of sizes) {
    const { misses, withoutContiguous } = at(entries);
    table.push([count(entries), count(misses), count(withoutContiguous), ratio(misses, withoutContiguous)]);
  }
  return `${table.toString()}\nFully associative LRU, ${result.side === "both" ? "fetches, loads and stores" : result.side === "data" ? "loads and stores" : "fetches"}. From ${count(result.enough)} entries on nothing changes.`;
}

/** Returns the guest's exit status, or 128 + signal. */
export async function curveCommand(program: string, args: readonly string[], options: CurveOptions): Promise<number> {
  const side = CURVE_SIDES.find((name) => name === (options.side ?? "data"));
  if (side === undefined) throw new ConfigError(`--side ${options.side}: must be one of ${CURVE_SIDES.join(", ")}`);
  for (const option of ["json", "csv", "svg"] as const) checkWritable(`--${option}`, options[option]);
  const curve = new MissCurve(side);
  const plain = await runHere({ config: parseConfig(options), program, args, analyses: [curve] });
  const result = curve.result();
  if (options.json !== undefined) writeJson(options.json, { ...plain, curve: result });
  if (options.csv !== undefined) writeResult("--csv", options.csv, Buffer.from(curveCsv(curve)));
  if (options.svg !== undefined) {
    const { curveSvg } = await import("../report/html/curve.js");
    writeResult("--svg", options.svg, Buffer.from(curveSvg(result)));
  }
  if (options.quiet !== true) say(curveTable(result, (entries) => curve.at(entries)));
  return exitStatus(plain, signalNumber);
}
