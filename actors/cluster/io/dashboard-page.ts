/** The dashboard's page: one document that needs nothing else, for the keyboard as for the mouse, by day and by night. */

const STYLE = `
:root { color-scheme: light dark; --back: #fbfbfa; --card: #fff; --line: #e3e2de; --text: #1d1d1b; --soft: #66645e; --good: #17803d; --wait: #9a6700; --bad: #c22a22; --mark: #2f5fd0 }
@media (prefers-color-scheme: dark) { :root { --back: #161615; --card: #1e1e1d; --line: #343431; --text: #ecebe7; --soft: #a3a199; --good: #4fc374; --wait: #e0ac3d; --bad: #ff7a70; --mark: #8fb0ff } }
* { box-sizing: border-box }
body { margin: 0; padding: 1.25rem clamp(1rem, 3vw, 2.5rem) 3rem; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, sans-serif }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; margin-bottom: 1rem }
h1 { font-size: 1.25rem; margin: 0 } h2 { font-size: .95rem; margin: 0 0 .6rem }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr) }
@media (max-width: 60rem) { main { grid-template-columns: minmax(0, 1fr) } }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; min-width: 0 }
.wide { grid-column: 1 / -1 } .scroll { overflow: auto; max-height: 26rem } #actors .scroll { max-height: none }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 500; color: var(--soft) } th, td { padding: .28rem .6rem .28rem 0; white-space: nowrap; border-bottom: 1px solid var(--line) }
tr.node th, tr.node td { padding-top: .7rem; font-weight: 600; color: var(--text) } tr:not(.node) > th[scope="row"] { padding-left: .9rem; color: var(--text) }
.state::before { content: "\\25CF"; margin-right: .4em } .up { color: var(--good) } .starting, .backoff, .stopping { color: var(--wait) } .ended { color: var(--bad) }
.end { color: var(--soft); max-width: 22rem; overflow: hidden; text-overflow: ellipsis } .soft { color: var(--soft) }
meter { width: 4rem; height: .7rem; vertical-align: middle; margin-right: .4rem }
button, select, input { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: .15rem .6rem }
button { cursor: pointer } button:hover { border-color: currentColor } button.kill { color: var(--bad) } :focus-visible { outline: 2px solid var(--mark); outline-offset: 1px }
.row { display: flex; flex-wrap: wrap; gap: .5rem; margin-bottom: .6rem; align-items: center }
#log { margin: 0; padding: 0; list-style: none; font: 12px/1.5 ui-monospace, monospace; overflow: auto; height: 26rem } #log li { white-space: pre-wrap; overflow-wrap: anywhere; border-bottom: 1px solid var(--line); padding: .1rem 0 }
#log .down, #log .kill, #log .crash { color: var(--bad) } [hidden] { display: none !important }
`;

const SCRIPT = `
"use strict";
const token = new URLSearchParams(location.search).get("token");
history.replaceState(null, "", "/");
const $ = (id) => document.getElementById(id);
const ask = async (path, options = {}) => {
  const answer = await fetch(path, { ...options, headers: { "x-inkube-token": token } });
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
};
const say = (text) => { $("said").textContent = text; };
const make = (name, text, className) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};
const cell = (row, ...children) => { const td = row.appendChild(make("td")); td.append(...children); return td; };
const nodeOf = (name) => {
  const own = /^(worker-\\d+)\\//.exec(name) || /^(?:etcd|api-server|scheduler|controller-manager)-(\\d+)$/.exec(name);
  return own === null ? name : own[1].startsWith("worker") ? own[1] : "master-" + own[1];
};
const rows = new Map();
function rowOf({ name, isNode }) {
  let row = rows.get(name);
  if (row) return row;
  row = make("tr", undefined, isNode ? "node" : "");
  row.dataset.name = name;
  const head = make("th", name); head.scope = "row";
  const state = make("span"), restarts = make("span"), loop = make("meter"), share = make("span"), heap = make("span"), end = make("span");
  loop.max = 1; loop.high = 0.8; loop.optimum = 0; loop.setAttribute("aria-label", "use of the event loop of " + name);
  row.append(head);
  cell(row, state); cell(row, restarts); cell(row, loop, share); cell(row, heap); cell(row, end).className = "end";
  const kill = make("button", "Kill", "kill"); kill.type = "button"; kill.setAttribute("aria-label", "Kill " + name);
  kill.onclick = () => act("kill", name);
  const restore = make("button", "Restore"); restore.type = "button"; restore.setAttribute("aria-label", "Restore " + name);
  restore.onclick = () => act("restore", name);
  cell(row, kill, restore);
  const parts = { state, restarts, loop, share, heap, end, kill, restore };
  rows.set(name, row);
  row.parts = parts;
  return row;
}
function show(actor) {
  const row = rowOf(actor), { state, restarts, loop, share, heap, end, kill, restore } = row.parts;
  state.textContent = actor.state; state.className = "state " + actor.state;
  restarts.textContent = actor.restarts || "";
  loop.hidden = actor.loop === undefined; loop.value = actor.loop || 0;
  share.textContent = actor.loop === undefined ? "" : (100 * actor.loop).toFixed(1) + " %";
  heap.textContent = actor.heapBytes === undefined ? "" : (actor.heapBytes / 1048576).toFixed(1) + " MB";
  const { reason, message, atMs } = actor.lastEnd || {};
  end.textContent = reason === undefined ? "" : new Date(atMs).toLocaleTimeString() + " " + reason + (message ? ": " + message : "");
  end.parentElement.title = end.textContent;
  const isGone = actor.isNode && actor.state === "ended";
  if (document.activeElement === kill && isGone) { restore.hidden = false; restore.focus(); }
  kill.hidden = isGone; kill.disabled = actor.state !== "up";
  restore.hidden = !isGone;
  return row;
}
async function act(what, name) {
  say(what === "kill" ? "killing " + name : "restoring " + name);
  try {
    await ask("/" + what, { method: "POST", body: name });
    say(what === "kill" ? name + " was killed" : name + " is back");
  } catch (error) { say(error.message); }
  await look();
}
async function look() {
  try {
    const { actors } = await (await ask("/state")).json();
    const order = (name) => nodeOf(name).replace(/\\d+/, (number) => number.padStart(4, "0"));
    const sorted = actors.slice().sort((a, b) => order(a.name) < order(b.name) ? -1 : order(a.name) > order(b.name) ? 1 : Number(b.isNode) - Number(a.isNode));
    const shown = sorted.map(show);
    const body = $("rows");
    for (const [index, row] of shown.entries()) if (body.children[index] !== row) body.insertBefore(row, body.children[index] || null);
    while (body.children.length > shown.length) { rows.delete(body.lastChild.dataset.name); body.lastChild.remove(); }
    const running = actors.filter(({ isNode }) => !isNode);
    $("summary").textContent = running.filter(({ state }) => state === "up").length + " of " + running.length + " actors are up";
  } catch { $("summary").textContent = "the cluster does not answer"; }
}
async function objects() {
  try {
    const { columnDefinitions = [], rows: found = [], message } = await (await ask("/objects?resource=" + encodeURIComponent($("kind").value))).json();
    const columns = columnDefinitions.map((column, index) => ({ ...column, index })).filter(({ priority }) => priority === 0);
    const withSpace = found.some(({ object }) => object.metadata.namespace);
    const head = make("tr");
    for (const name of [...(withSpace ? ["Namespace"] : []), ...columns.map(({ name }) => name)]) { const th = head.appendChild(make("th", name)); th.scope = "col"; }
    const lines = found.map(({ cells, object }) => {
      const row = make("tr");
      if (withSpace) cell(row, object.metadata.namespace || "");
      for (const { index } of columns) cell(row, String(cells[index] ?? ""));
      return row;
    });
    $("table").replaceChildren(head, ...lines);
    $("count").textContent = message || (found.length === 1 ? "1 object" : found.length + " objects");
  } catch (error) { $("count").textContent = error.message; }
}
let paused = false;
function tell({ kind, actor, text }) {
  if (paused) return;
  const log = $("log"), wanted = $("filter").value.trim();
  const item = make("li", text, kind); item.hidden = wanted !== "" && !text.includes(wanted);
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(item);
  while (log.children.length > 400) log.firstChild.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}
async function follow() {
  try {
    const reader = (await ask("/trace")).body.pipeThrough(new TextDecoderStream()).getReader();
    for (let left = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (left + value).split("\\n");
      left = lines.pop();
      for (const line of lines) tell(JSON.parse(line));
    }
  } catch (error) { say(error.message); }
}
$("pause").onclick = () => { paused = !paused; $("pause").textContent = paused ? "Go on" : "Pause"; $("pause").setAttribute("aria-pressed", String(paused)); };
$("filter").oninput = () => { for (const item of $("log").children) item.hidden = !item.textContent.includes($("filter").value.trim()); };
$("kind").onchange = objects;
$("refresh").onclick = objects;
const rounds = async () => { await look(); setTimeout(rounds, 1000); };
rounds(); objects(); follow(); setInterval(objects, 3000);
`;

const HEADS = ["Actor", "State", "Restarts", "Event loop", "Heap", "Last end", "Actions"];

/** @param kinds resources by their paths, `apps/v1/deployments`; @param nonce of the page's own style and script */
export function dashboardPage(
  { name, server }: { readonly name: string; readonly server: string },
  kinds: readonly string[],
  nonce: string,
): string {
  const options = kinds.map((kind) => `<option${kind === "v1/pods" ? " selected" : ""}>${escaped(kind)}</option>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(name)} – inkube</title><link rel="icon" href="data:,"><style nonce="${nonce}">${STYLE}</style></head>
<body><header><h1>${escaped(name)}</h1><span class="soft">${escaped(server)}</span><span id="summary"></span><span id="said" role="status" class="soft"></span></header>
<main>
<section id="actors" class="wide" aria-labelledby="h-actors"><h2 id="h-actors">Actors</h2><div class="scroll"><table>
<thead><tr>${HEADS.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead><tbody id="rows"></tbody></table></div></section>
<section aria-labelledby="h-objects"><h2 id="h-objects">Objects</h2>
<div class="row"><label>Kind <select id="kind">${options.join("")}</select></label><button id="refresh" type="button">Refresh</button><span id="count" class="soft"></span></div>
<div class="scroll" tabindex="0" role="region" aria-label="Objects"><table id="table"></table></div></section>
<section aria-labelledby="h-trace"><h2 id="h-trace">Live trace</h2>
<div class="row"><label>Filter <input id="filter" type="search" spellcheck="false"></label><button id="pause" type="button" aria-pressed="false">Pause</button></div>
<ul id="log" tabindex="0" aria-label="Events, the newest at the end"></ul></section>
</main><script nonce="${nonce}">${SCRIPT}</script></body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
