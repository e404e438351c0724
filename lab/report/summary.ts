/** The summary of one run that a person reads at a glance. */
import type { RunResult, TlbStats } from "../result.js";
import { bytes, count, percent, seconds } from "./format.js";

function line(label: string, text: string): string {
  return `${label.padEnd(14)}${text}`;
}

function nonZero(record: Readonly<Record<string, number>>): string {
  const parts = Object.entries(record).filter(([, value]) => value !== 0);
  return parts.length === 0 ? "none" : parts.map(([name, value]) => `${name} ${count(value)}`).join(", ");
}

function exitText(result: RunResult): string {
  const how = "code" in result.exit ? `exit ${result.exit.code}` : `killed by ${result.exit.signal}`;
  return result.stoppedBy === null ? how : `${how} (ended by ${result.stoppedBy})`;
}

function configText(result: RunResult): string {
  const sizes = Object.entries(result.config.thp.sizes).map(([size, mode]) => `${size}=${mode}`);
  const thp = [result.config.thp.enabled, ...sizes].join(" ");
  return `${result.config.pageSize} pages, contpte ${result.config.contpte ? "on" : "off"}, thp ${thp}, ${result.config.fs}, ${bytes(result.config.memory)}`;
}

function tlbLines(core: string, tlb: TlbStats, instructions: number): string[] {
  const perKilo = (n: number): string => (instructions === 0 ? "-" : ((1000 * n) / instructions).toFixed(3));
  const structure = (name: string, s: { accesses: number; misses: number }): string =>
    `${name} ${count(s.misses)} misses (${percent(s.misses, s.accesses)})`;
  const d = tlb.descriptorFetches;
  const fetches = d.l0 + d.l1 + d.l2 + d.l3;
  const { walkCyclesOverlapped: least = tlb.walkCycles, descriptorFetchMisses: missed } = tlb;
  const cycles = Math.round(least) === Math.round(tlb.walkCycles) ? count(Math.round(tlb.walkCycles)) : `${count(Math.round(least))} to ${count(Math.round(tlb.walkCycles))}`;
  return [
    line("tlb", `${core}: ${structure("L1I", tlb.l1i)}, ${structure("L1D", tlb.l1d)}, ${structure("L2", tlb.l2)}`),
    line("", `L1D ${perKilo(tlb.l1d.misses)} and walks ${perKilo(tlb.walks)} per 1,000 instructions`),
    line("", `${count(tlb.walks)} walks, ${count(fetches)} descriptor fetches${missed === undefined ? "" : ` (${count(missed)} from memory)`}, about ${cycles} cycles (estimate)`),
  ];
}

/** Plain text, several lines, no trailing newline. */
export function summarize(result: RunResult): string {
  const { faults, contpte, memory, execution } = result;
  const lines = [
    line("program", `${[result.program.path, ...result.program.args].join(" ")}: ${exitText(result)}`),
    line("kernel", `Linux 6.12 model, ${configText(result)}`),
    line("executed", `${count(execution.instructions)} instructions, ${count(execution.loads)} loads, ${count(execution.stores)} stores in ${seconds(execution.seconds)}`),
    line("faults", `${count(faults.minor)} minor, ${count(faults.major)} major: ${nonZero(faults.byKind)}`),
    line("", `by folio order: ${nonZero(faults.byOrder)}`),
    line(
      "contpte",
      `${bytes(contpte.mappedBytesCont)} of ${bytes(contpte.mappedBytes)} mapped by contiguous runs at exit (${percent(contpte.mappedBytesCont, contpte.mappedBytes)}); ` +
        `fold ${count(contpte["fold"] ?? 0)}, unfold ${count(contpte["unfold"] ?? 0)}`,
    ),
  ];
  for (const [core, tlb] of Object.entries(result.tlb)) lines.push(...tlbLines(core, tlb, execution.instructions));
  lines.push(
    line("tlbi", `${nonZero(result.tlbi.ops)}; ${count(result.tlbi.dsb)} DSB`),
    line(
      "memory",
      `resident peak ${bytes(memory.rssPeakBytes)}, allocated peak ${bytes(memory.allocatedPeakBytes)}, page tables ${bytes(memory.pageTableBytes)}; folios ${nonZero(memory.folios)}`,
    ),
  );
  if (Object.keys(result.syscalls.unknown).length > 0) lines.push(line("syscalls", `${count(result.syscalls.count)}; answered ENOSYS: ${nonZero(result.syscalls.unknown)}`));
  if (memory.leakedFrames !== 0) lines.push(line("LEAK", `${count(memory.leakedFrames)} frames were not given back: a bug of the model, please report it`));
  if (result.crash !== null) {
    const { crash } = result;
    lines.push(line("crash", `${crash.signal} at pc ${crash.pc}${crash.address === null ? "" : `, address ${crash.address}`}: ${crash.reason}`));
    if (crash.instruction !== null) lines.push(line("", crash.instruction));
  }
  return lines.join("\n");
}
