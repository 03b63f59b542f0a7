import { beforeAll, describe, expect, it } from "vitest";
import { causesOf } from "../../../../../../actors/trace-collector/core/exports/details.ts";
import { mermaidOf } from "../../../../../../actors/trace-collector/core/exports/mermaid.ts";
import { otlpOf } from "../../../../../../actors/trace-collector/core/exports/otlp.ts";
import { perfettoOf } from "../../../../../../actors/trace-collector/core/exports/perfetto.ts";
import { shivizOf } from "../../../../../../actors/trace-collector/core/exports/shiviz.ts";
import { nameOf, TraceRecord } from "../../../../../../actors/trace-collector/core/record.ts";
import type { OtlpTraces } from "../../../../../../actors/trace-collector/core/exports/otlp.ts";
import type { TraceEvent } from "../../../../../../protocols/trace-collector.ts";
import { recordedRun } from "../../../../../fixtures/recorded-run.ts";
import { otlpProblems } from "../../../../../fixtures/schemas/otlp-trace.ts";
import type { TraceFileEvent } from "../../../../../fixtures/schemas/trace-event-format.ts";
import { traceFileProblems } from "../../../../../fixtures/schemas/trace-event-format.ts";

let record: TraceRecord;
beforeAll(async () => {
  record = await recordedRun();
});

const textOf = (lines: Iterable<string>): string => [...lines].join("");

/** An event that an actor with a taste for markup has recorded. */
const hostile: TraceEvent = {
  actor: "w;orker #1",
  sequence: 1,
  lamport: 1,
  timeMs: 0,
  kind: "log.info",
  subject: "end\n%% note: <b>&quot;",
  peer: "",
  cause: "",
  detail: `a=";"`,
};

describe("a record for Perfetto", () => {
  let events: readonly TraceFileEvent[];
  beforeAll(() => {
    events = (JSON.parse(textOf(perfettoOf(record))) as { readonly traceEvents: readonly TraceFileEvent[] })
      .traceEvents;
  });
  const named = (ph: string, name: string): readonly TraceFileEvent[] =>
    events.filter((event) => event.ph === ph && event.name === name);

  it("is of the trace event format", () => {
    expect(traceFileProblems({ traceEvents: events })).toEqual([]);
    expect(
      traceFileProblems({ traceEvents: [{ ph: "X", name: "a", cat: "b", pid: 1, tid: 1, ts: "0", dur: 1 }] }),
    ).toEqual(["0 (X): ts is wrong or unknown"]);
  });

  it("has a process for each node, a track for each actor, and each event once, none across another of its track", () => {
    const processes = named("M", "process_name").map(({ args }) => args?.["name"]);
    expect(processes).toEqual(expect.arrayContaining(["objects", "master-0", "worker-1", "cluster"]));
    const tracks = named("M", "thread_name").map(({ args }) => args?.["name"] as string);
    expect(tracks.sort()).toEqual([...new Set(record.events.map(({ actor }) => actor))].sort());
    const slices = events.filter(({ ph }) => ph === "X");
    expect(slices).toHaveLength(record.events.length);
    const ends = new Map<number, number>();
    for (const { tid, ts, dur = 0 } of slices) {
      expect(ts).toBeGreaterThanOrEqual(ends.get(tid) ?? 0);
      ends.set(tid, ts + dur);
    }
  });

  it("has an arrow from each cause, within both of its slices, that never points back", () => {
    const known = record.events.flatMap((event) => causesOf(event).filter((name) => record.named(name) !== undefined));
    const begins = new Map(named("s", "cause").map((event) => [event.id, event]));
    const ends = named("f", "cause");
    expect(ends).toHaveLength(known.length);
    expect(begins.size).toBe(known.length);
    const at = new Set(events.filter(({ ph }) => ph === "X").map(({ tid, ts }) => `${tid} ${ts}`));
    for (const end of ends) {
      const begin = begins.get(end.id)!;
      expect(end.ts).toBeGreaterThan(begin.ts);
      for (const { tid, ts } of [begin, end]) expect(at).toContain(`${tid} ${Math.floor(ts)}`);
    }
  });

  it("closes each phase of an object, and counts the pods in each", () => {
    const open = new Map<unknown, number>();
    for (const { ph, id } of events) {
      if (ph === "b") open.set(id, (open.get(id) ?? 0) + 1);
      if (ph === "e") open.set(id, open.get(id)! - 1);
    }
    expect(open.size).toBeGreaterThan(10);
    expect([...open.values()].filter((count) => count !== 0)).toEqual([]);
    expect(named("C", "pods").some(({ args }) => args?.["Running"] === 3)).toBe(true);
  });
});

describe("a record for OpenTelemetry", () => {
  it("is of opentelemetry-proto's messages, in OTLP's JSON", () => {
    const traces = JSON.parse(textOf(otlpOf(record))) as OtlpTraces;
    expect(otlpProblems(traces)).toEqual([]);
    const spans = traces.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(record.events.length);
    expect(spans.some(({ links }) => links !== undefined)).toBe(true);
    expect(otlpProblems({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: "a", id: 1 }] }] }] })).toEqual([
      "$.resourceSpans[0].scopeSpans[0].spans[0].traceId is no traceId",
      "$.resourceSpans[0].scopeSpans[0].spans[0].id is no field of Span",
    ]);
  });
});

describe("a record for ShiViz", () => {
  it("is what the expression of its first line parses, event for event", () => {
    const [expression = "", empty, ...lines] = textOf(shivizOf(record)).split("\n");
    expect(empty).toBe("");
    const text = lines.join("\n");
    const parsed = [...text.matchAll(new RegExp(expression, "g"))].map(({ groups }) => groups!);
    expect(parsed).toHaveLength(record.events.length);
    expect(text.replaceAll(new RegExp(expression, "g"), "").trim()).toBe("");
    const counts = new Map<string, number>();
    for (const { host = "", clock = "" } of parsed) {
      const own = (JSON.parse(clock) as Readonly<Record<string, number>>)[host];
      expect(own).toBe((counts.get(host) ?? 0) + 1);
      counts.set(host, own!);
    }
  });

  it("has clocks by which a cause is before what it caused, and what has nothing to do with it is not", () => {
    const clocks = [...textOf(shivizOf(record)).matchAll(/ (\{.*\})$/gm)].map(
      ([, clock]) => JSON.parse(clock!) as Readonly<Record<string, number>>,
    );
    const byName = new Map(record.events.map((event, index) => [nameOf(event), clocks[index]!]));
    const isBefore = (left: string, right: string): boolean =>
      Object.entries(byName.get(left)!).every(([host, count]) => count <= (byName.get(right)![host] ?? 0));
    let seen = 0;
    for (const event of record.events) {
      for (const cause of causesOf(event)) {
        if (!byName.has(cause)) continue;
        seen++;
        expect(isBefore(cause, nameOf(event)), `${cause} -> ${nameOf(event)}`).toBe(true);
        expect(isBefore(nameOf(event), cause)).toBe(false);
      }
    }
    expect(seen).toBeGreaterThan(100);
    const started = record.events
      .filter(({ kind }) => kind === "start")
      .slice(0, 2)
      .map(nameOf);
    expect([isBefore(started[0]!, started[1]!), isBefore(started[1]!, started[0]!)]).toEqual([false, false]);
  });

  it("is one line where an event has several", () => {
    const text = textOf(shivizOf(new TraceRecord({ events: [hostile] })));
    expect(text.split("\n").slice(2)).toEqual([
      `w;orker_#1 {"w;orker_#1":1}`,
      `log.info end %% note: <b>&quot; a=";"`,
      "",
    ]);
  });
});

describe("a record for Mermaid", () => {
  it("is a sequence diagram: an arrow from who caused an event, a note for what came of itself", () => {
    const scheduled = record.events.find(({ kind }) => kind === "scheduled")!;
    const text = textOf(mermaidOf(new TraceRecord({ events: record.chainOf(scheduled) })));
    const [head, ...lines] = text.trimEnd().split("\n");
    expect(head).toBe("sequenceDiagram");
    expect(text).toMatch(/participant p\d+ as scheduler-\d/);
    expect(text).toMatch(/p\d+->>p\d+: scheduled pods\/default\/web-\S+ node=worker-/);
    for (const line of lines) {
      expect(line).toMatch(/^ {2}(participant p\d+ as \S.*|p\d+->>p\d+: \S.*|Note over p\d+: \S.*)$/);
    }
  });

  it("lets nothing that was recorded be taken for a statement", () => {
    expect(textOf(mermaidOf(new TraceRecord({ events: [hostile] })))).toBe(
      [
        "sequenceDiagram",
        "  participant p1 as w#59;orker #35;1",
        "  Note over p1: log.info end #37;#37; note#58; #60;b#62;#38;quot#59; a=#34;#59;#34;",
        "",
      ].join("\n"),
    );
  });

  it("tells how much it leaves out", () => {
    const events = Array.from({ length: 400 }, (_, index) => ({ ...hostile, sequence: index + 1, lamport: index + 1 }));
    expect(textOf(mermaidOf(new TraceRecord({ events })))).toContain("Note over p1: 100 events before are left out");
  });
});
