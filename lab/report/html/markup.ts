/** Pieces of markup: escaped text, tables with their CSV, inline data. */

/** Text or attribute value. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** JSON that may stand in a script element: no "<" can end it. */
export function inlineJson(id: string, value: unknown): string {
  return `<script type="application/json" id="${escape(id)}">${JSON.stringify(value).replace(/</g, "\\u003c")}</script>`;
}

export type Cell = string | number;

export interface Column {
  readonly head: string;
  /** What the column means, shown on the heading. */
  readonly title?: string;
  /** How a number is shown; the CSV has it as it is. */
  readonly format?: (value: number) => string;
  /** In a fixed-width font: addresses, code. */
  readonly code?: boolean;
}

/** One line of comma-separated values. RFC 4180: a field with a comma, a quote or a line break is quoted. */
function csvLine(cells: readonly Cell[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(String(cell)) ? `"${String(cell).replace(/"/g, '""')}"` : String(cell))).join(",");
}

export function csv(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  return [columns.map(({ head }) => head), ...rows].map((row) => `${csvLine(row)}\r\n`).join("");
}

/** A table and a link to its rows as CSV. `name`: of the file, without ending. */
export function table(name: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map(({ head: text, title }, i) => `<th${rows.some((row) => typeof row[i] === "number") ? ' class="n"' : ""}${title === undefined ? "" : ` title="${escape(title)}"`}>${escape(text)}</th>`).join("");
  const body = rows
    .map((row) => {
      const cells = row.map((cell, i) => {
        const column = columns[i]!;
        if (typeof cell === "number") return `<td class="n">${escape(column.format === undefined ? cell.toLocaleString("en-US") : column.format(cell))}</td>`;
        return column.code === true ? `<td><code>${escape(cell)}</code></td>` : `<td>${escape(cell)}</td>`;
      });
      return `<tr>${cells.join("")}</tr>`;
    })
    .join("");
  const link = `<a class="csv" download="${escape(name)}.csv" href="data:text/csv;charset=utf-8,${encodeURIComponent(csv(columns, rows))}">CSV</a>`;
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>${link}</div>`;
}
