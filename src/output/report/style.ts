/** The style sheet of the report: system fonts, light and dark, no external resources. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --line: #e3e6eb; --soft: #eef1f5;
  --text: #1a1f29; --dim: #626c7c; --accent: #2b5fd9; --alarm: #cf3a2c; --warn: #b26a00; --good: #1d8348;
  --band: #bcd3f7; --alarm-soft: #fbe6e3; --warn-soft: #fdf1dc;
  --second: #0f8a6d; --third: #b26a00; --fourth: #8a4bbd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --line: #2a3240; --soft: #222a36;
    --text: #e6eaf1; --dim: #97a3b6; --accent: #7ba6ff; --alarm: #ff7868; --warn: #f0b04f; --good: #58c98a;
    --band: #2f4a7d; --alarm-soft: #3a201f; --warn-soft: #362a17;
    --second: #4cc9a6; --third: #f0b04f; --fourth: #c79bf2;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { font-size: 28px; line-height: 1.25; margin: 4px 0 6px; letter-spacing: -0.01em; text-wrap: balance; }
h2 { font-size: 18px; margin: 36px 0 12px; }
p { margin: 0 0 8px; }
code, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.9em; overflow-wrap: anywhere; }
.dim { color: var(--dim); }
.small { font-size: 13px; }
.brand { color: var(--dim); font-size: 13px; font-weight: 600; letter-spacing: 0.08em; text-transform: uppercase; }
.nowrap { white-space: nowrap; }
.number { font-variant-numeric: tabular-nums; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin-top: 20px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; letter-spacing: -0.01em; }
.tile.alarm b { color: var(--alarm); }
.tile.good b { color: var(--good); }
.columns { display: grid; grid-template-columns: 2fr 1fr; gap: 12px; align-items: start; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-size: 12px; font-weight: 600; color: var(--dim); padding: 0 14px 6px 0; white-space: nowrap; }
td { padding: 7px 14px 7px 0; border-top: 1px solid var(--line); vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
.right { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; }
.more { color: var(--dim); font-size: 13px; margin: 10px 0 0; }
.badge { display: inline-block; padding: 1px 9px; border-radius: 999px; background: var(--alarm-soft); color: var(--alarm); font-size: 12.5px; font-weight: 600; white-space: nowrap; }
.times { color: var(--dim); font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.warning { background: var(--warn-soft); border-radius: 8px; padding: 8px 12px; margin: 8px 0 0; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 7px 12px; align-items: center; }
.bar { height: 10px; border-radius: 5px; background: var(--soft); overflow: hidden; min-width: 30px; }
.bar i { display: block; height: 100%; border-radius: 5px; background: var(--alarm); min-width: 3px; }

.timeline { display: grid; grid-template-columns: minmax(90px, max-content) 1fr max-content; gap: 4px 12px; align-items: center; }
.timeline .who { max-width: 190px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.timeline .plot { position: relative; height: 30px; background: var(--soft); border-radius: 4px; }
.timeline.tall .plot { height: 64px; }
.timeline svg { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
.timeline rect { fill: var(--alarm); }
.timeline rect:hover { fill: var(--accent); }
.grid { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--line); }
.axis { position: relative; height: 34px; font-size: 12px; color: var(--dim); }
.axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; text-align: center; line-height: 1.3; }

.days { display: grid; gap: 2px; height: 26px; }
.days span { position: relative; display: grid; place-items: center; min-width: 0; font-size: 12px; font-variant-numeric: tabular-nums; }
.days .cell { border-radius: 3px; background: color-mix(in srgb, var(--alarm) var(--level), var(--soft)); }
.days.tall { height: 92px; margin-bottom: 4px; }
.days.tall span { display: flex; flex-direction: column; justify-content: flex-end; align-items: stretch; text-align: center; background: var(--soft); border-radius: 3px; }
.days.tall i { background: var(--alarm); border-radius: 3px; }
.days.tall small { color: var(--dim); font-size: 12px; }
.days.dates { color: var(--dim); }
.days.dates span { display: block; white-space: nowrap; }

.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
.charts h3, .card h3 { font-size: 15px; margin: 0 0 8px; }
.charts .card p { margin: 6px 0 0; text-wrap: pretty; }
.chart { width: 100%; height: auto; display: block; }
.chart text { fill: var(--dim); font-size: 12px; font-variant-numeric: tabular-nums; }
.chart .name { fill: var(--text); }
.chart .rule { stroke: var(--line); stroke-width: 1; }
.chart .reference { fill: none; stroke: var(--dim); stroke-width: 1.3; stroke-dasharray: 4 4; }
.chart .interval { stroke: var(--accent); stroke-width: 6; stroke-opacity: 0.22; stroke-linecap: round; }
.chart .series { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.chart .s1 { stroke: var(--accent); stroke-width: 2.8; }
.chart .s2 { stroke: var(--second); }
.chart .s3 { stroke: var(--third); stroke-dasharray: 7 3; }
.chart .s4 { stroke: var(--fourth); stroke-dasharray: 2 3; }
.chart .point { fill: var(--accent); stroke: var(--card); stroke-width: 2; }
.chart .point.hollow { fill: var(--card); stroke: var(--accent); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; color: var(--dim); font-size: 13px; margin: 0 0 10px; }
.legend span { display: inline-flex; align-items: center; gap: 7px; }
.legend i { width: 22px; height: 0; border-top: 2px solid var(--accent); }
.legend .s1 { border-top-width: 4px; }
.legend .s2 { border-color: var(--second); }
.legend .s3 { border-color: var(--third); border-top-style: dashed; }
.legend .s4 { border-color: var(--fourth); border-top-style: dotted; border-top-width: 3px; }
.measure { display: grid; grid-template-columns: 1fr 64px; gap: 10px; align-items: center; min-width: 150px; }
.bar.found i { background: var(--good); }
.measure .bar i { min-width: 0; }

.anomaly { margin-top: 12px; }
.anomaly header { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; }
.anomaly .confidence { margin-left: auto; font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
.anomaly .what { margin: 8px 0 12px; font-size: 16px; text-wrap: pretty; overflow-wrap: anywhere; }
.features { display: grid; grid-template-columns: minmax(120px, max-content) minmax(90px, max-content) minmax(140px, 1fr) max-content; gap: 8px 16px; align-items: center; }
.features > * { min-width: 0; overflow-wrap: anywhere; }
.features .value { font-weight: 600; font-variant-numeric: tabular-nums; }
.range { position: relative; height: 14px; background: var(--soft); border-radius: 4px; }
.range i { position: absolute; top: 0; bottom: 0; }
.range .band { background: var(--band); border-radius: 4px; min-width: 3px; }
.range .mark { width: 4px; margin-left: -2px; top: -3px; bottom: -3px; border-radius: 2px; background: var(--alarm); }
.range .mark.inside { background: var(--accent); }
.share { display: flex; align-items: center; gap: 8px; justify-content: flex-end; }
.share .right { min-width: 34px; }
.share .bar { width: 56px; height: 6px; }
.share .bar i { background: var(--accent); }
td.who { min-width: 156px; }
.scroll details { margin-top: 10px; }
.anomaly details { margin-top: 12px; }
.anomaly .instead { margin: 12px 0 0; padding-left: 10px; border-left: 3px solid var(--good); }
summary { cursor: pointer; color: var(--dim); font-size: 13px; }
.fields { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 8px; font-size: 13px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 40px; color: var(--dim); font-size: 13px; }

@media (max-width: 760px) {
  main { padding: 20px 14px 32px; }
  h1 { font-size: 23px; }
  .columns, .charts { grid-template-columns: 1fr; }
  .timeline { grid-template-columns: 1fr max-content; }
  .timeline .who { grid-column: 1 / -1; max-width: none; margin-top: 6px; }
  .timeline .empty { display: none; }
  .axis span:nth-child(even) { display: none; }
  .features { grid-template-columns: 1fr max-content; gap: 3px 12px; }
  .features .value { text-align: right; }
  .features .typical { grid-column: 1 / -1; margin-bottom: 10px; }
  .features .share { display: none; }
  .wide { display: none; }
  td.who { min-width: 0; }
  .card { padding: 14px; }
}
@media print { body { background: none; } .card { break-inside: avoid; } }
`
