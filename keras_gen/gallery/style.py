"""The page's style sheet."""

CSS = """
:root {
  color-scheme: light dark;
  --ground: #fcfcfa; --raised: #f3f2ee; --line: #deddd6;
  --text: #1d1f21; --soft: #5e6266; --link: #1f5d94;
  --train: #1f6aa8; --held-out: #b8501c; --mark: #fff3d6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171a; --raised: #1e2125; --line: #34383d;
    --text: #e4e5e2; --soft: #a0a5a9; --link: #8fc1ec;
    --train: #76b4ea; --held-out: #f0a071; --mark: #33301f;
  }
  img { filter: brightness(0.92); }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; padding: 2.5rem 1rem 2rem; max-width: 62.25rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
    "Liberation Sans", Arial, sans-serif;
  overflow-wrap: break-word;
}
a { color: var(--link); text-underline-offset: 0.15em; }
h1, h2, h3, h4 { line-height: 1.2; font-weight: 600; }
h1 { font-size: 2rem; margin: 0 0 0.6rem; letter-spacing: -0.015em; }
h2 { font-size: 1.4rem; margin: 0 0 0.6rem; scroll-margin-top: 1rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 0.6rem; }
h4 { font-size: 0.9rem; margin: 1.2rem 0 0.5rem; color: var(--soft); }
p { margin: 0 0 0.7rem; max-width: 44rem; }
code, pre {
  font-family: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas,
    "Liberation Mono", monospace;
  font-size: 0.92em;
}
.lead { font-size: 1.1rem; }
.facts, .note, figcaption { color: var(--soft); font-size: 0.875rem; }
.class { color: var(--soft); font-size: 0.8em; font-weight: 400; }

nav { margin-top: 2.2rem; }
nav h2 { font-size: 1.05rem; }
nav ul {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 0.75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
}
nav a {
  display: flex; flex-direction: column; gap: 0.5rem;
  height: 100%; padding: 0.75rem; border: 1px solid var(--line);
  border-radius: 6px; background: var(--raised); color: inherit;
  text-decoration: none;
}
nav a:hover, nav a:focus-visible { border-color: var(--link); }
nav a code { font-weight: 600; color: var(--link); }
nav .words > span { display: block; }
nav .value { font-size: 0.875rem; }
nav img { align-self: start; height: 3.75rem; width: auto; max-width: 100%; }
@media (max-width: 40rem) {
  nav a { flex-direction: row; align-items: center; gap: 0.75rem; }
  nav img { flex: none; align-self: center; width: 4rem; height: 2.1rem;
    object-fit: cover; object-position: left; }
}

.entry, main > section { margin-top: 3.5rem; padding-top: 2rem;
  border-top: 1px solid var(--line); }
figure { margin: 1.2rem 0; }
figcaption { margin-top: 0.4rem; max-width: 44rem; }
.walk { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 0 1.2rem; }
.walk img { max-width: 100%; height: auto; }
.walk figcaption { flex: 1 1 14rem; }
img { display: block; border-radius: 3px; image-rendering: pixelated; }
.sheet { overflow-x: auto; }
.sheet img { width: 100%; height: auto; min-width: 40rem; }
/* Reduced pictures are averaged, for dropped rows and columns would show. */
.reduced { image-rendering: auto; }
@media (max-width: 62rem) { figure img { image-rendering: auto; } }

.scroll { overflow-x: auto; margin: 0 0 0.7rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
th, td {
  padding: 0.42rem 0.9rem 0.42rem 0.5rem; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--line);
}
thead th { color: var(--soft); font-weight: 400; font-size: 0.8125rem; }
tbody th { font-weight: 400; }
th:first-child { position: sticky; left: 0; background: var(--ground); }
.number { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.headline > *, .headline > th:first-child { background: var(--mark); }
.headline th, .headline td:nth-child(2) { font-weight: 600; }
.mark {
  display: inline-block; margin-left: 0.25rem; padding: 0 0.4rem;
  border: 1px solid currentcolor; border-radius: 1rem; color: var(--soft);
  font-size: 0.6875rem; font-weight: 400;
}
@media (max-width: 40rem) {
  table { font-size: 0.8125rem; }
  th, td { padding-right: 0.5rem; }
  thead th.number, td.interval { white-space: normal; }
  .mark { margin-left: 0; }
}
.tiles { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; margin: 0 0 0.7rem; }
.tiles dt { font-size: 0.8125rem; color: var(--soft); }
.tiles dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }

.charts {
  display: grid; gap: 1.2rem 1.5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr));
}
.charts + .note { margin-top: 0.6rem; }
.chart { margin: 0; display: flex; flex-direction: column;
  justify-content: space-between; }
.chart figcaption { margin: 0 0 0.2rem; display: flex; flex-wrap: wrap;
  gap: 0 0.9rem; color: var(--text); font-variant-numeric: tabular-nums; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart text { fill: var(--soft); font-size: 11px; font-family: inherit;
  font-variant-numeric: tabular-nums; }
.chart line { stroke: var(--line); }
.chart polyline { fill: none; stroke: currentcolor; stroke-width: 1.75;
  stroke-linejoin: round; }
.chart circle { fill: currentcolor; }
.train { color: var(--train); }
.held-out { color: var(--held-out); }
.held-out polyline { stroke-dasharray: 5 2.5; }

.use { display: grid; gap: 0.75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
pre {
  margin: 0; padding: 0.8rem 1rem; overflow-x: auto; background: var(--raised);
  border: 1px solid var(--line); border-radius: 6px; line-height: 1.6;
}
.use + .note { margin-top: 1rem; }
.glossary { display: grid; gap: 0.8rem 2rem; margin: 1rem 0 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.glossary dt { font-weight: 600; scroll-margin-top: 1rem; }
.glossary dt:target { background: var(--mark); }
.glossary dd { margin: 0; color: var(--soft); font-size: 0.9375rem; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line);
  color: var(--soft); font-size: 0.875rem; }
"""
