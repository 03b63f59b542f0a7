/**
 * Flight-recorder events as spans of OpenTelemetry, for any backend that takes OTLP as JSON (`POST /v1/traces`). Each event
 * is a span, what caused it is its parent, and it lasts until the last thing that it caused. A chain that began outside
 * with a W3C `traceparent` (given as the `cause` of a call) goes on in that trace.
 *
 * @see opentelemetry-proto, `trace/v1`; W3C Trace Context, 3.2
 */
import type { TraceEvent } from "./event.ts";
import { TRACEPARENT } from "../../protocols/traceparent.ts";

export interface OtlpSpan {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1: internal. 2: server, a message that was taken up. */
  readonly kind: 1 | 2;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
}

export interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const MESSAGES: ReadonlySet<string> = new Set(["call", "cast", "stream"]);

/** `events` in any order; ids are made of the events' names, so the same events give the same spans. */
export function otlpTraces(events: readonly TraceEvent[]): OtlpTraces {
  const byName = new Map(events.map((event) => [nameOf(event), event]));
  const endsMs = endTimes(events, byName);
  const spans = new Map<string, OtlpSpan[]>();
  for (const event of events) {
    const name = nameOf(event);
    const root = rootOf(event, byName);
    const outside = TRACEPARENT.exec(root);
    const parent = event.cause === "" ? undefined : (TRACEPARENT.exec(event.cause)?.[2] ?? digits(event.cause, 1));
    const span: OtlpSpan = {
      traceId: outside?.[1] ?? digits(root, 2),
      spanId: digits(name, 1),
      ...(parent === undefined ? {} : { parentSpanId: parent }),
      name: MESSAGES.has(event.kind) ? event.subject : event.kind,
      kind: MESSAGES.has(event.kind) ? 2 : 1,
      startTimeUnixNano: nanoseconds(event.timeMs),
      endTimeUnixNano: nanoseconds(endsMs.get(name) ?? event.timeMs),
      attributes: attributesOf(event),
    };
    const known = spans.get(event.actor);
    if (known === undefined) spans.set(event.actor, [span]);
    else known.push(span);
  }
  return {
    resourceSpans: [...spans].map(([actor, ofActor]) => ({
      resource: { attributes: [attribute("service.name", actor)] },
      scopeSpans: [{ scope: { name: "inkube/runtime" }, spans: ofActor }],
    })),
  };
}

function nameOf({ actor, sequence }: TraceEvent): string {
  return `${actor}#${sequence}`;
}

/** The first of the chain of causes that is still known, or what it names. */
function rootOf(event: TraceEvent, byName: ReadonlyMap<string, TraceEvent>): string {
  let current = event;
  for (;;) {
    if (current.cause === "") return nameOf(current);
    const cause = byName.get(current.cause);
    if (cause === undefined) return current.cause;
    current = cause;
  }
}

/** Each event's end is that of the last one of the chains that it began. Causes come before effects by Lamport time. */
function endTimes(events: readonly TraceEvent[], byName: ReadonlyMap<string, TraceEvent>): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  for (const event of [...events].sort((left, right) => right.lamport - left.lamport)) {
    const endMs = Math.max(event.timeMs, ends.get(nameOf(event)) ?? 0);
    ends.set(nameOf(event), endMs);
    if (byName.has(event.cause)) ends.set(event.cause, Math.max(endMs, ends.get(event.cause) ?? 0));
  }
  return ends;
}

function attributesOf({ actor, sequence, kind, subject, peer, detail }: TraceEvent): readonly OtlpAttribute[] {
  const attributes = [attribute("inkube.event", `${actor}#${sequence}`), attribute("inkube.kind", kind)];
  if (subject !== "") attributes.push(attribute("inkube.subject", subject));
  if (peer !== "") attributes.push(attribute("inkube.peer", peer));
  if (detail !== "") attributes.push(attribute("inkube.detail", detail));
  return attributes;
}

function attribute(key: string, value: string): OtlpAttribute {
  return { key, value: { stringValue: value } };
}

function nanoseconds(timeMs: number): string {
  return (BigInt(Math.round(timeMs * 1_000)) * 1_000n).toString();
}

/** So many times 16 digits that `text` always has, and hardly another one. Never all zeros, which means none. */
function digits(text: string, times: number): string {
  let result = "";
  for (let salt = 1; salt <= 2 * times; salt++) {
    let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b9);
    for (let index = 0; index < text.length; index++) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
      hash ^= hash >>> 15;
    }
    result += (hash >>> 0 || salt).toString(16).padStart(8, "0");
  }
  return result;
}
