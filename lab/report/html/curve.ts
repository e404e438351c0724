/** The miss curve as a picture: in the report, and as an SVG file of its own. */
import type { CurveResult } from "../../curve/miss-curve.js";
import { legend, lines, type Series } from "./charts.js";
import { STYLE } from "./style.js";

function series({ points }: CurveResult): Series[] {
  return [
    { name: "without the contiguous bit", color: "c", points: points.map(({ entries, withoutContiguous }) => [entries, withoutContiguous] as const) },
    { name: "as mapped", color: "b", points: points.map(({ entries, misses }) => [entries, misses] as const) },
  ];
}

/** Legend and picture, for a page with the report's style sheet. */
export function curveChart(curve: CurveResult): string {
  const drawn = series(curve);
  return legend(drawn.map(({ name, color }) => [name, color])) + lines("Misses by number of TLB entries", "entries", "misses", drawn);
}

/** A whole SVG file, with its colours and its legend. */
export function curveSvg(curve: CurveResult): string {
  const drawn = series(curve);
  const picture = lines("Misses by number of TLB entries", `entries of a fully associative LRU TLB (${curve.side})`, "misses", drawn);
  const names = drawn.map(({ name, color }, i) => `<rect class="${color}" x="620" y="${16 + 20 * i}" width="12" height="12"/><text x="638" y="${27 + 20 * i}">${name}</text>`).join("");
  const style = `<style>${STYLE} svg { background: var(--bg); font-family: system-ui, "DejaVu Sans", sans-serif; }</style>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${picture.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replace(">", `>${style}`).replace("</svg>", `${names}</svg>`)}\n`;
}
