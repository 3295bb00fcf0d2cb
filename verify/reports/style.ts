/** Style of the page: readable on a phone, light and dark as the reader's system says. */
export const style = `
:root {
  --paper: #fff; --ink: #1b1f24; --faint: #5b6570; --line: #d5dae0; --panel: #f5f7f9;
  --good: #116b36; --good-bg: #e2f4e8; --bad: #a4161a; --bad-bg: #fde6e6; --odd: #7a4b00; --odd-bg: #fdf0d5;
  --closed: #243b6b; --closed-bg: #e6ecf8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e9ec; --faint: #9aa4ae; --line: #343b42; --panel: #1d2126;
    --good: #7fd8a0; --good-bg: #14301f; --bad: #ff9c9c; --bad-bg: #3d1719; --odd: #f2c879; --odd-bg: #36290f;
    --closed: #a9c0f5; --closed-bg: #1a2440;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
header { border-radius: .5rem; padding: 1rem 1.25rem; border-left: .5rem solid; }
header.holds { background: var(--good-bg); border-color: var(--good); }
header.fails { background: var(--bad-bg); border-color: var(--bad); }
header.inconclusive { background: var(--odd-bg); border-color: var(--odd); }
header p { margin: .25rem 0; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; color: var(--faint); }
.stack, .more { color: var(--faint); }
.wide { overflow-x: auto; }
/* columns as narrow as letters help nobody: tables scroll */
table { border-collapse: collapse; font-size: .9rem; overflow-wrap: normal; }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
thead th { background: var(--panel); }
/* whose row it is stays on the screen while the table scrolls */
tbody th { position: sticky; left: 0; background: var(--paper); }
.matrix td.open { background: var(--good-bg); }
.matrix td.closed { background: var(--closed-bg); }
td.wrong { background: var(--bad-bg); color: var(--bad); }
td.none { color: var(--faint); }
details { border: 1px solid var(--line); border-radius: .35rem; margin: .3rem 0; background: var(--panel); }
details details { margin: .3rem .6rem; background: var(--paper); }
details.fails { border-color: var(--bad); }
details.inconclusive { border-color: var(--odd); }
summary { display: flex; gap: .5rem; align-items: baseline; padding: .4rem .6rem; cursor: pointer; }
summary::before { content: "\\25b8"; color: var(--faint); }
details[open] > summary::before { content: "\\25be"; }
.title { flex: 1; min-width: 0; }
.id { flex: none; font-family: ui-monospace, monospace; font-weight: 600; }
.more { flex: none; }
.mark { flex: none; font-size: .8rem; padding: 0 .5rem; border-radius: 1rem; }
.mark.holds { color: var(--good); background: var(--good-bg); }
.mark.fails { color: var(--bad); background: var(--bad-bg); }
.mark.inconclusive { color: var(--odd); background: var(--odd-bg); }
dl { margin: 0; padding: 0 .6rem .4rem; display: grid; grid-template-columns: max-content 1fr; gap: .15rem .8rem; font-size: .9rem; }
dt { color: var(--faint); }
dd { margin: 0; }
pre { margin: .2rem .6rem .6rem; padding: .5rem; white-space: pre-wrap; font-size: .8rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: .25rem; }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .35rem; }
  .more { display: none; }
  table { font-size: .8rem; }
  th, td { padding: .3rem .35rem; }
}
@media print { details { break-inside: avoid; } }
`;
