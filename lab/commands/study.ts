/** `foliolab study`: puts a published claim to the test, and shows the claim beside the result. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import Table from "cli-table3";
import { ConfigError } from "../../emulator/arch/errors.js";
import type { StudyOptions } from "../cli.js";
import { namedConfig, parseConfig } from "../config.js";
import type { RunResult } from "../result.js";
import type { Finding, Study } from "../studies/study.js";
import { STUDIES, studyOf } from "../studies/table.js";
import { checkWritable, say, writeJson } from "./output.js";
import { runHere } from "./run.js";

/** Schema of what `study --json` writes: claim, findings, and the result of every run by its label. */
export const STUDY_SCHEMA = "foliolab/study/1";

const PLAIN = { style: { head: [], border: [], compact: true } };
/** Characters of a line of text. */
const WIDTH = 110;

/** Text in lines of at most WIDTH characters. */
function wrapped(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    if (last !== "" && last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join("\n");
}

export function studyList(): string {
  const table = new Table({ ...PLAIN, head: ["study", "claim", "runs"] });
  for (const { name, title, runs } of STUDIES) table.push([name, title, Object.keys(runs).length]);
  return `${table.toString()}\n"foliolab study NAME" puts one to the test; "foliolab study all" all of them.`;
}

export function studyReport(study: Study, findings: readonly Finding[]): string {
  const table = new Table({ ...PLAIN, head: ["", "claimed", "measured", ""] });
  for (const { what, claimed, measured, agrees } of findings) table.push([what, claimed, measured, agrees ? "agrees" : "DIFFERS"]);
  const parts = [`${study.name}: ${study.title}`, wrapped(study.claim), `Source: ${study.source}`, ...(study.differs === "" ? [] : [wrapped(`Here: ${study.differs}`)]), table.toString()];
  return parts.join("\n");
}

/** The guest program of a run, in `folder`. */
function guestProgram(folder: string, name: string): string {
  const path = join(folder, name);
  if (!existsSync(path)) throw new ConfigError(`${path}: not there; \`make guests\` builds the programs of the studies, --programs names their folder`);
  return path;
}

async function runStudy(study: Study, options: StudyOptions): Promise<{ study: Study; findings: readonly Finding[]; results: Readonly<Record<string, RunResult>> }> {
  const base = parseConfig(options);
  const results: Record<string, RunResult> = {};
  for (const [label, { config, program, args }] of Object.entries(study.runs)) {
    const path = guestProgram(options.programs ?? join("build", "guest"), program);
    const result = await runHere({ config: namedConfig(base, config), program: path, args, label: `${study.name}, ${config} ${program} ${args.join(" ")}: `, guestOutput: false });
    if (!("code" in result.exit) || result.exit.code !== 0) throw new ConfigError(`${path} ${args.join(" ")} under ${config} ended with ${JSON.stringify(result.exit)}`);
    results[label] = result;
  }
  return { study, findings: study.findings((label) => results[label]!), results };
}

/** Lists the studies without a name. Returns 0 if all findings agree with the claim, else 1. */
export async function studyCommand(name: string | undefined, options: StudyOptions): Promise<number> {
  if (name === undefined) {
    process.stdout.write(`${studyList()}\n`);
    return 0;
  }
  const studies = name === "all" ? STUDIES : [studyOf(name)];
  checkWritable("--json", options.json);
  const done = [];
  for (const study of studies) {
    const outcome = await runStudy(study, options);
    done.push(outcome);
    if (options.quiet !== true) say(`${done.length > 1 ? "\n" : ""}${studyReport(study, outcome.findings)}`);
  }
  if (options.json !== undefined) {
    writeJson(options.json, {
      schema: STUDY_SCHEMA,
      studies: done.map(({ study: { name: own, title, claim, source, differs }, findings, results }) => ({ name: own, title, claim, source, differs, findings, results })),
    });
  }
  return done.every(({ findings }) => findings.every(({ agrees }) => agrees)) ? 0 : 1;
}
