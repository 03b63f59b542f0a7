/**
 * What a search did as one HTML file that needs nothing else: no script, and nothing from elsewhere. What was tried where, each
 * failure as a story with its sequence of events and the difference of the ends, and how much the plans have shown.
 */
import type { Difference } from "../chaos/end-state.ts";
import type { PlannedRun, Pruned } from "../chaos/search.ts";
import type { ChaosReport, ToldFailure, TriedPlan } from "../chaos/searcher.ts";
import { sequenceOf } from "./chaos-sequence.ts";
import { escaped } from "./escaped.ts";

export interface Told extends ToldFailure {
  /** Of its story.json, as `inkube chaos replay` takes it. */
  readonly path: string;
  /** Where the page of its trace lies, seen from the report; absent where there is none. */
  readonly page?: string;
}

export interface Reported {
  /** That the exploration is of. */
  readonly file: string;
  readonly seconds: number;
  readonly report: ChaosReport;
  readonly plans: readonly PlannedRun[];
  readonly pruned: readonly Pruned[];
  readonly tried: readonly TriedPlan[];
  /** In the order in which they were found. */
  readonly told: readonly Told[];
}

export function reportOf(reported: Reported): string {
  const { file, told } = reported;
  return [
    `<!DOCTYPE html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8"/>`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>`,
    `<meta name="viewport" content="width=device-width, initial-scale=1"/>`,
    `<title>chaos: ${escaped(file)}</title>`,
    `<style>${STYLE}</style>`,
    `</head>`,
    `<body>`,
    `<main>`,
    ...headOf(reported),
    ...matrixOf(reported),
    ...drawnOf(reported),
    ...coverageOf(reported.tried),
    ...told.map((each, index) => storyOf(each, index + 1, reported.report.found[index]?.plans ?? 1)),
    `</main>`,
    `</body>`,
    `</html>`,
    "",
  ].join("\n");
}

function headOf({ file, seconds, report, told, tried, pruned }: Reported): readonly string[] {
  const { plans, plansLeft, runs, missed, digest, voided } = report;
  const verdict =
    told.length > 0
      ? `${told.length} ${told.length === 1 ? "failure" : "failures"}`
      : plansLeft > 0 || missed.length > 0 || voided.length > 0
        ? "nothing was found, but the search is not complete"
        : "everything holds";
  const facts: readonly (readonly [string, string])[] = [
    ["plans", `${plans} run, ${tried.filter(({ failures }) => failures.length > 0).length} red, ${plansLeft} left out`],
    ["pruned", `${pruned.length} that would do the same as another, or nothing`],
    ["runs", `${runs} in ${seconds.toFixed(1)} s`],
    ["digest without faults", digest],
    ...missed.map((goal) => ["goal that no run met", goal] as const),
    ...voided.map(({ about, why }) => ["run that is void", `${about}: ${why}`] as const),
  ];
  return [
    `<header>`,
    `<h1>chaos: ${escaped(file)}</h1>`,
    `<p class="verdict ${told.length > 0 ? "red" : "green"}">${verdict}</p>`,
    `<dl>${facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>`,
    ...(told.length === 0
      ? []
      : [
          `<nav><ol>`,
          ...told.map(({ story }, index) => {
            const [first = ""] = story.text.split("\n");
            return `<li><a href="#story-${index + 1}">${escaped(story.about)}</a>: ${escaped(`${story.oracle}: ${first}`)}</li>`;
          }),
          `</ol></nav>`,
        ]),
    `</header>`,
  ];
}

interface Cell {
  readonly tried: TriedPlan[];
  /** Plans that the budget left out. */
  left: number;
  pruned: Pruned | undefined;
}

/** Patterns across, moments down: what was tried where. */
function matrixOf({ plans, pruned, tried }: Reported): readonly string[] {
  const rows = new Map<string, { readonly by: string; readonly place: string; readonly cells: Map<string, Cell> }>();
  const patterns = new Set<string>();
  const cellOf = ({ by = "", place, pattern }: Pick<PlannedRun, "by" | "place" | "pattern">): Cell => {
    patterns.add(pattern);
    const key = `${by} ${place}`;
    const row = rows.get(key) ?? { by, place, cells: new Map<string, Cell>() };
    rows.set(key, row);
    const cell = row.cells.get(pattern) ?? { tried: [], left: 0, pruned: undefined };
    row.cells.set(pattern, cell);
    return cell;
  };
  const ran = new Map(tried.map((each) => [each.planned, each]));
  for (const planned of plans) {
    if (planned.by === undefined) continue;
    const cell = cellOf(planned);
    const known = ran.get(planned);
    if (known === undefined) cell.left++;
    else cell.tried.push(known);
  }
  for (const each of pruned) cellOf(each).pruned ??= each;
  if (rows.size === 0) return [];
  const columns = [...patterns];
  const several = new Set([...rows.values()].map(({ by }) => by)).size > 1;
  return [
    `<section id="matrix"><h2>What was tried where</h2>`,
    `<p class="key"><span class="green">✓</span> holds <span class="red">✗</span> does not: a click shows the story `,
    `<span class="pruned">·</span> pruned <span class="left">…</span> left out</p>`,
    `<div class="wide"><table><thead><tr><th>at</th>${columns.map((each) => `<th class="pattern"><span>${escaped(each)}</span></th>`).join("")}</tr></thead>`,
    `<tbody>`,
    ...[...rows.values()].map(({ by, place, cells }) => {
      const name = escaped(several ? `${by}: ${place}` : place);
      return `<tr><th>${name}</th>${columns.map((each) => cellText(cells.get(each))).join("")}</tr>`;
    }),
    `</tbody></table></div></section>`,
  ];
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return `<td></td>`;
  const red = cell.tried.filter(({ failures }) => failures.length > 0);
  const about = cell.tried.map(({ planned }) => planned.about).join("\n");
  const count = cell.tried.length > 1 ? String(cell.tried.length) : "";
  const first = red.find(({ story }) => story !== undefined) ?? red[0];
  if (first !== undefined) {
    const many = red.length > 1 ? String(red.length) : "";
    return `<td class="red" title="${escaped(red.map(({ planned }) => planned.about).join("\n"))}"><a href="#story-${first.story ?? 1}">✗${many}</a></td>`;
  }
  if (cell.tried.length > 0) return `<td class="green" title="${escaped(about)}">✓${count}</td>`;
  if (cell.left > 0) return `<td class="left" title="left out: the budget was used up">…</td>`;
  return `<td class="pruned" title="${escaped(`pruned: ${cell.pruned?.why ?? ""}`)}">·</td>`;
}

/** A square for each plan that was drawn, in their order. */
function drawnOf({ tried }: Reported): readonly string[] {
  const drawn = groupsOf(tried);
  if (drawn.size === 0) return [];
  return [
    `<section id="drawn"><h2>Plans that were drawn</h2>`,
    ...[...drawn].map(([pattern, plans]) => {
      const squares = plans.map(({ planned, failures, story }) => {
        const title = `title="${escaped(planned.about)}"`;
        return failures.length === 0
          ? `<span class="square green" ${title}></span>`
          : `<a class="square red" href="#story-${story ?? 1}" ${title}></a>`;
      });
      return `<p><b>${escaped(pattern)}</b> <span class="squares">${squares.join("")}</span></p>`;
    }),
    `</section>`,
  ];
}

function groupsOf(tried: readonly TriedPlan[]): ReadonlyMap<string, readonly TriedPlan[]> {
  const groups = new Map<string, TriedPlan[]>();
  for (const each of tried) {
    if (each.planned.by !== undefined) continue;
    const group = groups.get(each.planned.pattern);
    if (group === undefined) groups.set(each.planned.pattern, [each]);
    else group.push(each);
  }
  return groups;
}

const CHART = { width: 800, height: 140, points: 400 } as const;

/** How much of the controllers the plans had shown after each of them. */
function coverageOf(tried: readonly TriedPlan[]): readonly string[] {
  const sums: number[] = [];
  let sum = 0;
  for (const { isNew } of tried) sums.push((sum += isNew));
  if (sum === 0) return [];
  const { width, height, points } = CHART;
  const every = Math.max(1, Math.ceil(sums.length / points));
  const line = sums
    .map((value, index) => [((index + 1) / sums.length) * width, height - (value / sum) * height] as const)
    .filter((_, index) => index % every === 0 || index === sums.length - 1)
    .map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`);
  const last = tried.findLastIndex(({ isNew }) => isNew > 0) + 1;
  return [
    `<section id="coverage"><h2>Coverage over plans</h2>`,
    `<p>Operations of controllers, each in a state that they knew of and after a fault, that no plan before had shown: ${sum} by ${tried.length} plans, the last new one by plan ${last}.</p>`,
    `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="coverage over plans"><polyline points="0,${height} ${line.join(" ")}"/></svg>`,
    `</section>`,
  ];
}

function storyOf({ story, events, differences, path, page }: Told, number: number, plans: number): string {
  const { oracle, text, about, steps, plan, seed, digest } = story;
  return [
    `<section class="story" id="story-${number}">`,
    `<h2>${number}. ${escaped(about)}</h2>`,
    `<p class="verdict red">${escaped(oracle)}</p>`,
    `<pre>${escaped(text)}</pre>`,
    `<dl>`,
    `<dt>replay it with</dt><dd><code>inkube chaos replay ${escaped(path)}</code></dd>`,
    ...(page === undefined
      ? []
      : [`<dt>all that happened</dt><dd><a href="${escaped(page)}">${escaped(page)}</a></dd>`]),
    `<dt>plans that came upon it</dt><dd>${plans}</dd>`,
    `<dt>steps</dt><dd>${escaped(steps.join(", "))}</dd>`,
    ...plan.faults.map((fault) => `<dt>fault</dt><dd><code>${escaped(JSON.stringify(fault))}</code></dd>`),
    `<dt>seed</dt><dd>${seed}</dd><dt>digest</dt><dd>${escaped(digest)}</dd>`,
    `</dl>`,
    `<h3>What happened</h3>`,
    sequenceOf(events, plan.faults),
    ...(differences.length === 0
      ? []
      : [`<h3>The end, and the end without faults</h3>`, ...differences.map(differenceText)]),
    `</section>`,
  ].join("\n");
}

function differenceText({ type, subject, before, after }: Difference): string {
  const [wanted, there] = [linesOf(before), linesOf(after)];
  const column = (title: string, lines: readonly string[], others: readonly string[], mark: string): string => {
    const known = new Set(others);
    const text = lines.map((line) =>
      known.has(line) ? escaped(line) : `<span class="${mark}">${escaped(line)}</span>`,
    );
    return `<div><h4>${title}</h4><pre>${text.length === 0 ? "nothing" : text.join("\n")}</pre></div>`;
  };
  return [
    `<article class="difference"><h4>${type}: ${escaped(subject)}</h4><div class="both">`,
    column("without faults", wanted, there, "gone"),
    column("now", there, wanted, "new"),
    `</div></article>`,
  ].join("");
}

function linesOf(json: string | undefined): readonly string[] {
  return json === undefined ? [] : JSON.stringify(JSON.parse(json), undefined, 2).split("\n");
}

const STYLE = `
:root { color-scheme: light dark; --red: #b3261e; --green: #1b7f3b; --grey: #888; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0; }
main { max-width: 1200px; margin: 0 auto; padding: 16px 24px 80px; }
h1 { font-size: 22px; } h2 { font-size: 18px; margin-top: 32px; } h3 { font-size: 15px; } h4 { font-size: 13px; margin: 8px 0 4px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 8px 0; }
dt { color: var(--grey); } dd { margin: 0; overflow-wrap: anywhere; }
pre, code { font: 12.5px/1.45 ui-monospace, monospace; } pre { overflow-x: auto; margin: 4px 0; }
.verdict { font-weight: 600; } p.red { color: var(--red); } p.green { color: var(--green); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px; }
td { border: 1px solid var(--line); text-align: center; min-width: 26px; height: 22px; padding: 0 2px; }
tbody th { text-align: left; font-weight: 400; font-family: ui-monospace, monospace; padding-right: 12px; white-space: nowrap; }
th.pattern { vertical-align: bottom; } th.pattern span { writing-mode: vertical-rl; transform: rotate(180deg); font-weight: 400; }
td.green, .key .green { color: #fff; background: var(--green); } td.red, .key .red { color: #fff; background: var(--red); }
.key span { display: inline-block; min-width: 20px; text-align: center; margin: 0 2px 0 10px; }
td.red a { color: #fff; text-decoration: none; font-weight: 700; display: block; }
td.pruned, td.left { color: var(--grey); }
.squares { display: inline-flex; flex-wrap: wrap; gap: 2px; vertical-align: middle; }
.square { width: 12px; height: 12px; display: inline-block; } .square.green { background: var(--green); } .square.red { background: var(--red); }
.chart { width: 100%; max-width: 800px; height: auto; border: 1px solid var(--line); } .chart polyline { fill: none; stroke: var(--green); stroke-width: 2; }
.story { display: none; border-top: 3px solid var(--red); scroll-margin-top: 8px; } .story:target { display: block; }
main:not(:has(.story:target)) #story-1 { display: block; }
.both { display: grid; grid-template-columns: 1fr 1fr; gap: 16px; } .both > div { min-width: 0; }
.gone { background: #b3261e33; } .new { background: #1b7f3b33; }
svg.sequence { font: 12px ui-monospace, monospace; width: 100%; height: auto; min-width: 860px; }
.sequence text { fill: currentColor; } .sequence .lane { stroke: var(--grey); stroke-dasharray: 2 3; }
.sequence .name { font-weight: 700; } .sequence .time { fill: var(--grey); }
.sequence .request line { stroke: currentColor; } .sequence .delivery line { stroke: #2f6fb7; stroke-dasharray: 6 3; }
.sequence .delivery text { fill: #2f6fb7; } .sequence .struck line { stroke: var(--red); stroke-dasharray: 3 3; }
.sequence .struck text, .sequence .fault text { fill: var(--red); } .sequence .fault rect { fill: #b3261e22; }
.sequence .fault text { font-weight: 700; } .sequence .head { fill: currentColor; stroke: none; } .sequence .delivery .head { fill: #2f6fb7; } .sequence .struck .head { fill: var(--red); }
`;
