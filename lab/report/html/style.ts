/** The style sheet of the report. Light and dark follow the reader's system. */
export const STYLE = `
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1d2430; --dim: #5b6676; --line: #dfe4ea; --soft: #f4f6f9; --link: #0b5cad;
  --page: #8aa2c0; --contiguous: #16a075; --block: #7b4fd0; --unmapped: #eceff3;
  --cold: #6aa5e8; --capacity: #e8a13a; --conflict: #d9534f; --invalidated: #9a6bd0;
  --a: #2f6fb7; --b: #16a075; --c: #e8a13a; --d: #9a6bd0; }
@media (prefers-color-scheme: dark) { :root { --bg: #12161c; --fg: #dde3ea; --dim: #97a3b2; --line: #2b333d; --soft: #1a2028; --link: #7db7f5;
  --page: #64809f; --contiguous: #22b98a; --block: #9673e6; --unmapped: #242c36;
  --cold: #5d98dd; --capacity: #d8963a; --conflict: #e06763; --invalidated: #a781dd;
  --a: #5c9bdf; --b: #22b98a; --c: #d8963a; --d: #a781dd; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 28px 24px 60px; background: var(--bg); color: var(--fg); font: 14px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 22px; margin: 0 0 2px; } h1 code { font-size: 20px; }
h2 { font-size: 17px; margin: 34px 0 8px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 14px; margin: 18px 0 6px; }
p { margin: 4px 0 10px; } .dim, .note { color: var(--dim); } .note { font-size: 13px; }
a { color: var(--link); } code { font: 12.5px ui-monospace, "DejaVu Sans Mono", monospace; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 10px; margin: 16px 0; }
.tiles div { background: var(--soft); border-radius: 6px; padding: 9px 12px; } .tiles b { display: block; font-size: 19px; font-weight: 600; } .tiles span { color: var(--dim); font-size: 12.5px; }
.table { overflow-x: auto; margin: 6px 0 14px; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--dim); font-size: 12.5px; } th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
.n { text-align: right; } a.csv { font-size: 12px; }
svg { max-width: 100%; height: auto; display: block; } svg text { fill: var(--fg); font-size: 12px; } svg .grid { stroke: var(--line); stroke-width: 1; } svg .line { fill: none; stroke-width: 2; }
.strip { width: 100%; height: 16px; border-radius: 3px; overflow: hidden; }
.map { display: grid; grid-template-columns: minmax(180px, 290px) 1fr 92px; gap: 4px 12px; align-items: center; font-size: 12.5px; } .map .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .map .n { color: var(--dim); }
.legend { font-size: 12.5px; color: var(--dim); } .legend span { margin-right: 14px; } .legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 5px; }
details { margin: 8px 0; } summary { cursor: pointer; color: var(--dim); }
${["page", "contiguous", "block", "unmapped", "cold", "capacity", "conflict", "invalidated", "a", "b", "c", "d"].map((name) => `rect.${name} { fill: var(--${name}); } path.${name} { stroke: var(--${name}); } i.${name} { background: var(--${name}); }`).join("\n")}
`;
