/** The report of a search: one page that is whole, needs nothing else, and shows text of others as text. */
import { describe, expect, it } from "vitest";
import type { Told } from "../../../../../actors/cluster/cli/chaos-report.ts";
import { reportOf } from "../../../../../actors/cluster/cli/chaos-report.ts";
import type { PlannedRun } from "../../../../../actors/cluster/chaos/search.ts";
import type { TriedPlan } from "../../../../../actors/cluster/chaos/searcher.ts";
import type { StoryEvent } from "../../../../../actors/cluster/chaos/story-events.ts";

const EVIL = `</pre><script>alert("1 & 2")</script><img src='x' onerror='y'>`;
const FAULT = {
  id: "crash",
  kind: "controller-crash",
  by: "web",
  when: { on: "write", of: "configmaps/default/a" },
} as const;

function planned(pattern: PlannedRun["pattern"], place: string, by?: string): PlannedRun {
  const plan = { faults: [FAULT] };
  return { pattern, place, about: `${pattern}: ${place}`, plan, ...(by === undefined ? {} : { by }) };
}

function tried(plan: PlannedRun, story?: number): TriedPlan {
  const failures = story === undefined ? [] : [{ oracle: "sameEnd", cause: "extra", text: EVIL }];
  return { planned: plan, failures, story, isNew: 3 };
}

const EVENTS: readonly StoryEvent[] = [
  { kind: "delivery", atMs: 1, by: "web", what: "ADDED configmaps default/site" },
  { kind: "fault", atMs: 2, fault: "crash", what: `crashes web ${EVIL}` },
  { kind: "request", atMs: 2, by: "web", what: "create configmaps default/a", fate: "never answered", isStruck: true },
  {
    kind: "request",
    atMs: 1_500,
    by: "kubernetes-admin",
    what: `delete configmaps ${EVIL}`,
    fate: "answered 200",
    isStruck: false,
  },
];

const TOLD: Told = {
  path: `out/${EVIL}/0001.story.json`,
  events: EVENTS,
  differences: [
    { type: "extra", subject: "ConfigMap default/a-*", text: "", before: undefined, after: `{"data":{"x":"<b>"}}` },
    { type: "changed", subject: "ConfigMap default/b", text: "", before: `{"a":1,"b":2}`, after: `{"a":1,"b":3}` },
  ],
  story: {
    format: "inkube-story-1",
    versions: { inkube: "0", node: "20" },
    seed: 7,
    plan: { faults: [FAULT] },
    steps: ["a site", EVIL],
    oracle: "sameEnd",
    cause: "extra",
    text: EVIL,
    about: `crash-after: create ${EVIL}`,
    events: [],
    digest: "d1",
  },
};

const GREEN = planned("crash-before", "create configmaps/default/a", "web");
const RED = planned("crash-after", "create configmaps/default/a", "web");
const LEFT = planned("down", "ADDED configmaps/default/a", "web");
const DRAWN = planned("random", "1");

const HTML = reportOf({
  file: `sites ${EVIL}.js`,
  seconds: 1.25,
  report: {
    found: [{ story: TOLD.story, plans: 2 }],
    voided: [{ about: "random plan 9: reply-lost", why: "a gap" }],
    plans: 3,
    plansLeft: 1,
    runs: 9,
    missed: [EVIL],
    digest: "d0",
  },
  plans: [GREEN, RED, LEFT, DRAWN],
  pruned: [{ pattern: "late", place: "ADDED configmaps/default/a", by: "web", why: `nothing ${EVIL}` }],
  tried: [tried(GREEN), tried(RED, 1), tried(DRAWN, 1)],
  told: [TOLD],
});

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly inside: (Element | string)[];
}

/** Reads it as XML, which is stricter than what a browser takes. */
function parse(html: string): Element {
  const root: Element = { name: "", attributes: {}, inside: [] };
  const open = [root];
  const token =
    /<!DOCTYPE html>|<style>[^<]*<\/style>|<(\/?)([a-z][a-z0-9]*)((?: [a-zA-Z][a-zA-Z0-9-]*="[^"<]*")*)(\/?)>|([^<]+)/gy;
  let end = 0;
  for (const match of html.matchAll(token)) {
    expect(match.index, `what stands at ${html.slice(end, end + 80)}`).toBe(end);
    end = match.index + match[0].length;
    const [, closes, name, given = "", isEmpty, text] = match;
    if (text !== undefined) {
      expect(text).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
      open.at(-1)!.inside.push(plain(text));
    } else if (name === undefined) continue;
    else if (closes === "/") expect(open.pop()!.name).toBe(name);
    else {
      const attributes = Object.fromEntries(
        [...given.matchAll(/ ([a-zA-Z][a-zA-Z0-9-]*)="([^"]*)"/g)].map(([, key, value]) => [key, plain(value!)]),
      );
      const element: Element = { name, attributes, inside: [] };
      open.at(-1)!.inside.push(element);
      if (isEmpty === "") open.push(element);
    }
  }
  expect(html.slice(end)).toBe("");
  expect(open).toHaveLength(1);
  return root;
}

function plain(text: string): string {
  const signs: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
  return text.replaceAll(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => signs[name]!);
}

function all(element: Element, isWanted: (each: Element) => boolean): readonly Element[] {
  const inside = element.inside.flatMap((each) => (typeof each === "string" ? [] : all(each, isWanted)));
  return isWanted(element) ? [element, ...inside] : inside;
}

function textIn(element: Element): string {
  return element.inside.map((each) => (typeof each === "string" ? each : textIn(each))).join("");
}

describe("the report of a search", () => {
  const page = parse(HTML);
  const named = (name: string): readonly Element[] => all(page, (each) => each.name === name);
  const classed = (name: string): readonly Element[] =>
    all(page, ({ attributes }) => attributes["class"]?.split(" ").includes(name) === true);

  it("has no script, nothing from elsewhere, and none of the text of others as its own", () => {
    expect(named("script")).toEqual([]);
    expect(named("img")).toEqual([]);
    const addresses = all(page, () => true).flatMap(({ attributes }) => [attributes["href"], attributes["src"]]);
    for (const address of addresses) if (address !== undefined) expect(address).toMatch(/^#/);
    expect(HTML).not.toMatch(/url\(|@import|\son[a-z]+="/);
    // Wherever a text of others is shown, it is shown whole.
    expect(textIn(page).split(EVIL).length - 1).toBeGreaterThanOrEqual(8);
  });

  it("shows for each pattern at each moment what came of it, and a click leads to the story", () => {
    const cells = named("td").filter(({ attributes }) => attributes["class"] !== undefined);
    expect(cells.map((cell) => [cell.attributes["class"], textIn(cell)])).toEqual([
      ["green", "✓"],
      ["red", "✗"],
      ["left", "…"],
      ["pruned", "·"],
    ]);
    expect(cells[3]!.attributes["title"]).toBe(`pruned: nothing ${EVIL}`);
    const ids = new Set(all(page, () => true).map(({ attributes }) => attributes["id"]));
    const links = named("a").map(({ attributes }) => attributes["href"]!);
    expect(links).toEqual(["#story-1", "#story-1", "#story-1"]);
    for (const link of links) expect(ids).toContain(link.slice(1));
    expect(classed("square").map(({ attributes }) => attributes["title"])).toEqual(["random: 1"]);
  });

  it("tells a story: what replays it, its events as a diagram with the faults marked, and the difference of the ends", () => {
    const [story] = classed("story");
    const told = textIn(story!);
    expect(told).toContain(`inkube chaos replay ${TOLD.path}`);
    const [diagram] = all(story!, ({ attributes }) => attributes["class"] === "sequence");
    const rows = diagram!.inside.filter((each): each is Element => typeof each !== "string" && each.name === "g");
    expect(rows.map(({ attributes }) => attributes["class"])).toEqual([
      "delivery",
      "fault",
      "request struck",
      "request",
    ]);
    expect(textIn(rows[1]!)).toContain("✖");
    expect(classed("name").map(textIn)).toEqual(["web", "kubernetes-admin", "API servers"]);
    expect(classed("gone").map(textIn)).toEqual(['  "b": 2']);
    expect(classed("new").map(textIn)).toContain('  "b": 3');
  });

  it("draws how much the plans have shown, up to the last of them", () => {
    const [line] = named("polyline");
    expect(line!.attributes["points"]!.split(" ").at(-1)).toBe("800.0,0.0");
    expect(textIn(classed("verdict")[0]!)).toBe("1 failure");
  });
});

it("a search that found nothing has a report without stories", () => {
  const report = { found: [], voided: [], plans: 0, plansLeft: 0, runs: 2, missed: [], digest: "d0" };
  const page = reportOf({ file: "a.js", seconds: 0, report, plans: [], pruned: [], tried: [], told: [] });
  expect(page).toContain("everything holds");
  expect(all(parse(page), ({ name }) => name === "table" || name === "nav")).toEqual([]);
});
