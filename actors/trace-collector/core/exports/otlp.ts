/**
 * Events as spans of OpenTelemetry, for any backend that takes OTLP as JSON (`POST /v1/traces`). Each event is a span, what
 * caused it is its parent, what else it came of are links, and it lasts until the last thing that it caused. A chain that began
 * outside with a W3C `traceparent` (given as the `cause` of a call) goes on in that trace.
 *
 * @see opentelemetry-proto 1.x, `trace/v1`, in protobuf's JSON mapping as OTLP changes it: ids in hexadecimal, enums as numbers;
 * OpenTelemetry semantic conventions, `service`, `k8s`, `rpc`, `messaging`; W3C Trace Context, 3.2
 */
import type { TraceEvent } from "../../../../protocols/trace-collector.ts";
import { TRACEPARENT } from "../../../../protocols/traceparent.ts";
import type { TraceRecord } from "../record.ts";
import { nameOf } from "../record.ts";
import { causesOf, fieldsOf, machineOf, tracesOutside } from "./details.ts";

export interface OtlpSpan {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2: an error. */
  readonly status?: { readonly code: 2; readonly message: string };
}

/** 1: internal. 2: server, a call or a stream that was taken up. 5: consumer, a message that nobody answers. */
type SpanKind = 1 | 2 | 5;

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

const SPAN_KINDS: Readonly<Record<string, SpanKind>> = { call: 2, stream: 2, cast: 5 };
const ERRORS: ReadonlySet<string> = new Set(["crash", "container.failed", "dead-letter", "log.error", "probe.failed"]);
/** Resources that have attributes of their own. */
const KUBERNETES: Readonly<Record<string, string>> = {
  pods: "pod",
  nodes: "node",
  namespaces: "namespace",
  deployments: "deployment",
  replicasets: "replicaset",
  statefulsets: "statefulset",
  daemonsets: "daemonset",
  jobs: "job",
  cronjobs: "cronjob",
};

export function* otlpOf({ events }: TraceRecord): Iterable<string> {
  yield `${JSON.stringify(otlpTraces(events))}\n`;
}

/**
 * Ids are made of the events' names, so the same events give the same spans.
 *
 * @param events in any order
 * @param roots of events that came before, by name: what their chain of causes begins with; those of `events` are added
 * @param cluster its name
 */
export function otlpTraces(
  events: readonly TraceEvent[],
  roots: Map<string, string> = new Map(),
  cluster: string = "inkube",
): OtlpTraces {
  const ordered = [...events].sort((left, right) => left.lamport - right.lamport);
  for (const event of ordered) {
    const { cause } = event;
    roots.set(nameOf(event), cause === "" ? nameOf(event) : (roots.get(cause) ?? cause));
  }
  const endsMs = endTimes(ordered);
  const spans = new Map<string, OtlpSpan[]>();
  for (const event of events) {
    const span = spanOf(event, roots, endsMs.get(nameOf(event)) ?? event.timeMs);
    const known = spans.get(event.actor);
    if (known === undefined) spans.set(event.actor, [span]);
    else known.push(span);
  }
  return {
    resourceSpans: [...spans].map(([actor, ofActor]) => ({
      resource: { attributes: resourceOf(actor, cluster) },
      scopeSpans: [{ scope: { name: "inkube" }, spans: ofActor }],
    })),
  };
}

function spanOf(event: TraceEvent, roots: ReadonlyMap<string, string>, endMs: number): OtlpSpan {
  const { kind, subject, detail, cause, timeMs } = event;
  const parent = cause === "" ? undefined : spanIdOf(cause);
  const others = [...tracesOutside(event), ...causesOf(event)].filter((name) => name !== cause);
  const links = others.map((name) => ({ traceId: traceIdOf(roots.get(name) ?? name), spanId: spanIdOf(name) }));
  return {
    traceId: traceIdOf(roots.get(nameOf(event))!),
    spanId: digits(nameOf(event), 1),
    ...(parent === undefined ? {} : { parentSpanId: parent }),
    name: kind in SPAN_KINDS ? subject : kind,
    kind: SPAN_KINDS[kind] ?? 1,
    startTimeUnixNano: nanoseconds(timeMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: attributesOf(event),
    ...(links.length === 0 ? {} : { links }),
    ...(ERRORS.has(kind) ? { status: { code: 2, message: `${subject} ${detail}`.trim() } as const } : {}),
  };
}

/** Of an event by its name, or of a span outside. */
function spanIdOf(name: string): string {
  return TRACEPARENT.exec(name)?.[2] ?? digits(name, 1);
}

function traceIdOf(root: string): string {
  return TRACEPARENT.exec(root)?.[1] ?? digits(root, 2);
}

/** Each event's end is that of the last one of the chains that it began. */
function endTimes(ordered: readonly TraceEvent[]): ReadonlyMap<string, number> {
  const ends = new Map(ordered.map((event) => [nameOf(event), event.timeMs]));
  for (let index = ordered.length - 1; index >= 0; index--) {
    const { cause } = ordered[index]!;
    const known = ends.get(cause);
    if (known !== undefined) ends.set(cause, Math.max(known, ends.get(nameOf(ordered[index]!))!));
  }
  return ends;
}

function resourceOf(actor: string, cluster: string): readonly OtlpAttribute[] {
  const role = actor.replace(/^.*\//, "").replace(/-\d+$/, "");
  return [
    attribute("service.name", role),
    attribute("service.namespace", "inkube"),
    attribute("service.instance.id", actor),
    attribute("k8s.cluster.name", cluster),
    ...(actor.includes("/") ? [attribute("k8s.node.name", machineOf(actor))] : []),
  ];
}

function attributesOf({ actor, sequence, kind, subject, peer, detail }: TraceEvent): readonly OtlpAttribute[] {
  const attributes = [attribute("inkube.event", `${actor}#${sequence}`), attribute("inkube.kind", kind)];
  const add = (key: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") attributes.push(attribute(key, value));
  };
  if (kind === "cast") {
    add("messaging.system", "inkube");
    add("messaging.operation.type", "process");
    add("messaging.destination.name", subject);
  } else if (kind in SPAN_KINDS) {
    add("rpc.system.name", "inkube");
    add("rpc.method", subject);
  } else {
    add("inkube.subject", subject);
    const [resource = "", ...names] = subject.split("/");
    const noun = KUBERNETES[resource];
    if (noun !== undefined) {
      add(`k8s.${noun}.name`, names.at(-1));
      if (names.length === 2) add("k8s.namespace.name", names[0]);
    }
    const fields = fieldsOf(detail);
    add("k8s.container.name", fields.get("container"));
    if (noun !== "node") add("k8s.node.name", fields.get("node"));
    add("user.name", fields.get("user"));
  }
  add("inkube.peer", peer);
  add("inkube.detail", detail);
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
