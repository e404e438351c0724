/** What a snapshot looks like: HTML and SVG as text, for the page to show. */
import { bytes, count } from "../lab/report/format.js";
import { legend, strip } from "../lab/report/html/charts.js";
import { cellsOf } from "../lab/report/html/coverage.js";
import { escape } from "../lab/report/html/markup.js";
import type { PageCell, PageWindow, Snapshot, TlbPicture } from "./session.js";

const COLUMNS = 32;
const CELL = 15;
/** Entries of a TLB in one row. */
const TLB_COLUMNS = 48;
const TLB_CELL = 9;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The numbers that one looks at first. */
export function tiles({ instructions, faults, mapped, stats, contpte }: Snapshot): string {
  const all = mapped.page + mapped.contiguous + mapped.block;
  const items: (readonly [string, string])[] = [
    [count(faults), "page faults served"],
    [count(instructions), "instructions"],
    [count(stats.l1d.misses), `L1D TLB misses of ${count(stats.l1d.accesses)} accesses`],
    [count(stats.walks), "table walks"],
    [all === 0 ? "-" : `${((100 * mapped.contiguous) / all).toFixed(1)} %`, `of ${bytes(all)} mapped by contiguous runs`],
    [count(contpte.setPtesBlocks + contpte.fold), `contiguous blocks made, ${count(contpte.unfold)} unfolded`],
  ];
  return `<div class="tiles">${items.map(([value, name]) => `<div><b>${escape(value)}</b><span>${escape(name)}</span></div>`).join("")}</div>`;
}

/** One line about the last fault. */
export function faultLine({ lastFault, ended, window }: Snapshot): string {
  const end = ended === undefined ? "" : `<p id="ended">The program has ended: ${escape(ended)}.</p>`;
  if (lastFault === undefined) return end;
  const { number, address, kind, order, pc, function: name } = lastFault;
  const size = window === undefined ? "" : ` (${bytes(window.pageSize * 2 ** order)})`;
  return `${end}<p>Fault ${number}: <b>${escape(kind)}</b> at <code>${hex(address)}</code>, now mapped by a folio of order ${order}${size}; PC <code>${hex(pc)}</code>${name === "" ? "" : ` in <code>${escape(name)}</code>`}</p>`;
}

/** The areas of the address space as strips. */
export function areaMap({ areas }: Snapshot): string {
  const rows = areas.map((area) => {
    const name = `${hex(area.start)} ${area.permissions} ${area.name}`;
    return `<span class="name" title="${escape(name)}"><code>${escape(name)}</code></span>${strip(name, cellsOf(area, 400).map(({ kind, columns, start, end }) => ({ color: kind, columns, title: `${hex(start)} to ${hex(end)}: ${kind}` })))}<span class="n">${bytes(area.end - area.start)}</span>`;
  });
  return `<div class="map">${rows.join("")}</div>${legend([["single pages", "page"], ["contiguous runs", "contiguous"], ["blocks", "block"], ["not mapped", "unmapped"]])}`;
}

function cellTitle(cell: PageCell, address: number): string {
  if (!cell.present) return `${hex(address)}: ${cell.pte === "0" ? "empty" : `not present, ${cell.pte}`}`;
  const flags = [cell.cont ? "contiguous" : "", cell.writable ? "writable" : "read-only", cell.dirty ? "dirty" : "clean", cell.young ? "young" : "old"].filter((flag) => flag !== "");
  return `${hex(address)}: ${cell.pte}; ${flags.join(", ")}; frame ${hex(cell.frame)}, folio ${hex(cell.folio)} of order ${cell.folioOrder}`;
}

/** The entries of a table around the last fault, one square each; folios are framed, the fault is marked. */
export function tableGrid({ start, pageSize, block, cells }: PageWindow, fault: number | undefined): string {
  const rows = Math.ceil(cells.length / COLUMNS);
  const squares = cells.map((cell, i) => {
    const [x, y] = [(i % COLUMNS) * CELL, Math.floor(i / COLUMNS) * CELL];
    const kind = block ? "block" : !cell.present ? "unmapped" : cell.cont ? "contiguous" : "page";
    const clean = cell.present && !cell.dirty ? ` opacity="0.55"` : "";
    return `<rect class="${kind}" x="${x}" y="${y}" width="${CELL - 2}" height="${CELL - 2}"${clean}><title>${escape(cellTitle(cell, start + i * pageSize))}</title></rect>`;
  });
  const frames: string[] = [];
  for (let i = 0; i < cells.length; ) {
    const cell = cells[i]!;
    let end = i + 1;
    // One frame per folio and row.
    while (end < cells.length && end % COLUMNS !== 0 && cells[end]!.present && cells[end]!.folio === cell.folio) end++;
    if (cell.present && cell.folioOrder > 0) {
      frames.push(`<rect class="folio" x="${(i % COLUMNS) * CELL - 1}" y="${Math.floor(i / COLUMNS) * CELL - 1}" width="${(end - i) * CELL}" height="${CELL}"/>`);
    }
    i = end;
  }
  const at = fault === undefined ? -1 : Math.floor((fault - start) / pageSize);
  const mark = at < 0 || at >= cells.length ? "" : `<rect class="fault" x="${(at % COLUMNS) * CELL - 1}" y="${Math.floor(at / COLUMNS) * CELL - 1}" width="${CELL}" height="${CELL}"/>`;
  const width = COLUMNS * CELL + 2;
  return `<p class="dim">Level-3 entries from <code>${hex(start)}</code>, ${bytes(pageSize)} each</p><svg id="table" viewBox="-2 -2 ${width} ${rows * CELL + 2}" width="${width}">${squares.join("")}${frames.join("")}${mark}</svg>`;
}

/** The entries of a structure: filled squares by what they cover. */
export function tlbPicture({ name, capacity, entries }: TlbPicture, pageSize: number, blockSize: number): string {
  const rows = Math.ceil(capacity / TLB_COLUMNS);
  const squares = Array.from({ length: capacity }, (_, i) => {
    const entry = entries[i];
    const size = entry === undefined ? 0 : entry.end - entry.start;
    const kind = entry === undefined ? "unmapped" : size >= blockSize ? "block" : size > pageSize ? "contiguous" : "page";
    const title = entry === undefined ? "" : `<title>${hex(entry.start)} to ${hex(entry.end)}, ${bytes(size)}${entry.dirty ? ", dirty" : ""}</title>`;
    return `<rect class="${kind}" x="${(i % TLB_COLUMNS) * TLB_CELL}" y="${Math.floor(i / TLB_COLUMNS) * TLB_CELL}" width="${TLB_CELL - 1}" height="${TLB_CELL - 1}">${title}</rect>`;
  });
  const reach = entries.reduce((sum, { start, end }) => sum + end - start, 0);
  const width = Math.min(capacity, TLB_COLUMNS) * TLB_CELL;
  return `<h3>${escape(name)}: ${entries.length} of ${capacity} entries, reach ${bytes(reach)}</h3><svg viewBox="0 0 ${width} ${rows * TLB_CELL}" width="${width}">${squares.join("")}</svg>`;
}
