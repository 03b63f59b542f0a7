import { describe, expect, it } from "vitest";
import { otlpTraces } from "../../../../../../actors/trace-collector/core/exports/otlp.ts";
import type { TraceEvent } from "../../../../../../protocols/trace-collector.ts";

const event = (
  actor: string,
  sequence: number,
  lamport: number,
  cause: string,
  more: Partial<TraceEvent> = {},
): TraceEvent => ({
  actor,
  sequence,
  lamport,
  timeMs: 1_700_000_000_000 + lamport,
  kind: "call",
  subject: "put",
  peer: "client",
  cause,
  detail: "",
  ...more,
});

const spansOf = (events: readonly TraceEvent[]) =>
  otlpTraces(events).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

describe("flight-recorder events as OpenTelemetry spans", () => {
  const chain = [
    event("client", 1, 1, "", { kind: "client.began", subject: "pods/default/web", peer: "" }),
    event("api-server", 7, 2, "client#1"),
    event("etcd", 3, 4, "api-server#7"),
    event("etcd", 4, 9, "", { subject: "other" }),
  ];

  it("are one trace for each chain of causes, each event below what caused it", () => {
    const [began, put, stored, other] = spansOf(chain);
    expect(put?.parentSpanId).toBe(began?.spanId);
    expect(stored?.parentSpanId).toBe(put?.spanId);
    expect(began?.parentSpanId).toBeUndefined();
    expect(new Set([began?.traceId, put?.traceId, stored?.traceId]).size).toBe(1);
    expect(other?.traceId).not.toBe(began?.traceId);
    for (const { traceId, spanId } of spansOf(chain)) {
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
    }
    expect(began).toMatchObject({ name: "client.began", kind: 1 });
    expect(put).toMatchObject({ name: "put", kind: 2 });
  });

  it("last until the last thing that they caused", () => {
    const [began, , stored] = spansOf(chain);
    expect(began).toMatchObject({ startTimeUnixNano: "1700000000001000000", endTimeUnixNano: "1700000000004000000" });
    expect(stored).toMatchObject({ startTimeUnixNano: "1700000000004000000", endTimeUnixNano: "1700000000004000000" });
  });

  it("go on in the trace of a caller outside, and name what is no longer known", () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const outside = `00-${traceId}-00f067aa0ba902b7-01`;
    const [first, second, orphan] = spansOf([
      event("api-server", 1, 1, outside),
      event("etcd", 1, 2, "api-server#1"),
      event("etcd", 2, 3, "forgotten#9"),
    ]);
    expect(first).toMatchObject({ traceId, parentSpanId: "00f067aa0ba902b7" });
    expect(second).toMatchObject({ traceId, parentSpanId: first?.spanId });
    expect(orphan?.parentSpanId).toBe(spansOf([event("forgotten", 9, 1, "")])[0]?.spanId);
  });

  it("are linked to what else they came of: other events, and spans outside that an object named", () => {
    const outside = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const also = (names: string): Partial<TraceEvent> => ({ kind: "linked", peer: "", detail: `also=${names}` });
    const [put, , seen] = spansOf([
      event("api-server", 1, 1, ""),
      event("api-server", 2, 2, ""),
      event("kubelet", 1, 3, "api-server#2", also(`${outside},api-server#1`)),
    ]);
    expect(seen?.links).toEqual([
      { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" },
      { traceId: put?.traceId, spanId: put?.spanId },
    ]);
  });

  it("are grouped by actor, and the same each time", () => {
    const traces = otlpTraces(chain);
    expect(traces.resourceSpans.map(({ resource }) => resource.attributes[0]?.value.stringValue)).toEqual([
      "client",
      "api-server",
      "etcd",
    ]);
    expect(otlpTraces([...chain])).toEqual(traces);
  });
});
