/**
 * The command line. Each command is one file under commands/, loaded only when it is called, so that help is instant.
 */
import { Command, CommanderError } from "commander";
import { ConfigError } from "../emulator/arch/errors.js";
import { ENCODE_HELP } from "./descriptor/encode-help.js";
import { failureText } from "./failure.js";
import { CURVE_HELP, RUN_HELP, STUDY_HELP, SWEEP_HELP } from "./help.js";
import { VERSION } from "./version.js";
import type { DescriptorOptions } from "./commands/descriptor.js";
import type { ValidateCommandOptions } from "./commands/validate.js";
import type { ConfigOptions } from "./config.js";

/** Exit status for bad input: unknown option, missing file, not an AArch64 ELF. */
export const EXIT_USAGE = 2;
/** Exit status when foliolab itself failed: a bug, or something that is not modelled. */
export const EXIT_INTERNAL = 70;

export interface OutputOptions {
  readonly json?: string;
  readonly quiet?: boolean;
}

/** What `run` finds out beside the summary. */
export interface AnalysisOptions {
  readonly top?: string;
  readonly perfetto?: string;
  readonly pprof?: string;
  readonly report?: string;
  readonly curve?: boolean;
}

export type RunOptions = ConfigOptions & OutputOptions & AnalysisOptions;
export type DumpOptions = RunOptions & { readonly raw?: boolean };
export type CurveOptions = ConfigOptions & OutputOptions & { readonly csv?: string; readonly svg?: string; readonly side?: string };
export type StudyOptions = ConfigOptions & OutputOptions & { readonly programs?: string };
export interface SweepCommandOptions {
  readonly workers?: string;
  readonly output?: string;
  readonly quiet?: boolean;
}
export type CompareOptions = RunOptions & { readonly configs?: string };

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Options that shape the machine; shared by run, compare and the dumps. */
function machineOptions(command: Command): Command {
  return command
    .option("--page-size <size>", "base pages of the kernel: 4k, 16k or 64k (default 4k)")
    .option("--contpte <on|off>", "set PTE_CONT for large aligned folios, CONFIG_ARM64_CONTPTE (default on)")
    .option("--thp <setting>", "SIZE=always|inherit|madvise|never per folio size, or always|madvise|never for the top level; repeatable", collect, [])
    .option("--fs <name>", "page-cache folio policy of the root: tmpfs, xfs or ext4 (default tmpfs)")
    .option("--mount <spec>", "TYPE:/GUESTDIR[:OPTIONS], e.g. tmpfs:/t:huge=always; repeatable", collect, [])
    .option("--core <names>", "TLB presets, comma separated, or all; the first is the CPU the kernel runs on (default neoverse-n1)")
    .option("--quantum <n>", "longest run of a task while others wait, in instructions (default 1000000)")
    .option("--jitter", "vary each run between a half and one and a half of the quantum, by the seed")
    .option("--aslr <on|off>", "random addresses, by the seed (default off)")
    .option("--cpus <n>", "CPUs, each with TLBs of its own; one executes at a time (default 1)")
    .option("--memory <size>", "guest RAM, 16m to 4g (default 2g)")
    .option("--swap <size>", "swap space (default 0)")
    .option("--fragment <spec>", "fragment free memory before the run, e.g. order=4,free=50%")
    .option("--batch <on|off>", "off: fork and zap one page at a time, as before the series (default on)")
    .option("--root <dir>", "directory that the guest sees as /, read-only")
    .option("--bind <spec>", "HOST:/GUEST[:rw]; repeatable", collect, [])
    .option("--env <name=value>", "environment of the guest; repeatable", collect, [])
    .option("--engine <name>", "execution engine: wasm (default) or unicorn, which `make native` builds")
    .option("--seed <n>", "seed of everything random in a run (default 1)")
    .option("--max-instructions <n>", "end the guest after n instructions")
    .option("--timeout <seconds>", "end the guest after this many seconds of wall-clock time")
    .option("--check", "verify page tables, TLBs and accounting after every kernel operation");
}

function outputOptions(command: Command): Command {
  return command.option("--json <file>", "write the result as JSON; - is standard output").option("--quiet", "no summary");
}

function programArguments(command: Command): Command {
  return command.argument("<program>", "AArch64 Linux program").argument("[args...]", "its arguments");
}

/** Builds the command tree. `done` receives the exit status of the command that ran. */
export function buildCli(done: (status: number) => void): Command {
  const cli = new Command("foliolab")
    .description("A laboratory for Linux memory management on arm64: what page size, folio size and the contiguous bit do to a real program.")
    .version(VERSION)
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .addHelpText("after", "\nExamples:\n  foliolab run -- ./program\n  foliolab run --thp 64k=always --json - -- ./program arg\n  foliolab compare --configs 4k,4k+contpte,16k -- ./program\n");

  const run = cli.command("run").description("run a program, print what it cost; the exit status is the program's (128 + signal if it was killed)");
  programArguments(outputOptions(machineOptions(run)))
    .option("--top <n>", "who misses and who faults: the n first instructions and areas, with causes; all of it is exact, the run takes longer")
    .option("--perfetto <file>", "a time line for ui.perfetto.dev: page faults as slices; faults, TLB misses, memory and mappings as counters, over virtual time")
    .option("--pprof <file>", "TLB misses, walk cycles and page faults by instruction, for pprof, speedscope or Perfetto")
    .option("--curve", "misses of fully associative L1D TLBs of every size, with and without the contiguous bit, in --json and --report")
    .option("--report <file.html>", "everything in one HTML file: charts, tables, who misses, what maps the address space; 20 rows per list unless --top says otherwise")
    .addHelpText("after", RUN_HELP)
    .passThroughOptions()
    .action(async (program: string, args: string[], options: RunOptions) => {
      const { runCommand } = await import("./commands/run.js");
      done(await runCommand(program, args, options));
    });

  const compare = cli.command("compare").description("run a program under several kernel configurations and compare them in one table");
  programArguments(outputOptions(machineOptions(compare)))
    .option("--configs <names>", "comma separated, each with optional modifiers as in 4k+contpte:batch=off: 4k, 4k+mthp, 4k+contpte, 16k, 16k+contpte, 64k, 64k+contpte (default all seven)")
    .passThroughOptions()
    .action(async (program: string, args: string[], options: CompareOptions) => {
      const { compareCommand } = await import("./commands/compare.js");
      done(await compareCommand(program, args, options));
    });

  const curve = cli.command("curve").description("misses of fully associative TLBs of every size, from one run, with and without the contiguous bit");
  programArguments(outputOptions(machineOptions(curve)))
    .option("--csv <file>", "a row for every number of entries; - is standard output")
    .option("--svg <file>", "the curve as a picture")
    .option("--side <name>", "touches that count: data, instruction or both (default data); of both, a count may be off by what one entry more or less changes")
    .addHelpText("after", CURVE_HELP)
    .passThroughOptions()
    .action(async (program: string, args: string[], options: CurveOptions) => {
      const { curveCommand } = await import("./commands/curve.js");
      done(await curveCommand(program, args, options));
    });

  cli
    .command("sweep")
    .description("run many programs under many configurations, several at a time; goes on where it was ended; one result file per run")
    .argument("<plan>", "YAML file")
    .option("--workers <n>", "runs at a time (default: what the plan says, else one per processor)")
    .option("--output <dir>", "directory of the results (default: what the plan says, else beside the plan)")
    .option("--quiet", "no progress, no tables")
    .addHelpText("after", SWEEP_HELP)
    .action(async (plan: string, options: SweepCommandOptions) => {
      const { sweepCommand } = await import("./commands/sweep.js");
      done(await sweepCommand(plan, options));
    });

  cli
    .command("study")
    .description("put a published claim about contpte to the test: the claim beside the result; without a name, lists the studies; status 1: a finding differs")
    .argument("[name]", "a study, or all")
    .option("--programs <dir>", "folder of the guest programs (default build/guest)")
    .option("--core <names>", "TLB presets, comma separated; the first counts (default neoverse-n1)")
    .option("--engine <name>", "execution engine: wasm (default) or unicorn, which `make native` builds")
    .option("--json <file>", "write claims, findings and the result of every run as JSON; - is standard output")
    .option("--quiet", "no report, only the exit status")
    .addHelpText("after", STUDY_HELP)
    .action(async (name: string | undefined, options: StudyOptions) => {
      const { studyCommand } = await import("./commands/study.js");
      done(await studyCommand(name, options));
    });

  for (const [name, what] of [
    ["ptdump", "print the page tables of the program at exit, as ranges"],
    ["maps", "print /proc/PID/maps of the program at exit"],
    ["smaps", "print /proc/PID/smaps of the program at exit"],
  ] as const) {
    const dump = programArguments(machineOptions(cli.command(name).description(what)));
    if (name === "ptdump") dump.option("--raw", "every descriptor with its address, for `foliolab validate`");
    dump
      .passThroughOptions()
      .action(async (program: string, args: string[], options: DumpOptions) => {
        const { dumpCommand } = await import("./commands/dump.js");
        done(await dumpCommand(name, program, args, options));
      });
  }

  const descriptor = cli.command("descriptor").description("explain or make one page-table descriptor");
  const descriptorOptions = (command: Command): Command =>
    command
      .option("--page-size <size>", "translation granule: 4k, 16k or 64k (default 4k)")
      .option("--level <n>", "level of the table that holds the descriptor (default: 3 for pages, 2 for blocks and tables)")
      .option("--lpa2", "52-bit addresses: TCR.DS = 1")
      .option("--mair <hex>", "MAIR_EL1 (default: Linux's)")
      .option("--json", "one JSON object instead of text")
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
  descriptorOptions(descriptor.command("decode").description("explain a descriptor field by field, by Arm's and Linux's names, and name the rules it breaks"))
    .argument("<hex>", "the 64-bit value")
    .action(async (text: string, options: DescriptorOptions) => {
      const { descriptorDecode } = await import("./commands/descriptor.js");
      process.stdout.write(descriptorDecode(text, options));
    });
  descriptorOptions(descriptor.command("encode").description("make a descriptor from fields; see below"))
    .argument("<kind>", "page, block, table, swap or prot-none")
    .argument("[fields...]", "fields, e.g. pa=0x40000000 ap=ro-el0 af ng cont")
    .option("--explain", "explain the result as decode does")
    .addHelpText("after", ENCODE_HELP)
    .action(async (kind: string, fields: string[], options: DescriptorOptions) => {
      const { descriptorEncode } = await import("./commands/descriptor.js");
      process.stdout.write(descriptorEncode([kind, ...fields], options));
    });

  cli
    .command("validate")
    .description("check a page-table dump (text of `ptdump --raw`, raw memory image, ELF core) against the rules of Arm and Linux; status 1: some rule is broken")
    .argument("<dump>", "file")
    .option("--ttbr0 <value>", "TTBR0_EL1, for an image or core")
    .option("--tcr <value>", "TCR_EL1, for an image or core")
    .option("--mair <value>", "MAIR_EL1, for an image or core (default: Linux's)")
    .option("--base <address>", "physical address of the first byte of a raw image (default 0)")
    .option("--oracle", "translate every leaf with the hardware oracle and compare")
    .option("--limit <n>", "violations shown per rule (default 20)")
    .option("--json <file>", "write the report as JSON; - is standard output")
    .option("--quiet", "no report, only the exit status")
    .action(async (dump: string, options: ValidateCommandOptions) => {
      const { validateCommand } = await import("./commands/validate.js");
      done(validateCommand(dump, options));
    });

  cli
    .command("cores")
    .description("list the TLB presets with the source of each number")
    .argument("[name]", "one preset in full")
    .action(async (name: string | undefined) => {
      const { coresCommand } = await import("./commands/cores.js");
      done(coresCommand(name));
    });
  return cli;
}

function complain(message: string): void {
  process.stderr.write(`foliolab: ${message.replace(/^error: /, "").split("\n")[0] ?? ""}\n`);
}

/** Runs one command line (without node and script) and returns the exit status. Errors become one line on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  let status = 0;
  const cli = buildCli((value) => {
    status = value;
  });
  cli.configureOutput({ writeErr: () => undefined });
  for (const command of cli.commands) command.exitOverride().configureOutput({ writeErr: () => undefined });
  try {
    await cli.parseAsync([...argv], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") process.stdout.write((cli.commands.find((command) => command.name() === argv[0]) ?? cli).helpInformation());
      else complain(error.message);
      return EXIT_USAGE;
    }
    if (error instanceof ConfigError) {
      complain(error.message);
      return EXIT_USAGE;
    }
    if (error instanceof Error) {
      process.stderr.write(failureText(error, process.env["FOLIOLAB_STACK"] !== undefined));
      return EXIT_INTERNAL;
    }
    throw error;
  }
}
