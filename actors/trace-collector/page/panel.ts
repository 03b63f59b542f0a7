/** What the page tells beside the timeline: an event with what it came of and changed, the state at a moment, where two records part. */
import type { Divergence, TraceEvent } from "../../../protocols/trace-collector.ts";
import { fieldsOf } from "../core/exports/details.ts";
import { differencesBetween } from "../core/differences.ts";
import { lineOf, phraseOf } from "../core/phrases.ts";
import type { ObjectChange } from "../core/record.ts";
import { TraceRecord, nameOf } from "../core/record.ts";
import { explain } from "../core/why.ts";
import { button, el, timeText } from "./dom.ts";
import type { Model } from "./model.ts";
import { isQuiet } from "./model.ts";

/** Follows a link to another event. */
type OnChoose = (event: TraceEvent) => void;

const EFFECTS_MAX = 30;
const VALUE_MAX = 400;
/** Says when and who, never what. */
const BOOKKEEPING = /^metadata\.(resourceVersion|generation|managedFields)/;

export function eventPanel(model: Model, event: TraceEvent, onChoose: OnChoose): HTMLElement {
  const { kind, subject, detail, peer, timeMs, lamport } = event;
  const facts: [string, string][] = [
    ["about", subject],
    ["by", `${nameOf(event)}${peer === "" ? "" : `, from ${peer}`}`],
    ["at", `${timeText(lamport - model.beginsAt, 0)} · ${new Date(timeMs).toISOString()}`],
    ...fieldsOf(detail),
  ];
  return el(
    "section",
    { class: "event", "data-event": nameOf(event) },
    el("h2", {}, el("span", { class: "kind" }, kind), ` ${phraseOf(model.record, event)}`),
    el(
      "dl",
      {},
      ...facts
        .filter(([, value]) => value !== "")
        .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    ),
    ...whyOf(model, event),
    ...differencesOf(model, event),
    ...causesOf(model, event, onChoose),
    ...effectsOf(model, event, onChoose),
  );
}

function differencesOf(model: Model, event: TraceEvent): readonly HTMLElement[] {
  const written = model.writtenBy(event);
  if (written === undefined) return [];
  const { before, after } = written;
  if (after === undefined) return [el("h3", {}, "It removed the object")];
  if (before === undefined) return [el("h3", {}, "It made the object"), objectText(after)];
  const all = differencesBetween(byName(before), byName(after), BOOKKEEPING);
  const rows = all.map(({ path, before: from, after: to }) =>
    el(
      "tr",
      {},
      el("th", {}, path),
      el(
        "td",
        {},
        ...(from === undefined ? [] : [el("del", {}, valueText(from))]),
        ...(to === undefined ? [] : [el("ins", {}, valueText(to))]),
      ),
    ),
  );
  return [
    el("h3", {}, all.length === 0 ? "It changed nothing that is shown" : "What it changed"),
    el("table", { class: "differences" }, el("tbody", {}, ...rows)),
  ];
}

/** Lists whose items have names or types of their own as tables by these: an item that moves is none that changes. */
function byName(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    const names = items.map((item) => {
      const { type, name } = (item ?? {}) as { readonly type?: unknown; readonly name?: unknown };
      return typeof type === "string" ? type : name;
    });
    const areNamed =
      names.length > 0 && names.every((name) => typeof name === "string") && new Set(names).size === names.length;
    return areNamed ? Object.fromEntries(items.map((item, index) => [names[index], byName(item)])) : items.map(byName);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, byName(field)]));
}

function recordUntil(model: Model, event: TraceEvent): TraceRecord {
  const { events, record, times } = model;
  const revision = times.at(event.lamport);
  return new TraceRecord({
    events: events.slice(0, model.placeOf(event) + 1),
    changes: record.changes.filter((change) => change.revision <= revision),
  });
}

/** Of the object or actor, as far as was known when the event happened. */
function whyOf(model: Model, event: TraceEvent): readonly HTMLElement[] {
  try {
    const { sentence } = explain(recordUntil(model, event), event.subject);
    return [el("h3", {}, "Why, at that moment"), el("p", { class: "why" }, sentence)];
  } catch {
    // It is about nothing that can be asked about.
    return [];
  }
}

function causesOf(model: Model, event: TraceEvent, onChoose: OnChoose): readonly HTMLElement[] {
  const chain = [...model.record.chainOf(event)].reverse();
  const first = chain[0]!;
  const heading = model.record.isRoot(first) ? "What it came of" : "What it came of, as far as the record goes";
  return [
    el("h3", {}, heading),
    el("ol", { class: "chain" }, ...chain.map((each) => line(model, each, onChoose, each === event))),
  ];
}

function effectsOf(model: Model, event: TraceEvent, onChoose: OnChoose): readonly HTMLElement[] {
  const effects = model.record.effectsOf(event);
  if (effects.length === 0) return [];
  const more =
    effects.length > EFFECTS_MAX ? [el("li", { class: "more" }, `and ${effects.length - EFFECTS_MAX} more`)] : [];
  const lines = effects.slice(0, EFFECTS_MAX).map((each) => line(model, each, onChoose, false));
  return [el("h3", {}, "What came of it"), el("ol", { class: "chain" }, ...lines, ...more)];
}

function line(model: Model, event: TraceEvent, onChoose: OnChoose, isOwn: boolean): HTMLElement {
  const { actor, kind, lamport, detail } = event;
  const link = button({ class: isOwn ? "own" : "", title: detail, "data-kind": kind }, "", () => onChoose(event));
  const text = el("span", {}, lineOf(model.record, event));
  link.append(el("time", {}, timeText(lamport - model.beginsAt, 0)), text, el("i", {}, `${actor} \u00b7 ${kind}`));
  return el("li", {}, link);
}

/** @param us since the beginning, in microseconds */
export function statePanel(
  model: Model,
  us: number,
  opened: string | undefined,
  onOpen: (subject: string) => void,
): HTMLElement {
  const lamport = model.beginsAt + us;
  const heading = el("h2", {}, `State at ${timeText(us, 0)}`);
  if (model.record.changes.length === 0) {
    const text =
      "This record has the events alone: what was written of each object is not in it. The bars are what was told of them.";
    return el("section", { class: "state" }, heading, el("p", { class: "empty" }, text));
  }
  const there = model.stateAt(lamport);
  const rows = new Map(model.view("objects").rows.map((row) => [row.key, row]));
  const entry = ({ subject, object, revision }: ObjectChange): HTMLElement => {
    const phase = rows.get(subject)?.phases.findLast(({ from }) => from <= lamport);
    const isOpen = subject === opened;
    const link = button({ "aria-expanded": String(isOpen) }, "", () => onOpen(subject));
    link.append(el("span", {}, subject), el("i", {}, phase?.name ?? ""), el("small", {}, `rev ${revision}`));
    return el("li", { "data-subject": subject }, link, ...(isOpen ? [objectText(object)] : []));
  };
  const own = there.filter(({ subject }) => isQuiet(subject));
  const shown = there.filter(({ subject }) => !isQuiet(subject));
  const count = `${there.length} objects, revision ${model.times.at(lamport)}`;
  return el(
    "section",
    { class: "state" },
    heading,
    el("p", {}, count),
    el("ol", { class: "objects" }, ...shown.map(entry)),
    el(
      "details",
      own.some(({ subject }) => subject === opened) ? { open: "" } : {},
      el("summary", {}, `${own.length} that a cluster keeps for itself`),
      el("ol", { class: "objects" }, ...own.map(entry)),
    ),
  );
}

/** `found`: the first record is the one above. */
export function divergencePanel(
  models: { readonly left: Model; readonly right: Model },
  { sentence, causes, first, objects }: Divergence,
  onChoose: (model: Model, event: TraceEvent) => void,
): HTMLElement {
  const linkTo = (side: "left" | "right", name: string): readonly HTMLElement[] => {
    const event = models[side].record.named(name);
    return event === undefined ? [] : [line(models[side], event, (each) => onChoose(models[side], each), false)];
  };
  const lists = (["left", "right"] as const).flatMap((side) => {
    const own = causes.filter((cause) => cause.side === side).map(({ event }) => event);
    const came = first[side] === null ? [] : [first[side].event];
    const lines = [...new Set([...own, ...came])].flatMap((name) => linkTo(side, name));
    return lines.length === 0
      ? []
      : [el("h3", {}, side === "left" ? "Only above" : "Only below"), el("ol", { class: "chain" }, ...lines)];
  });
  const ends = objects.map(({ subject, only, differences }) => {
    const what =
      only === null ? differences.map(({ path }) => path).join(", ") : `only ${only === "left" ? "above" : "below"}`;
    return el("li", {}, el("b", {}, subject), ` ${what}`);
  });
  return el(
    "section",
    { class: "divergence" },
    el("h2", {}, "Where the two records part"),
    el("p", { class: "why" }, sentence),
    ...lists,
    ...(ends.length === 0 ? [] : [el("h3", {}, "What differs in the end"), el("ol", { class: "ends" }, ...ends)]),
  );
}

function objectText(object: unknown): HTMLElement {
  return el("pre", {}, yamlOf(object, ""));
}

function valueText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX)}…` : text;
}

/** As a person reads YAML; what could be taken for something else stands in quotes. */
function yamlOf(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return value.map((item) => `\n${indent}- ${yamlOf(item, `${indent}  `).replace(/^\n\s*/, "")}`).join("");
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return "{}";
    return entries
      .map(([name, field]) => `\n${indent}${name}: ${yamlOf(field, `${indent}  `)}`)
      .join("")
      .replace(/^\n(?=\S)/, "");
  }
  return typeof value === "string" && /^[\w./:-]+$/.test(value) && !/^[\d.]+$|^(true|false|null)$/.test(value)
    ? value
    : JSON.stringify(value);
}
