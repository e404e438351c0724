/**
 * Charts as inline SVG. Colours are classes of the page's style sheet, so they follow light and dark; every mark has a title, which
 * browsers show when pointed at.
 */
import { escape } from "./markup.js";

const WIDTH = 860;
const LABEL_WIDTH = 150;
const VALUE_WIDTH = 110;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 15;

/** A part of a bar. `color`: a class of the style sheet. */
export interface Part {
  readonly name: string;
  readonly value: number;
  readonly color: string;
}

export interface Bar {
  readonly label: string;
  readonly parts: readonly Part[];
  /** Behind the bar. */
  readonly text: string;
}

const fixed = (value: number): string => String(Math.round(value * 100) / 100);

/** Horizontal bars on one scale; each may be stacked of parts. `name`: what the chart shows, for those who cannot see it. */
export function bars(name: string, rows: readonly Bar[]): string {
  const totals = rows.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const most = Math.max(1, ...totals);
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / most;
  const body = rows
    .map(({ label, parts, text }, i) => {
      const y = i * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
      const baseline = y + BAR_HEIGHT - 3;
      let x = LABEL_WIDTH;
      const marks = parts
        .filter(({ value }) => value > 0)
        .map(({ name: part, value, color }) => {
          const mark = `<rect class="${escape(color)}" x="${fixed(x)}" y="${y}" width="${fixed(Math.max(value * scale, 1))}" height="${BAR_HEIGHT}"><title>${escape(`${label}, ${part}: ${value.toLocaleString("en-US")}`)}</title></rect>`;
          x += value * scale;
          return mark;
        });
      return `<text x="${LABEL_WIDTH - 8}" y="${baseline}" text-anchor="end">${escape(label)}</text>${marks.join("")}<text x="${fixed(x + 6)}" y="${baseline}">${escape(text)}</text>`;
    })
    .join("");
  return svg(name, rows.length * ROW_HEIGHT, body);
}

function svg(name: string, height: number, body: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(name)}">${body}</svg>`;
}

/** What the colours of a chart mean. */
export function legend(entries: readonly (readonly [name: string, color: string])[]): string {
  return `<p class="legend">${entries.map(([name, color]) => `<span><i class="${escape(color)}"></i>${escape(name)}</span>`).join(" ")}</p>`;
}

export interface Series {
  readonly name: string;
  readonly color: string;
  /** In ascending order of x; x above 0. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

const PLOT_HEIGHT = 300;
const LEFT = 90;
const RIGHT = 20;
const TOP = 10;
const BOTTOM = 42;
/** Gridlines of the value axis. */
const STEPS = 5;

/** 1, 2 or 5 times a power of ten: the smallest that is not below `value`. */
export function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value * (1 - 1e-12)) ?? 10) * power;
}

/** 12000 -> 12k. */
export function short(value: number): string {
  const units = ["", "k", "M", "G", "T"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${Number(scaled.toPrecision(3))}${units[unit]!}`;
}

/** A power of two as people know it: 512, 4096, 64K. */
function binary(value: number): string {
  return value < 16384 ? String(value) : value < 2 ** 20 ? `${value / 1024}K` : `${value / 2 ** 20}M`;
}

/** Lines over a logarithmic x axis (powers of two marked) and a linear y axis from 0. */
export function lines(name: string, xLabel: string, yLabel: string, series: readonly Series[]): string {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y));
  const [first, last] = [Math.log2(Math.min(...xs)), Math.log2(Math.max(...xs))];
  const step = niceStep(Math.max(1, ...ys) / STEPS);
  const top = step * Math.ceil(Math.max(1, ...ys) / step);
  const x = (value: number): number => LEFT + ((Math.log2(value) - first) / Math.max(last - first, 1e-9)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + (1 - value / top) * (PLOT_HEIGHT - TOP - BOTTOM);
  const floor = y(0);
  let grid = "";
  for (let value = 0; value <= top * (1 + 1e-9); value += step) {
    grid += `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y(value))}" y2="${fixed(y(value))}"/><text x="${LEFT - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${escape(short(value))}</text>`;
  }
  for (let power = Math.ceil(first - 1e-9); power <= last + 1e-9; power++) {
    const at = fixed(x(2 ** power));
    grid += `<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${fixed(floor)}"/><text x="${at}" y="${fixed(floor + 16)}" text-anchor="middle">${binary(2 ** power)}</text>`;
  }
  const paths = series
    .map(({ name: label, color, points }) => {
      const d = points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${fixed(x(px))} ${fixed(y(py))}`).join("");
      return `<path class="line ${escape(color)}" d="${d}"><title>${escape(label)}</title></path>`;
    })
    .join("");
  const axes =
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${PLOT_HEIGHT - 6}" text-anchor="middle">${escape(xLabel)}</text>` +
    `<text transform="translate(16 ${(TOP + floor) / 2}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`;
  return svg(name, PLOT_HEIGHT, grid + paths + axes);
}

/** A strip: an address range from left to right, painted in columns. */
export function strip(name: string, cells: readonly { readonly color: string; readonly columns: number; readonly title: string }[]): string {
  const total = cells.reduce((sum, { columns }) => sum + columns, 0);
  let at = 0;
  const marks = cells
    .map(({ color, columns, title }) => {
      const mark = `<rect class="${escape(color)}" x="${at}" y="0" width="${columns}" height="14"><title>${escape(title)}</title></rect>`;
      at += columns;
      return mark;
    })
    .join("");
  return `<svg class="strip" viewBox="0 0 ${Math.max(total, 1)} 14" preserveAspectRatio="none" role="img" aria-label="${escape(name)}">${marks}</svg>`;
}
