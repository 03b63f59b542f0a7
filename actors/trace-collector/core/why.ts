/** Why an object or an actor is as it is, told from the record: one sentence, and the chain of events that proves it. */
import { InkubeError } from "../../../protocols/errors.ts";
import type { Explanation, TraceEvent } from "../../../protocols/trace-collector.ts";
import { compareEvents } from "../../../protocols/trace-events.ts";
import { phraseOf } from "./phrases.ts";
import type { TraceRecord } from "./record.ts";

/** What is only sent on the way from one thing that happened to the next. */
const SENT: ReadonlySet<string> = new Set(["call", "cast", "stream"]);
const TROUBLES: ReadonlySet<string> = new Set(["unschedulable", "container.failed", "container.stopped"]);
/** Of roots, those by which somebody wanted something to be there. */
const ASKED = /^(request\..*|call|asked)$/;

/**
 * @param ref as `pod/web-1` (in `default`), `pods/shop/web-1`, `node/worker-1`, or the name of an actor
 * Errors: NOT_RECORDED.
 */
export function explain(record: TraceRecord, ref: string): Explanation {
  const subjects = [...subjectsOf(ref)].flatMap((subject) => record.about(subject));
  const told = [...new Set([...subjects, ...record.of(ref, LIFE)])].sort(compareEvents);
  const last = tellingOf(told);
  if (last === undefined) {
    throw new InkubeError("NOT_RECORDED", `nothing is recorded of ${ref}, or not any more`, { details: { ref } });
  }
  const whole = record.chainOf(last);
  const first = whole.at(-1)!;
  const isWhole = record.isRoot(first);
  const chain = whole.filter((event) => event === first || !SENT.has(event.kind)).reverse();
  return { sentence: sentenceOf(last, told, first, isWhole), chain, first, isWhole };
}

/** `pods/default/web-1`, as events name it, by whatever its kind is called; an actor's name stays as it is. */
function subjectsOf(ref: string): ReadonlySet<string> {
  const [kind = "", ...rest] = ref.split("/");
  const lower = kind.toLowerCase();
  const named = new Set([ref]);
  for (const plural of [lower, SHORT_NAMES[lower] ?? pluralOf(lower)]) {
    named.add([plural, ...rest].join("/"));
    if (rest.length === 1) named.add(`${plural}/default/${rest[0]}`);
  }
  return named;
}

/** Of a kind of Kubernetes. */
function pluralOf(kind: string): string {
  if (/[^aeiou]y$/.test(kind)) return `${kind.slice(0, -1)}ies`;
  return /(?:s|x|ch)$/.test(kind) ? `${kind}es` : `${kind}s`;
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  po: "pods",
  no: "nodes",
  ns: "namespaces",
  cm: "configmaps",
  deploy: "deployments",
  rs: "replicasets",
  sts: "statefulsets",
  ds: "daemonsets",
  cj: "cronjobs",
  svc: "services",
  ep: "endpoints",
  sa: "serviceaccounts",
  pv: "persistentvolumes",
  pvc: "persistentvolumeclaims",
  ing: "ingresses",
  netpol: "networkpolicies",
  hpa: "horizontalpodautoscalers",
  pdb: "poddisruptionbudgets",
  crd: "customresourcedefinitions",
  crds: "customresourcedefinitions",
};

/** Of an actor's own events, those that are about itself. */
const LIFE: ReadonlySet<string> = new Set(["start", "crash", "leader-elected"]);

const TAKEN_AWAY: ReadonlySet<string> = new Set(["pod-evicted", "pod-collected", "garbage-collected"]);

/** Of all that has happened to it, what says how it stands now: trouble that is not over, its end, or how it began. */
function tellingOf(told: readonly TraceEvent[]): TraceEvent | undefined {
  let telling: TraceEvent | undefined;
  let inTrouble = false;
  let isGone = false;
  for (const event of told) {
    // Of what has gone nothing more is told until something of its name begins.
    if (isGone && event.kind !== "write" && event.kind !== "start") continue;
    switch (event.kind) {
      case "unschedulable":
      case "container.failed":
      case "node-lost":
      case "pod-evicted":
      case "pod-collected":
      case "garbage-collected":
      case "leader-elected":
      case "crash":
        telling = event;
        inTrouble = true;
        break;
      case "container.stopped":
        if (event.detail.includes("exitCode=0")) break;
        telling = event;
        inTrouble = true;
        break;
      case "scheduled":
      case "container.listening":
        if (telling?.kind === "unschedulable" || telling?.kind === "container.failed") {
          telling = event;
          inTrouble = false;
        }
        break;
      case "down":
        telling = event;
        isGone = true;
        break;
      case "write":
      case "start":
        if (event.detail.startsWith("action=remove")) {
          // Who took it away says more than that it has gone.
          if (telling === undefined || !TAKEN_AWAY.has(telling.kind)) telling = event;
          isGone = true;
          break;
        }
        if (isGone) {
          telling = event;
          isGone = false;
          inTrouble = false;
        }
        // The first of a life: what follows are its changes.
        if (!inTrouble) telling ??= event;
        break;
    }
  }
  return telling ?? told[0];
}

function sentenceOf(last: TraceEvent, told: readonly TraceEvent[], first: TraceEvent, isWhole: boolean): string {
  const times = told.filter(({ kind, detail }) => kind === last.kind && !detail.includes("exitCode=0")).length;
  const what = phraseOf(
    last,
    times,
    told.some((event) => isStartAfter(last, event)),
  );
  const rest = isWhole ? "." : "; what caused that is not in the record.";
  if (first === last) return `${what}${rest}`;
  const seconds = ((last.timeMs - first.timeMs) / 1_000).toFixed(1);
  // Who asked for a pod did not ask for its trouble.
  const link = TROUBLES.has(last.kind) && ASKED.test(first.kind) ? ";" : " because";
  return `${what}${link} ${phraseOf(first, 1)} ${seconds} s before${rest}`;
}

/** Whether the container whose end `last` is was started again. */
function isStartAfter(last: TraceEvent, { kind, detail, lamport }: TraceEvent): boolean {
  const container = last.detail.split(" ")[0];
  return kind === "container.started" && lamport > last.lamport && detail.split(" ")[0] === container;
}
