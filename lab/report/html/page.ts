/**
 * The report of a run: one HTML file that needs nothing else. Charts are inline SVG, tables carry their rows as CSV, the result stands
 * in it as JSON. No script runs.
 */
import { formatSize } from "../../config.js";
import { MISS_CAUSES } from "../../../emulator/mmu/miss-causes.js";
import type { CurveResult } from "../../curve/miss-curve.js";
import type { ProfileResult } from "../../profile/top.js";
import type { RunResult, TlbStats } from "../../result.js";
import { MAPPING_KINDS } from "../../observers/mapping-scan.js";
import { bytes, count, percent, seconds } from "../format.js";
import { mainCause, placeName } from "../top.js";
import { bars, legend, strip, type Bar } from "./charts.js";
import { cellsOf, type AreaCoverage } from "./coverage.js";
import { curveChart } from "./curve.js";
import { escape, inlineJson, table, type Column } from "./markup.js";
import { STYLE } from "./style.js";

export interface ReportInput {
  readonly result: RunResult;
  /** Areas of the program when it ended. */
  readonly coverage: readonly AreaCoverage[];
}

/** Areas that are drawn; the table has all of them. */
const DRAWN_AREAS = 60;
const STRIP_COLUMNS = 500;

const KIND_NAMES = { page: "single pages", contiguous: "contiguous runs", block: "blocks", unmapped: "not mapped" } as const;

function section(title: string, ...parts: readonly string[]): string {
  const body = parts.filter((part) => part !== "").join("\n");
  return body === "" ? "" : `<section><h2>${escape(title)}</h2>\n${body}</section>`;
}

const perKilo = (n: number, instructions: number): string => (instructions === 0 ? "-" : ((1000 * n) / instructions).toFixed(3));
const number = (head: string, title?: string, format?: (value: number) => string): Column => ({ head, ...(title === undefined ? {} : { title }), ...(format === undefined ? {} : { format }) });
const code = (head: string): Column => ({ head, code: true });
const text = (head: string): Column => ({ head });

function headline({ result }: ReportInput): string {
  const { program, exit, stoppedBy } = result;
  const how = "code" in exit ? `exit status ${exit.code}` : `killed by ${exit.signal}`;
  return (
    `<h1>foliolab <code>${escape([program.path, ...program.args].join(" "))}</code></h1>` +
    `<p class="dim">${escape(how)}${stoppedBy === null ? "" : ` (ended by ${escape(stoppedBy)})`}; Linux 6.12 model, foliolab ${escape(result.version)}</p>`
  );
}

function tiles({ result }: ReportInput): string {
  const { execution, faults, contpte, memory, tlb, config } = result;
  const first = tlb[config.core[0] ?? ""];
  const items: (readonly [string, string])[] = [
    [count(execution.instructions), `instructions in ${seconds(execution.seconds)}`],
    [count(faults.minor + faults.major), `page faults (${count(faults.major)} major)`],
    ...(first === undefined
      ? []
      : ([
          [perKilo(first.l1d.misses, execution.instructions), "L1D TLB misses per 1,000 instructions"],
          [perKilo(first.walks, execution.instructions), "table walks per 1,000 instructions"],
        ] as const)),
    [percent(contpte.mappedBytesCont, contpte.mappedBytes), `of ${bytes(contpte.mappedBytes)} mapped by contiguous runs at exit`],
    [bytes(memory.rssPeakBytes), `resident peak; page tables ${bytes(memory.pageTableBytes)}`],
    [count(Object.values(result.tlbi.ops).reduce((a, b) => a + b, 0)), `TLBI instructions, ${count(result.tlbi.dsb)} DSB`],
  ];
  return `<div class="tiles">${items.map(([value, label]) => `<div><b>${escape(value)}</b><span>${escape(label)}</span></div>`).join("")}</div>`;
}

function crash({ result }: ReportInput): string {
  if (result.crash === null) return "";
  const { signal, pc, address, reason, instruction } = result.crash;
  return section("Crash", `<p>${escape(signal)} at pc <code>${escape(pc)}</code>${address === null ? "" : `, address <code>${escape(address)}</code>`}: ${escape(reason)}</p>${instruction === null ? "" : `<p><code>${escape(instruction)}</code></p>`}`);
}

function configuration({ result }: ReportInput): string {
  const { config, program, seed } = result;
  const sizes = Object.entries(config.thp.sizes).map(([size, mode]) => `${size}=${mode}`);
  const rows = [
    ["pages", config.pageSize],
    ["contpte", config.contpte ? "on" : "off"],
    ["transparent huge pages", [config.thp.enabled, ...sizes].join(", ")],
    ["root file system", config.fs],
    ["cores", config.core.join(", ")],
    ["memory", formatSize(config.memory)],
    ["engine", config.engine],
    ["seed", String(seed)],
    ["program", `${program.path} (SHA-256 ${program.sha256})`],
  ];
  return section("Configuration", table("configuration", [text("option"), text("value")], rows));
}

function faultCharts({ result }: ReportInput): string {
  const { byKind, byOrder } = result.faults;
  const kinds = Object.entries(byKind).filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a);
  if (kinds.length === 0) return "";
  const pageSize = { "4k": 4096, "16k": 16384, "64k": 65536 }[result.config.pageSize] ?? 4096;
  const single = (label: string, value: number, color: string): Bar => ({ label, parts: [{ name: "faults", value, color }], text: count(value) });
  return section(
    "Page faults",
    "<h3>by kind</h3>",
    bars("Page faults by kind", kinds.map(([kind, n]) => single(kind, n, "a"))),
    "<h3>by order of the folio that was mapped</h3>",
    bars("Page faults by folio order", Object.entries(byOrder).map(([order, n]) => single(`${order} (${formatSize(pageSize * 2 ** Number(order))})`, n, "b"))),
    table("faults-by-kind", [text("kind"), number("faults")], kinds),
  );
}

function tlbTables({ result }: ReportInput): string {
  const { instructions } = result.execution;
  const cores = Object.entries(result.tlb);
  const columns = [text("core"), text("structure"), number("accesses"), number("misses"), text("ratio"), text("per 1,000 instructions")];
  const rows = cores.flatMap(([core, stats]) =>
    (["l1i", "l1d", "l2"] as const).map((name) => [core, name.toUpperCase(), stats[name].accesses, stats[name].misses, percent(stats[name].misses, stats[name].accesses), perKilo(stats[name].misses, instructions)]),
  );
  const fetched = ({ descriptorFetches: d }: TlbStats): number => d.l0 + d.l1 + d.l2 + d.l3;
  const walks = cores.map(([core, stats]) => [core, stats.walks, fetched(stats), ...Object.values(stats.descriptorFetches), stats.descriptorFetchMisses ?? "", Math.round(stats.walkCyclesOverlapped ?? stats.walkCycles), Math.round(stats.walkCycles)]);
  const compared =
    cores.length < 2
      ? []
      : [
          "<h3>first-level misses of the cores</h3>",
          legend([["L1D", "a"], ["L1I", "c"]]),
          bars("First-level TLB misses by core", cores.map(([core, stats]) => ({ label: core, parts: [{ name: "L1D", value: stats.l1d.misses, color: "a" }, { name: "L1I", value: stats.l1i.misses, color: "c" }], text: count(stats.l1d.misses + stats.l1i.misses) }))),
          "<h3>table walks</h3>",
          bars("Table walks by core", cores.map(([core, stats]) => ({ label: core, parts: [{ name: "walks", value: stats.walks, color: "b" }], text: count(stats.walks) }))),
        ];
  return section(
    "TLBs",
    ...compared,
    table("tlb", columns, rows),
    "<h3>walks</h3>",
    table("walks", [text("core"), number("walks"), number("descriptor fetches"), ...["level 0", "level 1", "level 2", "level 3"].map((level) => number(level)), number("from memory*", "descriptor fetches that no data cache of the core answered, the program's own data not competing"), number("walk cycles, least*", "an estimate: as many walks as the core makes at once always overlap"), number("walk cycles*", "an estimate from indicative latencies: one walk after the other")], walks),
    '<p class="note">* estimates from indicative latencies and from caches that only descriptor fetches use, to compare configurations with.</p>',
  );
}

function causes({ causes: c, entries, core }: ProfileResult): string {
  const structures = [["L1I", c.l1i], ["L1D", c.l1d], ...(c.l2 === null ? [] : [["L2", c.l2] as const])] as const;
  const rows = structures.map(([name, of]) => ({ name, of, all: MISS_CAUSES.reduce((sum, cause) => sum + of[cause], 0) }));
  // Each bar has a scale of its own: an L2 misses far less often than an L1.
  const share = rows.map(({ name, of, all }) => ({ label: name, parts: MISS_CAUSES.map((cause) => ({ name: cause, value: all === 0 ? 0 : (100 * of[cause]) / all, color: cause })), text: count(all) }));
  return section(
    `Misses of ${core} by cause`,
    legend(MISS_CAUSES.map((cause) => [cause, cause])),
    bars("Shares of the causes of TLB misses", share),
    table("causes", [text("structure"), number("misses"), ...MISS_CAUSES.map((cause) => number(cause))], rows.map(({ name, of, all }) => [name, all, ...MISS_CAUSES.map((cause) => of[cause])])),
    '<p class="note">Cold: never cached before. Invalidated: TLB maintenance had removed it. Conflict: a fully associative LRU of the same size would have had it. Capacity: all others.</p>',
    "<h3>by kind of the entry that came in</h3>",
    table("entries", [text("entry"), number("L1I"), number("L1D"), number("walks")], entries.map((entry) => [`${formatSize(entry.bytes)} ${entry.kind}`, entry.l1i, entry.l1d, entry.l2])),
  );
}

function top({ pcs, functions, areas }: ProfileResult): string {
  const counts = [number("L1D"), number("L1I"), number("walks"), number("cycles*", "an estimate from indicative latencies"), number("faults")];
  const withLines = pcs.some(({ source }) => source !== null);
  return section(
    "Who misses, who faults",
    "<h3>instructions</h3>",
    table(
      "instructions",
      [...counts, text("cause"), code("pc"), code("function"), code("instruction"), ...(withLines ? [code("source")] : [])],
      pcs.map((row) => [row.l1d, row.l1i, row.l2, row.walkCycles, row.faults, mainCause(row.causes), row.pc, placeName(row), row.instruction ?? "", ...(withLines ? [row.source ?? ""] : [])]),
    ),
    "<h3>functions</h3>",
    table("functions", [...counts, text("cause"), code("function"), code("module")], functions.map((row) => [row.l1d, row.l1i, row.l2, row.walkCycles, row.faults, mainCause(row.causes), row.function, row.module])),
    "<h3>areas</h3>",
    table("areas", [...counts, code("start"), code("end"), code(""), text("name")], areas.map((row) => [row.l1d, row.l1i, row.l2, row.walkCycles, row.faults, row.start, row.end, row.permissions, row.name === "" ? "anonymous" : row.name])),
  );
}

function coverageMap({ coverage }: ReportInput): string {
  if (coverage.length === 0) return "";
  const total = (area: AreaCoverage): number => MAPPING_KINDS.reduce((sum, kind) => sum + area.mapped[kind], 0);
  const drawn = new Set([...coverage].sort((a, b) => total(b) - total(a)).slice(0, DRAWN_AREAS));
  const label = (area: AreaCoverage): string => `${area.permissions} ${area.name === "" ? "anonymous" : area.name}`;
  const rows = coverage
    .filter((area) => drawn.has(area))
    .map((area) => {
      const cells = cellsOf(area, STRIP_COLUMNS).map(({ kind, columns, start, end }) => ({
        color: kind,
        columns,
        title: `${Math.floor(start).toString(16)}-${Math.floor(end).toString(16)}: ${KIND_NAMES[kind]}`,
      }));
      const range = `${area.start.toString(16)}-${area.end.toString(16)} ${label(area)}`;
      return `<span class="name" title="${escape(range)}">${escape(label(area))}</span>${strip(range, cells)}<span class="n">${escape(bytes(area.end - area.start))}</span>`;
    });
  const left = coverage.length - drawn.size;
  return section(
    "What maps the address space",
    legend((["page", "contiguous", "block", "unmapped"] as const).map((kind) => [KIND_NAMES[kind], kind])),
    `<div class="map">${rows.join("\n")}</div>`,
    `<p class="note">The program's areas when it ended, each on a scale of its own${left > 0 ? `; ${left} that map less are only in the table` : ""}.</p>`,
    `<details><summary>as a table</summary>${table(
      "coverage",
      [code("start"), code("end"), code(""), text("name"), number("size", "bytes"), number("single pages", "bytes"), number("contiguous runs", "bytes"), number("blocks", "bytes")],
      coverage.map((area) => [area.start.toString(16), area.end.toString(16), area.permissions, area.name === "" ? "anonymous" : area.name, area.end - area.start, area.mapped.page, area.mapped.contiguous, area.mapped.block]),
    )}</details>`,
  );
}

const SIDE_NAMES = { data: "data", instruction: "instruction", both: "instruction and data" } as const;

function curve(result: CurveResult): string {
  const { side, points, enough } = result;
  return section(
    "Miss curve",
    `<p>Misses of fully associative LRU ${SIDE_NAMES[side]} TLBs by number of entries; from ${count(enough)} entries on nothing changes.</p>`,
    curveChart(result),
    `<details><summary>as a table</summary>${table("curve", [number("entries"), number("misses"), number("without the contiguous bit")], points.map((point) => [point.entries, point.misses, point.withoutContiguous]))}</details>`,
  );
}

function kernelTables({ result }: ReportInput): string {
  const pairs = (name: string, record: Readonly<Record<string, number>>): string => {
    const rows = Object.entries(record).filter(([, n]) => n !== 0);
    return rows.length === 0 ? "" : `<details><summary>${escape(name)}</summary>${table(name.replace(/\W+/g, "-"), [code("counter"), number("value")], rows)}</details>`;
  };
  return section("Counters of the kernel", pairs("TLBI instructions", result.tlbi.ops), pairs("contpte layer", result.contpte), pairs("vmstat", result.vmstat), pairs("folios by order at exit", result.memory.folios), pairs("exits of the engine", result.execution.exits));
}

/** The whole file. */
export function htmlReport(input: ReportInput): string {
  const { result } = input;
  const body = [
    headline(input),
    tiles(input),
    crash(input),
    configuration(input),
    faultCharts(input),
    tlbTables(input),
    result.profile === undefined ? "" : causes(result.profile),
    result.profile === undefined ? "" : top(result.profile),
    coverageMap(input),
    result.curve === undefined ? "" : curve(result.curve),
    kernelTables(input),
    inlineJson("result", result),
  ];
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(`foliolab ${[result.program.path, ...result.program.args].join(" ")}`)}</title><style>${STYLE}</style></head>\n<body>\n${body.filter((part) => part !== "").join("\n")}\n</body></html>\n`;
}
