/** The trace log's door: what the flight recorders of all actors hold, merged and filtered. */
import type { KubernetesObject } from "./api-server.ts";
import { InkubeError } from "./errors.ts";
import type { Call, Protocol, Stream } from "./protocol.ts";
import { call, protocol, stream } from "./protocol.ts";

/** One entry of a flight recorder. */
export interface TraceEvent {
  readonly actor: string;
  /** 1, 2, 3 … within the actor, over its restarts. `actor#sequence` names the event. */
  readonly sequence: number;
  /** Lamport clock that keeps up with wall time, in microseconds: an event that can have caused another has a smaller one. */
  readonly lamport: number;
  /** Milliseconds since the Unix epoch; virtual in the simulation. */
  readonly timeMs: number;
  /** One of `TRACE_KINDS`. */
  readonly kind: string;
  /** What it is about: a method of a protocol, or an object as `pods/default/web-1`. */
  readonly subject: string;
  /** The other actor of a message; empty for other events. */
  readonly peer: string;
  /**
   * `actor#sequence` of what caused it; empty when nothing in the cluster did, a W3C `traceparent` where a request says that it
   * is part of a trace outside. What had several causes has the others in its details, as `also=`.
   */
  readonly cause: string;
  /** Fields as `name=value`, separated by blanks. */
  readonly detail: string;
}

export interface TraceFilter {
  /** An actor, or a prefix of its name that ends in a slash: `scheduler-0`, `worker-2/`. */
  readonly actor?: string;
  /** Part of the subject or of the details: `pods/default/web-1`, or `web`. */
  readonly object?: string;
  /** One of `TRACE_KINDS`, or what several of them have before the dot: `pod`, `pod.status`, `call`. */
  readonly kind?: string;
  /** Of that time or later, in milliseconds since the Unix epoch. */
  readonly sinceMs?: number;
  /** Conditions on fields: `kind=write and subject~pods/shop and user!=system:*`. */
  readonly where?: string;
}

/**
 * Every kind of event that the actors of a cluster record: those of the runtime first, then each component's own. In what
 * `supervisor` records, `kill` and `asked` are what was asked from outside, `fault` what went wrong by plan, `down` each end of
 * an actor; `timer` is because it was time. `gap` stands in place of events that are lost (`lost=12`); nobody records it.
 */
export const TRACE_KINDS: readonly string[] = [
  ...["call", "cast", "stream", "start", "stop", "crash", "down", "dead-letter"],
  ...["kill", "asked", "fault", "timer", "reconcile", "linked", "gap"],
  ...["log.debug", "log.info", "log.warn", "log.error"],
  ...["leader-known", "leader-lost", "snapshot-restored", "disk-lost", "disk-recovered"],
  ...["member-replaced", "group-changed"],
  ...[
    "request.create",
    "request.update",
    "request.patch",
    "request.delete",
    "request.deletecollection",
    "request.fault",
    "write",
    "object.flipped",
  ],
  ...["leader-elected", "scheduled", "unschedulable"],
  ...["garbage-collected", "node-lost", "pod-collected", "pod-evicted"],
  ...["node.registered", "node.status", "pod.admitted", "pod.status", "probe.failed", "container.failed"],
  ...["container.created", "container.started", "container.listening", "container.stopped", "container.deleted"],
  ...["kube-proxy.own", "kube-proxy.endpoint-out"],
];

export type TraceErrorCode =
  /** The filter names an actor or a node that is not there. */
  | "NO_SUCH_ACTOR"
  /** The filter names a kind that no actor ever records. */
  | "NO_SUCH_KIND"
  /** A condition that cannot be read. */
  | "INVALID_WHERE"
  /** Nothing is known of what is to be explained. */
  | "NOT_RECORDED"
  /** None of `WHY_QUESTIONS`, and not `changed:FIELD`. */
  | "NO_SUCH_QUESTION"
  /** A file of a trace was written by a newer inkube. */
  | "TRACE_NEWER"
  /** A file is no trace, or is damaged at its beginning. */
  | "TRACE_DAMAGED"
  /** There is no record of a trace where one was to be opened. */
  | "TRACE_NOT_FOUND";

/** What may be asked of an object or an actor beside how it stands now. `changed:spec.replicas` asks who changed that field. */
export const WHY_QUESTIONS = ["pending", "restarted", "deleted", "rescheduled", "stuck", "not-ready"] as const;
export type WhyQuestion = (typeof WHY_QUESTIONS)[number] | `changed:${string}`;

/** Why something is as it is. */
export interface Explanation {
  /** What is explained, as events name it: for something that waits for another thing, that other. */
  readonly about: string;
  readonly sentence: string;
  /** Whether it is as the question has it; else `sentence` says how it is. */
  readonly isSo: boolean;
  /** What happened, the first cause first, what is explained last; messages on the way are left out. */
  readonly chain: readonly TraceEvent[];
  /** `chain` in words: who, and what he did. */
  readonly lines: readonly ExplainedLine[];
  readonly first: TraceEvent;
  /** Whether `first` is where it began: what was asked from outside, struck by plan, or came because it was time. */
  readonly isWhole: boolean;
  /** `certain`: each link is recorded. `likely`: one was told from what happened before, or others had a part in it. `partial`: not whole. */
  readonly confidence: "certain" | "likely" | "partial";
  /** What else had a part in it, or makes it less than certain. */
  readonly notes: readonly string[];
}

export interface ExplainedLine {
  readonly timeMs: number;
  readonly actor: string;
  readonly text: string;
  /** `actor#sequence` of the event. */
  readonly event: string;
  /** How much it says: of a long chain those of the highest are shown first. The first cause and what is explained have the most. */
  readonly weight: number;
}

/** Where two versions of an object are not the same. */
export interface Difference {
  /** `spec.replicas`, `spec.containers[main].image`, `spec.args[0]`, `metadata.labels["app.kubernetes.io/name"]`. */
  readonly path: string;
  /** Absent where it was not there. */
  readonly before?: unknown;
  readonly after?: unknown;
}

/** All that happened to an object or an actor, the oldest first. */
export interface Story {
  /** As events name it. */
  readonly about: string;
  /** With those of its owners, where they were asked for. */
  readonly subjects: readonly string[];
  readonly entries: readonly StoryEntry[];
  /** Whether nothing can be missing of it. */
  readonly isWhole: boolean;
}

export interface StoryEntry {
  readonly timeMs: number;
  readonly actor: string;
  readonly subject: string;
  /** `actor#sequence`. */
  readonly event: string;
  /** Of the event, as its details. */
  readonly kind: string;
  readonly detail: string;
  readonly text: string;
  /** The event that it came of in the first place; null: itself. */
  readonly because: string | null;
  /** Of a write that changed what was there. */
  readonly differences: readonly Difference[];
}

/** What the objects were at a moment. */
export interface StateOfObjects {
  /** Of the last write before. */
  readonly revision: number;
  /** When that was; null where that is not recorded. */
  readonly timeMs: number | null;
  /** By resource, namespace and name. */
  readonly objects: readonly ObjectThen[];
}

export interface ObjectThen {
  readonly subject: string;
  /** Of the write that made it what it was. */
  readonly revision: number;
  /** As it was stored: of ten thousand objects somebody looks at a few. */
  readonly json: string;
}

/** Where two records of the same story part. */
export interface Divergence {
  readonly sentence: string;
  /** What was done to one of them only: faults, kills, requests. */
  readonly causes: readonly { readonly side: "left" | "right"; readonly event: string; readonly text: string }[];
  /** The first that happened in one only, of those causes where there are any; null where there is nothing. */
  readonly first: { readonly left: ExplainedEvent | null; readonly right: ExplainedEvent | null };
  /** Of what the objects are in the end; empty where the records have none. */
  readonly objects: readonly DifferentObject[];
}

export type ExplainedEvent = Omit<ExplainedLine, "weight">;

export interface DifferentObject {
  readonly subject: string;
  /** The side that alone has it; null: both. */
  readonly only: "left" | "right" | null;
  /** `before` is the left's. */
  readonly differences: readonly Difference[];
}

/** What a record can be asked, by `ask`. All fields are texts: a question is also the query of a URL (`questionFrom`). */
export type TraceQuestion =
  | {
      readonly ask: "why";
      readonly ref: string;
      /** One of `WHY_QUESTIONS`, or `changed:FIELD`; how it stands now when absent. */
      readonly as?: string;
    }
  | {
      readonly ask: "story";
      readonly ref: string;
      readonly owners?: "true";
      readonly acrossRecreate?: "true";
    }
  | {
      readonly ask: "state";
      /** `revision 132`, `12:34:56.789`, an event as `scheduler-0#42`, or `10s` ago. */
      readonly at: string;
      readonly resource?: string;
      readonly namespace?: string;
      readonly name?: string;
    };
export type TraceAnswer =
  | { readonly ask: "why"; readonly explanation: Explanation }
  | { readonly ask: "story"; readonly story: Story }
  | { readonly ask: "state"; readonly state: StateOfObjects };
export type AnswerTo<Q extends TraceQuestion> = Extract<TraceAnswer, { readonly ask: Q["ask"] }>;

type FieldsOf<Q extends TraceQuestion> = {
  readonly [K in Exclude<keyof Q, "ask">]-?: undefined extends Q[K] ? "optional" : "required";
};

/** Each question's fields, and whether it needs them. */
export const TRACE_QUESTIONS: {
  readonly [Ask in TraceQuestion["ask"]]: FieldsOf<Extract<TraceQuestion, { readonly ask: Ask }>>;
} = {
  why: { ref: "required", as: "optional" },
  story: { ref: "required", owners: "optional", acrossRecreate: "optional" },
  state: { at: "required", resource: "optional", namespace: "optional", name: "optional" },
};

/** A question from its fields by name. Errors: INVALID_ARGUMENT. */
export function questionFrom(ask: TraceQuestion["ask"], field: (name: string) => string | undefined): TraceQuestion {
  const question: Record<string, string> = { ask };
  for (const [name, need] of Object.entries(TRACE_QUESTIONS[ask])) {
    const value = field(name) ?? "";
    if (value !== "") question[name] = value;
    else if (need === "required") throw new InkubeError("INVALID_ARGUMENT", `${ask} needs ${name}`);
  }
  // Its fields are those that the table names, which the compiler holds to its type.
  return question as TraceQuestion;
}

/** A record in pieces, as its lines of text have them: an event as it is, what else there is under its name. */
export type RecordLine =
  | TraceEvent
  | { readonly gap: { readonly actor: string; readonly after: number; readonly lost: number } }
  /** `object` is absent when it was removed. */
  | { readonly change: { readonly revision: number; readonly subject: string; readonly object?: KubernetesObject } };

/** Errors of all: `TraceErrorCode`. */
export type TraceCollectorMethods = {
  /** Whether the filter can let anything through, for who is about to follow. */
  check: Call<TraceFilter, null>;
  /** What is recorded, in causal order and in batches. Ends with the last of it. */
  events: Stream<TraceFilter, readonly TraceEvent[]>;
  /** All of the record, in batches: gaps, events in causal order, changes of objects by revision. Ends with the last of it. */
  record: Stream<null, readonly RecordLine[]>;
  /** What the record answers. Errors: as of each question. */
  ask: Call<TraceQuestion, TraceAnswer>;
  /** What the recorders hold and then what comes, in batches; what is lost on the way is told as `gap`. Never ends by itself. */
  follow: Stream<TraceFilter, readonly TraceEvent[]>;
};

/** A million events are read from the disk first, and the machine may be busy. */
const ANSWER_TIMEOUT_MS = 30_000;

export const traceCollectorProtocol: Protocol<TraceCollectorMethods> = protocol<TraceCollectorMethods>(
  "trace-collector",
  {
    check: call({ idempotent: true }),
    events: stream(),
    record: stream(),
    ask: call({ idempotent: true, timeoutMs: ANSWER_TIMEOUT_MS }),
    follow: stream(),
  },
);
